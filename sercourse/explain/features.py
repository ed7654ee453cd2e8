"""Pictures of features and what is said of them: rankings, deletion curves.

Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from sercourse.explain.attribution import ranked
from sercourse.features.names import in_words

COLOURS = sns.color_palette("colorblind")


def deletion_figure(counts: Sequence[int], curves: Mapping[str, Sequence[float]]) -> Figure:
    """UA over features taken away, a line per way to rank; ``random`` is grey.

    Args:
        counts: features taken away.
        curves: way to UA (percent) after each count.
    """
    figure, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for number, (name, curve) in enumerate(curves.items()):
        style = {"color": "0.4", "linestyle": "--"} if name == "random" else {"color": COLOURS[number]}
        ax.plot(counts, curve, marker="o", markersize=4, label=name, **style)
    ax.set(xlabel="features taken away (the first of each ranking)", ylabel="UA (%)")
    ax.legend(title="ranked by", frameon=False)
    return figure


def ranking_figure(scores: np.ndarray, columns: Sequence[str], *, top: int = 10, even: bool = True) -> Figure:
    """The first features of a ranking as bars, in words; a dashed line where all features would be equal.

    Args:
        scores: ``(D,)``, of positive sum.
        columns: openSMILE's names, ``(D,)``.
        top: bars.
        even: draw the line.
    """
    first = ranked(scores)[:top]
    figure, ax = plt.subplots(figsize=(7.5, 0.32 * len(first) + 1), layout="constrained")
    share = 100 * np.asarray(scores) / np.sum(scores)
    ax.barh([in_words(columns[i]) for i in first], share[first], color=COLOURS[0])
    if even:
        ax.axvline(100 / len(columns), color="0.4", linestyle="--")
        ax.annotate("even", (100 / len(columns), -0.7), color="0.3", ha="center", annotation_clip=False)
    ax.invert_yaxis()
    ax.set(xlabel="share of the attention (%)")
    return figure
