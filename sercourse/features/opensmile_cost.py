"""What the set IS10 costs: multiply-adds, calculated from its configuration, for no counter sees into openSMILE.

Each step is taken at its dearest (voiced throughout at the lowest pitch that is looked for), so the sum is an upper
estimate. Unlike :mod:`sercourse.training.cost` it holds the Fourier transforms, of N log2 N each.

Source: ``is09-13/IS10_paraling_core.lld.conf.inc`` and ``…func.conf.inc`` of openSMILE 3, and its public source for how
a step is done: the resampling, for instance, is a plain sum over sines and cosines and costs more than all the rest.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from math import log2

from sercourse.signal.audio import SAMPLE_RATE

HOP = 160
LONG, SHORT = 960, 400
"""Samples at 16 kHz: frames of 60 ms for the pitch and 25 ms for all else, every 10 ms."""

LONG_FFT, SHORT_FFT = 1024, 512
HARMONICS, LOWEST_PITCH = 15, 52.0
BANDS_UP_TO = (8000, 6500)
"""Hz: upper ends of the 26 bands for the cepstra and of the 8 whose logarithm is a feature."""

CEPSTRA, BANDS = 15, 26
RESAMPLED_TO, ORDER = 11_000, 8
"""Hz and coefficients of the linear prediction."""

CONTOURS = 34, 4
"""Loudness, 15 cepstra, 8 bands, 8 line spectral pairs, F0 envelope, voicing; F0, two jitters, shimmer. Each with its
slope, so that 34 x 2 x 21 + 4 x 2 x 19 functionals, onsets and duration make 1582."""


def frames_of(samples: int, frame: int) -> int:
    """Whole frames in so many samples."""
    return max(0, (samples - frame) // HOP + 1)


def is10_multiply_adds(samples: int) -> dict[str, int]:
    """Multiply-adds by step of one utterance.

    Args:
        samples: of the utterance, at 16 kHz.
    """
    long, short = frames_of(samples, LONG), frames_of(samples, SHORT)
    long_bins, short_bins = LONG_FFT // 2 + 1, SHORT_FFT // 2 + 1
    resampled = SHORT_FFT * RESAMPLED_TO // SAMPLE_RATE
    contours = sum(CONTOURS)
    return {
        "pre-emphasis and windows": long * LONG + short * 2 * SHORT,
        "Fourier transforms": long * _transform(LONG_FFT) + short * _transform(SHORT_FFT),
        # smoothing 3, spline 12, weighting 1 and one for every harmonic, at each point of the octave scale
        "pitch": long * long_bins * (3 + 12 + 1 + HARMONICS),
        # three sums over a period, at lags up to a fifth of it on both sides
        "jitter and shimmer": round(samples * 3 * 2 * 0.2 * SAMPLE_RATE / LOWEST_PITCH),
        "mel bands": short * sum(2 * round(short_bins * upper / (SAMPLE_RATE / 2)) for upper in BANDS_UP_TO),
        "cepstra": short * CEPSTRA * (BANDS + 1),
        "resampling": short * resampled * (resampled - 2),
        # autocorrelation, recursion, and some hundred values of polynomials of half the order
        "linear prediction": short * (resampled * (ORDER + 1) + ORDER**2 + 100 * (ORDER // 2 + 2)),
        "loudness": short * SHORT,
        "smoothing and slopes": short * contours * (3 + 4),
        "functionals": short
        * 2
        * contours
        * 10,  # mean 1, line and its errors 6, moments 3; sorting multiplies nothing
    }


def _transform(points: int) -> int:
    """A real Fourier transform and the magnitudes of its bins."""
    return points * int(log2(points)) + 2 * (points // 2 + 1)
