"""Chapter 03 in training: who draws what, unlabelled utterances beside the folds, two tasks judged."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sercourse.corpora.noisy import Condition, in_noise
from sercourse.errors import UserError
from sercourse.losses.masked import MISSING
from sercourse.training.collect import _other_task
from sercourse.training.networks import TrainingConfig, load_or_train, train
from sercourse.training.predict import load_network, predict_files
from sercourse.training.protocols import make_protocol
from sercourse.training.recipes import recipe
from sercourse.training.recipes.asp_mtl import BANDS, FEATURES
from sercourse.training.runs import read_run

LITTLE = ("hidden=6", "head=6", "step=4", "threads=1", "accelerator=cpu", "epochs=2", "batch_size=16")
IDS = [f"c/{number}" for number in range(40)]


@pytest.fixture(scope="module")
def features() -> dict[str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    widths = dict(zip(FEATURES, (BANDS, 39, 3), strict=True))
    return {
        name: {i: np.abs(rng.normal(size=(20 + k, width))).astype(np.float32) for k, i in enumerate(IDS)}
        for name, width in widths.items()
    }


def examples(features, *changes: str, emotion=None, gender=None):
    """Frames of forty utterances; a label that is not given alternates."""
    chapter = recipe("asp_mtl")
    settings = chapter.settings("quick", ("step=1", *changes))
    both = {"emotion": ["anger", "neutral"], "gender": ["female", "male"]}
    table = pd.DataFrame(
        {task: given if given is not None else [names[k % 2] for k in range(len(IDS))]
         for (task, names), given in zip(both.items(), (emotion, gender), strict=True)}, index=IDS,
    )  # fmt: skip
    return chapter.examples(features, table, both, settings)


def test_each_draw_is_of_one_task_and_hides_the_others_label(features):
    frames = examples(features, "discriminate=task", "auxiliary_share=0.25")
    rng = np.random.default_rng(0)
    drawn = [frames.training_item(IDS[k % 40], rng) for k in range(2000)]
    tasks = np.array([item["task"] for item in drawn])
    assert tasks.mean() == pytest.approx(0.25, abs=0.03)
    for item in drawn:
        hidden, shown = ("gender", "emotion") if item["task"] == 0 else ("emotion", "gender")
        assert item[hidden] == MISSING
        assert item[shown] != MISSING


def test_who_lacks_a_label_is_drawn_by_the_other_task(features):
    emotion = [None if k < 20 else "anger" for k in range(40)]
    gender = [None if k >= 30 else "male" for k in range(40)]
    frames = examples(features, "discriminate=task", emotion=emotion, gender=gender)
    rng = np.random.default_rng(0)
    assert {frames.training_item(i, rng)["task"] for i in IDS[:20] * 5} == {1}
    assert {frames.training_item(i, rng)["task"] for i in IDS[20:30] * 5} == {0, 1}
    assert {frames.training_item(i, rng)["task"] for i in IDS[30:] * 5} == {0}


def test_where_labels_are_told_apart_an_item_brings_both(features):
    item = examples(features).training_item(IDS[3], np.random.default_rng(0))
    assert (item["emotion"], item["gender"], item["task"]) == (1, 1, MISSING)


def test_a_stretch_begins_anywhere_and_evaluation_takes_all(features):
    frames = examples(features, "max_frames=15")
    whole = frames.evaluation_items(IDS[9])[0]
    assert whole["frames"].shape == (29, 106)
    assert whole["length"] == 29
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(300):
        item = frames.training_item(IDS[9], rng)
        (first,) = np.flatnonzero((whole["frames"] == item["frames"][0]).all(1))
        assert np.array_equal(item["frames"], whole["frames"][first : first + 15])
        seen.add(int(first))
    assert seen == set(range(15))
    assert frames.length(IDS[9]) == 15


def test_the_energy_comes_in_decibels(features):
    frame = examples(features).evaluation_items(IDS[0])[0]["frames"]
    assert frame[:, -1] == pytest.approx(10 * np.log10(features["prosody"][IDS[0]][:, 2]), rel=1e-4)


@pytest.fixture(scope="module")
def noisy_corpus(little_corpus) -> pd.DataFrame:
    return in_noise(little_corpus, (Condition("none"), Condition("white", 0.0, 0.0)), workers=1, progress=False)


def test_both_tasks_are_judged_and_the_network_comes_back(noisy_corpus, threads_put_back):
    config = TrainingConfig("asp_mtl", "noisy", "kfold-2", changes=(*LITTLE, "auxiliary=noise", "mask=true"))
    run = train(config, table=noisy_corpus, progress=False, workers=1)
    judged = run.predictions
    assert set(judged["utterance_id"]) == set(noisy_corpus.index)
    assert (judged["noise"] == noisy_corpus.loc[judged["utterance_id"], "noise"].to_numpy()).all()
    share = 100 * (judged["noise"] == judged["predicted_noise"]).mean()
    assert run.summary["tasks"]["noise"]["wa"] == pytest.approx(share)
    assert run.summary["tasks"]["noise"]["n_test"] == len(noisy_corpus)
    assert {"validation_ua", "validation_ua_noise", "train_mask"} <= set(
        pd.read_csv(next(run.folder.glob("folds/*/curves.csv"))).columns
    )
    assert load_network(run.folder).classes["noise"] == ["none", "white"]
    files = list(noisy_corpus["path"][:2])
    told = predict_files(files, run.folder)
    assert told.filter(like="p_").sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-5)
    pd.testing.assert_frame_equal(read_run(run.folder).predictions, judged, check_dtype=False)
    again = load_or_train(config, table=noisy_corpus, progress=False, workers=1)
    assert again.summary["wa"] == run.summary["wa"]


def test_one_gender_alone_is_one_sentence(little_corpus, threads_put_back):
    config = TrainingConfig("asp_mtl", "little", "loso", changes=LITTLE)
    women = little_corpus[little_corpus["gender"] == "female"]
    with pytest.raises(UserError, match=r"gender: of the two or more classes.*shows only 'female'"):
        train(config, table=women, progress=False, workers=1)
    nobody = little_corpus.assign(gender=pd.Series(pd.NA, index=little_corpus.index, dtype="string"))
    with pytest.raises(UserError, match=r"gender: of the two or more classes.*shows none"):
        train(config, table=nobody, progress=False, workers=1)


@pytest.mark.parametrize(("known", "shown"), [((), "none"), (("little/1",), "only 'female'")])
def test_a_task_without_labels_in_one_fold_is_one_sentence(little_corpus, threads_put_back, known, shown):
    """The corpus shows both genders, but a fold that leaves little/0 out learns from too few of them."""
    config = TrainingConfig("asp_mtl", "little", "loso", changes=LITTLE)
    table = little_corpus.assign(gender=little_corpus["gender"].where(little_corpus["speaker"].isin(known)))
    own = table.index[table["speaker"] == "little/0"]
    table.loc[own, "gender"] = ["female", "male"] * (len(own) // 2)
    sentence = rf"gender: of the two or more classes .* the training side of a fold shows {shown}; correct the column"
    with pytest.raises(UserError, match=sentence):
        train(config, table=table, progress=False, workers=1)
    assert not list(config.folder.glob("folds/*")), "said before anything is trained"


def test_a_mask_needs_the_clean_version(little_corpus, threads_put_back):
    noisy_only = in_noise(
        little_corpus, (Condition("white", 0.0, 0.0), Condition("pink", 0.0, 0.0)), workers=1, progress=False
    )
    config = TrainingConfig("asp_mtl", "noisy", "kfold-2", changes=(*LITTLE, "auxiliary=noise", "mask=true"))
    with pytest.raises(UserError, match="has no clean version in the corpus; name it with the condition none"):
        train(config, table=noisy_only, progress=False, workers=1)


def test_a_missing_label_of_the_other_task_is_left_out_of_its_figures(little_corpus, threads_put_back):
    table = little_corpus.copy()
    table.loc[table.index[[2, 5]], "gender"] = pd.NA
    run = train(TrainingConfig("asp_mtl", "little", "kfold-2", changes=LITTLE), table=table, progress=False, workers=1)
    assert run.summary["n_test"] == 24
    assert run.summary["tasks"]["gender"]["n_test"] == 22


def test_another_tasks_class_that_a_fold_did_not_learn_is_not_judged():
    predictions = pd.DataFrame(
        {"utterance_id": list("abcd"), "repeat": 0, "fold": ["x", "x", "y", "y"],
         "noise": ["none", "rain", "none", pd.NA], "predicted_noise": ["none", "none", "rain", "none"]}
    )  # fmt: skip
    jobs = [(0, fold, SimpleNamespace(classes={"noise": ["none", "white"]})) for fold in ("x", "y")]
    assert _other_task(predictions, "noise", jobs) == {"wa": 50.0, "ua": 50.0, "n_test": 2}
    nothing = _other_task(predictions.assign(noise="rain"), "noise", jobs)
    assert nothing == {"wa": None, "ua": None, "n_test": 0}


def test_one_fold_alone_is_trained_and_told(little_corpus, threads_put_back):
    config = TrainingConfig("asp_mtl", "little", "kfold-3", changes=LITTLE, fold=1)
    run = train(config, table=little_corpus, progress=False, workers=1)
    (fold,) = run.protocol["repeats"][0]["folds"]
    assert sorted(run.predictions["utterance_id"]) == sorted(fold["test"])
    assert run.summary["protocol_line"].startswith("kfold-3 (seed 0): 1 fold, 8 utterances tested")
    assert load_network(run.folder, 1).classes["gender"] == ["female", "male"]
    with pytest.raises(UserError, match="fold 3: kfold-3 has the folds 0 to 2 here"):
        train(replace(config, fold=3), table=little_corpus, progress=False, workers=1)


def test_a_mask_needs_conditions_by_name_and_whole_utterances(little_corpus, noisy_corpus, threads_put_back):
    own = little_corpus.assign(noise=["none", "street"] * 12)
    config = TrainingConfig("asp_mtl", "own", "kfold-2", changes=(*LITTLE, "auxiliary=noise", "mask=true"))
    with pytest.raises(UserError, match=r"mask=true: needs clean versions.*emodb\+none\+white@0"):
        train(config, table=own, progress=False, workers=1)
    with pytest.raises(UserError, match="cannot be learnt from crops"):
        train(replace(config, unit="crop"), table=noisy_corpus, progress=False, workers=1)


@pytest.mark.parametrize("protocol", ["loso", "kfold-3"])
def test_unlabelled_utterances_beside_a_fold(little_corpus, protocol):
    """They join where they share no speaker (loso), or no recording (kfold), with validation and test."""
    table = little_corpus.copy()
    table.loc[table.index[::4], "emotion"] = pd.NA  # all of speaker little/0
    table.loc[table.index[1], "emotion"] = pd.NA  # one of little/1
    if protocol != "loso":
        table.loc[table.index[1], "recording"] = table["recording"].iloc[2]
    made = make_protocol(protocol, table)
    for fold in made.folds:
        beside = made.beside(fold, table)
        assert table.loc[list(beside), "emotion"].isna().all()
        judged = table.loc[[*fold.validation, *fold.test]]
        guard = "speaker" if protocol == "loso" else "recording"
        assert not set(table.loc[list(beside), guard]) & set(judged[guard])
        assert set(table.index[::4]) <= set(beside)
    with_one = [table.index[1] in made.beside(fold, table) for fold in made.folds]
    assert any(with_one)
    assert not all(with_one)


def test_unlabelled_utterances_are_trained_on_where_asked(little_corpus, threads_put_back):
    """One file that cannot be read is skipped, as elsewhere."""
    table = pd.concat([little_corpus.rename(lambda i, k=k: f"{i}-{k}") for k in range(5)]).sort_index()
    table["recording"] = table.index
    table = table.head(101)
    table.loc[table.index[:24], "emotion"] = pd.NA
    table.loc[table.index[-1], "path"] = "nowhere.wav"
    config = TrainingConfig("asp_mtl", "little", "kfold-2", changes=(*LITTLE, "unlabelled=true"))
    with pytest.warns(UserWarning, match="1 of 101"):
        run = train(config, table=table, progress=False, workers=1)
    assert set(run.predictions["utterance_id"]) == set(table.index[24:-1])
    assert run.summary["tasks"]["gender"]["n_test"] == run.summary["n_test"] == 76
    without = replace(config, changes=config.changes[:-1])
    other = train(without, table=table.iloc[:-1], progress=False, workers=1)
    assert not np.allclose(run.predictions.filter(like="p_"), other.predictions.filter(like="p_"), atol=1e-6)


def test_gradnorm_is_refused_before_anything_is_computed():
    with pytest.raises(UserError, match="no layer that all its losses share"):
        recipe("asp_mtl").settings("quick", ("balancer=gradnorm",))
