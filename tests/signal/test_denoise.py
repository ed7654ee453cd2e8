"""Each classical method wins where it must: on the noise that it was made for."""

from __future__ import annotations

import numpy as np
import pytest

from sercourse.errors import AudioError
from sercourse.features.spectral import LogMel
from sercourse.signal.denoise import (
    HOP,
    METHODS,
    N_FFT,
    WINDOW,
    nmf,
    over_subtraction,
    spectral_subtraction,
    spectrum,
    waveform_of,
    wavelet_lms,
)
from sercourse.signal.noise import mix, white
from sercourse.signal.snr import snr_out


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """Syllables: harmonics of a gliding pitch that come and go, with pauses; 2 s."""
    t = np.arange(32_000) / 16_000
    phase = 2 * np.pi * np.cumsum(140 + 30 * np.sin(2 * np.pi * 0.8 * t)) / 16_000
    voice = sum(np.sin(k * phase) / k for k in range(1, 12))
    gate = np.clip(np.sin(2 * np.pi * 2.2 * t), 0, None) * (np.abs(t - 1) > 0.2)
    return (0.15 * voice * gate).astype(np.float32)


def gained(method, speech, snr_db: float) -> float:
    """dB that a method gains on white noise, mean over three drawings."""
    gains = []
    for seed in range(3):
        mixed = mix(speech, white(len(speech), np.random.default_rng(seed)), snr_db, over="whole")
        gains.append(snr_out(mixed.clean, method(mixed.noisy)) - snr_db)
    return float(np.mean(gains))


@pytest.mark.parametrize("method", [spectral_subtraction, over_subtraction, wavelet_lms, nmf])
@pytest.mark.parametrize("snr_db", [-5, 0, 5])
def test_stationary_white_noise_is_reduced(speech, method, snr_db):
    assert gained(method, speech, snr_db) > 1.0


def test_over_subtraction_leaves_half_of_the_noise_where_nobody_speaks_and_never_more_than_there_was():
    """White noise alone: nearly every bin is below 2.5 times the mean, so the floor is left, half of the mean."""
    noise = 0.1 * white(64_000, np.random.default_rng(0))
    left = over_subtraction(noise)
    assert np.mean(left**2) / np.mean(noise**2) == pytest.approx(0.4, abs=0.1)
    assert np.abs(spectrum(left)).mean() < np.abs(spectrum(noise)).mean()


def test_the_gate_of_today_removes_noise_at_low_snr(speech):
    assert gained(METHODS["noisereduce"], speech, -5) > 1.0


@pytest.mark.parametrize("name", list(METHODS))
def test_length_and_kind_are_kept(speech, name):
    for samples in (8001, 32_000):
        noisy = speech[:samples] + 0.01 * white(samples, np.random.default_rng(0))
        estimate = METHODS[name](noisy)
        assert estimate.shape == noisy.shape
        assert estimate.dtype == np.float32
        assert np.isfinite(estimate).all()


@pytest.mark.parametrize("name", list(METHODS))
def test_what_is_no_number_is_refused(speech, name):
    broken = speech.copy()
    broken[100] = np.nan
    with pytest.raises(AudioError, match="not numbers"):
        METHODS[name](broken)


def test_the_transform_comes_back(speech):
    transform = spectrum(speech)
    assert transform.shape == (257, 1 + len(speech) // 160)
    np.testing.assert_allclose(waveform_of(transform, len(speech)), speech, atol=1e-5)


def test_subtracting_nothing_changes_nothing(speech):
    np.testing.assert_allclose(spectral_subtraction(speech, beta=0.0), speech, atol=1e-5)


def test_beta_says_how_much_is_subtracted(speech):
    mixed = mix(speech, white(len(speech), np.random.default_rng(0)), 0, over="whole")
    powers = [np.square(spectral_subtraction(mixed.noisy, beta=beta)).sum() for beta in (0.0, 0.5, 1.0, 2.0)]
    assert powers == sorted(powers, reverse=True)
    assert powers[0] > 1.5 * powers[-1]


@pytest.mark.parametrize("wrong", [np.zeros((2, 800), np.float32), np.zeros(100, np.float32)])
def test_what_is_too_short_is_one_sentence(wrong):
    with pytest.raises(AudioError, match="one channel of 400 samples or more"):
        spectrum(wrong)


@pytest.mark.parametrize("name", list(METHODS))
def test_silence_is_one_sentence_and_half_silence_no_nan(speech, name):
    with pytest.raises(AudioError, match="silent throughout"):
        METHODS[name](np.zeros(16_000, np.float32))
    half = speech.copy()
    half[len(half) // 3 :] = 0
    assert np.isfinite(METHODS[name](half)).all()


def test_frames_are_those_of_the_log_mel_features():
    assert (LogMel().n_fft, round(16_000 * LogMel().window_seconds), round(16_000 * LogMel().hop_seconds)) == (
        N_FFT,
        WINDOW,
        HOP,
    )
    assert LogMel().window == "hamming"


@pytest.mark.parametrize("name", list(METHODS))
def test_noise_without_speech_is_no_crash(name):
    assert np.isfinite(METHODS[name](0.1 * white(16_000, np.random.default_rng(0)))).all()
