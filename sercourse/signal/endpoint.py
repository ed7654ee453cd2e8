"""Where speech begins and ends: short-term energy with a double threshold, then the zero-crossing rate.

A vowel is loud, so frames above a high threshold are speech for certain; from there speech is followed outwards
until the energy falls below a low threshold. A fricative at the border (the s of "sieben") is hardly louder than
the room but crosses zero far more often, so the border moves out over frames with a high zero-crossing rate.

Notebook: 01_signal_preprocessing.ipynb
Source: Rabiner and Sambur, Bell System Technical Journal 54(2), 1975; used in ASP-MTL (Liu and Zhang, IEEE Access
2023), section IV B.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfilt

from sercourse.errors import AudioError
from sercourse.signal.audio import SAMPLE_RATE
from sercourse.signal.framing import FRAME_SECONDS, HOP_SECONDS, frames, samples

MIN_DYNAMIC_DB = 10.0
"""Between room and loudest frame. Stationary noise spreads over about 3 dB, speech over 30 and more."""

SILENCE_DB = -80.0
"""Mean square below which a frame is silent whatever its neighbours are (0 dB: a square wave at full scale)."""

HIGH_SHARE, LOW_SHARE = 0.5, 0.25
"""The two thresholds, as shares of the way from the room's level to the loudest frame, in dB."""

FRICATIVE_REACH = 25
"""Frames (0.25 s) outside the energy's border in which a fricative is looked for."""

MIN_SPEECH_SECONDS = 0.05
"""Shorter bursts are clicks."""

MAX_PAUSE_SECONDS = 0.3
"""Shorter gaps belong to the utterance: closures of stops, a breath."""

_ABOVE_RUMBLE = butter(4, 100.0, "highpass", fs=SAMPLE_RATE, output="sos")
"""Offset, mains hum and the rumble of a street lie below 100 Hz; of a voice only the lowest harmonic does."""


def find_speech(waveform: np.ndarray) -> list[tuple[float, float]]:
    """Find the stretches of speech.

    Args:
        waveform: 16 kHz, shape ``(T,)``.

    Returns:
        ``(start, end)`` in seconds, in order, without overlap; empty for silence, for stationary noise and for less
        than one frame of audio.
    """
    if len(waveform) < samples(FRAME_SECONDS):
        return []
    voice = sosfilt(_ABOVE_RUMBLE, waveform - waveform.mean())
    energy, crossings = _energy_db(voice), zero_crossing_rate(voice)  # (T_frames,) each
    room, peak = max(np.percentile(energy, 5), SILENCE_DB), np.percentile(energy, 99)
    if peak - room < MIN_DYNAMIC_DB:
        return []
    loud = energy > room + HIGH_SHARE * (peak - room)
    audible = energy > room + LOW_SHARE * (peak - room)
    spans = [span for span in runs(audible) if loud[slice(*span)].any()]
    hissing = _hissing(energy, crossings, room, peak)
    spans = _merge([_reach_out(span, hissing) for span in spans])
    seconds = [(first * HOP_SECONDS, (last - 1) * HOP_SECONDS + FRAME_SECONDS) for first, last in spans]
    return [(start, end) for start, end in seconds if end - start - FRAME_SECONDS >= MIN_SPEECH_SECONDS]


def speech_mask(waveform: np.ndarray) -> np.ndarray:
    """True where a sample lies within speech, shape ``(T,)``."""
    mask = np.zeros(len(waveform), dtype=bool)
    for start, end in find_speech(waveform):
        mask[samples(start) : samples(end)] = True
    return mask


def trim(waveform: np.ndarray) -> np.ndarray:
    """Cut off what lies before the first and after the last stretch of speech; pauses inside stay.

    Raises:
        AudioError: no speech was found.
    """
    spans = find_speech(waveform)
    if not spans:
        raise AudioError("no speech found, only silence or steady noise; leave the utterance out.")
    return waveform[samples(spans[0][0]) : samples(spans[-1][1])]


def trim_to(waveform: np.ndarray, max_seconds: float) -> np.ndarray:
    """Cut head and tail by equal parts, so that the middle ``max_seconds`` remain; shorter audio is kept as it is.

    Source: Wen et al., APFL, section 5.2.1 (six seconds there).
    """
    surplus = len(waveform) - samples(max_seconds)
    if surplus <= 0:
        return waveform
    return waveform[surplus // 2 : surplus // 2 + samples(max_seconds)]


def zero_crossing_rate(waveform: np.ndarray) -> np.ndarray:
    """Share of neighbouring samples whose sign differs, per frame of 25 ms every 10 ms; shape ``(T_frames,)``."""
    negative = frames(waveform, window=None) < 0
    return (negative[:, 1:] != negative[:, :-1]).mean(axis=1)


def _energy_db(waveform: np.ndarray) -> np.ndarray:
    """Mean square per frame in dB, shape ``(T_frames,)``."""
    power = np.square(frames(waveform, window=None), dtype=np.float64).mean(axis=1)
    return 10 * np.log10(np.maximum(power, 10 ** (SILENCE_DB / 10 - 1)))


def _hissing(energy: np.ndarray, crossings: np.ndarray, room: float, peak: float) -> np.ndarray:
    """Frames that could be a fricative: above the room's level and crossing zero more often than the room does."""
    quiet = crossings[energy <= room + LOW_SHARE * (peak - room)]
    threshold = max(0.15, quiet.mean() + 2 * quiet.std()) if quiet.size else 0.15  # .15: about 1200 crossings/s up
    return (crossings > threshold) & (energy > room + 3.0)


def _reach_out(span: tuple[int, int], hissing: np.ndarray) -> tuple[int, int]:
    """Move both borders over a fricative, if at least three hissing frames lie within reach."""
    first, last = span
    before = np.flatnonzero(hissing[max(0, first - FRICATIVE_REACH) : first])
    after = np.flatnonzero(hissing[last : last + FRICATIVE_REACH])
    if len(before) >= 3:
        first = max(0, first - FRICATIVE_REACH) + int(before[0])
    if len(after) >= 3:
        last = last + int(after[-1]) + 1
    return first, last


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """``(first, last + 1)`` of every run of true frames."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False]))))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def _merge(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join stretches with less than a pause between them."""
    merged: list[tuple[int, int]] = []
    for first, last in spans:
        if merged and first - merged[-1][1] < MAX_PAUSE_SECONDS / HOP_SECONDS:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
