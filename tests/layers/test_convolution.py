"""Convolutions over time: centred, fused, shuffled."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import leaky_relu

from sercourse.layers.convolution import SLOPE, ConvBank, SameConv, UpBlock, pixel_shuffle


@pytest.mark.parametrize("width", range(1, 9))
def test_a_convolution_is_centred_and_even_widths_look_ahead(width):
    """An impulse at frame 10 is seen by the frames whose window reaches it."""
    conv = SameConv(1, 1, width, bias=False)
    torch.nn.init.ones_(conv.weight)
    x = torch.zeros(1, 1, 21)
    x[..., 10] = 1
    seen = conv(x)[0, 0].nonzero().flatten().tolist()
    assert seen == list(range(10 - width // 2, 10 + (width - 1) // 2 + 1))


@pytest.mark.parametrize("frames", [1, 3, 20])
@pytest.mark.parametrize("widths", [1, 2, 5, 8])
def test_one_fused_convolution_equals_one_per_width(widths, frames):
    torch.manual_seed(0)
    bank, x = ConvBank(5, 3, widths), torch.randn(2, 5, frames)
    separate = torch.cat([leaky_relu(conv(x), SLOPE) for conv in bank.convolutions] + [x], dim=1)
    torch.testing.assert_close(bank(x, None), separate, atol=1e-5, rtol=0)
    assert bank.outputs == separate.shape[1] == 5 + 3 * widths


def test_every_width_of_the_bank_learns():
    torch.manual_seed(0)
    bank = ConvBank(5, 3, 8)
    bank(torch.randn(2, 5, 12), None)[:, : 3 * 8].square().sum().backward()
    for conv in bank.convolutions:
        assert conv.weight.grad.abs().sum() > 0
        assert conv.bias.grad.abs().sum() > 0


def test_pixel_shuffle_gives_even_frames_from_even_channels():
    x = torch.tensor([[[0, 2, 4], [1, 3, 5], [10, 12, 14], [11, 13, 15]]])  # (1, 2 C, T)
    assert pixel_shuffle(x).tolist() == [[[0, 1, 2, 3, 4, 5], [10, 11, 12, 13, 14, 15]]]


def test_pixel_shuffle_is_torchs_in_one_dimension():
    x = torch.randn(2, 6, 5)
    # Torch shuffles two dimensions; with the same value in both rows of a pixel only time is left.
    twice = x.view(2, 3, 1, 2, 5).expand(-1, -1, 2, -1, -1).reshape(2, 12, 1, 5)
    torch.testing.assert_close(pixel_shuffle(x), torch.nn.functional.pixel_shuffle(twice, 2)[:, :, 0])


@pytest.mark.parametrize("frames", [9, 10])
def test_up_block_comes_out_at_the_frames_asked_for(frames):
    block = UpBlock(4, 3, "instance", 0.0)
    y, mask = block(torch.randn(2, 4, 5), torch.zeros(2, 4), torch.tensor([frames, frames]), frames)
    assert y.shape == (2, 4, frames)
    assert mask is None


def test_residual_path_up_repeats_each_frame():
    block = UpBlock(2, 3, "none", 0.0)
    for parameter in block.second.parameters():
        torch.nn.init.zeros_(parameter)  # what is left is the residual path
    x = torch.randn(1, 2, 3)
    y, _ = block(x, torch.zeros(1, 2), torch.tensor([6]), 6)
    torch.testing.assert_close(y, x.repeat_interleave(2, dim=-1))
