"""Chapter 03's artifacts on a tiny corpus: cells, test mixtures of their own, probes that learn from training only."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
import soundfile
from rich.console import Console

from sercourse import corpora
from sercourse.corpora.noisy import Condition, in_noise
from sercourse.errors import UserError
from sercourse.experiments import asp_mtl, asp_mtl_ablation, asp_mtl_probes, asp_mtl_remedies, cells, registry
from sercourse.experiments.cells import Bench
from sercourse.signal.audio import read_audio
from sercourse.signal.snr import snr_in
from sercourse.training.recipes.asp_mtl import RECIPE
from sercourse.training.settings import Settings

TINY = ("hidden=6", "head=6", "step=4", "threads=1", "accelerator=cpu", "epochs=1", "batch_size=16")


@pytest.fixture
def bench(tiny_corpus, monkeypatch) -> Bench:
    """Tiny networks, two folds, two levels of noise."""
    tiny: Settings = RECIPE.profiles["quick"].changed(TINY)
    monkeypatch.setattr(RECIPE, "profiles", {"quick": tiny})
    monkeypatch.setattr(asp_mtl, "SNRS", (-5, 5))
    monkeypatch.setattr(asp_mtl, "TRAINED_ON", "+none+white@0")  # as many conditions as the tiny corpus has
    monkeypatch.setattr(asp_mtl, "_at_hand", lambda: ["white"])
    monkeypatch.setattr(asp_mtl, "PROTOCOL", "kfold-2")
    monkeypatch.setattr(asp_mtl_probes, "PROTOCOL", "kfold-2")
    return Bench(corpus="tiny", console=Console(file=io.StringIO(), width=200), store=True)


def test_snr_table_judges_every_method_and_keeps_the_cell(bench):
    result = asp_mtl.snr_table(bench, "table5")
    assert set(result["rows"]) == {*asp_mtl.METHODS, *asp_mtl.MODEL_ROWS}
    assert all(np.isfinite(row).all() and len(row) == 2 for row in result["rows"].values())
    for gains in ("gain_over_classical", "gain_over_best"):
        assert all(gain["low"] <= gain["mean"] <= gain["high"] for gain in result[gains])
    pairs = zip(result["gain_over_classical"], result["gain_over_best"], strict=True)
    assert all(classical["mean"] >= best["mean"] for classical, best in pairs), "the best of all is no worse"
    assert result["printed"]["ASP-MTL"] == [4.56, 8.76, 13.84, 18.01]
    assert (result["judged"], result["judged_of"]) == (14, 40), "a cut is told where the figures stand"
    assert "Judged: 14 of 40 utterances" in bench.console.file.getvalue()
    assert asp_mtl.snr_table(bench, "table5") == result, "from the stored cell"
    assert "as stored in results/" in bench.console.file.getvalue()


def test_unseen_noise_has_a_row_for_a_model_1_that_heard_everyday_sounds(bench, monkeypatch, tmp_path):
    folder = tmp_path / "data" / "noise"
    folder.mkdir(parents=True)
    for number in range(8):
        tone = np.sin(2 * np.pi * (200 + 90 * number) * np.arange(16_000) / 16_000)
        soundfile.write(folder / f"tone-{number:03d}.flac", tone, 16_000)
    monkeypatch.setenv("SERCOURSE_DATA", str(folder.parent))
    own, other = (asp_mtl.recordings(kind) for kind in ("recorded", "unseen"))
    assert {*own, *other} == set(folder.iterdir())
    assert len(own) + len(other) == 8, "no recording is for both"
    monkeypatch.setattr(asp_mtl, "_at_hand", lambda: ["unseen"])
    result = asp_mtl.snr_table(bench, "unseen")
    assert set(result["rows"]) == {*asp_mtl.METHODS, *asp_mtl.MODEL_ROWS, asp_mtl.WITH_RECORDED}
    names = [path.name for path in cells.cell_path("asp_mtl", "x").parent.iterdir()]
    assert sum("+recorded@-12..12" in name for name in names) == 1, names
    only = Bench(**{**vars(bench), "rows": ("model 1",), "store": False})
    assert asp_mtl.snr_table(only, "unseen") == result, "both are stored"
    with pytest.raises(UserError, match="no such row; choose among model 1\\."):
        asp_mtl.snr_table(Bench(**{**vars(bench), "rows": (asp_mtl.WITH_RECORDED,)}), "table5")


def test_a_cell_of_other_mixtures_is_refused(bench, monkeypatch):
    asp_mtl.snr_table(bench, "table5")
    monkeypatch.setattr(asp_mtl, "VERSION", asp_mtl.VERSION + 1)
    with pytest.raises(UserError, match="was measured on other mixtures; delete its cell"):
        asp_mtl.snr_table(bench, "table5")


def test_babble_of_the_test_is_of_voices_that_training_does_not_have(bench, my_csv, monkeypatch):
    made = []
    monkeypatch.setattr(asp_mtl, "make_noise", lambda kind, n, rng: made.append(kind) or rng.standard_normal(n))
    row = corpora.load(my_csv).iloc[0]
    for noise in ("babble", "white", "unseen"):
        asp_mtl._test_mixture("u", row, noise, 0)
    assert made == ["chatter", "white", "unseen"]


def test_test_mixtures_have_their_snr_and_are_no_training_mixtures(bench, my_csv):
    table = corpora.load(my_csv)
    row = table.iloc[0]
    one, same = (asp_mtl._test_mixture(table.index[0], row, "white", -5) for _ in range(2))
    assert np.array_equal(one.noisy, same.noisy)
    assert snr_in(one.clean, one.noisy) == pytest.approx(-5, abs=0.01)
    other = asp_mtl._test_mixture(table.index[0], row, "white", 5)
    assert abs(np.corrcoef(one.noise, other.noise)[0, 1]) < 0.1, "each level has a noise of its own"
    trained = in_noise(table.iloc[:1], (Condition("white", -5.0, -5.0),), workers=1, progress=False).iloc[0]
    noise = read_audio(trained["path"]) - trained["gain"] * one.clean / one.gain
    assert abs(np.corrcoef(one.noise, noise)[0, 1]) < 0.1, "no network has heard it"


def test_the_interval_belongs_to_the_mean():
    """One speaker with ninety utterances, two with five: speakers are drawn with all of theirs."""
    rng = np.random.default_rng(0)
    rows = []
    for speaker, (count, gain) in {"a": (90, 10.0), "b": (5, 0.0), "c": (5, 1.0)}.items():
        for k in range(count):
            values = {
                "spectral subtraction": 1.0,
                "over-subtraction": 0.5,
                "wavelet + LMS": 0.0,
                asp_mtl.MODEL_ROWS[0]: 1.0 + gain + rng.normal(),
            }
            rows += [{"speaker": speaker, "utterance_id": f"{speaker}{k}", "snr_in": 0, "method": m, "snr_out": v}
                     for m, v in values.items()]  # fmt: skip
    gain = asp_mtl._gain(pd.DataFrame(rows), 0, asp_mtl.CLASSICAL)
    assert gain["mean"] == pytest.approx(9.05, abs=0.3)
    assert gain["low"] < 1.5
    assert 9.5 < gain["high"] < 10.5
    assert (gain["against"], gain["over"]) == ("spectral subtraction", 3)
    alone = asp_mtl._gain(pd.DataFrame(rows[:12]), 0, asp_mtl.CLASSICAL)
    assert (alone["low"], alone["high"], alone["over"]) == (None, None, 1)


def test_unseen_noise_that_is_not_there_is_said_before_training(bench):
    with pytest.raises(UserError, match="no folder 'noise'"):
        asp_mtl.snr_table(bench, "unseen")


def test_printed_tables_have_four_levels():
    printed = asp_mtl.printed()["snr"]
    assert [table["noise"] for table in printed.values()] == ["white", "pink", "babble", "factory"]
    for table in printed.values():
        for row in table["rows"].values():
            assert row == sorted(row), "more noise in, more noise out"
            assert len(row) == 4


def test_probes_read_both_spaces(bench):
    asked = Bench(**{**vars(bench), "rows": ("neither",)})
    result = asp_mtl_probes.probes(asked, "gender")
    assert result["rows"]["both constraints"] is None
    row = result["rows"]["neither"]
    assert (row["folds_probed"], row["folds_of"]) == (2, 2)
    found = row["readings"]
    for space in ("shared", "private"):
        for kind in ("linear", "mlp"):
            assert 0 <= found[space][kind]["low"] <= found[space][kind]["ua"] <= found[space][kind]["high"] <= 100
            assert found[space][kind]["chance"] == pytest.approx(50)
    with pytest.raises(UserError, match="the artifact has no such row"):
        asp_mtl_probes.probes(Bench(**{**vars(bench), "rows": ("nothing",)}), "gender")


def test_a_fold_of_one_gender_is_judged_with_the_others_and_one_that_cannot_teach_lends_its_training_side():
    """Two folds: the first tests women alone, and the second has one gender on its validation side."""
    rng, genders = np.random.default_rng(0), pd.Series(["female", "male"] * 60, index=[f"u{n}" for n in range(120)])
    features = rng.standard_normal((120, 2)) + 4 * (genders == "male").to_numpy()[:, None]
    names, women = list(genders.index), [n for n in genders.index if genders[n] == "female"]

    def fold(train: list[str], validation: list[str], test: list[str]) -> asp_mtl_probes._Fold:
        ids = {"train": train, "validation": validation, "test": test}
        states = {side: {"shared": features[[names.index(i) for i in asked]]} for side, asked in ids.items()}
        return asp_mtl_probes._Fold(ids, states)

    folds = [fold(names[:40], names[40:80], women[40:]), fold(names[:40], women[20:40], names[80:])]
    for kind in ("linear", "mlp"):
        found, ids = asp_mtl_probes._read(folds, genders, "shared", kind)
        assert ids == women[40:] + names[80:]
        assert found.chance == 50
        assert found.ua > 80, "what is there is read"
        dealt = asp_mtl_probes._at_random(genders, pd.Series(names, index=names), 0)
        assert sorted(dealt) == sorted(genders)
        assert abs(asp_mtl_probes._read(folds, dealt, "shared", kind)[0].ua - 50) < 20, "what is not there is not"


def test_labels_dealt_out_anew_stay_whole_where_a_speaker_has_one():
    speakers = pd.Series(list("aabbccdd"), index=range(8))
    genders = speakers.map({"a": "f", "b": "f", "c": "m", "d": "m"})
    dealt = [asp_mtl_probes._at_random(genders, speakers, seed) for seed in range(9)]
    assert all(one.groupby(speakers).nunique().max() == 1 for one in dealt)
    assert any((one != genders).any() for one in dealt)
    noises = pd.Series(["none", "white"] * 4, index=range(8))
    one = asp_mtl_probes._at_random(noises, speakers, 1)
    assert (one.groupby(speakers).value_counts() == 1).all(), "each speaker keeps his noises"


def test_table9_sets_one_model_the_other_and_both_beside_the_machine(bench, monkeypatch):
    monkeypatch.setattr(asp_mtl_ablation, "PROTOCOLS", ("kfold-2",))
    monkeypatch.setattr(cells, "MACHINES", ("is10",))
    result = asp_mtl_ablation.ablation(bench)
    networks = {"single task", "model 1 alone", "model 2 alone", "both models", "both models, frames dropped"}
    machines = {"IS10+SVM", "IS10+SVM, without validation"}
    assert set(result["rows"]) == {*machines, *networks, asp_mtl_ablation.CLEANED}
    for row, by_protocol in result["rows"].items():
        figures = by_protocol["kfold-2"]
        assert set(figures["ua_by_condition"]) == {"none", "white@0"}, row
        assert figures["ua"] == pytest.approx(np.mean(list(figures["ua_by_condition"].values())), abs=1e-6), "balanced"
    both = result["rows"]["both models"]["kfold-2"]
    single = result["rows"]["single task"]["kfold-2"]
    assert both["against_single"]["effect"] == pytest.approx(both["ua"] - single["ua"])
    for beside, row in asp_mtl_ablation.BESIDE.items():
        assert both[beside]["effect"] == pytest.approx(both["ua"] - result["rows"][row]["kfold-2"]["ua"])
    cleaned = result["rows"][asp_mtl_ablation.CLEANED]["kfold-2"]
    parts = cleaned["against_single"]["effect"], both["against_cleaned"]["effect"]
    assert sum(parts) == pytest.approx(both["against_single"]["effect"]), "what cleaning brings, and the gender on top"
    within = both["against_single_within"]
    assert set(within) == {"none", "white@0", asp_mtl_ablation.NOISES}
    for condition, effect in within.items():
        known = "white@0" if condition == asp_mtl_ablation.NOISES else condition
        assert effect["value_b"] == pytest.approx(both["ua_by_condition"][known])
        assert effect["effect"] == pytest.approx(both["ua_by_condition"][known] - single["ua_by_condition"][known])
        assert effect["low"] <= effect["effect"] <= effect["high"]
    assert asp_mtl_ablation.ablation(bench)["rows"] == result["rows"], "from stored cells"


def test_a_row_of_table9_that_is_not_measured_is_said(bench, monkeypatch):
    monkeypatch.setattr(asp_mtl_ablation, "PROTOCOLS", ("kfold-2",))
    monkeypatch.setattr(cells, "MACHINES", ("is10",))
    result = asp_mtl_ablation.ablation(Bench(**{**vars(bench), "rows": (asp_mtl_ablation.CLEANED,)}))
    cleaned = result["rows"].pop(asp_mtl_ablation.CLEANED)["kfold-2"]
    assert "against_single" not in cleaned, "the single task was not asked for"
    for machine in ("IS10+SVM", "IS10+SVM, without validation"):
        assert result["rows"].pop(machine)["kfold-2"]
    assert all(row == {"kfold-2": None} for row in result["rows"].values())
    assert "–: not measured" in bench.console.file.getvalue()


def test_effects_in_parts_are_those_of_the_parts():
    """The second system is right about every woman, the first about every man; nobody told the child apart."""
    part_of = pd.Series({"u0": "women", "u1": "women", "u2": "men", "u3": "men", "u4": None})
    truth = pd.DataFrame({"utterance_id": part_of.index, "emotion": list("abaab"), "fold": 0, "speaker": list("vwxyz")})
    wrong = truth["emotion"].map({"a": "b", "b": "a"})
    women = truth["utterance_id"].isin(["u0", "u1"])
    first, second = (truth.assign(predicted=truth["emotion"].where(one, wrong)) for one in (~women, women))
    found = asp_mtl_ablation.effects_within(first, second[::-1], part_of)
    assert {name: (one["value_a"], one["value_b"], one["effect"]) for name, one in found.items()} == {
        "men": (100, 0, -100),
        "women": (0, 100, 100),
    }


def test_every_artifact_is_listed():
    listed = {name for name in registry.EXPERIMENTS if name.startswith("asp_mtl/")}
    shown = [*(f"table{number}" for number in range(1, 10)), "figure6", "figure7"]
    assert listed == {
        f"asp_mtl/{name}" for name in (*shown, "unseen", "unseen_emotion", "remedies", "probes_noise", "probes_gender")
    }


def test_remedies_change_the_emotions_network_and_leave_model_1(bench, monkeypatch):
    monkeypatch.setattr(asp_mtl_remedies, "PROTOCOLS", ("kfold-2",))
    monkeypatch.setattr(cells, "MACHINES", ("is10",))
    tried = {asp_mtl_remedies.AS_IT_IS: (), "mean and spread of the frames": ("input_statistics=true",)}
    monkeypatch.setattr(asp_mtl_remedies, "REMEDIES", tried)
    result = asp_mtl_remedies.remedies(bench)
    rows = {row: by_protocol["kfold-2"] for row, by_protocol in result["rows"].items()}
    assert set(rows) == {f"{remedy}: {system}" for remedy in tried for system in ("single task", "both models")}
    for remedy in tried:
        both, single = rows[f"{remedy}: both models"], rows[f"{remedy}: single task"]
        assert both["against_single"]["effect"] == pytest.approx(both["ua"] - single["ua"])
        noise = both["ua_by_condition"]["white@0"] - single["ua_by_condition"]["white@0"]
        assert both["against_single_in_noise"]["effect"] == pytest.approx(noise)
    changed, before = rows["mean and spread of the frames: both models"], rows["as it is: both models"]
    assert changed["against_as_it_is"]["effect"] == pytest.approx(changed["ua"] - before["ua"])
    assert "against_as_it_is" not in before
    again = asp_mtl_remedies.remedies(bench)
    assert again["rows"] == result["rows"], "from stored cells"
    only = Bench(**{**vars(bench), "rows": ("as it is: single task",), "store": False})
    assert asp_mtl_remedies.remedies(only)["rows"] == result["rows"]


@pytest.mark.parametrize("remedy", list(asp_mtl_remedies.REMEDIES))
def test_a_single_task_stays_one_under_every_remedy(remedy):
    single = asp_mtl_ablation.VARIANTS["single task"]
    model = RECIPE.settings("course", (*single, *asp_mtl_remedies.REMEDIES[remedy], *single)).model
    assert {name for name, weight in model.weights.items() if weight} == {"emotion"}


@pytest.mark.parametrize("profile", ["quick", "course", "paper"])
@pytest.mark.parametrize("auxiliary", ["gender", "noise"])
def test_rows_of_the_probes_are_networks_of_their_own_in_every_profile(profile, auxiliary):
    settings = {
        row: RECIPE.settings(profile, (*changes, f"auxiliary={auxiliary}"))
        for row, changes in asp_mtl_probes.VARIANTS.items()
    }
    assert len({one.digest for one in settings.values()}) == len(settings)
    for row, one in settings.items():
        assert one.model.discriminate == ("task" if "told the task" in row else "label")
        assert (one.model.critic_rate > 1) == ("fast" in row or row == "correlation for adversary")
        assert (one.model.correlation_weight > 0) == ("correlation" in row)


@pytest.mark.parametrize("profile", ["quick", "course", "paper"])
def test_no_draw_hides_an_emotion_from_the_single_task(profile):
    assert RECIPE.settings(profile, asp_mtl_ablation.VARIANTS["single task"]).model.discriminate == "label"
