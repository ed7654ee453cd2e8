"""The peer of chapter 04 in training: which frames an item has, and whose statistics scale them.

Runs, from a table to a folder and back, are tested with the other peers (``test_peer_recipes.py``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from sercourse.errors import UserError
from sercourse.losses.masked import MISSING
from sercourse.training.batches import BucketBatches, EvaluationSet, loader
from sercourse.training.recipes import recipe
from sercourse.training.settings import PROFILES

BANDS = 6
IDS = [f"c/{number}" for number in range(8)]
CLASSES = {"emotion": ["anger", "neutral"], "gender": ["female", "male"]}
CHAPTER = recipe("attention_cnn")


@pytest.fixture(scope="module")
def features() -> dict[str, dict[str, np.ndarray]]:
    """Spectrograms of 20 to 27 frames in dB, each utterance louder than the one before; the last band is silent."""
    rng = np.random.default_rng(0)
    maps = {i: (10 * k + 8 * rng.normal(size=(20 + k, BANDS)) - 60).astype(np.float32) for k, i in enumerate(IDS)}
    for spectrogram in maps.values():
        spectrogram[:, -1] = -100.0
    return {"logmel": maps}


def examples(features, *changes: str):
    table = pd.DataFrame({"emotion": ["anger", "neutral", None, "fear"] * 2, "gender": ["female", None] * 4}, index=IDS)
    return CHAPTER.examples(features, table, CLASSES, CHAPTER.settings("quick", changes))


def test_a_stretch_begins_anywhere_and_evaluation_takes_all(features):
    spectrograms = examples(features, "step=2", "max_frames=7")
    (whole,) = spectrograms.evaluation_items(IDS[5])
    assert np.array_equal(whole["frames"], features["logmel"][IDS[5]][::2])
    assert whole["length"] == len(whole["frames"]) == 13
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(200):
        item = spectrograms.training_item(IDS[5], rng)
        (first,) = np.flatnonzero((whole["frames"] == item["frames"][0]).all(1))
        assert np.array_equal(item["frames"], whole["frames"][first : first + 7])
        assert item["length"] == spectrograms.length(IDS[5]) == 7
        seen.add(int(first))
    assert seen == set(range(7))
    assert whole["length"] == 13, "what is kept is not cut"


def test_a_short_utterance_is_taken_whole(features):
    spectrograms = examples(features, "step=1", "max_frames=100")
    item = spectrograms.training_item(IDS[0], np.random.default_rng(0))
    assert np.array_equal(item["frames"], features["logmel"][IDS[0]])
    assert item["length"] == spectrograms.length(IDS[0]) == 20


def test_an_item_has_the_labels_that_there_are(features):
    spectrograms = examples(features)
    labels = [{task: spectrograms.evaluation_items(i)[0][task] for task in CLASSES} for i in IDS[:4]]
    assert [told["emotion"] for told in labels] == [0, 1, MISSING, MISSING], "fear is no class of the training side"
    assert [told["gender"] for told in labels] == [0, MISSING, 0, MISSING]
    untold = EvaluationSet(spectrograms, IDS, labelled=False)
    assert set(untold[0]) == {"frames", "length", "utterance"}
    (batch,) = loader(untold, BucketBatches([item["length"] for item in untold.items], 8, None), spectrograms.padded)
    assert batch["frames"].shape == (8, 14, BANDS)
    assert batch["length"].tolist() == [14, 13, 13, 12, 12, 11, 11, 10]


def test_the_scale_is_of_the_training_utterances_alone(features):
    model = CHAPTER.model(features, IDS[:3], CLASSES, CHAPTER.settings("quick"))
    frames = np.concatenate([features["logmel"][i] for i in IDS[:3]])
    torch.testing.assert_close(model.scale.mean.numpy(), frames.mean(0), atol=1e-3, rtol=0)
    torch.testing.assert_close(model.scale.spread.numpy()[:-1], frames.std(0)[:-1], atol=1e-3, rtol=0)
    assert model.scale.spread[-1] == 1, "a band without variation"


def test_an_empty_network_takes_stored_weights(features):
    settings = CHAPTER.settings("quick")
    model = CHAPTER.model(features, IDS, CLASSES, settings)
    again = CHAPTER.empty_model(CHAPTER.shape(model), settings)
    again.load_state_dict(model.state_dict())
    assert again.classes == CLASSES


def test_profiles_grow_and_the_papers_is_the_networks_default():
    settings = {profile: CHAPTER.settings(profile) for profile in PROFILES}
    assert settings["paper"].model == type(settings["paper"].model)()
    assert settings["paper"].data.step == 1
    models = [CHAPTER.empty_model({"inputs": 64, "classes": CLASSES}, settings[profile]) for profile in PROFILES]
    sizes = [sum(p.numel() for p in model.parameters()) for model in models]
    assert sizes == sorted(sizes)
    assert sizes[0] < 100_000 < 1_000_000 < sizes[-1]


def test_a_wrong_setting_is_one_sentence():
    for change, sentence in {
        "step=0": "--set step=0: must be 1 or more",
        "max_frames=0": "--set max_frames=0: must be 1 or more",
        "long=10": r"--set long=10: the value must be a list a,b",
        "pooled=9": "--set pooled=9: there are only 3 layers",
    }.items():
        with pytest.raises(UserError, match=sentence):
            CHAPTER.settings("quick", [change])
