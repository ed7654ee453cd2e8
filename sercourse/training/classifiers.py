"""The baseline that every network has to beat: one vector per utterance, a scaler, a support vector machine.

Nothing is tuned: the settings are fixed before any test utterance is seen, so the machine is fitted on the whole
development side (train, validation and what was set aside). Its scaler is part of it and sees no more than that. Only
the temperature that turns decision values into probabilities is chosen, and it is chosen on the inner validation side
by a machine fitted on train alone.

Source: the linear machine follows the openSMILE baselines of the Interspeech challenges (Schuller et al. 2009 to
2016); the rbf machine follows audEERING's public wav2vec2 tutorial (``StandardScaler`` + ``SVC(gamma="auto")``).
Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from rich.progress import track
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.metrics.pairwise import linear_kernel
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sercourse.errors import UserError
from sercourse.evaluation.calibration import fit_temperature
from sercourse.training.protocols import Fold, Protocol

CLASSIFIERS: dict[str, Callable[[], ClassifierMixin]] = {
    "linear": lambda: make_pipeline(StandardScaler(), SVC(kernel=linear_kernel, C=0.01, class_weight="balanced")),
    "rbf": lambda: make_pipeline(StandardScaler(), SVC(kernel="rbf", gamma="auto")),
    "polynomial": lambda: make_pipeline(StandardScaler(), SVC(kernel="poly", degree=3, class_weight="balanced")),
    "majority": lambda: DummyClassifier(strategy="most_frequent"),
}
"""Name to a fresh, unfitted classifier. The scaler is part of it, so it never sees a test utterance.

The linear kernel is given as a function: one product of matrices instead of a scalar product per pair, with the same
result to the last digits and, on ComParE's 6373 features, in a thirtieth of the time.
"""

LEARN_FROM = ("development", "train")
"""Sides of a fold that a machine may be fitted on: with the validation utterances, or without."""

SPEAKER_NORM_WARNING = (
    "per-speaker normalisation uses the statistics of ALL utterances of the test speaker, which a system that hears"
    " its first sentence does not have; on EMO-DB it is worth about 8 points. Do not put this figure in a headline."
)


def cross_validate(
    features: pd.DataFrame,
    labels: pd.Series,
    protocol: Protocol,
    classifier: str = "linear",
    *,
    probabilities: bool = True,
    progress: bool = False,
    tested: dict[tuple, pd.DataFrame] | None = None,
    learn_from: str = "development",
) -> pd.DataFrame:
    """Fit on each fold's development side, predict its test side.

    Args:
        features: ``(utterances, D)``, indexed by utterance id.
        labels: emotion per utterance id.
        protocol: the folds; ids without features (skipped files) are left out.
        classifier: a name in :data:`CLASSIFIERS`.
        probabilities: also give calibrated probabilities, which costs a second fit per fold.
        progress: show a progress bar over folds.
        tested: where every fold's rows are kept, for other draws of the protocol with the same features, labels and
            classifier. A fold with the same test and development sides (of speaker-independent protocols only
            validation is drawn) is not fitted again: it would predict the same. Its probabilities stay those of the
            first draw's validation side.
        learn_from: "development", or "train": without the validation side, from which a network chooses its epoch.

    Returns:
        One row per tested utterance: ``utterance_id, fold, emotion, predicted`` and, for the machines, one column
        ``p_<emotion>`` per emotion with its probability (0 to 1).

    Raises:
        UserError: unknown classifier, or no fold is left to test.
    """
    if classifier not in CLASSIFIERS:
        raise UserError(f"--classifier {classifier}: no such classifier; choose one of {', '.join(CLASSIFIERS)}.")
    known = features.index
    folds = track(protocol.folds, description=f"{classifier}, {protocol.name}", disable=not progress, transient=True)
    calibrated = probabilities and classifier != "majority"
    tested = {} if tested is None else tested
    parts = []
    for fold in (fold for fold in folds if known.isin(fold.test).any()):
        learnt = getattr(fold, learn_from)
        sides = fold.name, fold.test, learnt
        if sides not in tested:
            tested[sides] = _one_fold(features, labels, fold, learnt, classifier, calibrated)
        parts.append(tested[sides])
    if not parts:
        raise UserError(f"{protocol.name}: no test utterance has features; check the audio with `sercourse doctor`.")
    return pd.concat(parts, ignore_index=True)


def _one_fold(
    features: pd.DataFrame, labels: pd.Series, fold: Fold, learnt: Sequence[str], classifier: str, calibrated: bool
) -> pd.DataFrame:
    def side(ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        kept = [i for i in ids if i in features.index]  # skipped files have no features
        return features.loc[kept].to_numpy(), labels.loc[kept].to_numpy(dtype=str)

    if len(np.unique(side(learnt)[1])) < 2:
        raise UserError(
            f"fold '{fold.name}': fewer than two emotions are left to train on; look at the audio: `sercourse doctor`."
        )
    test = [i for i in fold.test if i in features.index]
    x_test, y_test = side(test)
    model = CLASSIFIERS[classifier]().fit(*side(learnt))
    rows = pd.DataFrame(
        {"utterance_id": test, "fold": fold.name, "emotion": y_test, "predicted": model.predict(x_test)}
    )
    if not calibrated:
        return rows
    temperature = _temperature(CLASSIFIERS[classifier]().fit(*side(fold.train)), *side(fold.validation))
    posteriors = softmax(_decision_values(model, x_test) / temperature, axis=1)  # (B, C)
    return rows.join(pd.DataFrame(posteriors, columns=[f"p_{emotion}" for emotion in model.classes_]))


def _temperature(model: Pipeline, x_validation: np.ndarray, y_validation: np.ndarray) -> float:
    """What decision values are divided by, fitted on validation utterances whose emotion the machine knows."""
    known = np.isin(y_validation, model.classes_)
    if not known.any():
        return 1.0
    return fit_temperature(_decision_values(model, x_validation[known]), y_validation[known], list(model.classes_))


def _decision_values(model: Pipeline, x: np.ndarray) -> np.ndarray:
    """One value per class, ``(B, C)``; for two classes scikit-learn gives a single column, which is split here."""
    values = model.decision_function(x)
    return np.column_stack([-values / 2, values / 2]) if values.ndim == 1 else values


def normalise_per_speaker(features: pd.DataFrame, speakers: pd.Series) -> pd.DataFrame:
    """z-scores within each speaker, with a warning: the test speaker's own statistics are used.

    Args:
        features: ``(utterances, D)``, indexed by utterance id.
        speakers: speaker per utterance id.

    Raises:
        UserError: an utterance without a speaker.
    """
    nameless = features.index[speakers.loc[features.index].isna().to_numpy()]
    if len(nameless):
        raise UserError(f"--speaker-norm: '{nameless[0]}' has no speaker; fill in the column or leave the option out.")
    warnings.warn(SPEAKER_NORM_WARNING, stacklevel=2)
    groups = features.groupby(speakers.loc[features.index].to_numpy())
    spread = groups.transform("std", ddof=0).replace(0.0, 1.0)
    return (features - groups.transform("mean")) / spread


def shuffled(labels: pd.Series, seed: int) -> pd.Series:
    """The labels in random order: a pipeline that still scores above chance on them has a leak."""
    values: Sequence = np.random.default_rng(seed).permutation(labels.to_numpy())
    return pd.Series(values, index=labels.index, dtype=labels.dtype)
