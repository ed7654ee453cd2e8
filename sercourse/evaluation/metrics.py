"""How good are the predictions? Everything in percent, over utterances, with scikit-learn behind it.

* WA, weighted accuracy: the share of utterances that are right (plain accuracy).
* UA, unweighted accuracy, also UAR: the mean over emotions of their recall, so a rare emotion counts as much as a
  frequent one. Guessing gives 100 / C on C emotions, whatever their counts.

Tables of predictions have one row per tested utterance (and repeat) with at least the columns ``emotion`` (what is
true), ``predicted`` and ``fold``; ``repeat``, ``speaker`` and ``gender`` are used where present.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support, recall_score


def wa(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Weighted accuracy in percent: 100 · (right utterances) / (utterances).

    Args:
        y_true: emotion names, shape ``(N,)``.
        y_pred: emotion names, shape ``(N,)``, in the same order.

    Raises:
        ValueError: no utterances, unequal lengths, or a missing label.
    """
    return 100 * float(accuracy_score(*paired(y_true, y_pred)))


def ua(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Unweighted accuracy (UAR) in percent: the mean recall over the emotions that occur in ``y_true``.

    An emotion that is predicted but never true lowers the recall of others and has none of its own.

    Args:
        y_true: emotion names, shape ``(N,)``.
        y_pred: emotion names, shape ``(N,)``, in the same order.

    Raises:
        ValueError: no utterances, unequal lengths, or a missing label.
    """
    y_true, y_pred = paired(y_true, y_pred)
    return 100 * float(recall_score(y_true, y_pred, labels=np.unique(y_true), average="macro", zero_division=0))


def per_class(y_true: ArrayLike, y_pred: ArrayLike) -> pd.DataFrame:
    """Precision, recall and F1 of every emotion in percent, and its count.

    Precision TP / (TP + FP): how often the name was right when given. Recall TP / (TP + FN): how much of the emotion
    was found. F1 = 2 TP / (2 TP + FP + FN), their harmonic mean.

    Returns:
        Indexed by emotion, columns ``precision, recall, f1`` and ``support`` (utterances of that emotion). NaN where
        a figure has no meaning: precision of an emotion never predicted, recall of one that never occurs.
    """
    y_true, y_pred = paired(y_true, y_pred)
    emotions = np.union1d(y_true, y_pred)
    precision, recall, f1, support = precision_recall_fscore_support(
        y_true, y_pred, labels=emotions, zero_division=np.nan
    )
    return pd.DataFrame(
        {"precision": 100 * precision, "recall": 100 * recall, "f1": 100 * f1, "support": support},
        index=pd.Index(emotions.tolist(), name="emotion"),
    )


def confusion(y_true: ArrayLike, y_pred: ArrayLike, emotions: Sequence[str] | None = None) -> pd.DataFrame:
    """Confusion matrix in utterances: a row for what is true, a column for what was predicted.

    Args:
        y_true: emotion names, shape ``(N,)``.
        y_pred: emotion names, shape ``(N,)``, in the same order.
        emotions: order of rows and columns; ``None``: all that occur, sorted.

    Raises:
        ValueError: as :func:`wa`, or a label that is not among ``emotions``.
    """
    y_true, y_pred = paired(y_true, y_pred)
    occurring = np.union1d(y_true, y_pred).tolist()
    labels = occurring if emotions is None else list(emotions)
    if set(occurring) - set(labels):
        raise ValueError(f"labels outside the given emotions: {sorted(set(occurring) - set(labels))}")
    counts = confusion_matrix(y_true, y_pred, labels=labels)  # (C, C)
    return pd.DataFrame(counts, index=pd.Index(labels, name="true"), columns=pd.Index(labels, name="predicted"))


def confusion_percent(counts: pd.DataFrame) -> pd.DataFrame:
    """A confusion matrix with every row in percent of that emotion's utterances; the diagonal is the recall.

    Args:
        counts: what :func:`confusion` gives. The row of an emotion that never occurs becomes NaN.
    """
    return 100 * counts.div(counts.sum(axis=1).replace(0, np.nan), axis=0)


@dataclass(frozen=True)
class FoldScore:
    """One fold (of one repeat)."""

    fold: str
    wa: float
    """Percent."""
    ua: float
    """Percent, over the emotions that occur in this fold: speaker 08 of EMO-DB, for one, has no disgust."""
    n_test: int
    """Utterances tested."""
    repeat: int = 0
    """Which seed or shuffling, from 0."""


@dataclass(frozen=True)
class Scores:
    """The figures of one system under one protocol; percent."""

    wa: float
    """Pooled over all test utterances: the headline. With repeats this equals the mean of the repeats' pooled WA."""
    ua: float
    """Pooled likewise, so an emotion that one fold lacks does no harm."""
    wa_mean: float
    """Mean over folds (and repeats); differs from ``wa`` where folds differ in size."""
    ua_mean: float
    """Mean over folds (and repeats)."""
    wa_sd: float
    """Standard deviation over folds (and repeats), n - 1 in the denominator; NaN with a single fold."""
    ua_sd: float
    """As ``wa_sd``."""
    wa_sd_repeats: float
    """Standard deviation of the repeats' pooled WA: what the seed alone does; NaN with a single repeat."""
    ua_sd_repeats: float
    """As ``wa_sd_repeats``."""
    repeats: int
    folds: tuple[FoldScore, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON: as the fields, NaN as ``None``."""
        return {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in asdict(self).items()} | {
            "folds": [asdict(fold) for fold in self.folds]
        }


def score(predictions: pd.DataFrame) -> Scores:
    """All figures of a table of predictions.

    Args:
        predictions: columns ``emotion, predicted, fold`` and, where the protocol was run with several seeds,
            ``repeat``.

    Raises:
        ValueError: no rows, or a missing label.
    """
    repeat = predictions["repeat"] if "repeat" in predictions else pd.Series(0, index=predictions.index)
    folds = tuple(
        FoldScore(str(fold), *_both(part), len(part), int(number))
        for (number, fold), part in predictions.groupby([repeat.rename("repeat"), "fold"], sort=False)
    )
    cells = np.array([(fold.wa, fold.ua) for fold in folds]).reshape(-1, 2)  # (folds, 2)
    whole = np.array([_both(part) for _, part in predictions.groupby(repeat.to_numpy())]).reshape(-1, 2)
    wa_pooled, ua_pooled = _both(predictions)
    return Scores(wa_pooled, ua_pooled, *map(float, cells.mean(axis=0)), *_sd(cells), *_sd(whole), len(whole), folds)


@dataclass(frozen=True)
class Gap:
    """How unequal a system is between groups of speakers; percent and points.

    Some gap appears by chance alone, and the more so the more groups there are and the fewer utterances each has:
    ten speakers of 50 utterances, all recognised at 75 %, still differ by 19 points on average. Read it beside ``n``.
    """

    by: str
    """The column: "gender" or "speaker"."""
    groups: pd.DataFrame
    """Indexed by group: ``n`` utterances, ``wa``, ``ua`` (over the emotions that occur in the group)."""
    wa_gap: float
    """Points between the best and the worst group's WA."""
    ua_gap: float
    """Points between the best and the worst group's UA."""
    worst: str
    """The group with the lowest UA."""
    best: str
    """The group with the highest UA."""


def gap(predictions: pd.DataFrame, by: str) -> Gap:
    """Accuracy of each group and the distance from the best to the worst.

    Args:
        predictions: columns ``emotion, predicted`` and ``by``; rows where ``by`` is missing are left out.
        by: "gender", "speaker" or any other column.

    Raises:
        ValueError: ``by`` is missing in every row.
    """
    rows = {str(g): (len(part), *_both(part)) for g, part in predictions.groupby(by)}
    if not rows:
        raise ValueError(f"no prediction has a {by}")
    groups = pd.DataFrame.from_dict(rows, orient="index", columns=["n", "wa", "ua"]).rename_axis(by)
    spread = groups.max() - groups.min()
    return Gap(by, groups, float(spread["wa"]), float(spread["ua"]), groups["ua"].idxmin(), groups["ua"].idxmax())


def paired(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays of strings, checked: equal lengths, not empty, nothing missing, one index where both have one.

    Raises:
        ValueError: one of these does not hold.
    """
    if isinstance(y_true, pd.Series) and isinstance(y_pred, pd.Series) and not y_true.index.equals(y_pred.index):
        raise ValueError("y_true and y_pred are indexed by different utterances; join them by id first")
    true, predicted = (np.asarray(y, dtype=object) for y in (y_true, y_pred))
    if true.shape != predicted.shape or true.ndim != 1:
        raise ValueError(f"y_true has shape {true.shape} and y_pred {predicted.shape}; both must be (N,)")
    if not len(true):
        raise ValueError("there are no predictions to judge")
    if pd.isna(true).any() or pd.isna(predicted).any():
        raise ValueError("a label is missing; leave such utterances out before judging")
    return true.astype(str), predicted.astype(str)


def _both(part: pd.DataFrame) -> tuple[float, float]:
    return wa(part["emotion"], part["predicted"]), ua(part["emotion"], part["predicted"])


def _sd(cells: np.ndarray) -> tuple[float, float]:
    if len(cells) < 2:
        return float("nan"), float("nan")
    wa_sd, ua_sd = cells.std(axis=0, ddof=1)
    return float(wa_sd), float(ua_sd)
