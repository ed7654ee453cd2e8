"""Fresh probes: what can still be read from frozen features?

An adversary that is beaten says little: it may only have been outrun. The test is a classifier that sees the finished
features for the first time. Where it does no better than the majority class, the attribute is gone.

Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sercourse.evaluation.metrics import ua, wa

KINDS: tuple[str, ...] = ("linear", "mlp")

ENOUGH = 10
"""Rows of every class, so that a tenth can be set aside to stop the mlp early."""


@dataclass(frozen=True, eq=False)
class Probe:
    """What a probe told of rows that it had not seen.

    Attributes:
        kind: "linear" or "mlp".
        truth: labels of the tested rows, ``(M,)``.
        predicted: what it told, ``(M,)``.
        frequent: the class that is most frequent in training, for each row, ``(M,)``.
    """

    kind: str
    truth: np.ndarray
    predicted: np.ndarray
    frequent: np.ndarray

    @property
    def wa(self) -> float:
        """Share of the tested rows that it told right, percent."""
        return wa(self.truth, self.predicted)

    @property
    def ua(self) -> float:
        """Mean recall over the classes, percent."""
        return ua(self.truth, self.predicted)

    @property
    def majority(self) -> float:
        """WA of always naming the class that is most frequent in training, percent."""
        return wa(self.truth, self.frequent)

    @property
    def chance(self) -> float:
        """UA of guessing, 100 / (number of classes in the test)."""
        return 100 / len(np.unique(self.truth))


def pooled(probes: Sequence[Probe]) -> Probe:
    """Probes of several folds judged as one: a fold with one class alone could not be judged by itself.

    Args:
        probes: of one kind, one or more, each of other rows.
    """
    rows = {name: np.concatenate([getattr(one, name) for one in probes]) for name in ("truth", "predicted", "frequent")}
    return Probe(probes[0].kind, **rows)


def probe(
    train: np.ndarray, train_labels: ArrayLike, test: np.ndarray, test_labels: ArrayLike, *, kind: str = "linear",
    seed: int = 0,
) -> Probe:  # fmt: skip
    """Train a fresh classifier on features and judge it on others.

    Args:
        train: ``(N, D)``.
        train_labels: ``(N,)``; rows with a missing label (``None``, NaN) are left out.
        test: ``(M, D)``, of other utterances.
        test_labels: ``(M,)``.
        kind: "linear" (logistic regression) or "mlp" (one hidden layer of 64).
        seed: of the mlp.

    Raises:
        ValueError: an unknown kind, or no class to tell from another.
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind}: choose one of {', '.join(KINDS)}")
    train, y_train = _labelled(train, train_labels)
    test, y_test = _labelled(test, test_labels)
    names, codes, counts = np.unique(y_train, return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise ValueError("a probe needs two classes or more to learn from")
    if kind == "linear":
        classifier = LogisticRegression(max_iter=2000)
    else:
        enough = counts.min() >= ENOUGH
        classifier = MLPClassifier((64,), alpha=1e-2, max_iter=300, early_stopping=enough, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 300 rounds are what the mlp is given
        # numbers: the mlp of scikit-learn 1.6 stops with a TypeError where it stops early on texts
        predicted = names[make_pipeline(StandardScaler(), classifier).fit(train, codes).predict(test)]
    return Probe(kind, y_test, predicted, np.full(len(y_test), names[counts.argmax()]))


def _labelled(features: np.ndarray, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    names = np.asarray(labels, dtype=object)
    known = np.array([isinstance(name, str) for name in names], dtype=bool)
    return np.asarray(features, dtype=float)[known], names[known].astype(str)
