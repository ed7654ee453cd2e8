"""Run folders: written whole, read back equal, refused when damaged."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from sercourse.corpora.table import make_table
from sercourse.errors import UserError
from sercourse.training.runs import FORMAT_VERSION, data_hash, read_run, write_json, write_run

PREDICTIONS = pd.DataFrame(
    {
        "utterance_id": ["c/a", "c/b"],
        "repeat": [0, 0],
        "fold": ["01", "02"],
        "emotion": ["anger", "fear"],
        "predicted": ["anger", "anger"],
        "speaker": ["c/01", "c/02"],
        "gender": ["female", "male"],
    }
)
PROTOCOL = {"repeats": [{"name": "loso", "folds": [{"name": "01"}, {"name": "02"}]}]}
SUMMARY = {"ua": 50.0, "run": "x"}


def write(folder):
    return write_run(folder, config={"seed": 1}, protocol=PROTOCOL, predictions=PREDICTIONS, summary=SUMMARY)


def test_round_trip(tmp_path):
    written = write(tmp_path / "runs" / "x")
    back = read_run(tmp_path / "runs" / "x")
    assert back.summary == SUMMARY
    assert back.protocol == PROTOCOL
    assert back.about["config"] == {"seed": 1}
    assert back.about["format_version"] == FORMAT_VERSION
    assert list(back.predictions["fold"]) == ["01", "02"], "fold names keep their leading zero"
    assert back.predictions.astype(str).equals(written.predictions.astype(str))


def test_environment_names_the_versions_that_figures_depend_on(tmp_path):
    environment = write(tmp_path / "x").about["environment"]
    assert environment["numpy"] == np.__version__
    assert {"python", "sercourse", "scikit-learn", "opensmile"} <= set(environment)


@pytest.mark.parametrize("name", ["run.json", "protocol.json", "predictions.csv", "summary.json"])
def test_missing_file_is_one_sentence(tmp_path, name):
    write(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match="not a finished run"):
        read_run(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", "\x00\x01"])
def test_damaged_file_is_one_sentence(tmp_path, content):
    write(tmp_path)
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(UserError, match="damaged"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("predictions.csv", ""),
        ("predictions.csv", "utterance_id,repeat,fold,emotion,predicted,speaker,gender\n"),
        ("predictions.csv", "id,repeat,fold,emotion,predicted,speaker,gender\na,0,x,fear,fear,s,female\n"),
        ("summary.json", "[]"),
        ("protocol.json", '{"repeats": []}'),
        ("protocol.json", '{"repeats": [{"folds": []}]}'),
    ],
)
def test_hollow_file_is_one_sentence(tmp_path, name, content):
    write(tmp_path)
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match="damaged"):
        read_run(tmp_path)


def test_a_file_of_a_run_is_no_run(tmp_path):
    write(tmp_path)
    with pytest.raises(UserError, match="name the run folder, not a file in it"):
        read_run(tmp_path / "run.json")


def test_newer_format_is_refused(tmp_path):
    write(tmp_path)
    about = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps(about | {"format_version": FORMAT_VERSION + 1}))
    with pytest.raises(UserError, match="newer sercourse"):
        read_run(tmp_path)


def test_unwritable_places_are_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="SERCOURSE_RUNS"):
        write(tmp_path / "file" / "run")
    with pytest.raises(UserError, match="--json"):
        write_json(tmp_path / "file" / "x.json", {})


def test_data_hash_follows_labels_and_audio_not_paths():
    table = make_table([{"utterance_id": "c/a", "path": "x.wav", "emotion": "anger"}], "test")
    same = make_table([{"utterance_id": "c/a", "path": "elsewhere/x.wav", "emotion": "anger"}], "test")
    other_label = make_table([{"utterance_id": "c/a", "path": "x.wav", "emotion": "fear"}], "test")
    key = {"c/a": "k1"}
    assert data_hash(table, key) == data_hash(same, key)
    assert len({data_hash(table, key), data_hash(other_label, key), data_hash(table, {"c/a": "k2"})}) == 3
