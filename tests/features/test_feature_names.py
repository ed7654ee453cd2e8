"""Names of functionals: their halves, and what they are in words."""

import pytest

from sercourse.features.names import in_words, parts
from sercourse.features.opensmile_sets import SETS, opensmile_set


@pytest.mark.parametrize(
    ("name", "descriptor", "functional"),
    [
        ("F0semitoneFrom27.5Hz_sma3nz_percentile20.0", "F0semitoneFrom27.5Hz", "percentile20.0"),
        ("mfcc_sma_de[3]_skewness", "mfcc[3], change", "skewness"),
        ("pcm_loudness_sma_amean", "pcm_loudness", "amean"),
        ("F0final__Turn_numOnsets", "F0final", "Turn_numOnsets"),
        ("loudnessPeaksPerSec", "loudnessPeaksPerSec", ""),
        ("equivalentSoundLevel_dBp", "equivalentSoundLevel_dBp", ""),
    ],
)
def test_a_name_has_two_halves(name, descriptor, functional):
    assert parts(name) == (descriptor, functional)


def test_words():
    assert in_words("F0semitoneFrom27.5Hz_sma3nz_amean") == "pitch, in semitones: mean"
    assert in_words("mfcc2V_sma3nz_stddevNorm") == "shape of the spectrum (MFCC 2), where voiced: spread over mean"
    assert in_words("mfcc_sma_de[3]_skewness") == "shape of the spectrum (MFCC 3), from frame to frame: skewness"
    assert in_words("loudness_sma3_meanRisingSlope") == "loudness: mean steepness, rising"
    assert in_words("logRelF0-H1-A3_sma3nz_amean") == "spectral tilt (H1 over A3): mean"
    assert in_words("slopeUV500-1500_sma3nz_amean") == "spectral slope, 500-1500 Hz, where unvoiced: mean"
    assert in_words("StddevVoicedSegmentLengthSec") == "length of voiced stretches: spread"
    assert in_words("something_else") == "something_else"


@pytest.mark.parametrize("name", SETS)
def test_every_descriptor_of_every_set_is_grouped(name):
    pairs = [parts(column) for column in opensmile_set(name).columns]
    assert len(set(pairs)) == len(pairs), "no two features have the same halves"
    assert len({descriptor for descriptor, _ in pairs}) < len(pairs) / 2
    assert not any("_sma" in descriptor for descriptor, _ in pairs)


def test_every_feature_of_egemaps_is_known_in_words():
    columns = opensmile_set("egemaps").columns
    assert not [name for name in columns if in_words(name) == name or "_sma" in in_words(name)]
    assert len({in_words(name) for name in columns}) == len(columns), "no two features are called the same"
