"""Recurrent layers that stop at the end of each utterance.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class MaskedGRU(nn.Module):
    """Bidirectional GRU; backwards it begins at the last valid frame, not in the padding.

    Args:
        inputs: ``C``, channels that come in.
        hidden: channels of each direction.

    Source: Zhang and Xue, tables 1 and 2.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.gru = nn.GRU(inputs, hidden, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """``(B, C, T)`` to ``(B, 2 * hidden, T)``; padding is 0."""
        frames = x.shape[-1]
        with torch.autocast(x.device.type, enabled=False):  # many small steps: casting each costs more than it saves
            rows = x.float().transpose(1, 2)  # (B, T, C)
            if bool((lengths == frames).all()):  # nothing is padded: spare the packing
                return self.gru(rows)[0].transpose(1, 2)
            packed = pack_padded_sequence(rows, lengths.cpu(), batch_first=True, enforce_sorted=False)
            unpacked, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=frames)
            return unpacked.transpose(1, 2)
