"""Reading audio: the numbers that come out, not only that something does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sercourse.signal.audio import SAMPLE_RATE, read_audio


def tone(rate: int, hertz: float = 440.0, seconds: float = 1.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_a_tone_keeps_pitch_level_and_length_at_any_rate(rate, tmp_path: Path):
    soundfile.write(tmp_path / "a.wav", tone(rate), rate, subtype="PCM_24")
    waveform = read_audio(tmp_path / "a.wav")
    assert waveform.dtype == np.float32
    assert abs(len(waveform) - SAMPLE_RATE) <= 1
    inner = slice(1000, 15_000)  # the resampler's ends ring
    np.testing.assert_allclose(waveform[inner], tone(SAMPLE_RATE)[inner], atol=2e-3)


def test_what_16_khz_cannot_hold_is_filtered_out_not_folded_back(tmp_path: Path):
    soundfile.write(tmp_path / "a.wav", tone(48_000, hertz=11_000), 48_000)
    assert np.abs(read_audio(tmp_path / "a.wav")[1000:15_000]).max() < 1e-3


def test_16_bit_samples_come_back_exactly(tmp_path: Path):
    samples = np.random.default_rng(0).integers(-32768, 32768, SAMPLE_RATE).astype(np.int16)
    for name in ("a.wav", "a.flac"):
        soundfile.write(tmp_path / name, samples, SAMPLE_RATE, subtype="PCM_16")
        np.testing.assert_array_equal(read_audio(tmp_path / name) * 32768, samples)


def test_channels_are_averaged(tmp_path: Path):
    channels = np.stack([tone(SAMPLE_RATE), 0 * tone(SAMPLE_RATE)], axis=1)
    soundfile.write(tmp_path / "a.wav", channels, SAMPLE_RATE, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav"), tone(SAMPLE_RATE) / 2, atol=1e-6)
