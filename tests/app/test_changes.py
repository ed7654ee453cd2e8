"""Pitch and rate: curves belong to their networks, and are told in words."""

from __future__ import annotations

import numpy as np
from little_runs import voice

from sercourse.app import render
from sercourse.app.changes import RATES, SEMITONES, Curve, changes, in_words
from sercourse.app.hearing import listen
from sercourse.signal.prosody_change import change_prosody

WAVE = listen(voice(180, 1.2)).waveform


def test_curves_are_the_networks_own_answers(networks):
    told = []
    found = changes(networks, WAVE, progress=lambda share, what: told.append(share))
    assert told[0] == 0
    assert told[-1] == 1
    assert [curve.name for curve in found.pitch] == [one.name for one in networks.listeners]
    for number, one in enumerate(networks.listeners):
        asked = [change_prosody(WAVE, **how) for how in ({"semitones": 4}, {"rate": 0.8}, {})]
        own = one.emotions([WAVE, *asked], {})
        higher, slower = found.pitch[number], found.rate[number]
        assert (higher.values, slower.values) == (SEMITONES, RATES)
        np.testing.assert_allclose(higher.unchanged, own[0], atol=1e-5)
        np.testing.assert_allclose(higher.probabilities[-1], own[1], atol=1e-5)
        np.testing.assert_allclose(slower.probabilities[0], own[2], atol=1e-5)
        np.testing.assert_allclose(slower.probabilities[RATES.index(1)], own[3], atol=1e-5)
        np.testing.assert_allclose(higher.probabilities[SEMITONES.index(0)], own[3], atol=1e-5)
    page = render.changed(networks, found)
    assert page.count("scope='row'") == 5
    assert "These are teaching models" in page


def test_a_curve_in_words():
    shares = np.array([[0.8, 0.2], [0.4, 0.6], [0.3, 0.7]])
    curve = Curve("x", ("anger", "fear"), (-4, 0, 4), shares, np.array([0.6, 0.4]))
    assert in_words(curve, ["-4", "+0", "+4"]) == "anger; fear at +0, +4"
    steady = Curve("x", ("anger", "fear"), (-4, 0, 4), shares[[0, 0, 0]], np.array([0.6, 0.4]))
    assert in_words(steady, ["-4", "+0", "+4"]) == "anger"
