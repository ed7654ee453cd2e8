"""Waveform to overlapping frames: speech changes, but hardly within 25 ms.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

import numpy as np
from scipy.signal import get_window, lfilter

from sercourse.errors import AudioError
from sercourse.signal.audio import SAMPLE_RATE

FRAME_SECONDS = 0.025
"""Within the 10 to 30 ms of the ASP-MTL paper."""

HOP_SECONDS = 0.010
"""100 frames per second; neighbours overlap by 15 ms, so nothing falls between two frames."""


def pre_emphasis(waveform: np.ndarray, coefficient: float = 0.97) -> np.ndarray:
    """Raise the treble, which the voice's source loses by about 6 dB per octave.

    ``y[t] = x[t] - coefficient * x[t - 1]``; the first sample is kept as it is.

    Args:
        waveform: shape ``(T,)``.
        coefficient: 0 (no change) to below 1.

    Returns:
        Waveform of the same shape and dtype.

    Source: Liu and Zhang, ASP-MTL (IEEE Access 2023), section IV B.
    """
    emphasised = lfilter([1.0, -coefficient], [1.0], waveform)  # starts from rest: y[0] = x[0]
    return emphasised.astype(waveform.dtype, copy=False)


def samples(seconds: float) -> int:
    """Seconds as a whole number of samples at 16 kHz."""
    return round(seconds * SAMPLE_RATE)


def frame_count(n_samples: int, frame_seconds: float = FRAME_SECONDS, hop_seconds: float = HOP_SECONDS) -> int:
    """Number of frames in ``n_samples``: ``1 + (n_samples - N) // hop``, and 0 below one frame of ``N`` samples."""
    length, hop = samples(frame_seconds), samples(hop_seconds)
    return 0 if n_samples < length else 1 + (n_samples - length) // hop


def frames(
    waveform: np.ndarray,
    frame_seconds: float = FRAME_SECONDS,
    hop_seconds: float = HOP_SECONDS,
    window: str | None = "hamming",
) -> np.ndarray:
    """Cut a waveform into overlapping frames; frame ``t`` begins at sample ``t * hop``.

    No frame reaches beyond the end, so up to one hop of the tail is left over. (The features of
    :mod:`sercourse.features` centre their frames instead and pad with zeros.)

    Args:
        waveform: 16 kHz, shape ``(T,)``.
        frame_seconds: length of a frame.
        hop_seconds: from the beginning of a frame to that of the next.
        window: a name that ``scipy.signal.get_window`` knows (``"hamming"``, ``"hann"``); ``None``: no window, and
            the result is a read-only view that takes no memory.

    Returns:
        Frames, shape ``(T_frames, N)``, see :func:`frame_count`.

    Raises:
        AudioError: the waveform is shorter than one frame.
    """
    length, hop = samples(frame_seconds), samples(hop_seconds)
    if len(waveform) < length:
        raise AudioError(
            f"only {len(waveform) / SAMPLE_RATE:.3f} s of audio, less than one frame of {frame_seconds} s;"
            " leave the utterance out or choose shorter frames."
        )
    view = np.lib.stride_tricks.sliding_window_view(waveform, length)[::hop]  # (T_frames, N)
    return view if window is None else view * get_window(window, length).astype(waveform.dtype)
