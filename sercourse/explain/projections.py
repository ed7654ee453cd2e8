"""Many numbers per utterance to two, by three methods, each with how far its neighbours can be believed.

PCA is a shadow: distances can only shrink, so what is far apart in it is far apart in truth. t-SNE and UMAP keep
neighbours together and say little about all else. Trustworthiness tells of any of them how many neighbours on the
plane are neighbours in truth: 1, all of them; about .5, as chance would have it.

Source: van der Maaten and Hinton, JMLR 9, 2008 (t-SNE); McInnes, Healy and Melville, arXiv:1802.03426, 2018 (UMAP);
Venna and Kaski, "Neighborhood preservation in nonlinear projection methods", ICANN 2001 (trustworthiness).
Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.preprocessing import normalize

from sercourse.errors import UserError, did_you_mean
from sercourse.explain.maps import METRICS, scaled, tsne

METHODS: dict[str, str] = {"tsne": "t-SNE", "umap": "UMAP", "pca": "PCA"}
"""How they are called here, and in print."""

PERPLEXITY, NEIGHBOURS = 30.0, 15
"""What t-SNE and UMAP take where nothing is said and the points are enough."""

TRUSTED = 10
"""Neighbours that trustworthiness looks at; fewer where points are few."""

LEAST = 4
"""Points that make a map."""

MANY = 3000
"""Points up to which all are asked for their neighbours; of more, so many are drawn, for what it takes grows by the
square."""


@dataclass(frozen=True)
class Projection:
    """Points on a plane and where they came from.

    Attributes:
        points: ``(N, 2)``; the axes have no unit.
        method: one of :data:`METHODS`.
        parameters: by name, with the seed and the metric.
        trustworthiness: 0 to 1, over :data:`TRUSTED` neighbours; of more than :data:`MANY` points, so many are drawn.
    """

    points: np.ndarray
    method: str
    parameters: dict[str, float | int | str]
    trustworthiness: float

    def describe(self) -> str:
        """Method, parameters and trustworthiness in half a sentence."""
        values = {name: value if isinstance(value, str) else f"{value:g}" for name, value in self.parameters.items()}
        told = ", ".join(f"{name} {value}" for name, value in values.items())
        return f"{METHODS[self.method]} ({told}), trustworthiness {self.trustworthiness:.2f}"


def project(
    vectors: np.ndarray,
    method: str = "tsne",
    *,
    seed: int = 0,
    perplexity: float | None = None,
    neighbours: int | None = None,
    metric: str = "euclidean",
) -> Projection:
    """Project to the plane.

    Args:
        vectors: ``(N, D)``, four rows and two columns or more; for distances each column is standardised first.
        method: one of :data:`METHODS`.
        seed: of the optimisation; PCA needs none.
        perplexity: of t-SNE, neighbours that count, roughly; ``None``: 30, or a third of the points.
        neighbours: of UMAP; ``None``: 15, or all others.
        metric: one of :data:`~sercourse.explain.maps.METRICS`. PCA by angle sees vectors of length 1.

    Raises:
        UserError: an unknown method or metric, too few points for what is asked, values that are no numbers.
    """
    vectors = np.asarray(vectors, dtype=np.float64)
    check_method(method)
    _check(vectors, metric)
    others = len(vectors) - 1
    if method == "tsne":
        perplexity = min(PERPLEXITY, others / 3) if perplexity is None else perplexity
        if not 0 < perplexity <= others / 3:
            raise UserError(
                f"perplexity {perplexity:g}: must be above 0 and at most a third of the points, {others / 3:.1f} here."
            )
        points, parameters = tsne(vectors, perplexity=perplexity, seed=seed, metric=metric), {"perplexity": perplexity}
    elif method == "umap":
        neighbours = min(NEIGHBOURS, others) if neighbours is None else neighbours
        if not 2 <= neighbours <= others:
            raise UserError(f"neighbours {neighbours}: must be 2 or more and fewer than the {others + 1} points.")
        points, parameters = _umap(scaled(vectors, metric), neighbours, seed, metric), {"neighbours": neighbours}
    else:
        points, parameters = _pca(vectors, metric)
    asked = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:MANY])
    neighbourhood = {"n_neighbors": min(TRUSTED, (len(asked) - 1) // 2), "metric": metric}
    trusted = trustworthiness(scaled(vectors, metric)[asked], points[asked], **neighbourhood)
    parameters |= {"metric": metric} | ({} if method == "pca" else {"seed": seed})
    return Projection(np.asarray(points, dtype=np.float64), method, parameters, float(trusted))


def check_method(method: str) -> None:
    """Say at once that there is no such method.

    Raises:
        UserError: it is none of :data:`METHODS`.
    """
    if method not in METHODS:
        known = ", ".join(METHODS)
        raise UserError(f"--method {method}: no such projection; choose one of {known}.{did_you_mean(method, METHODS)}")


def _check(vectors: np.ndarray, metric: str) -> None:
    if metric not in METRICS:
        raise UserError(f"metric {metric}: no such distance; choose one of {', '.join(METRICS)}.")
    if vectors.ndim != 2 or vectors.shape[1] < 2:
        raise UserError(f"vectors of shape {vectors.shape}: one row of two numbers or more per point is needed.")
    if len(vectors) < LEAST:
        raise UserError(f"{len(vectors)} points make no map; give {LEAST} or more.")
    if not np.isfinite(vectors).all():
        row = int(np.flatnonzero(~np.isfinite(vectors).all(1))[0])
        raise UserError(f"row {row} of the vectors holds values that are no numbers; leave it out.")


def _umap(vectors: np.ndarray, neighbours: int, seed: int, metric: str) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its notes on seeds and dense neighbourhoods tell the user nothing
        from umap import UMAP  # compiles for seconds: only where it is asked for

        # From PCA, as t-SNE here: the spectral start differs between machines and fails on few points.
        reducer = UMAP(n_neighbors=neighbours, metric=metric, random_state=seed, init="pca", n_jobs=1)
        return reducer.fit_transform(vectors)


def _pca(vectors: np.ndarray, metric: str) -> tuple[np.ndarray, dict]:
    rows = scaled(vectors, metric)
    reducer = PCA(2, svd_solver="full")
    points = reducer.fit_transform(normalize(rows) if metric == "cosine" else rows)
    return points, {"variance": round(float(reducer.explained_variance_ratio_.sum()), 4)}
