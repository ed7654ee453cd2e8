"""Copies that are not the corpus: cut, incomplete, misnamed, or no audio."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from data_scripts.sources import SOURCES, Download


def test_the_copy_cut_to_two_seconds_is_refused(site, run, tmp_path, recordings, left_beside):
    for stem in recordings.EMODB:
        recordings.write(tmp_path / "tree" / "wav" / f"{stem}.wav", seconds=2.0)
    record = site.add_record("emodb_2.0.zip", recordings.zipped(tmp_path / "tree"))
    source = replace(SOURCES["emodb"], downloads=(Download("emodb_2.0.zip", record=record),), utterances=4)
    code, _, err = run(source, tmp_path / "emodb")
    assert code == 2
    assert "all 4 files have the same duration" in err
    assert left_beside(tmp_path / "emodb") == []


def damage_missing(tree: Path, recordings) -> None:
    (tree / "samples" / "EB0_anger_1.wav").unlink()


def damage_name(tree: Path, recordings) -> None:
    recordings.write(tree / "samples" / "song.wav")


def damage_short(tree: Path, recordings) -> None:
    recordings.write(tree / "samples" / "EB0_anger_1.wav", seconds=0.2)


def damage_audio(tree: Path, recordings) -> None:
    (tree / "samples" / "EB0_anger_1.wav").write_bytes(b"RIFFnothing")


def damage_table(tree: Path, recordings) -> None:
    (tree / "data.tsv").unlink()


def damage_folder(tree: Path, recordings) -> None:
    (tree / "samples").rename(tree / "sounds")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (damage_missing, "2 recordings are there, but 3 belong there"),
        (damage_name, "song.wav"),
        (damage_short, "EB0_anger_1.wav lasts 0.20 s, but the recordings of this corpus last 0.4 to 10 s"),
        (damage_audio, "not an audio file"),
        (damage_table, "the file data.tsv is missing"),
        (damage_folder, "the archive has 0 places with a folder 'samples' instead of one"),
    ],
)
def test_content_that_is_not_the_corpus(nemo, run, tmp_path, recordings, damage, said, left_beside):
    damage(nemo.tree, recordings)
    code, _, err = run(nemo(), tmp_path / "nemo")
    assert code == 2
    assert said in err
    assert left_beside(tmp_path / "nemo") == []


def test_a_folder_that_is_already_there_but_incomplete_is_not_touched(nemo, run, tmp_path, recordings, site):
    target = tmp_path / "nemo"
    recordings.write(target / "samples" / "EB0_anger_1.wav")
    code, _, err = run(nemo(), target)
    assert code == 2
    assert f"the file data.tsv is missing; move {target} away, or name another folder with --to" in err
    assert site.asked == []
    assert len(list(target.rglob("*.wav"))) == 1
