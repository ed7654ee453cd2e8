"""Model 1 and model 2 in a chain: noise is removed, then the emotion is told from what is left.

Source: Liu and Zhang, IEEE Access 2023, section III.
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sercourse import corpora
from sercourse.errors import UserError
from sercourse.models.asp_mtl_config import AspMtlConfig
from sercourse.models.multitask import MAIN
from sercourse.signal.audio import read_audio
from sercourse.training.cleaned_corpus import cleaned_table, weights_digest
from sercourse.training.cleaning import REMOVALS, clean
from sercourse.training.networks import TrainingConfig, load_or_train
from sercourse.training.predict import Network, load_network, named
from sercourse.training.runs import Run, read_run

CHAPTER = "asp_mtl"


@dataclass(frozen=True)
class AspMtlPipeline:
    """The trained chain of one protocol: a model 1 and a model 2 per fold, none of which saw its test side.

    Attributes:
        model1: run of the noise removers.
        model2: per fold, the run of the classifier behind the remover of that fold.
        removal: how noise is removed: "mask" (the soft mask) or "frames" (they are dropped, as in the paper).
    """

    model1: Run
    model2: tuple[Run, ...]
    removal: str = "mask"

    @classmethod
    def train(
        cls, corpus: str, protocol: str = "group-5", *, profile: str = "quick", seed: int = 0,
        noise_settings: Sequence[str] = ("auxiliary=noise", "mask=true"), gender_settings: Sequence[str] = (),
        removal: str = "mask", **options: int | bool | None,
    ) -> AspMtlPipeline:  # fmt: skip
        """Train model 1, clean the corpus in every fold by that fold's model 1, train model 2 on what is left.

        A fold's model 1 has not heard the fold's test side, so nothing of a test utterance reaches the networks that
        judge it.

        Args:
            corpus: a corpus in noise, such as ``emodb+none+all@-12..12``.
            protocol: of both models.
            profile: of both models.
            seed: of both models.
            noise_settings: ``--set`` for model 1.
            gender_settings: ``--set`` for model 2.
            removal: "mask" or "frames".
            options: of :func:`~sercourse.training.networks.train`.

        Raises:
            ValueError: an unknown way to remove noise.
            UserError: model 1 would tell no noise, or have no mask where one is asked for; otherwise as
                :func:`~sercourse.training.networks.train`.
        """
        _check_known(removal)
        first = TrainingConfig(CHAPTER, corpus, protocol, profile, tuple(noise_settings), seed=seed)
        _check_removes(first.settings.model, removal)
        table = corpora.load(corpus)
        second = replace(first, changes=tuple(gender_settings))
        removers = load_or_train(first, table=table, **options)
        shown = bool(options.get("progress", True))
        classifiers = []
        for number in range(len(removers.protocol["repeats"][0]["folds"])):
            network = load_network(removers.folder, number)
            left = cleaned_table(table, network, step=first.settings.data.step, removal=removal, progress=shown)
            left_by = weights_digest(network, first.settings.data.step, removal)
            config = replace(second, corpus=f"{corpus}~{left_by}", fold=number)
            classifiers.append(load_or_train(config, table=left, **options))
        return cls(removers, tuple(classifiers), removal)

    @classmethod
    def load(cls, model1: str | Path, model2: Sequence[str | Path], *, removal: str = "mask") -> AspMtlPipeline:
        """From run folders; ``removal`` as in training.

        Raises:
            ValueError: an unknown way to remove noise.
            UserError: no such runs, runs of another kind, not one classifier for every fold of the removers, or one
                that learnt from other audio than these removers leave in this way.
        """
        _check_known(removal)
        removers, classifiers = read_run(model1), tuple(read_run(folder) for folder in model2)
        if removal == "mask" and not removers.summary["settings"]["model"].get("mask"):
            raise UserError(f"{model1}: is no model 1 with a soft mask.")
        folds = removers.protocol["repeats"][0]["folds"]
        if len(classifiers) != len(folds):
            raise UserError(f"{model1}: has {len(folds)} folds, and {len(classifiers)} runs of model 2 were named.")
        for number, (fold, run) in enumerate(zip(folds, classifiers, strict=True)):
            (own,) = run.protocol["repeats"][0]["folds"][:1]
            if run.summary["chapter"] != CHAPTER or own["test"] != fold["test"]:
                raise UserError(f"{run.folder}: is no model 2 for fold {number} of {model1}; name them in that order.")
            _check_heard(run, removers, number, removal)
        return cls(removers, classifiers, removal)

    @property
    def predictions(self) -> pd.DataFrame:
        """All folds' test predictions of model 2, as :class:`~sercourse.training.runs.Run` has them."""
        return pd.concat([run.predictions for run in self.model2], ignore_index=True)

    def predict(self, files: Sequence[str | Path]) -> pd.DataFrame:
        """Emotions of recordings, by the mean probability over the chains of all folds.

        Returns:
            A row per file: ``path, predicted``, ``p_<emotion>`` (0 to 1), ``noise`` (mean probability of noise).

        Raises:
            UserError: no file, an unreadable one, or damaged weights.
        """
        if not files:
            raise UserError("no files: name at least one recording to tell the emotion of.")
        waveforms = [read_audio(path) for path in files]
        step = self.model1.summary["settings"]["data"]["step"]
        total, noise = 0.0, np.zeros(len(files))
        for number, run in enumerate(self.model2):
            cleaned = clean(waveforms, load_network(self.model1.folder, number), step=step)
            noise += [one.posterior.mean() / len(self.model2) for one in cleaned]
            classifier = Network.load(run.folder, number)
            total = total + classifier.probabilities([one.left(self.removal) for one in cleaned]) / len(
                self.model2
            )  # (N, C)
        return named(files, total, classifier.model.classes[MAIN]).assign(noise=noise)


def _check_known(removal: str) -> None:
    if removal not in REMOVALS:
        raise ValueError(f"removal={removal}: choose one of {', '.join(REMOVALS)}")


def _check_removes(model: AspMtlConfig, removal: str) -> None:
    """Refuse a model 1 that could not remove noise, before it is trained."""
    if model.auxiliary != "noise":
        raise UserError(f"auxiliary={model.auxiliary}: model 1 tells the noise; train it with auxiliary=noise.")
    if removal == "mask" and not model.mask:
        raise UserError("mask=false: model 1 would have no soft mask; add mask=true, or take removal='frames'.")


def _check_heard(classifier: Run, removers: Run, number: int, removal: str) -> None:
    """Refuse a classifier that learnt from other audio than the remover of its fold leaves.

    Raises:
        UserError: it was trained behind other weights, or noise was removed in another way.
    """
    network, step = load_network(removers.folder, number), removers.summary["settings"]["data"]["step"]
    heard = classifier.summary["corpus"].rpartition("~")[2]
    if heard == weights_digest(network, step, removal):
        return
    for other in REMOVALS:
        if heard == weights_digest(network, step, other):
            raise UserError(f"{classifier.folder}: was trained with removal='{other}'; load it with that.")
    raise UserError(
        f"{classifier.folder}: was trained on what another model 1 leaves, not that of {removers.folder}; name the"
        " model 1 it belongs to, or train model 2 anew."
    )
