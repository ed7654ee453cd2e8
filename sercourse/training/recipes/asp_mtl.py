"""Recipe of chapter 03: frames of mel spectrum, MFCC and prosody; two tasks that draw speech; ASP-MTL.

Source: Liu and Zhang, IEEE Access 2023, section IV C (features) and E (hidden size, dropout, learning rate, batch).
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from sercourse.errors import UserError
from sercourse.losses.masked import MISSING
from sercourse.models import ranges
from sercourse.models.asp_mtl import AspMtl
from sercourse.models.asp_mtl_config import AspMtlConfig
from sercourse.models.multitask import MAIN, Classes
from sercourse.training.batches import Examples, Item, class_index
from sercourse.training.recipes.base import FeatureMaps, Recipe, frame_statistics
from sercourse.training.settings import LoopConfig, Settings

FEATURES: tuple[str, ...] = ("logmel", "mfcc", "prosody")
"""All every 10 ms: 64 mel bands, 13 MFCC with slopes, pitch, zero-crossing rate and energy; the bands come first."""

BANDS = 64
ENERGY = 2
"""Column of the energy in ``prosody``."""


@dataclass(frozen=True)
class FrameConfig:
    """How utterances become frames, and who draws them.

    Raises:
        ValueError: a value outside its range.
    """

    step: int = 1
    """Every so many frames of 10 ms one is kept."""
    max_frames: int = 400
    """Longest stretch in training, kept frames; it begins anywhere. Evaluation takes the whole utterance."""
    auxiliary_share: float = 0.5
    """discriminate=task: share of the draws that the auxiliary task makes."""

    def __post_init__(self) -> None:
        ranges.at_least_one(self, "step", "max_frames")
        if not 0 < self.auxiliary_share < 1:
            raise ValueError(f"auxiliary_share={self.auxiliary_share}: must be above 0 and below 1")


class Frames(Examples):
    """Frames of utterances, with the labels of the task that draws them.

    Where the discriminator tells tasks apart, every draw is one task's: the emotion task draws utterances with an
    emotion and sees no auxiliary label, the auxiliary task draws utterances with its label and sees no emotion. An
    utterance with both labels is drawn by either, by chance. Where it tells the auxiliary label, an utterance brings
    all labels that it has.

    Args:
        features: :data:`FEATURES`.
        table: emotion and auxiliary labels; for a soft mask also ``clean`` and ``gain``.
        classes: names of the classes.
        settings: of data and network.

    Raises:
        UserError: a soft mask is to be learnt and the clean version of an utterance is not in the table.
    """

    padded = ("frames", "clean")

    def __init__(self, features: FeatureMaps, table: pd.DataFrame, classes: Classes, settings: Settings) -> None:
        self.features, self.config, self.model = features, settings.data, settings.model
        self.auxiliary = self.model.auxiliary
        self.labels = (MAIN, self.auxiliary, "task", "clean")
        self.labels_of = {
            task: {i: class_index(label, classes[task]) for i, label in table[task].items()}
            for task in (MAIN, self.auxiliary)
        }
        self.clean: dict[str, tuple[str, float]] = {}
        if self.model.mask and "clean" not in table and table[MAIN].notna().any():  # not to predict, but to learn
            raise UserError(
                "mask=true: needs clean versions of noisy speech; take a corpus with conditions by name, such as"
                " emodb+none+white@0, or add --set mask=false."
            )
        if self.model.mask and "clean" in table:
            if table.index.str.contains("#").any():
                raise UserError("mask=true: cannot be learnt from crops; leave --unit crop out.")
            origins = table["clean"] + "~none"
            missing = origins[~origins.isin(table.index)]
            if len(missing):
                raise UserError(
                    f"mask=true: '{missing.index[0]}' has no clean version in the corpus; name it with the condition"
                    " none, such as emodb+none+white@0, or add --set mask=false."
                )
            decibels = 20 * np.log10(table["gain"].to_numpy(dtype=float))
            self.clean = {i: (origin, shift) for i, origin, shift in zip(table.index, origins, decibels, strict=True)}
        self._kept: dict[str, Item] = {}

    def length(self, utterance_id: str) -> int:
        """Frames of a training item."""
        return min(len(self._whole(utterance_id)["frames"]), self.config.max_frames)

    def training_item(self, utterance_id: str, rng: np.random.Generator) -> Item:
        """A stretch that begins anywhere, drawn by one of the tasks."""
        item = dict(self._whole(utterance_id))
        if self.model.discriminate == "task":
            item |= self._drawn(item, rng)
        frames = len(item["frames"])
        first = rng.integers(max(frames - self.config.max_frames, 0) + 1)
        for name in self.padded:
            if name in item:
                item[name] = item[name][first : first + self.config.max_frames]
        return item | {"length": len(item["frames"])}

    def evaluation_items(self, utterance_id: str) -> list[Item]:
        """The whole utterance with all its labels."""
        return [self._whole(utterance_id)]

    def _drawn(self, item: Item, rng: np.random.Generator) -> Item:
        """The draw of one task: who drew, and the other one's label taken away."""
        chance = rng.random() < self.config.auxiliary_share
        known = item[MAIN] != MISSING, item[self.auxiliary] != MISSING
        auxiliary = chance if all(known) else known[1]
        return {"task": int(auxiliary), MAIN if auxiliary else self.auxiliary: MISSING}

    def _whole(self, utterance_id: str) -> Item:
        if utterance_id not in self._kept:
            frames = joined_frames(self.features, utterance_id)[:: self.config.step].copy()  # a view would keep all
            item: Item = {"frames": frames, "length": len(frames), "task": MISSING}
            item |= {task: labels[utterance_id] for task, labels in self.labels_of.items()}
            if self.clean:
                origin, shift = self.clean[utterance_id]
                item["clean"] = self.features["logmel"][origin][:: self.config.step] + np.float32(shift)
            self._kept[utterance_id] = item
        return self._kept[utterance_id]


