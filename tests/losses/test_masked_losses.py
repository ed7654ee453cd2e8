"""Losses skip what is missing and stay connected to the network."""

from __future__ import annotations

import pytest
import torch

from sercourse.losses.masked import MISSING, cross_entropy, mask_error, mean_absolute_error


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_missing_labels_are_skipped(smoothing):
    logits, labels = torch.randn(6, 4), torch.tensor([0, MISSING, 3, 1, MISSING, MISSING])
    there = labels != MISSING
    loss = cross_entropy(logits, labels, smoothing=smoothing)
    torch.testing.assert_close(loss, cross_entropy(logits[there], labels[there], smoothing=smoothing))
    expected = -logits[there].log_softmax(1)[range(3), labels[there]].mean()
    assert (float(loss) == pytest.approx(float(expected))) == (smoothing == 0)


def test_no_gradient_reaches_the_unlabelled():
    logits = torch.randn(3, 4, requires_grad=True)
    cross_entropy(logits, torch.tensor([1, MISSING, 2])).backward()
    assert logits.grad[0].any()
    assert not logits.grad[1].any()


def test_all_missing_is_0_with_a_gradient():
    logits = torch.randn(3, 4, requires_grad=True)
    loss = cross_entropy(logits, torch.full((3,), MISSING))
    assert loss.item() == 0
    loss.backward()
    assert not logits.grad.any(), "there, and 0: several devices always see the same losses"


def test_absolute_error_ignores_padding():
    restored, target = torch.randn(2, 5, 3), torch.randn(2, 5, 3)
    mask = torch.tensor([[1.0, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    frames = torch.cat([(restored - target)[0], (restored - target)[1, :2]])  # (7, F)
    loss = mean_absolute_error(restored, target, mask)
    torch.testing.assert_close(loss, frames.abs().mean())
    restored[1, 2:] += 100
    torch.testing.assert_close(mean_absolute_error(restored, target, mask), loss)


def test_absolute_error_without_a_mask_is_that_of_a_full_one():
    restored, target = torch.randn(2, 5, 3), torch.randn(2, 5, 3)
    torch.testing.assert_close(
        mean_absolute_error(restored, target, None), mean_absolute_error(restored, target, torch.ones(2, 5))
    )


def test_losses_are_fp32_under_bf16():
    logits, target = torch.randn(4, 3).bfloat16(), torch.randn(4, 5, 2)
    assert cross_entropy(logits, torch.tensor([0, 1, 2, 0])).dtype == torch.float32
    assert mean_absolute_error(target.bfloat16(), target, None).dtype == torch.float32


def levels(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Clean and noisy levels in dB whose powers add."""
    clean, noise = torch.rand(shape), torch.rand(shape)
    return 10 * clean.log10(), 10 * (clean + noise).log10()


def test_wieners_gain_is_the_best_mask():
    clean, noisy = levels(2, 7, 3)
    wiener = 10 ** ((clean - noisy) / 10)
    assert mask_error(wiener, noisy, clean, None) == pytest.approx(0, abs=1e-5)
    assert mask_error((wiener + 0.1).clamp(max=1), noisy, clean, None) > 1e-3
    gain = torch.full_like(clean, 0.5, requires_grad=True)
    mask_error(gain, noisy, clean, None).backward()
    assert ((gain.grad < 0) == (wiener > 0.5)).all(), "it pulls every gain towards Wiener's"


def test_no_mask_at_all_costs_what_the_noise_adds():
    clean, noisy = levels(1, 50, 4)
    power, mixed = 10 ** (clean / 10), 10 ** (noisy / 10)
    expected = (mixed * (1 - power / mixed) ** 2).sum() / power.sum()
    found = mask_error(torch.ones_like(clean), noisy, clean, None)
    assert found == pytest.approx((expected + 1e-3).log10().item() + 3, rel=1e-5)


def test_mask_error_leaves_padding_out_and_weighs_utterances_alike():
    clean, noisy = levels(2, 6, 3)
    gain, mask = torch.rand(2, 6, 3), torch.tensor([[1.0] * 6, [1.0] * 2 + [0.0] * 4])
    apart = [
        mask_error(gain[i : i + 1, :n], noisy[i : i + 1, :n], clean[i : i + 1, :n], None) for i, n in ((0, 6), (1, 2))
    ]
    assert mask_error(gain, noisy, clean, mask) == pytest.approx((sum(apart) / 2).item())
    assert mask_error(gain, noisy - 30, clean - 30, mask) == pytest.approx((sum(apart) / 2).item(), rel=1e-4), "level"
