"""Chapter 06 in training: languages that are taught, emotions dealt out anew, from a table to a run and back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sercourse.errors import UserError
from sercourse.features.extract import extract
from sercourse.training.checkpoints import load_checkpoint
from sercourse.training.fit import RESULT
from sercourse.training.networks import TrainingConfig, train
from sercourse.training.predict import load_network, predict_files
from sercourse.training.recipes.msfl import RECIPE, dealt_out_anew
from sercourse.training.runs import read_run
from sercourse.training.settings import PROFILES

pytestmark = pytest.mark.usefixtures("threads_put_back")

LITTLE = ("threads=1", "accelerator=cpu", "epochs=3", "batch_size=8", "hidden=6", "attention=4", "functionals=is09")


@pytest.fixture(scope="module")
def corpus(little_corpus) -> pd.DataFrame:
    """Two languages, each of two speakers."""
    return little_corpus.assign(language=["de", "de", "en", "en"] * (len(little_corpus) // 4)).astype(
        {"language": "string"}
    )


def run(table, root, monkeypatch, *changes: str, protocol: str = "kfold-2"):
    monkeypatch.setenv("SERCOURSE_RUNS", str(root))
    config = TrainingConfig("msfl", "little", protocol, changes=(*LITTLE, *changes))
    return train(config, table=table, workers=1, progress=False)


def sides(found, fold: int = 0) -> dict:
    return load_checkpoint(found.folder / "folds" / f"0-{fold:02d}-0" / RESULT)[1]


@pytest.mark.parametrize(
    "changes", [(), ("form=mimo", "balancer=gradnorm"), ("adversary=1",), ("language_weight=0", "core=mingru")]
)
def test_from_a_table_to_a_run_and_back(corpus, tmp_path, monkeypatch, changes):
    found = run(corpus, tmp_path, monkeypatch, *changes)
    summary = read_run(found.folder).summary
    assert summary["n_test"] == len(corpus)
    assert ("language" in summary["tasks"]) == ("language_weight=0" not in changes)
    network = load_network(found.folder)
    assert network.scale.mean.shape == (384,)
    assert network.scale.spread.min() > 0
    told = predict_files([corpus["path"].iloc[0]], found.folder)
    assert told.filter(like="p_").sum(axis=1).item() == pytest.approx(1.0, abs=1e-5)
    curves = sides(found)["curves"]
    assert summary["shared_layer"] == ("attention.hidden.weight" if "balancer=gradnorm" in changes else None)
    if "balancer=gradnorm" in changes:
        weights = [row[f"weight_{name}"] for row in curves[-1:] for name in network.tasks]
        assert sum(weights) == pytest.approx(3.0, rel=1e-5)
        assert weights != [curves[0][f"weight_{name}"] for name in network.tasks]


def test_only_the_languages_asked_for_are_taught_and_all_are_tested(corpus, tmp_path, monkeypatch):
    found = run(corpus, tmp_path, monkeypatch, "languages=de", "language_weight=0", "select=last")
    languages = corpus["language"]
    about = sides(found)
    assert set(languages[about["validation"]]) <= {"de"}
    fold = found.protocol["repeats"][0]["folds"][0]
    heard = [i for i in fold["train"] if languages[i] == "de"]
    assert 0 < len(heard) < len(fold["train"])
    assert set(languages[about["test"]]) == {"de", "en"}
    scale = load_network(found.folder).scale.mean.numpy()
    both = load_network(run(corpus, tmp_path, monkeypatch, "language_weight=0").folder).scale.mean.numpy()
    assert not np.allclose(scale, both)
    features = extract(corpus, "is09", progress=False)
    assert np.allclose(scale, np.mean([features[i] for i in heard], axis=0), rtol=1e-4, atol=1e-4), "of what is taught"


def test_where_no_validation_is_left_in_them_it_is_said(corpus, tmp_path, monkeypatch):
    with pytest.raises(UserError, match="no validation utterance has usable audio and one of the languages asked for"):
        run(corpus, tmp_path, monkeypatch, "languages=de", "language_weight=0")


def test_a_language_that_nobody_speaks_is_said(corpus, tmp_path, monkeypatch):
    with pytest.raises(
        UserError,
        match="languages=de,fr: a fold has nothing to learn from in one of these languages; the corpus has de, en",
    ):
        run(corpus, tmp_path, monkeypatch, "languages=de,fr", "language_weight=0")


def test_one_language_alone_cannot_be_told_apart(corpus, tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"language: of the two or more classes .* only 'de'"):
        run(corpus, tmp_path, monkeypatch, "languages=de")


def test_a_language_with_one_emotion_is_noticed(corpus, tmp_path, monkeypatch):
    table = corpus[(corpus["language"] == "de") | (corpus["emotion"] == "anger")]
    notices = read_run(run(table, tmp_path, monkeypatch, protocol="holdout-20").folder).summary["notices"]
    assert any("All utterances in 'en' show one emotion" in one for one in notices)
    assert not any("'de'" in one for one in notices)


def test_dealing_out_keeps_how_many_there_are_of_each(corpus):
    for task in ("emotion", "language"):
        dealt = dealt_out_anew(corpus[task], 1)
        assert (dealt.loc[corpus.index] != corpus[task]).mean() > 0.2
        assert dealt.equals(dealt_out_anew(corpus.sample(frac=1, random_state=1)[task], 1))
        assert not dealt.equals(dealt_out_anew(corpus[task], 2))
        assert sorted(dealt) == sorted(corpus[task])


def test_with_random_labels_no_epoch_is_chosen():
    """Validation has the true labels."""
    assert RECIPE.settings("quick").loop.select == "ua"
    assert RECIPE.settings("quick", ("random_labels=true",)).loop.select == "last"


def test_random_labels_teach_but_do_not_judge(corpus, tmp_path, monkeypatch):
    """Each network learns a shuffle of its own; what it is judged by stays as it was."""
    seen = {}
    whole = type(RECIPE).examples

    def examples(self, features, table, classes, settings):
        found = whole(self, features, table, classes, settings)
        for task, names in classes.items():
            taught = [names[found.training_item(i, None)[task]] for i in corpus.index]
            seen.setdefault(task, []).append(taught)
        return found

    monkeypatch.setattr(type(RECIPE), "examples", examples)
    found = run(corpus, tmp_path, monkeypatch, "random_labels=true")
    for task in ("emotion", "language"):
        first, second = seen[task]
        assert sorted(first) == sorted(second) == sorted(corpus[task])
        assert len({tuple(first), tuple(second), tuple(corpus[task])}) == 3
    assert found.predictions.set_index("utterance_id")["emotion"].to_dict() == corpus["emotion"].to_dict()


def test_an_epoch_cannot_be_chosen_by_a_loss_that_is_not_there():
    with pytest.raises(UserError, match="select=loss: with form=mimo the emotion has a loss per language"):
        RECIPE.settings("quick", ("form=mimo", "select=loss"))


def test_profiles_are_whole():
    assert set(RECIPE.profiles) == set(RECIPE.seconds) == set(PROFILES)
    for settings in RECIPE.profiles.values():
        assert settings.from_json(settings.to_json()) == settings
    assert RECIPE.profiles["paper"].model.tokens == 0, "bare numbers, as the paper has it"
