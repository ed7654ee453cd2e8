"""Chapter 05's artifacts on a tiny corpus: rows, comparisons, what is refused."""

import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from sercourse import corpora
from sercourse.errors import UserError
from sercourse.experiments import cells, mtap, mtap_figures, mtap_imbalance, mtap_part, mtap_text, registry
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
    tables = ("table1", "table2", "table3", "table4", "table5", "table6", "table7", "sweep")
    for name in (*tables, "steps", "steps_acquainted"):
        registry.run(f"mtap/{name}", replace(bench, profile=profile))
    images = {"quick": 8, "course": 8, "paper": 4}[profile]  # of other networks than the profile's own
    assert len(asked) == 3 * 5 + 6 + 4 + 5 + 5 + 16 + images + 2 * 9
    assert {"resnet50", "densenet169"} <= {settings.model.image for settings in asked}


def test_table6_has_the_papers_networks_which_are_trained_by_name_alone(bench):
    one = "ResNet50: image, APFL"
    result = registry.run("mtap/table6", bench)
    assert list(result["rows"])[: len(mtap.WHOLE)] == list(mtap.WHOLE)
    assert all(result["rows"][row] for row in mtap.WHOLE)
    assert [row for row, found in result["rows"].items() if found is None] == list(mtap.backbone_rows("small"))
    said_of_them = f"Not measured: ResNet50: image, softmax; ResNet50: all three, softmax; {one}"
    assert said_of_them in bench.console.file.getvalue()
    assert result["notes"] == ["Printed are figures on IEMOCAP, measured are rows on tiny."]
    assert "quoted" not in result
    assert "gamma=2" in mtap.backbone_rows("small")[one]
    assert "gamma=0.1" in mtap.backbone_rows("small")["DenseNet169: all three, APFL"]
    with pytest.raises(UserError, match="--rows VGG: the artifact has no such row"):
        registry.run("mtap/table6", replace(bench, rows=("VGG",)))


def test_a_profile_that_is_not_there_is_one_sentence(bench):
    for name in ("table4", "table6", "steps"):
        with pytest.raises(UserError, match="--profile huge: no such profile"):
            registry.run(f"mtap/{name}", replace(bench, profile="huge"))


def test_steps_change_one_thing_each_and_the_last_one_all(bench):
    result = registry.run("mtap/steps", replace(bench, rows=("as it is", "last epoch", "weights averaged")))
    above = set(result["rows"]["weights averaged"]["above"])
    assert above == {"strongest SVM", *mtap.BEFORE}, "quick has no augmentation of its own, so two rows are one"
    assert result["rows"]["all of them"] is None
    rows = mtap.step_rows(epochs=30)
    assert list(rows) == list(result["rows"])
    assert "epochs=60" in rows["twice as long"]
    alone = {change for row, changes in rows.items() for change in changes if row != "all of them"}
    together = rows["all of them"]
    assert set(together) <= alone
    assert {change.partition("=")[0] for change in together} == {change.partition("=")[0] for change in alone}
    assert "average=1" in mtap.step_rows(epochs=1)["weights averaged"], "never over more epochs than there are"


def test_images_are_as_long_as_the_paper_has_them_in_noise_too():
    def length(corpus: str, profile: str = "course") -> tuple[str, ...]:
        return mtap.image_length(Bench(corpus=corpus, profile=profile))

    assert length("emodb") == length("savee", "quick") == ()
    assert length("savee") == length("savee+none+white@0") == length("savee=four") == ("seconds=5",)
    assert length("savee,iemocap+none") == length("iemocap-improvised") == ("seconds=6",)


