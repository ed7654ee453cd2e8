"""What would change the answer: the same words and voice, spoken higher or lower, faster or slower.

Pitch and rate are changed by overlap-add of pitch periods (PSOLA) in Praat: pitch moves without the formants, rate
without the pitch. What nothing was asked to change in is taken apart and put together all the same, so that along a
curve nothing but pitch or rate differs; the recording itself stands beside the curve.

Source: Moulines and Charpentier, Speech Communication 9, 1990.
Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sercourse.app.answers import ONE_AT_A_TIME, Ear
from sercourse.errors import AudioError
from sercourse.signal.audio import SAMPLE_RATE

SEMITONES: tuple[float, ...] = (-4, -2, 0, 2, 4)
RATES: tuple[float, ...] = (0.8, 0.9, 1.0, 1.1, 1.25)
"""As multiples of the rate at which was spoken; above 1 is faster."""

FLOOR_HZ, CEILING_HZ = 75.0, 600.0
"""Between these the pitch is looked for."""

SEEDED = "random_initializeWithSeedUnsafelyButPredictably (1)"
"""For Praat: where nothing is voiced it draws where to cut, and the same question should have the same answer."""


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
    def said(self) -> tuple[str, ...]:
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


def spoken(waveform: np.ndarray, *, semitones: float = 0.0, rate: float = 1.0) -> np.ndarray:
    """An utterance at another pitch or rate.

    Args:
        waveform: 16 kHz, ``(T,)``.
        semitones: by which every pitch period moves; where nothing is voiced, nothing moves.
        rate: multiple of the rate at which was spoken, above 0.

    Returns:
        Float32, about ``T / rate`` samples.

    Raises:
        AudioError: it is too short to look for a pitch.
    """
    import parselmouth  # a second, and not needed to answer
    from parselmouth.praat import call, run

    with ONE_AT_A_TIME:
        try:
            run(SEEDED)
            manipulation = call(
                parselmouth.Sound(waveform.astype(np.float64), SAMPLE_RATE),
                "To Manipulation", 0.01, FLOOR_HZ, CEILING_HZ,
            )  # fmt: skip
            tier = call(manipulation, "Extract pitch tier")
            call(tier, "Multiply frequencies", 0.0, len(waveform) / SAMPLE_RATE, 2 ** (semitones / 12))
            call([tier, manipulation], "Replace pitch tier")
            duration = call(manipulation, "Extract duration tier")
            call(duration, "Add point", 0.0, 1 / rate)
            call([duration, manipulation], "Replace duration tier")
            samples = call(manipulation, "Get resynthesis (overlap-add)").values[0]
        except parselmouth.PraatError as error:
            raise AudioError(f"Pitch and rate cannot be changed ({str(error).splitlines()[0].rstrip('.')}).") from None
    return np.ascontiguousarray(samples, dtype=np.float32)


def changes(ear: Ear, waveform: np.ndarray, *, progress: Callable[[float, str], object] | None = None) -> Changes:
    """What every network says to an utterance at other pitches and rates.

    Args:
        ear: the networks.
        waveform: what they heard, 16 kHz, ``(T,)``.
        progress: is told the share that is done, 0 to 1, and what is being done.

    Raises:
        AudioError: see :func:`spoken`.
    """
    tell = progress or (lambda share, what: None)
    tell(0.0, "changing pitch and rate")
    versions = [waveform, *(spoken(waveform, semitones=value) for value in SEMITONES)]
    versions += [spoken(waveform, rate=value) for value in RATES if value != 1]
    tell(0.3, "asking the networks")
    found = ear.emotions(versions)
    higher, faster = [], []
    middle = 1 + SEMITONES.index(0)  # neither pitch nor rate: put together from its own periods
    at_rate = iter(range(1 + len(SEMITONES), len(versions)))
    rows = [middle if value == 1 else next(at_rate) for value in RATES]
    for listener, probabilities in zip(ear.listeners, found, strict=True):
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
    for label, emotion in zip(labels, curve.said, strict=True):
        if emotion != own:
            others.setdefault(emotion, []).append(label)
    return "; ".join([own, *(f"{emotion} at {', '.join(at)}" for emotion, at in others.items())])
