"""Chapter 05's artifacts on a tiny corpus: rows, comparisons, what is refused."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from sercourse import corpora
from sercourse.errors import UserError
from sercourse.experiments import mtap, mtap_figures, mtap_imbalance, registry
from sercourse.experiments.cells import Bench
from sercourse.training import modalities
from sercourse.training.recipes import mtap as recipe_of_mtap
from sercourse.training.recipes.mtap import RECIPE

TINY = ("threads=1", "accelerator=cpu", "epochs=1", "precision=fp32", "seconds=0.64", "step=2", "bins=40")


@pytest.fixture
def bench(tiny_corpus, monkeypatch) -> Bench:
    """Tiny images, and encoders that give made-up vectors."""
    table = corpora.load("tiny")
    table["text"] = pd.Series(["stop it", "go on"] * len(table), dtype="string")[: len(table)].to_numpy()
    table["language"] = "en"
    monkeypatch.setattr(corpora, "load", lambda name: table)
    monkeypatch.setattr(RECIPE, "profiles", {"quick": RECIPE.profiles["quick"].changed(TINY)})

    def read(encoder: str, text: str) -> np.ndarray:
        return np.random.default_rng(len(text)).normal(size=6).astype(np.float32)

    def listener(encoder: str):
        return lambda waveform: np.asarray(waveform[:3], dtype=np.float32)

    monkeypatch.setattr(modalities, "read", read)
    monkeypatch.setattr(modalities, "listener", listener)
    for module in (modalities, recipe_of_mtap):
        for name in ("text_fingerprint", "audio_fingerprint"):
            monkeypatch.setattr(module, name, lambda name: "" if name == "none" else f"of-{name}")
    monkeypatch.setattr(modalities, "find_spec", lambda name: True)
    monkeypatch.setattr(mtap, "STRANGERS", {"tiny": "kfold-2"})
    return Bench(corpus="tiny", console=Console(file=io.StringIO(), width=200), store=True)


def test_losses_are_compared_with_those_that_lack_one_part_of_them(bench):
    result = registry.run("mtap/table1", bench)
    assert list(result["rows"]) == list(mtap.LOSSES)
    above = {row: set(found["above"]) for row, found in result["rows"].items()}
    assert above["softmax"] == {"strongest SVM"}
    assert above["arcface"] == {"strongest SVM", "softmax", "normalised"}
    assert above["apfl"] == {"strongest SVM", "softmax", "normalised", "arcface"}
    assert len({found["runs"][0] for found in result["rows"].values()}) == 5
    assert registry.run("mtap/table1", bench)["rows"] == result["rows"], "from the stored cells"


def test_each_table_has_the_gamma_and_margin_that_the_paper_chose():
    paper = mtap.printed()["losses"]
    assert mtap.loss_changes("apfl", paper["table1"]["emodb"]) == ("loss=apfl", "gamma=0.1", "margin=0.5")
    assert mtap.loss_changes("apfl", paper["table2"]["emodb"]) == ("loss=apfl", "gamma=5", "margin=0.5")
    assert mtap.loss_changes("arcface", paper["table3"]["iemocap-improvised"]) == ("loss=arcface", "margin=0.3")
    assert mtap.loss_changes("normalised", paper["table1"]["savee"]) == ("loss=normalised",)
    gain = {row: paper["table1"]["emodb"][row]["wa"][0] for row in ("softmax", "arcface", "apfl")}
    assert gain["arcface"] - gain["softmax"] == pytest.approx(6.29)
    assert gain["apfl"] - gain["arcface"] == pytest.approx(0.43)


def test_protocols_of_strangers_and_of_acquaintances():
    assert [mtap.protocol_of(name) for name in ("emodb", mtap.IEMOCAP, "ravdess")] == ["loso", "session", "group-6"]
    assert [mtap.protocol_of(name, "acquainted") for name in ("emodb", "savee")] == ["kfold-10", "kfold-5"]


def test_modalities_the_gender_and_the_whole(bench):
    one = registry.run("mtap/table4", replace(bench, rows=("image", "all three")))
    assert one["rows"]["image and text"] is None
    assert set(one["rows"]["all three"]["above"]) == {"strongest SVM", "image"}
    two = registry.run("mtap/table5", replace(bench, rows=("no gender", "MTL-B")))
    assert two["rows"]["MTL-B"]["runs"] != two["rows"]["no gender"]["runs"]
    three = registry.run("mtap/table7", replace(bench, rows=("all three, APFL, gender",)))
    assert three["artifact"] == "mtap/table7"
    assert three["quoted"]["CNN-MHSA"]["wa"] == 72.34
    assert three["rows"]["all three, APFL, gender"]["runs"]


def test_a_corpus_without_texts_is_refused(bench):
    corpora.load("tiny")["text"] = pd.NA
    with pytest.raises(UserError, match="tiny: has no transcripts for the text branch"):
        mtap.modalities(bench)


def test_the_sweep_changes_one_number_at_a_time(bench):
    result = registry.run("mtap/sweep", replace(bench, rows=("gamma 5", "scale 1")))
    assert [row for row, found in result["rows"].items() if found] == ["gamma 5", "scale 1"]
    assert len(result["rows"]) == len(mtap.GAMMAS) + len(mtap.MARGINS) + len(mtap.SCALES)


def test_thinning_keeps_the_others_whole_and_everybody_in():
    rows = [(emotion, speaker) for emotion in "abc" for speaker in "xy" for _ in range(8)]
    table = pd.DataFrame(rows, columns=["emotion", "speaker"], index=[f"u{k:02d}" for k in range(len(rows))])
    assert mtap_imbalance.minority(table) == ["b"]
    kept = {share: mtap_imbalance.thinned(table, ["b"], share) for share in (1.0, 0.5, 0.25, 0.01)}
    assert kept[1.0].equals(table)
    for share, expected in ((0.5, 8), (0.25, 4), (0.01, 2)):
        counts = kept[share]["emotion"].value_counts()
        assert counts.to_dict() == {"a": 16, "c": 16, "b": expected}
        assert set(kept[share].query("emotion == 'b'")["speaker"]) == {"x", "y"}
    assert set(kept[0.25].index) < set(kept[0.5].index)


def test_imbalance_tells_minority_from_majority(bench, tmp_path):
    rows = ("softmax 1", "softmax 0.5")
    result = registry.run("mtap/imbalance", replace(bench, rows=rows, figure=tmp_path / "rare.png"))
    assert (tmp_path / "rare.png").stat().st_size > 1_000
    for row in rows:
        found = result["rows"][row]
        rare = [found["recall"][emotion] for emotion in result["minority"]]
        assert found["minority"] == pytest.approx(np.mean(rare))
        assert len(found["recall"]) > len(rare)
    assert result["rows"]["apfl 1"] is None


def test_maps_have_a_silhouette_by_distance_and_by_angle(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(mtap_figures, "LOSSES", ("softmax", "apfl"))
    result = registry.run("mtap/figure4", Bench(corpus="tiny", figure=tmp_path / "maps.png"))
    assert (tmp_path / "maps.png").stat().st_size > 10_000
    assert set(result["silhouette"]["apfl"]) == {"euclidean", "cosine"}
    assert len(set(result["silhouette"]["apfl"].values())) == 2


@pytest.mark.parametrize("profile", ["quick", "course", "paper"])
def test_every_row_has_settings_in_every_profile(bench, monkeypatch, profile):
    asked = []

    def none_measured(one, chapter, protocol, rows, references, **how):
        asked.extend(one.config(chapter, protocol, changes).settings for changes in rows.values())
        return {"rows": {}, "machines": {}}

    profiles = dict.fromkeys(("quick", "course"), RECIPE.profiles["quick"])
    paper = RECIPE.profiles["quick"].changed(("image=densenet169", "imagenet=true"))
    monkeypatch.setattr(RECIPE, "profiles", profiles | {"paper": paper})
    monkeypatch.setattr(recipe_of_mtap, "imagenet_at_hand", lambda name: True)
    monkeypatch.setattr(recipe_of_mtap, "audio_at_hand", lambda name: name)
    monkeypatch.setattr(recipe_of_mtap, "text_at_hand", lambda name: name)
    monkeypatch.setattr(mtap, "side_by_side", none_measured)
    for name in ("table1", "table2", "table3", "table4", "table5", "table6", "table7", "sweep"):
        registry.run(f"mtap/{name}", replace(bench, profile=profile))
    assert len(asked) == 3 * 5 + 6 + 4 + 5 + 5 + 15
