"""Each method wins where it must: on data made for it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sercourse.features.equalisation import Equaliser, functionals, pitch_and_mfcc, pooled
from sercourse.training.comparators import (
    COMPARATORS,
    Side,
    aligned_covariances,
    common_subspace,
    compared,
    sparse_representation,
    support_vectors,
)
from sercourse.training.protocols import Fold, Protocol


def accuracy(method, train: Side, test: Side) -> float:
    return float((method(train, test) == test.emotion).mean())


def halves(x: np.ndarray, domain: np.ndarray, emotion: np.ndarray) -> tuple[Side, Side]:
    return Side(x[::2], domain[::2], emotion[::2]), Side(x[1::2], domain[1::2], emotion[1::2])


def labels(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.where(rng.random(n) < 0.5, "men", "women"), np.where(rng.random(n) < 0.5, "anger", "sadness")


def test_coral_wins_on_a_pure_covariance_shift():
    """A loud axis that tells nothing is mixed into the emotion's, with one sign for women and the other for men."""
    rng = np.random.default_rng(0)
    domain, emotion = labels(rng, 800)
    x = rng.normal(size=(800, 6)) * [1, 4, 1, 1, 1, 1]
    x[:, 0] += np.where(emotion == "anger", 2.5, -2.5)
    for gender, sign in (("women", 1), ("men", -1)):
        mixing = np.eye(6)
        mixing[0, 1] = mixing[1, 0] = 0.5 * sign
        x[domain == gender] = x[domain == gender] @ mixing
    train, test = halves(x, domain, emotion)
    assert accuracy(aligned_covariances, train, test) > 0.93 > accuracy(support_vectors, train, test) + 0.05


def test_with_one_domain_coral_is_the_plain_machine():
    """Nothing is aligned, and no second scaler blows up what the first components leave."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(200, 20)) @ rng.normal(size=(20, 20)) + rng.normal(size=20)
    emotion = np.where(x[:, 0] + 2 * rng.normal(size=200) > 0, "anger", "sadness")
    train, test = halves(x, np.full(200, "one"), emotion)
    assert (aligned_covariances(train, test) == support_vectors(train, test)).mean() > 0.98


def test_the_subspace_wins_where_domains_differ_in_one_part():
    """Non-negative parts; one of them is always on for women and hides a part that tells the emotion."""
    rng = np.random.default_rng(1)
    domain, emotion = labels(rng, 600)
    parts = np.eye(8, 24) + 0.02
    activity = rng.uniform(0, 0.3, size=(600, 8))
    activity[:, 0] += np.where(emotion == "anger", 1.0, 0.0) + np.where(domain == "women", 1.0, 0.0)
    train, test = halves(activity @ parts, domain, emotion)
    assert accuracy(common_subspace, train, test) > 0.97 > accuracy(support_vectors, train, test) + 0.05


def test_sparse_representation_wins_where_an_emotion_is_many_small_subspaces():
    """An utterance is a multiple, of either sign, of one of six prototypes: no hyperplane divides them."""
    rng = np.random.default_rng(2)
    prototypes = rng.normal(size=(6, 40))
    which, size = rng.integers(0, 6, 600), rng.uniform(0.5, 2, 600) * rng.choice([-1, 1], 600)
    x = size[:, None] * prototypes[which] + 0.1 * rng.normal(size=(600, 40))
    emotion = np.where(which < 3, "anger", "sadness")
    train, test = halves(x, np.full(600, "one"), emotion)
    assert accuracy(sparse_representation, train, test) > 0.97 > accuracy(support_vectors, train, test) + 0.2


def test_equalisation_undoes_a_monotone_distortion():
    rng = np.random.default_rng(3)
    clean = rng.normal(size=(4000, 3))
    noisy = np.exp(0.5 * clean) + 2  # keeps ranks
    equal = Equaliser(pooled([clean[:2000], noisy[2000:]], ["none", "white"]), "none")
    assert np.abs(equal(noisy[:500], "white") - clean[:500]).mean() < 0.1
    assert np.abs(equal(clean[:500], "none") - clean[:500]).max() < 0.2, "the reference is left alone"
    assert equal(noisy, "never heard") is noisy
    apart = np.abs(functionals(noisy) - functionals(clean)).max()
    assert np.abs(functionals(equal(noisy, "white")) - functionals(clean)).max() < 0.1 < apart
    with pytest.raises(ValueError, match="reference=pink: not among the conditions none, white"):
        Equaliser({"none": clean, "white": noisy}, "pink")


def test_pitch_is_held_where_the_voice_rests():
    prosody = np.array([[0.0, 0, 0], [100, 0, 0], [0, 0, 0], [200, 0, 0], [0, 0, 0]])
    frames = pitch_and_mfcc(prosody, np.ones((6, 39)))
    assert frames[:, 0].tolist() == [100, 100, 150, 200, 200]
    assert frames.shape == (5, 40)
    assert not pitch_and_mfcc(np.zeros((4, 3)), np.ones((4, 39)))[:, 0].any(), "no voice at all"
    assert functionals(frames).shape == (7 * 40,)


@pytest.mark.parametrize("method", COMPARATORS.values(), ids=COMPARATORS.keys())
def test_emotions_of_the_test_side_are_not_looked_at_and_a_domain_may_be_missing(method):
    rng = np.random.default_rng(4)
    domain, emotion = labels(rng, 60)
    train, test = halves(np.abs(rng.normal(size=(60, 5))), domain, emotion)
    blind = Side(test.x, test.domain, np.full(len(test.x), "?"))
    assert (method(train, test) == method(train, blind)).all()
    assert len(method(train, Side(test.x, np.full(len(test.x), "elsewhere"), test.emotion))) == len(test.x)


def test_compared_fits_features_on_the_development_side_alone():
    ids = [f"u{k}" for k in range(8)]
    table = pd.DataFrame({"emotion": ["anger", "sadness"] * 4, "speaker": "s", "gender": None}, index=ids)
    frame = pd.DataFrame(np.arange(16.0).reshape(8, 2), index=ids)
    folds = (
        Fold("a", tuple(ids[:4]), tuple(ids[4:6]), tuple(ids[6:])),
        Fold("b", tuple(ids[4:]), tuple(ids[2:4]), tuple(ids[:2])),
    )
    protocol = Protocol("two", "utterance", 0, folds)
    seen = []

    def features(development):
        seen.append(development)
        return frame

    told = compared(support_vectors, features, table["gender"], table, protocol)
    assert seen == [fold.development for fold in folds]
    assert told["utterance_id"].tolist() == ids[6:] + ids[:2]
    assert set(told["predicted"]) <= {"anger", "sadness"}
