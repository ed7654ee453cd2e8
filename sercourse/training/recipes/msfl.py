"""Recipe of chapter 06: functionals read feature by feature, emotion with language.

No optimiser, rate, batch or number of epochs is public; all of them are ours. The paper profile reads IS10 as bare
numbers; the others read eGeMAPS, which is 18 times as short, with a learnt vector per feature, without which an LSTM
hardly knows which feature it is reading (table ``msfl/languages`` shows both).

Source: Ma and Wang 2022.
Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sercourse.errors import UserError
from sercourse.models.msfl import LANGUAGE, Msfl, MsflConfig
from sercourse.models.multitask import MAIN
from sercourse.training.recipes.vectors import VectorConfig, VectorRecipe
from sercourse.training.settings import LoopConfig, Settings


@dataclass(frozen=True)
class MsflData(VectorConfig):
    """Which vectors, and whose labels."""

    functionals: tuple[str, ...] = ("egemaps",)
    """Feature sets with one vector per utterance, joined in this order."""
    random_labels: bool = False
    """Deal the labels of all tasks out anew by chance before training, to every network in its own way, and choose no
    epoch: what is learnt then is neither emotion nor language, and two networks share no shuffle."""


class _Recipe(VectorRecipe):
    name = "msfl"
    network = Msfl
    seconds = {"quick": 0.03, "course": 0.05, "paper": 1.1}  # noqa: RUF012 (never changed)
    profiles = {  # noqa: RUF012 (never changed)
        "quick": Settings(
            LoopConfig(epochs=20, batch_size=32, learning_rate=1e-2, schedule="cosine", weight_decay=1e-2, clip=1.0),
            MsflData(),
            MsflConfig(hidden=16, attention=16, tokens=8),
        ),
        "course": Settings(
            LoopConfig(epochs=40, batch_size=64, learning_rate=1e-2, schedule="cosine", weight_decay=1e-2, clip=1.0),
            MsflData(),
            MsflConfig(tokens=16),
        ),
        "paper": Settings(
            LoopConfig(epochs=100, batch_size=64, learning_rate=1e-3, schedule="cosine", clip=1.0, balancer="gradnorm"),
            MsflData(functionals=("is10",)),
            MsflConfig(hidden=128, attention=128, private=(128,)),
        ),
    }

    def settings(self, profile: str, assignments: Sequence[str] = ()) -> Settings:
        """As the base's.

        Raises:
            UserError: with mimo, an epoch chosen by a loss that it does not have.
        """
        asked = super().settings(profile, assignments)
        if asked.data.random_labels:  # validation has the true ones: an epoch chosen by them would know of emotion
            asked = asked.changed(("select=last", "patience=0"))
        if asked.model.form == "mimo" and asked.loop.select == "loss":
            raise UserError("--set select=loss: with form=mimo the emotion has a loss per language; take select=ua.")
        return asked

    def labels(self, settings: Settings) -> tuple[str, ...]:
        """The emotion, and the language where it is a task."""
        return (MAIN, LANGUAGE) if settings.model.language_weight else (MAIN,)

    def notices(self, table: pd.DataFrame, settings: Settings) -> list[str]:
        """Where a language shows one emotion alone, knowing the language is knowing the emotion."""
        shown = table[table[MAIN].notna()].groupby("language")[MAIN].nunique()
        return [
            f"All utterances in '{language}' show one emotion: whoever knows the language knows it, so no figure of"
            " this language says anything about emotion."
            for language in shown.index[shown == 1]
        ]

    def taught(self, table: pd.DataFrame, settings: Settings, seed: int) -> pd.DataFrame:
        """As it is, or with the labels of all tasks shuffled."""
        if not settings.data.random_labels:
            return table
        return table.assign(**{task: dealt_out_anew(table[task], seed) for task in self.labels(settings)})

    def weights(self, settings: Settings, network: Msfl) -> Mapping[str, float]:
        """A weight per head."""
        return network.weights


def dealt_out_anew(labels: pd.Series, seed: int) -> pd.Series:
    """The labels of all utterances, shuffled by a seed; another way for each task."""
    ordered = labels.sort_index()
    rng = np.random.default_rng([seed, zlib.crc32(str(labels.name).encode())])
    return pd.Series(rng.permutation(ordered.to_numpy()), index=ordered.index, dtype=labels.dtype, name=labels.name)


RECIPE = _Recipe()
"""What `sercourse train msfl` runs."""
