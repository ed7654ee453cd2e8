"""Orthogonality: 0 for orthogonal features, 1 for parallel ones. Correlation ratio: what class means explain."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import f_oneway

from sercourse.losses.constraints import correlation_ratio, orthogonality


def courses(*rows: list[float]) -> torch.Tensor:
    """Channels given as courses over time, ``(1, T, D)``."""
    return torch.tensor([rows]).transpose(1, 2)


def test_orthogonal_features_cost_nothing_and_parallel_ones_1():
    shared = courses([1.0, 0, 0, 0], [0, 1, 0, 0])
    assert orthogonality(shared, courses([0, 0, 2.0, 0], [0, 0, 0, 5]), None) == 0
    assert orthogonality(courses([1.0, 2, 3]), courses([-2.0, -4, -6]), None) == pytest.approx(1)


def test_neither_scale_nor_length_nor_batch_nor_width_matters():
    torch.manual_seed(0)
    shared, private = torch.randn(4, 30, 6), torch.randn(4, 30, 5)
    value = orthogonality(shared, private, None)
    torch.testing.assert_close(orthogonality(1e-3 * shared, 50 * private, None), value)
    torch.testing.assert_close(orthogonality(shared.repeat(2, 1, 1), private.repeat(2, 1, 1), None), value)
    torch.testing.assert_close(orthogonality(shared.repeat(1, 3, 1), private.repeat(1, 3, 1), None), value)
    torch.testing.assert_close(orthogonality(shared.repeat(1, 1, 2), private.repeat(1, 1, 4), None), value)


def test_padding_does_not_count():
    torch.manual_seed(0)
    shared, private = torch.randn(2, 9, 3), torch.randn(2, 9, 3)
    mask = torch.tensor([[1.0] * 9, [1.0] * 5 + [0.0] * 4])
    apart = [orthogonality(shared[:1], private[:1], None), orthogonality(shared[1:, :5], private[1:, :5], None)]
    torch.testing.assert_close(orthogonality(shared, private, mask), sum(apart) / 2)


def test_its_gradient_makes_features_orthogonal():
    torch.manual_seed(0)
    shared, private = torch.randn(2, 8, 3), torch.randn(2, 8, 3, requires_grad=True)
    optimiser = torch.optim.Adam([private], lr=0.05)
    before = orthogonality(shared, private, None).item()
    for _ in range(200):
        optimiser.zero_grad()
        loss = orthogonality(shared, private, None)
        loss.backward()
        optimiser.step()
    assert loss < 0.02 * before


def test_a_silent_channel_gives_no_nan():
    shared = torch.zeros(1, 4, 2, requires_grad=True)
    orthogonality(shared, torch.randn(1, 4, 2), None).backward()
    assert torch.isfinite(shared.grad).all()


def test_the_correlation_ratio_is_the_share_of_variance_between_classes():
    labels = torch.tensor([0, 0, 1, 1, -1])
    told = torch.tensor([[1.0], [1], [5], [5], [99]])
    assert correlation_ratio(told, labels) == pytest.approx(1)
    assert correlation_ratio(torch.tensor([[1.0], [5], [1], [5], [99]]), labels) == pytest.approx(0)
    half = torch.tensor([[0.0], [2], [2], [4], [99]])  # between: 1 each, within: 1 each
    assert correlation_ratio(half, labels) == pytest.approx(0.5)
    assert correlation_ratio(torch.cat([told, half], 1), labels) == pytest.approx(0.75), "mean over features"
    assert correlation_ratio(1000 * half + 7, labels) == pytest.approx(0.5), "neither place nor scale matters"


def test_the_correlation_ratio_agrees_with_an_analysis_of_variance():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=90) + np.arange(90) % 3, np.arange(90) % 3
    f = f_oneway(*(x[labels == k] for k in range(3))).statistic
    expected = 2 * f / (2 * f + 87)  # eta squared from F and the degrees of freedom
    assert correlation_ratio(torch.tensor(x)[:, None], torch.tensor(labels)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("labels", [[-1, -1, -1], [1, 1, 1], [1, -1, -1]])
def test_without_two_classes_there_is_nothing_to_correlate(labels):
    x = torch.randn(3, 2, requires_grad=True)
    ratio = correlation_ratio(x, torch.tensor(labels))
    ratio.backward()
    assert ratio.item() == pytest.approx(0, abs=1e-6)
    assert torch.isfinite(x.grad).all()
