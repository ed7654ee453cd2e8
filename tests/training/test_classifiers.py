"""The baseline's honesty: nothing of a test utterance reaches the fit, and shuffled labels give chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from sercourse.corpora.table import make_table
from sercourse.errors import UserError
from sercourse.evaluation.metrics import ua
from sercourse.training.baseline import predict_all
from sercourse.training.classifiers import CLASSIFIERS, cross_validate, normalise_per_speaker, shuffled
from sercourse.training.protocols import make_protocol

EMOTIONS = ("anger", "fear", "neutral", "sadness")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Eight speakers, four emotions, ten utterances of each."""
    rows = [
        {
            "utterance_id": f"toy/{speaker}-{emotion}-{k}",
            "path": "none.wav",
            "emotion": emotion,
            "speaker": f"toy/{speaker}",
            "gender": "female" if speaker % 2 else "male",
        }
        for speaker in range(8)
        for emotion in EMOTIONS
        for k in range(10)
    ]
    return make_table(rows, "toy")


@pytest.fixture(scope="module")
def features(table) -> pd.DataFrame:
    """Emotion, speaker and noise, 20 numbers per utterance; the emotion can be learnt across speakers."""
    rng = np.random.default_rng(0)
    centres = {emotion: rng.normal(size=20) for emotion in EMOTIONS}
    offsets = {speaker: rng.normal(size=20) for speaker in table["speaker"].unique()}
    rows = [
        centres[e] + offsets[s] + rng.normal(size=20) for e, s in zip(table["emotion"], table["speaker"], strict=True)
    ]
    return pd.DataFrame(np.array(rows), index=table.index)


@pytest.mark.parametrize("protocol", ["loso", "group-4", "kfold-5"])
def test_what_can_be_learnt_is_learnt_and_tested_once(table, features, protocol):
    predictions = cross_validate(features, table["emotion"], make_protocol(protocol, table))
    assert sorted(predictions["utterance_id"]) == list(table.index)
    assert list(predictions["emotion"]) == list(table["emotion"].loc[predictions["utterance_id"]])
    assert ua(predictions["emotion"], predictions["predicted"]) > 60
    probabilities = predictions[[f"p_{emotion}" for emotion in EMOTIONS]].to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert probabilities.min() >= 0


@pytest.mark.parametrize("protocol", ["loso", "kfold-5"])
def test_shuffled_labels_give_chance(table, features, protocol):
    """Chance is 25 %; with 320 utterances the mean of three shufflings stays within 7 points of it."""
    reached = []
    for seed in range(3):
        labels = shuffled(table["emotion"], seed)
        plan = make_protocol(protocol, table.assign(emotion=labels), seed=seed)
        predictions = cross_validate(features, labels, plan)
        reached.append(ua(predictions["emotion"], predictions["predicted"]))
    assert np.mean(reached) == pytest.approx(25, abs=7)


def test_scaler_sees_no_test_utterance(table, features, monkeypatch):
    seen: list[int] = []
    original = StandardScaler.fit

    def fit(self, x, *arguments, **options):
        seen.append(len(x))
        assert np.abs(x).max() < 1e6, "a test utterance reached the scaler"
        return original(self, x, *arguments, **options)

    monkeypatch.setattr(StandardScaler, "fit", fit)
    protocol = make_protocol("loso", table)
    for fold in protocol.folds:
        marked = features.copy()
        marked.loc[list(fold.test)] = 1e9  # would give itself away
        one = type(protocol)(protocol.name, protocol.unit, protocol.seed, (fold,))
        cross_validate(marked, table["emotion"], one)
    assert seen, "the scaler was never fitted"


