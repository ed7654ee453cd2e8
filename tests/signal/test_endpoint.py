"""Endpoint detection on a sentence with known borders, on silence, on noise, and on real recordings."""

from __future__ import annotations

import numpy as np
import pytest

from sercourse.errors import AudioError
from sercourse.signal import endpoint
from sercourse.signal.audio import read_audio
from sercourse.signal.endpoint import find_speech, speech_mask, trim, trim_to
from sercourse.signal.noise import NOISES


def test_borders_are_found_within_a_frame_and_a_hop(sentence):
    ((start, end),) = find_speech(sentence.waveform)
    assert start == pytest.approx(sentence.start, abs=0.035)
    assert end == pytest.approx(sentence.end, abs=0.036)


def test_without_zero_crossings_the_s_would_be_lost(sentence, monkeypatch):
    monkeypatch.setattr(endpoint, "_reach_out", lambda span, _: span)
    ((start, _),) = find_speech(sentence.waveform)
    assert start == pytest.approx(sentence.vowel, abs=0.03)


@pytest.mark.parametrize("change", ["louder", "offset", "hum", "quieter"])
def test_level_offset_and_hum_change_nothing(sentence, change):
    t = np.arange(len(sentence.waveform)) / 16_000
    changed = {
        "louder": sentence.waveform * 3,
        "quieter": sentence.waveform / 3,
        "offset": sentence.waveform + 0.2,
        "hum": sentence.waveform + 0.02 * np.sin(2 * np.pi * 50 * t),
    }[change]
    ((start, end),) = find_speech(changed.astype(np.float32))
    assert (start, end) == pytest.approx((sentence.start, sentence.end), abs=0.036)


def test_a_long_pause_parts_two_stretches_and_a_short_one_does_not(sentence):
    speech = trim(sentence.waveform)
    room = sentence.waveform[:16_000]
    assert len(find_speech(np.concatenate([room, speech, room[:8000], speech, room]))) == 2
    assert len(find_speech(np.concatenate([room, speech, room[:2400], speech, room]))) == 1


@pytest.mark.parametrize("seconds", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("noise", NOISES)
def test_steady_noise_is_no_speech(noise, seconds):
    for seed in range(5):
        assert find_speech(0.05 * NOISES[noise](round(16_000 * seconds), np.random.default_rng(seed))) == []


@pytest.mark.parametrize("waveform", [np.zeros(16_000), np.full(16_000, 0.3), np.zeros(100), np.zeros(0)])
def test_silence_is_no_speech(waveform):
    assert find_speech(waveform.astype(np.float32)) == []
    assert not speech_mask(waveform.astype(np.float32)).any()


def test_click_is_no_speech():
    waveform = 1e-4 * np.random.default_rng(0).normal(size=16_000)
    waveform[8000:8010] = 0.9
    assert find_speech(waveform.astype(np.float32)) == []


def test_trim_keeps_the_speech_and_nothing_else(sentence):
    trimmed = trim(sentence.waveform)
    assert len(trimmed) / 16_000 == pytest.approx(sentence.end - sentence.start, abs=0.06)
    assert np.sum(trimmed**2) == pytest.approx(np.sum(sentence.waveform**2), rel=0.01)
    assert speech_mask(sentence.waveform).sum() == len(trimmed)


def test_trim_of_silence_says_so():
    with pytest.raises(AudioError, match="no speech found"):
        trim(np.zeros(16_000, dtype=np.float32))


def test_trim_to_keeps_the_middle():
    waveform = np.arange(16_000 * 8)
    kept = trim_to(waveform, 6.0)
    assert len(kept) == 96_000
    assert kept[0] == 16_000, "one second from the head"
    assert kept[-1] == 16_000 * 7 - 1, "one second from the tail"
    np.testing.assert_array_equal(trim_to(waveform[:96_000], 6.0), waveform[:96_000])
    assert len(trim_to(waveform[:96_001], 6.0)) == 96_000


@pytest.mark.realdata
def test_speech_is_found_in_every_tenth_file_of_emodb_and_little_of_it_is_lost(emodb):
    for path in sorted((emodb / "wav").glob("*.wav"))[::10]:
        waveform = read_audio(path)
        kept = trim(waveform)
        assert np.sum(kept**2) > 0.95 * np.sum(waveform**2), path.name
        assert len(kept) > 0.6 * len(waveform), path.name
