"""The padding contract: an utterance gives the same output alone and inside a padded batch.

Sums are taken in another order there, so equality is within 1e-5 (fp32, values of order 1).
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sercourse.layers.attention import AttentivePooling
from sercourse.layers.convolution import ConvBank, DenseBlock, DownBlock, SameConv, UpBlock
from sercourse.layers.masking import frame_mask, halved, masked_mean, mean_and_spread, silenced
from sercourse.layers.normalisation import MaskedNorm
from sercourse.layers.recurrence import MaskedGRU
from sercourse.layers.shared_private import StackedLSTM

TOLERANCE = 1e-5
CHANNELS = 6
LENGTHS = (19, 12, 7, 2, 1)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture
def batch() -> tuple[Tensor, Tensor, Tensor]:
    """``x (B, C, T)`` with silent padding, lengths, mask."""
    lengths = torch.tensor(LENGTHS)
    mask = frame_mask(lengths, max(LENGTHS))
    return silenced(torch.randn(len(LENGTHS), CHANNELS, max(LENGTHS)), mask), lengths, mask


def alone(x: Tensor, lengths: Tensor) -> list[Tensor]:
    """Each utterance by itself, ``(1, C, T)``."""
    return [x[i : i + 1, :, :length] for i, length in enumerate(lengths.tolist())]


def check(together: Tensor, apart: list[Tensor]) -> None:
    """``together (B, C, T)`` against each utterance's own output; what is padding must be 0."""
    for row, one in zip(together, apart, strict=True):
        frames = one.shape[-1]
        torch.testing.assert_close(row[:, :frames], one[0], atol=TOLERANCE, rtol=0)
        assert not row[:, frames:].any(), "padding must stay silent"


def worn_in(norm: MaskedNorm, x: Tensor, mask: Tensor) -> MaskedNorm:
    """A batch norm in evaluation mode whose statistics and scale are not those of the start."""
    norm.train()
    for _ in range(3):
        norm(3 * x + 1, mask)
    if norm.kind == "batch":
        torch.nn.init.normal_(norm.scale)
        torch.nn.init.normal_(norm.shift)
    return norm.eval()


def test_mask_marks_frames_and_is_spared_where_nothing_is_padded():
    assert frame_mask(torch.tensor([3, 1]), 3).tolist() == [[1, 1, 1], [1, 0, 0]]
    assert frame_mask(torch.tensor([3, 3]), 3) is None


@pytest.mark.parametrize("length", range(1, 10))
def test_halved_is_what_a_stride_of_two_leaves(length):
    frames = SameConv(1, 1, 5, stride=2)(torch.zeros(1, 1, length)).shape[-1]
    assert frames == int(halved(torch.tensor(length))) == len(range(0, length, 2))


def test_mean_leaves_padding_out(batch):
    x, lengths, mask = batch
    pooled = masked_mean(x.transpose(1, 2), mask)
    apart = torch.cat([one.mean(2) for one in alone(x, lengths)])
    torch.testing.assert_close(pooled, apart, atol=TOLERANCE, rtol=0)


def test_spread_leaves_padding_out_and_has_a_gradient_where_nothing_moves(batch):
    x, lengths, mask = batch
    pooled = mean_and_spread(x.transpose(1, 2), mask, floor=0.0)
    apart = torch.cat([torch.cat([one.mean(2), one.std(2, correction=0)], dim=1) for one in alone(x, lengths)])
    torch.testing.assert_close(pooled, apart, atol=TOLERANCE, rtol=0)
    still = torch.ones(1, 4, 2, requires_grad=True)
    mean_and_spread(still, None).sum().backward()
    assert torch.isfinite(still.grad).all()


@pytest.mark.parametrize("kind", ["instance", "batch", "none"])
def test_norm(batch, kind):
    x, lengths, mask = batch
    norm = worn_in(MaskedNorm(CHANNELS, kind), x, mask)
    check(norm(x, mask), [norm(one, None) for one in alone(x, lengths)])


def test_bank(batch):
    x, lengths, mask = batch
    bank = ConvBank(CHANNELS, 3, 8)
    check(bank(x, mask), [bank(one, None) for one in alone(x, lengths)])


