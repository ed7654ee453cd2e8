"""CASIA Chinese emotional corpus: Mandarin, two women and two men, six emotions.

The layout is ``speaker/emotion/NNN.wav``; NNN is the sentence, the same one under every speaker and emotion.

Source: Institute of Automation, Chinese Academy of Sciences, through the Chinese Linguistic Data Consortium.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sercourse.corpora.layout import read_names
from sercourse.corpora.table import make_table

EMOTION_CODES = {
    "angry": "anger",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprise": "surprise",
}

SPEAKERS = {"liuchanhg": "female", "wangzhe": "male", "zhaoquanyin": "female", "zhaozuoxiang": "male"}
"""In lower case; the corpus writes ``ZhaoZuoxiang``."""


def load(folder: Path) -> pd.DataFrame:
    """Load the corpus; the part that is given out freely has 1200 utterances.

    Args:
        folder: holds the four speakers' folders.

    Raises:
        CorpusError: no file lies in the folder of a speaker and an emotion.
    """
    return make_table(read_names("casia", folder, _parse, example="wangzhe/angry/201.wav"), "casia")


def _parse(path: Path) -> dict | None:
    speaker, emotion = path.parent.parent.name.lower(), path.parent.name.lower()
    if speaker not in SPEAKERS or emotion not in EMOTION_CODES or not path.stem.isdecimal():
        return None
    return {
        "utterance_id": f"casia/{speaker}-{emotion}-{path.stem}",  # the number alone is not unique
        "emotion": EMOTION_CODES[emotion],
        "speaker": f"casia/{speaker}",
        "gender": SPEAKERS[speaker],
        "language": "zh",
    }
