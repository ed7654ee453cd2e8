"""Gradient reversal: the head behind it learns to tell, the network before it learns to make telling impossible.

A minus sign before the discriminator's loss, with one optimiser for all, does something else: it makes the
discriminator wrong, and what it should have chased out of the features stays there. The layer keeps the head's own
gradient and turns the gradient only where it enters the encoder.

Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


class _Reversal(torch.autograd.Function):
    """Identity forwards, a negative multiple backwards."""

    @staticmethod
    def forward(context: torch.autograd.function.FunctionCtx, x: Tensor, strength: float) -> Tensor:
        context.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(context: torch.autograd.function.FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        return -context.strength * gradient, None


def reverse(x: Tensor, strength: float) -> Tensor:
    """``x`` as it is; its gradient is multiplied with ``-strength``.

    Args:
        x: any shape.
        strength: 0: what is behind has no say in ``x``; 1: the gradient is turned.

    Source: Liu and Zhang, equation 12 (the min-max game); Ganin and Lempitsky 2015 (as a layer).
    """
    return _Reversal.apply(x, strength)


def ramp(done: float, gamma: float = 10.0) -> float:
    """Strength of the reversal in the course of training: 0 at first, while the discriminator still says nonsense.

    Args:
        done: share of the training that lies behind, 0 to 1.
        gamma: how fast it rises; with 10 it is .99 halfway.

    Returns:
        ``2 / (1 + exp(-gamma * done)) - 1``, from 0 to almost 1.

    Source: Ganin and Lempitsky 2015, section 4.
    """
    return 2.0 / (1.0 + math.exp(-gamma * done)) - 1.0
