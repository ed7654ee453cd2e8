"""Maps: many numbers per utterance drawn as a point on a plane, and a figure beside the impression.

t-SNE keeps neighbours together; distances between islands, their sizes and their shapes mean little, and the eye sees
order in anything. So a map comes with its silhouette, measured in the space BEFORE the projection.

Source: van der Maaten and Hinton, "Visualizing data using t-SNE", JMLR 9, 2008; Rousseeuw, "Silhouettes", Journal of
Computational and Applied Mathematics 20, 1987; Zhang and Xue, figures 6 and 7.
Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

from sercourse.explain.colourings import classes_of, filled
from sercourse.explain.plots import EMOTION_COLOURS

MARKERS = "o^sDvP*X<>pdh"
"""Shapes for speakers or genders; a corpus with more of them begins again."""


METRICS: tuple[str, ...] = ("euclidean", "cosine")
"""Distance between standardised columns, or angle between the vectors as they are."""


def tsne(
    vectors: np.ndarray, *, perplexity: float = 30.0, seed: int = 0, metric: str = "euclidean"
) -> np.ndarray:  # fmt: skip
    """Project to the plane.

    Args:
        vectors: ``(N, D)``, four rows or more; for distances each column is standardised first.
        perplexity: neighbours that count, roughly; at most a third of the points.
        seed: of the optimisation.
        metric: one of :data:`METRICS`.

    Returns:
        ``(N, 2)``; the axes have no unit.

    Raises:
        ValueError: fewer than four points.
    """
    if len(vectors) < 4:
        raise ValueError(f"{len(vectors)} points make no map; give four or more")
    rows = scaled(vectors, metric)
    neighbours = min(perplexity, (len(rows) - 1) / 3)
    return TSNE(perplexity=neighbours, init="pca", random_state=seed, max_iter=500, metric=metric).fit_transform(rows)


def silhouette(vectors: np.ndarray, labels: Sequence[str], *, metric: str = "euclidean") -> float:
    """How well labels separate: 1 apart, 0 mixed, below 0 closer to another label than to one's own.

    Args:
        vectors: ``(N, D)``; for distances each column is standardised first.
        labels: one per row.
        metric: one of :data:`METRICS`.

    Returns:
        The mean over rows; NaN where there are fewer than two labels, or as many as rows.
    """
    names = np.unique(np.asarray(labels, dtype=str), return_inverse=True)[1]
    if not 1 < names.max() + 1 < len(names):
        return float("nan")
    return float(silhouette_score(scaled(vectors, metric), names, metric=metric))


def scaled(vectors: np.ndarray, metric: str) -> np.ndarray:
    """Vectors ``(N, D)`` as a map takes them: columns standardised for distances, as they are for angles."""
    vectors = np.asarray(vectors, dtype=np.float64)
    return vectors if metric == "cosine" else StandardScaler().fit_transform(vectors)


def emotion_map(
    points: np.ndarray,
    table: pd.DataFrame,
    ax: Axes | None = None,
    *,
    vectors: np.ndarray | None = None,
    shape: str = "gender",
    title: str = "",
    legend: bool = True,
) -> Axes:
    """Points coloured by emotion, with a shape by gender or speaker.

    Args:
        points: ``(N, 2)``, as :func:`tsne` gives them.
        table: one row per point, with ``emotion`` and the column ``shape``.
        ax: where to draw.
        vectors: ``(N, D)``, what was projected: its silhouettes are written under the map; ``None``: none.
        shape: "gender" or "speaker"; a missing one is drawn as a circle.
        title: above the map.
        legend: with the names of emotions and shapes, on the right.
    """
    ax = ax or plt.gca()
    groups = sorted(table[shape].dropna().unique())
    markers = {name: MARKERS[number % len(MARKERS)] for number, name in enumerate(groups)}
    size = 26 if len(points) > 60 else 40
    for (emotion, group), rows in table.reset_index(drop=True).groupby(["emotion", shape], dropna=False):
        ax.scatter(
            *points[rows.index].T, s=size, marker=markers.get(group, "o"), color=EMOTION_COLOURS[emotion],
            alpha=0.8, linewidths=0,
        )  # fmt: skip
    ax.set(xticks=[], yticks=[], title=title)
    ax.grid(visible=False)
    if vectors is not None:
        by = {"emotion": silhouette(vectors, table["emotion"]), shape: silhouette(vectors, table[shape].fillna(""))}
        ax.set_xlabel("silhouette: " + ", ".join(f"{name} {value:.2f}" for name, value in by.items()))
    if legend:
        emotions = sorted(table["emotion"].dropna().unique())
        handles = [_sample(name, "o", EMOTION_COLOURS[name]) for name in emotions]
        handles += [_sample(name.rpartition("/")[2], markers[name], "grey") for name in groups]
        ax.legend(handles=handles, frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return ax


def class_map(points: np.ndarray, column: pd.Series, ax: Axes, *, title: str = "", legend: bool = True) -> Axes:
    """Points with a colour and a shape per class of any column.

    Args:
        points: ``(N, 2)``.
        column: a label per point; what has none is grey.
        ax: where to draw.
        title: above the map.
        legend: with the names of the classes, on the right.
    """
    names = filled(column).to_numpy()
    handles = []
    for number, one in enumerate(classes_of(column)):
        marker = MARKERS[number % len(MARKERS)]
        ax.scatter(*points[names == one["name"]].T, s=26, marker=marker, color=one["colour"], alpha=0.8, linewidths=0)
        handles.append(_sample(one["name"], marker, one["colour"]))
    ax.set(xticks=[], yticks=[], title=title)
    ax.grid(visible=False)
    if legend:
        ax.legend(handles=handles, frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return ax


def _sample(name: str, marker: str, colour: str) -> Line2D:
    """One line of a legend."""
    return Line2D([], [], linestyle="", marker=marker, color=colour, label=name)


def layer_maps(
    states: Sequence[np.ndarray],
    table: pd.DataFrame,
    *,
    latent: np.ndarray | None = None,
    control: tuple[Sequence[np.ndarray], pd.DataFrame] | None = None,
    shape: str = "gender",
    seed: int = 0,
    title: str = "",
) -> Figure:
    """The decoder's states at its five embedding layers, a map each, side by side; perhaps the latent as well.

    Args:
        states: one ``(N, C)`` per layer: a state's mean over time.
        table: one row per point, with ``emotion`` (the colour; its silhouette stands below) and the column ``shape``.
        latent: ``(N, C)``, drawn last; ``None``: left out.
        control: states that were told other labels, and the table with the labels that were told; a row below.
        shape: see :func:`emotion_map`.
        seed: of the projections.
        title: above them all.

    Source: Zhang and Xue, figures 6 and 7. That the emotions separate in the states shows nothing: the label is an
    input of theirs. It is none of the latent's.
    """
    rows = [(_named(states, latent), table), *([(_named(control[0]), control[1])] if control else [])]
    across = len(rows[0][0])
    size = (1.9 * across + 1.5, 2.7 * len(rows))
    figure, axes = plt.subplots(len(rows), across, figsize=size, layout="constrained", dpi=80, squeeze=False)
    for line, (drawn, told) in zip(axes, rows):
        for ax, (name, vectors) in zip(line, drawn.items()):
            emotion_map(tsne(vectors, seed=seed), told, ax, shape=shape, title=name, legend=name == list(drawn)[-1])
            ax.set_xlabel(f"silhouette {silhouette(vectors, told['emotion']):.2f}", fontsize=10)
        for ax in line[len(drawn) :]:
            ax.axis("off")
    figure.suptitle(title, fontsize=12)
    return figure


def _named(states: Sequence[np.ndarray], latent: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """The states of the embedding layers by name, and the latent where there is one."""
    named = {f"Emb{number}": state for number, state in enumerate(states, start=1)}
    return named if latent is None else named | {"latent": latent}
