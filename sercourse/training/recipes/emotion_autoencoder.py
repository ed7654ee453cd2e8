"""Recipe of chapter 02: crops of a log magnitude spectrogram, functionals, the emotion-embedding autoencoder.

Source: Zhang and Xue, section IV A (random crops of 128 frames) and C (Adam, 40 epochs).
Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from sercourse.models.emotion_autoencoder import AutoencoderConfig, EmotionAutoencoder
from sercourse.models.multitask import MAIN, Classes
from sercourse.training.batches import Examples, Item, class_index
from sercourse.training.recipes.base import FeatureMaps, Recipe, frame_statistics
from sercourse.training.recipes.vectors import joined_functionals, vector_statistics
from sercourse.training.settings import LoopConfig, Settings

SPECTROGRAM = "logmag"


@dataclass(frozen=True)
class CropConfig:
    """How crops are cut and, in training, disturbed.

    Raises:
        ValueError: a value outside its range.
    """

    crop_frames: int = 128
    """Frames of a crop, 12.5 ms each; a shorter utterance is taken whole."""
    hop_frames: int = 64
    """From one crop to the next at test; the last crop ends with the utterance."""
    frequency_masks: int = 0
    """Bands set to their mean per training crop (SpecAugment)."""
    frequency_width: int = 60
    """Widest band, bins of 15.6 Hz."""
    time_masks: int = 0
    """Stretches set to the mean frame per training crop."""
    time_width: int = 20
    """Longest stretch, frames."""
    gain_db: float = 0.0
    """Each training crop is made louder or softer by up to so many dB."""

    def __post_init__(self) -> None:
        for name in ("crop_frames", "hop_frames", "frequency_width", "time_width"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: must be 1 or more")
        for name in ("frequency_masks", "time_masks", "gain_db"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}={getattr(self, name)}: must be 0 or more")


class SpectrogramCrops(Examples):
    """Random crops for training; overlapping ones, all of an utterance, for evaluation.

    Args:
        features: ``logmag`` and the functionals.
        labels: emotion index per utterance id.
        functionals: names of the functional sets, joined in this order.
        config: how to crop.
    """

    padded = ("spectrogram",)
    labels = ("emotion",)

    def __init__(
        self, features: FeatureMaps, labels: dict[str, int], functionals: tuple[str, ...], config: CropConfig
    ) -> None:
        self.features, self.emotion, self.functionals, self.config = features, labels, functionals, config
        self._kept: dict[str, Item] = {}

    def length(self, utterance_id: str) -> int:
        """Frames of a crop."""
        return min(len(self._whole(utterance_id)["spectrogram"]), self.config.crop_frames)

    def training_item(self, utterance_id: str, rng: np.random.Generator) -> Item:
        """A crop that begins anywhere (equal chance), disturbed where the settings say so."""
        item = dict(self._whole(utterance_id))
        spectrogram = item["spectrogram"]
        first = rng.integers(max(len(spectrogram) - self.config.crop_frames, 0) + 1)
        crop = spectrogram[first : first + self.config.crop_frames]
        item |= {"spectrogram": self._disturbed(crop, rng), "frames": len(crop)}
        return item

    def evaluation_items(self, utterance_id: str) -> list[Item]:
        """Crops every ``hop_frames``, the last one flush with the end."""
        item = self._whole(utterance_id)
        crops = [item["spectrogram"][start : start + self.config.crop_frames] for start in self.starts(utterance_id)]
        return [item | {"spectrogram": crop, "frames": len(crop)} for crop in crops]

    def starts(self, utterance_id: str) -> list[int]:
        """Frames with which the crops for evaluation begin."""
        last = max(len(self._whole(utterance_id)["spectrogram"]) - self.config.crop_frames, 0)
        return sorted({*range(0, last, self.config.hop_frames), last})

    def _whole(self, utterance_id: str) -> Item:
        if utterance_id not in self._kept:
            item: Item = {
                "spectrogram": self.features[SPECTROGRAM][utterance_id].astype(np.float32),
                "emotion": self.emotion[utterance_id],
            }
            if self.functionals:
                item["functionals"] = joined_functionals(self.features, utterance_id, self.functionals)
            self._kept[utterance_id] = item
        return self._kept[utterance_id]

    def _disturbed(self, crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        config = self.config
        if not (config.frequency_masks or config.time_masks or config.gain_db):
            return crop
        crop = crop + np.float32(rng.uniform(-config.gain_db, config.gain_db))
        mean = crop.mean(axis=0)  # (F,): what a mask is filled with
        for _ in range(config.frequency_masks):
            width = rng.integers(min(config.frequency_width, crop.shape[1] - 1) + 1)
            first = rng.integers(crop.shape[1] - width + 1)
            crop[:, first : first + width] = mean[first : first + width]
        for _ in range(config.time_masks):
            width = rng.integers(min(config.time_width, len(crop) - 1) + 1)
            first = rng.integers(len(crop) - width + 1)
            crop[first : first + width] = mean
        return crop


class _Recipe(Recipe):
    name = "emotion_autoencoder"
    seconds = {"quick": 0.5, "course": 1.2, "paper": 6.0}  # noqa: RUF012 (never changed)
    profiles = {  # noqa: RUF012 (never changed)
        "quick": Settings(
            LoopConfig(epochs=6, batch_size=32, learning_rate=1e-3, precision="bf16"),
            CropConfig(),
            AutoencoderConfig(
                width=64, bank_channels=8, encoder_gru=16, decoder_gru=32, hidden=(128, 64, 32), dropout=0.2
            ),
        ),
        "course": Settings(
            LoopConfig(epochs=20, learning_rate=1e-3, schedule="cosine", precision="bf16", record_test=True),
            CropConfig(),
            AutoencoderConfig(width=128, bank_channels=32, encoder_gru=32, decoder_gru=64, hidden=(256, 128, 64)),
        ),
        "paper": Settings(LoopConfig(record_test=True), CropConfig(), AutoencoderConfig()),
    }

    def features(self, settings: Settings) -> tuple[str, ...]:
        vectors = settings.model.functionals
        return (SPECTROGRAM, *vectors)

    def examples(
        self, features: FeatureMaps, table: pd.DataFrame, classes: Classes, settings: Settings
    ) -> SpectrogramCrops:
        labels = {i: class_index(label, classes[MAIN]) for i, label in table[MAIN].items()}
        return SpectrogramCrops(features, labels, settings.model.functionals, settings.data)

    def model(
        self, features: FeatureMaps, ids: Sequence[str], classes: Classes, settings: Settings
    ) -> EmotionAutoencoder:
        names = settings.model.functionals
        centre, width = vector_statistics(features, ids, names)
        mean, spread = frame_statistics(features[SPECTROGRAM][i] for i in ids)
        model = EmotionAutoencoder(len(mean), len(centre), classes[MAIN], settings.model)
        model.scale_spectrogram.fit(torch.from_numpy(mean), torch.from_numpy(spread))
        model.scale_functionals.fit(centre, width)
        return model

    def shape(self, model: EmotionAutoencoder) -> dict:
        return {
            "bins": len(model.scale_spectrogram.mean),
            "functionals": len(model.scale_functionals.mean),
            "emotions": model.classes["emotion"],
        }

    def empty_model(self, about: dict, settings: Settings) -> EmotionAutoencoder:
        return EmotionAutoencoder(about["bins"], about["functionals"], about["emotions"], settings.model)


RECIPE = _Recipe()
"""What `sercourse train emotion_autoencoder` runs."""
