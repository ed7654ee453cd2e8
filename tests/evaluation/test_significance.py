"""Tests of significance: against scipy, against the stated figures, and under the null hypothesis."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sercourse.evaluation.significance import (
    average_repeats,
    cohens_d_paired,
    corrected_ttest,
    detectable_difference,
    hedges_g,
    welch,
)

DIFFERENCES = np.array([4.0, -1.0, 7.0, 2.0, 3.0])


def test_corrected_test_by_hand():
    result = corrected_ttest(DIFFERENCES, 1 / 4)
    error = DIFFERENCES.std(ddof=1) * np.sqrt(1 / 5 + 1 / 4)
    assert result.effect == 3.0
    assert result.t == pytest.approx(3 / error)
    assert result.df == 4
    assert result.p == pytest.approx(2 * stats.t.sf(3 / error, 4))
    assert (result.low + result.high) / 2 == pytest.approx(3)
    assert result.high - 3 == pytest.approx(2.776445 * error)


def test_without_correction_it_is_the_paired_t_test():
    result, plain = corrected_ttest(DIFFERENCES, 0), stats.ttest_1samp(DIFFERENCES, 0)
    assert (result.t, result.p) == (pytest.approx(plain.statistic), pytest.approx(plain.pvalue))
    assert corrected_ttest(DIFFERENCES, 1 / 4).p > result.p


def test_correction_tames_the_dependence_of_folds():
    """Differences that correlate by n_test / (n_train + n_test), as Nadeau and Bengio assume, with no true effect."""
    rng = np.random.default_rng(0)
    folds, trials, ratio = 10, 4000, 1 / 9
    correlation = ratio / (1 + ratio)
    shared = np.sqrt(correlation) * rng.normal(size=(trials, 1))
    differences = shared + np.sqrt(1 - correlation) * rng.normal(size=(trials, folds))
    alarms = {r: np.mean([corrected_ttest(d, r).p < 0.05 for d in differences]) for r in (0, ratio)}
    assert alarms[0] > 0.12  # the plain test cries wolf nearly three times too often
    assert alarms[ratio] == pytest.approx(0.05, abs=0.012)


@pytest.mark.parametrize(("folds", "ratio", "points"), [(5, 1 / 4, 9.3), (10, 1 / 9, 5.2), (15, 1 / 4, 6.0)])
def test_smallest_significant_difference_for_a_spread_of_five(folds, ratio, points):
    """The figures of the course: 5 folds, 10 folds, three differently drawn 5-folds."""
    smallest = detectable_difference(5, folds, ratio, power=None)
    assert round(smallest, 1) == points
    standard = np.random.default_rng(0).normal(size=folds)
    standard = 5 * (standard - standard.mean()) / standard.std(ddof=1)
    assert (
        corrected_ttest(standard + smallest * 1.001, ratio).p
        < 0.05
        < corrected_ttest(standard + smallest / 1.001, ratio).p
    )


@pytest.mark.parametrize(("folds", "ratio", "points"), [(5, 1 / 4, 12.6), (10, 1 / 9, 7.2), (15, 1 / 4, 8.5)])
def test_detectable_with_power(folds, ratio, points):
    assert detectable_difference(5, folds, ratio) == pytest.approx(points, abs=0.06)


def test_power_is_what_a_simulation_finds():
    folds, sd, trials = 10, 5.0, 6000
    true = detectable_difference(sd, folds, 0, power=0.8)
    differences = np.random.default_rng(1).normal(true, sd, size=(trials, folds))
    found = np.mean([corrected_ttest(d, 0).p < 0.05 for d in differences])
    assert found == pytest.approx(0.8, abs=0.02)


def test_seeds_are_averaged_within_fixed_folds():
    values = np.array([[1.0, 5.0, 3.0], [3.0, 7.0, 3.0]])
    assert average_repeats(values).tolist() == [2.0, 6.0, 3.0]
    with pytest.raises(ValueError, match=r"\(repeats, folds\)"):
        average_repeats(values[0])


def test_welch_is_scipys():
    a, b = [70.0, 72.0, 71.0], [74.0, 80.0, 71.0, 79.0]
    result, expected = welch(a, b), stats.ttest_ind(b, a, equal_var=False)
    assert result.effect == pytest.approx(5.0)
    assert (result.t, result.p) == (pytest.approx(expected.statistic), pytest.approx(expected.pvalue))
    assert result.low < 5 < result.high
    assert welch(a, b, level=0.99).low < result.low
    assert result.df < 5


def test_effect_sizes_by_hand():
    assert cohens_d_paired(DIFFERENCES) == pytest.approx(3 / np.std(DIFFERENCES, ddof=1))
    a, b = [1.0, 2.0, 3.0], [3.0, 4.0, 5.0]
    assert hedges_g(a, b) == pytest.approx(2 * (1 - 3 / 15))  # pooled sd 1, n + m = 6
    assert hedges_g(b, a) == -hedges_g(a, b)


def test_no_spread():
    same, always = corrected_ttest([0.0, 0.0], 0.25), corrected_ttest([2.0, 2.0, 2.0], 0.25)
    assert (same.p, same.t) == (1.0, 0.0)
    assert (always.p, always.t, always.effect) == (0.0, np.inf, 2.0)
    assert welch([1.0, 1.0], [1.0, 1.0]).p == 1.0
    assert cohens_d_paired([0.0, 0.0]) == 0
    assert cohens_d_paired([-2.0, -2.0]) == -np.inf
    assert detectable_difference(0.0, 5, 0.25) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: corrected_ttest([1.0], 0.25), "two folds or more, found 1"),
        (lambda: corrected_ttest([1.0, 2.0], -1), "cannot be negative"),
        (lambda: welch([1.0], [1.0, 2.0]), "found 1 and 2"),
        (lambda: detectable_difference(5, 1, 0.25), "nothing can be detected"),
        (lambda: detectable_difference(5, 5, 0.25, power=0.01), "must lie between alpha"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
