"""GradNorm: tasks of unequal scale come to pull alike, and nothing of it leaks into the network's own gradient."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from sercourse.errors import UserError
from sercourse.losses.balancing import FixedWeights, GradNorm

SCALES = {"small": 1.0, "large": 100.0}


class Toy(nn.Module):
    """Two regressions over one shared layer, one in units a hundred times as large as the other's."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.shared = nn.Linear(6, 5)
        self.heads = nn.ModuleDict({task: nn.Linear(5, 1) for task in SCALES})
        self.truth = {task: torch.randn(6, 1) for task in SCALES}

    def losses(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        hidden = self.shared(x).tanh()
        return {
            task: SCALES[task] * (self.heads[task](hidden) - x @ self.truth[task]).square().mean() for task in SCALES
        }


def pulls(toy: Toy, x: torch.Tensor) -> dict[str, float]:
    losses = toy.losses(x)
    found = {task: torch.autograd.grad(loss, toy.shared.weight, retain_graph=True)[0] for task, loss in losses.items()}
    return {task: gradient.norm().item() for task, gradient in found.items()}


def trained(balancer, steps: int = 400) -> Toy:
    toy = Toy()
    optimiser = torch.optim.SGD(toy.parameters(), lr=1e-3)
    generator = torch.Generator().manual_seed(1)
    for step in range(steps):
        balancer.begin_epoch(min(step, 1))
        optimiser.zero_grad()
        x = torch.randn(32, 6, generator=generator)
        balancer(toy.losses(x), toy.shared.weight).backward()
        optimiser.step()
        balancer.after_step()
    return toy


def even(**options) -> GradNorm:
    return GradNorm({"small": 1.0, "large": 1.0}, **{"initial": {}, "alpha": 0.0, "rate": 0.05, **options})


def test_tasks_of_unequal_scale_come_to_pull_alike():
    x = torch.randn(256, 6, generator=torch.Generator().manual_seed(9))
    balancer = even()
    toy = trained(balancer)
    before, after = pulls(Toy(), x), pulls(toy, x)
    weights = balancer.weights()
    assert before["large"] > 30 * before["small"]
    assert 0.5 < weights["large"] * after["large"] / (weights["small"] * after["small"]) < 2
    assert sum(weights.values()) == pytest.approx(2.0)
    fixed = trained(FixedWeights({"small": 1.0, "large": 1.0}))
    assert toy.losses(x)["small"] < 0.9 * fixed.losses(x)["small"], "the drowned task learns more than it did"


def test_the_task_that_lags_behind_is_favoured():
    """Equal pulls, but one task has kept all of its first loss and the other a tenth."""
    shared = nn.Parameter(torch.ones(2))
    balancer = GradNorm({"a": 1.0, "b": 1.0}, initial={"a": 1.0, "b": 10.0}, alpha=1.0, rate=0.1)
    balancer.begin_epoch(1)
    for _ in range(50):
        balancer({"a": shared.sum() - 1.0, "b": shared.sum() - 1.0}, shared)
        balancer.after_step()
    weights = balancer.weights()
    assert weights["a"] / weights["b"] == pytest.approx(10.0, rel=0.1), "its paces are 1 and .1, and alpha is 1"


def test_the_network_gets_the_gradient_of_the_weighted_sum_and_no_more():
    toy, x = Toy(), torch.randn(8, 6)
    balancer = even(alpha=1.5)
    losses = toy.losses(x)
    total = balancer(losses, toy.shared.weight)
    assert all(p.grad is None for p in toy.parameters()), "what it differentiates for itself stays with itself"
    assert balancer.scores.grad is not None
    own = balancer.scores.grad.clone()
    total.backward()
    assert torch.equal(balancer.scores.grad, own), "the network's loss does not turn the weights"
    got = toy.shared.weight.grad.clone()
    toy.zero_grad()
    again = toy.losses(x)
    sum(balancer.weights()[task] * loss for task, loss in again.items()).backward()
    assert torch.allclose(got, toy.shared.weight.grad, rtol=1e-5)


def test_first_losses_are_given_or_gathered_in_the_first_epoch():
    shared = nn.Parameter(torch.ones(1))
    balancer = GradNorm({"a": 1.0, "b": 1.0}, initial={"b": math.log(4)}, alpha=1.0)
    for value in (1.0, 3.0):
        balancer({"a": value * shared.sum(), "b": shared.sum()}, shared)
    balancer.begin_epoch(1)
    balancer({"a": 100 * shared.sum(), "b": shared.sum()}, shared)
    assert balancer.first.tolist() == pytest.approx([2.0, math.log(4)])
    restored = GradNorm({"a": 1.0, "b": 1.0}, initial={"b": math.log(4)}, alpha=1.0)
    restored.load_state_dict(balancer.state_dict())
    assert restored.first.tolist() == balancer.first.tolist()
    assert restored.weights() == balancer.weights()


def test_a_batch_without_a_task_does_not_count_for_its_first_loss():
    shared = nn.Parameter(torch.ones(1))
    balancer = GradNorm({"a": 1.0, "b": 1.0}, initial={})
    balancer({"a": 2 * shared.sum(), "b": 6 * shared.sum()}, shared)
    for _ in range(9):
        balancer({"a": 2 * shared.sum(), "b": 0 * shared.sum()}, shared)
    assert balancer.first.tolist() == pytest.approx([2.0, 6.0])


def test_a_task_without_a_gradient_there_is_left_out_of_the_step():
    shared, own = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(1))
    balancer = GradNorm({"a": 1.0, "b": 1.0, "c": 1.0}, initial={"a": 1.0, "b": 1.0, "c": 1.0}, alpha=0.0, rate=0.1)
    balancer.begin_epoch(1)
    losses = {"a": shared.sum(), "b": 3 * shared.sum(), "c": own.sum()}
    balancer(losses, shared)
    balancer.after_step()
    weights = balancer.weights()
    assert weights["a"] > 1 > weights["b"]
    assert balancer.scores[2] == 0
    alone = {"a": shared.sum(), "b": 0 * shared.sum(), "c": own.sum()}
    balancer(alone, shared)
    balancer.after_step()
    assert balancer.weights() == weights, "one pull cannot be balanced with nothing"


