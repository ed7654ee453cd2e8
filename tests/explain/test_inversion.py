"""A spectrogram made audible: what comes back has the levels and frequencies that went in."""

import numpy as np
import pytest

from sercourse.explain.inversion import distance_db, to_waveform
from sercourse.features.spectral import LogMagnitude
from sercourse.signal.audio import SAMPLE_RATE


@pytest.fixture(scope="module")
def tone() -> np.ndarray:
    """0.8 s: 440 Hz at 0.3, then 1320 Hz at 0.03, so both frequency and level have to come back."""
    time = np.arange(int(0.8 * SAMPLE_RATE)) / SAMPLE_RATE
    early = time < 0.4
    return np.where(early, 0.3 * np.sin(2 * np.pi * 440 * time), 0.03 * np.sin(2 * np.pi * 1320 * time)).astype("f4")


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    """Half a second like speech: pulses of a falling pitch through a resonance, fading in and out."""
    time = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    phase = np.cumsum(140 - 60 * time) / SAMPLE_RATE
    harmonics = sum(np.sin(2 * np.pi * k * phase) / (1 + abs(k - 5)) for k in range(1, 25))
    return (0.05 * harmonics * np.hanning(len(time))).astype(np.float32)


def levels(waveform: np.ndarray) -> np.ndarray:
    return LogMagnitude().compute(waveform)


def dominant_hz(waveform: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    return float(np.fft.rfftfreq(len(waveform), 1 / SAMPLE_RATE)[spectrum.argmax()])


def test_a_tone_comes_back_at_its_frequency_and_level(tone):
    restored = to_waveform(levels(tone), length=len(tone))
    assert restored.shape == tone.shape
    assert restored.dtype == np.float32
    quarter = len(tone) // 4
    for part, hertz, amplitude in ((slice(1600, quarter), 440, 0.3), (slice(3 * quarter, -1600), 1320, 0.03)):
        assert dominant_hz(restored[part]) == pytest.approx(hertz, abs=6)
        level = np.sqrt(np.mean(restored[part] ** 2))
        assert level == pytest.approx(amplitude / np.sqrt(2), rel=0.15)


def test_the_spectrogram_of_what_comes_back_is_the_one_that_went_in(voice):
    wanted = levels(voice)
    restored = to_waveform(wanted, length=len(voice))
    assert distance_db(wanted, levels(restored)) < 1.0


def test_each_round_brings_the_spectrogram_nearer(voice):
    wanted = levels(voice)
    off = [distance_db(wanted, levels(to_waveform(wanted, iterations=n, length=len(voice)))) for n in (0, 4, 32)]
    assert off[0] > 1.5 * off[1] > 1.5 * off[2]


def test_frames_keep_their_time(voice):
    """The same convention as the features: frame ``t`` is centred on sample ``t * hop``; nothing is shifted."""
    padded = np.concatenate([np.zeros(8000, "f4"), voice])
    restored = to_waveform(levels(padded), length=len(padded))
    energy = [np.cumsum(x.astype(float) ** 2) / np.sum(x.astype(float) ** 2) for x in (padded, restored)]
    middle = [int(np.searchsorted(e, 0.5)) for e in energy]
    assert abs(middle[0] - middle[1]) < 80  # 5 ms


def test_without_a_length_it_is_as_long_as_the_frames(voice):
    wanted = levels(voice)
    restored = to_waveform(wanted, iterations=1)
    assert len(restored) == 200 * (len(wanted) - 1)
    assert levels(restored).shape == wanted.shape


def test_the_seed_decides_the_phases(voice):
    wanted = levels(voice)
    one, same, other = (to_waveform(wanted, iterations=2, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


@pytest.mark.parametrize("shape", [(10, 512), (513,), (0, 513)])
def test_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"must be \(frames, 513\)"):
        to_waveform(np.zeros(shape))


def test_distance_counts_what_is_heard_only():
    one = np.array([[0.0, -200.0], [-10.0, -20.0]])
    assert distance_db(one, one) == 0
    assert distance_db(one, np.array([[0.0, -100.0], [-10.0, -20.0]])) == 0, "100 dB below the peak is not heard"
    assert distance_db(one, np.array([[0.0, -200.0], [-10.0, -16.0]])) == pytest.approx(1)
    assert distance_db(one, np.vstack([one, one])) == 0, "a longer one is cut"
