"""The multi-task contract: what the one training loop asks of a network, and what it gives.

A network is a :class:`MultiTaskModel`. It takes a :data:`Batch`, gives outputs, turns outputs into one loss per task
and, for tasks that have classes, into logits. The loop knows no more. A label that is missing (-1) is skipped by its
loss. Several tasks become one number in a balancer (:mod:`sercourse.losses.balancing`).

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

MAIN = "emotion"
"""The main task: the epoch is chosen by it, and a run's headline figures are its."""

Batch = dict[str, Tensor]
"""Inputs, lengths and labels by name. First axis ``B`` everywhere; a label is ``(B,)`` with -1 where it is missing."""

Outputs = dict[str, Tensor]
"""What ``forward`` gives, by name."""

Classes = dict[str, list[str]]
"""For each task with classes, their names in the order of the logits; for a task that writes, its symbols."""


JUDGED = "what the emotion head says, a value per emotion"
SHARED = "what the tasks share"
"""Meanings of layers that several networks have; see :meth:`MultiTaskModel.layers`."""


class MultiTaskModel(nn.Module, ABC):
    """Base class of the five papers' networks.

    Attributes:
        tasks: names of the losses that :meth:`losses` returns, always all of them.
        classes: for each task with classes, their names in the order of the logits; "emotion" among them. A task's
            name is the column of the utterance table that holds its labels, and the name of its loss. A task that
            writes has a class per symbol and frame.
    """

    tasks: tuple[str, ...]
    classes: Classes

    @abstractmethod
    def forward(self, batch: Batch) -> Outputs:
        """Run the network. In evaluation mode no output but a reconstruction may depend on a label."""

    @abstractmethod
    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """One scalar per name in :attr:`tasks`; missing labels are skipped. Pure: runs no layer of the network."""

    @abstractmethod
    def logits(self, outputs: Outputs) -> dict[str, Tensor]:
        """Logits ``(B, C)`` of every task that judges an utterance as a whole."""

    def layers(self) -> dict[str, str]:
        """Outputs in evaluation mode that are a vector per utterance ``(B, D)`` or per frame ``(B, T, D)``, for maps
        and probes: name to what it is, the one to look at first in front."""
        return {MAIN: JUDGED}

    def written(self, outputs: Outputs) -> dict[str, Tensor]:
        """The best symbol of every frame, ``(B, T)``, of every task that writes; padding is blank (0)."""
        return {}

    def begin_epoch(self, done: float) -> None:
        """Called before every epoch: where a network follows the course of the training.

        Args:
            done: share of the epochs that lies behind, 0 to 1.
        """

    def rates(self) -> dict[str, float]:
        """Parts that learn at a rate of their own: name of a submodule to a multiple of ``learning_rate``."""
        return {}

    def initial_losses(self) -> dict[str, float]:
        """Losses of a network that knows nothing, as far as they are known beforehand: ``log C`` of a cross-entropy."""
        return {}

    def shared_layer(self) -> nn.Parameter | None:
        """The last weight that all tasks share, where GradNorm compares gradients; ``None``: nothing is shared."""
        return None
