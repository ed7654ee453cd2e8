"""SNR before and after noise removal."""

from __future__ import annotations

import numpy as np
import pytest

from sercourse.errors import AudioError
from sercourse.signal.snr import snr_in, snr_out


def test_equation_23_by_hand():
    clean = np.array([2.0, -2.0, 2.0, 0.0])  # sum of squares 12
    estimate = np.array([1.0, -2.0, 2.0, 1.0])  # off by 1 twice
    assert snr_out(clean, estimate) == pytest.approx(10 * np.log10(6))
    assert snr_in(clean, clean + 0.2 * np.array([1, 1, 1, 1])) == pytest.approx(10 * np.log10(12 / 0.16))


def test_perfect_and_silent_estimates():
    clean = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    assert snr_out(clean, clean) == np.inf
    assert snr_out(clean, 0 * clean) == pytest.approx(0.0)
    assert snr_out(clean, 2 * clean) == pytest.approx(0.0), "another scale is an error of its own"


def test_removing_half_of_the_noise_gives_6_db():
    rng = np.random.default_rng(1)
    clean, noise = rng.normal(size=(2, 16_000)).astype(np.float32)
    gain = snr_out(clean, clean + noise / 2) - snr_in(clean, clean + noise)
    assert gain == pytest.approx(20 * np.log10(2), abs=1e-4)


def test_lengths_and_silence_are_refused():
    with pytest.raises(AudioError, match="10 samples and the other signal 9"):
        snr_in(np.ones(10), np.ones(9))
    with pytest.raises(AudioError, match="silent throughout"):
        snr_out(np.zeros(10), np.ones(10))
