"""Chapter 06's artifacts on a tiny corpus of three languages: rows, comparisons, what the networks look at."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from sercourse import corpora
from sercourse.corpora.table import make_table
from sercourse.errors import UserError
from sercourse.experiments import cells, msfl, msfl_attention, registry
from sercourse.experiments.cells import Bench
from sercourse.experiments.msfl_looked import METHODS
from sercourse.training.recipes.msfl import RECIPE

TINY = ("threads=1", "accelerator=cpu", "epochs=1", "hidden=4", "attention=3", "private=4", "tokens=2")


@pytest.fixture
def bench(tiny_corpus, monkeypatch) -> Bench:
    table = corpora.load("tiny")
    table["language"] = np.array(["de", "en", "pl", "de", "en", "pl", "de", "en"] * (len(table) // 8))
    table["language"] = table["language"].astype("string")
    monkeypatch.setattr(corpora, "load", lambda name: table)
    monkeypatch.setattr(RECIPE, "profiles", {"quick": RECIPE.profiles["quick"].changed(TINY)})
    monkeypatch.setattr(msfl, "PROTOCOL", "group-2")
    monkeypatch.setattr(msfl_attention, "PROTOCOL", "group-2")
    return Bench(corpus="tiny", console=Console(file=io.StringIO(), width=220), store=True)


def test_every_row_has_every_language_and_stands_beside_the_pooled_network(bench):
    result = registry.run("msfl/languages", bench)
    rows = result["rows"]
    assert set(rows) == {*msfl.ROWS, msfl.SINGLE, "IS10+SVM", "COMPARE+SVM"}
    for name, row in rows.items():
        assert set(row) == {"de", "en", "pl", "mean"}
        assert row["mean"]["ua"] == pytest.approx(np.mean([row[code]["ua"] for code in ("de", "en", "pl")]))
        assert ("above" in row["mean"]) == ("above" in row["de"]) == (name != msfl.POOLED)
        if name != msfl.POOLED:
            effects = [row[code]["above"]["effect"] for code in ("de", "en", "pl")]
            assert row["mean"]["above"]["effect"] == pytest.approx(np.mean(effects))
    assert sum(rows[msfl.POOLED][code]["n_test"] for code in ("de", "en", "pl")) == len(corpora.load("tiny"))
    assert set(result["language_ua"]) == {name for name in msfl.ROWS if "pooled" not in name}
    again = registry.run("msfl/languages", bench)
    assert again["rows"] == rows, "from the stored cells"


def test_a_row_that_is_not_asked_for_is_not_trained(bench):
    result = registry.run("msfl/remedies", replace(bench, rows=(msfl.POOLED,)))
    assert set(result["rows"]) == {msfl.POOLED, "IS10+SVM", "COMPARE+SVM"}
    with pytest.raises(UserError, match="no such row"):
        registry.run("msfl/remedies", replace(bench, rows=("nonsense",)))


def test_a_language_left_out_is_judged_by_networks_that_never_heard_it(bench):
    result = registry.run("msfl/left_out", bench)
    assert set(result["rows"]) == {msfl.POOLED, "MSFL, GradNorm", "MSFL, adversary"}
    assert set(result["rows"][msfl.POOLED]) == {"de", "en", "pl", "mean"}
    stored = [json.loads(cell.read_text("utf-8")) for cell in (cells.RESULTS / "msfl" / "cells").glob("*.json")]
    heard = sorted(tuple(sorted(cell["settings"]["loop"]["languages"])) for cell in stored)
    assert heard == sorted([("de", "en"), ("de", "pl"), ("en", "pl")] * 3), "three kinds, each language left out once"
    table = corpora.load("tiny")
    table["language"] = table["language"].replace("pl", "en")
    with pytest.raises(UserError, match="leaving a language out needs three or more, and here are de, en"):
        registry.run("msfl/left_out", bench)


@pytest.mark.parametrize(("name", "protocol", "features"), [("loso", "loso", "egemaps"), ("is10", "group-5", "is10")])
def test_other_protocols_and_other_features_are_tables_of_their_own(bench, name, protocol, features):
    result = registry.run(f"msfl/languages_{name}", replace(bench, rows=(msfl.POOLED,)))
    assert result["protocol"] == protocol
    assert msfl.POOLED in result["rows"]
    (cell,) = (cells.RESULTS / "msfl" / "cells").glob("*.json")
    stored = json.loads(cell.read_text("utf-8"))
    assert stored["protocol"] == protocol
    assert stored["settings"]["data"]["functionals"] == [features]


def spoken(people: dict[str, str]) -> pd.DataFrame:
    """A table of speakers with their languages (one letter each), two utterances of either emotion per language."""
    rows = [
        {"utterance_id": f"t/{who}-{code}-{k}", "path": "p", "emotion": ("anger", "sadness")[k % 2],
         "speaker": f"t/{who}", "language": {"d": "de", "e": "en", "i": "it", "p": "pl", "z": "zh"}[code]}
        for who, codes in people.items() for code in codes for k in range(4)
    ]  # fmt: skip
    return make_table(rows, "t")


@pytest.mark.parametrize(
    ("people", "protocol"),
    [
        ({f"{n}": "dep" for n in range(10)}, "group-5"),
        ({f"{n}{code}": code for code in "deipz" for n in range(6)}, "loso"),  # each group is all of one language
        ({f"{n}{code}": code for code in "deipz" for n in range(2)}, "loso"),
    ],
)
def test_the_control_takes_a_protocol_that_teaches_every_language(monkeypatch, people, protocol):
    asked = []
    monkeypatch.setattr(corpora, "load", lambda name: asked.append(name) or spoken(people))
    assert msfl.control(Bench()) == (Bench(corpus="tongues=four"), protocol)
    assert asked == ["tongues=four"]


def test_the_control_has_single_languages_where_the_chapters_protocol_does(bench, monkeypatch):
    result = registry.run("msfl/one_synthesiser", replace(bench, rows=(msfl.POOLED, msfl.SINGLE)))
    assert (result["artifact"], result["protocol"]) == ("msfl/one_synthesiser", "group-2")
    assert set(result["rows"]) == {msfl.POOLED, msfl.SINGLE, "IS10+SVM", "COMPARE+SVM"}
    monkeypatch.setattr(msfl, "control", lambda bench: (bench, "loso"))
    with pytest.raises(UserError, match="no such row"):
        registry.run("msfl/one_synthesiser", replace(bench, rows=(msfl.SINGLE,)))


def test_each_language_alone_is_left_out_speaker_by_speaker_in_its_own_corpora(bench, monkeypatch):
    whole = corpora.load("tiny")
    monkeypatch.setattr(corpora, "load", lambda name: whole[whole["language"].isin(name.replace("_", ",").split(","))])
    assert [msfl._corpora_in("de,en_pl", code) for code in ("de", "en", "pl")] == ["de", "", ""]
    result = registry.run("msfl/languages_loso", replace(bench, corpus="de,en,pl", rows=(msfl.POOLED, msfl.SINGLE)))
    stored = [json.loads(cell.read_text("utf-8")) for cell in (cells.RESULTS / "msfl" / "cells").glob("*.json")]
    alone = {cell["corpus"]: cell for cell in stored if "," not in cell["corpus"]}
    assert set(alone) == {"de", "en", "pl"}
    for code, cell in alone.items():
        assert cell["settings"]["loop"]["languages"] == []
        assert result["rows"][msfl.SINGLE][code]["n_test"] == len(corpora.load(code))
        assert "above" in result["rows"][msfl.SINGLE][code]


def test_sizes_that_are_not_printed_are_varied(bench):
    result = registry.run("msfl/sizes", replace(bench, rows=(msfl.POOLED, "hidden 8")))
    assert set(result["rows"]) == {msfl.POOLED, "hidden 8", "IS10+SVM", "COMPARE+SVM"}
    assert "above" in result["rows"]["hidden 8"]["mean"]
    stored = [json.loads(cell.read_text("utf-8")) for cell in (cells.RESULTS / "msfl" / "cells").glob("*.json")]
    (small,) = (cell for cell in stored if cell["settings"]["loop"]["balancer"] == "gradnorm")
    assert small["settings"]["model"]["hidden"] == 8


def test_one_language_cannot_be_compared(bench):
    corpora.load("tiny")["language"] = "de"
    with pytest.raises(UserError, match="languages are compared, and here is de alone"):
        registry.run("msfl/languages", bench)


def test_rankings_are_set_beside_the_shared_one(bench):
    result = registry.run("msfl/rankings", bench)
    assert set(result["rows"]) == {msfl_attention.SHARED, msfl_attention.CONTROL, "de", "en", "pl"}
    assert result["features"] == 88
    for kind, row in result["rows"].items():
        assert len(row["first"]) == 10
        assert row["networks"] == 2
        assert row["first"][0]["attention"] >= row["first"][-1]["attention"] > 0
        assert ("with_shared" in row) == (kind != msfl_attention.SHARED)
    assert result["chance_overlap"] == pytest.approx(100 / 88)
    assert set(result["pairs"]) == {"de and en", "de and pl", "en and pl"} | {
        f"{code} and {msfl_attention.CONTROL}" for code in ("de", "en", "pl")
    }
    stored = [json.loads(cell.read_text("utf-8")) for cell in (cells.RESULTS / "msfl" / "cells").glob("*.json")]
    assert sum("random_labels" in str(cell["settings"]) for cell in stored) == len(stored)
    (control,) = (cell for cell in stored if cell["settings"]["data"]["random_labels"])
    assert control["settings"]["loop"]["balancer"] == "gradnorm"


def test_deletion_begins_with_all_features_and_is_set_beside_random_ones(bench, tmp_path):
    result = registry.run("msfl/deletion", replace(bench, figure=tmp_path / "curves.png"))
    assert set(result["rows"]) == {*METHODS, "random"}
    assert len({curve[0] for curve in result["rows"].values()}) == 1, "nothing is taken away yet"
    assert result["counts"][0] == 0
    assert result["counts"] == sorted(set(result["counts"]))
    assert set(result["below_random"]) == set(METHODS)
    assert (tmp_path / "curves.png").stat().st_size > 5_000


def test_what_is_looked_at_is_made_on_validation_and_tested_on_test(bench, monkeypatch):
    """Rankings that saw the test side would be too good."""
    from sercourse.experiments import msfl_looked

    seen = []
    original = msfl_looked._side
    monkeypatch.setattr(msfl_looked, "_side", lambda *args: seen.append(set(args[2])) or original(*args))
    registry.run("msfl/deletion", replace(bench, store=False))
    assert len(seen) == 4, "two folds, two sides"
    assert len(seen[1] | seen[3]) == len(seen[1]) + len(seen[3]) == len(corpora.load("tiny"))
    for validation, test in zip(seen[::2], seen[1::2], strict=True):
        assert not validation & test
