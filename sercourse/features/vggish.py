"""The log-mel front end of VGGish, so that published weights see what they were trained on.

It differs from :class:`~sercourse.features.spectral.LogMel` in all that is a matter of taste: magnitudes in place of
power, a natural logarithm with an offset in place of dB, triangles that are straight lines over mel in place of hertz,
bands from 125 to 7500 Hz, and frames that begin at sample ``t * hop`` (none reaches beyond the end) in place of centred
ones. A network that learnt from one of them makes little of the other.

Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from sercourse.features.base import PerUtterance
from sercourse.features.spectral import BLOCK_FRAMES, hz_to_mel, mel_to_hz
from sercourse.signal.audio import SAMPLE_RATE
from sercourse.signal.framing import frames, samples


@dataclass(frozen=True)
class VggishLogMel(PerUtterance):
    """Whole examples of 96 log-mel frames, one below the other: ``reshape(-1, 96, 64)`` gives them back.

    Periodic Hann windows of 25 ms every 10 ms, magnitudes of a transform of 512 points, 64 triangles evenly spaced in
    mel from 125 to 7500 Hz, ``log(mel + 0.01)``, cut into examples of 96 frames that do not overlap. As in the release,
    what is left behind the last whole example is dropped. Other than there, an utterance that does not fill one example
    (below 15 600 samples: 0.96 s of hops and the overlap of the last window) is padded with zeros at its end and gives
    one; the release gives none, and emotional utterances are often that short.

    Attributes:
        window_seconds: length of a frame.
        hop_seconds: from the beginning of a frame to that of the next.
        n_fft: points of the transform; zeros follow the window.
        n_mels: bands, ``F``.
        low_hz: lower corner of the first band.
        high_hz: upper corner of the last band.
        offset: added before the logarithm, so that silence has one: ``log(0.01) = -4.6``.
        example_frames: frames of an example.

    Source: Hershey et al., ICASSP 2017, section 3.2; the release in tensorflow/models, research/audioset/vggish.
    """

    name: ClassVar[str] = "vggish_logmel"
    window_seconds: float = 0.025
    hop_seconds: float = 0.010
    n_fft: int = 512
    n_mels: int = 64
    low_hz: float = 125.0
    high_hz: float = 7500.0
    offset: float = 0.01
    example_frames: int = 96

    @property
    def columns(self) -> list[str]:
        """Centre of each band."""
        centres = mel_to_hz(_corners(self.n_mels, self.low_hz, self.high_hz)[1:-1])
        return [f"{hertz:.0f} Hz" for hertz in centres]

    @property
    def example_samples(self) -> int:
        """Samples that one example takes, its last window included."""
        return samples(self.window_seconds) + (self.example_frames - 1) * samples(self.hop_seconds)

    def compute(self, waveform: np.ndarray) -> np.ndarray:
        """Shape ``(N * 96, 64)`` with ``N`` at least 1."""
        waveform = np.pad(waveform, (0, max(0, self.example_samples - len(waveform))))
        cut = frames(waveform, self.window_seconds, self.hop_seconds, window=None)
        cut = cut[: len(cut) // self.example_frames * self.example_frames]
        blocks = [self._log_mel(cut[start : start + BLOCK_FRAMES]) for start in range(0, len(cut), BLOCK_FRAMES)]
        return np.concatenate(blocks)

    def _log_mel(self, cut: np.ndarray) -> np.ndarray:
        """Frames ``(T, 400)`` to log-mel ``(T, 64)``; in double precision, as in the release."""
        magnitude = np.abs(np.fft.rfft(cut * _hann(cut.shape[1]), self.n_fft))  # (T, 257)
        mel = magnitude @ mel_triangles(self.n_mels, self.n_fft, self.low_hz, self.high_hz)  # (T, 64)
        return np.log(mel + self.offset).astype(np.float32)


@lru_cache(maxsize=8)
def mel_triangles(n_mels: int, n_fft: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Triangles of height 1 whose sides are straight over MEL; over hertz they bend a little.

    Bin 0, the offset of the microphone, is in no band.

    Args:
        n_mels: bands.
        n_fft: points of the transform.
        low_hz: lower corner of the first band.
        high_hz: upper corner of the last band.

    Returns:
        Weights, shape ``(n_fft // 2 + 1, n_mels)``.
    """
    mel = hz_to_mel(np.fft.rfftfreq(n_fft, 1 / SAMPLE_RATE))[:, None]  # (F, 1)
    corners = _corners(n_mels, low_hz, high_hz)
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    weights = np.minimum((mel - left) / (centre - left), (right - mel) / (right - centre)).clip(min=0)  # (F, n_mels)
    weights[0] = 0
    return weights


def _corners(n_mels: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Corners of the bands in mel, evenly spaced, shape ``(n_mels + 2,)``."""
    return np.linspace(hz_to_mel(low_hz), hz_to_mel(high_hz), n_mels + 2)


@lru_cache(maxsize=8)
def _hann(length: int) -> np.ndarray:
    """Periodic: the cosine's period is ``length``, not ``length - 1``."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
