"""One's own recordings: what a CSV may hold, and what is said when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sercourse.corpora import load
from sercourse.errors import CorpusError

HEADER = "path,emotion,speaker\n"


@pytest.fixture
def recordings(tree) -> Path:
    return tree("a.wav", "sub/b.flac", "sub/a.wav", folder="mine")


def written(folder: Path, text: str | bytes) -> str:
    path = folder / "calls.csv"
    path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    return f"csv:{path}"


def test_columns(recordings):
    table = load(
        written(
            recordings,
            "Path, Emotion ,speaker,gender,text,session,mood\n"
            'a.wav,Happiness,anna,female,"Oh, I passed!",1,good\n'
            "\n"
            "sub/b.flac,,,,,,\n"
            ",,,,,,\n",
        )
    )
    assert list(table.index) == ["calls/a", "calls/sub/b"]
    assert table.loc["calls/a", ["emotion", "speaker", "gender", "text", "session", "mood"]].to_list() == [
        "happiness",
        "calls/anna",
        "female",
        "Oh, I passed!",
        "calls/1",
        "good",
    ]
    assert table.loc["calls/a", "path"] == str(recordings / "a.wav")
    assert table.loc["calls/sub/b", ["emotion", "speaker", "gender"]].isna().all()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_spreadsheets_write(recordings, separator):
    text = HEADER + 'a.wav,fear,"Änne"\n'
    assert load(written(recordings, ("\ufeff" + text).replace(",", separator).replace("\n", "\r\n")))[
        "speaker"
    ].to_list() == ["calls/Änne"]


def test_utterances_cut_from_one_file_share_its_recording(recordings):
    table = load(
        written(
            recordings,
            "utterance_id,path,start,end,emotion,speaker\n1,a.wav,0,0.01,,x\n2,./a.wav,0.01,,,x\n3,sub/a.wav,,,,x\n",
        )
    )
    assert table["recording"].to_list() == ["calls/a.wav", "calls/a.wav", "calls/sub/a.wav"]
    assert table["start"].to_list() == [0.0, 0.01, 0.0]
    assert table["end"].isna().to_list() == [False, True, True]


def test_a_table_that_was_written_out_comes_back(recordings, tmp_path):
    first = load(written(recordings, HEADER + "a.wav,fear,anna\nsub/b.flac,anger,ben\n"))
    first.to_csv(tmp_path / "again.csv")
    pd.testing.assert_frame_equal(load(f"csv:{tmp_path / 'again.csv'}"), first)


def test_a_comma_in_the_path_and_several_corpora(recordings):
    odd = recordings / "one,two.csv"
    odd.write_text(HEADER + "a.wav,fear,anna\n")
    assert list(load(f"csv:{odd}").index) == ["one,two/a"]
    other = written(recordings, HEADER + "a.wav,fear,anna\n")
    odd.rename(recordings / "one.csv")
    assert list(load(f"{other},csv:{recordings / 'one.csv'}").index) == ["calls/a", "one/a"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the file is empty; it needs the columns path, emotion, speaker"),
        (" \n\n", "the file is empty"),
        (HEADER, "has a header but no rows"),
        ("path,speaker\na.wav,anna\n", r"the column 'emotion' is missing; add it \(its cells may be empty\)"),
        ("file,emotion,speaker\na.wav,fear,anna\n", "the column 'path' is missing; add it to file, emotion, speaker"),
        ("path,emotion,speaker,emotion\na.wav,fear,anna,\n", "the column 'emotion' occurs more than once"),
        (HEADER + "a.wav,joy,anna\n", "row 'calls/a' has emotion = 'joy'; expected one of anger, boredom"),
        (HEADER + "a.wav,fear,anna\na.wav,fear,anna\n", "'calls/a' occurs more than once.*an id of its own"),
        (HEADER + "a.wav,fear,anna\nno.wav,fear,anna\nnor.wav,,\n", r"line 3 names .*no.wav, .*\(nor do 1 more\)"),
        (HEADER + "sub,fear,anna\n", "line 2 names the audio file"),
        (HEADER + ",fear,anna\n", "line 2 has no path"),
        (HEADER + "a.wav,fear,anna,Oh, well\n", "line 2 has more cells than the header"),
        (HEADER + 'a.wav,fear,"anna\n', r"cannot be read as CSV after line 1 \(unexpected end"),
        ((HEADER + "a.wav,fear,Änne\n").encode("latin-1"), "is not UTF-8 text"),
        ((HEADER + "a.wav,fear,Änne\n").encode("utf-16"), "is not UTF-8 text"),
        ("path,emotion,speaker,start\na.wav,fear,anna,soon\n", "has start = 'soon'; expected a number of seconds"),
        ("path,emotion,speaker,gender\na.wav,fear,anna,w\n", "has gender = 'w'; expected one of female, male"),
    ],
)
def test_bad_input_is_one_sentence_with_the_way_out(recordings, text, complaint):
    name = written(recordings, text)
    with pytest.raises(CorpusError, match=complaint) as caught:
        load(name)
    assert name.removeprefix("csv:") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(CorpusError, match="no such file; check the path after 'csv:'"):
        load(f"csv:{tmp_path / 'no.csv'}")


def test_equal_file_names_in_two_folders_and_cuts_of_one_file_have_ids_of_their_own(recordings):
    lines = "path,emotion,speaker,start,end\na.wav,fear,x,0,0.01\na.wav,fear,x,0.01,\nsub/a.wav,fear,y,,\n"
    table = load(written(recordings, lines))
    assert list(table.index) == ["calls/a@0", "calls/a@0.01", "calls/sub/a"]
    assert table.loc["calls/a@0", "recording"] == table.loc["calls/a@0.01", "recording"]
