"""Calibration against numbers worked out by hand and against systems whose calibration is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from sercourse.evaluation.calibration import brier, ece, fit_temperature, nll, reliability

EMOTIONS = ["anger", "fear"]
# confidences .9 (right), .8 (wrong), .6 (right), .6 (wrong)
PROBABILITIES = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.4, 0.6]]
TRUE = ["anger", "fear", "fear", "anger"]


def test_reliability_and_ece_by_hand():
    table = reliability(PROBABILITIES, TRUE, EMOTIONS, bins=5)  # edges 0, 20, 40, 60, 80, 100
    assert table["count"].tolist() == [0, 0, 2, 1, 1]  # the upper edge belongs to the bin
    assert table["accuracy"].tolist()[2:] == [50, 0, 100]
    np.testing.assert_allclose(table["confidence"].tolist()[2:], [60, 80, 90])
    assert table["accuracy"].isna().tolist() == [True, True, False, False, False]
    assert ece(PROBABILITIES, TRUE, EMOTIONS, bins=5) == pytest.approx((2 * 10 + 80 + 10) / 4)


def test_adaptive_bins_hold_equal_numbers():
    table = reliability(PROBABILITIES, TRUE, EMOTIONS, bins=2, adaptive=True)
    assert table["count"].tolist() == [2, 2]
    assert table["upper"].tolist() == pytest.approx([60, 100])
    assert ece(PROBABILITIES, TRUE, EMOTIONS, bins=2, adaptive=True) == pytest.approx((2 * 10 + 2 * 35) / 4)
    assert len(reliability(PROBABILITIES, TRUE, EMOTIONS, bins=50, adaptive=True)) == 4


def test_brier_and_nll_by_hand():
    by_hand = 2 * np.array([0.1**2, 0.8**2, 0.4**2, 0.6**2])
    assert brier(PROBABILITIES, TRUE, EMOTIONS) == pytest.approx(by_hand.mean())
    assert nll(PROBABILITIES, TRUE, EMOTIONS) == pytest.approx(-np.log([0.9, 0.2, 0.6, 0.4]).mean())
    uniform = np.full((4, 7), 1 / 7)
    seven = list("abcdefg")
    assert brier(uniform, list("abcd"), seven) == pytest.approx(1 - 1 / 7)
    assert nll(uniform, list("abcd"), seven) == pytest.approx(np.log(7))
    assert np.isfinite(nll([[1.0, 0.0]], ["fear"], EMOTIONS))


@pytest.fixture(scope="module")
def calibrated() -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Logits whose softmax IS the distribution that the truth was drawn from."""
    rng = np.random.default_rng(0)
    emotions = list("abcd")
    logits = 2 * rng.normal(size=(20_000, 4))
    cumulative = softmax(logits, axis=1).cumsum(axis=1)
    drawn = (rng.random((20_000, 1)) > cumulative).sum(axis=1).clip(max=3)
    return logits, np.array(emotions)[drawn], emotions


def test_a_calibrated_system_has_no_error_and_an_overconfident_one_has(calibrated):
    logits, true, emotions = calibrated
    assert ece(softmax(logits, axis=1), true, emotions) < 1.5
    assert ece(softmax(3 * logits, axis=1), true, emotions) > 10


def test_temperature_undoes_overconfidence(calibrated):
    logits, true, emotions = calibrated
    assert fit_temperature(logits, true, emotions) == pytest.approx(1, abs=0.05)
    assert fit_temperature(3 * logits, true, emotions) == pytest.approx(3, abs=0.15)


@pytest.mark.parametrize(
    ("probabilities", "true", "message"),
    [
        (PROBABILITIES, TRUE[:3], r"expected \(N, C\) = \(3, 2\)"),
        (np.zeros((0, 2)), [], "N > 0"),
        ([[2.0, 1.0]], ["fear"], "posteriors, not logits"),
        ([[1.5, -0.5]], ["fear"], "posteriors, not logits"),
        ([[0.5, 0.5]], ["calm"], "'calm' is true but has no column"),
    ],
)
def test_bad_input(probabilities, true, message):
    with pytest.raises(ValueError, match=message):
        ece(probabilities, true, EMOTIONS)
