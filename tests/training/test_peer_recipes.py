"""Peers of chapters 03 and 04 in training: vectors with labels, from a table to a run folder and back.

What an item of the peer that reads spectrograms is stands in ``test_attention_cnn_recipe.py``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from sercourse.errors import UserError
from sercourse.losses.masked import MISSING
from sercourse.training.batches import BucketBatches, EvaluationSet, loader
from sercourse.training.networks import TrainingConfig, load_or_train, train
from sercourse.training.predict import load_network, predict_files
from sercourse.training.recipes import recipe
from sercourse.training.recipes.vectors import VectorRecipe, vector_statistics
from sercourse.training.settings import CHAPTERS, PEERS, PROFILES

LITTLE = ("threads=1", "accelerator=cpu", "epochs=2", "batch_size=16")
IDS = [f"c/{number}" for number in range(6)]
VECTOR_PEERS = [peer for peer in PEERS if isinstance(recipe(peer), VectorRecipe)]
TAUGHT = {"attention_cnn": ("batch_size=4", "learning_rate=0.005")}
"""What a peer needs beyond the others' changes to learn from a dozen utterances in seconds."""

CLASSES = {"emotion": ["anger", "neutral"], "gender": ["female", "male"]}


@pytest.fixture(scope="module")
def features() -> dict[str, dict[str, np.ndarray]]:
    """Two sets of functionals, one value of them constant, and one with frames."""
    rng = np.random.default_rng(0)
    widths = {"is10": (5,), "egemaps": (3,), "logmel": (9, 4)}
    maps = {name: {i: rng.normal(2, 3, size=width).astype(np.float32) for i in IDS} for name, width in widths.items()}
    for vector in maps["is10"].values():
        vector[1] = 0.1
    return maps


def material(features, peer: str, *changes: str):
    chapter = recipe(peer)
    settings = chapter.settings("quick", changes)
    table = pd.DataFrame({"emotion": ["anger", "neutral", None] * 2, "gender": ["female", None, "male"] * 2}, index=IDS)
    torch.manual_seed(0)
    return chapter.examples(features, table, CLASSES, settings), chapter.model(features, IDS, CLASSES, settings)


def test_peers_are_trained_like_chapters_and_are_none():
    assert not set(PEERS) & set(CHAPTERS)
    for peer in PEERS:
        chapter = recipe(peer)
        assert chapter.name == peer
        assert set(chapter.profiles) == set(chapter.seconds) == set(PROFILES)
        for settings in chapter.profiles.values():
            assert settings.from_json(settings.to_json()) == settings
            assert chapter.labels(settings) == ("emotion", "gender")
    with pytest.raises(UserError, match=r"choose one of .*shared_hidden, adversarial_autoencoder.*shared_hidden\?"):
        recipe("shared_hiden")


@pytest.mark.parametrize("peer", VECTOR_PEERS)
def test_an_item_is_a_vector_with_the_labels_that_there_are(features, peer):
    examples, network = material(features, peer, "functionals=is10,egemaps")
    item = examples.training_item(IDS[1], np.random.default_rng(0))
    assert item["functionals"].tolist() == [*features["is10"][IDS[1]], *features["egemaps"][IDS[1]]]
    assert (item["emotion"], item["gender"]) == (1, MISSING)
    assert examples.evaluation_items(IDS[2])[0]["emotion"] == MISSING
    untold = EvaluationSet(examples, IDS, labelled=False)
    assert set(untold[0]) == {"functionals", "utterance"}
    (batch,) = loader(untold, BucketBatches([1] * 6, 6, None), examples.padded)
    assert batch["functionals"].shape == (6, 8)
    scaled = network.scale(batch["functionals"])
    assert scaled.mean(0).numpy() == pytest.approx(0, abs=1e-5)
    assert scaled.std(0, correction=0).numpy() == pytest.approx([1, 0, *[1] * 6], abs=1e-5)


def test_statistics_are_of_the_utterances_that_are_named(features):
    mean, spread = vector_statistics(features, IDS[:3], ("is10",))
    vectors = np.stack([features["is10"][i] for i in IDS[:3]])
    assert mean.numpy() == pytest.approx(vectors.mean(0), abs=1e-6)
    assert spread.numpy() == pytest.approx([s if k != 1 else 0 for k, s in enumerate(vectors.std(0))], abs=1e-6)
    assert [len(part) for part in vector_statistics(features, IDS, ())] == [0, 0]


def test_functionals_of_unequal_length_are_refused_in_a_sentence():
    features = {"waveform": {i: np.zeros(100 + k, dtype=np.float32) for k, i in enumerate(IDS)}}
    with pytest.raises(UserError, match="--set functionals=waveform: its length differs"):
        vector_statistics(features, IDS, ("waveform",))


def test_a_wrong_setting_is_one_sentence(features):
    with pytest.raises(UserError, match="--set functionals: needs one or more feature sets, such as is10"):
        recipe("shared_hidden").settings("quick", ["functionals="])
    with pytest.raises(UserError, match="--set auxiliary=age: choose one of noise, gender"):
        recipe("adversarial_autoencoder").settings("quick", ["auxiliary=age"])
    with pytest.raises(UserError, match="functionals=logmel: has a value per frame"):
        material(features, "shared_hidden", "functionals=logmel")


@pytest.mark.parametrize("peer", PEERS)
def test_from_a_table_to_a_run_and_back(little_corpus, threads_put_back, peer):
    """A run is written, read again, judged for both tasks, and its networks take files."""
    changes = ("threads=1", "accelerator=cpu", "epochs=12", "batch_size=8", "dropout=0.1", *TAUGHT.get(peer, ()))
    config = TrainingConfig(peer, "little", "kfold-2", changes=changes)
    run = train(config, table=little_corpus, progress=False, workers=1)
    assert run.summary["features"] == ("is10" if peer in VECTOR_PEERS else "logmel")
    assert set(run.predictions["utterance_id"]) == set(little_corpus.index)
    assert run.summary["ua"] > 50, "three emotions, told by pitch and loudness; chance is 33"
    assert run.summary["tasks"]["gender"]["n_test"] == 24
    curves = pd.read_csv(next(run.folder.glob("folds/*/curves.csv")))
    network = load_network(run.folder)
    assert {f"train_{task}" for task in network.tasks} | {"validation_ua", "validation_ua_gender"} <= set(curves)
    assert network.config == config.settings.model
    files = list(little_corpus["path"][:3])
    told = predict_files(files, run.folder)
    assert told.filter(like="p_").sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-5)
    one = predict_files(files[1:2], run.folder)
    assert one.filter(like="p_").to_numpy()[0] == pytest.approx(told.filter(like="p_").to_numpy()[1], abs=1e-5)
    again = load_or_train(config, table=little_corpus, progress=False, workers=1)
    pd.testing.assert_frame_equal(again.predictions, run.predictions, check_dtype=False)


@pytest.mark.parametrize("peer", PEERS)
def test_unlabelled_utterances_are_trained_on_where_asked(little_corpus, threads_put_back, peer):
    table = little_corpus.copy()
    table.loc[table.index[::4], "emotion"] = pd.NA  # all of speaker little/0
    config = TrainingConfig(peer, "little", "kfold-2", changes=(*LITTLE, "unlabelled=true"))
    run = train(config, table=table, progress=False, workers=1)
    assert set(run.predictions["utterance_id"]) == set(table.index[table["emotion"].notna()])
    without = train(replace(config, changes=LITTLE), table=table, progress=False, workers=1)
    assert not np.allclose(run.predictions.filter(like="p_"), without.predictions.filter(like="p_"), atol=1e-6)
