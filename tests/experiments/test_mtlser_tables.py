"""Artifacts of chapter 04 on a tiny corpus and a tiny encoder: every row, cells that are kept."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from sercourse import corpora
from sercourse.errors import UserError
from sercourse.experiments import autoencoder_evaluation, cells, mtlser, mtlser_grid, mtlser_pretraining, registry
from sercourse.experiments.cells import Bench
from sercourse.explain import joint_loss
from sercourse.models.speech_encoder import SpeechEncoder


@pytest.fixture
def bench(mtlser_bench) -> Bench:
    """A tiny encoder, a tiny corpus."""
    return mtlser_bench


def test_tasks_are_set_beside_the_emotion_alone_over_seeds(bench):
    result = mtlser.tasks(replace(bench, repeats=2))
    assert set(result["rows"]) == set(mtlser.TASKS)
    for row, found in result["rows"].items():
        assert len(found["runs"]) == len(set(found["runs"])) == 2
        assert found["ua_sd_seeds"] is not None
        assert ("emotion alone" in found["above"]) == (row != "emotion alone")
        assert "strongest SVM" in found["above"]
        assert "speaker" in found["tasks"][0] if "speaker" in row or row == "all three" else True
    assert mtlser.tasks(replace(bench, repeats=2)) == result, "from the stored cells"
    assert "as stored" in bench.console.file.getvalue()


@pytest.mark.parametrize(("task", "other"), [("alpha", "text"), ("beta", "speaker")])
def test_weights_have_curves_of_both_tasks(bench, tmp_path, task, other):
    result = registry.run(f"mtlser/{task}", replace(bench, figure=tmp_path / "curves.png"))
    assert list(result["rows"]) == [f"{task} {step:g}" for step in (0, 0.05, 0.1, 0.5, 1)]
    for row in result["rows"].values():
        assert {"epoch", "train_emotion", "validation_ua"} <= set(row["curves"][0])
    last = result["rows"][f"{task} 1"]
    assert f"train_{other}" in last["curves"][0]
    assert set(mtlser.AXES[task]) <= set(last["curves"][0]), "columns that the picture shows"
    assert (tmp_path / "curves.png").stat().st_size > 5_000


def test_words_tell_seen_from_unseen_and_say_undefined(bench):
    result = mtlser.words(bench)
    strangers, known = result["rows"]["unseen speakers"], result["rows"]["seen speakers"]
    assert strangers["tasks"]["speaker"]["wa"] is None
    assert known["tasks"]["speaker"]["wa"] is not None
    assert strangers["tasks"]["text"]["seen_texts"]["n_test"] > 0
    assert strangers["heard"][0][0] in ("a cab", "bad")


def test_the_grid_goes_on_where_it_was_stopped(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(mtlser_grid, "STEPS", {"quick": 2})
    taken = mtlser_grid._cell
    calls = []

    def stops_after_two(bench_, changes, trial):
        if len(calls) == 2:
            trial.suggest_float("alpha", 0, 1), trial.suggest_float("beta", 0, 1)
            raise KeyboardInterrupt
        calls.append(trial.number)
        return taken(bench_, changes, trial)

    monkeypatch.setattr(mtlser_grid, "_cell", stops_after_two)
    with pytest.raises(KeyboardInterrupt):
        mtlser_grid.grid(bench)
    monkeypatch.setattr(mtlser_grid, "_cell", taken)
    result = mtlser_grid.grid(replace(bench, figure=tmp_path / "surface.png"))
    assert [(cell["alpha"], cell["beta"]) for cell in result["cells"]] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert "2 of 4 cells are still" in bench.console.file.getvalue()
    assert (tmp_path / "surface.png").stat().st_size > 5_000
    assert result["cells"][0]["speaker"] is None
    assert result["cells"][3]["speaker"] is not None
    assert joint_loss.picture(result, 0.0, 1.0)[:4] == b"\x89PNG"
    assert joint_loss.still(result).data[:4] == b"\x89PNG"
    box = joint_loss.joint_loss_widget(result)
    assert "running kernel" in repr(box)
    box.children[0].value = 1.0


def test_the_frozen_grid_is_the_papers_in_every_profile_and_hears_every_utterance_once(bench, monkeypatch):
    assert len(np.arange(0, 1 + 1e-9, mtlser.printed()["weights"]["grid_step"])) == mtlser_grid.FROZEN
    monkeypatch.setattr(mtlser_grid, "FROZEN", 2)
    heard = []
    forward = SpeechEncoder.forward
    monkeypatch.setattr(SpeechEncoder, "forward", lambda self, *given: heard.append(0) or forward(self, *given))
    result = registry.run("mtlser/grid_frozen", bench)
    assert result["artifact"] == "mtlser/grid_frozen"
    assert [(cell["alpha"], cell["beta"]) for cell in result["cells"]] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert len(heard) == len(corpora.load("tiny"))
    kept = [json.loads(path.read_text("utf-8")) for path in (cells.RESULTS / "mtlser" / "cells").glob("mtlser-*.json")]
    assert {cell["settings"]["model"]["freeze"] for cell in kept} == {"encoder"}


def test_three_divisions_and_two_ways_to_choose_the_epoch(bench, monkeypatch):
    lesson = {"a random tenth": ("holdout-10", "utterance"), "speakers apart": ("group-5", "utterance")}
    result = autoencoder_evaluation.evaluation(bench, mtlser.CHAPTER, lesson)
    assert result["artifact"] == "mtlser/evaluation"
    for row in result["rows"].values():
        assert row["wa_epoch_of_test"] >= row["wa_epoch_of_validation"] - 1e-6


def test_probes_of_the_encoder_stand_beside_untrained_ones(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(mtlser_pretraining, "SEEDS", 2)
    result = mtlser_pretraining.pretraining(replace(bench, rows=(str(tmp_path / "encoder"),)))
    assert list(result["rows"])[:2] == ["mini", "random weights"]
    assert result["rows"]["random weights"]["ua_sd_networks"] is not None
    assert result["rows"][str(tmp_path / "encoder")]["ua"] == result["rows"]["mini"]["ua"]
    assert len(result["ua_by_layer"]["mini"]) == 2
    assert set(result["above_random"]) == {"mini", str(tmp_path / "encoder")}
    assert result["protocol"] == "loso"
    with pytest.raises(UserError, match="--protocol kfold-3"):
        mtlser_pretraining.pretraining(replace(bench, protocol=("kfold-3",)))
    monkeypatch.setattr(mtlser_pretraining, "FURTHER", ("group-2",))
    assert mtlser_pretraining.pretraining(replace(bench, protocol=("group-2",)))["protocol"] == "group-2"


def test_rows_that_do_not_exist_are_refused(bench):
    with pytest.raises(UserError, match="no such row"):
        mtlser.tasks(replace(bench, rows=("emotion",)))


def test_printed_figures_are_the_papers():
    printed = mtlser.printed()
    assert printed["table5"]["rows"][0]["wa"] == [64.34, 0.83]
    proposed = printed["table4"]["rows"]["Proposed method"]
    assert (printed["folds"]["wa"], printed["folds"]["ua"]) == (proposed["wa"], proposed["ua"])
    assert cells.printed_figures("mtlser")["weights"]["best"] == {"alpha": 0.1, "beta": 0.8}
