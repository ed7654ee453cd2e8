"""What is known of the points that were chosen on a map: to hear, to see, to read, and counted by class.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import ipywidgets
import numpy as np
import pandas as pd

from sercourse.errors import AudioError
from sercourse.explain.colourings import classes_of
from sercourse.explain.players import player
from sercourse.explain.plots import image_html
from sercourse.explain.thumbnail import picture
from sercourse.signal.audio import read_audio

HEARD = 6
"""Players that are shown of a selection at a time; more at the press of a button."""

LABELS: tuple[str, ...] = ("emotion", "gender", "speaker", "language", "noise", "side", "text")
"""What is told of an utterance, beside what was predicted."""

WAITING = "Click a point, or hold the mouse button down and draw around several."

_CARD = "display:inline-block;width:300px;margin:0 12px 8px 0;vertical-align:top;line-height:1.4"
_CELL = "padding:2px 10px 2px 0;text-align:left;vertical-align:top"


class UtterancePanel(ipywidgets.VBox):
    """One utterance with its sound, or a selection with its counts.

    Args:
        table: what is known, as :func:`~sercourse.explain.layers.vectors_of` gives it.
        predictions: by name of the system, a table with ``predicted`` and ``confidence`` for the same utterances.

    Attributes:
        chosen: the utterances that are shown.
    """

    def __init__(self, table: pd.DataFrame, predictions: Mapping[str, pd.DataFrame]):
        self._table, self._predictions = table, predictions
        self.chosen: list[str] = []
        self._begun = 0
        self._counts = ipywidgets.HTML(f"<p>{WAITING}</p>")
        self._players = ipywidgets.HTML()
        self._more = ipywidgets.Button(description="Hear the next", layout={"display": "none", "width": "auto"})
        self._more.on_click(lambda _: self._hear(self._begun + HEARD))
        super().__init__([self._counts, self._players, self._more])
        self.add_class("sercourse-panel")

    def show_one(self, utterance: str, *, autoplay: bool = False) -> None:
        """An utterance's sound, spectrogram, transcript, labels and predictions.

        Args:
            utterance: its id.
            autoplay: play it at once.
        """
        self.chosen = [utterance]
        self._more.layout.display = "none"
        self._players.value = self._sound(utterance, autoplay=autoplay, pictured=True)
        self._counts.value = self._told(utterance)

    def show_many(self, utterances: Sequence[str], colour: str) -> None:
        """How a selection is made up beside the whole map, then its players, a few at a time.

        Args:
            utterances: their ids.
            colour: the column that is counted.
        """
        self.chosen = list(utterances)
        self._players.value = ""
        self._counts.value = self.counted(colour)
        self._hear(0)

    def clear(self) -> None:
        """Nothing is chosen."""
        self.chosen = []
        self._counts.value, self._players.value, self._more.layout.display = f"<p>{WAITING}</p>", "", "none"

    def counted(self, colour: str) -> str:
        """A table: class, chosen, of how many, and the share of the class that was chosen.

        Args:
            colour: the column.
        """
        chosen = self._table.loc[self.chosen, colour]
        here = {one["name"]: one["count"] for one in classes_of(chosen)}
        rows = [
            f"<tr><td style='{_CELL}'><span aria-hidden='true' style='color:{one['colour']}'>&#9632;</span>"
            f" {html.escape(one['name'])}</td><td style='{_CELL}'>{here.get(one['name'], 0)}</td>"
            f"<td style='{_CELL}'>of {one['count']}</td>"
            f"<td style='{_CELL}'>{100 * here.get(one['name'], 0) / one['count']:.0f} %</td></tr>"
            for one in classes_of(self._table[colour])
        ]
        head = f"<b>{len(self.chosen)} of {len(self._table)} utterances chosen</b>, by {html.escape(colour)}"
        return f"<p>{head}</p><table class='sercourse-counts'>{''.join(rows)}</table>"

    def _hear(self, begin: int) -> None:
        """Players of the selection from a place on."""
        self._begun = begin
        shown = self.chosen[begin : begin + HEARD]
        self._players.value = "".join(
            f"<div style='{_CARD}'>{self._sound(one)}<br>{self._line(one)}</div>" for one in shown
        )
        left = len(self.chosen) - begin - len(shown)
        self._more.description = f"Hear the next {min(left, HEARD)} of {left}"
        self._more.layout.display = "" if left else "none"

    def _sound(self, utterance: str, *, autoplay: bool = False, pictured: bool = False) -> str:
        row = self._table.loc[utterance]
        try:
            waveform = read_audio(row["path"], row["start"], row["end"])
        except AudioError as error:
            return f"<p>{html.escape(str(error).removeprefix(str(row['path']) + ': '))}</p>"
        found = player(waveform, label="" if pictured else utterance, width="240px", autoplay=autoplay).data
        return found + (_spectrogram(waveform, utterance) if pictured else "")

    def _line(self, utterance: str) -> str:
        row = self._table.loc[utterance]
        said = [f"{name}: {table.loc[utterance, 'predicted']}" for name, table in self._predictions.items()]
        told = [value for value in (row["emotion"], row["speaker"], *said) if isinstance(value, str)]
        return html.escape(", ".join(told))

    def _told(self, utterance: str) -> str:
        row = self._table.loc[utterance]
        told = {name: str(row[name]) for name in LABELS if name in row and pd.notna(row[name])}
        for name, table in self._predictions.items():
            told[f"predicted by {name}"] = _prediction(table.loc[utterance])
        lines = "".join(
            f"<tr><th style='{_CELL}'>{html.escape(name)}</th><td style='{_CELL}'>{html.escape(value)}</td></tr>"
            for name, value in told.items()
        )
        return f"<p><b>{html.escape(utterance)}</b></p><table>{lines}</table>"


def _prediction(row: pd.Series) -> str:
    if pd.isna(row["predicted"]):
        return "not tested: the network may have learnt it"
    sure = row["confidence"]
    return row["predicted"] if pd.isna(sure) else f"{row['predicted']} ({100 * sure:.0f} % sure)"


def _spectrogram(waveform: np.ndarray, utterance: str) -> str:
    about = f"log-mel spectrogram of {utterance}, low frequencies below"
    return f"<div>{image_html(picture(waveform), about, 'width:320px;height:96px;image-rendering:pixelated')}</div>"
