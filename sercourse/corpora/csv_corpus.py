"""Anybody's own recordings, described in a CSV file.

.. code-block:: text

    path,emotion,speaker,gender,language,text
    anna/01.wav,happiness,anna,female,en,I passed the exam!
    ben/02.flac,,ben,male,en,

``path`` (relative to the CSV's folder, or absolute), ``emotion`` and ``speaker`` are needed; the cells of the last two
may be empty. Every other column of the utterance table may be there, and columns of one's own are kept.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd

from sercourse.corpora.table import make_table
from sercourse.errors import CorpusError
from sercourse.signal.audio import is_file

NEEDED = ("path", "emotion", "speaker")

_LOWER_CASE = ("emotion", "gender", "language")
_CODES = ("utterance_id", "speaker", "session", "dialogue", "recording")


def load(path: str | Path) -> pd.DataFrame:
    """Load recordings from a CSV file in UTF-8, separated by commas, semicolons or tabs.

    Without a column ``utterance_id`` the ids are the paths without their ending, ``@START`` behind them where a row has
    a start. Ids and codes get the CSV's name in front (``anna`` in
    ``calls.csv`` becomes ``calls/anna``) unless they hold a slash already, so several corpora can be joined.
    Utterances cut from one file (``start``, ``end``) share its ``recording``.

    Args:
        path: the CSV file.

    Raises:
        CorpusError: the file is missing, empty, not UTF-8 or not a table; a needed column is missing; a row has too
            many cells, no path, no audio file, an unknown emotion or another row's id. The row is named.
    """
    path = Path(path).expanduser().resolve()
    rows = _read_rows(path)
    absent = [(line, row["path"]) for line, row in rows if not is_file(Path(row["path"]))]
    if absent:
        line, audio = absent[0]
        others = f" (nor do {len(absent) - 1} more)" if len(absent) > 1 else ""
        raise CorpusError(
            f"{path}: line {line} names the audio file {audio[:200]}, which does not exist{others}; paths are relative"
            " to the folder of the CSV."
        )
    return make_table([row for _, row in rows], str(path))


def _read_rows(path: Path) -> list[tuple[int, dict]]:
    """Rows with their line number; empty cells are ``None``."""
    text = _read_text(path)
    blank = len(text) - len(text.lstrip("\r\n"))  # empty lines before the header still count in line numbers
    before, text = text[:blank].count("\n"), text[blank:]
    header = text.splitlines()[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count), strict=True)
    try:
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or []]
        _check_columns(path, reader.fieldnames)
        cells = [(before + reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise CorpusError(
            f"{path}: cannot be read as CSV after line {before + reader.line_num} ({error}); correct it."
        ) from None
    rows = [(line, _clean(row, line, path)) for line, row in cells if any(row.values())]
    if not rows:
        raise CorpusError(f"{path}: has a header but no rows; add one row per utterance.")
    return rows


def _read_text(path: Path) -> str:
    if not is_file(path):
        raise CorpusError(f"{path}: no such file; check the path after 'csv:'.")
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise CorpusError(f"{path}: is not UTF-8 text; save it as 'CSV UTF-8' in your spreadsheet program.") from None
    if not text.strip():
        raise CorpusError(f"{path}: the file is empty; it needs the columns {', '.join(NEEDED)}.")
    return text


def _check_columns(path: Path, columns: list[str]) -> None:
    for column in NEEDED:
        if column not in columns:
            hint = "" if column == "path" else " (its cells may be empty)"
            raise CorpusError(f"{path}: the column '{column}' is missing; add it{hint} to {', '.join(columns)}.")
    twice = [column for column in columns if columns.count(column) > 1]
    if twice:
        raise CorpusError(f"{path}: the column '{twice[0]}' occurs more than once; rename or remove one of them.")


def _clean(row: dict, line: int, path: Path) -> dict:
    if None in row:
        raise CorpusError(
            f"{path}: line {line} has more cells than the header; put quotation marks around text that holds the"
            " separator."
        )
    row = {column: (cell or "").strip() or None for column, cell in row.items() if column}
    if row["path"] is None:
        raise CorpusError(f"{path}: line {line} has no path; name its audio file.")
    audio = Path(row["path"])
    row["path"] = str(path.parent / audio)
    span = f"@{row['start']}" if row.get("start") else ""  # several utterances of one file
    row["utterance_id"] = row.get("utterance_id") or f"{path.stem}/{audio.with_suffix('').as_posix()}{span}"
    row["recording"] = row.get("recording") or f"{path.stem}/{audio.as_posix()}"
    for column in _LOWER_CASE:
        if row.get(column):
            row[column] = row[column].lower()
    for column in _CODES:
        if row.get(column) and "/" not in row[column]:
            row[column] = f"{path.stem}/{row[column]}"
    return row
