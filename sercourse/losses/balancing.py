"""Balancers: several losses to one.

A balancer is a module of its own, so that one whose weights are learnt (:class:`GradNorm`) can bring parameters, an
optimiser of its own and a state that is stored and resumed with the network. It is called once per batch with all
losses and the last shared weight of the network, in the unwrapped graph, before the backward pass.

Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, distributed, nn

from sercourse.errors import UserError


class Balancer(nn.Module, ABC):
    """What the loop asks of a balancer."""

    @abstractmethod
    def forward(self, losses: dict[str, Tensor], shared: nn.Parameter | None) -> Tensor:
        """One loss.

        Args:
            losses: a scalar per task.
            shared: the last weight that all tasks share; ``None`` where nothing is shared.

        Returns:
            Scalar; its gradient trains the network.
        """

    @abstractmethod
    def weights(self) -> dict[str, float]:
        """The present weight of each task, for the journal."""

    def begin_epoch(self, number: int) -> None:
        """Called before every epoch; the first is 0."""

    def after_step(self) -> None:
        """Called after each step of the network's optimiser: where a balancer steps its own."""


class FixedWeights(Balancer):
    """A weighted sum.

    Args:
        weights: task to weight.

    Source: Zhang and Xue, equation 4, with lambda as the weight of the emotion.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        super().__init__()
        self._weights = dict(weights)

    def forward(self, losses: dict[str, Tensor], shared: nn.Parameter | None = None) -> Tensor:
        """The weighted sum."""
        return sum(self._weights[task] * loss for task, loss in losses.items())

    def weights(self) -> dict[str, float]:
        """As given."""
        return dict(self._weights)


class GradNorm(Balancer):
    """Weights that keep the tasks learning at one pace.

    A task pulls at the shared layer with the norm of its weighted gradient there. A task that has kept more of its
    first loss than the others should pull harder, one that is ahead should pull less. The weights are ``K`` times a
    softmax: freely learnt ones can cross zero and run away. Weight times norm is all that depends on a weight, so the
    network is not differentiated twice; the cost is one backward pass per task from its loss to the shared layer.

    A task whose gradient at the shared layer is zero (all its labels are missing in this batch, or an adversary that
    has not begun) is left out of the step. On several processes losses and gradients are averaged first, so that all
    of them take the step that one would have taken; with accumulated batches the steps' gradients are averaged.

    Args:
        weights: task to first weight; they are brought to the sum ``K``. A task of weight 0 keeps it, and is no part
            of ``K``.
        initial: task to ``L(0)``, the loss of a network that knows nothing (``log C`` for a cross-entropy); for a task
            that is not named it is the mean over the first epoch.
        alpha: how strongly a task that lags behind is favoured; 0: all pull alike.
        rate: learning rate of the weights (plain gradient descent, on a loss that is relative to the mean pull).

    Raises:
        UserError: fewer than two tasks have a weight above 0; in ``forward``, a network that shares nothing.

    Source: Chen et al., GradNorm, ICML 2018, algorithm 1; the softmax instead of a renormalisation is ours.
    """

    def __init__(
        self, weights: Mapping[str, float], *, initial: Mapping[str, float], alpha: float = 1.5, rate: float = 0.025
    ) -> None:
        super().__init__()
        self.tasks = tuple(task for task, weight in weights.items() if weight > 0)
        if len(self.tasks) < 2:
            raise UserError("--set balancer=gradnorm: needs two tasks with a weight above 0; take balancer=fixed.")
        self._off = {task: 0.0 for task in weights if task not in self.tasks}
        self.alpha = alpha
        self.scores = nn.Parameter(torch.tensor([weights[task] for task in self.tasks]).log())
        self.optimiser = torch.optim.SGD([self.scores], lr=rate)
        given = [initial.get(task, 0.0) for task in self.tasks]
        self.register_buffer("known", torch.tensor([task in initial for task in self.tasks]))
        self.register_buffer("first", torch.tensor(given))
        self.register_buffer("counted", torch.zeros(len(given)))
        self._calls, self._epoch = 0, 0

    def present(self) -> Tensor:
        """Weights of :attr:`tasks`, ``(K,)``, above 0 and with the sum ``K``."""
        return len(self.tasks) * self.scores.softmax(0)

    def weights(self) -> dict[str, float]:
        """The present ones."""
        return dict(zip(self.tasks, self.present().tolist(), strict=True)) | self._off

    def begin_epoch(self, number: int) -> None:
        """In epoch 0 first losses are gathered."""
        self._epoch = number

    def forward(self, losses: dict[str, Tensor], shared: nn.Parameter | None) -> Tensor:
        """The weighted sum; on the way the weights' own gradient is gathered."""
        if shared is None:
            raise UserError("--set balancer=gradnorm: this network has no layer that all tasks share; take fixed.")
        own = [losses[task] for task in self.tasks]
        pulls = _averaged(torch.stack([_gradient(loss, shared) for loss in own])).norm(dim=1)  # (K,)
        there = (pulls > 0) & pulls.isfinite()
        paces = self._paces(_averaged(torch.stack([loss.detach().float() for loss in own])), there)
        self._gather(pulls, paces, there)
        return sum(weight * loss for weight, loss in zip(self.present().detach(), own, strict=True))

    def after_step(self) -> None:
        """A step of the weights."""
        if self.scores.grad is not None:
            self.scores.grad /= self._calls
            self.optimiser.step()
        self.optimiser.zero_grad()
        self._calls = 0

    def _paces(self, losses: Tensor, there: Tensor) -> Tensor:
        """What is left of each task's first loss, ``(K,)``; batches without a task do not count for its mean."""
        if self._epoch == 0:
            self.counted += there
            gathered = there & ~self.known
            self.first += torch.where(gathered, (losses - self.first) / self.counted.clamp(min=1), 0.0)
        return (losses / self.first.clamp(min=1e-8)).clamp(min=1e-8)

    def _gather(self, pulls: Tensor, paces: Tensor, there: Tensor) -> None:
        """Distance of the weighted pulls from their targets, over the mean pull; its gradient goes to the scores."""
        self._calls += 1
        if there.sum() < 2:
            return
        share = self.scores[there].softmax(0)  # among those that are there: the others' scores stay as they are
        weighted, paces = share * pulls[there], paces[there]
        target = (weighted.mean() * (paces / paces.mean()) ** self.alpha).detach()
        ((weighted - target).abs().sum() / weighted.mean().detach()).backward()


def _gradient(loss: Tensor, shared: nn.Parameter) -> Tensor:
    """Of one loss at the shared weight, flat, float32; zeros where the loss does not depend on it."""
    (found,) = torch.autograd.grad(loss, shared, retain_graph=True, allow_unused=True)
    return (torch.zeros_like(shared) if found is None else found).detach().float().flatten()


def _averaged(values: Tensor) -> Tensor:
    """Mean over processes, where there are several."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return values
    distributed.all_reduce(values)
    return values / distributed.get_world_size()
