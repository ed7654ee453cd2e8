"""Pitch and rate: changed by what was asked and by nothing else; curves belong to their networks."""

from __future__ import annotations

import numpy as np
import pytest
from little_ear import voice

from sercourse.app import render
from sercourse.app.changes import RATES, SEMITONES, Curve, changes, in_words, spoken
from sercourse.app.hearing import listen
from sercourse.errors import AudioError
from sercourse.features.prosody import Prosody

WAVE = listen(voice(180, 1.2)).waveform


def pitch(waveform: np.ndarray) -> float:
    """Median over voiced frames, Hz."""
    track = Prosody().compute(waveform)[:, 0]
    return float(np.median(track[track > 0]))


@pytest.mark.parametrize("semitones", [-4, 0, 4])
def test_pitch_moves_by_semitones_and_the_length_stays(semitones):
    moved = spoken(WAVE, semitones=semitones)
    assert pitch(moved) / pitch(WAVE) == pytest.approx(2 ** (semitones / 12), rel=0.02)
    assert len(moved) == pytest.approx(len(WAVE), abs=200)


@pytest.mark.parametrize("rate", [0.8, 1.25])
def test_the_rate_changes_the_length_and_the_pitch_stays(rate):
    moved = spoken(WAVE, rate=rate)
    assert len(moved) == pytest.approx(len(WAVE) / rate, rel=0.01)
    assert pitch(moved) / pitch(WAVE) == pytest.approx(1, rel=0.02)


def test_the_same_question_has_the_same_answer():
    np.testing.assert_array_equal(spoken(WAVE, semitones=2), spoken(WAVE, semitones=2))


def test_what_is_too_short_is_one_sentence():
    with pytest.raises(AudioError, match="Pitch and rate cannot be changed"):
        spoken(WAVE[:300])


def test_curves_are_the_networks_own_answers(ear):
    told = []
    found = changes(ear, WAVE, progress=lambda share, what: told.append(share))
    assert told[0] == 0
    assert told[-1] == 1
    assert [curve.name for curve in found.pitch] == [one.name for one in ear.listeners]
    for number, one in enumerate(ear.listeners):
        own = one.emotions([WAVE, spoken(WAVE, semitones=4), spoken(WAVE, rate=0.8), spoken(WAVE)], {})
        higher, slower = found.pitch[number], found.rate[number]
        assert (higher.values, slower.values) == (SEMITONES, RATES)
        np.testing.assert_allclose(higher.unchanged, own[0], atol=1e-5)
        np.testing.assert_allclose(higher.probabilities[-1], own[1], atol=1e-5)
        np.testing.assert_allclose(slower.probabilities[0], own[2], atol=1e-5)
        np.testing.assert_allclose(slower.probabilities[RATES.index(1)], own[3], atol=1e-5)
        np.testing.assert_allclose(higher.probabilities[SEMITONES.index(0)], own[3], atol=1e-5)
    page = render.changed(ear, found)
    assert page.count("scope='row'") == 5
    assert "These are teaching models" in page


def test_a_curve_in_words():
    shares = np.array([[0.8, 0.2], [0.4, 0.6], [0.3, 0.7]])
    curve = Curve("x", ("anger", "fear"), (-4, 0, 4), shares, np.array([0.6, 0.4]))
    assert in_words(curve, ["-4", "+0", "+4"]) == "anger; fear at +0, +4"
    steady = Curve("x", ("anger", "fear"), (-4, 0, 4), shares[[0, 0, 0]], np.array([0.6, 0.4]))
    assert in_words(steady, ["-4", "+0", "+4"]) == "anger"
