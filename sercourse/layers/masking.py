"""Padding is part of the contract: what pools, normalises or attends looks at valid frames only.

A mask is ``(B, T)``, 1.0 for a frame and 0.0 for padding, or ``None`` where nothing is padded, which spares the work.
Every block that takes one gives an utterance the same output alone and inside a padded batch.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import torch
from torch import Tensor


def frame_mask(lengths: Tensor, frames: int) -> Tensor | None:
    """Mask of valid frames.

    Args:
        lengths: valid frames of each utterance, ``(B,)``, integers.
        frames: ``T``, the padded length.

    Returns:
        ``(B, T)``, float: 1.0 for a frame, 0.0 for padding; ``None`` where every utterance has ``frames`` frames.
    """
    if bool((lengths == frames).all()):
        return None
    return (torch.arange(frames, device=lengths.device) < lengths[:, None]).float()


def silenced(x: Tensor, mask: Tensor | None) -> Tensor:
    """``x (B, C, T)`` with padding set to 0."""
    return x if mask is None else x * mask[:, None].to(x.dtype)


def halved(lengths: Tensor) -> Tensor:
    """Lengths after a layer with stride 2 that keeps frames 0, 2, 4, …: half, rounded up."""
    return (lengths + 1) // 2


def masked_mean(x: Tensor, mask: Tensor | None) -> Tensor:
    """Mean over valid frames.

    Args:
        x: ``(B, T, D)``.
        mask: ``(B, T)``; a row needs at least one valid frame.

    Returns:
        ``(B, D)``.
    """
    if mask is None:
        return x.mean(1)
    weight = mask.to(x.dtype)[..., None]  # (B, T, 1)
    return (x * weight).sum(1) / weight.sum(1)


def mean_and_spread(x: Tensor, mask: Tensor | None, floor: float = 1e-4) -> Tensor:
    """Mean and standard deviation over valid frames, one behind the other.

    Args:
        x: ``(B, T, D)``.
        mask: ``(B, T)``; a row needs at least one valid frame.
        floor: added to the variance, so that the root has a gradient where nothing moves.

    Returns:
        ``(B, 2 D)``.
    """
    mean = masked_mean(x, mask)
    variance = masked_mean((x - mean[:, None]).square(), mask)
    return torch.cat([mean, (variance + floor).sqrt()], dim=1)
