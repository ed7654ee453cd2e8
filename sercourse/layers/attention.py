"""From frames to one vector: with self-attention, or as a plain mean.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sercourse.layers.masking import masked_mean


class AttentivePooling(nn.Module):
    """Every frame looks at every valid frame; the attended frames are averaged.

    Args:
        channels: ``D`` of a frame, a multiple of ``heads``.
        heads: ``H``; the paper found 1 best.

    Source: Zhang and Xue, section III C and table 3; Vaswani et al. 2017 (scaled dot product).
    """

    def __init__(self, channels: int, heads: int = 1) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(channels, heads, batch_first=True)

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Attend and pool.

        Args:
            x: ``(B, T, D)``.
            mask: ``(B, T)``.

        Returns:
            The pooled vector ``(B, D)``, and the weights ``(B, T)``: how much attention each frame receives, averaged
            over heads and over the frames that look; they sum to 1.
        """
        padding = None if mask is None else mask == 0
        attended, weights = self.attention(x, x, x, key_padding_mask=padding, need_weights=True)  # (B, T, D), (B, T, T)
        return masked_mean(attended, mask), masked_mean(weights, mask)


class MeanPooling(nn.Module):
    """The mean over valid frames; takes and gives what :class:`AttentivePooling` does, with equal weights."""

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """``(B, T, D)`` to ``(B, D)`` and the weights ``(B, T)``."""
        valid = torch.ones(x.shape[:2], device=x.device) if mask is None else mask
        return masked_mean(x, mask), valid / valid.sum(1, keepdim=True)