def test_iemocap_is_without_excitement_and_its_cells_have_names_of_their_own(bench, monkeypatch):
    table = corpora.load("tiny")
    table["code"] = ["exc"] + ["hap"] * (len(table) - 1)
    monkeypatch.setattr(mtap, "STRANGERS", {mtap.IEMOCAP: "kfold-2"})
    result = registry.run("mtap/table3", Bench(rows=("softmax",), store=True))
    assert result["corpus"] == mtap.IEMOCAP
    assert result["printed"]["apfl"]["ua"] == [64.78, 0.93]
    assert "excitement left out as in the paper (2280)" in result["notes"][0]
    run = result["rows"]["softmax"]["runs"][0]
    assert run.startswith("mtap-iemocap-improvised~happy-kfold-2-")
    (stored,) = (cells.RESULTS / "mtap" / "cells").iterdir()
    assert json.loads(stored.read_text("utf-8"))["n_test"] == len(table) - 1
    with_it = registry.run("mtap/table3", replace(bench, rows=("softmax",)))
    assert with_it["printed"] is None
    assert with_it["rows"]["softmax"]["runs"] != [run]


def test_what_must_be_known_beside_a_printed_figure(monkeypatch):
    table = pd.DataFrame({"code": ["exc", "hap", "neu"]})
    monkeypatch.setattr(corpora, "load", lambda name: table)
    assert mtap_part.notes(Bench(corpus="emodb"), "loso", printed=False) == []
    assert "rows on emodb" in mtap_part.notes(Bench(corpus="emodb"), "loso", printed=True)[0]
    told = mtap_part.notes(Bench(corpus="iemocap-improvised+none"), "session", printed=True)
    assert "2 utterances" in told[0]
    assert "the paper halves the session left out" in told[1]
    assert mtap_part.as_in_the_paper(Bench(corpus="iemocap")) == Bench(corpus="iemocap")


def said(texts: dict[str, list[str]]) -> pd.DataFrame:
    """Each emotion's sentences, said by three speakers."""
    rows = [(emotion, text, speaker) for emotion, own in texts.items() for text in own for speaker in "xyz"]
    return pd.DataFrame(rows, columns=["emotion", "text", "speaker"], index=[f"u{k:02d}" for k in range(len(rows))])


def test_a_sentence_of_one_emotion_is_learnt_by_heart_and_a_fixed_one_tells_nothing():
    def vectors(table: pd.DataFrame) -> dict[str, np.ndarray]:
        return {i: np.eye(8)[ord(text[-1]) - ord("a")] for i, text in table["text"].items()}

    own = said({"anger": ["a", "b"], "fear": ["c", "d"]})
    apart = mtap_text.judged(own, vectors(own), "speaker")
    assert (apart["ua"], apart["folds"]) == (100.0, 3), "three speakers, three folds"
    assert mtap_text.judged(own, vectors(own), "text")["ua"] < 60.0
    fixed = said({"anger": ["a", "b"], "fear": ["a", "b"]})
    found = mtap_text.judged(fixed, vectors(fixed), "speaker")
    assert found["ua"] == found["chance"] == 50.0
    assert mtap_text.judged(fixed[fixed["text"] == "a"], vectors(fixed), "text") is None


def test_text_alone_is_judged_by_wording_where_the_corpus_tells_it(bench):
    table = corpora.load("tiny")
    result = registry.run("mtap/text", Bench(corpus="tiny", console=bench.console))
    assert list(result["rows"]) == ["all utterances"]
    assert result["rows"]["all utterances"]["sentences"] == 2
    low, high = result["rows"]["all utterances"]["speakers apart"]["ua_interval"]
    assert low <= result["rows"]["all utterances"]["speakers apart"]["ua"] <= high
    table.loc[table["text"] == "go on", "emotion"] = "fear"
    assert mtap_text.text(Bench(corpus="tiny"))["rows"]["all utterances"]["speakers apart"]["wa"] > 0
    table.loc[table["text"] == "stop it", "emotion"] = "anger"
    assert mtap_text.text(Bench(corpus="tiny"))["rows"]["all utterances"]["sentences apart"] is None
    table["wording"] = ["neutral", "emotional"] * (len(table) // 2)
    assert list(mtap_text.parts(table)) == ["plain sentences", "with feeling, en"]
    table["text"] = pd.NA
    with pytest.raises(UserError, match="tiny: has fewer than two sentences"):
        mtap_text.text(Bench(corpus="tiny"))
