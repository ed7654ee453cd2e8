"""Does a system that says 80 % get 80 % right? Reliability, calibration error, and one knob that mends it.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax


def reliability(
    probabilities: ArrayLike, y_true: ArrayLike, emotions: Sequence[str], *, bins: int = 10, adaptive: bool = False
) -> pd.DataFrame:
    """The table behind a reliability diagram.

    Utterances are binned by their confidence, the largest of their probabilities.

    Args:
        probabilities: posteriors, shape ``(N, C)``; rows sum to 1.
        y_true: emotion names, shape ``(N,)``.
        emotions: the emotion of each of the C columns.
        bins: number of bins.
        adaptive: ``False``: bins of equal width over (0, 1], the lower edge excluded. ``True``: bins of equal numbers
            of utterances.

    Returns:
        One row per bin: ``lower`` and ``upper`` edge, mean ``confidence`` and ``accuracy`` (all in percent; the last
        two NaN in an empty bin), ``count``.

    Raises:
        ValueError: shapes that do not fit, rows that do not sum to 1, or a true emotion that has no column.
    """
    probabilities, columns = _checked(probabilities, y_true, emotions)
    confidence = probabilities.max(axis=1)  # (N,)
    right = probabilities.argmax(axis=1) == columns
    if adaptive:
        order = np.argsort(confidence, kind="stable")
        members = np.array_split(order, min(bins, len(order)))
        edges = [0.0, *(float(confidence[m[-1]]) for m in members[:-1]), 1.0]
    else:
        edges = list(np.linspace(0, 1, bins + 1))
        number = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
        members = [np.flatnonzero(number == b) for b in range(bins)]
    return pd.DataFrame(
        {
            "lower": 100 * np.array(edges[:-1]),
            "upper": 100 * np.array(edges[1:]),
            "confidence": [100 * confidence[m].mean() if len(m) else np.nan for m in members],
            "accuracy": [100 * right[m].mean() if len(m) else np.nan for m in members],
            "count": [len(m) for m in members],
        }
    )


def ece(
    probabilities: ArrayLike, y_true: ArrayLike, emotions: Sequence[str], *, bins: int = 10, adaptive: bool = False
) -> float:
    """Expected calibration error in percent: the mean distance of accuracy and confidence, weighted by the bins.

    ECE = sum over bins of (count / N) · ``|accuracy - confidence|``. It depends on the number of bins and is biased
    upwards where bins hold few utterances, so state ``bins`` and N beside it. Arguments as :func:`reliability`.

    Source: Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks, ICML 2017, equation 3.
    """
    table = reliability(probabilities, y_true, emotions, bins=bins, adaptive=adaptive)
    distance = (table["accuracy"] - table["confidence"]).abs().fillna(0)
    return float((distance * table["count"]).sum() / table["count"].sum())


def brier(probabilities: ArrayLike, y_true: ArrayLike, emotions: Sequence[str]) -> float:
    """Brier score: the mean over utterances of the sum over emotions of (probability - truth)², from 0 to 2.

    Lower is better; C equal probabilities give 1 - 1/C. Arguments as :func:`reliability`.

    Source: Brier, Verification of forecasts expressed in terms of probability, 1950, equation 2.
    """
    probabilities, columns = _checked(probabilities, y_true, emotions)
    truth = np.eye(len(emotions))[columns]  # (N, C)
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def nll(probabilities: ArrayLike, y_true: ArrayLike, emotions: Sequence[str]) -> float:
    """Negative log likelihood of the true emotion, mean over utterances, in nats; C equal probabilities give ln C.

    A probability of 0 for what is true counts as the smallest positive float. Arguments as :func:`reliability`.
    """
    probabilities, columns = _checked(probabilities, y_true, emotions)
    true = probabilities[np.arange(len(columns)), columns]
    return float(-np.log(np.maximum(true, np.finfo(float).tiny)).mean())


def fit_temperature(logits: ArrayLike, y_true: ArrayLike, emotions: Sequence[str]) -> float:
    """The temperature T > 0 for which softmax(logits / T) has the smallest negative log likelihood.

    Fit it on validation, never on test. It changes no decision, only how sure the system claims to be; T > 1 says
    that it was too sure.

    Args:
        logits: shape ``(N, C)``.
        y_true: emotion names, shape ``(N,)``.
        emotions: the emotion of each of the C columns.

    Returns:
        T, between 0.01 and 100.

    Source: Guo et al. 2017, equation 9.
    """
    logits = np.asarray(logits, dtype=float)
    _, columns = _checked(softmax(logits, axis=1), y_true, emotions)

    def cost(log_temperature: float) -> float:
        return -log_softmax(logits / np.exp(log_temperature), axis=1)[np.arange(len(columns)), columns].mean()

    return float(np.exp(minimize_scalar(cost, bounds=(np.log(0.01), np.log(100)), method="bounded").x))


def _checked(probabilities: ArrayLike, y_true: ArrayLike, emotions: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (N, C) and the column of each true emotion (N,)."""
    probabilities, labels = np.asarray(probabilities, dtype=float), np.asarray(y_true, dtype=object)
    if probabilities.shape != (len(labels), len(emotions)) or not len(labels):
        raise ValueError(
            f"probabilities have shape {probabilities.shape}, expected (N, C) = ({len(labels)}, {len(emotions)}), N > 0"
        )
    if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3) or (probabilities < 0).any():
        raise ValueError("every row of probabilities must be 0 or more and sum to 1; give posteriors, not logits")
    columns = pd.Index(emotions).get_indexer(pd.Index(labels))
    if (columns < 0).any():
        raise ValueError(f"'{labels[columns < 0][0]}' is true but has no column among {list(emotions)}")
    return probabilities, columns
