"""Players: what is inside the page sounds like what was put in, and stays small."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
import soundfile

from sercourse.explain.players import PEAK, mp3, player, player_table
from sercourse.signal.audio import SAMPLE_RATE

SECONDS = 2.0
TONE = (0.1 * np.sin(2 * np.pi * 440 * np.arange(int(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE)).astype(np.float32)


def sounds(html: str) -> list[np.ndarray]:
    """What the players of a page play."""
    encoded = re.findall(r"src='data:audio/mpeg;base64,([^']+)'", html)
    return [soundfile.read(io.BytesIO(base64.b64decode(sound)))[0] for sound in encoded]


def middle(waveform: np.ndarray) -> np.ndarray:
    """Without the ends, where MP3 fades in and out."""
    return waveform[len(waveform) // 4 : 3 * len(waveform) // 4]


def amplitude(waveform: np.ndarray) -> float:
    """Of a sine, from its root mean square: MP3 at a low rate keeps the level, not each sample."""
    return np.sqrt(2 * np.mean(middle(waveform) ** 2))


def test_mp3_keeps_length_pitch_and_level():
    decoded, rate = soundfile.read(io.BytesIO(mp3(TONE)))
    assert rate == SAMPLE_RATE
    assert len(decoded) == pytest.approx(len(TONE), abs=0.1 * SAMPLE_RATE)
    spectrum = np.abs(np.fft.rfft(middle(decoded)))
    assert np.argmax(spectrum) * SAMPLE_RATE / len(middle(decoded)) == pytest.approx(440, abs=2)
    assert amplitude(decoded) == pytest.approx(0.1, rel=0.05)


def test_mp3_is_small():
    noise = 0.1 * np.random.default_rng(0).standard_normal(int(SECONDS * SAMPLE_RATE))
    assert len(mp3(noise)) < 5000 * SECONDS  # bytes; 16-bit wav takes 32,000 per second


def test_loud_samples_are_clipped():
    decoded, _ = soundfile.read(io.BytesIO(mp3(20 * TONE)))
    assert np.abs(decoded).max() < 1.5


def test_loudness_is_kept_unless_normalised():
    (kept,) = sounds(player(TONE).data)
    (normalised,) = sounds(player(TONE, normalise=True).data)
    assert amplitude(kept) == pytest.approx(0.1, rel=0.05)
    assert amplitude(normalised) == pytest.approx(PEAK, rel=0.05)


def test_silence_can_be_played_normalised():
    (silent,) = sounds(player(np.zeros(SAMPLE_RATE), normalise=True).data)
    assert np.abs(silent).max() < 1e-3


def test_labels_are_escaped():
    html = player(TONE, label="<b>'x'</b>").data
    assert "<b>" not in html
    assert "&lt;b&gt;" in html


def test_a_table_has_a_player_per_cell_and_a_dash_for_none():
    html = player_table({"anger": [TONE, TONE], "fear": [TONE, None]}, ["f01", "m01"], corner="emotion").data
    assert len(sounds(html)) == 3
    assert html.count("<td>–</td>") == 1
    assert "aria-label='anger, m01'" in html
    assert [name in html for name in (">emotion<", ">f01<", ">m01<", ">anger<", ">fear<")] == [True] * 5


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="shorter"):
        player_table({"anger": [TONE]}, ["f01", "m01"])
