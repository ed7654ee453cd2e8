"""URDU: utterances from Urdu talk shows, not acted, four emotions.

A name such as ``SM1_F10_A010`` reads: speaker M1 (a man), his tenth file, tenth file of A for anger.

Source: Latif et al., Cross lingual speech emotion recognition: Urdu vs. Western languages, FIT 2018.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from sercourse.corpora.layout import read_names
from sercourse.corpora.table import make_table

EMOTION_CODES = {"A": "anger", "H": "happiness", "N": "neutral", "S": "sadness"}

_NAME = re.compile(r"(S([FM])\d+)_F\d+_([AHNS])\d+")


def load(folder: Path) -> pd.DataFrame:
    """Load the 400 utterances.

    Args:
        folder: holds ``Angry``, ``Happy``, ``Neutral`` and ``Sad``.

    Raises:
        CorpusError: no file has a name within the code.
    """
    return make_table(read_names("urdu", folder, _parse, example="Angry/SM1_F10_A010.wav"), "urdu")


def _parse(path: Path) -> dict | None:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    return {
        "emotion": EMOTION_CODES[match[3]],
        "speaker": f"urdu/{match[1]}",
        "gender": "female" if match[2] == "F" else "male",
        "language": "ur",
    }
