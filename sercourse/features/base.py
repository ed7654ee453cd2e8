"""What every extractor of features has in common.

One convention of time holds for all frame-wise features: frame ``t`` is CENTRED on sample ``t * hop``, a waveform of
``N`` samples has ``1 + N // hop`` frames, and frames that reach beyond an end see zeros there (librosa's
``center=True``). So the frames of two features with the same hop belong together, whatever their window lengths.

Utterances are computed each for itself, never padded to the length of another: an utterance has the same features, bit
for bit, alone and in a batch, with one thread and with many. Threads take whole utterances (:func:`map_threads`), for
threads that share one short utterance wait for each other most of the time.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import ClassVar, Protocol, TypeVar

import numpy as np
import torch

from sercourse.errors import AudioError

Result = TypeVar("Result")


class Extractor(Protocol):
    """Waveforms to features. An extractor is small and can be sent to another process.

    Attributes:
        name: its name in :data:`~sercourse.features.registry.FEATURES`.
        version: goes up whenever the same waveform and configuration would give other values.
        config: everything that changes the values, fit for JSON.
        columns: names of the last axis; ``None`` where it has none.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def config(self) -> dict: ...
    @property
    def columns(self) -> list[str] | None: ...

    def __call__(self, waveforms: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Compute the features of some utterances.

        Args:
            waveforms: 16 kHz mono float32, shape ``(T,)`` each.

        Returns:
            For each utterance ``(D,)`` (functionals) or ``(T_frames, F)`` (frame by frame), float32.

        Raises:
            AudioError: a waveform holds NaN or is too short for this feature.
        """
        ...


class PerUtterance:
    """Base of the extractors here: a frozen dataclass whose fields are the configuration."""

    name: ClassVar[str]
    version: ClassVar[int] = 1

    @property
    def config(self) -> dict:
        """The dataclass's fields."""
        return asdict(self)

    def __call__(self, waveforms: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Compute utterance by utterance; see :class:`Extractor`."""
        return [self.compute(checked(waveform)) for waveform in waveforms]

    def compute(self, waveform: np.ndarray) -> np.ndarray:
        """The features of one checked waveform."""
        raise NotImplementedError


def checked(waveform: np.ndarray) -> np.ndarray:
    """The waveform as contiguous float32.

    Raises:
        AudioError: not one-dimensional, empty, or holds NaN or infinity.
    """
    if waveform.ndim != 1 or not len(waveform):
        raise AudioError(f"a waveform of shape {waveform.shape}; one channel with at least one sample is needed.")
    if not np.isfinite(waveform).all():
        raise AudioError("the waveform holds samples that are not numbers (NaN or infinity); export the file again.")
    return np.ascontiguousarray(waveform, dtype=np.float32)


def map_threads(function: Callable[[np.ndarray], Result], waveforms: Sequence[np.ndarray]) -> list[Result]:
    """Apply a function made of torch operations to each waveform, ``torch.get_num_threads()`` waveforms at a time.

    Each waveform has one thread, whether it comes alone or with others, so its result is the same bit for bit.
    """
    threads = torch.get_num_threads()
    if threads == 1:
        return [function(waveform) for waveform in waveforms]
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(function, waveforms))
    finally:
        torch.set_num_threads(threads)  # the number is kept per thread, but threads begin with the last one set


def frame_times(n_frames: int, hop_seconds: float) -> np.ndarray:
    """Seconds from the beginning of the waveform to the centre of each frame, shape ``(T_frames,)``."""
    return np.arange(n_frames) * hop_seconds
