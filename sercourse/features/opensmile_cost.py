"""What the set IS10 costs: multiply-adds, calculated from its configuration, for no counter sees into openSMILE.

Each step is taken at its dearest (voiced throughout at the lowest pitch that is looked for), so the sum is an upper
estimate. Unlike :mod:`sercourse.training.cost` it holds the Fourier transforms, of N log2 N each.

Source: ``is09-13/IS10_paraling_compat.conf`` of openSMILE 3, and its public source for how a step is done: the
resampling is a plain sum over sines and cosines, and periods of the voice are looked for anew in every frame.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from math import log2

from sercourse.signal.audio import SAMPLE_RATE

HOP = 160
LONG, SHORT = 960, 400
"""Samples at 16 kHz: frames of 60 ms for the pitch and 25 ms for all else, every 10 ms."""

LONG_FFT, SHORT_FFT = 1024, 512
"""Points of their Fourier transforms: the next power of two."""

HARMONICS = 15
LOWEST_PITCH = 52.0
"""Hz."""

SEARCHED = 0.25
"""Share of a period by which the next one may be longer or shorter."""

BANDS, BANDS_UP_TO = 26, (8000, 6500)
"""Bands for the cepstra; Hz, the upper ends of these and of the 8 whose logarithm is a feature."""

CEPSTRA, ORDER = 15, 8
RESAMPLED = SHORT * 11_000 // SAMPLE_RATE
"""Samples of a short frame at 11 kHz, of which the linear prediction of that order is made."""

ROOTS = 385
"""Values of a polynomial of half the order until its roots are found, at most: steps over the grid and halvings in the
first search, and the finer second one."""

CONTOURS = 34, 4
"""Loudness, 15 cepstra, 8 bands, 8 line spectral pairs, F0 envelope, voicing; F0, two jitters, shimmer. Each with its
slope, so that 34 x 2 x 21 + 4 x 2 x 19 functionals, onsets and duration make 1582."""


def frames_of(samples: int, frame: int) -> int:
    """Whole frames of so many samples in an utterance of so many."""
    return max(0, (samples - frame) // HOP + 1)


def is10_multiply_adds(samples: int) -> dict[str, int]:
    """Multiply-adds of one utterance.

    Args:
        samples: of the utterance, at 16 kHz.

    Returns:
        By step.
    """
    long, short = frames_of(samples, LONG), frames_of(samples, SHORT)
    long_bins, short_bins = LONG_FFT // 2 + 1, SHORT_FFT // 2 + 1
    period, contours = SAMPLE_RATE / LOWEST_PITCH, sum(CONTOURS)
    lags = range(int((1 - SEARCHED) * period), int((1 + SEARCHED) * period) + 1)
    return {
        "pre-emphasis and windows": long * LONG + short * 2 * SHORT,
        "Fourier transforms": long * _transform(LONG_FFT) + short * _transform(SHORT_FFT),
        # a spline, 12, and one for every harmonic, at each point of the octave scale
        "pitch": long * long_bins * (12 + HARMONICS),
        "jitter and shimmer": long * sum(3 * lag for lag in lags),  # three sums over as many samples as the lag has
        "mel bands": short * sum(2 * round(short_bins * upper / (SAMPLE_RATE / 2)) for upper in BANDS_UP_TO),
        "cepstra": short * CEPSTRA * (BANDS + 1),
        "resampling": short * RESAMPLED * RESAMPLED,  # sines and cosines of half as many frequencies each
        # autocorrelation, recursion, and the search for roots
        "linear prediction": short * (RESAMPLED * (ORDER + 1) + ORDER**2 + ROOTS * (ORDER // 2 + 2)),
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
