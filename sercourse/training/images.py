"""Spectrograms as images of one size, and how they are changed in training.

Source: Wen et al. 2023, section 5.2.1; Park et al. (SpecAugment), Interspeech 2019; Ko et al. (speed perturbation),
Interspeech 2015.
Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import affine_transform

from sercourse.models import ranges
from sercourse.models.image_branch import SMALLEST

BINS, PER_SECOND = 400, 100
"""Of the spectrogram that images are made from: bins, and frames per second."""

SECONDS: dict[str, float] = {"savee": 5.0, "iemocap": 6.0, "iemocap-improvised": 6.0}
"""Corpus to the length of its images in the paper; others have the 4 s of EMO-DB."""


@dataclass(frozen=True)
class ImageConfig:
    """How a spectrogram becomes an image of fixed size, and how it is changed in training.

    Raises:
        ValueError: a value outside its range, or an image that is too small for the networks.
    """

    seconds: float = 4.0
    """Length of the image: 4 for EMO-DB, 5 for SAVEE, 6 for IEMOCAP, of which that covers 75 percent; of a longer
    utterance head and tail are cut, a shorter one is padded with the mean."""
    step: int = 1
    """Every so many frames of 10 ms one is kept."""
    bins: int = BINS
    """Up to 4 kHz; a divisor of 400: neighbours are averaged, in dB."""
    masks: int = 0
    """Stretches of time and bands of frequency, so many of each, that are hidden in training (SpecAugment)."""
    mask_share: float = 0.1
    """Largest part of the image that one of them hides."""
    speed: float = 0.0
    """Speech is slower or faster by up to this share: time and frequency change together, as on a tape."""
    pitch: float = 0.0
    """Frequencies alone are scaled by up to this share."""

    def __post_init__(self) -> None:
        ranges.positive(self, "seconds")
        ranges.at_least_one(self, "step", "bins")
        ranges.shares(self, "mask_share", "speed", "pitch")
        ranges.not_negative(self, "masks")
        if BINS % self.bins:
            raise ValueError(f"bins={self.bins}: must be a divisor of {BINS}, such as 200")
        if min(self.frames, self.bins) < SMALLEST:
            raise ValueError(
                f"an image of {self.frames} frames and {self.bins} bins: the networks need {SMALLEST} of both;"
                " raise seconds or bins, or lower step"
            )

    @property
    def frames(self) -> int:
        """Length of the image."""
        return round(self.seconds * PER_SECOND) // self.step


def image(spectrogram: np.ndarray, config: ImageConfig) -> np.ndarray:
    """A spectrogram ``(T, 400)`` in dB with fewer frames and bins, ``(T', F)``, of its own length."""
    kept = np.asarray(spectrogram, dtype=np.float32)[:: config.step]
    return kept.reshape(len(kept), config.bins, -1).mean(2)


def warped(seen: np.ndarray, config: ImageConfig, rng: np.random.Generator) -> np.ndarray:
    """The image at another speed and pitch, ``(T, F)`` to ``(T', F)``; beyond 4 kHz the last bin goes on."""
    speed = 1.0 + rng.uniform(-config.speed, config.speed)
    pitch = speed * (1.0 + rng.uniform(-config.pitch, config.pitch))
    shape = max(round(len(seen) / speed), 1), seen.shape[1]
    return affine_transform(seen, (speed, 1.0 / pitch), output_shape=shape, order=1, mode="nearest")


def framed(seen: np.ndarray, config: ImageConfig) -> tuple[np.ndarray, np.ndarray]:
    """The image at its one size, ``(frames, F)``, head and tail cut or zeros behind it; and 1.0 for what is there."""
    head = max(len(seen) - config.frames, 0) // 2
    seen = seen[head : head + config.frames]
    missing = config.frames - len(seen)
    return np.pad(seen, ((0, missing), (0, 0))), np.pad(np.ones(len(seen), dtype=np.float32), (0, missing))


def hide(kept: np.ndarray, config: ImageConfig, rng: np.random.Generator) -> None:
    """Set stretches of ``kept (N,)`` to 0, in place."""
    for _ in range(config.masks):
        hidden = int(rng.integers(int(config.mask_share * len(kept)) + 1))
        first = int(rng.integers(len(kept) - hidden + 1))
        kept[first : first + hidden] = 0.0
