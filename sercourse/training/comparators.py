"""What ASP-MTL is compared with, on one vector per utterance: sparse representation, aligned covariances, a subspace.

Each takes a training side and a test side and names the emotions of the test side. What tells a utterance's domain
(its noise, or the speaker's gender) is known on both sides: that favours these methods, the networks are not told.

=====================  ===================  ============================================================================
method                 the paper's          what is left out here
=====================  ===================  ============================================================================
sparse representation  [11]                 weights by maximum likelihood: every feature counts alike
aligned covariances    [14], CORAL          the network around it: a closed form on the features themselves
common subspace        [15], NMF            its graph and discrepancy terms inside the factorisation: each domain's mean
                                            activity is put on the common one afterwards
=====================  ===================  ============================================================================

Quoted only: modulation-spectrum pooling [8], double spatial transfer [12], the bi-hemispheric network [13] and, of the
multi-task peers, [21].

Source: Liu and Zhang, IEEE Access 2023, sections I and IV D.
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.decomposition import NMF, PCA, SparseCoder
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler, normalize

from sercourse.errors import UserError
from sercourse.training.classifiers import CLASSIFIERS
from sercourse.training.protocols import Protocol

VERSION = 1
"""Goes up whenever a method would name other emotions; stored figures of an older one are measured anew."""

ATOMS = 20
"""Training utterances that a test utterance is put together from (sparse representation)."""

DIMENSIONS = 200
"""Principal components that CORAL and sparse representation work on, at most."""

PARTS = 60
"""Components of the common subspace."""


@dataclass(frozen=True)
class Side:
    """Utterances of one side of a fold.

    Attributes:
        x: ``(N, D)``, finite.
        domain: ``(N,)`` str, such as the noise or the gender.
        emotion: ``(N,)`` str; of the test side it is not looked at.
    """

    x: np.ndarray
    domain: np.ndarray
    emotion: np.ndarray


Comparator = Callable[[Side, Side], np.ndarray]
"""Emotions ``(M,)`` that a method names for a test side, having learnt from a training side."""


def support_vectors(train: Side, test: Side) -> np.ndarray:
    """The linear machine of chapter 01, which no method here should fall behind."""
    return CLASSIFIERS["linear"]().fit(train.x, train.emotion).predict(test.x)


def sparse_representation(train: Side, test: Side) -> np.ndarray:
    """A test utterance is written as a sum of few training utterances; the emotion whose utterances leave the smallest
    residual wins (orthogonal matching pursuit)."""
    parts = min(DIMENSIONS, *train.x.shape)
    space = make_pipeline(StandardScaler(), PCA(parts, random_state=0)).fit(train.x)
    atoms, wanted = normalize(space.transform(train.x)), normalize(space.transform(test.x))  # (N, P), (M, P)
    coder = SparseCoder(atoms, transform_algorithm="omp", transform_n_nonzero_coefs=min(ATOMS, parts, len(atoms)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # twins among the atoms: the pursuit stops early
        weights = coder.transform(wanted)  # (M, N)
    emotions = np.unique(train.emotion)
    residuals = [
        np.linalg.norm(wanted - np.where(train.emotion == emotion, weights, 0.0) @ atoms, axis=1)
        for emotion in emotions
    ]
    return emotions[np.argmin(residuals, axis=0)]


def aligned_covariances(train: Side, test: Side) -> np.ndarray:
    """CORAL: every domain gets mean and covariance of the largest, then the linear machine learns from all."""
    try:
        from skada import CORALAdapter
    except ImportError:
        raise UserError("CORAL needs the package skada; install sercourse[peers].") from None

    parts = min(DIMENSIONS, *train.x.shape)
    space = make_pipeline(StandardScaler(), PCA(parts, random_state=0)).fit(train.x)
    x, tested = space.transform(train.x), space.transform(test.x)
    domains, counts = np.unique(train.domain, return_counts=True)
    target = domains[counts.argmax()]
    centre = x[train.domain == target].mean(0)
    for domain in domains[domains != target]:
        pair = np.isin(train.domain, (domain, target))
        numbers = np.where(train.domain == domain, 1, -2)  # as the library counts: a source is above 0
        adapter = CORALAdapter().fit(x[pair], sample_domain=numbers[pair])
        for values, mine in ((x, train.domain == domain), (tested, test.domain == domain)):
            if mine.any():
                one = np.ones(mine.sum(), dtype=int)
                values[mine] = adapter.transform(values[mine], sample_domain=one, allow_source=True) + centre
    # Back among the features: of components, the machine's scaler would blow up the least ones.
    x, tested = space.inverse_transform(x), space.inverse_transform(tested)
    return support_vectors(Side(x, train.domain, train.emotion), Side(tested, test.domain, test.emotion))


def common_subspace(train: Side, test: Side) -> np.ndarray:
    """Features of all domains as sums of the same non-negative parts; each domain's mean activity is put on the
    common one; the linear machine learns from activities."""
    parts = min(PARTS, *train.x.shape)
    scale = MinMaxScaler(clip=True).fit(train.x)
    model = NMF(parts, init="nndsvda", max_iter=300, tol=1e-3, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        x, tested = model.fit_transform(scale.transform(train.x)), model.transform(scale.transform(test.x))
    common = x.mean(0)
    for domain in np.unique(train.domain):
        shift = common - x[train.domain == domain].mean(0)
        x[train.domain == domain] += shift
        tested[test.domain == domain] += shift
    return support_vectors(Side(x, train.domain, train.emotion), Side(tested, test.domain, test.emotion))


def compared(
    method: Comparator, features: pd.DataFrame | Callable[[tuple[str, ...]], pd.DataFrame], domain: pd.Series,
    table: pd.DataFrame, protocol: Protocol,
) -> pd.DataFrame:  # fmt: skip
    """Judge a method on the test side of every fold; it learns from the whole development side, as the machines do.

    Args:
        method: learns and names.
        features: a vector per utterance id; or, where they are fitted too, what makes them from the ids of a fold's
            development side.
        domain: per utterance id; a missing one is a domain of its own.
        table: emotion, speaker and gender.
        protocol: the folds.

    Returns:
        One row per tested utterance: ``utterance_id, fold, repeat, emotion, predicted, speaker, gender``.

    Raises:
        UserError: a fold is left without test utterances, or with fewer than two emotions to learn.
    """
    parts = []
    domain = domain.astype(object).where(domain.notna(), "unknown").astype(str)
    for fold in protocol.folds:
        rows = features(fold.development) if callable(features) else features
        sides = []
        for ids in (fold.development, fold.test):
            kept = [i for i in ids if i in rows.index]
            emotion = table.loc[kept, "emotion"].to_numpy(dtype=str)
            sides.append((kept, Side(rows.loc[kept].to_numpy(dtype=float), domain.loc[kept].to_numpy(), emotion)))
        (_, train), (tested, test) = sides
        if not tested or len(np.unique(train.emotion)) < 2:
            raise UserError(
                f"fold '{fold.name}': no test utterance or fewer than two emotions to learn have features; look at the"
                " audio: `sercourse doctor`."
            )
        told = {"utterance_id": tested, "fold": fold.name, "repeat": 0, "emotion": test.emotion}
        parts.append(pd.DataFrame(told | {"predicted": method(train, test)}))
    return pd.concat(parts, ignore_index=True).join(table[["speaker", "gender"]], on="utterance_id")


COMPARATORS: Mapping[str, Comparator] = {
    "sparse representation [11]": sparse_representation,
    "CORAL [14]": aligned_covariances,
    "NMF subspace [15]": common_subspace,
}
"""By name in the tables, with the number of the paper's list of references."""
