"""Standardisation as a layer, so that a stored network brings the statistics of its training data along.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


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
        """Take over statistics, ``(D,)`` each; a spread of 0 (a constant feature) counts as 1."""
        self.mean.copy_(mean)
        self.spread.copy_(torch.where(spread > 0, spread, torch.ones_like(spread)))

    def forward(self, x: Tensor) -> Tensor:
        """``(…, D)`` to ``(…, D)``."""
        return (x - self.mean) / self.spread

    def inverse(self, x: Tensor) -> Tensor:
        """Back to the units that came in."""
        return x * self.spread + self.mean
