"""Another pitch or rate for an utterance: overlap-add of pitch periods (PSOLA) in Praat.

Pitch moves without the formants, rate without the pitch.

Source: Moulines and Charpentier, Speech Communication 9, 1990.
Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

import threading

import numpy as np

from sercourse.errors import AudioError
from sercourse.signal.audio import SAMPLE_RATE

FLOOR_HZ, CEILING_HZ = 75.0, 600.0
"""Between these the pitch is looked for."""

SEEDED = "random_initializeWithSeedUnsafelyButPredictably (1)"
"""For Praat: where nothing is voiced it draws where to cut, and the same question should have the same answer."""

ONE_AT_A_TIME = threading.Lock()
"""To be held by every thread that computes with Praat or openSMILE: both keep state of their own meanwhile."""


def change_prosody(waveform: np.ndarray, *, semitones: float = 0.0, rate: float = 1.0) -> np.ndarray:
    """Resynthesise an utterance at another pitch or rate; :data:`ONE_AT_A_TIME` is taken meanwhile.

    Args:
        waveform: 16 kHz, ``(T,)``.
        semitones: by which every pitch period moves; where nothing is voiced, nothing moves.
        rate: multiple of the rate at which was spoken, above 0; above 1 is faster.

    Returns:
        Float32, about ``T / rate`` samples, resynthesised even where nothing changes.

    Raises:
        AudioError: it is too short to look for a pitch.
    """
    import parselmouth  # a second, and seldom needed
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
