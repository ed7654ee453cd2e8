"""Stacked LSTMs with layer normalisation, their layers fused; the bricks of shared and private feature spaces.

Source: Liu and Zhang, IEEE Access 2023, section III A, equations 3 to 10.
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sercourse.layers.masking import silenced


class StackedLSTM(nn.Module):
    """LSTMs one above the other, each followed by layer normalisation; the states of all layers are fused.

    They run forwards only, so what comes behind an utterance's end cannot reach its frames.

    Args:
        inputs: ``F``, features of a frame.
        hidden: ``D``, size of every layer.
        layers: ``L``.
        dropout: share of activations set to 0 in training, between the layers and behind the last.
    """

    def __init__(self, inputs: int, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        sizes = [inputs] + [hidden] * (layers - 1)
        self.lstms = nn.ModuleList(nn.LSTM(size, hidden, batch_first=True) for size in sizes)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in sizes)  # equations 3 to 6
        self.dropout = nn.Dropout(dropout)
        self.fusion = nn.Parameter(torch.full((layers,), 1.0 / layers))  # alpha of equations 9 and 10

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Equations 7 to 10.

        Args:
            x: ``(B, T, F)``.
            mask: ``(B, T)``.

        Returns:
            The fused states ``(B, T, D)``; padding is 0.
        """
        y, fused = x, 0.0
        for weight, lstm, norm in zip(self.fusion, self.lstms, self.norms, strict=True):
            y = self.dropout(norm(lstm(y)[0].float()))  # (B, T, D); the norm in full precision whatever the LSTM's
            fused = fused + weight * y
        return silenced(fused.transpose(1, 2), mask).transpose(1, 2)
