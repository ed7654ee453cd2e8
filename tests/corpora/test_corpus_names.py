"""A name of several corpora is taken apart at its commas, but for those in the path of a file."""

from __future__ import annotations

import pytest

from sercourse.corpora import parts
from sercourse.corpora.corpus_names import base_name, file_name
from sercourse.corpora.emotion_sets import in_set
from sercourse.corpora.noisy import in_conditions


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


def test_a_file_that_exists_keeps_its_commas(tmp_path):
    file = tmp_path / "a, b.csv"
    file.touch()
    name = f"csv:{file}"
    assert parts(name) == [name]
    assert in_conditions(name, "+white@0") == f"{name}+white@0"
    assert file_name(name).startswith("a, b_")
    assert str(tmp_path) not in file_name(name), "where it lies is private"
    other = tmp_path / "other" / "a, b.csv"
    other.parent.mkdir()
    other.touch()
    assert file_name(f"csv:{other}") != file_name(name)


def test_names_of_several():
    assert file_name("emodb=four, ravdess+none+white@0") == "emodb=four-ravdess+none+white@0"
    assert in_conditions("emodb, tess", "+pink@5") == "emodb+pink@5,tess+pink@5"
    assert in_set("emodb, tess", "four") == "emodb=four,tess=four"
    assert base_name("emodb=four+none+white@0") == "emodb"
