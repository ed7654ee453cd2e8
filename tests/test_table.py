"""The utterance table: defaults, vocabulary, and one sentence for each kind of bad row."""

from __future__ import annotations

import pandas as pd
import pytest

from sercourse.corpora.table import COLUMNS, make_table, validate
from sercourse.errors import CorpusError


def row(**values):
    return {"utterance_id": "c/a", "path": "a.wav"} | values


def test_defaults_and_order():
    table = make_table([row(utterance_id="c/b"), row(utterance_id="c/a", emotion="anger", intensity="strong")], "test")
    assert list(table.index) == ["c/a", "c/b"]
    assert list(table.columns) == [*COLUMNS, "intensity"]
    assert table.loc["c/b", "start"] == 0
    assert pd.isna(table.loc["c/b", "end"])
    assert pd.isna(table.loc["c/b", "emotion"])
    assert table.loc["c/b", "noise"] == "none"
    assert table.loc["c/b", "recording"] == "c/b"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"emotion": "rage"}, r"my\.csv: row 'c/a' has emotion = 'rage'; expected one of anger, boredom"),
        ({"gender": "f"}, r"row 'c/a' has gender = 'f'; expected one of female, male"),
        ({"language": "German"}, "lower-case ISO 639 code"),
        ({"start": "abc"}, "row 'c/a' has start = 'abc'; expected a number of seconds"),
        ({"start": -1.0}, r"row 'c/a' has start = -1\.0"),
        ({"start": 2.0, "end": 1.0}, "ends at or before its start"),
        ({"path": None}, "row 'c/a' has path"),
    ],
)
def test_bad_row_is_named(values, sentence):
    with pytest.raises(CorpusError, match=sentence):
        make_table([row(**values)], "my.csv")


def test_duplicate_id_is_named():
    with pytest.raises(CorpusError, match=r"utterance id 'c/a' occurs more than once \(1 such rows\)"):
        make_table([row(), row()], "my.csv")


def test_no_rows():
    with pytest.raises(CorpusError, match="no usable utterance"):
        make_table([], "my.csv")


def test_validate_passes_a_good_table_through():
    table = make_table([row(emotion="fear")], "test")
    assert validate(table) is table
