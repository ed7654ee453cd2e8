"""APFL and its family: exact special cases, finite gradients where the textbook forms fail, bounds, bad settings."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cross_entropy, linear, normalize

from sercourse.layers.cosine import CosineHead
from sercourse.losses import masked
from sercourse.losses.angular import EPS, apfl, arcface, focal_loss, normalised_softmax, penalised, posterior_bounds
from sercourse.losses.masked import MISSING

SCALES, MARGINS, GAMMAS = st.floats(0.5, 64), st.floats(0, 3.1), st.floats(0, 5)
SIZES, SEEDS = st.integers(2, 9), st.integers(0, 10_000)
FAMILY = [apfl, partial(apfl, margin=3.0, gamma=5.0), arcface, normalised_softmax, partial(focal_loss, gamma=0.1)]
NAMES = ["apfl", "apfl, large margin and gamma", "arcface", "normalised softmax", "focal"]
quickly = settings(max_examples=40, deadline=None)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def naive_penalised(cosine: Tensor, margin: float) -> Tensor:
    """Equation 2 as it is printed."""
    return (cosine.acos() + margin).cos()


def naive_focal(logits: Tensor, labels: Tensor, gamma: float) -> Tensor:
    """Equation 1 as it is printed."""
    log_p = logits.log_softmax(1).gather(1, labels[:, None])
    return (-((1 - log_p.exp()) ** gamma) * log_p).mean()


def cosines_and_labels(seed: int, classes: int, batch: int = 6) -> tuple[Tensor, Tensor]:
    """Double precision, away from -1 and 1; the last label is missing."""
    torch.manual_seed(seed)
    cosines = torch.rand(batch, classes, dtype=torch.double) * 1.9 - 0.95
    labels = torch.randint(classes, (batch,))
    labels[-1] = MISSING
    return cosines, labels


@quickly
@given(SEEDS, SIZES, SCALES)
def test_without_margin_and_focus_it_is_cross_entropy(seed, classes, scale):
    cosines, labels = cosines_and_labels(seed, classes)
    expected = cross_entropy(scale * cosines, labels, ignore_index=MISSING)
    torch.testing.assert_close(apfl(cosines, labels, scale=scale, margin=0.0, gamma=0.0), expected)
    torch.testing.assert_close(normalised_softmax(cosines, labels, scale=scale), expected)
    torch.testing.assert_close(masked.cross_entropy(scale * cosines, labels).double(), expected, rtol=1e-5, atol=1e-5)


@quickly
@given(SEEDS, SIZES, SCALES, GAMMAS)
def test_without_margin_it_is_focal_loss_of_normalised_features(seed, classes, scale, gamma):
    torch.manual_seed(seed)
    x, w = (torch.randn(n, 5, dtype=torch.double) for n in (8, classes))
    labels = torch.randint(classes, (8,))
    cosines = linear(normalize(x), normalize(w))
    expected = naive_focal(scale * cosines, labels, gamma)
    torch.testing.assert_close(apfl(cosines, labels, scale=scale, margin=0.0, gamma=gamma), expected)
    torch.testing.assert_close(focal_loss(scale * cosines, labels, gamma=gamma), expected)


@quickly
@given(SEEDS, SIZES, SCALES, st.floats(0, 1.5), GAMMAS)
def test_it_is_the_printed_equation_where_that_is_defined(seed, classes, scale, margin, gamma):
    cosines, labels = cosines_and_labels(seed, classes)
    known = labels != MISSING
    cosines, labels = cosines[known].abs(), labels[known]  # abs: theta + margin stays below pi
    pulled = cosines.scatter(1, labels[:, None], naive_penalised(cosines.gather(1, labels[:, None]), margin))
    expected = naive_focal(scale * pulled, labels, gamma)
    torch.testing.assert_close(apfl(cosines, labels, scale=scale, margin=margin, gamma=gamma), expected)
    torch.testing.assert_close(
        arcface(cosines, labels, scale=scale, margin=margin), cross_entropy(scale * pulled, labels)
    )


@settings(max_examples=25, deadline=None)
@given(SEEDS, SIZES, st.floats(0.5, 20), MARGINS, GAMMAS, st.booleans())
def test_gradients_are_those_of_finite_differences(seed, classes, scale, margin, gamma, weighted):
    cosines, labels = cosines_and_labels(seed, classes, batch=4)
    at_the_step = (cosines + math.cos(margin)).abs() < 1e-3  # where the slope has a step, no difference can follow it
    cosines = torch.where(at_the_step, cosines + 0.01, cosines).requires_grad_()
    weights = torch.rand(classes, dtype=torch.double) + 0.1 if weighted else None
    loss = partial(apfl, scale=scale, margin=margin, gamma=gamma, class_weights=weights)
    assert torch.autograd.gradcheck(lambda c: loss(c, labels), (cosines,), atol=1e-4)


@pytest.mark.parametrize("loss", FAMILY, ids=NAMES)
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_gradients_are_finite_on_the_class_vector_and_opposite(loss, sign, dtype):
    """Features along the class vectors, the head under autocast: cosines of exactly 1, and of a rounding above."""
    head = CosineHead(64, 40)
    x = (sign * head.weight.detach() * torch.linspace(0.1, 3, 40)[:, None]).requires_grad_()
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        cosines = head(x.to(dtype))
        value = loss(cosines, torch.arange(40))
    assert cosines.dtype == value.dtype == torch.float32
    assert torch.isfinite(value)
    value.backward()
    assert torch.isfinite(x.grad).all()
    assert torch.isfinite(head.weight.grad).all()


@pytest.mark.parametrize("loss", FAMILY, ids=NAMES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_judged_in_fp32(loss, dtype):
    cosines, labels = (torch.rand(4, 3) - 0.5).to(dtype), torch.tensor([0, 1, MISSING, 2])
    assert loss(cosines, labels).dtype == loss(cosines, labels * 0 + MISSING).dtype == torch.float32
    torch.testing.assert_close(loss(cosines, labels), loss(cosines.float(), labels), rtol=0, atol=0)


@pytest.mark.parametrize("margin", [0.0, 0.3, 0.5, 1.2])
@pytest.mark.parametrize("scale", [1.0, 10.0, 30.0])
def test_without_focus_it_is_the_arcface_of_pytorch_metric_learning(scale, margin):
    """Whose margin is in degrees; there too the cosine goes on by ``m sin m`` beyond pi - m."""
    oracles = pytest.importorskip("pytorch_metric_learning.losses", reason="comes with the extra `dev`")
    generator = torch.Generator().manual_seed(int(100 * margin + scale))
    features = torch.randn(40, 6, generator=generator, dtype=torch.double, requires_grad=True)
    labels = torch.randint(5, (40,), generator=generator)
    oracle = oracles.ArcFaceLoss(num_classes=5, embedding_size=6, margin=math.degrees(margin), scale=scale).double()
    head = CosineHead(6, 5).double()
    head.weight.data = oracle.W.data.T.clone()
    theirs = oracle(features, labels)
    ours = arcface(head(features), labels, scale=scale, margin=margin)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-6)
    gradients = (torch.autograd.grad(loss, features)[0] for loss in (ours, theirs))
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("cosine", [1.0, -1.0, 1.0 + 1e-6, -1.0 - 1e-6, 0.999])
def test_the_printed_equation_fails_where_ours_does_not(cosine, dtype):
    ours, printed = (torch.tensor([cosine], dtype=dtype, requires_grad=True) for _ in range(2))
    penalised(ours, 0.5).backward()
    naive_penalised(printed, 0.5).backward()
    assert torch.isfinite(ours.grad).all()
    fails = abs(cosine) >= 1 or dtype == torch.bfloat16  # .999 is 1 in bf16
    assert torch.isfinite(printed.grad).all() != fails


@pytest.mark.parametrize("gamma", [0.0, 0.1, 0.5, 1.0, 5.0])
def test_the_focus_is_finite_where_the_posterior_rounds_to_1(gamma):
    """At the paper's own gamma of .1 and s of 10 the power gives 0 times infinity."""
    cosines = torch.tensor([[1.0, -1, -1, -1, -1, -1, -1]], requires_grad=True)
    naive_focal(10 * cosines, torch.tensor([0]), gamma).backward()
    assert torch.isnan(cosines.grad).any() == (0 < gamma < 1)
    for scale in (10.0, 64.0, 500.0):
        cosines.grad = None
        apfl(cosines, torch.tensor([0]), scale=scale, margin=0.0, gamma=gamma).backward()
        assert torch.isfinite(cosines.grad).all()
        assert cosines.grad[0, 0] <= 0
        assert (cosines.grad[0, 1:] >= 0).all()


