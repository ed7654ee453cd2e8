"""A matplotlib figure in words: titles, axes, series and the values of bars, for those who do not see it.

What the picture *means* stands in the text beside it; this is what a screen reader says in the picture's place.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

VALUES = 12
"""Bars up to which their values are told."""

LETTERS = 600
"""Of a description, at most; a screen reader cannot skip inside it."""


def describe(figure: Figure) -> str:
    """What is drawn in a figure, in a few sentences.

    Args:
        figure: as it is shown; axes that are off without a title, and colour bars, are left out.

    Example:
        >>> import matplotlib.pyplot as plt
        >>> figure, ax = plt.subplots()
        >>> _ = ax.plot([1, 2], label="train"), ax.set(title="Loss", xlabel="epoch", ylabel="loss (nats)")
        >>> describe(figure)
        'Loss: 1 line (train); across: epoch; up: loss (nats).'
    """
    heading = [figure.get_suptitle()] if figure.get_suptitle() else []
    panels = [told for ax in figure.axes if (told := _panel(ax))]
    if len(panels) > 1:
        heading.append(f"{len(panels)} panels")
    text = " ".join(f"{_one_line(part)}." for part in [*heading, *dict.fromkeys(panels)]) or "A figure without labels."
    return text if len(text) <= LETTERS else text[: LETTERS - 1].rsplit(" ", 1)[0] + "…"


def _panel(ax: Axes) -> str:
    """One panel; "" where there is nothing to tell."""
    if ax.get_label() == "<colorbar>" or not ax.get_visible():
        return ""
    title = " ".join(filter(None, (ax.get_title(loc) for loc in ("left", "center", "right"))))
    parts = [part for part in (_drawn(ax), *_axes(ax)) if part]
    if not title and not (ax.axison and parts):
        return ""
    return f"{title}: {'; '.join(parts)}" if title and parts else title or "; ".join(parts)


def _drawn(ax: Axes) -> str:
    """The kinds of what is drawn, how many, and their names in the legend."""
    if bars := [each for each in ax.containers if isinstance(each, BarContainer)]:
        return "; ".join(_bars(ax, one) for one in bars)
    if ax.images or any(hasattr(each, "get_array") and np.ndim(each.get_array()) == 2 for each in ax.collections):
        return "an image in colours"
    names, handles = ax.get_legend_handles_labels()[1], len(ax.get_lines())
    if ax.get_legend() is not None:  # which may have samples of its own
        names = [label.get_text() for label in ax.get_legend().get_texts()]
    listed = f" ({', '.join(dict.fromkeys(names))})" if names else ""
    if handles:
        return f"{handles} {'line' if handles == 1 else 'lines'}{listed}"
    return f"points{listed}" if ax.collections else ""


def _bars(ax: Axes, bars: BarContainer) -> str:
    """A series of bars, with its values where they are few."""
    upright = getattr(bars, "orientation", "vertical") != "horizontal"
    values = [bar.get_height() if upright else bar.get_width() for bar in bars.patches]
    axis = ax.xaxis if upright else ax.yaxis
    ticks = [label.get_text() for label in axis.get_ticklabels()]
    name = "" if bars.get_label().startswith("_") else f" {bars.get_label()}"
    if len(values) > VALUES:
        return f"{len(values)} bars{name}"
    names: Sequence[str] = ticks if len(ticks) == len(values) and all(ticks) else [""] * len(values)
    return f"bars{name}: " + ", ".join(f"{tick} {value:.3g}".strip() for tick, value in zip(names, values))


def _axes(ax: Axes) -> Iterator[str]:
    if not ax.axison:
        return
    for way, label in (("across", ax.get_xlabel()), ("up", ax.get_ylabel())):
        if label:
            yield f"{way}: {label}"


def _one_line(text: str) -> str:
    """Without line breaks, TeX's dollars and a full stop at the end."""
    return " ".join(text.replace("$", "").split()).rstrip(".")
