"""Recipe of a peer of chapter 04: log-mel spectrograms, convolutions with self-attention, emotion and gender.

Nothing of how Li, Zhao and Kawahara trained is at hand; epochs, batch, learning rate and the longest stretch are ours.
The paper profile has the network's default sizes and every frame.

Source: Li, Zhao and Kawahara, Interspeech 2019; Chen et al., Expert Systems with Applications 2025, section 5.4.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from sercourse.models import ranges
from sercourse.models.attention_cnn import AUXILIARY, AttentionCnn, AttentionCnnConfig
from sercourse.models.multitask import MAIN, Classes
from sercourse.training.batches import Examples, Item, class_index
from sercourse.training.recipes.base import FeatureMaps, Recipe, frame_statistics
from sercourse.training.settings import LoopConfig, Settings

SPECTROGRAM = "logmel"


@dataclass(frozen=True)
class SpectrogramConfig:
    """How spectrograms are cut.

    Raises:
        ValueError: a value outside its range.
    """

    step: int = 1
    """Every so many frames of 10 ms one is kept."""
    max_frames: int = 750
    """Longest stretch in training, kept frames; it begins anywhere. Evaluation takes the whole utterance."""

    def __post_init__(self) -> None:
        ranges.at_least_one(self, "step", "max_frames")


class Spectrograms(Examples):
    """Spectrograms of utterances, with the labels of both tasks.

    Args:
        features: log-mel spectrograms.
        table: a column per task.
        classes: of every task, their names.
        config: how to cut.
    """

    padded = ("frames",)

    def __init__(self, features: FeatureMaps, table: pd.DataFrame, classes: Classes, config: SpectrogramConfig) -> None:
        self.spectrograms, self.config = features[SPECTROGRAM], config
        self.labels = tuple(classes)
        self.labels_of = {
            task: {i: class_index(label, names) for i, label in table[task].items()} for task, names in classes.items()
        }
        self._kept: dict[str, Item] = {}

    def length(self, utterance_id: str) -> int:
        """Frames of a training item."""
        return min(self._whole(utterance_id)["length"], self.config.max_frames)

    def training_item(self, utterance_id: str, rng: np.random.Generator) -> Item:
        """A stretch that begins anywhere, with all labels."""
        item, length = self._whole(utterance_id), self.length(utterance_id)
        first = rng.integers(item["length"] - length + 1)
        return item | {"frames": item["frames"][first : first + length], "length": length}

    def evaluation_items(self, utterance_id: str) -> list[Item]:
        """The whole utterance."""
        return [self._whole(utterance_id)]

    def _whole(self, utterance_id: str) -> Item:
        if utterance_id not in self._kept:
            kept = np.asarray(self.spectrograms[utterance_id], dtype=np.float32)[:: self.config.step].copy()  # (T, F)
            item: Item = {"frames": kept, "length": len(kept)}
            self._kept[utterance_id] = item | {task: labels[utterance_id] for task, labels in self.labels_of.items()}
        return self._kept[utterance_id]


class _Recipe(Recipe):
    name = "attention_cnn"
    seconds = {"quick": 0.6, "course": 0.8, "paper": 2.5}  # noqa: RUF012 (never changed)
    profiles = {  # noqa: RUF012 (never changed)
        "quick": Settings(
            LoopConfig(epochs=10, batch_size=16, learning_rate=2e-3, schedule="cosine", clip=1.0),
            SpectrogramConfig(step=2, max_frames=150),
            AttentionCnnConfig(
                long=(6, 2), tall=(2, 6), first=6, channels=(16, 24), recurrent=32, attention=32, heads=2, hidden=32
            ),
        ),
        "course": Settings(
            LoopConfig(epochs=30, batch_size=32, learning_rate=1e-3, schedule="cosine", clip=1.0),
            SpectrogramConfig(step=2, max_frames=250),
            AttentionCnnConfig(channels=(24, 32, 48), recurrent=64, heads=4),
        ),
        "paper": Settings(
            LoopConfig(epochs=100, batch_size=32, learning_rate=1e-3), SpectrogramConfig(), AttentionCnnConfig()
        ),
    }

    def features(self, settings: Settings) -> tuple[str, ...]:
        return (SPECTROGRAM,)

    def labels(self, settings: Settings) -> tuple[str, ...]:
        return MAIN, AUXILIARY

    def examples(
        self, features: FeatureMaps, table: pd.DataFrame, classes: Classes, settings: Settings
    ) -> Spectrograms:
        return Spectrograms(features, table, classes, settings.data)

    def model(self, features: FeatureMaps, ids: Sequence[str], classes: Classes, settings: Settings) -> AttentionCnn:
        mean, spread = frame_statistics(features[SPECTROGRAM][i] for i in ids)
        model = AttentionCnn(len(mean), classes, settings.model)
        model.scale.fit(torch.from_numpy(mean), torch.from_numpy(spread))
        return model

    def shape(self, model: AttentionCnn) -> dict:
        return {"inputs": len(model.scale.mean), "classes": model.classes}

    def empty_model(self, about: dict, settings: Settings) -> AttentionCnn:
        return AttentionCnn(about["inputs"], about["classes"], settings.model)


RECIPE = _Recipe()
"""What `sercourse train attention_cnn` runs."""
