"""Tables 4 and 5 of chapter 04 on a tiny corpus: figures, tests, costs by hand; who hears which noise."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoConfig

from sercourse import corpora
from sercourse.corpora.noisy import Condition, in_noise, parse
from sercourse.experiments import mtlser, mtlser_cost, mtlser_noise, mtlser_peers
from sercourse.experiments.cells import Bench
from sercourse.features.opensmile_cost import is10_multiply_adds
from sercourse.models.attention_cnn import AttentionCnn
from sercourse.signal.audio import read_audio
from sercourse.training.cost import encoder_multiply_adds, latency, multiply_adds, processor
from sercourse.training.recipes import recipe
from sercourse.training.runs import Run

SAMPLES = 48_000
MEL = 301 * 257 * 64
"""Frames of 3 s, bins, bands: the only product of matrices in a log-mel spectrogram."""


@pytest.fixture
def bench(mtlser_bench, monkeypatch) -> Bench:
    """A tiny encoder, a tiny corpus, which comes in white noise where babble is asked for; two timed calls."""
    monkeypatch.setattr(mtlser_cost, "latency", partial(latency, repeats=2, warm_up=0))
    clean = corpora.load("tiny")

    def load(name: str) -> pd.DataFrame:
        conditions = parse(name)[1] if "+" in name else ()
        white = tuple(Condition("white", one.low_db, one.high_db) for one in conditions)
        return in_noise(clean, white, workers=1, progress=False) if white else clean

    monkeypatch.setattr(corpora, "load", load)
    return mtlser_bench


def test_table_4_has_tests_effects_and_costs(bench, tmp_path):
    part = mtlser_peers.table4(replace(bench, rows=("emotion and words",)))
    assert part["rows"]["all three"] is None, "not asked for"
    assert part["rows"]["IS10+SVM"]["cost"] is None
    assert "ours_above" not in part["rows"]["IS10+SVM"]
    result = mtlser_peers.table4(bench)
    json.dumps(result, allow_nan=False)
    assert list(result["rows"]) == list(mtlser_peers.ROWS)
    assert result["printed"]["Proposed method"]["wa"] == [82.63, 0.77]
    for row, found in result["rows"].items():
        assert len(found["wa_folds"]) == len(found["f1_folds"]) == 5
        assert ("ours_above" in found) == (row != "all three")
        assert found["cost"]["latency_ms"] > 0
        assert found["cost"]["measured_on"] == f"{processor()}, one thread"
        assert (found["cost"]["multiply_adds"] is None) == (row == "COMPARE+SVM")
    told = result["rows"]["IS10+SVM"]["ours_above"]
    assert {"welch_p", "hedges_g", "p", "effect", "low", "high"} <= set(told)
    assert mtlser_peers.table4(bench) == result, "from the stored cells, the latency too"
    shown = bench.console.file.getvalue()
    assert "corrected p" in shown
    assert "MMER (Ghosh et al. 2023) (quoted)" in shown
    assert list(mtlser_peers.beside_quoted(result).index[: len(mtlser_peers.ROWS)]) == list(mtlser_peers.ROWS)
    assert f"Latency measured on: {processor()}, one thread." in shown
    _check_counts(result["rows"], tmp_path)


def _check_counts(rows: dict, folder: Path) -> None:
    """What the counter found against what is worked out: 3 speakers and 32 characters in training, 32 utterances in
    development."""
    encoder = encoder_multiply_adds(AutoConfig.from_pretrained(folder / "encoder"), SAMPLES)
    heads = 16 * 2 + 149 * 16 * 32
    counted = {row: found["cost"]["multiply_adds"] for row, found in rows.items()}
    assert counted["emotion and words"] == sum(encoder.values()) + heads
    assert counted["all three"] == sum(encoder.values()) + heads + 16 * 3
    vectors = 7 * 64
    assert MEL + vectors <= counted[mtlser_peers.MACHINE] <= MEL + 32 * vectors
    functionals = sum(is10_multiply_adds(SAMPLES).values())
    assert functionals + 1582 <= counted["IS10+SVM"] <= functionals + 32 * 1582
    peer = recipe("attention_cnn").profiles["quick"]
    network = AttentionCnn(64, {"emotion": ["a", "b"], "gender": ["f", "m"]}, peer.model)
    batch = {"frames": torch.zeros(1, 151, 64), "length": torch.tensor([151])}  # every other frame
    assert counted[mtlser_peers.ATTENTION] == multiply_adds(network, batch).multiply_adds + MEL


def test_what_is_quoted_is_marked_and_stands_below_what_was_measured():
    folds = {"wa": 50.0, "wa_folds": [40.0, 60.0], "ua": 50.0, "ua_folds": [40.0, 60.0]}
    result = {"corpus": "emodb", "rows": {"IS10+SVM": folds, "all three": None}}
    table = mtlser_peers.beside_quoted(result)
    assert table.loc["IS10+SVM"].tolist() == ["50.0 ± 14.1", "50.0 ± 14.1", "measured here on emodb"]
    assert "all three" not in table.index, "not measured yet"
    assert table.loc["Proposed method (quoted)"].tolist() == ["82.6 ± 0.8", "82.2 ± 0.8", "as printed, IEMOCAP"]
    assert table.loc["SVM (Kurpukdee et al. 2017) (quoted)", "UA"] == "–", "none is printed"
    nothing = mtlser_peers.beside_quoted(None)
    assert len(nothing) == len(mtlser.printed()["table4"]["rows"])
    assert nothing.index.str.endswith("(quoted)").all()


def test_latency_in_milliseconds_and_on_one_thread(threads_put_back):
    torch.set_num_threads(2)
    threads = []
    cost = mtlser_cost._measured(lambda: (threads.append(torch.get_num_threads()), time.sleep(0.003)))
    assert 3 <= cost["latency_ms"] < 300
    assert cost["multiply_adds"] == 0
    assert threads == [1] * (1 + 3 + cost["calls"])


def test_an_effect_without_any_spread_has_no_size():
    told = pd.DataFrame({
        "utterance_id": list("abcd"), "emotion": ["anger", "fear"] * 2, "predicted": ["anger", "fear"] * 2,
        "fold": ["1", "1", "2", "2"], "speaker": list("xxyy"), "repeat": 0,
    })  # fmt: skip
    wrong = mtlser_peers._beside(told.assign(predicted="anger"), told, "wrong")["ours_above"]
    equal = mtlser_peers._beside(told.copy(), told, "equal")["ours_above"]
    assert (wrong["hedges_g"], equal["hedges_g"]) == (None, None)
    assert (wrong["welch_p"], equal["welch_p"]) == (0.0, 1.0)
    assert mtlser_peers._tests(equal) == ("1.000", "–", "–")


def test_figures_in_folds_by_hand():
    told = pd.DataFrame({
        "emotion": ["anger", "anger", "fear", "fear"], "predicted": ["anger", "fear", "fear", "anger"],
        "fold": ["1", "1", "1", "2"],
    })  # fmt: skip
    found = mtlser.in_folds(told)
    assert (found["wa"], found["ua"], found["f1"]) == (50, 50, 50)
    assert found["wa_folds"] == pytest.approx([200 / 3, 0])
    assert found["ua_folds"] == pytest.approx([75, 0])
    assert found["f1_folds"] == pytest.approx([200 / 3, 0])  # both emotions 2 / 3; then 0 for what is true or said
    assert mtlser.with_spread(found, "f1") == "50.0 ± 47.1"


def test_babble_heard_in_training_and_not(bench, monkeypatch):
    paper = {level: mtlser.printed()["table5"]["rows"][level] for level in (0, 20)}
    monkeypatch.setattr(mtlser_noise, "printed", lambda: {"table5": {"rows": paper}})
    result = mtlser_noise.babble(bench)
    levels, further = ["0 dB", "20 dB"], ("the same voices", "trained on clean")
    assert list(result["rows"]) == [*levels, "clean", *(f"{level}, {kind}" for kind in further for level in levels)]
    for row in result["rows"].values():
        assert row["f1_sd"] == pytest.approx(np.std(row["f1_folds"], ddof=1))
        assert len(row["wa_folds"]) == 5
    clean = result["rows"]["clean"]["run"]
    assert {row["run"] for name, row in result["rows"].items() if "clean" in name} == {clean}
    assert clean not in (result["rows"]["0 dB"]["run"], result["rows"]["20 dB"]["run"])
    assert all(result["rows"][level]["run"] == result["rows"][f"{level}, the same voices"]["run"] for level in levels)
    assert "64.3" in bench.console.file.getvalue()
    assert mtlser_noise.babble(bench) == result, "from the stored cells"


def test_every_network_hears_its_own_test_side_in_noise(bench, monkeypatch):
    table = corpora.load("tiny")
    folds = {"group 1": list(table.index[:8]), "group 2": list(table.index[8:16])}
    noisy = corpora.load("tiny+babble@0")
    asked: dict[int, list[np.ndarray]] = {}

    class Loud:
        """Names the second emotion where the waveform is louder than most."""

        model = SimpleNamespace(classes={"emotion": ["anger", "sadness"]})

        @classmethod
        def load(cls, folder, number):
            return SimpleNamespace(model=cls.model, probabilities=lambda waveforms: cls.told(number, waveforms))

        @staticmethod
        def told(number, waveforms):
            asked[number] = waveforms
            return np.array([[1 - x, x] for x in (float(np.abs(w).mean() > limit) for w in waveforms)])

    heard = {row["clean"]: read_audio(row["path"]) for _, row in noisy.iterrows()}
    limit = np.median([np.abs(one).mean() for one in heard.values()])
    monkeypatch.setattr(mtlser_noise, "Network", Loud)
    rows = [{"utterance_id": i, "fold": fold, "predicted": "?"} for fold, ids in folds.items() for i in ids]
    protocol = {"repeats": [{"folds": [{"name": "group 2"}, {"name": "group 1"}]}]}
    told = mtlser_noise._heard_in(Run(None, {}, protocol, pd.DataFrame(rows), {}), "tiny+babble@0", progress=False)
    for number, fold in ((1, "group 1"), (0, "group 2")):
        assert len(asked[number]) == 8
        for waveform, i in zip(asked[number], folds[fold], strict=True):
            np.testing.assert_array_equal(waveform, heard[i])
    wanted = {i: "sadness" if np.abs(heard[i]).mean() > limit else "anger" for ids in folds.values() for i in ids}
    assert dict(zip(told["utterance_id"], told["predicted"], strict=True)) == wanted
    assert len(set(wanted.values())) == 2
