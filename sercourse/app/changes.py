"""What would change the answer: the same words and voice, spoken higher or lower, faster or slower.

Pitch and rate are changed as in :mod:`sercourse.signal.prosody_change`. The unchanged version is resynthesised too, so
that resynthesis itself is not mistaken for the change; the recording itself stands beside the curve.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sercourse.app.answers import Networks
from sercourse.signal.prosody_change import change_prosody

SEMITONES: tuple[float, ...] = (-4, -2, 0, 2, 4)
RATES: tuple[float, ...] = (0.8, 0.9, 1.0, 1.1, 1.25)
"""As multiples of the rate at which was spoken; above 1 is faster."""


@dataclass(frozen=True, eq=False)
class Curve:
    """What one network says along a change.

    Attributes:
        name: of the network.
        emotions: its classes.
        values: semitones, or multiples of the rate, ``(N,)``.
        probabilities: calibrated, ``(N, C)``.
        unchanged: those of the recording itself, ``(C,)``.
    """

    name: str
    emotions: tuple[str, ...]
    values: tuple[float, ...]
    probabilities: np.ndarray
    unchanged: np.ndarray

    @property
    def predicted(self) -> tuple[str, ...]:
        """The likeliest emotion at every value."""
        return tuple(self.emotions[best] for best in self.probabilities.argmax(1))


@dataclass(frozen=True)
class Changes:
    """Curves of all networks.

    Attributes:
        pitch: over :data:`SEMITONES`.
        rate: over :data:`RATES`.
    """

    pitch: tuple[Curve, ...]
    rate: tuple[Curve, ...]


def changes(
    networks: Networks, waveform: np.ndarray, *, progress: Callable[[float, str], object] | None = None
) -> Changes:
    """What every network says to an utterance at other pitches and rates.

    Args:
        networks: the networks.
        waveform: what they heard, 16 kHz, ``(T,)``.
        progress: is told the share that is done, 0 to 1, and what is being done.

    Raises:
        AudioError: see :func:`~sercourse.signal.prosody_change.change_prosody`.
    """
    tell = progress or (lambda share, what: None)
    tell(0.0, "changing pitch and rate")
    versions = [waveform, *(change_prosody(waveform, semitones=value) for value in SEMITONES)]
    versions += [change_prosody(waveform, rate=value) for value in RATES if value != 1]
    tell(0.3, "asking the networks")
    found = networks.emotions(versions)
    higher, faster = [], []
    middle = 1 + SEMITONES.index(0)  # neither pitch nor rate, but resynthesised
    at_rate = iter(range(1 + len(SEMITONES), len(versions)))
    rows = [middle if value == 1 else next(at_rate) for value in RATES]
    for listener, probabilities in zip(networks.listeners, found, strict=True):
        known = listener.name, tuple(listener.classes)
        higher.append(Curve(*known, SEMITONES, probabilities[1 : 1 + len(SEMITONES)], probabilities[0]))
        faster.append(Curve(*known, RATES, probabilities[rows], probabilities[0]))
    tell(1.0, "done")
    return Changes(tuple(higher), tuple(faster))


def in_words(curve: Curve, labels: Sequence[str]) -> str:
    """What becomes of an answer along a curve: ``anger; fear at +4``.

    Args:
        curve: of one network.
        labels: of the curve's values.
    """
    own = curve.emotions[int(curve.unchanged.argmax())]
    others: dict[str, list[str]] = {}
    for label, emotion in zip(labels, curve.predicted, strict=True):
        if emotion != own:
            others.setdefault(emotion, []).append(label)
    return "; ".join([own, *(f"{emotion} at {', '.join(at)}" for emotion, at in others.items())])
