"""Experiments 1 to 3 on a tiny corpus: every row, the same test side for all, cells that are kept."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from sercourse import corpora
from sercourse.errors import UserError
from sercourse.experiments import asp_mtl, asp_mtl_peers, cells
from sercourse.experiments.asp_mtl_ablation import BOTH
from sercourse.experiments.cells import Bench
from sercourse.training.recipes import recipe
from sercourse.training.recipes.asp_mtl import RECIPE

LOOP = ("threads=1", "accelerator=cpu", "epochs=1", "batch_size=16")


@pytest.fixture
def bench(tiny_corpus, monkeypatch) -> Bench:
    """Tiny networks, two folds."""
    tiny = RECIPE.profiles["quick"].changed(("hidden=6", "head=6", "step=4", *LOOP))
    monkeypatch.setattr(RECIPE, "profiles", {"quick": tiny})
    for peer in ("shared_hidden", "adversarial_autoencoder"):
        tiny = recipe(peer).profiles["quick"].changed(LOOP)
        monkeypatch.setattr(recipe(peer), "profiles", {"quick": tiny})
    monkeypatch.setattr(asp_mtl_peers, "PROTOCOLS", ("kfold-2",))
    return Bench(corpus="tiny", console=Console(file=io.StringIO(), width=200), store=True)


def test_experiment_1_judges_everyone_on_the_same_noisy_speech(bench):
    result = asp_mtl_peers.against_noise(bench, "table1")
    assert result["corpus"] == "tiny+none+all@0"
    assert result["printed"]["ASP-MTL"] == [89.13, 0.894]
    rows = {row: figures["kfold-2"] for row, figures in result["rows"].items()}
    assert set(rows) == set(asp_mtl_peers.NOISE_ROWS)
    for row, figures in rows.items():
        assert set(figures["ua_by_condition"]) == {"none", "white@0"}, row
        assert ("ours_above" in figures) == (row != BOTH)
    stored = [json.loads(path.read_text("utf-8")) for path in (cells.RESULTS / "asp_mtl" / "cells").glob("*.json")]
    own = {cell["run"]: cell["wa"] for cell in stored}
    assert len(own) == len(rows) - len(asp_mtl_peers.MACHINE_ROWS)
    assert sorted(own.values()) == pytest.approx(
        sorted(rows[row]["wa"] for row in rows if row not in asp_mtl_peers.MACHINE_ROWS)
    ), "what a run says of itself"
    assert asp_mtl_peers.against_noise(bench, "table1") == result, "from the stored cells"
    assert "as stored in results/" in bench.console.file.getvalue()
    assert "Not rebuilt, as printed on AVEC: modulation-spectrum pooling [8] 80.0 % (F1 0.804)." in (
        bench.console.file.getvalue()
    )


def test_what_is_quoted_alone_is_printed_and_is_no_row_of_ours():
    printed = asp_mtl.printed()
    tables = {**printed["experiment1"], **printed["experiment2"]}
    for source in printed["quoted"]:
        assert any(source in table["rows"] for table in tables.values())
        assert not any(source in row for row in (*asp_mtl_peers.NOISE_ROWS, *asp_mtl_peers.GENDER_ROWS))


def test_experiment_2_takes_clean_speech_of_both_genders(bench):
    result = asp_mtl_peers.against_gender(bench, "table4")
    assert (result["corpus"], result["printed_corpus"]) == ("tiny", "afew")
    rows = {row: figures["kfold-2"] for row, figures in result["rows"].items()}
    assert set(rows) == set(asp_mtl_peers.GENDER_ROWS)
    assert not any(figures["ua_by_condition"] for figures in rows.values())
    machine = bench.machine("kfold-2").summary
    assert (rows["IS10+SVM"]["wa"], rows["IS10+SVM"]["ua"]) == pytest.approx((machine["wa"], machine["ua"]))
    within = result["within"]["kfold-2"]
    assert (set(within["gender"]), set(within["emotion"])) == ({"female", "male"}, {"anger", "sadness"})
    for name, row in (("value_a", "single task"), ("value_b", "model 2 alone")):
        recalls = [effect[name] for effect in within["emotion"].values()]
        assert np.mean(recalls) == pytest.approx(rows[row]["ua"]), "UA is the mean of the recalls"


def test_experiment_3_draws_its_bars(bench, tmp_path):
    drawn = Bench(**{**vars(bench), "figure": tmp_path / "bars.png"})
    result = asp_mtl_peers.multitask(drawn, "figure6")
    assert set(result["rows"]) == {*asp_mtl_peers.NETWORKS, BOTH}
    assert drawn.figure.stat().st_size > 10_000
    figure = asp_mtl_peers._bars(result)
    widths = [bar.get_width() for bar in figure.axes[0].patches]
    expected = [row["kfold-2"][metric] for metric in ("wa", "f1") for row in result["rows"].values()]
    assert widths == pytest.approx(expected)


def test_only_the_rows_asked_for_are_measured(bench):
    asked = Bench(**{**vars(bench), "rows": ("CORAL [14]",)})
    rows = asp_mtl_peers.against_gender(asked, "table3")["rows"]
    assert rows["CORAL [14]"]["kfold-2"]
    assert rows["NMF subspace [15]"]["kfold-2"] is None
    with pytest.raises(UserError, match="--rows CORAL: the artifact has no such row; choose among IS10"):
        asp_mtl_peers.against_gender(Bench(**{**vars(bench), "rows": ("CORAL",)}), "table3")


def test_a_cell_is_measured_anew_where_labels_or_methods_have_changed(bench, monkeypatch):
    asked = Bench(**{**vars(bench), "rows": ("CORAL [14]",)})
    said = bench.console.file
    asp_mtl_peers.against_gender(asked, "table3")
    for change in (lambda: None, lambda: monkeypatch.setattr(asp_mtl_peers, "VERSION", 99)):
        change()
        said.truncate(0)
        asp_mtl_peers.against_gender(asked, "table3")
        assert ("CORAL [14], kfold-2: as stored" in said.getvalue()) == (asp_mtl_peers.VERSION != 99)
    base = corpora.load("tiny")
    swapped = base.assign(emotion=base["emotion"].to_numpy()[::-1])
    monkeypatch.setattr(corpora, "load", lambda name: swapped)
    said.truncate(0)
    asp_mtl_peers.against_gender(asked, "table3")
    assert "CORAL [14], kfold-2: as stored" not in said.getvalue()


def test_a_network_cell_of_other_labels_is_refused(bench, monkeypatch):
    asked = Bench(**{**vars(bench), "rows": ("model 2 alone",)})
    asp_mtl_peers.against_gender(asked, "table3")
    base = corpora.load("tiny")
    fewer = base["emotion"].where(np.arange(len(base)) >= len(base) // 3, base["emotion"].iloc[0])
    monkeypatch.setattr(corpora, "load", lambda name: base.assign(emotion=fewer))
    with pytest.raises(UserError, match="stands on other utterances or labels; delete its cell to measure it anew"):
        asp_mtl_peers.against_gender(asked, "table3")


@pytest.mark.parametrize("gender", [None, "female"])
def test_one_gender_or_none_is_said_before_anything_is_trained(bench, monkeypatch, gender):
    monkeypatch.setattr(corpora, "load", lambda name, load=corpora.load: load(name).assign(gender=gender))
    with pytest.raises(UserError, match=r"tiny: has [01] labelled genders, two are needed; fill in the column"):
        asp_mtl_peers.against_gender(bench, "table3")


def test_equalisation_learns_its_maps_from_the_development_side_alone():
    rng = np.random.default_rng(0)
    frames = {f"u{k}~{kind}": rng.normal(size=(50, 3)) + k for k in range(4) for kind in ("none", "white@0")}
    domain = asp_mtl_peers.conditions_of(pd.Series(list(frames), index=list(frames)))
    development = tuple(i for i in frames if i[1] in "01")
    before = asp_mtl_peers._equalised(frames, domain, development)
    other = {i: one if i in development else one * 100 + 7 for i, one in frames.items()}
    after = asp_mtl_peers._equalised(other, domain, development)
    assert before.loc[list(development)].equals(after.loc[list(development)])
    assert not before.loc["u3~white@0"].equals(after.loc["u3~white@0"])


def test_the_front_end_keeps_speech_or_all_where_none_stands_out(monkeypatch):
    noise = np.random.default_rng(0).normal(size=8000).astype(np.float32) * 0.1
    masks = iter([np.arange(8000) < 3000, np.zeros(8000, dtype=bool)])
    monkeypatch.setattr(asp_mtl_peers, "speech_mask", lambda waveform: next(masks))
    assert [len(one) for one in asp_mtl_peers._spoken([noise, noise])] == [3000, 8000]
