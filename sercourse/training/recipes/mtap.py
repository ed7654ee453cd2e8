"""Recipe of chapter 05: spectrograms as images, texts and audio as vectors, emotion with gender.

The paper prints neither optimiser nor learning rate, batch size or epochs; all of them are ours.

Source: Wen et al. 2023, section 5.2.
Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from sercourse.errors import UserError
from sercourse.features.extract import Features
from sercourse.features.store import FeatureStore
from sercourse.models.mtap import Mtap
from sercourse.models.mtap_config import AUDIO, GENDER, IMAGE, NONE, TEXT, MtapConfig
from sercourse.models.multitask import MAIN, Classes
from sercourse.training.batches import Examples, Item, class_index
from sercourse.training.imagenet import imagenet_at_hand, imagenet_state
from sercourse.training.images import SECONDS, ImageConfig, framed, hide, image, warped
from sercourse.training.modalities import (
    MINILM,
    audio_at_hand,
    audio_fingerprint,
    audio_vectors,
    text_at_hand,
    text_fingerprint,
    text_vectors,
)
from sercourse.training.recipes.base import FeatureMaps, Recipe, frame_statistics
from sercourse.training.settings import LoopConfig, Settings
from sercourse.training.stored import Stored

SPECTROGRAM, WAVEFORM = "spec400", "waveform"


class Modalities(Examples):
    """Utterances as far as they can be seen, read and heard, with emotion and gender.

    Args:
        features: spectrograms, and the vectors of :meth:`_Recipe.derived`; whoever is not among them has no such
            modality.
        table: a column per task.
        classes: of every task, their names.
        settings: of data and network.
    """

    padded = ()

    def __init__(self, features: FeatureMaps, table: pd.DataFrame, classes: Classes, settings: Settings) -> None:
        self.config = settings.data
        self.images = features.get(SPECTROGRAM)
        self.vectors = {name: features[name] for name in (TEXT, AUDIO) if features.get(name)}
        self.widths = {name: len(next(iter(vectors.values()))) for name, vectors in self.vectors.items()}
        self.labels = tuple(classes)
        self.labels_of = {
            task: {i: class_index(label, names) for i, label in table[task].items()} for task, names in classes.items()
        }

    def length(self, utterance_id: str) -> int:
        """The same for all: images have one size."""
        return self.config.frames

    def training_item(self, utterance_id: str, rng: np.random.Generator) -> Item:
        """Everything, with the image changed by chance."""
        item = self._whole(utterance_id, rng)
        if self.images is not None:
            hide(item["frames"], self.config, rng)
            hide(item["bands"], self.config, rng)
        return item

    def evaluation_items(self, utterance_id: str) -> list[Item]:
        """Everything, as it is."""
        return [self._whole(utterance_id)]

    def _whole(self, utterance_id: str, rng: np.random.Generator | None = None) -> Item:
        item: Item = {task: labels[utterance_id] for task, labels in self.labels_of.items()}
        for name, vectors in self.vectors.items():
            there = utterance_id in vectors
            item[name] = vectors[utterance_id] if there else np.zeros(self.widths[name], dtype=np.float32)
            item[f"{name}_there"] = np.float32(there)
        if self.images is not None:
            seen = image(self.images[utterance_id], self.config)
            if rng is not None and (self.config.speed or self.config.pitch):
                seen = warped(seen, self.config, rng)
            item[IMAGE], item["frames"] = framed(seen, self.config)
            item["bands"] = np.ones(self.config.bins, dtype=np.float32)
        return item


class _Recipe(Recipe):
    name = "mtap"
    reads = (TEXT,)
    seconds = {"quick": 0.5, "course": 2.0, "paper": 400.0}  # noqa: RUF012 (never changed)
    profiles = {  # noqa: RUF012 (never changed)
        "quick": Settings(
            LoopConfig(epochs=10, batch_size=16, learning_rate=3e-3, schedule="cosine", precision="bf16"),
            ImageConfig(seconds=2.0, step=4, bins=50),
            MtapConfig(),
        ),
        "course": Settings(
            LoopConfig(epochs=30, batch_size=16, learning_rate=3e-3, schedule="cosine", precision="bf16"),
            ImageConfig(step=2, bins=200, masks=2, speed=0.1),
            MtapConfig(),
        ),
        "paper": Settings(
            LoopConfig(epochs=60, batch_size=16, learning_rate=1e-4, schedule="cosine", precision="bf16"),
            ImageConfig(),
            MtapConfig(image="densenet169", imagenet=True),
        ),
    }

    def settings(self, profile: str, assignments: Sequence[str] = ()) -> Settings:
        """As the base's; encoders and weights are those that are at hand, so that what was used is written down."""
        asked = super().settings(profile, assignments)
        model = asked.model
        text, audio = text_at_hand(model.text), audio_at_hand(model.audio)
        imagenet = model.imagenet and imagenet_at_hand(model.image)
        changes = {"text": text, "audio": audio, "fingerprint": fingerprints(text, audio), "imagenet": str(imagenet)}
        return asked.changed([f"{name}={value}" for name, value in changes.items()])

    def features(self, settings: Settings) -> tuple[str, ...]:
        modalities = settings.model.modalities
        wanted = {SPECTROGRAM: IMAGE in modalities, WAVEFORM: AUDIO in modalities or IMAGE not in modalities}
        return tuple(name for name, there in wanted.items() if there)

    def derived(
        self, features: FeatureMaps, table: pd.DataFrame, settings: Settings, *, progress: bool = False
    ) -> FeatureMaps:
        """Vectors of the texts and of the audio.

        Raises:
            UserError: an encoder that is not the one of the settings (that of the text is not looked for, and need not
                be installed, where no utterance has a text), or a network that reads alone and has nothing to read.
        """
        model, found = settings.model, {}
        if AUDIO in model.modalities:
            _check_encoder(AUDIO, model, audio_fingerprint(model.audio))
        if TEXT in model.modalities:
            if _with_text(table).any():
                _check_encoder(TEXT, model, text_fingerprint(model.text))
            else:
                _tell_without_text(model)
            first = next(iter(features.values()))
            store = first.store if isinstance(first, Features) else FeatureStore()
            found[TEXT] = text_vectors(table[TEXT], model.text, store)
        if AUDIO in model.modalities:
            found[AUDIO] = audio_vectors(features[WAVEFORM], model.audio)
        for vectors in found.values():
            if isinstance(vectors, Stored):
                vectors.fill(progress=progress)
        return found

    def labels(self, settings: Settings) -> tuple[str, ...]:
        return (MAIN,) if settings.model.gender == NONE else (MAIN, GENDER)

    def notices(self, table: pd.DataFrame, settings: Settings) -> list[str]:
        found = []
        if IMAGE in settings.model.modalities:
            for name in sorted({str(i).partition("/")[0] for i in table.index} & set(SECONDS)):
                if settings.data.seconds < SECONDS[name]:
                    found.append(
                        f"Images show {settings.data.seconds:g} s; the paper's show {SECONDS[name]:g} s of {name}:"
                        f" --set seconds={SECONDS[name]:g}."
                    )
        if settings.model.text != NONE:
            lacking = int((~_with_text(table)).sum())
            if lacking:
                found.append(f"{lacking} of {len(table)} utterances have no text; to the network theirs is the mean.")
            others = sorted(set(table["language"].dropna()) - {"en"})
            if others:
                what = "an English encoder" if settings.model.text == MINILM else f"{settings.model.text}"
                known = "" if settings.model.text == MINILM else ", whose languages are not known here"
                found.append(
                    f"The text is read by {what}{known}; the corpus, or a part of it, is in {', '.join(others)}."
                )
        return found

    def examples(self, features: FeatureMaps, table: pd.DataFrame, classes: Classes, settings: Settings) -> Modalities:
        return Modalities(features, table, classes, settings)

    def model(self, features: FeatureMaps, ids: Sequence[str], classes: Classes, settings: Settings) -> Mtap:
        statistics = {}
        if IMAGE in settings.model.modalities:
            images = (image(features[SPECTROGRAM][i], settings.data) for i in ids)
            statistics[IMAGE] = frame_statistics(images)
        for name in (TEXT, AUDIO):
            if name in settings.model.modalities:
                there = [features[name][i][None] for i in ids if i in features[name]]
                if not there:
                    raise UserError(f"{name}: no utterance of a fold's training side has any; take --set {name}=none.")
                statistics[name] = frame_statistics(there)
        model = Mtap({name: len(mean) for name, (mean, _) in statistics.items()}, classes, settings.model)
        for name, (mean, spread) in statistics.items():
            model.scales[name].fit(torch.from_numpy(mean), torch.from_numpy(spread))
        if settings.model.imagenet:
            model.image.begin_with(imagenet_state(settings.model.image))
        return model

    def shape(self, model: Mtap) -> dict:
        return {"sizes": model.sizes, "classes": model.classes}

    def empty_model(self, about: dict, settings: Settings) -> Mtap:
        return Mtap(about["sizes"], about["classes"], settings.model)


def fingerprints(text: str, audio: str) -> str:
    """What tells the frozen encoders from later ones of the same names."""
    return "-".join(found for found in (text_fingerprint(text), audio_fingerprint(audio)) if found)


def _check_encoder(option: str, model: MtapConfig, fingerprint: str) -> None:
    if fingerprint not in model.fingerprint:
        name = getattr(model, option)
        raise UserError(f"{option}={name}: is not the encoder that this network was trained with; train again.")


def _tell_without_text(model: MtapConfig) -> None:
    """Say what a network that reads makes of utterances whose words nobody knows.

    Raises:
        UserError: it does nothing but read.
    """
    if model.modalities == (TEXT,):
        raise UserError(
            f"text={model.text}: this network reads texts alone, and these utterances have none; take one that sees or"
            " hears, too."
        )
    warnings.warn("No utterance has a text; to the network theirs is the mean of training.", stacklevel=2)


def _with_text(table: pd.DataFrame) -> pd.Series:
    """Of every utterance, whether it has a text."""
    return table[TEXT].astype("string").fillna("").str.strip().astype(bool)


RECIPE = _Recipe()
"""What `sercourse train mtap` runs."""
