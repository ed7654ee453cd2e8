"""Where it is said: each speaker has a room, a noise floor and a recording gain of their own.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

import numpy as np

from sercourse.corpora.synthetic.voice import NOMINAL_LEVEL, SAMPLE_RATE


class Room:
    """One speaker's recording conditions, drawn once.

    Args:
        rng: where they are drawn from.
    """

    def __init__(self, rng: np.random.Generator):
        self.reverberation = rng.uniform(0.1, 0.35)
        """Seconds until the room's response has fallen by 60 dB."""
        self.direct_to_reverberant = rng.uniform(14, 20)
        """dB, energy of the direct sound against everything after it."""
        self.noise_level = NOMINAL_LEVEL - rng.uniform(38, 46)
        """dB below full scale, root mean square, before the gain."""
        self.noise_colour = rng.uniform(0.7, 1.2)
        """Exponent of the noise's power spectrum 1 / f ** colour: 0 white, 1 pink, 2 brown."""
        self.gain = rng.uniform(-2.5, 2.5)
        """dB, from the distance to the microphone and the recorder's setting."""
        self.response = self._draw_response(rng)
        """Impulse response, shape ``(K,)``; starts with the direct sound, 1."""

    def record(self, voice: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Record a voice: reverberation, a moment of silence before and after, noise floor, gain.

        Args:
            voice: waveform at 16 kHz in a dead room, shape ``(T,)``.
            rng: where the silences and the noise are drawn from.

        Returns:
            16-bit samples, shape ``(T',)``.
        """
        before, after = (int(SAMPLE_RATE * rng.uniform(0.10, 0.25)) for _ in range(2))
        tail = len(self.response) // 2
        length = before + len(voice) + tail + after
        recorded = self._noise(length, rng)
        recorded[before : before + len(voice) + tail] += _convolve(voice, self.response)[: len(voice) + tail]
        recorded *= 10 ** (self.gain / 20)
        peak = np.abs(recorded).max()
        return np.round(recorded * min(1.0, 0.99 / peak) * 32767).astype("<i2")

    def _draw_response(self, rng: np.random.Generator) -> np.ndarray:
        seconds = np.arange(int(self.reverberation * SAMPLE_RATE)) / SAMPLE_RATE
        decay = 10 ** (-3 * seconds / self.reverberation)
        response = rng.standard_normal(len(seconds)) * decay
        response[seconds < 0.004] = 0  # the first wall is more than a metre away
        for delay in rng.uniform(0.004, 0.03, size=5):  # a few distinct early reflections
            response[int(delay * SAMPLE_RATE)] += 6 * rng.choice([-1, 1]) * 10 ** (-3 * delay / self.reverberation)
        response *= 10 ** (-self.direct_to_reverberant / 20) / np.sqrt(np.sum(response**2))
        response[0] = 1
        return response

    def _noise(self, length: int, rng: np.random.Generator) -> np.ndarray:
        size = 1 << (length - 1).bit_length()
        spectrum = np.fft.rfft(rng.standard_normal(size))
        hertz = np.maximum(np.fft.rfftfreq(size, 1 / SAMPLE_RATE), 40)
        noise = np.fft.irfft(spectrum * hertz ** (-self.noise_colour / 2), size)[:length]
        return noise * 10 ** (self.noise_level / 20) / np.sqrt(np.mean(noise**2))


def _convolve(signal: np.ndarray, response: np.ndarray) -> np.ndarray:
    size = 1 << (len(signal) + len(response) - 1).bit_length()
    return np.fft.irfft(np.fft.rfft(signal, size) * np.fft.rfft(response, size), size)
