"""Spectrograms, log-mel and MFCC.

All levels are in dB with an absolute floor and no reference to the utterance's loudest frame, so that a frame's
value does not depend on what is said later.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from scipy.fft import dct
from scipy.ndimage import correlate1d
from scipy.signal import get_window, savgol_coeffs

from sercourse.features.base import PerUtterance, checked, map_threads
from sercourse.signal.audio import SAMPLE_RATE
from sercourse.signal.framing import samples

FLOOR_POWER = 1e-10
"""Power below which a level is cut off: -100 dB."""

BLOCK_FRAMES = 4096
"""Frames computed at once (41 s at 100 frames per second), so that an hour of audio needs no more memory."""


class _Threaded(PerUtterance):
    """Utterances on several threads: torch leaves Python's lock while it computes."""

    def __call__(self, waveforms: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Compute utterance by utterance; see :class:`~sercourse.features.base.Extractor`."""
        return map_threads(self.compute, [checked(waveform) for waveform in waveforms])


@dataclass(frozen=True)
class _Spectrogram(_Threaded):
    """Short-time Fourier transform, the common part."""

    window_seconds: float
    hop_seconds: float
    n_fft: int
    window: str

    def power_blocks(self, waveform: np.ndarray) -> Iterator[torch.Tensor]:
        """Squared magnitudes ``(T_block, n_fft // 2 + 1)``, block by block."""
        length = samples(self.window_seconds)
        window = _window(self.window, length)
        for block in centred_frames(waveform, length, samples(self.hop_seconds)).split(BLOCK_FRAMES):
            spectrum = torch.view_as_real(torch.fft.rfft(block * window, n=self.n_fft)).square_()  # (T, F, 2)
            yield spectrum[..., 0] + spectrum[..., 1]  # (T, F)


@dataclass(frozen=True)
class LogMagnitude(_Spectrogram):
    """Log magnitude spectrogram of the emotion-embedding autoencoder: 513 bins, dB.

    The paper prints the 513 only, which is a transform of 1024 points. Sampling rate, window and hop are ours: 16 kHz,
    Hann, 64 ms (all 1024 points) every 12.5 ms, a usual hop for spectrograms that a decoder is to restore.

    Source: Zhang and Xue, section III A.
    """

    name: ClassVar[str] = "logmag"
    window_seconds: float = 0.064
    hop_seconds: float = 0.0125
    n_fft: int = 1024
    window: str = "hann"

    @property
    def columns(self) -> list[str]:
        """Centre of each bin."""
        return [f"{k * SAMPLE_RATE / self.n_fft:g} Hz" for k in range(self.n_fft // 2 + 1)]

    def compute(self, waveform: np.ndarray) -> np.ndarray:
        """Shape ``(T_frames, 513)``."""
        return torch.cat([decibel(power) for power in self.power_blocks(waveform)]).numpy()


@dataclass(frozen=True)
class LogMagnitudeStatistics(LogMagnitude):
    """Mean and standard deviation over time of every bin of :class:`LogMagnitude`: what is left when order is ignored.

    A linear classifier on these is the least that a network on the same spectrogram has to beat (chapter 02).
    """

    name: ClassVar[str] = "logmag_stats"

    @property
    def columns(self) -> list[str]:
        """``mean 0 Hz`` …, ``spread 0 Hz`` …."""
        centres = super().columns
        return [f"{statistic} {centre}" for statistic in ("mean", "spread") for centre in centres]

    def compute(self, waveform: np.ndarray) -> np.ndarray:
        """Shape ``(1026,)``, dB; the spread of a single frame is 0."""
        frames = super().compute(waveform)  # (T, 513)
        return np.concatenate([frames.mean(0), frames.std(0)])


@dataclass(frozen=True)
class Spectrogram400(_Spectrogram):
    """Spectrogram of APFL: 400 bins from 10 Hz to 4 kHz in steps of 10 Hz, dB.

    Hamming windows of 40 ms every 10 ms. A grid of 10 Hz at 16 kHz is a transform of 1600 points, of which the window
    fills 640. Bin 0 (the offset, which tells about the microphone only) is left out, so bin 400 at 4 kHz is in.
    Whether the paper takes a logarithm is not said.

    Source: Wen et al., section 5.2.1, after Satt et al., Interspeech 2017.
    """

    name: ClassVar[str] = "spec400"
    window_seconds: float = 0.040
    hop_seconds: float = 0.010
    n_fft: int = 1600
    window: str = "hamming"
    n_bins: int = 400

    @property
    def columns(self) -> list[str]:
        """Centre of each bin."""
        return [f"{k * SAMPLE_RATE / self.n_fft:g} Hz" for k in range(1, self.n_bins + 1)]

    def compute(self, waveform: np.ndarray) -> np.ndarray:
        """Shape ``(T_frames, 400)``."""
        blocks = (decibel(power[:, 1 : self.n_bins + 1]) for power in self.power_blocks(waveform))
        return torch.cat(list(blocks)).numpy()


@dataclass(frozen=True)
class LogMel(_Spectrogram):
    """Log-mel spectrogram: Hamming windows of 25 ms every 10 ms, 64 bands from 0 to 8 kHz, dB.

    The bands are triangles of height 1 on the mel scale of :func:`hz_to_mel` (librosa: ``htk=True, norm=None``).
    """

    name: ClassVar[str] = "logmel"
    window_seconds: float = 0.025
    hop_seconds: float = 0.010
    n_fft: int = 512
    window: str = "hamming"
    n_mels: int = 64

    @property
    def columns(self) -> list[str]:
        """Centre of each band."""
        return [f"{hertz:.0f} Hz" for hertz in mel_edges(self.n_mels)[1:-1]]

    def compute(self, waveform: np.ndarray) -> np.ndarray:
        """Shape ``(T_frames, n_mels)``."""
        filters = _mel_tensor(self.n_mels, self.n_fft)
        return torch.cat([decibel(power @ filters) for power in self.power_blocks(waveform)]).numpy()


@dataclass(frozen=True)
class Mfcc(_Threaded):
    """Mel-frequency cepstral coefficients of :class:`LogMel`, their slopes and the slopes' slopes.

    ``n_mfcc`` coefficients (an orthonormal cosine transform of the log-mel spectrum; the first is the level), then
    their first and second derivatives by least squares over 9 frames, the end frames repeated outwards
    (librosa: ``delta(..., order=1 and 2, mode="nearest")``).
    """

    name: ClassVar[str] = "mfcc"
    n_mfcc: int = 13
    n_mels: int = 64
    delta_frames: int = 9

    @property
    def columns(self) -> list[str]:
        """``mfcc_0`` …, ``delta_0`` …, ``delta2_0`` …."""
        return [f"{kind}_{k}" for kind in ("mfcc", "delta", "delta2") for k in range(self.n_mfcc)]

    def compute(self, waveform: np.ndarray) -> np.ndarray:
        """Shape ``(T_frames, 3 * n_mfcc)``."""
        return self.from_log_mel(LogMel(n_mels=self.n_mels).compute(waveform))

    def from_log_mel(self, log_mel: np.ndarray) -> np.ndarray:
        """The same from a log-mel spectrogram ``(T_frames, n_mels)`` that is there already."""
        cepstrum = log_mel @ _cosines(self.n_mels, self.n_mfcc)  # (T, n_mfcc)
        slopes = [correlate1d(cepstrum, _slope(self.delta_frames, order), axis=0, mode="nearest") for order in (1, 2)]
        return np.concatenate([cepstrum, *slopes], axis=1)


def centred_frames(waveform: np.ndarray, length: int, hop: int) -> torch.Tensor:
    """Frames centred on samples 0, ``hop``, ``2 * hop``, …; zeros beyond the ends.

    Args:
        waveform: shape ``(T,)``.
        length: samples per frame, an even number.
        hop: samples.

    Returns:
        A view of shape ``(1 + T // hop, length)``.
    """
    padded = torch.nn.functional.pad(torch.from_numpy(waveform), (length // 2, length // 2))
    return padded.unfold(0, length, hop)


def decibel(power: torch.Tensor) -> torch.Tensor:
    """``10 log10(power)``, not below -100 dB."""
    return power.clamp_min(FLOOR_POWER).log10_().mul_(10.0)


def hz_to_mel(hertz: np.ndarray | float) -> np.ndarray | float:
    """Hertz to mel, ``1127 ln(1 + f / 700)``: 1000 Hz is 1000 mel.

    The ASP-MTL paper prints ``1127 lg``; with the factor 1127 the logarithm is the natural one (with base 10 the
    factor is 2595, and 1127 lg would put 1000 Hz at 434 mel).

    Source: ASP-MTL (Liu and Zhang, IEEE Access 2023), equation 20, corrected.
    """
    return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)


def mel_to_hz(mel: np.ndarray | float) -> np.ndarray | float:
    """Mel to hertz, the inverse of :func:`hz_to_mel`."""
    return 700.0 * np.expm1(np.asarray(mel) / 1127.0)


def mel_edges(n_mels: int) -> np.ndarray:
    """Hertz of the bands' corners, evenly spaced in mel from 0 to 8 kHz, shape ``(n_mels + 2,)``."""
    return mel_to_hz(np.linspace(0.0, hz_to_mel(SAMPLE_RATE / 2), n_mels + 2))


def mel_filters(n_mels: int, n_fft: int) -> np.ndarray:
    """Triangles of height 1: band ``m`` rises from corner ``m`` to ``m + 1`` and falls to ``m + 2``.

    Returns:
        Weights, shape ``(n_fft // 2 + 1, n_mels)``.
    """
    bins = np.fft.rfftfreq(n_fft, 1 / SAMPLE_RATE)[:, None]  # (F, 1)
    left, centre, right = mel_edges(n_mels)[:-2], mel_edges(n_mels)[1:-1], mel_edges(n_mels)[2:]
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)  # (F, n_mels)
    return np.maximum(0.0, np.minimum(rising, falling))


@lru_cache(maxsize=8)
def _mel_tensor(n_mels: int, n_fft: int) -> torch.Tensor:
    return torch.from_numpy(mel_filters(n_mels, n_fft).astype(np.float32))


@lru_cache(maxsize=8)
def _cosines(n_mels: int, n_mfcc: int) -> np.ndarray:
    """Orthonormal cosine transform as a matrix, shape ``(n_mels, n_mfcc)``."""
    return dct(np.eye(n_mels), norm="ortho")[:, :n_mfcc].astype(np.float32)


@lru_cache(maxsize=8)
def _slope(n_frames: int, order: int) -> np.ndarray:
    """Weights that turn ``n_frames`` values into their derivative of order 1 or 2, shape ``(n_frames,)``."""
    return savgol_coeffs(n_frames, polyorder=order, deriv=order, use="dot")


@lru_cache(maxsize=8)
def _window(name: str, length: int) -> torch.Tensor:
    return torch.from_numpy(get_window(name, length).astype(np.float32))
