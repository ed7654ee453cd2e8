"""Chapter 03's networks under noises that training did not hear: the same folds, other audio, figures that belong to
it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from sercourse import corpora
from sercourse.corpora.noisy import Condition, in_noise
from sercourse.errors import CorpusError, UserError
from sercourse.experiments import asp_mtl_unseen, cells
from sercourse.experiments.asp_mtl_ablation import BOTH, CLEANED
from sercourse.experiments.cells import Bench
from sercourse.training.recipes.asp_mtl import RECIPE

TINY = ("hidden=6", "head=6", "step=4", "threads=1", "accelerator=cpu", "epochs=1", "batch_size=16")


@pytest.fixture
def bench(tiny_corpus, monkeypatch) -> Bench:
    """Tiny networks that learn from speech in white noise; only brown noise is at hand beside it."""
    load = corpora.load
    base = load("tiny")
    other = in_noise(base, (Condition("brown", 0.0, 0.0),), workers=1, progress=False)
    monkeypatch.setattr(corpora, "load", lambda name: other if "brown" in name else load(name))
    monkeypatch.setattr(asp_mtl_unseen, "SYNTHETIC", ("brown",))
    monkeypatch.setattr(RECIPE, "profiles", {"quick": RECIPE.profiles["quick"].changed(TINY)})
    monkeypatch.setattr(asp_mtl_unseen, "PROTOCOL", "kfold-2")
    monkeypatch.setattr(cells, "MACHINES", ("is10",))
    monkeypatch.setattr(asp_mtl_unseen, "MACHINES", ("is10",))

    def recordings(kind: str) -> None:
        raise CorpusError(f"{kind}: no folder 'noise'")

    monkeypatch.setattr(asp_mtl_unseen, "recordings", recordings)
    return Bench(corpus="tiny", console=Console(file=io.StringIO(), width=200), store=True)


def test_every_row_is_judged_on_the_other_noise_alone(bench):
    result = asp_mtl_unseen.unseen_emotion(bench)
    assert set(result["rows"]) == {"IS10+SVM", *asp_mtl_unseen.ROWS}
    assert result["tested_on"] == "tiny+brown@0"
    assert "Left out: recorded: no folder 'noise'" in bench.console.file.getvalue()
    for row, by_protocol in result["rows"].items():
        figures = by_protocol["kfold-2"]
        assert set(figures["ua_by_condition"]) == {"brown@0"}, row
        assert set(figures["heard"]) == {"none", "white@0"}
        if row in asp_mtl_unseen.ROWS:
            assert figures["against_svm"]["value_b"] == pytest.approx(figures["ua"])
            assert figures["against_svm"]["value_a"] == pytest.approx(result["rows"]["IS10+SVM"]["kfold-2"]["ua"])
    both, single = (result["rows"][row]["kfold-2"] for row in (BOTH, "single task"))
    assert both["against_single"]["effect"] == pytest.approx(both["ua"] - single["ua"])
    assert asp_mtl_unseen.unseen_emotion(bench)["rows"] == result["rows"], "from stored cells"


def test_the_same_audio_gets_the_same_answer_as_in_the_run_itself(bench):
    """Judged on the white noise of training, fold by fold, every system says what its own run says."""
    noisy = replace(bench, corpus="tiny+none+white@0")
    own = corpora.load(noisy.corpus)
    own = own[own.index.str.endswith("~white@0")]

    def of(predictions: pd.DataFrame) -> pd.DataFrame:
        kept = predictions[predictions["utterance_id"].isin(own.index)]
        columns = kept[["utterance_id", "predicted", "fold", "emotion"]].astype(str)
        return columns.sort_values("utterance_id").reset_index(drop=True)

    for row in ("single task", CLEANED):
        measure = asp_mtl_unseen._chained if row == CLEANED else asp_mtl_unseen._single
        told, heard, _ = measure(noisy, "kfold-2", row, own)
        assert len(told) == len(own)
        pd.testing.assert_frame_equal(of(told), of(heard))
    again = own.rename(index=lambda name: name.replace("~white@0", "~again@0"))  # the machine's table has own already
    test = asp_mtl_unseen._tested(noisy, "tiny", "kfold-2")
    folds = [replace(fold, test=tuple(asp_mtl_unseen._of_test(again, fold.test).index)) for fold in test.folds.folds]
    test = replace(test, corpus="again", table=again, folds=replace(test.folds, folds=tuple(folds)))
    told = cells.unspelled(asp_mtl_unseen._machine(noisy, "kfold-2", "is10", test), test.truth)
    told["utterance_id"] = told["utterance_id"].str.replace("~again@0", "~white@0")
    pd.testing.assert_frame_equal(of(told), of(noisy.machine("kfold-2").predictions))


def test_no_fold_is_tested_on_a_recording_that_it_learnt_from(bench):
    test = asp_mtl_unseen._tested(replace(bench, corpus="tiny+none+white@0"), "tiny", "kfold-2")
    assert sorted(np.concatenate([fold.test for fold in test.folds.folds])) == sorted(test.table.index), "each once"
    for fold in test.folds.folds:
        learnt, tested = ({i.rpartition("~")[0] for i in side} for side in (fold.development, fold.test))
        assert not learnt & tested


def test_a_cell_knows_the_sounds_that_it_heard(bench, tmp_path, monkeypatch):
    """Other recordings under the same names are another test, and the digest says so."""
    digests = []
    for content in (b"rain", b"hail"):
        (tmp_path / "rain-1.flac").write_bytes(content)
        monkeypatch.setattr(asp_mtl_unseen, "recordings", lambda kind: [Path(tmp_path / "rain-1.flac")])
        digests.append(asp_mtl_unseen._tested(replace(bench, corpus="tiny+none+white@0"), "tiny", "kfold-2").sounds)
    assert digests[0] != digests[1]


def test_a_row_that_is_not_asked_for_is_not_measured(bench):
    asked = Bench(**{**vars(bench), "rows": ("single task",)})
    result = asp_mtl_unseen.unseen_emotion(asked)
    assert [row for row, found in result["rows"].items() if found["kfold-2"] is None] == list(asp_mtl_unseen.ROWS[1:])
    with pytest.raises(UserError, match="no such row"):
        asp_mtl_unseen.unseen_emotion(Bench(**{**vars(bench), "rows": ("nothing",)}))