def test_changing_a_test_utterance_changes_no_other_prediction(table, features):
    protocol = make_protocol("loso", table)
    before = cross_validate(features, table["emotion"], protocol).set_index("utterance_id")
    victim = protocol.folds[0].test[0]
    changed = features.copy()
    changed.loc[victim] += 100
    first_fold = type(protocol)(protocol.name, protocol.unit, protocol.seed, protocol.folds[:1])
    after = cross_validate(changed, table["emotion"], first_fold).set_index("utterance_id")
    others = after.index.drop(victim)
    assert (after.loc[others, "predicted"] == before.loc[others, "predicted"]).all()


def test_majority_is_chance(table, features):
    predictions = cross_validate(features, table["emotion"], make_protocol("loso", table), "majority")
    assert ua(predictions["emotion"], predictions["predicted"]) == pytest.approx(25)
    assert not [c for c in predictions.columns if c.startswith("p_")]


def test_two_classes_have_two_probabilities(table, features):
    two = table[table["emotion"].isin(["anger", "sadness"])]
    predictions = cross_validate(features.loc[two.index], two["emotion"], make_protocol("loso", two))
    named = np.where(predictions["p_anger"] > 0.5, "anger", "sadness")
    assert (named == predictions["predicted"]).all()


def test_skipped_utterances_are_left_out(table, features):
    fewer = features.iloc[5:]
    predictions = cross_validate(fewer, table["emotion"], make_protocol("loso", table))
    assert sorted(predictions["utterance_id"]) == list(fewer.index)


def test_unknown_classifier(table, features):
    with pytest.raises(UserError, match=r"--classifier forest.*linear, rbf, polynomial, majority"):
        cross_validate(features, table["emotion"], make_protocol("loso", table), "forest")
    assert set(CLASSIFIERS) == {"linear", "rbf", "polynomial", "majority"}


def test_nothing_left_to_test(table, features):
    with pytest.raises(UserError, match="no test utterance has features"):
        cross_validate(features.iloc[:0], table["emotion"], make_protocol("loso", table))


def test_per_speaker_normalisation_warns_and_normalises(table, features):
    with pytest.warns(UserWarning, match="test speaker"):
        normalised = normalise_per_speaker(features.assign(constant=1.0), table["speaker"])
    for _, rows in normalised.drop(columns="constant").groupby(table["speaker"]):
        np.testing.assert_allclose(rows.mean(), 0, atol=1e-9)
        np.testing.assert_allclose(rows.std(ddof=0), 1, atol=1e-9)
    assert (normalised["constant"] == 0).all()


def test_per_speaker_normalisation_needs_every_speaker(table, features):
    speakers = table["speaker"].copy()
    speakers.iloc[3] = pd.NA
    with pytest.raises(UserError, match=rf"--speaker-norm: '{table.index[3]}' has no speaker"):
        normalise_per_speaker(features, speakers)


@pytest.mark.parametrize(("protocol", "fits"), [("loso", 16), ("kfold-5", 20)])
def test_a_fold_that_another_draw_has_tested_is_not_fitted_again(table, features, monkeypatch, protocol, fits):
    counted: list[int] = []
    original = StandardScaler.fit
    monkeypatch.setattr(StandardScaler, "fit", lambda self, x, *a, **k: counted.append(1) or original(self, x, *a, **k))
    draws = [make_protocol(protocol, table, seed=seed) for seed in range(2)]
    together = predict_all(features, table, draws, "linear")
    assert len(counted) == fits
    for repeat, draw in enumerate(draws):
        alone = cross_validate(features, table["emotion"], draw)
        part, columns = together[together["repeat"] == repeat], ["utterance_id", "fold", "predicted"]
        assert part[columns].to_numpy().tolist() == alone[columns].to_numpy().tolist()


def test_the_kernel_as_a_function_is_libsvms_own(features, table):
    ours, own = CLASSIFIERS["linear"](), CLASSIFIERS["linear"]().set_params(svc__kernel="linear")
    values = [model.fit(features, table["emotion"]).decision_function(features + 0.1) for model in (ours, own)]
    np.testing.assert_allclose(*values, rtol=0, atol=1e-10)
