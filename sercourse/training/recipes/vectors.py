"""What the recipes share whose networks take one vector per utterance: functionals, with several labels.

Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from sercourse.errors import UserError
from sercourse.models.multitask import MAIN, Classes, MultiTaskModel
from sercourse.training.batches import Examples, Item, class_index
from sercourse.training.recipes.base import FeatureMaps, Recipe
from sercourse.training.settings import Settings


@dataclass(frozen=True)
class VectorConfig:
    """Which vectors an utterance is.

    Raises:
        ValueError: none are named.
    """

    functionals: tuple[str, ...] = ("is10",)
    """Feature sets with one vector per utterance, joined in this order."""

    def __post_init__(self) -> None:
        if not self.functionals:
            raise ValueError("functionals: needs one or more feature sets, such as is10")


class Vectors(Examples):
    """One vector per utterance, with the labels of several tasks.

    Args:
        features: the functionals.
        table: a column per task.
        classes: of every task, their names.
        functionals: names of the sets, joined in this order.
    """

    padded = ("functionals",)  # all of one length, so nothing is

    def __init__(
        self, features: FeatureMaps, table: pd.DataFrame, classes: Classes, functionals: tuple[str, ...]
    ) -> None:
        self.features, self.functionals = features, functionals
        self.labels = tuple(classes)
        self.labels_of = {
            task: {i: class_index(label, names) for i, label in table[task].items()} for task, names in classes.items()
        }
        self._kept: dict[str, Item] = {}

    def length(self, utterance_id: str) -> int:
        """1, for there are no frames."""
        return 1

    def training_item(self, utterance_id: str, rng: np.random.Generator) -> Item:
        """The vector with all labels; nothing is disturbed."""
        return self._whole(utterance_id)

    def evaluation_items(self, utterance_id: str) -> list[Item]:
        """The same."""
        return [self._whole(utterance_id)]

    def _whole(self, utterance_id: str) -> Item:
        if utterance_id not in self._kept:
            vector = joined_functionals(self.features, utterance_id, self.functionals)
            self._kept[utterance_id] = {"functionals": vector} | {
                task: labels[utterance_id] for task, labels in self.labels_of.items()
            }
        return self._kept[utterance_id]


def joined_functionals(features: FeatureMaps, utterance_id: str, names: tuple[str, ...]) -> np.ndarray:
    """Functional vectors of one utterance, one behind the other, ``(D,)``.

    Raises:
        UserError: a set has a time axis.
    """
    vectors = [features[name][utterance_id] for name in names]
    for name, vector in zip(names, vectors, strict=True):
        if vector.ndim != 1:
            raise UserError(f"--set functionals={name}: has a value per frame; choose sets with one vector, as is10.")
    return np.concatenate(vectors).astype(np.float32)


def vector_statistics(
    features: FeatureMaps, ids: Sequence[str], names: tuple[str, ...]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of every functional over some utterances, ``(D,)`` each; without sets ``D`` is 0.

    Raises:
        UserError: a set has a time axis.
    """
    joined = [joined_functionals(features, i, names) for i in ids] if names else [np.zeros(0)]
    if len({len(vector) for vector in joined}) > 1:
        raise UserError(
            f"--set functionals={','.join(names)}: its length differs from utterance to utterance; choose sets with one"
            " vector, as is10."
        )
    vectors = np.stack(joined)
    varies = vectors.max(0) > vectors.min(0)  # a constant feature has a spread of rounding errors, not of 0
    mean, spread = vectors.mean(0, dtype=np.float64), np.where(varies, vectors.std(0, dtype=np.float64), 0.0)
    return torch.from_numpy(mean).float(), torch.from_numpy(spread).float()


class VectorRecipe(Recipe):
    """A recipe for a network that is made of ``inputs, classes, config`` and scales its inputs in ``scale``.

    Attributes:
        network: its class.
    """

    network: Callable[..., MultiTaskModel]

    def features(self, settings: Settings) -> tuple[str, ...]:
        """The functionals."""
        return settings.data.functionals

    def labels(self, settings: Settings) -> tuple[str, ...]:
        """The emotion and the auxiliary label."""
        return MAIN, settings.model.auxiliary

    def examples(self, features: FeatureMaps, table: pd.DataFrame, classes: Classes, settings: Settings) -> Vectors:
        """A vector per utterance."""
        return Vectors(features, table, classes, settings.data.functionals)

    def model(self, features: FeatureMaps, ids: Sequence[str], classes: Classes, settings: Settings) -> MultiTaskModel:
        """A fresh network, scaled to the utterances ``ids``."""
        mean, spread = vector_statistics(features, ids, settings.data.functionals)
        model = self.network(len(mean), classes, settings.model)
        model.scale.fit(mean, spread)
        return model

    def shape(self, model: MultiTaskModel) -> dict:
        """Width of the vectors, names of the classes."""
        return {"inputs": len(model.scale.mean), "classes": model.classes}

    def empty_model(self, about: dict, settings: Settings) -> MultiTaskModel:
        """A network of that shape."""
        return self.network(about["inputs"], about["classes"], settings.model)
