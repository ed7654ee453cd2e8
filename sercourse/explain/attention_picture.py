"""The time line of attention as a picture, and with the utterance to be heard.

Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

from pathlib import Path

import ipywidgets
import numpy as np
from IPython.display import Image
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sercourse.errors import UserError
from sercourse.explain import plots
from sercourse.explain.attention_time import TimeLine, attention_of_layers, peakedness, waveform_of
from sercourse.explain.players import player
from sercourse.explain.plots import course_style, png
from sercourse.explain.still_box import StillBox
from sercourse.explain.widgets import DPI, DYNAMIC_DB, chooser
from sercourse.features.spectral import LogMel, hz_to_mel
from sercourse.signal.audio import SAMPLE_RATE
from sercourse.signal.endpoint import find_speech
from sercourse.training.runs import Run

SPEECH, UNIFORM = "#555555", "#D55E00"
"""Colours that colour-blind readers tell apart."""

OUTLINED = 300
"""Frames whose outlines are as thick as lines are; with more of them nothing else would be seen."""


def draw_attention(line: TimeLine, waveform: np.ndarray) -> Figure:
    """Waveform, log-mel spectrogram and attention over the same seconds.

    The dashed line is uniform attention: what lies on it is flat, whatever its colour.

    Args:
        line: as :func:`attention_over_time` gives it.
        waveform: what it was read from, ``(T,)`` at 16 kHz.

    Raises:
        UserError: the two differ in length.
    """
    duration = len(waveform) / SAMPLE_RATE
    if abs(duration - line.seconds[-1]) > 2 * line.hop:
        raise UserError(
            f"the time line ends at {line.seconds[-1]:.2f} s and the waveform at {duration:.2f} s; draw it over the"
            " waveform that it was read from."
        )
    course_style()
    figure = Figure(figsize=(9, 6), dpi=DPI, layout="constrained")  # not pyplot's: it must not show twice
    sound, bands, attention = figure.subplots(3, 1, sharex=True, height_ratios=(2, 3, 3))
    plots.waveform(waveform, sound)
    for start, end in find_speech(waveform):
        sound.axvspan(start, end, color=SPEECH, alpha=0.2, linewidth=0)
    _say_beside(sound, 0.5, "shaded:\nspeech", SPEECH)
    _draw_levels(bands, waveform)
    _draw_weights(attention, line, duration)
    figure.suptitle(line.of, fontsize=13)
    attention.set_title(str(peakedness(line)), fontsize=12)
    for ax in (sound, bands):
        ax.set_xlabel("")
    return figure


def _draw_levels(ax: Axes, waveform: np.ndarray) -> None:
    levels, ticks = LogMel().compute(waveform), np.array([0.0, 0.5, 1, 2, 4, 8])  # (T, F) in dB; kHz
    plots.spectrogram(levels, ax, hop_seconds=LogMel().hop_seconds)
    ax.images[0].set_clim(levels.max() - DYNAMIC_DB, levels.max())
    ax.set_yticks(levels.shape[1] * hz_to_mel(1000 * ticks) / hz_to_mel(SAMPLE_RATE / 2), [f"{t:g}" for t in ticks])
    ax.set(ylabel="frequency (kHz)", xlim=(0, len(waveform) / SAMPLE_RATE))


def _draw_weights(ax: Axes, line: TimeLine, duration: float) -> None:
    """A step per frame, filled with a colour of the same scale as the axis."""
    top = max(2.0, 1.1 * line.relative.max())
    borders = np.append(line.seconds - line.hop / 2, line.seconds[-1] + line.hop / 2).clip(0, duration)
    band = ax.pcolormesh(borders, [0, top], line.relative[None], cmap="cividis", vmin=0, vmax=top)
    band.set_clip_path(ax.stairs(line.relative, borders, fill=True, facecolor="none"))
    ax.stairs(line.relative, borders, color="black", linewidth=1 if len(line.weights) <= OUTLINED else 0.3)
    ax.axhline(1, color=UNIFORM, linestyle="--", linewidth=2)
    _say_beside(ax, 1 / top, "uniform", UNIFORM)
    ax.set(xlabel="time (s)", ylabel="attention (× uniform)", ylim=(0, top))


def _say_beside(ax: Axes, height: float, text: str, colour: str) -> None:
    """Text on the right, above or below the colour bar of the spectrogram, where there is room for it."""
    said = ax.text(1.015, height, text, transform=ax.transAxes, va="center", color=colour)
    said.set_in_layout(False)


class AttentionBox(StillBox):
    """Menu, picture and player."""

    no_kernel = "Run the notebook to choose a layer; a still picture stands below."

    def still(self) -> Image:
        """The picture as it is now, to be left under the box for readers without a kernel."""
        return Image(self.children[-2].value, format="png")


def attention_player(run: Run | str | Path, sound: np.ndarray | str | Path, *, fold: int = 0) -> AttentionBox:
    """The picture of :func:`draw_attention` with the utterance to be heard, and a menu where there are several layers.

    The picture carries the CSS class ``sercourse-picture``; :meth:`AttentionBox.still` gives it without the box.

    Args: as :func:`attention_over_time`.
    """
    waveform = waveform_of(sound)
    lines = {line.of.partition(": ")[2]: line for line in attention_of_layers(run, waveform, fold=fold).values()}
    menu = ipywidgets.Dropdown(options=list(lines), description="attention", layout={"width": "420px"})
    choices = [menu] if len(lines) > 1 else []
    return chooser(
        choices, lambda *_: png(draw_attention(lines[menu.value], waveform)), lambda *_: player(waveform).data,
        silent=choices, box=AttentionBox,
    )  # fmt: skip
