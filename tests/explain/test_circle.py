"""The circle shows what the losses do: boundaries, demanded arcs and prices are the library's; sliders move them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from sercourse.explain.circle import (
    DIRECTIONS,
    GAMMAS,
    MARGINS,
    NOBODY,
    PAPER,
    SCALES,
    circle_widget,
    content,
    cosines,
    embeddings,
    losses,
    picture,
    still,
)
from sercourse.losses.angular import apfl

PNG = b"\x89PNG"
STEP = 0.05
GRID = np.arange(0.0, 360.0, STEP)
ANGER, HAPPINESS, SADNESS = range(3)


def width(margin: float, number: int) -> float:
    """Degrees of the circle that a class keeps."""
    return STEP * float((content(GRID, margin) == number).sum())


def test_without_a_margin_the_nearest_class_wins_everywhere():
    won = content(GRID, 0.0)
    assert (won == cosines(GRID).argmax(1).numpy()).all()
    assert set(won) == {ANGER, HAPPINESS, SADNESS}


@pytest.mark.parametrize("margin", [0.1, 0.5, 1.0, 1.2])
def test_between_two_classes_the_margin_leaves_a_gap_of_m(margin):
    """Not of the square root of 2 times m, which is its length in the plane of two angles."""
    low, high = DIRECTIONS["anger"], DIRECTIONS["happiness"]
    between = content(np.arange(low, high, STEP), margin)
    assert np.deg2rad(STEP * (between == NOBODY).sum()) == pytest.approx(margin, abs=0.003)


def test_arcs_only_shrink_with_the_margin():
    kept = [content(GRID, margin) for margin in MARGINS]
    for less, more in pairwise(kept):
        assert ((more == less) | (more == NOBODY)).all()
    widths = [width(margin, SADNESS) for margin in (0.0, 0.5, 1.5)]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > widths[-1] > 0


def test_a_margin_beyond_the_angle_between_two_classes_leaves_them_no_place():
    apart = np.deg2rad(DIRECTIONS["happiness"] - DIRECTIONS["anger"])
    assert MARGINS[-1] > apart
    for number in (ANGER, HAPPINESS):
        assert width(apart - 0.02, number) > 0
        assert width(MARGINS[-1], number) == 0
    assert width(MARGINS[-1], SADNESS) > 0


@pytest.mark.parametrize(("scale", "margin", "gamma"), [PAPER, (1.0, 0.0, 2.0), (64.0, 1.5, 5.0)])
def test_prices_are_those_of_the_library(scale, margin, gamma):
    angles, labels = embeddings()
    cost = losses(angles, labels, scale, margin, gamma)
    expected = apfl(cosines(angles), torch.from_numpy(labels), scale=scale, margin=margin, gamma=gamma)
    assert cost["APFL"].mean() == pytest.approx(float(expected))
    log_p = (scale * cosines(angles)).log_softmax(1).numpy()
    np.testing.assert_allclose(cost["softmax"], -log_p[np.arange(len(labels)), labels], atol=1e-9)
    assert (cost["ArcFace"] >= cost["softmax"] - 1e-9).all()
    assert (cost["APFL"] <= cost["ArcFace"] + 1e-9).all()


def test_without_focus_two_losses_are_one_and_without_a_margin_all_three():
    angles, labels = embeddings()
    cost = losses(angles, labels, 10.0, 0.5, 0.0)
    np.testing.assert_allclose(cost["APFL"], cost["ArcFace"])
    assert (cost["APFL"] > cost["softmax"]).all()
    cost = losses(angles, labels, 10.0, 0.0, 0.0)
    np.testing.assert_allclose(cost["APFL"], cost["softmax"])


def test_the_utterances_have_something_to_show():
    """Some are told right with room to spare, some right and yet inside the margin, some wrong."""
    angles, labels = embeddings()
    right, pleased = content(angles, 0.0) == labels, content(angles, PAPER[1]) == labels
    assert 0 < pleased.sum() < right.sum() < len(labels)
    again, _ = embeddings()
    np.testing.assert_array_equal(angles, again)
    assert ((angles >= 0) & (angles < 360)).all()


def test_a_picture_is_small_and_every_setting_changes_it():
    before = picture(*PAPER)
    assert before[:4] == PNG
    assert len(before) < 60_000
    for other in ((5.0, 0.5, 0.1), (10.0, 0.4, 0.1), (10.0, 0.5, 5.0)):
        assert picture(*other) != before
    assert still().data == before


def test_sliders_begin_with_the_paper_and_move_the_picture():
    box = circle_widget()
    *sliders, image, _ = box.children
    assert [slider.description for slider in sliders] == ["scale s", "margin m (rad)", "focus γ"]
    assert tuple(slider.value for slider in sliders) == PAPER
    assert "sercourse-picture" in image._dom_classes
    before = image.value
    assert before == picture(*PAPER)
    for slider, value in zip(sliders, (64.0, 1.5, 5.0)):
        slider.value = value
    assert image.value == picture(64.0, 1.5, 5.0) != before
    assert repr(box) == box.no_kernel
    assert box.no_kernel.startswith("Run the notebook")


def test_the_extremes_of_all_sliders_can_be_drawn():
    for setting in ((SCALES[0], MARGINS[0], GAMMAS[0]), (SCALES[-1], MARGINS[-1], GAMMAS[-1])):
        assert picture(*setting)[:4] == PNG
