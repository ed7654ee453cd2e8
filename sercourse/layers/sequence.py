"""Layers that read a row of numbers step by step: an LSTM's parallel relative, and attention over the steps.

Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus


class AdditiveAttention(nn.Module):
    """A weight for every step, from what stands there; the weighted mean of all steps.

    Args:
        channels: ``H`` of a step.
        size: ``A``, of the hidden layer that gives the scores.

    Source: Bahdanau et al. 2015; as attentive pooling for emotion: Mirsamadi et al., ICASSP 2017.
    """

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(channels, size)
        self.score = nn.Linear(size, 1, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Attend and pool.

        Args:
            x: ``(B, T, H)``; all steps count, there is no padding.

        Returns:
            The weighted mean ``(B, H)``, and the weights ``(B, T)``, which sum to 1.
        """
        weights = self.score(self.hidden(x).tanh()).squeeze(2).float().softmax(1)  # (B, T)
        return (weights[..., None].to(x.dtype) * x).sum(1), weights


class MinGRU(nn.Module):
    """A gated recurrence whose gates see the input alone, so that all steps are computed at once.

    ``h_t = (1 - z_t) h_(t-1) + z_t c_t`` with a positive candidate ``c_t``, as a running sum of logarithms.

    Args:
        inputs: ``C``, channels of a step.
        hidden: ``H``.

    Source: Feng et al., "Were RNNs all we needed?", 2024 (minGRU in log space).
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.gate = nn.Linear(inputs, hidden)
        self.candidate = nn.Linear(inputs, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, T, C)`` to ``(B, T, H)``; the state before the first step is 0."""
        gate, candidate = self.gate(x).float(), self.candidate(x).float()  # (B, T, H); sums of logs need fp32
        kept = -softplus(gate).cumsum(1)  # log of the product of (1 - z) up to each step
        added = -softplus(-gate) + torch.where(candidate >= 0, (candidate.relu() + 0.5).log(), -softplus(-candidate))
        return (kept + (added - kept).logcumsumexp(1)).exp().to(x.dtype)