@pytest.mark.parametrize("kind", ["instance", "batch", "none"])
def test_down_block(batch, kind):
    x, lengths, mask = batch
    block = DownBlock(CHANNELS, 5, kind, 0.5).eval()
    y, shorter, new_mask = block(x, lengths, mask)
    check(y, [block(one, torch.tensor([one.shape[-1]]), None)[0] for one in alone(x, lengths)])
    assert shorter.tolist() == halved(lengths).tolist() == new_mask.sum(1).tolist()


@pytest.mark.parametrize("kind", ["instance", "batch", "none"])
def test_up_block(batch, kind):
    """With an embedding: it enters frames, not the padding, where the next convolution would see it."""
    finer, longer, _ = batch
    lengths, frames = halved(longer), (max(LENGTHS) + 1) // 2
    x = silenced(finer[..., :frames], frame_mask(lengths, frames))
    condition = torch.randn(len(LENGTHS), CHANNELS)
    block = UpBlock(CHANNELS, 3, kind, 0.5).eval()
    y, mask = block(x, condition, longer, max(LENGTHS))
    apart = [
        block(one, condition[i : i + 1], longer[i : i + 1], LENGTHS[i])[0] for i, one in enumerate(alone(x, lengths))
    ]
    check(y, apart)
    assert mask.sum(1).tolist() == longer.tolist()


def test_dense_block(batch):
    x, lengths, mask = batch
    block, condition = DenseBlock(CHANNELS, "instance", 0.5).eval(), torch.randn(len(LENGTHS), CHANNELS)
    apart = [block(one, None, condition[i : i + 1]) for i, one in enumerate(alone(x, lengths))]
    check(block(x, mask, condition), apart)


def test_gru_begins_backwards_at_the_last_frame(batch):
    x, lengths, _ = batch
    gru = MaskedGRU(CHANNELS, 4)
    check(gru(x, lengths), [gru(one, torch.tensor([one.shape[-1]])) for one in alone(x, lengths)])


def test_stacked_lstms(batch):
    x, lengths, mask = batch
    stack = StackedLSTM(CHANNELS, 4, 3, 0.5).eval()
    torch.nn.init.normal_(stack.fusion)
    apart = [stack(one.transpose(1, 2), None).transpose(1, 2) for one in alone(x, lengths)]
    check(stack(x.transpose(1, 2), mask).transpose(1, 2), apart)


@pytest.mark.parametrize("heads", [1, 2])
def test_attention(batch, heads):
    x, lengths, mask = batch
    pool = AttentivePooling(CHANNELS, heads)
    pooled, weights = pool(x.transpose(1, 2), mask)
    for i, one in enumerate(alone(x, lengths)):
        vector, own = pool(one.transpose(1, 2), None)
        torch.testing.assert_close(pooled[i], vector[0], atol=TOLERANCE, rtol=0)
        torch.testing.assert_close(weights[i, : lengths[i]], own[0], atol=TOLERANCE, rtol=0)
        assert not weights[i, lengths[i] :].any(), "nobody attends to padding"
    torch.testing.assert_close(weights.sum(1), torch.ones(len(LENGTHS)), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(
    "block",
    [
        lambda x, mask: MaskedNorm(CHANNELS, "instance")(x, mask),
        lambda x, mask: MaskedNorm(CHANNELS, "batch")(x, mask),
        lambda x, mask: ConvBank(CHANNELS, 3, 4)(x, mask),
        lambda x, mask: DenseBlock(CHANNELS, "instance", 0.0)(x, mask),
        lambda x, mask: AttentivePooling(CHANNELS)(x.transpose(1, 2), mask)[0],
    ],
    ids=["instance norm", "batch norm", "bank", "dense", "attention"],
)
def test_the_path_without_a_mask_is_the_path_with_one(block):
    x = torch.randn(3, CHANNELS, 11)
    outputs = []
    for mask in (None, torch.ones(3, 11)):
        torch.manual_seed(1)
        outputs.append(block(x, mask))
    torch.testing.assert_close(*outputs, atol=TOLERANCE, rtol=0)


def test_gru_packed_is_gru_unpacked():
    gru, x = MaskedGRU(CHANNELS, 4), torch.randn(2, CHANNELS, 9)
    packed = gru(torch.nn.functional.pad(x, (0, 1)), torch.tensor([9, 9]))[..., :9]
    torch.testing.assert_close(gru(x, torch.tensor([9, 9])), packed, atol=TOLERANCE, rtol=0)
