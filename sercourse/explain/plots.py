"""The pictures of the course: one palette, units on every axis, readable on a projector.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import PIL.Image
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sercourse.corpora.table import EMOTIONS
from sercourse.evaluation.metrics import confusion_percent
from sercourse.explain.describe import describe
from sercourse.signal.audio import SAMPLE_RATE

EMOTION_COLOURS: dict[str, str] = dict(
    zip(
        EMOTIONS,
        ("#D55E00", "#882255", "#56B4E9", "#117733", "#CC79A7", "#E69F00", "#000000", "#0072B2", "#009E73"),
        strict=True,
    )
)
"""One colour per emotion, from the colour-blind-safe sets of Okabe and Ito (2008) and Tol (2021)."""

COLOURS = 96
"""In the palette of a picture: nobody sees the difference, and the file shrinks to a third."""


def course_style() -> None:
    """Set matplotlib to the course's look: small files, letters that the last row can read."""
    _show_small_pictures()
    plt.rcParams.update(
        {
            "figure.figsize": (8, 3),
            "figure.dpi": 80,
            "savefig.dpi": 80,
            "font.size": 12,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.3,
            "image.cmap": "magma",
            "image.aspect": "auto",
            "image.origin": "lower",
        }
    )


def image_html(picture: bytes, alternative: str, style: str = "") -> str:
    """A PNG file as an ``<img>`` with its bytes inside.

    Args:
        picture: the file.
        alternative: what is read to those who do not see it.
        style: CSS.
    """
    source = base64.b64encode(picture).decode()
    styled = f" style='{style}'" if style else ""
    return f"<img alt='{html.escape(alternative, quote=True)}'{styled} src='data:image/png;base64,{source}'>"


def png(figure: Figure, **how: str) -> bytes:
    """A figure as a small PNG file, with a palette.

    Args:
        figure: drawn at its own resolution.
        **how: passed on to ``Figure.savefig``, such as ``bbox_inches="tight"``.
    """
    drawn, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=figure.dpi, **how)
    drawing = PIL.Image.open(drawn).convert("RGB")
    palette = PIL.Image.Quantize.MAXCOVERAGE  # keeps colours that cover few pixels, such as thin lines
    drawing.quantize(COLOURS, method=palette).save(packed, format="png", optimize=True)
    return packed.getvalue()


def _show_small_pictures() -> None:
    """Let a notebook show figures by :func:`png`, each with its description; outside a notebook nothing happens."""
    shell = get_ipython()
    if shell is None:
        return
    plt.switch_backend(plt.get_backend())  # the notebook's backend sets its own printer when it is loaded: before ours
    printer = shell.display_formatter.formatters["image/png"]
    printer.for_type(Figure, lambda figure: (png(figure, bbox_inches="tight"), {"alt": describe(figure)}))


def waveform(samples: np.ndarray, ax: Axes | None = None, *, title: str = "") -> Axes:
    """Amplitude over time; ``samples`` is ``(T,)`` at 16 kHz."""
    ax = ax or plt.gca()
    ax.plot(np.arange(len(samples)) / SAMPLE_RATE, samples, linewidth=0.6, color="#0072B2")
    ax.set(xlabel="time (s)", ylabel="amplitude", title=title, xlim=(0, len(samples) / SAMPLE_RATE))
    return ax


def spectrogram(
    values: np.ndarray,
    ax: Axes | None = None,
    *,
    hop_seconds: float,
    top_hz: float | None = None,
    title: str = "",
    label: str = "level (dB)",
) -> Axes:
    """A time-frequency picture.

    Args:
        values: ``(T, F)``, usually in dB.
        hop_seconds: time between frames.
        top_hz: frequency of the last bin on a linear axis; ``None``: the axis counts bands or coefficients.
        title: above the picture.
        label: of the colour bar.
    """
    ax = ax or plt.gca()
    frames, bins = values.shape
    top = bins if top_hz is None else top_hz / 1000
    image = ax.imshow(values.T, extent=(0, frames * hop_seconds, 0, top))
    ax.figure.colorbar(image, ax=ax, label=label, pad=0.02)
    ax.set(xlabel="time (s)", ylabel="band" if top_hz is None else "frequency (kHz)", title=title)
    ax.grid(visible=False)
    return ax


def confusion(counts: pd.DataFrame, ax: Axes | None = None, *, title: str = "") -> Axes:
    """A confusion matrix: percent of each true class by colour, counts in the cells.

    Args:
        counts: true emotion in rows, predicted in columns.
        title: above the picture.
    """
    ax = ax or plt.gca()
    percent = confusion_percent(counts).fillna(0).to_numpy()
    ax.imshow(percent, cmap="Blues", vmin=0, vmax=100, origin="upper", aspect="equal")
    for (row, column), share in np.ndenumerate(percent):
        count = counts.iat[row, column]
        if count:
            colour = "white" if share > 55 else "black"
            ax.text(column, row, f"{share:.0f}\n({count})", ha="center", va="center", fontsize=8, color=colour)
    ax.set_xticks(range(len(counts.columns)), counts.columns, rotation=40, ha="right")
    ax.set_yticks(range(len(counts.index)), counts.index)
    ax.set(xlabel="predicted", ylabel="true", title=title)
    ax.grid(visible=False)
    return ax


