"""The pictures of the page: what was heard, and what a change of pitch or rate would make of it."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sercourse.app.changes import Changes, Curve
from sercourse.app.hearing import Heard
from sercourse.explain import plots
from sercourse.explain.attention_picture import SPEECH
from sercourse.explain.plots import EMOTION_COLOURS, course_style
from sercourse.explain.widgets import DPI
from sercourse.signal.audio import SAMPLE_RATE

CUT = "#D55E00"
"""Of what the networks do not hear."""

MARKERS = "osD^vP*Xd"
"""A second sign beside the colour, in the order of the emotions."""


def draw_heard(heard: Heard) -> Figure:
    """The recording with its stretches of speech shaded and the ends of what the networks hear."""
    course_style()
    figure = Figure(figsize=(9, 2.6), dpi=DPI, layout="constrained")
    ax = figure.subplots()
    plots.waveform(heard.recorded, ax, title="shaded: speech; between the dashed lines: what the networks hear")
    ax.title.set_fontsize(12)
    for start, end in heard.spans:
        ax.axvspan(start, end, color=SPEECH, alpha=0.2, linewidth=0)
    for border in (heard.start, heard.end):
        ax.axvline(border, color=CUT, linestyle="--", linewidth=2)
    ax.set_xlim(-0.01, len(heard.recorded) / SAMPLE_RATE + 0.01)
    return figure


def draw_changes(found: Changes) -> Figure:
    """A row per network: its probabilities over pitch and over rate; hollow marks are the recording itself."""
    course_style()
    rows = len(found.pitch)
    figure = Figure(figsize=(9, 2.3 * rows + 0.9), dpi=DPI, layout="constrained")
    axes = figure.subplots(rows, 2, squeeze=False, sharey=True)
    names: list[str] = []
    for row, (pitch, rate) in zip(axes, zip(found.pitch, found.rate, strict=True), strict=True):
        _draw_curve(row[0], pitch, 0)
        _draw_curve(row[1], rate, 1)
        row[0].set(ylabel="probability (%)", title=pitch.name)
        row[0].title.set_fontsize(11)
        names += [name for name in pitch.emotions if name not in names]
    axes[-1, 0].set_xlabel("pitch (semitones)")
    axes[-1, 1].set_xlabel("rate (× as spoken)")
    lines = [Line2D([], [], label=name, **_style(name)) for name in _in_order(names)]
    figure.legend(handles=lines, loc="outside lower center", ncols=min(len(lines), 5), frameon=False, fontsize=11)
    return figure


def _draw_curve(ax: Axes, curve: Curve, own: float) -> None:
    for column, emotion in enumerate(curve.emotions):
        style = _style(emotion)
        ax.plot(curve.values, 100 * curve.probabilities[:, column], linewidth=1.8, markersize=5, **style)
        ax.plot([own], [100 * curve.unchanged[column]], **style | {"linestyle": "", "markerfacecolor": "none"}, ms=9)
    ax.set(ylim=(-4, 104), xticks=curve.values)


def _style(emotion: str) -> dict[str, str]:
    place = list(EMOTION_COLOURS).index(emotion) if emotion in EMOTION_COLOURS else 0
    return {"color": EMOTION_COLOURS.get(emotion, "#000000"), "marker": MARKERS[place % len(MARKERS)]}


def _in_order(names: Sequence[str]) -> list[str]:
    known = list(EMOTION_COLOURS)
    return sorted(names, key=lambda name: known.index(name) if name in known else len(known))
