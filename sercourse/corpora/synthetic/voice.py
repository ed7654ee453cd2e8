"""From a sentence and its prosody to the voice: espeak-ng speaks, numpy adds what it cannot do.

espeak-ng takes rate, pitch, range and pauses. Formant shift, jitter and tremor bend the time axis afterwards; tilt,
breath and level are added to the waveform.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

import numpy as np
import soxr

from sercourse.corpora.synthetic.espeak import Engine
from sercourse.corpora.synthetic.rules import Prosody
from sercourse.corpora.synthetic.voices import Speaker

SAMPLE_RATE = 16_000
"""Hz."""

NOMINAL_LEVEL = -29.0
"""dB below full scale, root mean square of neutral speech before the speaker's gain."""

_PITCH_STEPS = 5.5  # espeak-ng's pitch scale: steps per semitone around 50, measured
_JITTER = 0.008  # neutral irregularity of the pitch, as a part of it
_JITTER_SPACING = 0.004  # seconds between two independent values of it: about a pitch period
_TREMOR = 0.012  # neutral depth of the trembling of pitch, as a part of it; of the level six times that
_BREATH = -36.0  # dB, neutral aspiration noise against the voice
_TILT_BAND = (125.0, 8000.0)  # Hz, where tilt acts


def utter(engine: Engine, speaker: Speaker, text: str, prosody: Prosody, rng: np.random.Generator) -> np.ndarray:
    """Say one sentence with one prosody, in a dead room.

    Returns:
        Waveform, float64, shape ``(T,)`` at 16 kHz, without silence before and after, at the level that
        ``prosody.loudness`` asks for.
    """
    shift = 1 + (speaker.formants + prosody.formants) / 100
    pitch = speaker.pitch + prosody.pitch - 12 * np.log2(shift)  # semitones; bending by `shift` moves pitch as well
    spoken = engine.speak(
        _punctuate(text, prosody.rise, rng),
        rate=speaker.rate * 2**prosody.rate / shift,
        pitch=50 + _PITCH_STEPS * pitch,
        pitch_range=50 * 2 ** (prosody.pitch_range + prosody.pitch / 12),  # espeak-ng's range is in Hz: grow with pitch
        word_gap=prosody.pauses,
    )
    tremor = _TREMOR * 2**prosody.tremor
    tremble = _trembling(rng)
    bent = _bend(_trim(spoken), engine.sample_rate, shift, _JITTER * 2**prosody.jitter, tremor, tremble, rng)
    voice = soxr.resample(bent, engine.sample_rate, SAMPLE_RATE).astype(np.float64)  # (T,)
    seconds = np.arange(len(voice)) / SAMPLE_RATE
    voice *= 1 + np.minimum(6 * tremor, 0.6) * tremble(seconds)
    voice *= _contrast(voice, prosody.dynamics)
    voice += _aspiration(voice, _BREATH + prosody.breath, rng)
    voice = shaped(voice, prosody.tilt, prosody.fullness)
    return voice * 10 ** ((NOMINAL_LEVEL + prosody.loudness) / 20) / np.sqrt(np.mean(voice**2))


def shaped(samples: np.ndarray, tilt: float, fullness: float) -> np.ndarray:
    """Change the balance of the spectrum.

    Args:
        samples: shape ``(T,)``, 16 kHz.
        tilt: slope to add, dB per octave, 0 dB at 1 kHz.
        fullness: gain below 400 Hz, dB.
    """
    size = 1 << (len(samples) - 1).bit_length()
    octaves = np.log2(np.clip(np.fft.rfftfreq(size, 1 / SAMPLE_RATE), *_TILT_BAND) / 1000)  # above 1 kHz
    low = 1 / (1 + np.exp(8 * (octaves - np.log2(0.4))))  # 1 in the bass, 1/2 at 400 Hz, 0 above
    gain = tilt * octaves + fullness * low  # dB
    return np.fft.irfft(np.fft.rfft(samples, size) * 10 ** (gain / 20), size)[: len(samples)]


def _punctuate(text: str, rise: float, rng: np.random.Generator) -> str:
    """End the spoken sentence with a rise or a fall; the transcript keeps its full stop."""
    rises = rng.random() < 1 / (1 + np.exp(1.0 - rise))  # about one neutral sentence in four
    mark = rng.choice(["?", "!"]) if rises else "."
    return text.rstrip(".。") + str(mark)


def _trim(samples: np.ndarray, threshold: float = 0.005) -> np.ndarray:
    """Cut the silence before and after, below a part of the peak."""
    loud = np.flatnonzero(np.abs(samples) > threshold * np.abs(samples).max())
    return samples[loud[0] : loud[-1] + 1]


def _trembling(rng: np.random.Generator):
    """A sinusoid of 5 to 7 Hz, as a function of time in seconds."""
    hertz, phase = rng.uniform(5, 7), rng.uniform(0, 2 * np.pi)
    return lambda seconds: np.sin(2 * np.pi * hertz * seconds + phase)


def _bend(samples, rate, shift, jitter, tremor, tremble, rng) -> np.ndarray:
    """Read the waveform at an uneven speed: `shift` moves formants and pitch, jitter and tremor the pitch."""
    fine = soxr.resample(samples, rate, 2 * rate)  # reading between samples is exact enough at twice the rate
    seconds = np.arange(int(len(samples) / shift)) / rate
    knots = np.arange(0, seconds[-1] + _JITTER_SPACING, _JITTER_SPACING)
    wander = np.interp(seconds, knots, rng.standard_normal(len(knots)))
    speed = shift * (1 + jitter * wander + tremor * tremble(seconds))  # (T,)
    return np.interp(2 * np.cumsum(speed), np.arange(len(fine)), fine).astype(np.float32)


def _contrast(voice: np.ndarray, dynamics: float) -> np.ndarray:
    """The gain that makes loud parts louder and soft parts softer (or the reverse)."""
    envelope = _envelope(voice, SAMPLE_RATE // 10)  # 100 ms: syllables
    return (envelope / envelope.max() + 0.03) ** dynamics


def _aspiration(voice: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Breath noise that follows the voice's envelope; `level` in dB against the voice."""
    white = rng.standard_normal(len(voice) + 1)
    hiss = (white[1:] - 0.9 * white[:-1]) / 1.345  # high-passed, variance 1
    return 10 ** (level / 20) * _envelope(voice, SAMPLE_RATE // 50) * hiss


def _envelope(voice: np.ndarray, width: int) -> np.ndarray:
    """Root mean square over a sliding window of `width` samples; shape ``(T,)``."""
    energy = np.cumsum(np.pad(voice**2, (width // 2 + 1, width - width // 2 - 1)))
    return np.sqrt(np.maximum(energy[width:] - energy[:-width], 0) / width)
