"""TESS, Toronto emotional speech set: 200 words after "Say the word" in seven emotions by two actresses.

A name such as ``OAF_back_angry`` reads: older adult female, the word *back*, angry.

Source: Pichora-Fuller and Dupuis, Toronto emotional speech set (TESS), 2020.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from sercourse.corpora.layout import read_names
from sercourse.corpora.table import make_table

EMOTION_CODES = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "ps": "surprise",  # pleasant surprise
    "sad": "sadness",
}

_NAME = re.compile(rf"(OAF|OA|YAF)_([A-Za-z]+)_({'|'.join(EMOTION_CODES)})", re.IGNORECASE)


def load(folder: Path) -> pd.DataFrame:
    """Load the 2800 utterances.

    Args:
        folder: holds the files, in folders such as ``OAF_angry`` or in one.

    Raises:
        CorpusError: no file has a name within the code.
    """
    return make_table(read_names("tess", folder, _parse, example="OAF_back_angry.wav"), "tess")


def _parse(path: Path) -> dict | None:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    speaker, word, emotion = match.groups()
    return {
        "emotion": EMOTION_CODES[emotion.lower()],
        # One file is published as OA_bite_neutral: without this it would be a third speaker with one utterance.
        "speaker": "tess/YAF" if speaker.upper() == "YAF" else "tess/OAF",
        "gender": "female",
        "language": "en",
        "text": f"Say the word {word.lower()}.",
    }