def test_accumulated_batches_give_the_mean_of_their_steps():
    """Three unlike batches, in which b pulls 2, 11 and a quarter times as hard as a, together and one by one."""
    shared = nn.Parameter(torch.ones(2))

    def moved(*ratios: float) -> torch.Tensor:
        balancer = GradNorm({"a": 1.0, "b": 1.0}, initial={"a": 1.0, "b": 1.0}, alpha=0.0, rate=0.1)
        balancer.begin_epoch(1)
        before = balancer.scores.detach().clone()
        for ratio in ratios:
            balancer({"a": shared.sum(), "b": ratio * shared.sum()}, shared)
        balancer.after_step()
        return balancer.scores.detach() - before

    alone = [moved(2), moved(11), moved(0.25)]
    assert (alone[0].sign() == -alone[2].sign()).all(), "unlike batches, unlike steps"
    torch.testing.assert_close(moved(2, 11, 0.25), torch.stack(alone).mean(0))


def test_a_task_of_weight_nothing_keeps_it():
    balancer = GradNorm({"a": 1.0, "b": 3.0, "off": 0.0}, initial={})
    assert balancer.weights() == pytest.approx({"a": 0.5, "b": 1.5, "off": 0.0})


def test_what_cannot_be_balanced_is_said():
    with pytest.raises(UserError, match="needs two tasks with a weight above 0"):
        GradNorm({"a": 1.0, "off": 0.0}, initial={})
    with pytest.raises(UserError, match="no layer that all tasks share"):
        even()({"small": torch.ones(()), "large": torch.ones(())}, None)
