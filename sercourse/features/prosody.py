"""Pitch, zero-crossing rate and short-term energy, frame by frame.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from sercourse.features.base import PerUtterance
from sercourse.features.spectral import BLOCK_FRAMES, centred_frames
from sercourse.signal.audio import SAMPLE_RATE
from sercourse.signal.framing import samples

UNVOICED = 0.0
"""Hz given to a frame without pitch. Not NaN, which would spread through every mean and every network."""

TINY = 1e-10
"""Smaller samples count as zero when crossings are counted (librosa's threshold)."""


@dataclass(frozen=True)
class Prosody(PerUtterance):
    """Per frame of 10 ms: pitch in Hz (0: unvoiced), zero-crossing rate (0 to 1), short-term energy (mean square)."""

    name: ClassVar[str] = "prosody"
    window_seconds: float = 0.025
    hop_seconds: float = 0.010
    pitch_floor: float = 50.0
    pitch_ceiling: float = 600.0

    @property
    def columns(self) -> list[str]:
        """The three names."""
        return ["pitch_hz", "zero_crossing_rate", "energy"]

    def compute(self, waveform: np.ndarray) -> np.ndarray:
        """Shape ``(T_frames, 3)``."""
        pitch = pitch_track(waveform, self.hop_seconds, self.pitch_floor, self.pitch_ceiling)
        crossings = zero_crossing_rate(waveform, self.window_seconds, self.hop_seconds)
        energy = short_term_energy(waveform, self.window_seconds, self.hop_seconds)
        return np.stack([pitch, crossings, energy], axis=1).astype(np.float32, copy=False)


def pitch_track(
    waveform: np.ndarray, hop_seconds: float = 0.010, floor: float = 50.0, ceiling: float = 600.0
) -> np.ndarray:
    """Pitch by Praat's autocorrelation method.

    A frame spans three periods of the floor (60 ms at 50 Hz, under a Hanning window, so in effect about 30 ms).

    Args:
        waveform: shape ``(T,)``.
        hop_seconds: from frame to frame.
        floor: lowest pitch in Hz.
        ceiling: highest pitch in Hz; 600 is enough for a high voice in anger or fear.

    Returns:
        Hz, shape ``(T_frames,)``; 0 where unvoiced.

    Source: Boersma, Proceedings of the Institute of Phonetic Sciences 17, Amsterdam, 1993.
    """
    import parselmouth  # here, so that stored features can be used where it is absent

    hop, half = samples(hop_seconds), samples(1.5 / floor)
    n_frames = 1 + len(waveform) // hop
    # Praat lays its frames symmetrically into the sound. Half a frame of zeros before it, and a length that holds
    # n_frames exactly (plus a sample against rounding), put frame t on sample t * hop.
    padded = np.zeros(2 * half + (n_frames - 1) * hop + 1)
    kept = waveform[: len(padded) - half]
    padded[half : half + len(kept)] = kept
    sound = parselmouth.Sound(padded, SAMPLE_RATE)
    track = sound.to_pitch_ac(time_step=hop / SAMPLE_RATE, pitch_floor=floor, pitch_ceiling=ceiling)
    return track.selected_array["frequency"].astype(np.float32)


def zero_crossing_rate(waveform: np.ndarray, window_seconds: float = 0.025, hop_seconds: float = 0.010) -> np.ndarray:
    """Sign changes per sample in centred frames, shape ``(T_frames,)``; the end samples are held beyond the ends."""
    length, hop = samples(window_seconds), samples(hop_seconds)
    negative = waveform < -TINY
    # before[i]: sign changes between the first and the i-th sample of the waveform with its ends held
    before = np.zeros(len(waveform) + length, dtype=np.int32)
    inside = slice(length // 2 + 1, length // 2 + len(waveform))
    np.cumsum(negative[1:] != negative[:-1], out=before[inside])
    before[inside.stop :] = before[inside.stop - 1]
    first = np.arange(1 + len(waveform) // hop) * hop  # each frame's first sample
    return ((before[first + length - 1] - before[first]) / length).astype(np.float32)


def short_term_energy(waveform: np.ndarray, window_seconds: float = 0.025, hop_seconds: float = 0.010) -> np.ndarray:
    """Mean square of centred frames, shape ``(T_frames,)`` (the square of librosa's ``rms``)."""
    framed = centred_frames(waveform, samples(window_seconds), samples(hop_seconds))
    return torch.cat([block.square().mean(dim=1) for block in framed.split(BLOCK_FRAMES)]).numpy()
