"""Recipe of chapter 04: waveforms, the shared encoder, emotion with text and speaker.

Source: Chen et al., Expert Systems with Applications 2025, table 3 (Adam, learning rate 1e-5, batch 8, 100 epochs,
alpha .1, beta .8).
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sercourse.features.extract import Features
from sercourse.losses.masked import MISSING
from sercourse.models import ranges
from sercourse.models.mtlser import AUDIO, STATES, Mtlser
from sercourse.models.mtlser_config import SPEAKER, TEXT, MtlserConfig
from sercourse.models.multitask import MAIN, Classes
from sercourse.signal.audio import SAMPLE_RATE
from sercourse.training.alphabet import alphabet, spelt
from sercourse.training.backbones import at_hand, description, empty_backbone, fingerprint, load_backbone
from sercourse.training.batches import Examples, Item, class_index
from sercourse.training.convolved import Convolved, Encoded
from sercourse.training.recipes.base import FeatureMaps, Recipe
from sercourse.training.settings import LoopConfig, Settings

WAVEFORM, CONVOLVED, ENCODED = "waveform", "convolved", "encoded"

SHORTEST = 0.1
"""Seconds that an encoder needs at least."""


@dataclass(frozen=True)
class WaveformConfig:
    """How utterances are cut.

    Raises:
        ValueError: a value outside its range.
    """

    max_seconds: float = 20.0
    """Longest stretch of an utterance in training; a longer one begins anywhere and brings no text."""
    cached: bool = True
    """The output of frozen convolutions, or of a frozen encoder where no utterance is longer than ``max_seconds``, is
    computed once and kept; false: in every epoch anew."""

    def __post_init__(self) -> None:
        ranges.positive(self, "max_seconds")
        if self.max_seconds < SHORTEST:
            raise ValueError(f"max_seconds={self.max_seconds:g}: must be {SHORTEST:g} or more")


class Heard(Examples):
    """Utterances as waveforms, or what is frozen made of them, with emotion, speaker and text.

    Args:
        features: waveforms, and the convolutions or states of them where these are frozen.
        table: a column per task.
        classes: names of the emotions and speakers, characters of the texts.
        settings: of data and network.
    """

    def __init__(self, features: FeatureMaps, table: pd.DataFrame, classes: Classes, settings: Settings) -> None:
        self.given = features, table, classes, settings
        self.heard = STATES if ENCODED in features else AUDIO
        self.padded = (self.heard, TEXT)
        self.audio = features.get(ENCODED, features.get(CONVOLVED, features[WAVEFORM]))
        self.longest = int(settings.data.max_seconds * getattr(self.audio, "per_second", SAMPLE_RATE))
        self._lengths: dict[str, int] = {}
        self.labels = (*classes, "text_length")
        self.labels_of = {
            task: {i: class_index(label, names) for i, label in table[task].items()}
            for task, names in classes.items()
            if task != TEXT
        }
        self.texts = {i: spelt(text, classes[TEXT]) for i, text in table[TEXT].items()} if TEXT in classes else {}

    @property
    def unabridged(self) -> Heard:
        """The same utterances for whoever looks inside the encoder, of which a stored output shows one layer."""
        features, *others = self.given
        return Heard({name: maps for name, maps in features.items() if name != ENCODED}, *others)

    def length(self, utterance_id: str) -> int:
        """Samples (frames) of a training item."""
        if utterance_id not in self._lengths:
            self._lengths[utterance_id] = len(self.audio[utterance_id])
        return min(self._lengths[utterance_id], self.longest)

    def training_item(self, utterance_id: str, rng: np.random.Generator) -> Item:
        """The whole utterance; of a very long one a stretch, without its text."""
        item = self._whole(utterance_id)
        samples = len(item[self.heard])
        if samples <= self.longest:
            return item
        first = rng.integers(samples - self.longest + 1)
        item[self.heard], item["length"] = item[self.heard][first : first + self.longest], self.longest
        if self.texts:
            item[TEXT], item["text_length"] = item[TEXT][:0], 0
        return item

    def evaluation_items(self, utterance_id: str) -> list[Item]:
        """The whole utterance."""
        return [self._whole(utterance_id)]

    def _whole(self, utterance_id: str) -> Item:
        audio = np.asarray(self.audio[utterance_id], dtype=np.float32)
        item: Item = {self.heard: audio, "length": len(audio)}
        item |= {task: labels.get(utterance_id, MISSING) for task, labels in self.labels_of.items()}
        if self.texts:
            text = self.texts[utterance_id]
            item |= {TEXT: text, "text_length": len(text)}
        return item


class _Recipe(Recipe):
    name = "mtlser"
    chunk_seconds = 20.0
    writes = (TEXT,)
    seconds = {"quick": 2.0, "course": 3.0, "paper": 300.0}  # noqa: RUF012 (never changed)
    profiles = {  # noqa: RUF012 (never changed)
        "quick": Settings(
            LoopConfig(epochs=6, batch_size=8, learning_rate=5e-4, schedule="cosine", clip=1.0),
            WaveformConfig(),
            MtlserConfig(head_rate=10.0),
        ),
        "course": Settings(
            LoopConfig(epochs=25, batch_size=8, learning_rate=1e-3, schedule="cosine", clip=1.0, precision="bf16"),
            WaveformConfig(),
            MtlserConfig(head_rate=10.0),
        ),
        "paper": Settings(
            LoopConfig(epochs=100, batch_size=8, learning_rate=1e-5, precision="bf16"),
            WaveformConfig(),
            MtlserConfig(backbone="facebook/wav2vec2-base", freeze="none"),
        ),
    }

    def settings(self, profile: str, assignments: Sequence[str] = ()) -> Settings:
        """As the base's; the encoder is one that is at hand, so that whatever is written down names what was used."""
        asked = super().settings(profile, assignments)
        used = at_hand(asked.model.backbone)
        return asked.changed((f"backbone={used}", f"fingerprint={fingerprint(used)}"))

    def features(self, settings: Settings) -> tuple[str, ...]:
        return (WAVEFORM,)

    def derived(
        self, features: FeatureMaps, table: pd.DataFrame, settings: Settings, *, progress: bool = False
    ) -> FeatureMaps:
        """What is frozen makes of stored speech; what is to be predicted goes through the trained network's own."""
        waveforms, model = features[WAVEFORM], settings.model
        frozen = settings.data.cached and model.pretrained and model.freeze != "none"
        if not frozen or not isinstance(waveforms, Features):
            return {}
        found = {CONVOLVED: Convolved(waveforms, model)}
        if model.freeze == "encoder" and _whole(waveforms, settings.data):
            found[ENCODED] = Encoded(waveforms, model)
        found.get(ENCODED, found[CONVOLVED]).fill(progress=progress)
        return found

    def labels(self, settings: Settings) -> tuple[str, ...]:
        return (MAIN, SPEAKER) if settings.model.beta else (MAIN,)

    def alphabets(self, table: pd.DataFrame, settings: Settings) -> Classes:
        if table.index.str.contains("#").any():  # a crop does not hold its utterance's words
            return {}
        symbols = alphabet(table, settings.model.alphabet)
        return {TEXT: symbols} if symbols else {}

    def notices(self, table: pd.DataFrame, settings: Settings) -> list[str]:
        if table.index.str.contains("#").any():
            return ["Crops hold a part of their utterance's words: the task 'text' is off, and alpha has no effect."]
        if table[TEXT].notna().any():
            return []
        return ["The corpus has no transcripts: the task 'text' is off, and alpha has no effect."]

    def examples(self, features: FeatureMaps, table: pd.DataFrame, classes: Classes, settings: Settings) -> Heard:
        return Heard(features, table, classes, settings)

    def model(self, features: FeatureMaps, ids: Sequence[str], classes: Classes, settings: Settings) -> Mtlser:
        encoder = load_backbone(settings.model.backbone, pretrained=settings.model.pretrained)
        return Mtlser(encoder, classes, settings.model)

    def shape(self, model: Mtlser) -> dict:
        return {"classes": model.classes, "encoder": description(model.encoder)}

    def empty_model(self, about: dict, settings: Settings) -> Mtlser:
        return Mtlser(empty_backbone(about["encoder"]), about["classes"], settings.model)


def _whole(waveforms: Features, config: WaveformConfig) -> bool:
    """Whether training never cuts a stretch out of an utterance, which an encoder would hear without the rest."""
    return all(len(waveforms[i]) <= config.max_seconds * SAMPLE_RATE for i in waveforms)


RECIPE = _Recipe()
"""What `sercourse train mtlser` runs."""
