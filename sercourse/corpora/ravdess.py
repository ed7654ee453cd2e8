"""RAVDESS, the speech part: two sentences in eight emotions and two intensities by 24 actors.

A name such as ``03-01-05-02-01-02-12`` reads: audio only, speech, emotion 05 (anger), strong, sentence 01, second
repetition, actor 12.

Source: Livingstone and Russo, The Ryerson Audio-Visual Database of Emotional Speech and Song, PLoS ONE 13(5), 2018.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from sercourse.corpora.layout import read_names
from sercourse.corpora.table import make_table

EMOTION_CODES = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}

SENTENCES = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}

_INTENSITIES = {"01": "normal", "02": "strong"}

_SAME_RECORDING = {"03-01-03-01-02-02-07": "ravdess/03-01-03-01-02-01-07"}
"""Published twice, as first and as second repetition: the bytes are equal."""

_NAME = re.compile(r"03-01-(0[1-8])-(0[12])-(0[12])-0([12])-(0[1-9]|1\d|2[0-4])")


def load(folder: Path) -> pd.DataFrame:
    """Load the 1440 spoken recordings. Songs (second field 02) and videos are outside the code.

    Args:
        folder: holds ``Actor_01`` to ``Actor_24``.

    Returns:
        The utterance table with two more columns: ``intensity`` (``"normal"`` or ``"strong"``) and ``repetition``
        (1 or 2).

    Raises:
        CorpusError: no file has a name within the code.
    """
    return make_table(read_names("ravdess", folder, _parse, example="03-01-05-02-01-02-12.wav"), "ravdess")


def _parse(path: Path) -> dict | None:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    emotion, intensity, sentence, repetition, actor = match.groups()
    return {
        "emotion": EMOTION_CODES[emotion],
        "speaker": f"ravdess/{actor}",
        "gender": "female" if int(actor) % 2 == 0 else "male",
        "language": "en",
        "text": SENTENCES[sentence],
        "recording": _SAME_RECORDING.get(path.stem),
        "intensity": _INTENSITIES[intensity],
        "repetition": int(repetition),
    }
