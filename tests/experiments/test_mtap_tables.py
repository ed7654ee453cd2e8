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
from sercourse.experiments import cells, mtap, mtap_figures, mtap_imbalance, mtap_part, registry
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


def test_the_sweep_compares_with_the_papers_setting(bench):
    result = registry.run("mtap/sweep", replace(bench, rows=("gamma 0.1", "gamma 5", "margin 0.5")))
    assert next(iter(result["rows"])) == mtap.BEST == "gamma 0.1"
    above = {row: found["above"] for row, found in result["rows"].items() if found}
    assert {row: set(found) for row, found in above.items()} == {
        "gamma 0.1": {"strongest SVM"},
        "gamma 5": {"strongest SVM", "gamma 0.1"},
        "margin 0.5": {"strongest SVM", "gamma 0.1"},
        "scale 10": {"strongest SVM", "gamma 0.1"},
    }, "the last one is stored with the first"
    assert above["margin 0.5"]["gamma 0.1"]["effect"] == 0.0, "the same network under another name"
    assert "above gamma 0.1 (UA)" in bench.console.file.getvalue()


def test_gamma_and_margin_of_another_corpus_are_said():
    paper, note = mtap.printed()["losses"], "Gamma and margin are those that the paper found for EMO-DB."
    assert mtap.best_of("table1", "emodb") == (paper["table1"]["emodb"], [])
    assert mtap.best_of("table1", "savee+none+white@0") == (paper["table1"]["savee"], [])
    assert mtap.best_of("table2", "ravdess") == (paper["table2"]["emodb"], [note])
    assert mtap.best_of("table3", "ravdess")[1] == [mtap.borrowed_from(mtap.IEMOCAP)]


def test_every_artifact_of_losses_has_that_note(bench):
    note = "Gamma and margin are those that the paper found for EMO-DB."
    one = {"table1": "softmax", "table2": "softmax", "steps": "as it is", "imbalance": "softmax 0.5"}
    for name, row in one.items():
        assert registry.run(f"mtap/{name}", replace(bench, rows=(row,)))["notes"] == [note], name
    assert note in bench.console.file.getvalue()


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
    table = corpora.load("tiny")
    result = registry.run("mtap/imbalance", replace(bench, rows=rows, figure=tmp_path / "rare.png"))
    judged = mtap_imbalance.thinned(table, result["minority"], min(mtap_imbalance.SHARES))
    assert {result["rows"][row]["n_test"] for row in rows} == {len(judged)}
    assert len(judged) < len(mtap_imbalance.thinned(table, result["minority"], 0.5)) < len(table)
    assert (tmp_path / "rare.png").stat().st_size > 1_000
    for row in rows:
        found = result["rows"][row]
        rare = [found["recall"][emotion] for emotion in result["minority"]]
        assert found["minority"] == pytest.approx(np.mean(rare))
        assert len(found["recall"]) > len(rare)
    assert result["rows"]["apfl 1"] is None


def test_each_method_is_compared_with_softmax_at_the_same_share(bench):
    rows = ("softmax 0.5", "apfl 0.5", "softmax, balanced 0.5", "apfl 0.25")
    result = registry.run("mtap/imbalance", replace(bench, rows=rows))
    found = {row: result["rows"][row] for row in rows}
    assert {row: set(one["above"]) for row, one in found.items()} == {
        "softmax 0.5": set(), "apfl 0.5": {"softmax"}, "softmax, balanced 0.5": {"softmax"}, "apfl 0.25": set(),
    }  # fmt: skip
    for row in rows[1:3]:
        effect = found[row]["above"]["softmax"]
        assert effect["effect"] == pytest.approx(found[row]["minority"] - found["softmax 0.5"]["minority"])
        assert effect["low"] <= effect["effect"] <= effect["high"]
        assert "[" in next(line for line in bench.console.file.getvalue().splitlines() if line.startswith(f"{row}  "))
    assert len({one["run"] for one in found.values()}) == 4
    (stored,) = (cells.RESULTS / "mtap" / "cells").glob(f"{found[rows[2]]['run']}.json")
    assert json.loads(stored.read_text("utf-8"))["settings"]["loop"]["sampling"] == "balanced"


def test_the_whole_corpus_is_not_trained_twice(bench):
    whole = registry.run("mtap/table1", replace(bench, rows=("softmax", "apfl")))
    result = registry.run("mtap/imbalance", replace(bench, rows=("softmax 1", "apfl 1", "softmax 0.5")))
    for loss in ("softmax", "apfl"):
        assert [result["rows"][f"{loss} 1"]["run"]] == whole["rows"][loss]["runs"]
    assert result["rows"]["softmax 0.5"]["run"].startswith("mtap-tiny~minority0.5-kfold-2-")
    assert len(list((cells.RESULTS / "mtap" / "cells").iterdir())) == 3


def test_the_gain_of_a_minority_is_paired_and_drawn_over_speakers():
    rows = [(speaker, emotion) for speaker in "abcdef" for emotion in ("fear", "anger") for _ in range(4)]
    told = pd.DataFrame(rows, columns=["speaker", "emotion"]).assign(predicted="anger")
    better = told.assign(predicted=np.where(told.index % 8 == 0, "fear", told["predicted"]))
    found = mtap_imbalance.above(told, better, ["fear"])
    assert (found["effect"], found["over"], found["notice"]) == (25.0, "6 speakers", "")
    assert found["low"] == found["high"] == 25.0, "everybody gains the same"
    assert mtap_imbalance.above(told, better, ["anger"])["effect"] == 0.0
    few = told["speaker"].isin(["a", "b"])
    assert "only 2 speakers" in mtap_imbalance.above(told[few], better[few], ["fear"])["notice"]


def test_maps_have_a_silhouette_by_distance_and_by_angle(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(mtap_figures, "LOSSES", ("softmax", "apfl"))
    result = registry.run("mtap/figure4", Bench(corpus="tiny", figure=tmp_path / "maps.png"))
    assert (tmp_path / "maps.png").stat().st_size > 10_000
    assert set(result["silhouette"]["apfl"]) == {"euclidean", "cosine"}
    assert len(set(result["silhouette"]["apfl"].values())) == 2
    assert result["notes"] == ["Gamma and margin are those that the paper found for EMO-DB."]


def test_the_maps_of_modalities_have_the_loss_of_the_papers_three(bench, monkeypatch):
    asked = []

    def one_config(self, chapter, protocol, changes=(), **fields):
        asked.append(changes)
        raise StopIteration

    monkeypatch.setattr(Bench, "config", one_config)
    with pytest.raises(StopIteration):
        mtap_figures.maps(Bench(corpus="tiny"), "figure5")
    assert asked == [("loss=apfl", "margin=0.3", "gamma=0.1")]
    assert mtap.printed()["whole"]["densenet169"]["all three, APFL"]["gamma"] == 0.1


def test_the_maps_of_modalities_say_whose_gamma_they_have(bench, monkeypatch):
    monkeypatch.setattr(mtap_figures, "SHOWN", ("image",))
    monkeypatch.setattr(mtap_figures, "picture", lambda *parts: pytest.fail("no figure was asked for"))
    result = registry.run("mtap/figure5", Bench(corpus="tiny"))
    assert result["notes"] == ["Gamma and margin are those that the paper found for IEMOCAP (improvised)."]


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
