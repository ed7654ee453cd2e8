"""Gradient reversal: the head learns, the encoder unlearns; and what a minus sign in the loss does instead."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sercourse.layers.reversal import ramp, reverse


@pytest.fixture
def parts():
    """An encoder, a head, an input and a label."""
    torch.manual_seed(0)
    return nn.Linear(4, 3), nn.Linear(3, 2), torch.randn(5, 4), torch.tensor([0, 1, 1, 0, 1])


def gradients(parts, strength: float | None, sign: float = 1.0):
    """Gradients of encoder and head; ``None``: no reversal."""
    encoder, head, x, label = parts
    encoder.zero_grad()
    head.zero_grad()
    hidden = encoder(x)
    logits = head(hidden if strength is None else reverse(hidden, strength))
    (sign * nn.functional.cross_entropy(logits, label)).backward()
    return encoder.weight.grad.clone(), head.weight.grad.clone()


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_the_heads_gradient_is_kept_and_the_encoders_turned(parts, strength):
    plain_encoder, plain_head = gradients(parts, None)
    encoder, head = gradients(parts, strength)
    torch.testing.assert_close(head, plain_head)
    torch.testing.assert_close(encoder, -strength * plain_encoder)
    assert plain_encoder.abs().max() > 1e-3


def test_a_minus_sign_in_the_loss_turns_both(parts):
    plain_encoder, plain_head = gradients(parts, None)
    encoder, head = gradients(parts, None, sign=-1.0)
    torch.testing.assert_close(encoder, -plain_encoder)
    torch.testing.assert_close(head, -plain_head, msg="which is the mistake: the head unlearns too")


def test_forwards_nothing_changes():
    x = torch.randn(2, 3)
    assert torch.equal(reverse(x, 0.7), x)


def test_the_ramp_begins_at_0_rises_and_ends_near_1():
    values = [ramp(done / 10) for done in range(11)]
    assert values[0] == 0
    assert values == sorted(values)
    assert values[5] == pytest.approx(0.98661, abs=1e-5)
    assert 0.999 < values[-1] < 1
