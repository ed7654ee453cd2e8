"""One channel for all recordings: the band of a telephone, one loudness, one noise floor.

A language that comes from one corpus has that corpus's microphone, level, hum and hiss, and a network that is to tell
languages apart may listen to these instead. :func:`telephone` sends every recording through the same narrow channel.

It takes away what lies outside of the band, differences of level, and a floor that is 12 dB or more below the one it
adds. What still tells corpora apart afterwards: the room (reverberation blurs the speech inside the band), the
microphone's own curve between 300 and 3400 Hz, a louder floor, traces of lossy coding, how much silence there is and
where; and what is no matter of channels at all: texts, the style of speaking, played or felt, who was hired to speak.

Notebook: 06_msfl.ipynb
Source: the band is that of ITU-T G.712, the level of active speech the idea of ITU-T P.56.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfiltfilt

from sercourse.errors import SilentAudio
from sercourse.signal.audio import SAMPLE_RATE
from sercourse.signal.endpoint import SILENCE_DB, speech_mask
from sercourse.signal.noise import white

VERSION = 2
"""Goes up whenever the same recording would come out otherwise; mixtures that are kept depend on it."""

BAND_HZ = (300.0, 3400.0)
"""At both corners the level is down by 6 dB (3 dB each way)."""

ORDER = 6
"""Of each corner, each way: an octave outside of the band the level is down by 70 dB or more."""

LEVEL_DB = -30.0
"""Mean square of the speech (0 dB: a square wave at full scale); 4 dB below telephony's usual level, so that a cry that
is 30 dB louder at its peak than on average still fits below 1."""

SNR_DB = 20.0
"""Speech over the added floor, both within the band: a noisy line. The floors of the recordings lie 30 dB (nEMO), 50
(EMO-DB) and 70 dB (RAVDESS) below their speech, so this one covers them all by 10 dB or more."""

PEAK = 0.99
"""Largest magnitude; a recording with a higher peak is scaled down as a whole, its floor too."""

_BAND = butter(ORDER, BAND_HZ, "bandpass", fs=SAMPLE_RATE, output="sos")
_PADDING = 800  # samples mirrored at either end, 50 ms: as long as the lower corner rings


def telephone(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Send a recording through the channel.

    The level is set where someone speaks, or over all samples where no speech is found, after the band limit, so that
    nothing outside of the band moves it.

    Args:
        waveform: 16 kHz, shape ``(T,)``.
        rng: draws the floor.

    Returns:
        Float32 of the same shape, not delayed (zero phase).

    Raises:
        SilentAudio: nothing is there between 300 and 3400 Hz.
    """
    speech = band_limit(waveform.astype(np.float64))
    power = np.mean(speech**2)
    if power <= 10 ** (SILENCE_DB / 10):
        raise SilentAudio(f"silent between {BAND_HZ[0]:g} and {BAND_HZ[1]:g} Hz; leave the recording out.")
    active = speech_mask(speech / np.sqrt(power))  # at one scale, for what counts as silent there is absolute
    speech = _at_level(speech, LEVEL_DB, active if active.any() else slice(None))
    floor = _at_level(band_limit(white(len(speech), rng).astype(np.float64)), LEVEL_DB - SNR_DB, slice(None))
    heard = speech + floor  # as if the noise had been added before the band limit, for the filter is linear
    return (heard * min(1.0, PEAK / np.abs(heard).max())).astype(np.float32)


def band_limit(waveform: np.ndarray) -> np.ndarray:
    """Take away what lies outside of 300 to 3400 Hz (Butterworth, there and back, so nothing is delayed)."""
    return sosfiltfilt(_BAND, waveform, padlen=min(_PADDING, len(waveform) - 1))


def _at_level(signal: np.ndarray, level_db: float, where: np.ndarray | slice) -> np.ndarray:
    """Scale a signal so that its mean square over some samples is so many dB."""
    return signal * np.sqrt(10 ** (level_db / 10) / np.mean(signal[where] ** 2))
