"""Standardisation as a layer, so that a stored network brings the statistics of its training data along.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

FLOOR = 1e-6
"""A spread of at most this share of the mean counts as none. It is what rounding leaves of a constant feature (about
1e-8 of the mean, 1e-7 over very many frames). Real features lie far above: of IS10, cepstra and mel spectrograms the
smallest share that was met is .005, so what they become is not changed."""


class Standardise(nn.Module):
    """``(x - mean) / spread`` over the last axis, with statistics of the training utterances (buffers, not learnt).

    Args:
        width: ``D``, size of the last axis.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))

    def fit(self, mean: Tensor, spread: Tensor) -> None:
        """Take over statistics of the training utterances.

        The spread of a constant feature counts as 1, so that a value that training never showed stays what it is. That
        is a spread of 0, or one that is no more than rounding (:data:`FLOOR`); real features are not touched.

        Args:
            mean: ``(D,)``.
            spread: standard deviations, ``(D,)``.
        """
        self.mean.copy_(mean)
        self.spread.copy_(torch.where(spread > FLOOR * mean.abs(), spread, torch.ones_like(spread)))

    def forward(self, x: Tensor) -> Tensor:
        """``(…, D)`` to ``(…, D)``."""
        return (x - self.mean) / self.spread

    def inverse(self, x: Tensor) -> Tensor:
        """Back to the units that came in."""
        return x * self.spread + self.mean
