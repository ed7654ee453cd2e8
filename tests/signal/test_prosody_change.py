"""Pitch and rate: changed by what was asked and by nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from little_runs import voice

from sercourse.errors import AudioError
from sercourse.features.prosody import Prosody
from sercourse.signal.prosody_change import change_prosody

WAVE = voice(180, 1.2)


def pitch(waveform: np.ndarray) -> float:
    """Median over voiced frames, Hz."""
    track = Prosody().compute(waveform)[:, 0]
    return float(np.median(track[track > 0]))


@pytest.mark.parametrize("semitones", [-4, 0, 4])
def test_pitch_moves_by_semitones_and_the_length_stays(semitones):
    moved = change_prosody(WAVE, semitones=semitones)
    assert pitch(moved) / pitch(WAVE) == pytest.approx(2 ** (semitones / 12), rel=0.02)
    assert len(moved) == pytest.approx(len(WAVE), abs=200)


@pytest.mark.parametrize("rate", [0.8, 1.25])
def test_the_rate_changes_the_length_and_the_pitch_stays(rate):
    moved = change_prosody(WAVE, rate=rate)
    assert len(moved) == pytest.approx(len(WAVE) / rate, rel=0.01)
    assert pitch(moved) / pitch(WAVE) == pytest.approx(1, rel=0.02)


def test_the_same_question_has_the_same_answer():
    np.testing.assert_array_equal(change_prosody(WAVE, semitones=2), change_prosody(WAVE, semitones=2))


def test_what_is_too_short_is_one_sentence():
    with pytest.raises(AudioError, match="Pitch and rate cannot be changed"):
        change_prosody(WAVE[:300])
