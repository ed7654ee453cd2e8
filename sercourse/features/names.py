"""What the name of a functional says: which descriptor of the speech signal, and which statistic of it over time.

openSMILE writes ``F0semitoneFrom27.5Hz_sma3nz_stddevNorm``: descriptor, smoothing, functional.

Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

import re

_NAME = re.compile(r"(?P<descriptor>.+?)_sma(?:3nz|3)?(?P<delta>_de)?(?P<index>\[\d+\])?_(?P<functional>.+)")

_DESCRIPTORS: tuple[tuple[str, str], ...] = (
    (r"F0semitone.*", "pitch, in semitones"),
    (r"F0.*", "pitch"),
    (r"loudness.*|pcm_loudness|equivalentSoundLevel.*", "loudness"),
    (r"pcm_RMSenergy|.*[Ee]nergy.*", "energy"),
    (r".*mfcc\[?(\d+)\]?(U?V)?", "shape of the spectrum (MFCC {0})"),
    (r"log[Mm]el.*\[(\d+)\]", "energy of mel band {0}"),
    (r"lspFreq\[(\d+)\]", "line spectral frequency {0}"),
    (r"pcm_zcr", "zero-crossing rate"),
    (r"voic(?:e|ing).*", "probability of voicing"),
    (r"jitter.*", "jitter: unsteadiness of pitch"),
    (r"shimmer.*", "shimmer: unsteadiness of loudness"),
    (r"HNR.*|logHNR.*", "harmonics to noise"),
    (r"logRelF0-(H\d)-([HA]\d)", "spectral tilt ({0} over {1})"),
    (r"F(\d)frequency", "formant {0}: frequency"),
    (r"F(\d)bandwidth", "formant {0}: bandwidth"),
    (r"F(\d)amplitude.*", "formant {0}: level"),
    (r"alphaRatio.*|hammarbergIndex.*|slope.*", "spectral tilt"),
    (r"spectralFlux.*", "spectral flux: how fast the spectrum changes"),
    (r".*VoicedSegment.*|.*UnvoicedSegment.*", "length and number of voiced stretches"),
    (r"audspec.*|audSpec.*|pcm_fftMag.*", "auditory spectrum"),
)
"""Whole descriptors (as :func:`parts` gives them) to what they are; the first that fits."""

_FUNCTIONALS: tuple[tuple[str, str], ...] = (
    (r"amean", "mean"),
    (r"stddevNorm", "spread over mean"),
    (r"stddev", "spread"),
    (r"percentile(\d+)\.0", "{0} % of the time below"),
    (r"quartile(\d)", "quartile {0}"),
    (r"pctlrange.*|iqr.*|range", "range"),
    (r"(mean|stddev)(Rising|Falling)Slope", "{0} steepness, {1}"),
    (r"linregc1", "trend"),
    (r"linregc2", "offset of the trend"),
    (r"linregerr.*", "deviation from the trend"),
    (r"skewness", "skewness"),
    (r"kurtosis", "kurtosis"),
    (r"upleveltime(\d+)", "share of time above {0} %"),
    (r"(max|min)Pos", "where the {0}imum is"),
    (r"(max|min)", "{0}imum"),
)


def parts(name: str) -> tuple[str, str]:
    """Descriptor and functional of an openSMILE name; a name without either half gives ``""`` for the functional.

    Args:
        name: such as ``mfcc_sma_de[3]_skewness``, which gives ``("mfcc[3], change", "skewness")``.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        descriptor, _, functional = name.partition("__")
        return descriptor, functional
    change = ", change" if found["delta"] else ""
    return f"{found['descriptor']}{found['index'] or ''}{change}", found["functional"]


def in_words(name: str) -> str:
    """A name in plain English, as far as its halves are known; what is not known stays as it is written."""
    descriptor, functional = parts(name)
    bare, comma, change = descriptor.partition(", change")
    told = _said(bare, _DESCRIPTORS) + (", from frame to frame" if comma else "") + change
    return f"{told}: {_said(functional, _FUNCTIONALS)}" if functional else told


def _said(text: str, known: tuple[tuple[str, str], ...]) -> str:
    for pattern, words in known:
        found = re.fullmatch(pattern, text)
        if found is not None:
            return words.format(*(group.lower() for group in found.groups(default="")))
    return text
