"""What IS10 costs by calculation: sizes, frames and features are openSMILE's own."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import opensmile
import pytest

from sercourse.features import opensmile_cost
from sercourse.features.opensmile_cost import CONTOURS, SHORT, frames_of, is10_multiply_adds
from sercourse.features.opensmile_sets import SETS

THREE_SECONDS = 48_000
CONFIGURATION = Path(opensmile.__file__).parent / "core" / "config" / f"{SETS['is10'][0]}.conf"
"""Of the set that we extract."""


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    """Three seconds."""
    return np.random.default_rng(0).normal(size=THREE_SECONDS).astype(np.float32) * 0.1


def test_sizes_are_those_of_the_configuration_that_we_extract_with():
    text = re.sub(r"^\s*;.*$", "", CONFIGURATION.read_text("utf-8", errors="replace"), flags=re.MULTILINE)
    names = ("frameSize", "nHarmonics", "minPitch", "searchRangeRel", "nBands", "hifreq", "lastMfcc", "p")
    told = {name: [float(one) for one in re.findall(rf"^{name}\s*=\s*([\d.]+)", text, re.MULTILINE)] for name in names}
    long, short = (frame / 16_000 for frame in (opensmile_cost.LONG, opensmile_cost.SHORT))
    assert told["frameSize"][:2] == [long, short]
    assert told["nHarmonics"] == [opensmile_cost.HARMONICS]
    assert told["minPitch"] == [opensmile_cost.LOWEST_PITCH]
    assert told["searchRangeRel"] == [opensmile_cost.SEARCHED]
    assert told["nBands"] == [opensmile_cost.BANDS, 8]
    assert told["hifreq"] == list(opensmile_cost.BANDS_UP_TO)
    assert told["lastMfcc"] == [opensmile_cost.CEPSTRA - 1]
    assert told["p"] == [opensmile_cost.ORDER]


def test_a_resampled_frame_is_as_long_as_opensmile_has_it(tmp_path, noise):
    text = CONFIGURATION.read_text("utf-8", errors="replace")
    told = re.sub(r"reader\.dmLevel\s*=\s*lld1;lld2\b", "reader.dmLevel = outpR", text)
    assert told != text
    told = told.replace("{../shared/", "{" + str(CONFIGURATION.parent.parent / "shared") + "/")
    (tmp_path / "resampled.conf").write_text(told, "utf-8")
    frames = opensmile.Smile(str(tmp_path / "resampled.conf"), "lld")(noise[:8000], 16_000)  # (1, samples, frames)
    assert frames.shape[1] == opensmile_cost.RESAMPLED


def test_frames_are_those_of_opensmile(noise):
    contours = opensmile.Smile(opensmile.FeatureSet(SETS["is10"][0]), "lld")(noise, 16_000)  # (1, contours, frames)
    assert contours.shape[1] == sum(CONTOURS)
    assert abs(contours.shape[2] - frames_of(THREE_SECONDS, SHORT)) <= 4, "within a long frame of the end"
    assert frames_of(opensmile_cost.LONG - 1, opensmile_cost.LONG) == 0
    assert frames_of(opensmile_cost.LONG, opensmile_cost.LONG) == 1


def test_contours_make_the_features_of_the_set():
    first, second = CONTOURS
    assert 2 * (21 * first + 19 * second) + 2 == SETS["is10"][1]


def test_cost_grows_with_the_utterance():
    parts, twice = is10_multiply_adds(THREE_SECONDS), is10_multiply_adds(2 * THREE_SECONDS)
    assert all(count > 0 for count in parts.values())
    assert sum(twice.values()) / sum(parts.values()) == pytest.approx(2, abs=0.03)
    assert parts["resampling"] / frames_of(THREE_SECONDS, SHORT) == pytest.approx(275 * 272, rel=0.02), "by hand"
    assert 3e7 < sum(parts.values()) < 2e8, "hundreds of times less than wav2vec2-base's 20.8 G"
