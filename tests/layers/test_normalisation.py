"""Instance and batch norm against torch's; standardisation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from sercourse.layers.masking import frame_mask, silenced
from sercourse.layers.normalisation import MaskedNorm
from sercourse.layers.scaling import Standardise
from sercourse.training.recipes.base import frame_statistics


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_instance_norm_is_torchs():
    x = 5 * torch.randn(3, 4, 10) + 2
    expected = nn.InstanceNorm1d(4)(x)
    torch.testing.assert_close(MaskedNorm(4, "instance")(x, None), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(MaskedNorm(4, "instance")(x, torch.ones(3, 10)), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("frames", [9, 30])
def test_instance_norm_leaves_mean_0_and_variance_1_in_every_utterance(frames):
    x = 5 * torch.randn(3, 4, 30) + torch.tensor([0.0, 10.0, -40.0])[:, None, None]
    lengths = torch.tensor([30, frames, frames])
    y = MaskedNorm(4, "instance")(x, frame_mask(lengths, 30))
    for row, length in zip(y, lengths, strict=True):
        torch.testing.assert_close(row[:, :length].mean(1), torch.zeros(4), atol=1e-5, rtol=0)
        torch.testing.assert_close(row[:, :length].var(1, correction=0), torch.ones(4), atol=1e-4, rtol=0)


def test_a_constant_colour_is_divided_out_by_instance_norm_and_kept_by_batch_norm():
    """A voice's or microphone's gain and offset per channel: the lesson of section III B."""
    voice = torch.randn(1, 4, 200)
    x = torch.cat([voice, 3 * voice + 7])
    same = MaskedNorm(4, "instance")(x, None)
    torch.testing.assert_close(same[0], same[1], atol=1e-3, rtol=0)
    other = MaskedNorm(4, "batch").train()(x, None)
    assert (other[0] - other[1]).abs().mean() > 0.5


def test_batch_norm_is_torchs():
    """Training output, learnt scale and shift, running mean; torch's running variance is the unbiased one, ours not."""
    ours, torchs, x = MaskedNorm(4, "batch"), nn.BatchNorm1d(4), 5 * torch.randn(3, 4, 10) + 2
    torch.testing.assert_close(ours(x, None), torchs(x), atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.running_mean[:, 0], torchs.running_mean)
    expected = 0.9 + 0.1 * x.var((0, 2), correction=0)
    torch.testing.assert_close(ours.running_variance[:, 0], expected)
    assert {name for name, _ in ours.named_parameters()} == {"scale", "shift"}


def test_batch_statistics_count_valid_frames_only():
    x, lengths = 5 * torch.randn(2, 4, 10) + 2, torch.tensor([10, 4])
    mask = frame_mask(lengths, 10)
    frames = torch.cat([x[0], x[1, :, :4]], dim=1)  # (C, 14)
    norm = MaskedNorm(4, "batch", momentum=1.0)
    y = norm(x.masked_fill(mask[:, None] == 0, 99.0), mask)
    torch.testing.assert_close(norm.running_mean[:, 0], frames.mean(1))
    torch.testing.assert_close(norm.running_variance[:, 0], frames.var(1, correction=0))
    torch.testing.assert_close(y, silenced(y, mask))


def test_evaluation_changes_no_statistics():
    norm = MaskedNorm(4, "batch").eval()
    norm(torch.randn(2, 4, 9) + 5, None)
    assert not norm.running_mean.any()


@pytest.mark.parametrize("mask", [None, torch.ones(2, 1)], ids=["no mask", "mask"])
def test_a_single_frame_is_its_own_mean(mask):
    """What an utterance of eight frames is in the latent; it must not be refused."""
    assert not MaskedNorm(3, "instance").train()(torch.randn(2, 3, 1), mask).any()


def test_half_precision_keeps_its_type_and_fp32_statistics():
    x = (100 + torch.randn(2, 3, 50)).bfloat16()
    y = MaskedNorm(3, "instance")(x, None)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), MaskedNorm(3, "instance")(x.float(), None), atol=0.02, rtol=0)


def test_unknown_norm_is_refused():
    with pytest.raises(ValueError, match="choose one of instance, batch, none"):
        MaskedNorm(3, "layer")


def test_standardisation_and_its_inverse():
    x = 4 * torch.randn(50, 3) - 9
    x[:, 2] = 5  # a constant feature has no spread
    scale = Standardise(3)
    scale.fit(x.mean(0), x.std(0, correction=0))
    y = scale(x)
    torch.testing.assert_close(y.mean(0), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.var(0, correction=0), torch.tensor([1.0, 1.0, 0.0]), atol=1e-5, rtol=0)
    torch.testing.assert_close(scale.inverse(y), x, atol=1e-5, rtol=0)
    assert not list(scale.parameters()), "statistics are not learnt"
    assert set(scale.state_dict()) == {"mean", "spread"}, "and they are stored with the network"


@pytest.mark.parametrize("value", [0.1, -0.7, 123.456, 1e-4])
def test_what_rounding_leaves_of_a_constant_feature_is_no_spread(value):
    """And what training never showed is not made a million times larger by it."""
    mean, spread = frame_statistics(np.full((30, 1), value, dtype=np.float32) for _ in range(700))
    scale = Standardise(1)
    for rounding in (float(spread[0]), 1e-7 * abs(value)):
        scale.fit(torch.from_numpy(mean), torch.tensor([rounding]))
        assert scale.spread.item() == 1.0
        assert scale(torch.tensor([value + 1.0])).item() == pytest.approx(1.0, abs=1e-4)


def test_a_real_feature_keeps_its_spread_however_small_that_is():
    mean = torch.tensor([1000.0, 1.0, 0.0, -5.0, 0.01])
    spread = torch.tensor([2e-3, 1.1e-6, 1e-30, 0.025, 1e-7])
    scale = Standardise(5)
    scale.fit(mean, spread)
    assert torch.equal(scale.spread, spread)
