"""Signals on which features are compared with librosa."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.features import known_voice

SIGNALS = {
    "noise": np.random.default_rng(1).normal(0, 0.1, 20_000).astype(np.float32),
    "voice": known_voice()[0],
    "odd length": known_voice(1.0)[0][:12_345],
    "shorter than a frame": np.random.default_rng(2).normal(0, 0.1, 250).astype(np.float32),
}


@pytest.fixture(params=SIGNALS)
def signal(request) -> np.ndarray:
    return SIGNALS[request.param]


@pytest.fixture
def glide() -> tuple[np.ndarray, np.ndarray]:
    """A voice-like waveform and its true pitch in Hz, frame by frame."""
    return known_voice()
