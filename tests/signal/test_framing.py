"""Pre-emphasis and frames."""

from __future__ import annotations

import numpy as np
import pytest

from sercourse.errors import AudioError
from sercourse.signal.framing import frame_count, frames, pre_emphasis


def test_pre_emphasis_by_hand():
    waveform = np.array([1.0, 1.0, 0.0, -2.0], dtype=np.float32)
    result = pre_emphasis(waveform, 0.5)
    np.testing.assert_allclose(result, [1.0, 0.5, -0.5, -2.0])
    assert result.dtype == np.float32
    np.testing.assert_array_equal(pre_emphasis(waveform, 0.0), waveform)


def test_pre_emphasis_raises_the_treble():
    t = np.arange(16_000) / 16_000
    low, high = (np.std(pre_emphasis(np.sin(2 * np.pi * hertz * t))[100:]) for hertz in (100, 4000))
    # |1 - .97 exp(-i w)|: .049 at 100 Hz, 1.393 at 4 kHz
    assert high / low == pytest.approx(1.3932 / 0.0489, rel=0.01)


@pytest.mark.parametrize(("n", "expected"), [(0, 0), (399, 0), (400, 1), (559, 1), (560, 2), (16_000, 98)])
def test_number_of_frames(n, expected):
    assert frame_count(n) == expected
    if expected:
        assert frames(np.zeros(n)).shape == (expected, 400)


def test_frame_t_begins_at_sample_t_times_hop():
    waveform = np.arange(16_000, dtype=np.float32)
    framed = frames(waveform, frame_seconds=0.020, hop_seconds=0.005, window=None)
    np.testing.assert_array_equal(framed[7], waveform[7 * 80 : 7 * 80 + 320])
    assert framed.base is not None
    assert np.shares_memory(framed, waveform), "without a window the frames take no memory"


def test_hamming_window_is_applied():
    framed = frames(np.ones(1000, dtype=np.float32))
    n = np.arange(400)
    np.testing.assert_allclose(framed[0], 0.54 - 0.46 * np.cos(2 * np.pi * n / 400), atol=1e-6)
    assert framed.dtype == np.float32


def test_less_than_a_frame_is_refused_in_a_sentence():
    with pytest.raises(AudioError, match=r"only 0\.010 s of audio, less than one frame of 0\.025 s; .*\.$"):
        frames(np.zeros(160))
