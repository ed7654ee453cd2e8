"""Noise of every colour, other people's voices, machines, recordings; and mixing at an exact SNR.

All noises are made from a numpy Generator, so a seed gives the same noise again. They come at a root mean square of
1; only :func:`mix` sets a level.

Notebook: 01_signal_preprocessing.ipynb
Source: ASP-MTL (Liu and Zhang, IEEE Access 2023), section IV A: white, pink, babble and factory noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

from sercourse.errors import AudioError, UserError
from sercourse.signal.audio import AUDIO_SUFFIXES, SAMPLE_RATE, read_audio
from sercourse.signal.endpoint import speech_mask
from sercourse.signal.snr import power_db

MIN_VOICES = 6
"""With fewer voices single words can be understood, and with them an emotion."""

LOWEST_HZ = 20.0
"""Coloured noise has no power below: nobody hears it, and brown noise would have most of its power there."""


def white(n_samples: int, rng: np.random.Generator) -> np.ndarray:
    """The same power in every hertz. Float32, shape ``(T,)``, as are all noises here."""
    return coloured(n_samples, 0.0, rng)


def pink(n_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Power falls by 10 dB per decade (3 dB per octave): the same power in every octave."""
    return coloured(n_samples, 1.0, rng)


def brown(n_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Power falls by 20 dB per decade (6 dB per octave)."""
    return coloured(n_samples, 2.0, rng)


def coloured(n_samples: int, exponent: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise whose power spectrum goes with ``1 / f ** exponent`` above 20 Hz."""
    spectrum = np.fft.rfft(rng.standard_normal(n_samples))
    hertz = np.fft.rfftfreq(n_samples, 1 / SAMPLE_RATE)
    shape = np.zeros_like(hertz)
    audible = hertz >= LOWEST_HZ
    shape[audible] = hertz[audible] ** (-exponent / 2)  # amplitude is the root of power
    return _unit(np.fft.irfft(spectrum * shape, n_samples))


def factory(n_samples: int, rng: np.random.Generator) -> np.ndarray:
    """A workshop: mains hum with a swaying load, clanks of metal, and the hiss of compressed air.

    Own synthesis, factory-LIKE: the recordings that are usually meant by this name may not be passed on.
    """
    seconds = np.arange(n_samples) / SAMPLE_RATE
    hum = np.zeros(n_samples)
    for harmonic in (1, 2, 3, 4, 6, 8):
        sway = 1 + 0.4 * np.sin(2 * np.pi * rng.uniform(0.3, 2) * seconds + rng.uniform(0, 2 * np.pi))
        hum += sway / harmonic * np.sin(2 * np.pi * 50 * harmonic * seconds + rng.uniform(0, 2 * np.pi))
    hiss = sosfilt(butter(2, (1500, 6000), "bandpass", fs=SAMPLE_RATE, output="sos"), rng.standard_normal(n_samples))
    gusts = np.abs(np.interp(seconds, np.arange(int(seconds[-1]) + 3) - 1.0, rng.normal(1, 0.5, int(seconds[-1]) + 3)))
    rumble = pink(n_samples, rng)
    return _unit(_unit(hum) + 0.5 * _unit(hiss * gusts) + 0.7 * rumble + _clanks(n_samples, rng))


def babble(
    n_samples: int,
    voices: Mapping[str, Sequence[np.ndarray]],
    rng: np.random.Generator,
    *,
    exclude: Collection[str],
    n_voices: int = MIN_VOICES,
) -> np.ndarray:
    """Many people talking at once, none of whom is in the experiment.

    Args:
        n_samples: length.
        voices: speaker to that speaker's waveforms (16 kHz).
        rng: draws the speakers, the order of their utterances and where each one begins.
        exclude: the speakers of train, validation AND test. A speaker heard in both would be recognised by his
            babble, so nobody of them speaks here.
        n_voices: how many speak at once, 6 or more; each one is another speaker, all equally loud.

    Raises:
        UserError: fewer than six voices asked for, or fewer than ``n_voices`` left outside ``exclude``.
    """
    if n_voices < MIN_VOICES:
        raise UserError(f"babble of {n_voices} voices: single words could be understood; ask for {MIN_VOICES} or more.")
    outside = sorted(speaker for speaker in voices if speaker not in set(exclude) and len(voices[speaker]))
    if len(outside) < n_voices:
        raise UserError(
            f"babble of {n_voices} voices needs as many speakers outside train and test, and there are {len(outside)};"
            " take them from another corpus."
        )
    total = np.zeros(n_samples)
    for speaker in rng.choice(outside, n_voices, replace=False):
        order = rng.permutation(len(voices[speaker]))
        total += fit_length(np.concatenate([_unit(voices[speaker][i]) for i in order]), n_samples, rng)
    return _unit(total)


def list_noises(folder: str | Path, exclude: Collection[str] = ("yawn", "breathing")) -> list[Path]:
    """The recorded noises of a folder, sorted.

    Args:
        folder: holds files named ``CLASS-NUMBER.wav`` or ``.flac``.
        exclude: classes to leave out; yawning and breathing come from a voice.

    Raises:
        UserError: no such folder, or no noise in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of noises; check the path.")
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in AUDIO_SUFFIXES)
    kept = [file for file in files if noise_class(file) not in exclude]
    if not kept:
        raise UserError(f"{folder}: holds no wav or flac file that could serve as noise; check the path.")
    return kept


def noise_class(file: Path) -> str:
    """``rain-007.flac`` is ``rain``."""
    return file.stem.rpartition("-")[0] or file.stem


def recorded(n_samples: int, file: str | Path, rng: np.random.Generator) -> np.ndarray:
    """A recorded noise, cut or looped to length.

    Raises:
        AudioError: the file cannot be used, see :func:`~sercourse.signal.audio.read_audio`.
    """
    return _unit(fit_length(read_audio(file), n_samples, rng))


def fit_length(noise: np.ndarray, n_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Begin at a random sample and go round until there are ``n_samples``."""
    return np.take(noise, np.arange(n_samples) + rng.integers(len(noise)), mode="wrap")


NOISES: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "white": white,
    "pink": pink,
    "brown": brown,
    "factory": factory,
}
"""The noises that need nothing but a length and a generator."""


