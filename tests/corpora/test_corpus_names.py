"""A name of several corpora is taken apart at its commas, but for those in the path of a file."""

from __future__ import annotations

import pytest

from sercourse.corpora import parts


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("emodb", ["emodb"]),
        (" emodb, tess,,emodb ", ["emodb", "tess"]),
        ("emodb=four+none+white@0,tess", ["emodb=four+none+white@0", "tess"]),
        ("", []),
        (" , ", []),
    ],
)
def test_a_comma_separates_and_each_corpus_comes_once(name, expected):
    assert parts(name) == expected


def test_a_comma_in_the_path_of_a_file_separates_nothing(tmp_path):
    odd = f"csv:{tmp_path / 'one,two.csv'}"
    gone = [f"csv:{tmp_path / 'one'}", "two.csv"]
    assert parts(odd) == gone
    (tmp_path / "one,two.csv").touch()
    assert parts(odd) == [odd]


def test_a_file_and_another_corpus_are_two(tmp_path):
    (tmp_path / "mine.csv").touch()
    mine = f"csv:{tmp_path / 'mine.csv'}"
    assert parts(f"{mine},emodb") == [mine, "emodb"]
    assert parts(f"emodb,{mine}") == ["emodb", mine]
