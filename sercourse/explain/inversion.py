"""A spectrogram made audible: levels back to a waveform, with phases that Griffin and Lim's method finds.

A log magnitude spectrogram says how strong each frequency is and when, not where in its cycle it stands: the phase is
lost. The method guesses one: begin with random phases, make a waveform, look at *its* phases, keep them, put the wanted
magnitudes back, and again. What comes out is a waveform whose spectrogram is close to the wanted one; it sounds a
little hollow where the guess fails.

Source: Griffin and Lim, "Signal estimation from modified short-time Fourier transform", IEEE Transactions on
Acoustics, Speech, and Signal Processing 32, 1984.
Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import librosa
import numpy as np

from sercourse.features.spectral import LogMagnitude
from sercourse.signal.framing import samples

ITERATIONS = 32
"""Rounds of the method: more are hardly heard."""


def to_waveform(
    levels: np.ndarray, *, length: int | None = None, iterations: int = ITERATIONS, seed: int = 0
) -> np.ndarray:
    """A waveform with (nearly) this spectrogram.

    Args:
        levels: ``(T, 513)`` in dB, as :class:`~sercourse.features.spectral.LogMagnitude` gives them.
        length: samples of the waveform; ``None``: as many as the frames cover, up to one hop less than there were.
        iterations: rounds of Griffin and Lim, 0 or more; 0 leaves the phases random.
        seed: of the first phases.

    Returns:
        ``(samples,)``, float32, 16 kHz, at the level that the spectrogram says.

    Raises:
        ValueError: not of this shape.
    """
    form = LogMagnitude()
    bins = form.n_fft // 2 + 1
    if levels.ndim != 2 or levels.shape[1] != bins or not len(levels):
        raise ValueError(f"levels of shape {levels.shape}: must be (frames, {bins}), with one frame or more")
    hop = samples(form.hop_seconds)
    magnitudes = 10 ** (np.asarray(levels, dtype=np.float32).T / 20)  # (513, T)
    return librosa.griffinlim(
        magnitudes, n_iter=iterations, hop_length=hop, win_length=samples(form.window_seconds), n_fft=form.n_fft,
        window=form.window, center=True, pad_mode="constant", random_state=seed,
        length=hop * (len(levels) - 1) if length is None else length,
    ).astype(np.float32)  # fmt: skip


def distance_db(one: np.ndarray, other: np.ndarray, *, floor: float = -60.0) -> float:
    """How far two spectrograms are apart: mean absolute difference in dB.

    Args:
        one: ``(T, F)`` in dB.
        other: the same shape; a longer one is cut.
        floor: levels are raised to this far below the loudest point of ``one`` first: what nobody hears does not count.
    """
    frames = min(len(one), len(other))
    lowest = float(one.max()) + floor
    return float(np.abs(np.maximum(one[:frames], lowest) - np.maximum(other[:frames], lowest)).mean())