def joined_frames(features: FeatureMaps, utterance_id: str) -> np.ndarray:
    """All features of every frame, ``(T, F)`` float32; the energy in dB."""
    parts = [np.asarray(features[name][utterance_id], dtype=np.float32) for name in FEATURES]
    prosody = parts[-1].copy()
    prosody[:, ENERGY] = 10 * np.log10(np.maximum(prosody[:, ENERGY], 1e-10))
    return np.concatenate([*parts[:-1], prosody], axis=1)


class _Recipe(Recipe):
    name = "asp_mtl"
    seconds = {"quick": 0.4, "course": 1.0, "paper": 1.5}  # noqa: RUF012 (never changed)
    profiles = {  # noqa: RUF012 (never changed)
        "quick": Settings(
            LoopConfig(epochs=8, batch_size=32, learning_rate=3e-3),
            FrameConfig(step=4, max_frames=100),
            AspMtlConfig(discriminate="label", critic_rate=10.0, correlation_weight=20.0, dropout=0.2),
        ),
        "course": Settings(
            LoopConfig(epochs=30, batch_size=64, learning_rate=2e-3, schedule="cosine", clip=1.0, precision="bf16"),
            FrameConfig(step=2, max_frames=200),
            AspMtlConfig(
                hidden=64,
                head=64,
                discriminate="label",
                critic=(32,),
                critic_rate=10.0,
                correlation_weight=20.0,
                dropout=0.3,
            ),
        ),
        "paper": Settings(LoopConfig(epochs=100, batch_size=256, learning_rate=1e-3), FrameConfig(), AspMtlConfig()),
    }

    def features(self, settings: Settings) -> tuple[str, ...]:
        return FEATURES

    def settings(self, profile: str, assignments: Sequence[str] = ()) -> Settings:
        found = super().settings(profile, assignments)
        if found.loop.balancer == "gradnorm":
            raise UserError(
                "--set balancer=gradnorm: ASP-MTL has no layer that all its losses share, for the auxiliary head hears"
                " private features alone; take balancer=fixed."
            )
        return found

    def labels(self, settings: Settings) -> tuple[str, ...]:
        return MAIN, settings.model.auxiliary

    def examples(self, features: FeatureMaps, table: pd.DataFrame, classes: Classes, settings: Settings) -> Frames:
        return Frames(features, table, classes, settings)

    def model(self, features: FeatureMaps, ids: Sequence[str], classes: Classes, settings: Settings) -> AspMtl:
        mean, spread = frame_statistics(joined_frames(features, i) for i in ids)
        model = AspMtl(len(mean), classes, settings.model, bands=BANDS)
        model.scale.fit(torch.from_numpy(mean), torch.from_numpy(spread))
        return model

    def shape(self, model: AspMtl) -> dict:
        return {"inputs": len(model.scale.mean), "classes": model.classes}

    def empty_model(self, about: dict, settings: Settings) -> AspMtl:
        return AspMtl(about["inputs"], about["classes"], settings.model, bands=BANDS)


RECIPE = _Recipe()
"""What `sercourse train asp_mtl` runs."""
