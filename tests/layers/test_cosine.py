"""A head of cosines: directions only, safe at 0, fp32 under autocast."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cosine_similarity

from sercourse.layers.cosine import SHORTEST, CosineHead
from sercourse.losses.angular import apfl

HALVES = [torch.bfloat16, torch.float16]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_it_gives_the_cosine_of_every_utterance_to_every_class():
    head, x = CosineHead(5, 3), torch.randn(4, 5)
    torch.testing.assert_close(head(x), cosine_similarity(x[:, None], head.weight[None], dim=-1))
    assert head(x).abs().max() <= 1 + 1e-6
    torch.testing.assert_close(head(head.weight).diagonal(), torch.ones(3))
    assert head(x.double()).dtype == torch.float64


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(-1, 6), st.floats(-1, 6))
def test_no_length_matters_neither_of_features_nor_of_class_vectors(seed, of_features, of_classes):
    torch.manual_seed(seed)
    head, x = CosineHead(4, 3), torch.randn(6, 4)
    before = head(x)
    head.weight.data *= 10**of_classes
    torch.testing.assert_close(head(10**of_features * x), before)


def test_the_gradient_turns_features_and_does_not_stretch_them():
    head, x = CosineHead(4, 3), torch.randn(6, 4, requires_grad=True)
    head(x)[:, 0].sum().backward()
    torch.testing.assert_close((x.grad * x).sum(1), torch.zeros(6), atol=1e-6, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, *HALVES])
@pytest.mark.parametrize("length", [0.0, 1e-7, 1e-3, 1e4])
def test_features_of_no_length_have_cosine_0_and_every_gradient_is_finite(dtype, length):
    head = CosineHead(4, 3)
    x = (torch.tensor([[1.0, 0, 0, 0]]) * length).to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        cosines = head(x)
    (20.0 * (cosines[:, 0] - cosines[:, 1])).sum().backward()  # the steepest a loss of scale 20 can be
    assert torch.isfinite(x.grad).all()
    assert torch.isfinite(head.weight.grad).all()
    assert cosines.any() == bool(x.any())
    assert x.grad.float().norm() <= 1.01 * 40 / SHORTEST


@pytest.mark.parametrize("dtype", HALVES)
def test_autocast_does_not_round_the_angle_away(dtype):
    head, x = CosineHead(16, 7), torch.randn(5, 16)
    with torch.autocast("cpu", dtype):
        under = head(x)
    assert under.dtype == torch.float32
    torch.testing.assert_close(under, head(x), rtol=0, atol=0)
    torch.testing.assert_close(head(x.to(dtype)), head(x.to(dtype).float()), rtol=0, atol=0)


def test_gradients_of_a_loss_on_the_head_are_those_of_finite_differences():
    head, x = CosineHead(4, 3).double(), torch.randn(5, 4, dtype=torch.double, requires_grad=True)
    labels = torch.tensor([0, 1, 2, -1, 1])

    def loss(x: Tensor, w: Tensor) -> Tensor:
        return apfl(torch.func.functional_call(head, {"weight": w}, (x,)), labels)

    assert torch.autograd.gradcheck(loss, (x, head.weight.detach().clone().requires_grad_()))


def test_the_length_of_features_does_not_matter():
    head, x, labels = CosineHead(6, 4), torch.randn(5, 6), torch.tensor([0, 1, 2, 3, 1])
    torch.testing.assert_close(apfl(head(x), labels), apfl(head(x * torch.logspace(-2, 6, 5)[:, None]), labels))


@pytest.mark.parametrize("classes", [0, 1])
def test_fewer_than_two_classes_are_refused(classes):
    with pytest.raises(ValueError, match=rf"^classes={classes}: angles tell classes apart, so there must be two"):
        CosineHead(4, classes)