@pytest.mark.parametrize("logit", [-200.0, -30, -1, 0, 1, 30, 200])
def test_the_focus_is_exact_in_fp32_at_every_posterior(logit):
    logits, labels = torch.tensor([[logit, 0.0, -1.0]]), torch.tensor([0])
    exact = focal_loss(logits.double(), labels, gamma=0.1).item()
    assert focal_loss(logits, labels, gamma=0.1).item() == pytest.approx(exact, rel=1e-5)


@quickly
@given(MARGINS)
def test_it_falls_with_the_angle_across_pi_minus_m(margin):
    theta = torch.linspace(0, math.pi, 20_001, dtype=torch.double)
    values = penalised(theta.cos(), margin)
    assert values.diff().max() <= EPS, "never up, not even where theta + margin passes pi"
    before = theta <= math.pi - margin
    torch.testing.assert_close(values[before], (theta[before] + margin).cos(), atol=1.01e-3, rtol=0)
    assert (values[theta > math.pi - margin + 1e-9] <= -1).all()


def test_beyond_pi_it_is_the_usual_continuation_or_where_that_would_step_up_a_lower_one():
    cosine = torch.tensor([-0.99], dtype=torch.double)
    assert penalised(cosine, 0.5).item() == pytest.approx(-0.99 - 0.5 * math.sin(0.5))
    assert -math.cos(2.5) - 2.5 * math.sin(2.5) > -1, "the usual one starts above cos(pi)"
    assert penalised(cosine, 2.5).item() == pytest.approx(-0.99 - 1 + math.cos(2.5))


