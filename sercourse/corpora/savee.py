"""SAVEE, Surrey Audio-Visual Expressed Emotion: four British men, seven emotions.

A name such as ``sa03`` reads: sadness, third sentence. The speaker is the folder (``AudioData/DC/sa03.wav``), or a
prefix in copies without folders (``DC_sa03.wav``).

Source: Haq and Jackson, Multimodal emotion recognition, in: Machine Audition, IGI Global, 2010.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from sercourse.corpora.layout import read_names
from sercourse.corpora.table import make_table

EMOTION_CODES = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}

SPEAKERS = ("DC", "JE", "JK", "KL")

_NAME = re.compile(rf"({'|'.join(SPEAKERS)})_(({'|'.join(EMOTION_CODES)})\d\d)")


def load(folder: Path) -> pd.DataFrame:
    """Load the 480 utterances.

    Args:
        folder: holds ``AudioData/DC/a01.wav`` and so on, or files such as ``DC_a01.wav``.

    Raises:
        CorpusError: no file has a name within the code.
    """
    return make_table(read_names("savee", folder, _parse, example="DC/a01.wav"), "savee")


def _parse(path: Path) -> dict | None:
    stem = path.stem if "_" in path.stem else f"{path.parent.name}_{path.stem}"
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    return {
        "utterance_id": f"savee/{stem}",
        "emotion": EMOTION_CODES[match[3]],
        "speaker": f"savee/{match[1]}",
        "gender": "male",
        "language": "en",
    }
