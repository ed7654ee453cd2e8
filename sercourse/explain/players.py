"""Audio players that stay small: MP3 inside the page, so that a notebook plays without a server.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence

import numpy as np
import soundfile
from IPython.display import HTML

from sercourse.signal.audio import SAMPLE_RATE

PEAK = 0.9
"""Full scale of what is played when ``normalise`` is on."""


def player(
    waveform: np.ndarray, *, label: str = "", normalise: bool = False, width: str = "260px", autoplay: bool = False
) -> HTML:
    """An audio player with its sound inside.

    Args:
        waveform: ``(T,)`` at 16 kHz, full scale ±1; louder samples are clipped, as a loudspeaker would.
        label: text before the player.
        normalise: bring the peak to 0.9. Off by default: loudness is part of the emotion.
        width: CSS width of the player.
        autoplay: begin at once, where the browser lets it.
    """
    return HTML(f"<span>{html.escape(label)} {_audio(waveform, label, normalise, width, autoplay)}</span>")


def player_table(
    cells: Mapping[str, Sequence[np.ndarray | None]],
    columns: Sequence[str],
    *,
    corner: str = "",
    normalise: bool = False,
    width: str = "210px",
) -> HTML:
    """A table of players, one row per key.

    Args:
        cells: row name to one waveform per column, each ``(T,)`` at 16 kHz; ``None``: nothing to play, a dash.
        columns: column names.
        corner: text in the upper left corner.
        normalise: bring every peak to 0.9.
        width: CSS width of each player.
    """
    head = "".join(f"<th style='text-align:left'>{html.escape(name)}</th>" for name in (corner, *columns))
    rows = "".join(
        f"<tr><th style='text-align:left'>{html.escape(row)}</th>"
        + "".join(
            f"<td>{'–' if waveform is None else _audio(waveform, f'{row}, {column}', normalise, width)}</td>"
            for column, waveform in zip(columns, waveforms, strict=True)
        )
        + "</tr>"
        for row, waveforms in cells.items()
    )
    return HTML(f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")


def mp3(waveform: np.ndarray) -> bytes:
    """A waveform ``(T,)`` at 16 kHz as MP3 of about 24 kbit/s."""
    buffer = io.BytesIO()
    samples = np.clip(np.asarray(waveform, dtype=np.float32), -1, 1)
    soundfile.write(
        buffer, samples, SAMPLE_RATE, format="MP3", subtype="MPEG_LAYER_III", compression_level=0.85,
        bitrate_mode="VARIABLE",
    )  # fmt: skip
    return buffer.getvalue()


def _audio(waveform: np.ndarray, label: str, normalise: bool, width: str, autoplay: bool = False) -> str:
    peak = float(np.abs(waveform).max(initial=0.0))
    if normalise and peak > 0:
        waveform = waveform * (PEAK / peak)
    source = base64.b64encode(mp3(waveform)).decode()
    start = "autoplay" if autoplay else "preload='none'"
    return (
        f"<audio controls {start} style='width:{width};height:32px;vertical-align:middle'"
        f" aria-label='{html.escape(label or 'audio', quote=True)}' src='data:audio/mpeg;base64,{source}'></audio>"
    )
