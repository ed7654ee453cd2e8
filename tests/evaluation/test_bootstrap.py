"""Bootstrap over speakers: against a plain loop, against known populations, and its fall-back."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from sercourse.evaluation.bootstrap import bootstrap_difference, bootstrap_interval, bootstrap_mean_difference
from sercourse.evaluation.metrics import ua, wa

EMOTIONS = np.array(["anger", "fear", "joy", "neutral", "sadness"])


def system(speakers: int = 10, each: int = 50, spread: float = 0.0, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Truth, predictions and speakers; a speaker's accuracy is .7 plus or minus ``spread``."""
    rng = np.random.default_rng(seed)
    names = np.repeat([f"s{k}" for k in range(speakers)], each)
    true = rng.choice(EMOTIONS, speakers * each)
    accuracy = np.repeat(np.clip(0.7 + spread * rng.normal(size=speakers), 0.05, 0.95), each)
    wrong = EMOTIONS[(np.searchsorted(EMOTIONS, true) + 1) % len(EMOTIONS)]
    return true, np.where(rng.random(len(true)) < accuracy, true, wrong), names


@pytest.mark.parametrize("metric", ["wa", "ua"])
def test_equals_a_plain_loop_over_speakers(metric):
    true, predicted, names = system(each=30, spread=0.15)
    interval = bootstrap_interval(true, predicted, names, metric=metric, draws=4000)
    measure = {"wa": wa, "ua": ua}[metric]
    assert interval.value == pytest.approx(measure(true, predicted))
    rng = np.random.default_rng(1)
    rows = {s: np.flatnonzero(names == s) for s in np.unique(names)}
    drawn = []
    for _ in range(500):
        chosen = np.concatenate([rows[s] for s in rng.choice(list(rows), len(rows))])
        drawn.append(measure(true[chosen], predicted[chosen]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert (interval.low, interval.high) == (pytest.approx(low, abs=1.5), pytest.approx(high, abs=1.5))
    assert interval.over == "10 speakers"
    assert interval.notice == ""
    assert str(interval) == f"{interval.value:.1f} [{interval.low:.1f}, {interval.high:.1f}]"


def test_speakers_that_differ_widen_the_interval():
    true, predicted, names = system(spread=0.2)
    by_speaker = bootstrap_interval(true, predicted, names)
    by_utterance = bootstrap_interval(true, predicted, None)
    assert by_speaker.high - by_speaker.low > 2 * (by_utterance.high - by_utterance.low)


def test_interval_holds_the_truth_about_as_often_as_stated_in_the_docstring():
    held = 0
    for seed in range(200):
        true, predicted, names = system(each=20, spread=0.1, seed=seed)
        interval = bootstrap_interval(true, predicted, names, metric="wa", draws=500, seed=seed)
        held += interval.low <= 70 <= interval.high
    assert 168 <= held <= 196  # 84 to 98 %


def test_an_emotion_missing_from_a_draw_is_left_out_of_its_ua():
    true = np.array(["anger", "anger"] * 5 + ["fear", "fear"])
    names = np.repeat([f"s{k}" for k in range(6)], 2)  # only the last speaker shows fear
    predicted = np.where(true == "fear", "anger", true)
    interval = bootstrap_interval(true, predicted, names)
    assert (interval.low, interval.value, interval.high) == (50.0, 50.0, 100.0)


def test_ten_thousand_draws_take_under_a_second():
    true, predicted, names = system(speakers=91, each=80)
    begin = time.process_time()
    first = bootstrap_interval(true, predicted, names, draws=10_000)
    assert time.process_time() - begin < 1
    assert bootstrap_interval(true, predicted, names, draws=10_000) == first
    assert bootstrap_interval(true, predicted, names, draws=10_000, seed=1) != first


def test_pairing_narrows_the_difference():
    true, predicted, names = system(spread=0.2)
    rng = np.random.default_rng(3)
    better = np.where(rng.random(len(true)) < 0.15, true, predicted)  # mends 15 % of the errors
    difference = bootstrap_difference(true, predicted, better, names, metric="ua")
    assert difference.value == pytest.approx(ua(true, better) - ua(true, predicted))
    assert 0 < difference.low < difference.value < difference.high
    alone = bootstrap_interval(true, predicted, names)
    assert difference.high - difference.low < 0.5 * (alone.high - alone.low)
    swapped = bootstrap_difference(true, better, predicted, names, metric="ua")
    assert (swapped.low, swapped.high) == (pytest.approx(-difference.high), pytest.approx(-difference.low))


def test_fall_back_over_utterances_says_so():
    true, predicted, names = system(speakers=4)
    few = bootstrap_interval(true, predicted, names)
    assert few.over == "200 utterances"
    assert "there are only 4 speakers" in few.notice
    none = bootstrap_interval(true, predicted, None)
    assert (none.low, none.high) == (few.low, few.high)
    # 70 % of 200: the binomial standard error is 3.2 points
    assert none.high - none.low == pytest.approx(2 * 1.96 * 3.2, rel=0.15)
    true, predicted, names = system()
    some_missing = names.astype(object)
    some_missing[0] = None
    assert "speakers are missing" in bootstrap_interval(true, predicted, some_missing).notice


def test_bad_input():
    true, predicted, names = system()
    with pytest.raises(ValueError, match="neither 'wa' nor 'ua'"):
        bootstrap_interval(true, predicted, names, metric="f1")
    with pytest.raises(ValueError, match=r"speakers has shape \(3,\)"):
        bootstrap_interval(true, predicted, names[:3])


def two_languages(seed: int = 0) -> pd.DataFrame:
    """Two groups of eight speakers; B is right more often in both, by 10 and by 30 points."""
    rng = np.random.default_rng(seed)
    rows = []
    for group, gain in (("de", 0.1), ("pl", 0.3)):
        for speaker in range(8):
            truth = rng.choice(["anger", "sadness"], 40)
            other = np.where(truth == "anger", "sadness", "anger")
            for name, chance in zip(truth, other, strict=True):
                a, b = rng.random() < 0.5, rng.random() < 0.5 + gain
                rows.append((name, name if a else chance, name if b else chance, f"{group}{speaker}", group))
    return pd.DataFrame(rows, columns=["truth", "a", "b", "speaker", "group"])


def test_a_mean_over_groups_counts_each_group_alike():
    t = two_languages()
    t = pd.concat([t, *[t[t["group"] == "de"]] * 3])  # four times as many in German
    found = bootstrap_mean_difference(t["truth"], t["a"], t["b"], t["speaker"], t["group"])
    effects = [
        bootstrap_difference(part["truth"], part["a"], part["b"], part["speaker"]).value
        for _, part in t.groupby("group")
    ]
    assert found.value == pytest.approx(np.mean(effects))
    assert found.low < found.value < found.high
    assert found.over == "16 speakers in 2 groups"
    assert not found.notice
    pooled = bootstrap_difference(t["truth"], t["a"], t["b"], t["speaker"]).value
    assert abs(pooled - found.value) > 2, "pooled, the larger group would count more"


def test_the_interval_of_a_mean_over_groups_is_narrower_than_that_of_either():
    t = two_languages(1)
    found = bootstrap_mean_difference(t["truth"], t["a"], t["b"], t["speaker"], t["group"])
    for _, part in t.groupby("group"):
        alone = bootstrap_difference(part["truth"], part["a"], part["b"], part["speaker"])
        assert found.high - found.low < alone.high - alone.low


def test_a_group_with_few_speakers_is_named():
    t = two_languages()
    t = t[(t["group"] == "de") | t["speaker"].isin(["pl0", "pl1"])]
    found = bootstrap_mean_difference(t["truth"], t["a"], t["b"], t["speaker"], t["group"])
    assert found.notice.startswith("pl: Drawn over utterances because there are only 2 speakers")
    t = t[t["speaker"].isin(["de0", "de1", "pl0", "pl1"])]
    found = bootstrap_mean_difference(t["truth"], t["a"], t["b"], t["speaker"], t["group"])
    assert found.over == "160 utterances in 2 groups", "what was drawn"


def test_a_speaker_of_two_groups_is_drawn_once_with_both():
    """With as many utterances of everyone in both groups the mean of two differences in WA is that of all together."""
    t = two_languages()
    t["speaker"] = t["speaker"].str[-1]
    asked = (t["truth"], t["a"], t["b"], t["speaker"])
    found = bootstrap_mean_difference(*asked, t["group"], metric="wa")
    pooled = bootstrap_difference(*asked, metric="wa")
    assert (found.value, found.low, found.high) == pytest.approx((pooled.value, pooled.low, pooled.high))
    assert found.over == "8 speakers in 2 groups"
    assert not found.notice


def test_speakers_who_differ_alike_in_both_groups_widen_the_interval():
    """Everyone's gain is the same in both groups: drawn apart, the interval would be too narrow by a root of two."""
    t = two_languages()
    t = t[t["group"] == "de"]
    both = pd.concat([t, t.assign(group="pl")])
    joint = bootstrap_mean_difference(both["truth"], both["a"], both["b"], both["speaker"], both["group"])
    apart = bootstrap_mean_difference(
        both["truth"], both["a"], both["b"], both["speaker"] + both["group"], both["group"]
    )
    assert joint.value == apart.value
    assert (joint.high - joint.low) / (apart.high - apart.low) == pytest.approx(np.sqrt(2), rel=0.1)


def test_who_is_in_two_groups_and_who_in_one_are_drawn_among_themselves():
    t = two_languages()
    t.loc[t["speaker"].isin(["pl0", "pl1", "pl2"]), "speaker"] = t["speaker"].str.replace("pl", "de")
    found = bootstrap_mean_difference(t["truth"], t["a"], t["b"], t["speaker"], t["group"])
    assert found.over == "13 speakers in 2 groups"
    assert found.low < found.value < found.high
