"""The four weights do what the chapter says they do, on the real network at toy size."""

from __future__ import annotations

import pytest
import torch

from sercourse.explain.weights import outcome, picture, weights_explorer


def test_the_adversary_takes_gender_out_of_the_shared_features_and_costs_no_emotion():
    without, with_it = outcome(1, 1, 0, 0), outcome(1, 1, 1, 0)
    assert without.shared > 0.7
    assert with_it.shared < without.shared - 0.1
    assert with_it.emotion > without.emotion - 0.02


def test_orthogonality_lowers_the_overlap():
    assert outcome(1, 1, 0, 1).cosines.mean() < outcome(1, 1, 0, 0).cosines.mean() - 0.2


@pytest.mark.parametrize(("weights", "name"), [((0, 1, 1, 1), "emotion"), ((1, 0, 1, 1), "gender")])
def test_what_has_no_weight_is_not_learnt(weights, name):
    assert getattr(outcome(*weights), name) < getattr(outcome(1, 1, 1, 1), name) - 0.15


def test_an_outcome_is_seeded_and_leaves_the_random_state_alone():
    before = torch.random.get_rng_state()
    outcome.cache_clear()
    first = outcome(1, 1, 0.3, 0.3)
    outcome.cache_clear()
    again = outcome(1, 1, 0.3, 0.3)
    assert (first.emotion, first.gender, first.shared) == (again.emotion, again.gender, again.shared)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_sliders_change_the_picture():
    box = weights_explorer()
    *sliders, image, _ = box.children
    assert [slider.description[0] for slider in sliders] == ["α", "β", "γ", "μ"]
    before = image.value
    sliders[2].value = 0.0
    assert image.value == picture(1.0, 1.0, 0.0, 1.0) != before
    assert repr(box) == box.no_kernel
