"""Two systems side by side: joined by id, seeds averaged where folds are fixed, said in plain English."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from sercourse.errors import UserError
from sercourse.evaluation.comparison import compare
from sercourse.evaluation.metrics import ua, wa
from sercourse.evaluation.significance import corrected_ttest

EMOTIONS = np.array(["anger", "fear", "neutral", "sadness"])


def predictions(accuracy: float, seed: int = 0, speakers: int = 8, each: int = 40) -> pd.DataFrame:
    """Leave one speaker out; the truth is the same for every accuracy and seed."""
    rng = np.random.default_rng([seed, int(1000 * accuracy)])
    true = np.random.default_rng(99).choice(EMOTIONS, speakers * each)
    right = rng.random(len(true)) < accuracy
    wrong = EMOTIONS[(np.searchsorted(EMOTIONS, true) + 1) % 4]
    speaker = np.repeat([f"s{k}" for k in range(speakers)], each)
    return pd.DataFrame(
        {
            "utterance_id": [f"u{k:04d}" for k in range(len(true))],
            "emotion": true,
            "predicted": np.where(right, true, wrong),
            "fold": speaker,
            "speaker": speaker,
        }
    )


def fold_differences(a: pd.DataFrame, b: pd.DataFrame, measure=ua) -> np.ndarray:
    return np.array(
        [
            measure(t["emotion"], b.loc[t.index, "predicted"]) - measure(t["emotion"], t["predicted"])
            for _, t in a.groupby("fold")
        ]
    )


def test_effect_interval_and_p():
    a, b = predictions(0.6), predictions(0.8)
    result = compare(
        a, b.sample(frac=1, random_state=5).set_index("utterance_id"), names=("SVM", "network"), ratio=1 / 7
    )
    assert result.effect == pytest.approx(ua(b["emotion"], b["predicted"]) - ua(a["emotion"], a["predicted"]))
    assert result.value_b - result.value_a == pytest.approx(result.effect)
    assert 10 < result.low < result.effect < result.high < 30
    differences = fold_differences(a, b)
    assert result.p == pytest.approx(corrected_ttest(differences, 1 / 7).p)
    assert result.effect_size == pytest.approx(differences.mean() / differences.std(ddof=1))
    assert result.folds == 8
    assert result.over == "8 speakers"
    sentence = result.sentence()
    assert sentence.startswith(f"network is {result.effect:.1f} points of UA better than SVM (")
    assert f"finds a difference of {result.detectable:.1f} points four times in five." in sentence
    assert ("p < .001" in sentence) == (result.p < 0.001)
    back = compare(b, a, names=("network", "SVM"), ratio=1 / 7)
    assert "worse than network" in back.sentence()
    assert back.effect == pytest.approx(-result.effect)
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["p"] == result.p


def test_default_ratio_is_that_of_plain_cross_validation():
    a, b = predictions(0.6), predictions(0.65)
    assert compare(a, b, metric="wa").p == compare(a, b, metric="wa", ratio=1 / 7).p
    assert "p = ." in compare(a, b, metric="wa").sentence()


def test_seeds_add_no_folds():
    a = predictions(0.6)
    seeds = [predictions(0.7, seed=k) for k in range(3)]
    b = pd.concat([t.assign(repeat=k) for k, t in enumerate(seeds)])
    result = compare(a, b, metric="wa")
    assert result.folds == 8
    averaged = np.mean([fold_differences(a, t, wa) for t in seeds], axis=0)
    assert result.p == pytest.approx(corrected_ttest(averaged, 1 / 7).p)
    assert result.value_b == pytest.approx(np.mean([wa(t["emotion"], t["predicted"]) for t in seeds]))
    assert compare(b, a, metric="wa").effect == pytest.approx(-result.effect)


def test_newly_drawn_folds_count():
    rng = np.random.default_rng(0)

    def redrawn(accuracy: float) -> pd.DataFrame:
        parts = []
        for repeat in range(3):
            folds = np.random.default_rng(repeat).permutation(np.arange(320) % 5)
            parts.append(predictions(accuracy, seed=repeat).assign(repeat=repeat, fold=folds))
        return pd.concat(parts).sample(frac=1, random_state=rng.integers(100))

    result = compare(redrawn(0.6), redrawn(0.7))
    assert result.folds == 15


def test_a_single_fold_and_no_speakers():
    a, b = (predictions(p).assign(fold="holdout").drop(columns="speaker") for p in (0.6, 0.8))
    result = compare(a, b)
    assert np.isnan(result.p)
    assert result.sentence().endswith("A single fold allows no test.")
    assert result.to_dict()["p"] is None
    assert "Drawn over utterances" in result.notices[0]


def test_equal_systems():
    result = compare(predictions(0.7), predictions(0.7))
    assert (result.effect, result.low, result.high) == (0, 0, 0)
    assert np.isnan(result.p), "fold differences that are all the same have no spread to test against"
    assert np.isnan(result.detectable)
    assert result.sentence().startswith("B and A have the same UA, ")
    assert result.sentence().endswith("which allows no test.")


def test_what_cannot_be_compared():
    a, b = predictions(0.6), predictions(0.7)
    with pytest.raises(UserError, match="SVM and net cannot be compared: 'u0000' was tested by one alone"):
        compare(a, b.iloc[1:], names=("SVM", "net"))
    with pytest.raises(UserError, match="'u0003' has another emotion in each"):
        compare(a, b.assign(emotion=b["emotion"].mask(b["utterance_id"] == "u0003", "boredom")))
    with pytest.raises(UserError, match="has another fold in each"):
        compare(a, b.assign(fold=b["fold"].shift(-1, fill_value="s0")))
    with pytest.raises(UserError, match="their repeats differ"):
        compare(pd.concat([a.assign(repeat=k) for k in (0, 1)]), pd.concat([b.assign(repeat=k) for k in (0, 2)]))
