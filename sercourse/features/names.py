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
    (r"loudnessPeaksPerSec", "loudness peaks per second"),
    (r"equivalentSoundLevel.*", "sound level of the whole"),
    (r"loudness.*|pcm_loudness", "loudness"),
    (r"pcm_RMSenergy|.*[Ee]nergy.*", "energy"),
    (r".*mfcc\[?(\d+)\]?(?P<where>U?V)?", "shape of the spectrum (MFCC {0})"),
    (r"log[Mm]el.*\[(\d+)\]", "energy of mel band {0}"),
    (r"lspFreq\[(\d+)\]", "line spectral frequency {0}"),
    (r"pcm_zcr", "zero-crossing rate"),
    (r"voic(?:e|ing).*", "probability of voicing"),
    (r"jitterDDP", "jitter of the jitter"),
    (r"jitter.*", "jitter: unsteadiness of pitch"),
    (r"shimmer.*", "shimmer: unsteadiness of loudness"),
    (r"HNR.*|logHNR.*", "harmonics to noise"),
    (r"logRelF0-(H\d)-([HA]\d)", "spectral tilt ({0} over {1})"),
    (r"F(\d)frequency", "formant {0}: frequency"),
    (r"F(\d)bandwidth", "formant {0}: bandwidth"),
    (r"F(\d)amplitude.*", "formant {0}: level"),
    (r"alphaRatio(?P<where>U?V)", "spectral tilt (alpha ratio)"),
    (r"hammarbergIndex(?P<where>U?V)", "spectral tilt (Hammarberg index)"),
    (r"slope(?P<where>U?V)(\d+-\d+)", "spectral slope, {1} Hz"),
    (r"spectralFlux(?P<where>U?V)?", "spectral flux: how fast the spectrum changes"),
    (r"(Voiced|Unvoiced)Segments?PerSec", "{0} stretches per second"),
    (r"(Mean|Stddev)(Voiced|Unvoiced)SegmentLength(?:Sec)?", "length of {1} stretches: {0}"),
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

_WORDS: dict[str, str] = {
    "V": "where voiced", "UV": "where unvoiced", "Voiced": "voiced", "Unvoiced": "unvoiced", "Mean": "mean",
    "Stddev": "spread", "stddev": "spread of", "mean": "mean", "Rising": "rising", "Falling": "falling",
}  # fmt: skip
"""Parts of names that are no words."""


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
    """The words of the first pattern that fits; ``where`` is a descriptor's restriction to (un)voiced speech."""
    for pattern, words in known:
        found = re.fullmatch(pattern, text)
        if found is not None:
            told = words.format(*(_WORDS.get(group, group) for group in found.groups(default="")))
            where = found.groupdict().get("where")
            return f"{told}, {_WORDS[where]}" if where else told
    return text