@dataclass(frozen=True)
class Mix:
    """Speech in noise, with both parts kept, so that the SNR can be checked at any time.

    Attributes:
        clean: the speech, shape ``(T,)``.
        noise: the noise as it was added, shape ``(T,)``.
        noisy: ``clean + noise``.
        gain: what all three were multiplied with to keep the peak below full scale; 1: nothing.
        measured: the samples over which the SNR was set, shape ``(T,)``.
    """

    clean: np.ndarray
    noise: np.ndarray
    noisy: np.ndarray
    gain: float
    measured: np.ndarray

    @property
    def snr_db(self) -> float:
        """The SNR in dB over the samples for which it was asked."""
        return power_db(_power(self.clean[self.measured]) / _power(self.noise[self.measured]))


def mix(
    speech: np.ndarray, noise: np.ndarray, snr_db: float, *, over: str = "active", peak: float | None = 0.99
) -> Mix:
    """Add noise at an exact SNR.

    Args:
        speech: shape ``(T,)``.
        noise: shape ``(T,)``, any level.
        snr_db: power of speech over power of noise, in dB; finite.
        over: ``"active"``: both powers are taken where someone speaks, so that a recording with long pauses does not
            get less noise; ``"whole"``: over all samples, as the SNRs of equation 23 are.
        peak: largest magnitude allowed; a mix above it is scaled down as a whole, which leaves the SNR as it is.
            ``None``: no limit, for arithmetic only; samples above 1 clip when they are written or played.

    Raises:
        AudioError: lengths differ, speech or noise are silent there, or no speech was found.
        UserError: ``over`` is neither of the two, or ``snr_db`` is no finite number.
    """
    if over not in ("active", "whole"):
        raise UserError(f"SNR over '{over}': choose 'active' (where someone speaks) or 'whole' (all samples).")
    if not isinstance(snr_db, Real) or not math.isfinite(snr_db):
        raise UserError(f"snr_db={snr_db}: an SNR is a finite number of dB; give one such as -5 or 10.")
    if speech.shape != noise.shape:
        raise AudioError(f"speech has {len(speech)} samples, noise {len(noise)}; bring the noise to length first.")
    measured = speech_mask(speech) if over == "active" else np.ones(len(speech), dtype=bool)
    if not measured.any():
        raise AudioError("no speech found to set an SNR against; mix over the whole signal or leave the file out.")
    loudness = _power(speech[measured]), _power(noise[measured])
    if min(loudness) == 0:
        raise AudioError("speech or noise is silent where the SNR is to be set; take another recording.")
    scaled = noise.astype(np.float64) * np.sqrt(loudness[0] / loudness[1] / 10 ** (snr_db / 10))
    noisy = speech + scaled
    largest = np.abs(noisy).max()
    gain = 1.0 if peak is None or largest <= peak else float(peak / largest)
    parts = [(gain * part).astype(np.float32) for part in (speech, scaled, noisy)]
    return Mix(*parts, gain=gain, measured=measured)


def _clanks(n_samples: int, rng: np.random.Generator) -> np.ndarray:
    """About two strokes per second on metal: a few resonances that ring for a tenth of a second."""
    total = np.zeros(n_samples)
    for _ in range(rng.poisson(2 * n_samples / SAMPLE_RATE) + 1):
        stroke = np.zeros(n_samples)
        stroke[rng.integers(n_samples)] = rng.uniform(0.5, 1.5)
        for hertz in rng.uniform(400, 4000, 3):
            radius = np.exp(-1 / (rng.uniform(0.03, 0.12) * SAMPLE_RATE))  # falls to 1/e in 30 to 120 ms
            turn = 2 * radius * np.cos(2 * np.pi * hertz / SAMPLE_RATE)
            total += np.sin(2 * np.pi * hertz / SAMPLE_RATE) * lfilter([1.0], [1.0, -turn, radius**2], stroke)
    return total


def _power(signal: np.ndarray) -> float:
    return float(np.mean(np.square(signal, dtype=np.float64)))


def _unit(signal: np.ndarray) -> np.ndarray:
    """Scale to a root mean square of 1."""
    rms = np.sqrt(_power(signal))
    return (signal / rms if rms > 0 else signal).astype(np.float32)
