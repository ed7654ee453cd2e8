"""Making the synthetic corpus by command, and measuring that it is neither trivial nor hopeless."""

from __future__ import annotations

import json
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_scripts import check_synthetic, make_synthetic
from sercourse.corpora import synthetic
from sercourse.errors import CorpusError
from sercourse.features.extract import extract
from sercourse.features.store import FeatureStore

CHANCE = 100 / 7  # UA in percent


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """210 utterances, made by the command."""
    folder = tmp_path_factory.mktemp("synthetic") / "s"
    arguments = ["--to", str(folder), "--utterances", "210", "--workers", "2", "--json", str(folder) + ".json"]
    assert make_synthetic.main(arguments) == 0
    return folder


def test_make_prints_what_it_did(made, capsys):
    figures = json.loads(Path(f"{made}.json").read_text("utf-8"))
    assert figures["utterances"] == 210
    assert figures["emotions"] == dict.fromkeys(sorted(figures["emotions"]), 30)
    assert figures["speakers"] == 10
    assert 0 < figures["seconds"] < 120
    assert 8 < figures["audio_minutes"] < 16
    assert make_synthetic.main(["--to", str(made), "--utterances", "210"]) == 0
    said = capsys.readouterr().out
    assert "210 utterances, 10 speakers, de, en, it, pl, zh" in said
    assert "already there" in said
    assert figures["sha256"] in said


def test_make_says_what_is_wrong_and_when_it_was_stopped(monkeypatch, tmp_path, capsys):
    assert make_synthetic.main(["--to", str(tmp_path / "s"), "--utterances", "100"]) == 2
    assert "multiple of 70" in capsys.readouterr().err
    monkeypatch.setattr(synthetic, "make", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    assert make_synthetic.main(["--to", str(tmp_path / "s")]) == 130
    assert capsys.readouterr().err == "Stopped; nothing was left behind.\n"


def test_is10_is_above_chance_on_a_small_corpus(made, tmp_path):
    table = synthetic.load(made).groupby(["speaker", "emotion"]).head(2)
    features = extract(table, "is10", store=FeatureStore(tmp_path), workers=1, progress=False).frame
    assert check_synthetic.svm_ua(features, table) > 2 * CHANCE


def test_measure_on_features_of_known_worth(made, monkeypatch):
    table = synthetic.load(made)
    rng = np.random.default_rng(0)
    codes = table["emotion"].astype("category").cat.codes.to_numpy()
    frame = pd.DataFrame(rng.standard_normal((len(table), 3)), index=table.index, columns=["a", "b", "c"])
    frame["telling"] = codes + 0.1 * rng.standard_normal(len(table))
    monkeypatch.setattr(check_synthetic, "extract", lambda *_, **__: types.SimpleNamespace(frame=frame))
    figures = check_synthetic.measure(table)
    assert figures["best_single"]["feature"] == figures["best_single_speaker_norm"]["feature"] == "telling"
    assert figures["best_single"]["ua"] > 95
    assert figures["duration_ua"] < 55
    assert figures["loudness_ua"] < 55
    assert figures["sentence_v"] == 0
    assert figures["sentence_ua"] == pytest.approx(CHANCE, abs=0.1)
    assert figures["wording_v"] == pytest.approx((0.6 - 1 / 7) / (6 / 7), abs=0.05)
    assert "best_single" in check_synthetic.out_of_bounds(figures)


def test_one_feature_at_a_time_sees_no_other(made):
    """Two features that only together tell the emotion are worth nothing alone."""
    table = synthetic.load(made)
    rng = np.random.default_rng(0)
    codes = table["emotion"].astype("category").cat.codes.to_numpy()
    mask = rng.integers(0, 7, len(table))
    frame = pd.DataFrame({"sum": (codes + mask) % 7, "mask": mask}, index=table.index).astype(float)
    assert check_synthetic.single_feature_ua(frame, table).max() < 2 * CHANCE


def test_bounds():
    good = {
        "svm_ua": 75.0, "best_single": {"ua": 40.0}, "best_single_speaker_norm": {"ua": 44.0},
        "duration_ua": 30.0, "loudness_ua": 30.0, "sentence_v": 0.0,
    }  # fmt: skip
    assert check_synthetic.out_of_bounds(good) == []
    assert check_synthetic.out_of_bounds(good | {"svm_ua": 95.0}) == ["svm_ua"]
    assert check_synthetic.out_of_bounds(good | {"loudness_ua": 46.0, "sentence_v": 0.1}) == [
        "loudness_ua",
        "sentence_v",
    ]


def test_sentence_figures_notice_a_telling_sentence(made):
    table = synthetic.load(made)
    table["text"] = table["emotion"]
    figures = check_synthetic.sentence_figures(table)
    assert figures["sentence_v"] == 1
    assert figures["sentence_ua"] == 100


def test_check_command(made, monkeypatch, tmp_path, capsys):
    figures = {
        "svm_ua": 75.0, "best_single": {"ua": 40.0}, "best_single_speaker_norm": {"ua": 44.0},
        "duration_ua": 30.0, "loudness_ua": 30.0, "sentence_v": 0.0,
    }  # fmt: skip
    monkeypatch.setattr(check_synthetic, "measure", lambda table, **_: dict(figures))
    assert check_synthetic.main([str(made), "--json", str(tmp_path / "f.json")]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "f.json").read_text("utf-8"))
    figures["svm_ua"] = 50.0
    assert check_synthetic.main([str(made)]) == 1
    assert json.loads(capsys.readouterr().out)["out_of_bounds"] == ["svm_ua"]
    assert check_synthetic.main([str(tmp_path / "absent")]) == 2
    assert "no synthetic corpus" in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_full_corpus_is_neither_trivial_nor_hopeless(seed, monkeypatch, tmp_path):
    monkeypatch.setenv("SERCOURSE_CACHE", str(tmp_path))
    synthetic.make(tmp_path / "s", seed=seed)
    figures = check_synthetic.measure(synthetic.load(tmp_path / "s", utterances=synthetic.UTTERANCES, seed=seed))
    assert check_synthetic.out_of_bounds(figures) == [], figures
    assert figures["wording_v"] == 0.5333


def test_error_of_an_unknown_folder_is_a_corpus_error(tmp_path):
    with pytest.raises(CorpusError, match="make one there"):
        synthetic.load(tmp_path)
