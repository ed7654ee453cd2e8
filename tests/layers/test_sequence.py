"""Reading a row step by step: the parallel recurrence equals the one that walks, attention is a weighted mean."""

from __future__ import annotations

import torch

from sercourse.layers.sequence import AdditiveAttention, MinGRU


def test_all_steps_at_once_are_the_steps_one_after_the_other():
    torch.manual_seed(0)
    layer, x = MinGRU(3, 5).double(), torch.randn(2, 200, 3, dtype=torch.double) * 3
    gate, candidate = layer.gate(x).sigmoid(), layer.candidate(x)
    candidate = torch.where(candidate >= 0, candidate + 0.5, candidate.sigmoid())
    state, walked = torch.zeros(2, 5, dtype=torch.double), []
    for step in range(200):
        state = (1 - gate[:, step]) * state + gate[:, step] * candidate[:, step]
        walked.append(state)
    assert torch.allclose(layer(x), torch.stack(walked, 1), atol=1e-4)  # the layer reckons in fp32


def test_its_gradients_stay_finite_over_long_rows():
    torch.manual_seed(0)
    layer = MinGRU(1, 4)
    x = (20 * torch.randn(2, 1582, 1)).requires_grad_()
    layer(x)[:, -1].sum().backward()
    assert torch.isfinite(x.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in layer.parameters())


def test_attention_is_a_weighted_mean_and_follows_the_score():
    torch.manual_seed(0)
    layer, x = AdditiveAttention(4, 3), torch.randn(2, 7, 4)
    pooled, weights = layer(x)
    assert torch.allclose(weights.sum(1), torch.ones(2))
    assert torch.allclose(pooled, torch.einsum("bt,bth->bh", weights, x), atol=1e-6)
    order = torch.randperm(7)
    assert torch.allclose(layer(x[:, order])[1], weights[:, order], atol=1e-6)
    torch.nn.init.zeros_(layer.score.weight)
    assert torch.allclose(layer(x)[1], torch.full((2, 7), 1 / 7))
