"""The utterance table: one row per utterance, the same columns for every corpus.

Everything else in sercourse (features, protocols, networks, explorer) starts from this table and joins by its
index, never by position. Labels may be missing; a task that needs a missing label skips the row.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pandera.pandas as pa

from sercourse.errors import CorpusError

EMOTIONS: tuple[str, ...] = (
    "anger",
    "boredom",
    "calm",
    "disgust",
    "fear",
    "happiness",
    "neutral",
    "sadness",
    "surprise",
)
"""The one vocabulary of emotions; each corpus maps its own codes to it."""

GENDERS: tuple[str, ...] = ("female", "male")

COLUMNS: tuple[str, ...] = (
    "path",  # absolute path of the audio file
    "start",  # seconds from the beginning of the file
    "end",  # seconds; missing: to the end of the file
    "emotion",  # one of EMOTIONS
    "speaker",  # unique across corpora: "emodb/03"
    "gender",  # one of GENDERS
    "language",  # ISO 639-1: "de", "en", "pl", "zh", …
    "text",  # what was said
    "session",  # recording session, unique across corpora: "iemocap/1"
    "noise",  # "none" as recorded, or the kind of noise that was added
    "dialogue",  # conversation the utterance belongs to: never on both sides of a split
    "recording",  # utterances cut or mixed from one recording share it: never on both sides of a split
)
_TEXT_COLUMNS = [c for c in COLUMNS if c not in ("start", "end")]

SCHEMA = pa.DataFrameSchema(
    columns={
        "path": pa.Column("string", nullable=False),
        "start": pa.Column("float64", pa.Check.ge(0), nullable=False),
        "end": pa.Column("float64", pa.Check.gt(0), nullable=True),
        "emotion": pa.Column("string", pa.Check.isin(EMOTIONS), nullable=True),
        "speaker": pa.Column("string", nullable=True),
        "gender": pa.Column("string", pa.Check.isin(GENDERS), nullable=True),
        "language": pa.Column("string", pa.Check.str_matches(r"^[a-z]{2,3}$"), nullable=True),
        "text": pa.Column("string", nullable=True),
        "session": pa.Column("string", nullable=True),
        "noise": pa.Column("string", nullable=False),
        "dialogue": pa.Column("string", nullable=True),
        "recording": pa.Column("string", nullable=False),
    },
    index=pa.Index("string", name="utterance_id", unique=True),
    strict=False,  # a corpus may add columns of its own (intensity, valence, …)
)

_EXPLAINED = {
    "emotion": "one of " + ", ".join(EMOTIONS),
    "gender": "one of " + ", ".join(GENDERS),
    "language": "a lower-case ISO 639 code such as de, en or pl",
    "start": "a number of seconds, 0 or more",
    "end": "a number of seconds greater than 0, or empty for the end of the file",
    "path": "a path",
}


def make_table(rows: pd.DataFrame | list[dict], source: str) -> pd.DataFrame:
    """Complete, sort and validate utterances into the utterance table.

    Args:
        rows: at least ``utterance_id`` (column or index) and ``path``; the other columns of :data:`COLUMNS` may be
            absent, which means missing labels. ``start`` defaults to 0, ``noise`` to ``"none"``, ``recording`` to the
            utterance's own id. Further columns are kept.
        source: what the rows came from (corpus name or file), named in errors.

    Returns:
        The table, indexed by ``utterance_id`` in sorted order, with every column of :data:`COLUMNS`.

    Raises:
        CorpusError: no rows, a duplicate id, or a value outside its column's range; the row and column are named.
    """
    table = pd.DataFrame(rows)
    if "utterance_id" in table.columns:
        table = table.set_index("utterance_id")
    if table.empty:
        raise CorpusError(f"{source}: there is no usable utterance; check that the folder has the corpus's own layout.")
    table.index = table.index.astype("string").rename("utterance_id")
    table = table.reindex(columns=[*COLUMNS, *(c for c in table.columns if c not in COLUMNS)])
    for column in _TEXT_COLUMNS:
        table[column] = table[column].astype("string")
    for column, default in (("start", 0.0), ("end", np.nan)):
        try:
            table[column] = pd.to_numeric(table[column]).astype("float64").fillna(default)
        except (ValueError, TypeError):
            bad = table.index[pd.to_numeric(table[column], errors="coerce").isna() & table[column].notna()][0]
            raise CorpusError(_sentence(source, bad, column, table.loc[bad, column])) from None
    table["noise"] = table["noise"].fillna("none")
    table["recording"] = table["recording"].fillna(pd.Series(table.index, index=table.index, dtype="string"))
    return validate(table.sort_index(), source)


def validate(table: pd.DataFrame, source: str = "table") -> pd.DataFrame:
    """Check a table against :data:`SCHEMA` and return it.

    Raises:
        CorpusError: one sentence with the first offending row, its column and what was expected there.
    """
    duplicated = table.index[table.index.duplicated()]
    if len(duplicated):
        raise CorpusError(
            f"{source}: utterance id '{duplicated[0]}' occurs more than once"
            f" ({len(duplicated)} such rows); give every utterance an id of its own."
        )
    try:
        SCHEMA.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        case = error.failure_cases.iloc[0]
        raise CorpusError(_sentence(source, case["index"], case["column"], case["failure_case"])) from None
    ends_early = table.index[table["end"] <= table["start"]]
    if len(ends_early):
        raise CorpusError(f"{source}: row '{ends_early[0]}' ends at or before its start; correct its start and end.")
    return table


def _sentence(source: str, row: object, column: object, value: object) -> str:
    expected = _EXPLAINED.get(str(column), "a value")
    shown = repr(value) if isinstance(value, str) else str(value)
    return f"{source}: row '{row}' has {column} = {shown}; expected {expected}."