@quickly
@given(SEEDS, SIZES, SCALES, MARGINS, GAMMAS, st.floats(0, 3.1), st.floats(0, 3.1))
def test_an_utterance_nearer_to_its_class_costs_less(seed, classes, scale, margin, gamma, one, other):
    cosines, _ = cosines_and_labels(seed, classes, batch=2)
    cosines[:] = cosines[0]
    cosines[0, 0], cosines[1, 0] = math.cos(min(one, other)), math.cos(max(one, other))
    label = torch.tensor([0])
    near, far = (apfl(row[None], label, scale=scale, margin=margin, gamma=gamma).item() for row in cosines)
    assert near <= far * (1 + 1e-9) + 10 * scale * EPS


@quickly
@given(SEEDS, SIZES, SCALES, MARGINS, GAMMAS)
def test_a_margin_costs_and_a_focus_saves(seed, classes, scale, margin, gamma):
    cosines, labels = cosines_and_labels(seed, classes)
    value = apfl(cosines, labels, scale=scale, margin=margin, gamma=gamma)
    assert 0 <= value <= arcface(cosines, labels, scale=scale, margin=margin)
    assert value >= apfl(cosines, labels, scale=scale, margin=0.0, gamma=gamma) * (1 - 1e-9)


@quickly
@given(SEEDS, SIZES, SCALES, MARGINS, GAMMAS)
def test_neither_the_order_of_classes_nor_of_utterances_matters(seed, classes, scale, margin, gamma):
    cosines, labels = cosines_and_labels(seed, classes)
    order, rows = torch.randperm(classes), torch.randperm(len(labels))
    renamed = torch.where(labels == MISSING, MISSING, order.argsort()[labels])
    loss = partial(apfl, scale=scale, margin=margin, gamma=gamma)
    torch.testing.assert_close(loss(cosines[rows][:, order], renamed[rows]), loss(cosines, labels))


@pytest.mark.parametrize("loss", FAMILY, ids=NAMES)
def test_missing_labels_are_skipped_and_get_no_gradient(loss):
    cosines, labels = torch.rand(5, 3, requires_grad=True), torch.tensor([0, MISSING, 2, 1, MISSING])
    value, there = loss(cosines, labels), labels != MISSING
    torch.testing.assert_close(value, loss(cosines[there], labels[there]))
    value.backward()
    assert cosines.grad[there].any(1).all()
    assert not cosines.grad[~there].any()


@pytest.mark.parametrize("loss", FAMILY, ids=NAMES)
def test_all_missing_is_0_with_a_gradient(loss):
    cosines = torch.rand(3, 4, requires_grad=True)
    value = loss(cosines, torch.full((3,), MISSING))
    assert value.item() == 0
    value.backward()
    assert not cosines.grad.any(), "there, and 0: several devices always see the same losses"