def reliability(table: pd.DataFrame, ax: Axes | None = None, *, title: str = "") -> Axes:
    """A reliability diagram: how often a prediction is right, by how sure it is.

    Args:
        table: columns ``confidence`` and ``accuracy`` (percent) and ``count``, one row per bin.
        title: above the picture.
    """
    ax = ax or plt.gca()
    used = table[table["count"] > 0]
    ax.plot([0, 100], [0, 100], linestyle="--", color="grey", label="perfectly calibrated")
    ax.plot(used["confidence"], used["accuracy"], marker="o", color="#D55E00", label="this classifier")
    ax.set(xlabel="confidence (%)", ylabel="right (%)", title=title, xlim=(0, 100), ylim=(0, 100))
    ax.legend(frameon=False)
    return ax


def bars_with_intervals(
    names: Sequence[str],
    values: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    ax: Axes | None = None,
    *,
    xlabel: str,
    title: str = "",
) -> Axes:
    """Horizontal bars with 95 % intervals, the first name on top.

    Args:
        names: one per bar.
        values: percent.
        intervals: lower and upper end in percent.
        xlabel: name and unit of the values.
        title: above the picture.
    """
    ax = ax or plt.gca()
    places = np.arange(len(names))[::-1]
    low, high = np.array(intervals, dtype=float).T
    errors = np.clip([np.array(values) - low, high - np.array(values)], 0, None)
    ax.barh(places, values, xerr=errors, color="#56B4E9", ecolor="black", capsize=4, height=0.6)
    for place, value in zip(places, values, strict=True):
        ax.text(1, place, f"{value:.1f}", va="center", fontweight="bold")
    ax.set_yticks(places, names)
    ax.set(xlabel=xlabel, title=title, xlim=(0, 100))
    return ax


def over_epochs(curves: Mapping[str, Sequence[Mapping[str, float]]], shown: Mapping[str, str]) -> Figure:
    """Curves of training runs, a line per run; side by side what is shown of them and at least one run has.

    Args:
        curves: name of a run to its rows, one per epoch, with ``epoch`` and further columns.
        shown: column to name and unit of its values.
    """
    tables = {name: pd.DataFrame(rows).set_index("epoch") for name, rows in curves.items()}
    known = [column for column in shown if any(column in table for table in tables.values())]
    course_style()
    figure, axes = plt.subplots(1, len(known), figsize=(5 * len(known), 3.6), squeeze=False, layout="constrained")
    for ax, column in zip(axes[0], known, strict=True):
        for name, table in tables.items():
            if column in table:
                ax.plot(table.index, table[column], marker="o", markersize=3, label=name)
        ax.set(xlabel="epoch", ylabel=shown[column])
    axes[0, -1].legend(frameon=False, fontsize=10, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def fold_bars(folds: Mapping[str, Mapping[str, float]], *, title: str = "") -> Figure:
    """WA and UA of every fold as bars, their means over folds as lines.

    Args:
        folds: name of a fold to its ``wa`` and ``ua`` in percent.
        title: above the picture.
    """
    course_style()
    figure, ax = plt.subplots(figsize=(max(6, 1.1 * len(folds) + 2), 3.6), layout="constrained")
    places = np.arange(len(folds))
    for shift, metric, colour in ((-0.2, "wa", "#56B4E9"), (0.2, "ua", "#E69F00")):
        values = [fold[metric] for fold in folds.values()]
        bars = ax.bar(places + shift, values, 0.38, color=colour, label=f"{metric.upper()}; line: mean")
        ax.bar_label(bars, fmt="%.1f", fontsize=9, label_type="center")
        ax.axhline(float(np.mean(values)), color=colour, linestyle="--", linewidth=1)
    ax.set_xticks(places, list(folds), rotation=20)
    ax.set(ylabel="WA and UA (%)", ylim=(0, 100), title=title)
    ax.legend(frameon=False, fontsize=10, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def deletion_figure(counts: Sequence[int], curves: Mapping[str, Sequence[float]]) -> Figure:
    """UA over features taken away, a line per way to rank; ``random`` is grey.

    Args:
        counts: features taken away.
        curves: way to UA (percent) after each count.
    """
    figure, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
    colours = iter(("#0072B2", "#E69F00", "#009E73", "#CC79A7"))
    for name, curve in curves.items():
        style = {"color": "0.4", "linestyle": "--"} if name == "random" else {"color": next(colours)}
        ax.plot(counts, curve, marker="o", markersize=4, label=name, **style)
    ax.set(xlabel="features taken away (the first of each ranking)", ylabel="UA (%)")
    ax.legend(title="ranked by", frameon=False)
    return figure
