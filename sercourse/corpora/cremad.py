"""CREMA-D: twelve English sentences in six emotions by 91 actors of many backgrounds.

A name such as ``1001_IEO_ANG_HI`` reads: actor 1001, *It's eleven o'clock*, anger, high intensity.

Source: Cao et al., CREMA-D: Crowd-sourced emotional multimodal actors dataset, IEEE Transactions on Affective
Computing 5(4), 2014.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pandas as pd

from sercourse.corpora.layout import audio_files, read_names
from sercourse.corpora.table import make_table
from sercourse.errors import CorpusError

EMOTION_CODES = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}

SENTENCES = {
    "DFA": "Don't forget a jacket.",
    "IEO": "It's eleven o'clock.",
    "IOM": "I'm on my way to the meeting.",
    "ITH": "I think I have a doctor's appointment.",
    "ITS": "I think I've seen this before.",
    "IWL": "I would like a new alarm clock.",
    "IWW": "I wonder what this is about.",
    "MTI": "Maybe tomorrow it will be cold.",
    "TAI": "The airplane is almost full.",
    "TIE": "That is exactly what happened.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}

_INTENSITIES = {"LO": "low", "MD": "medium", "HI": "high"}  # XX: not specified

# Clones made before October 2022 hold one file that ends in a single X.
_NAME = re.compile(rf"(1\d\d\d)_({'|'.join(SENTENCES)})_({'|'.join(EMOTION_CODES)})_(LO|MD|HI|XX?)")


def load(folder: Path) -> pd.DataFrame:
    """Load the 7442 utterances.

    Args:
        folder: holds ``AudioWAV`` and, for the speakers' gender, ``VideoDemographics.csv``. Without the latter gender
            is missing.

    Returns:
        The utterance table with one more column: ``intensity`` (``"low"``, ``"medium"``, ``"high"`` or missing).

    Raises:
        CorpusError: no file has a name within the code, or a clone without Git LFS left pointers in place of audio.
    """
    audio = audio_files(folder)
    _refuse_pointers(folder, audio)
    genders = _genders(folder)
    rows = read_names("cremad", folder, _parse, example="AudioWAV/1001_IEO_ANG_HI.wav", files=audio)
    return make_table([row | {"gender": genders.get(row["speaker"])} for row in rows], "cremad")


def _parse(path: Path) -> dict | None:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    actor, sentence, emotion, intensity = match.groups()
    return {
        "emotion": EMOTION_CODES[emotion],
        "speaker": f"cremad/{actor}",
        "language": "en",
        "text": SENTENCES[sentence],
        "intensity": _INTENSITIES.get(intensity),
    }


def _genders(folder: Path) -> dict[str, str]:
    source = folder / "VideoDemographics.csv"
    if not source.is_file():
        return {}
    with source.open(encoding="utf-8-sig", newline="") as file:
        return {f"cremad/{row['ActorID']}": row["Sex"].lower() for row in csv.DictReader(file)}


def _refuse_pointers(folder: Path, audio: list[Path]) -> None:
    """A clone without Git LFS has text files of some 130 bytes where the audio should be."""
    if audio and audio[0].stat().st_size < 1024 and audio[0].read_bytes().startswith(b"version https://git-lfs"):
        raise CorpusError(
            f"{folder}: {audio[0].name} is a Git LFS pointer and not audio; install git-lfs and run `git lfs pull`"
            " there."
        )
