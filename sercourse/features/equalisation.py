"""Histogram equalisation: features of noisy speech put on the distribution that they have in clean speech.

Noise lifts and squeezes what it touches. If it keeps the order of values, each value can be exchanged for the one that
has the same rank in clean speech.

Source: the method that Liu and Zhang cite as [9] (histograms of pitch and MFCC, a mean histogram as reference). There,
the reference is the mean of the utterances' histograms; here it is the histogram of all clean training frames, and
each condition of noise has one map of its own, which the test side is told to use.
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

PERCENTS = np.linspace(0.0, 100.0, 101)
"""Where histograms are compared."""

FUNCTIONALS = (5.0, 25.0, 50.0, 75.0, 95.0)
"""Percentiles that stand for an utterance, beside mean and standard deviation."""


class Equaliser:
    """Maps from each condition's distribution to the reference's, one per feature.

    Args:
        frames: condition to frames of all its training utterances, ``(T, F)``.
        reference: the condition whose distribution the others are put on.

    Raises:
        ValueError: the reference is not among the conditions.
    """

    def __init__(self, frames: Mapping[str, np.ndarray], reference: str) -> None:
        if reference not in frames:
            raise ValueError(f"reference={reference}: not among the conditions {', '.join(frames)}")
        self.quantiles = {name: np.percentile(one, PERCENTS, axis=0) for name, one in frames.items()}  # (101, F)
        self.reference = self.quantiles[reference]

    def __call__(self, frames: np.ndarray, condition: str) -> np.ndarray:
        """Frames ``(T, F)`` of a condition as they would be in the reference; an unknown condition leaves them."""
        known = self.quantiles.get(condition)
        if known is None:
            return frames
        columns = [
            np.interp(column, own, wanted)
            for column, own, wanted in zip(frames.T, known.T, self.reference.T, strict=True)
        ]
        return np.stack(columns, axis=1)


def pitch_and_mfcc(prosody: np.ndarray, mfcc: np.ndarray) -> np.ndarray:
    """Pitch in Hz, held where the voice rests, beside the MFCC of every frame.

    Args:
        prosody: ``(T, 3)``, pitch first, 0 where unvoiced.
        mfcc: ``(T, 39)``.

    Returns:
        ``(T, 40)``.
    """
    length = min(len(prosody), len(mfcc))
    pitch = prosody[:length, 0]
    voiced = np.flatnonzero(pitch)
    held = np.interp(np.arange(length), voiced, pitch[voiced]) if len(voiced) else pitch
    return np.column_stack([held, mfcc[:length]])


def functionals(frames: np.ndarray) -> np.ndarray:
    """Mean, standard deviation and percentiles of every feature, ``(7 F,)``."""
    return np.concatenate([frames.mean(0), frames.std(0), *np.percentile(frames, FUNCTIONALS, axis=0)])


def pooled(utterances: Iterable[np.ndarray], conditions: Sequence[str]) -> dict[str, np.ndarray]:
    """All frames of a condition, one utterance behind the other."""
    found: dict[str, list[np.ndarray]] = {}
    for frames, condition in zip(utterances, conditions, strict=True):
        found.setdefault(condition, []).append(frames)
    return {condition: np.concatenate(parts) for condition, parts in found.items()}
