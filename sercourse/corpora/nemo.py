"""nEMO: 90 Polish sentences in six emotions by nine actors.

A name such as ``EB0_anger_1`` reads: speaker EB0, anger, sentence 1. ``data.tsv`` holds gender and transcripts.

Source: Christop, nEMO: Dataset of emotional speech in Polish, LREC-COLING 2024.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from sercourse.corpora.layout import read_names
from sercourse.corpora.table import make_table
from sercourse.errors import CorpusError

EMOTION_CODES = {
    "anger": "anger",
    "fear": "fear",
    "happiness": "happiness",
    "neutral": "neutral",
    "sadness": "sadness",
    "surprised": "surprise",
}

_NEEDED = ("file_id", "emotion", "raw_text", "speaker_id", "gender")


def load(folder: Path) -> pd.DataFrame:
    """Load the utterances whose audio is there; the whole corpus has 4481.

    Args:
        folder: holds ``data.tsv`` and ``samples/``.

    Raises:
        CorpusError: ``data.tsv`` is missing or cannot be read, or no audio file is in it.
    """
    labels = _labels(folder / "data.tsv")
    audio = folder / "samples" if (folder / "samples").is_dir() else folder
    # Stems, because the audio may have become flac while data.tsv still says wav.
    rows = read_names("nemo", audio, lambda path: labels.get(path.stem), example="EB0_anger_1.wav")
    return make_table(rows, "nemo")


def _labels(source: Path) -> dict[str, dict]:
    if not source.is_file():
        raise CorpusError(f"{source}: no such file; it comes with the corpus and holds speakers and transcripts.")
    with source.open(encoding="utf-8", newline="") as file:
        # Quotation marks are part of the transcripts.
        reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        missing = [column for column in _NEEDED if column not in (reader.fieldnames or [])]
        if missing:
            raise CorpusError(f"{source}: the column '{missing[0]}' is missing; fetch the corpus again.")
        return dict(_label(line, source, reader.line_num) for line in reader)


def _label(line: dict, source: Path, number: int) -> tuple[str, dict]:
    try:
        return Path(line["file_id"]).stem, {
            "emotion": EMOTION_CODES[line["emotion"]],
            "speaker": f"nemo/{line['speaker_id'].strip()}",  # published with blanks in front
            "gender": line["gender"],
            "language": "pl",
            "text": line["raw_text"],
        }
    except (KeyError, TypeError, AttributeError):
        raise CorpusError(f"{source}: line {number} cannot be read; fetch the corpus again.") from None
