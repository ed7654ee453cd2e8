"""Balancers: several losses to one.

A balancer is a module of its own, so that one whose weights are learnt (GradNorm, chapter 06) can bring parameters, an
optimiser of its own and a state that is stored and resumed with the network. It is called once per batch with all
losses and the last shared weight of the network, in the unwrapped graph, before the backward pass.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import Tensor, nn


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
