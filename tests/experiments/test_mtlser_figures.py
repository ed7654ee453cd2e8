"""Figures 4 to 6 and 11 to 13 of chapter 04 on a tiny corpus: what is drawn, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sercourse.errors import UserError
from sercourse.experiments import cells, mtlser_backbones, registry
from sercourse.experiments.cells import Bench
from sercourse.explain import plots
from sercourse.training import backbones


@pytest.fixture
def bench(mtlser_bench) -> Bench:
    """A tiny encoder, a tiny corpus."""
    yield mtlser_bench
    plt.close("all")


def test_folds_and_confusions_of_one_cell(bench, tmp_path):
    results = {}
    for name in ("figure4", "figure5", "figure6"):
        results[name] = registry.run(f"mtlser/{name}", replace(bench, figure=tmp_path / f"{name}.png"))
        assert (tmp_path / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
    result = results["figure4"]
    assert {one["run"] for one in results.values()} == {result["run"]}
    assert result["printed"]["wa"] == [82.63, 0.77]
    (cell,) = (cells.RESULTS / "mtlser" / "cells").glob("mtlser-*.json")
    stored = json.loads(cell.read_text("utf-8"))
    assert [[fold, one["wa"], one["ua"], one["n_test"]] for fold, one in result["folds"].items()] == [
        [one["fold"], one["wa"], one["ua"], one["n_test"]] for one in stored["folds"]
    ]
    counts = np.array([one["counts"] for one in result["folds"].values()])  # (folds, C, C)
    assert counts.shape == (5, 2, 2)
    assert counts.sum(0).tolist() == result["overall"]["counts"] == stored["confusion"]["counts"]
    assert result["overall"]["wa"] == pytest.approx(100 * counts.trace(axis1=1, axis2=2).sum() / 40)


def test_bars_and_curves_are_what_was_given(bench):
    (ax,) = plots.fold_bars({"a": {"wa": 50, "ua": 40}, "b": {"wa": 70, "ua": 60}}, title="t").axes
    assert [bar.get_height() for bar in ax.patches] == [50, 70, 40, 60]
    assert [line.get_ydata()[0] for line in ax.lines] == [60, 50], "the means"
    runs = {"one": [{"epoch": 1, "x": 3.0}, {"epoch": 2, "x": 2.0}], "other": [{"epoch": 1, "x": 1.0, "y": 9.0}]}
    left, right = plots.over_epochs(runs, {"x": "loss", "y": "WA (%)", "z": "nobody has it"}).axes
    assert [(line.get_label(), list(line.get_ydata())) for line in left.lines] == [("one", [3, 2]), ("other", [1])]
    assert [(line.get_label(), list(line.get_ydata())) for line in right.lines] == [("other", [9])]
    assert (left.get_xlabel(), left.get_ylabel(), right.get_ylabel()) == ("epoch", "loss", "WA (%)")


def test_two_encoders_side_by_side(bench, tiny_encoder, tmp_path):
    names = [str(tmp_path / "encoder"), str(tiny_encoder("hubert", "hubert", seed=1))]
    asked = replace(bench, rows=(";".join(names),), figure=tmp_path / "curves.png")
    result = registry.run("mtlser/backbones", asked)
    assert list(result["rows"]) == names
    assert len({row["run"] for row in result["rows"].values()}) == 2
    assert (result["second_above_first"]["a"], result["second_above_first"]["b"]) == tuple(names)
    for row in result["rows"].values():
        assert set(mtlser_backbones.AXES) <= set(row["curves"][0])
        first = row["curves"][0]
        weighted = first["train_emotion"] + 0.1 * first["train_text"] + 0.8 * first["train_speaker"]
        assert first["train"] == row["training_loss"] == pytest.approx(weighted)
    assert (tmp_path / "curves.png").stat().st_size > 5_000
    assert not (cells.RESULTS / "mtlser").exists(), "folders of one machine stay out of results/"
    assert mtlser_backbones.two_checkpoints(names) == tuple(names), "one after the other"


def test_an_encoder_is_not_compared_with_itself(bench, tmp_path):
    shutil.copytree(tmp_path / "encoder", tmp_path / "copy")
    for rows in (("mini", "mini"), (f"mini;{tmp_path / 'encoder'}",), (f"{tmp_path / 'encoder'};{tmp_path / 'copy'}",)):
        with pytest.raises(UserError, match="hold the same checkpoint; name two that differ"):
            mtlser_backbones.backbones(replace(bench, rows=rows))
    with pytest.raises(UserError, match="two checkpoints are compared"):
        mtlser_backbones.backbones(replace(bench, rows=("mini",)))


def test_offline_the_published_encoders_are_not_replaced(bench):
    backbones._on_the_hub.cache_clear()
    with pytest.warns(UserWarning, match="not at hand"), pytest.raises(UserError) as refused:
        mtlser_backbones.backbones(bench)
    assert str(refused.value).startswith("facebook/wav2vec2-base and facebook/hubert-base-ls960: not at hand")
    assert str(refused.value).count(". ") == 0, "one sentence"
    with pytest.raises(UserError, match="hubert-base-ls960: not at hand"):
        mtlser_backbones.backbones(replace(bench, rows=("mini;facebook/hubert-base-ls960",)))
