"""The front end of VGGish against the release's description, computed another way.

Stated tolerance: 2e-5 in the natural logarithm. (The sine of the release's own smoke test, sent through the resampler
of its day, gave the twelve printed frames of that test to 5e-5 when this was written.)
"""

from __future__ import annotations

import numpy as np
import pytest

from sercourse.errors import AudioError
from sercourse.features.spectral import BLOCK_FRAMES, LogMel, mel_filters
from sercourse.features.vggish import VggishLogMel, mel_triangles

RATE = 16_000
EXAMPLE_SAMPLES = 95 * 160 + 400


def by_hand(signal: np.ndarray) -> np.ndarray:
    """Frame by frame, with a Fourier transform written out and a triangle per band, shape ``(N, 96, 64)``."""
    n = np.arange(400)
    window = np.sin(np.pi * n / 400) ** 2  # a periodic Hann is a squared sine
    transform = np.exp(-2j * np.pi * np.outer(n, np.arange(257)) / 512)
    mel = 2595 * np.log10(1 + np.arange(257) * RATE / 512 / 700)  # HTK's other way to write 1127 ln
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (125, 7500))
    step = (high - low) / 65
    bands = np.zeros((257, 64))
    for band in range(64):
        bands[:, band] = np.maximum(0, 1 - np.abs(mel - (low + (band + 1) * step)) / step)
    n_examples = ((len(signal) - 400) // 160 + 1) // 96
    rows = [
        np.log(np.abs(signal[160 * t : 160 * t + 400] * window @ transform) @ bands + 0.01)
        for t in range(96 * n_examples)
    ]
    return np.reshape(rows, (n_examples, 96, 64))


def test_it_is_what_the_release_describes(signal):
    (ours,) = VggishLogMel()([signal])
    padded = np.pad(signal.astype(np.float64), (0, max(0, EXAMPLE_SAMPLES - len(signal))))
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours.reshape(-1, 96, 64), by_hand(padded), atol=2e-5)


@pytest.mark.parametrize(
    ("n_samples", "n_examples"),
    [(1, 1), (15_360, 1), (15_599, 1), (15_600, 1), (15_600 + 95 * 160, 1), (15_600 + 96 * 160, 2), (48_000, 3)],
)
def test_whole_examples_only_but_at_least_one(n_samples, n_examples):
    """Three seconds are three examples, as in the release's smoke test."""
    waveform = np.random.default_rng(0).normal(0, 0.1, n_samples).astype(np.float32)
    (frames,) = VggishLogMel()([waveform])
    assert frames.shape == (96 * n_examples, 64)
    assert VggishLogMel().example_samples == EXAMPLE_SAMPLES == 15_600


def test_a_short_utterance_is_followed_by_silence():
    waveform = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    (frames,) = VggishLogMel()([waveform])
    (longer,) = VggishLogMel()([np.pad(waveform, (0, 7600))])
    np.testing.assert_array_equal(frames, longer)
    np.testing.assert_allclose(frames[50:], np.log(0.01), rtol=1e-6)
    assert (frames[:47] > np.log(0.01) + 0.1).all()


def test_a_tone_is_in_its_band():
    extractor = VggishLogMel()
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    (frames,) = extractor([tone])
    centres = [float(column.removesuffix(" Hz")) for column in extractor.columns]
    assert abs(centres[int(frames[0].argmax())] - 1000) < 40
    assert 125 < centres[0] < 185
    assert 7000 < centres[-1] < 7500


def test_the_sides_of_its_triangles_are_straight_over_mel_not_hertz():
    weights = mel_triangles(64, 512, 0.0, 8000.0)
    straight_over_hertz = mel_filters(64, 512)
    assert weights.shape == straight_over_hertz.shape == (257, 64)
    assert not weights[0].any()
    assert 0.001 < np.abs(weights - straight_over_hertz).max() < 0.05


def test_it_is_no_log_mel_in_other_units(signal):
    (ours,), (db,) = VggishLogMel()([signal]), LogMel()([signal])
    n = min(len(ours), len(db))
    assert np.abs(ours[:n] - np.log(10) / 20 * db[:n]).max() > 0.5


def test_alone_and_in_a_batch_bit_for_bit():
    rng = np.random.default_rng(0)
    batch = [rng.normal(0, 0.1, n).astype(np.float32) for n in (1700, 40_000, 333)]
    for together, waveform in zip(VggishLogMel()(batch), batch):
        np.testing.assert_array_equal(together, VggishLogMel()([waveform])[0])


def test_long_audio_in_blocks_equals_its_parts():
    examples = BLOCK_FRAMES // 96 + 2
    waveform = np.random.default_rng(0).normal(0, 0.1, 15_600 + (examples - 1) * 96 * 160).astype(np.float32)
    (whole,) = VggishLogMel()([waveform])
    assert whole.shape == (96 * examples, 64)
    start = 96 * (examples - 3)
    (part,) = VggishLogMel()([waveform[160 * start :]])
    np.testing.assert_allclose(whole[start:], part, atol=1e-6)


def test_bad_waveforms_are_refused():
    with pytest.raises(AudioError, match="not numbers"):
        VggishLogMel()([np.full(RATE, np.nan, dtype=np.float32)])
    with pytest.raises(AudioError, match="at least one sample"):
        VggishLogMel()([np.zeros(0, dtype=np.float32)])
