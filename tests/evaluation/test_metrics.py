"""Metrics against numbers worked out by hand, and against scikit-learn."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from sercourse.evaluation.metrics import confusion, confusion_percent, gap, paired, per_class, score, ua, wa

# 4 anger (3 found), 2 fear (1 found), 2 sadness (none found); "boredom" is predicted once and never true
TRUE = ["anger"] * 4 + ["fear"] * 2 + ["sadness"] * 2
PREDICTED = ["anger", "anger", "anger", "fear", "fear", "anger", "anger", "boredom"]


def test_wa_and_ua_by_hand():
    assert wa(TRUE, PREDICTED) == 50.0
    assert ua(TRUE, PREDICTED) == pytest.approx((75 + 50 + 0) / 3)  # boredom has no recall and does not count


def test_per_class_by_hand():
    table = per_class(TRUE, PREDICTED)
    assert table.loc["anger"].tolist() == pytest.approx([60, 75, 200 / 3, 4])
    assert table.loc["fear"].tolist() == [50, 50, 50, 2]
    assert np.isnan(table.loc["sadness", "precision"])
    assert table.loc["sadness", "f1"] == 0
    assert np.isnan(table.loc["boredom", "recall"])
    assert table["support"].sum() == 8


def test_confusion_by_hand():
    counts = confusion(TRUE, PREDICTED, ["sadness", "fear", "anger", "boredom"])
    assert counts.loc["anger"].to_dict() == {"sadness": 0, "fear": 1, "anger": 3, "boredom": 0}
    assert list(counts.columns) == ["sadness", "fear", "anger", "boredom"]
    percent = confusion_percent(counts)
    assert percent.loc["sadness", "boredom"] == 50
    assert percent.loc["boredom"].isna().all()
    assert list(confusion(TRUE, PREDICTED).index) == ["anger", "boredom", "fear", "sadness"]
    with pytest.raises(ValueError, match=r"outside the given emotions: \['sadness'\]"):
        confusion(TRUE, PREDICTED, ["fear", "anger", "boredom"])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=40))
def test_agreement_with_scikit_learn(pairs):
    y_true, y_pred = (np.array(side) for side in zip(*pairs))
    assert wa(y_true, y_pred) == pytest.approx(100 * accuracy_score(y_true, y_pred))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # scikit-learn on predicted classes that are never true
        assert ua(y_true, y_pred) == pytest.approx(100 * balanced_accuracy_score(y_true, y_pred))
    table = per_class(y_true, y_pred)
    expected = f1_score(y_true, y_pred, average=None, labels=list(table.index), zero_division=0)
    np.testing.assert_allclose(table["f1"], 100 * expected)
    diagonal = np.diag(confusion_percent(confusion(y_true, y_pred)))
    np.testing.assert_allclose(diagonal, table["recall"], equal_nan=True)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        ([], [], "no predictions"),
        (["anger"], ["anger", "fear"], r"shape \(1,\) and y_pred \(2,\)"),
        (["anger", None], ["anger", "fear"], "a label is missing"),
        (pd.Series(["anger"], index=["a"]), pd.Series(["anger"], index=["b"]), "different utterances"),
    ],
)
def test_nothing_is_judged_by_accident(y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        wa(y_true, y_pred)


def test_tables_with_string_dtype_are_read():
    y = pd.Series(["anger", "fear"], dtype="string", index=["a", "b"])
    assert paired(y, y)[0].tolist() == ["anger", "fear"]
    assert ua(y, y) == 100


def predictions() -> pd.DataFrame:
    """Two folds of 6 and 2 utterances; the second lacks anger, as speaker 08 of EMO-DB lacks disgust."""
    return pd.DataFrame(
        {
            "utterance_id": [f"u{k}" for k in range(8)],
            "emotion": TRUE,
            "predicted": PREDICTED,
            "fold": ["one"] * 6 + ["two"] * 2,
            "speaker": ["s1"] * 4 + ["s2"] * 4,
            "gender": ["female"] * 4 + ["male"] * 3 + [None],
        }
    )


def test_score_pools_and_spreads():
    scores = score(predictions())
    assert (scores.wa, scores.ua) == (50.0, pytest.approx(125 / 3))
    first, second = scores.folds
    assert (first.fold, first.n_test, first.wa) == ("one", 6, pytest.approx(400 / 6))
    assert first.ua == pytest.approx((75 + 50) / 2)  # over the two emotions of this fold
    assert (second.wa, second.ua) == (0.0, 0.0)
    assert scores.wa_mean == pytest.approx(100 / 3)
    assert scores.wa_sd == pytest.approx(np.std([400 / 6, 0], ddof=1))
    assert scores.ua_sd == pytest.approx(np.std([62.5, 0], ddof=1))
    assert np.isnan(scores.wa_sd_repeats)


def test_scores_as_json():
    exported = json.loads(json.dumps(score(predictions()).to_dict(), allow_nan=False))
    assert {"wa", "ua", "wa_sd", "ua_sd", "folds"} <= set(exported)
    assert exported["wa_sd_repeats"] is None
    assert exported["folds"][1] == {"fold": "two", "wa": 0.0, "ua": 0.0, "n_test": 2, "repeat": 0}


def test_repeats_are_averaged():
    perfect = predictions().assign(repeat=1, predicted=TRUE)
    scores = score(pd.concat([predictions().assign(repeat=0), perfect]))
    assert scores.repeats == 2
    assert scores.wa == pytest.approx((50 + 100) / 2)
    assert scores.ua == pytest.approx((125 / 3 + 100) / 2)
    assert scores.wa_sd_repeats == pytest.approx(np.std([50, 100], ddof=1))
    assert [(f.repeat, f.fold) for f in scores.folds] == [(0, "one"), (0, "two"), (1, "one"), (1, "two")]


def test_single_fold_has_no_spread():
    scores = score(predictions().assign(fold="holdout"))
    assert np.isnan(scores.wa_sd)
    assert scores.to_dict()["ua_sd"] is None


def test_gaps():
    speakers = gap(predictions(), "speaker")
    assert speakers.groups["wa"].to_dict() == {"s1": 75.0, "s2": 25.0}
    assert (speakers.wa_gap, speakers.ua_gap) == (50.0, 50.0)
    assert (speakers.worst, speakers.best) == ("s2", "s1")
    genders = gap(predictions(), "gender")
    assert genders.groups["n"].to_dict() == {"female": 4, "male": 3}
    with pytest.raises(ValueError, match="no prediction has a gender"):
        gap(predictions().assign(gender=None), "gender")
