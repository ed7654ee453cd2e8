"""Guess the emotion: a listening game, to learn how hard the task is for people.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import ipywidgets
import numpy as np
import pandas as pd

from sercourse.explain.players import player
from sercourse.explain.still_box import StillBox
from sercourse.signal.audio import read_audio


class GuessingGame(StillBox):
    """Plays utterances in random order and keeps the score of the listener.

    Args:
        table: utterance table; rows without an emotion are left out.
        seed: of the order, 0 or more.

    Attributes:
        heard: utterances judged so far.
        right: how many of them as they were meant.
    """

    no_kernel = "Run the notebook to play; a round without a kernel stands below."

    def __init__(self, table: pd.DataFrame, *, seed: int = 0):
        labelled = table.dropna(subset=["emotion"])
        self._utterances = labelled.iloc[np.random.default_rng(seed).permutation(len(labelled))]
        self._emotions = sorted(labelled["emotion"].unique())
        self.heard = 0
        self.right = 0
        self._sound = ipywidgets.HTML()
        self._verdict = ipywidgets.HTML("Listen, then choose what you hear.")
        self._buttons = [
            ipywidgets.Button(description=emotion, layout={"width": "110px"}) for emotion in self._emotions
        ]
        for button in self._buttons:
            button.on_click(lambda pressed: self.guess(pressed.description))
        row = ipywidgets.Box(self._buttons, layout={"flex_flow": "row wrap"})
        super().__init__([self._sound, row, self._verdict])
        self._play()

    def guess(self, emotion: str) -> None:
        """Judge the utterance that is being played, show what it was meant as, and play the next one."""
        if self.heard == len(self._utterances):
            return
        meant = self._utterances["emotion"].iloc[self.heard]
        self.heard += 1
        self.right += int(emotion == meant)
        said = f"<b>Yes, {meant}.</b>" if emotion == meant else f"<b>You said {emotion}; it was meant as {meant}.</b>"
        self._verdict.value = f"{said} {self.score()}"
        self._play()

    def score(self) -> str:
        """The score so far, beside what blind guessing would give."""
        share, blind = 100 * self.right / self.heard, 100 / len(self._emotions)
        return (
            f"{self.right} of {self.heard} right ({share:.0f} %); guessing blindly gives {blind:.0f} % in the long run."
        )

    def _play(self) -> None:
        if self.heard == len(self._utterances):
            self._sound.value = "You have heard them all."
            for button in self._buttons:
                button.disabled = True
            return
        row = self._utterances.iloc[self.heard]
        self._sound.value = player(read_audio(row["path"], row["start"], row["end"]), label=f"{self.heard + 1}.").data
