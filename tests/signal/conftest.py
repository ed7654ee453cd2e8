"""A sentence whose every border is known: silence, a hissing s, a vowel, a short stop, a vowel, silence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

RATE = 16_000


@dataclass(frozen=True)
class Sentence:
    waveform: np.ndarray
    start: float  # seconds, where the s begins
    vowel: float  # seconds, where the first vowel begins
    end: float  # seconds


def _vowel(seconds: float) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return 0.2 * sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 15))


@pytest.fixture(scope="session")
def sentence() -> Sentence:
    rng = np.random.default_rng(3)
    hiss = sosfilt(butter(4, 4000, "highpass", fs=RATE, output="sos"), rng.normal(size=round(0.12 * RATE)))
    speech = np.concatenate([0.0025 * hiss, _vowel(0.5), np.zeros(round(0.08 * RATE)), _vowel(0.4)])
    silence = np.zeros(RATE)
    waveform = np.concatenate([silence, speech, silence[: RATE // 2]])
    waveform += 0.0005 * rng.normal(size=len(waveform))  # the room
    return Sentence(waveform.astype(np.float32), start=1.0, vowel=1.12, end=2.1)
