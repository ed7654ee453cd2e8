"""The toy fight ends as the chapter says: reversal removes, a minus sign only spoils the discriminator."""

from __future__ import annotations

import pytest
import torch

from sercourse.explain.adversary import adversary_explorer, fight, picture, toy

PNG = b"\x89PNG"


def test_reversal_removes_the_gender_and_keeps_the_emotion():
    none, reversal = fight("reversal", 0.0), fight("reversal", 1.0)
    assert none.probe > 0.7
    assert none.discriminator > 0.7, "at weight 0 it watches"
    assert reversal.probe < 0.6
    assert abs(reversal.discriminator - 0.5) < 0.1
    assert reversal.emotion > none.emotion - 0.02


def test_a_minus_sign_spoils_the_discriminator_and_the_emotion_and_removes_nothing():
    minus = fight("minus sign", 1.0)
    assert minus.discriminator < 0.2, "worse than guessing: it knows"
    assert minus.probe > 0.85
    assert minus.emotion < fight("reversal", 0.0).emotion - 0.15


def test_a_fight_is_seeded_and_leaves_the_random_state_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    fight.cache_clear()
    first = fight("reversal", 0.3)
    fight.cache_clear()
    again = fight("reversal", 0.3)
    assert (first.emotion, first.discriminator, first.probe) == (again.emotion, again.discriminator, again.probe)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_toy_world_holds_both_labels_and_mixes_them():
    x, emotion, gender = toy(0)
    assert x.shape == (1000, 10)
    for label in (emotion, gender):
        gap = x[label == 1].mean(0) - x[label == 0].mean(0)
        assert gap.abs().max() > 0.5
        assert (gap.abs() > 0.1).sum() > 5, "no single number holds it"


def test_sliders_change_the_picture():
    box = adversary_explorer("reversal", 1.0)
    way, weight, image, _ = box.children
    assert image.value[:4] == PNG
    before = image.value
    weight.value = 0.0
    assert image.value != before
    way.value = "minus sign"
    weight.value = 1.0
    assert image.value == picture("minus sign", 1.0)
    assert repr(box) == box.no_kernel


@pytest.mark.parametrize("way", ["reversal", "minus sign"])
def test_at_weight_0_both_ways_are_the_same(way):
    assert fight(way, 0.0).probe == pytest.approx(fight("reversal", 0.0).probe, abs=0.1)
