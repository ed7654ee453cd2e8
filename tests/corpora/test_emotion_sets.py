"""Emotion sets by name: they restrict, they compose with commas and noise, and a path with an = is no set."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from sercourse import corpora
from sercourse.corpora.emotion_sets import EMOTION_SETS, in_set, parse, restrict
from sercourse.corpora.noisy import in_conditions
from sercourse.corpora.table import EMOTIONS, make_table
from sercourse.errors import CorpusError
from sercourse.training.baseline import BaselineConfig

INCOMPLETE = pytest.mark.filterwarnings("ignore:.* utterances are there")

TESS = [f"tess/OAF_back_{code}.wav" for code in ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")]
RAVDESS = [f"ravdess/03-01-0{code}-01-01-01-12.wav" for code in range(1, 9)]


@pytest.fixture
def data(tree, own_folders, monkeypatch) -> Path:
    """SERCOURSE_DATA with one file of every emotion of TESS and of RAVDESS, which has calm too."""
    root = tree(*TESS, *RAVDESS, folder="data", seconds=0.3)
    monkeypatch.setenv("SERCOURSE_DATA", str(root))
    return root


def test_the_sets_are_of_the_one_vocabulary():
    for emotions in EMOTION_SETS.values():
        assert set(emotions) < set(EMOTIONS)
        assert list(emotions) == sorted(set(emotions))
    assert set(EMOTION_SETS["four"]) < set(EMOTION_SETS["seven"])
    assert {name: len(emotions) for name, emotions in EMOTION_SETS.items()} == {"four": 4, "seven": 7}


def test_seven_is_what_two_of_the_three_corpora_share():
    shown = [set(corpora.card(name).emotions) for name in ("emodb", "ravdess", "nemo")]
    for emotion in EMOTIONS:
        assert (emotion in EMOTION_SETS["seven"]) == (sum(emotion in one for one in shown) >= 2), emotion
    assert set(EMOTION_SETS["four"]) <= set.intersection(*shown)


@pytest.mark.parametrize(
    ("name", "base"),
    [("emodb=four", "emodb"), ("csv:my.csv=seven", "csv:my.csv"), ("csv:a=b/my.csv=four", "csv:a=b/my.csv")],
)
def test_names_are_read(name, base):
    assert parse(name) == (base, EMOTION_SETS[name.rpartition("=")[2]])


@pytest.mark.parametrize("name", ["emodb", "csv:/a=b/my.csv", "csv:/a/b=c.csv", "=four"])
def test_a_name_without_a_set_is_left_to_others(name):
    assert parse(name) is None


@INCOMPLETE
def test_a_set_restricts_and_composes(data):
    four = corpora.load("tess=four")
    assert sorted(four["emotion"]) == list(EMOTION_SETS["four"])
    assert four.equals(corpora.load("tess").loc[four.index])
    assert sorted(corpora.load("ravdess=seven")["emotion"]) == list(EMOTION_SETS["seven"])
    both = corpora.load(in_set("tess, ravdess", "four"))
    assert both["emotion"].value_counts().to_dict() == dict.fromkeys(EMOTION_SETS["four"], 2)
    assert both.groupby("language")["speaker"].nunique().sum() == 2 == both["speaker"].nunique()


@INCOMPLETE
def test_noise_comes_behind_the_set(data):
    noisy = corpora.load(in_conditions(in_set("tess,ravdess", "four"), "+none+white@0"))
    assert noisy.groupby("noise")["emotion"].value_counts().to_list() == [2] * 8
    assert set(noisy["clean"]) == set(corpora.load("tess=four,ravdess=four").index)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("emodb=for", r"no set of emotions 'for'; choose among four, seven\. Did you mean four\?"),
        ("emodb=Seven", r"Did you mean seven\?"),
        ("emodb=", "no set of emotions ''"),
        ("emodb=six+white@0", r"emodb=six: there is no set of emotions 'six'"),
        ("emodbb=four", r"no corpus 'emodbb'.* Did you mean emodb\?"),
        ("csv:/no/such=place/my.csv", "no such file"),
        ("csv:/no/such=place/my.csv=four", "my.csv: no such file"),
    ],
)
def test_a_wrong_name_is_one_sentence(name, sentence):
    with pytest.raises(CorpusError, match=sentence):
        corpora.load(name)


def test_an_equals_sign_in_the_path_of_a_file_is_no_set(my_csv, tmp_path):
    folder = tmp_path / "a=four"
    folder.mkdir()
    for file in tmp_path.glob("*.*"):
        shutil.copy(file, folder)
    everything = corpora.load(my_csv)
    shutil.copy(folder / "my.csv", folder / "x=four")
    for name in (f"csv:{folder / 'my.csv'}", f"csv:{folder / 'x=four'}"):
        table = pd.read_csv(name.removeprefix("csv:"))
        table["emotion"] = ["boredom", "sadness"] * 20
        table.to_csv(name.removeprefix("csv:"), index=False)
        assert sorted(corpora.load(name)["emotion"].unique()) == ["boredom", "sadness"]
        assert len(corpora.load(name)) == len(everything)
    with pytest.raises(CorpusError, match=r"a=four/my\.csv=four: of anger, .* shows sadness, and two are needed"):
        corpora.load(f"csv:{folder / 'my.csv'}=four")


def test_unlabelled_utterances_are_dropped_and_one_emotion_is_too_few():
    emotions = ["anger", "calm", None, "sadness", "anger"]
    table = make_table([{"utterance_id": f"t/{k}", "path": "x", "emotion": e} for k, e in enumerate(emotions)], "t")
    assert list(restrict(table, EMOTION_SETS["four"], "t=four").index) == ["t/0", "t/3", "t/4"]
    with pytest.raises(CorpusError, match="t=four: of anger, happiness, neutral, sadness the corpus shows none"):
        restrict(table.loc[["t/1", "t/2"]], EMOTION_SETS["four"], "t=four")


def test_a_baseline_on_a_set_has_a_folder_of_its_own(my_csv, own_folders, sercourse):
    names = {BaselineConfig(corpus).name for corpus in (my_csv, f"{my_csv}=four", f"{my_csv}=seven", "emodb=four")}
    assert len(names) == 4
    out = own_folders / "out.json"
    code, _, err = sercourse(
        "baseline", "--corpus", f"{my_csv}=four", "--features", "egemaps", "--protocol", "group-2", "--json", out
    )
    assert (code, err) == (0, "")
    assert (own_folders / "runs" / json.loads(out.read_text())["run"] / "summary.json").is_file()


@pytest.mark.realdata
def test_a_baseline_on_four_emotions_of_emodb(emodb, monkeypatch, tmp_path, sercourse):
    monkeypatch.setenv("SERCOURSE_RUNS", str(tmp_path))
    options = (
        "--corpus",
        "emodb=four",
        "--features",
        "egemaps",
        "--protocol",
        "group-2",
        "--json",
        tmp_path / "x.json",
    )
    code, _, err = sercourse("baseline", "--corpus", "emodb=four", *options)
    assert (code, err) == (0, "")
    summary = json.loads((tmp_path / "x.json").read_text())
    assert summary["confusion"]["emotions"] == list(EMOTION_SETS["four"])
    assert summary["n_test"] == 127 + 71 + 79 + 62
    assert (tmp_path / "baseline-emodb=four-egemaps-linear-group-2-x1-seed0" / "summary.json").is_file()


@pytest.mark.parametrize("name", ["emodb", "emodb=four", "emodb+none+white@0", "emodb=four+none+telephone"])
def test_the_corpus_behind_a_name(name):
    assert corpora.base_name(name) == "emodb"
