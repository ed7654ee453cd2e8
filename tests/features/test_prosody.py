"""Pitch against a voice of known pitch and against pyin; zero crossings and energy against librosa."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from sercourse.features.prosody import Prosody, pitch_track, short_term_energy, zero_crossing_rate
from sercourse.signal.audio import read_audio

RATE = 16_000


@pytest.mark.parametrize("hertz", [70.0, 120.0, 220.0, 333.0, 550.0])
def test_pitch_of_a_steady_voice(hertz):
    t = np.arange(RATE) / RATE
    voice = sum(np.sin(2 * np.pi * hertz * k * t) / k for k in range(1, 10)).astype(np.float32) * 0.1
    pitch = pitch_track(voice)
    np.testing.assert_allclose(pitch[10:-10], hertz, rtol=0.002)


def test_pitch_follows_a_glide_at_the_right_time(glide):
    waveform, truth = glide
    pitch = pitch_track(waveform)
    voiced = pitch > 0
    assert voiced.mean() > 0.97
    error = np.abs(pitch - truth)[voiced]
    assert np.median(error) < 1.0
    assert np.mean(error < 5) > 0.98
    late = np.abs(pitch[2:] - truth[:-2])[voiced[2:]]  # the same, were the frames two hops off
    assert np.median(late) > 5 * np.median(error)


@pytest.mark.parametrize("floor", [50.0, 65.0, 70.0, 75.0, 90.0])
def test_any_floor_keeps_the_frames_in_place(floor, glide):
    waveform, truth = glide
    pitch = pitch_track(waveform, floor=floor)
    assert len(pitch) == len(truth)
    assert np.median(np.abs(pitch - truth)[pitch > 0]) < 1.0


@pytest.mark.parametrize("n", [1, 160, 1000, 16_000, 16_001, 16_159, 16_160, 54_321])
@pytest.mark.parametrize("hop_seconds", [0.010, 0.0125, 0.005])
def test_pitch_has_as_many_frames_as_every_other_feature(n, hop_seconds):
    noise = np.random.default_rng(0).normal(0, 0.1, n).astype(np.float32)
    assert len(pitch_track(noise, hop_seconds)) == 1 + n // round(hop_seconds * RATE)


def test_noise_and_silence_are_unvoiced_and_no_value_is_missing():
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    noisy, silent = Prosody()([noise, np.zeros(RATE, dtype=np.float32)])
    assert np.mean(noisy[:, 0] == 0) > 0.9
    assert (silent == 0).all()
    assert np.isfinite(noisy).all()


@pytest.mark.filterwarnings("ignore:With fmin:UserWarning")
def test_pitch_agrees_with_pyin(glide):
    waveform, _ = glide
    theirs, *_ = librosa.pyin(waveform, fmin=65, fmax=600, sr=RATE, frame_length=512, hop_length=160)
    ours = pitch_track(waveform)
    both = (ours > 0) & (theirs > 0)
    assert both.sum() > 250
    assert np.mean(np.abs(ours - theirs)[both] <= 5) >= 0.95


@pytest.mark.realdata
def test_pitch_agrees_with_pyin_on_real_speech(emodb):
    gaps = []
    for path in sorted((emodb / "wav").glob("*.wav"))[::90]:
        waveform = read_audio(path)
        theirs, *_ = librosa.pyin(waveform, fmin=65, fmax=600, sr=RATE, frame_length=512, hop_length=160)
        ours = pitch_track(waveform)
        gaps.append(np.abs(ours - theirs)[(ours > 0) & (theirs > 0)])
    assert np.mean(np.concatenate(gaps) <= 5) >= 0.95


def test_zero_crossings_equal_librosa(signal):
    theirs = librosa.feature.zero_crossing_rate(signal, frame_length=400, hop_length=160)[0]
    np.testing.assert_allclose(zero_crossing_rate(signal), theirs, atol=1e-7)


def test_zero_crossings_by_hand():
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE + 0.1).astype(np.float32)
    assert zero_crossing_rate(tone)[50] == pytest.approx(2 * 1000 / RATE, abs=1.01 / 400)
    assert (zero_crossing_rate(np.full(RATE, -0.1, dtype=np.float32)) == 0).all(), "no crossing at the ends either"
    exact = np.tile(np.array([0.0, -1e-12], dtype=np.float32), 8000)
    theirs = librosa.feature.zero_crossing_rate(exact, frame_length=400, hop_length=160)[0]
    np.testing.assert_array_equal(zero_crossing_rate(exact), theirs)


def test_energy_equals_librosa(signal):
    theirs = librosa.feature.rms(y=signal, frame_length=400, hop_length=160)[0] ** 2
    np.testing.assert_allclose(short_term_energy(signal), theirs, rtol=1e-5)


def test_energy_by_hand():
    assert short_term_energy(np.full(RATE, 0.5, dtype=np.float32))[50] == pytest.approx(0.25)
    assert short_term_energy(np.full(RATE, 0.5, dtype=np.float32))[0] == pytest.approx(0.125), "half of it is outside"


def test_columns(signal):
    extractor = Prosody()
    (features,) = extractor([signal])
    assert features.shape == (1 + len(signal) // 160, 3)
    assert extractor.columns == ["pitch_hz", "zero_crossing_rate", "energy"]
    np.testing.assert_array_equal(features[:, 0], pitch_track(signal))
    np.testing.assert_array_equal(features[:, 2], short_term_energy(signal))