def test_class_weights_count_an_utterance_more_or_less():
    cosines, labels = torch.rand(6, 3), torch.tensor([0, 1, 1, 2, 0, MISSING])
    weights = torch.tensor([1.0, 2.0, 0.5])
    expected = cross_entropy(10 * cosines, labels, weights, ignore_index=MISSING)
    torch.testing.assert_close(normalised_softmax(cosines, labels, class_weights=weights), expected)
    doubled = [0, 0, 1, 1, 2, 2, 3, 4, 4, 5]  # all but class 2 are there twice
    weighted = apfl(cosines, labels, class_weights=torch.tensor([1.0, 1.0, 0.5]))
    torch.testing.assert_close(weighted, apfl(cosines[doubled], labels[doubled]))
    assert apfl(cosines[:1], labels[:1], class_weights=torch.tensor([0.0, 1, 1])).item() == 0
    with pytest.raises(ValueError, match=r"^class_weights: 2 for 3 classes, must be one per class$"):
        apfl(cosines, labels, class_weights=weights[:2])


def test_the_bounds_are_those_measured():
    assert posterior_bounds(1, 7) == pytest.approx((0.55, 0.35), abs=0.005)
    assert posterior_bounds(10, 7).together == pytest.approx(0.99995, abs=1e-5)
    assert posterior_bounds(1e6, 2) == (1, 1)


@quickly
@given(SEEDS, SIZES, SCALES)
def test_no_arrangement_beats_the_bounds_and_the_simplex_reaches_them(seed, classes, scale):
    alone, together = posterior_bounds(scale, classes)
    torch.manual_seed(seed)
    x, w = (normalize(torch.randn(classes, 3, dtype=torch.double)) for _ in range(2))
    every = torch.arange(classes)
    for features in (x, w):  # anywhere, and on the class vectors
        posteriors = (scale * features @ w.T).softmax(1).diagonal()
        assert posteriors.max() <= alone * (1 + 1e-9)
        assert normalised_softmax(features @ w.T, every, scale=scale) >= -math.log(together) - 1e-9
    simplex = normalize(torch.eye(classes, dtype=torch.double) - 1 / classes)
    reached = normalised_softmax(simplex @ simplex.T, every, scale=scale)
    torch.testing.assert_close(reached.item(), -math.log(together), atol=1e-12, rtol=1e-6)
    opposite = torch.full((1, classes), -1.0, dtype=torch.double)
    opposite[0, 0] = 1
    assert (scale * opposite).softmax(1)[0, 0].item() == pytest.approx(alone)


def test_a_margin_draws_utterances_nearer_to_their_class_than_normalisation_alone():
    def angle(margin: float) -> float:
        torch.manual_seed(1)
        head, x, labels = CosineHead(3, 4), torch.randn(24, 3, requires_grad=True), torch.arange(24) % 4
        optimiser = torch.optim.Adam([x, *head.parameters()], lr=0.1)
        for _ in range(80):
            optimiser.zero_grad()
            apfl(head(x), labels, margin=margin, scale=4.0, gamma=0.0).backward()
            optimiser.step()
        assert ((4.0 * head(x)).argmax(1) == labels).all(), "a decision needs no margin"
        return head(x)[range(24), labels].clamp(-1, 1).acos().mean().item()

    assert angle(0.5) < 0.8 * angle(0.0)


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"margin": 30}, r"^margin=30: an angle in radians, at least 0 and below pi; 30 degrees are margin=0.5236$"),
        ({"margin": -0.1}, r"^margin=-0.1: an angle in radians, at least 0 and below pi$"),
        ({"margin": math.pi}, r"^margin=3.14\d+: an angle in radians"),
        ({"margin": math.nan}, r"^margin=nan: an angle in radians, at least 0 and below pi$"),
        ({"scale": 0.0}, r"^scale=0.0: must be above 0$"),
        ({"scale": math.inf}, r"^scale=inf: must be above 0$"),
        ({"gamma": -1.0}, r"^gamma=-1.0: must be 0 or more$"),
        ({"gamma": math.nan}, r"^gamma=nan: must be 0 or more$"),
    ],
)  # fmt: skip
def test_settings_outside_their_range_are_refused_in_one_sentence(bad, sentence):
    with pytest.raises(ValueError, match=sentence):
        apfl(torch.rand(2, 3), torch.tensor([0, 1]), **bad)


def test_one_class_only_is_refused():
    with pytest.raises(ValueError, match=r"^one class only: there is nothing to tell apart$"):
        apfl(torch.rand(2, 1), torch.tensor([0, 0]))
    with pytest.raises(ValueError, match=r"^classes=1: must be 2 or more$"):
        posterior_bounds(1.0, 1)
