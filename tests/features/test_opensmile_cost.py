"""What IS10 costs by calculation: its frames and features are openSMILE's own."""

from __future__ import annotations

import numpy as np
import opensmile
import pytest

from sercourse.features import opensmile_cost
from sercourse.features.opensmile_cost import CONTOURS, SHORT, frames_of, is10_multiply_adds
from sercourse.features.opensmile_sets import SETS

THREE_SECONDS = 48_000


def test_frames_are_those_of_opensmile():
    smile = opensmile.Smile(opensmile.FeatureSet(SETS["is10"][0]), "lld")
    noise = np.random.default_rng(0).normal(size=THREE_SECONDS).astype(np.float32) * 0.1
    contours = smile(noise, 16_000)  # (1, contours, frames)
    assert contours.shape[1] == sum(CONTOURS)
    assert abs(contours.shape[2] - frames_of(THREE_SECONDS, SHORT)) <= 4, "within a long frame of the end"


def test_contours_make_the_features_of_the_set():
    first, second = CONTOURS
    assert 2 * (21 * first + 19 * second) + 2 == SETS["is10"][1]


def test_cost_grows_with_the_utterance_and_one_step_outweighs_the_others():
    parts, twice = is10_multiply_adds(THREE_SECONDS), is10_multiply_adds(2 * THREE_SECONDS)
    assert all(count > 0 for count in parts.values())
    assert sum(twice.values()) / sum(parts.values()) == pytest.approx(2, abs=0.03)
    assert parts["resampling"] == 298 * 352 * 350
    assert max(parts, key=parts.get) == "resampling"
    assert 3e7 < sum(parts.values()) < 2e8, "hundreds of times less than wav2vec2-base's 20.8 G"


def test_nothing_shorter_than_a_frame_has_frames():
    assert frames_of(opensmile_cost.LONG - 1, opensmile_cost.LONG) == 0
    assert frames_of(opensmile_cost.LONG, opensmile_cost.LONG) == 1
