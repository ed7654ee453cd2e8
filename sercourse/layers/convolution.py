"""One-dimensional convolutions over time: a bank of widths, residual blocks down and up, pixel shuffle.

All take and give ``(B, C, T)`` with a mask ``(B, T)``; padding is kept at 0, as a convolution beyond the end of an
utterance sees it.

Source: Zhang and Xue, tables 1 and 2, figures 3 and 4.
Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d, leaky_relu, pad

from sercourse.layers.masking import frame_mask, halved, silenced
from sercourse.layers.normalisation import MaskedNorm

SLOPE = 0.01
"""Of the leaky ReLU for negative inputs; the paper does not name its activation."""


class SameConv(nn.Conv1d):
    """Convolution whose output frame ``t`` is centred on input frame ``t * stride``; even widths look one frame more
    ahead. Input ``(B, C, T)``, output ``(B, C', ceil(T / stride))``."""

    def forward(self, x: Tensor) -> Tensor:
        """Pad with zeros and convolve."""
        width = self.kernel_size[0]
        return super().forward(pad(x, ((width - 1) // 2, width // 2)))


class ConvBank(nn.Module):
    """Convolutions of widths 1 … K side by side, joined with the input: patterns of every length up to K frames.

    Args:
        inputs: ``F``, channels that come in.
        channels: channels of each width.
        widths: ``K``.
    """

    def __init__(self, inputs: int, channels: int, widths: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(SameConv(inputs, channels, width) for width in range(1, widths + 1))
        self.outputs = inputs + channels * widths

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """``(B, F, T)`` to ``(B, K * channels + F, T)``."""
        widest = len(self.convolutions)
        before, ahead = (widest - 1) // 2, widest // 2
        # One convolution with the widest kernel, the others filled up with zeros: the same sums, several times faster.
        kernels = torch.cat(
            [
                pad(conv.weight, (before - (width - 1) // 2, ahead - width // 2))
                for width, conv in enumerate(self.convolutions, start=1)
            ]
        )  # (K * channels, F, K)
        biases = torch.cat([conv.bias for conv in self.convolutions])
        bank = leaky_relu(conv1d(pad(x, (before, ahead)), kernels, biases), SLOPE)  # (B, K * channels, T)
        return silenced(torch.cat([bank, x.to(bank.dtype)], dim=1), mask)


class DownBlock(nn.Module):
    """Two convolutions, the second of stride 2, normalised, beside a residual path that keeps every second frame.

    Args:
        channels: ``C``.
        width: of both convolutions.
        norm: see :class:`~sercourse.layers.normalisation.MaskedNorm`.
        dropout: share of activations set to 0 in training.
    """

    def __init__(self, channels: int, width: int, norm: str, dropout: float) -> None:
        super().__init__()
        self.first = SameConv(channels, channels, width)
        self.second = SameConv(channels, channels, width, stride=2)
        self.norm = MaskedNorm(channels, norm)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
        """``(B, C, T)`` to ``(B, C, ceil(T / 2))``, with the lengths and the mask that belong to it."""
        y = silenced(leaky_relu(self.first(x), SLOPE), mask)
        y = leaky_relu(self.second(y), SLOPE)  # (B, C, T / 2)
        lengths = halved(lengths)
        mask = frame_mask(lengths, y.shape[-1])
        return self.dropout(self.norm(y, mask)) + x[..., ::2], lengths, mask


class UpBlock(nn.Module):
    """A convolution to twice the channels, a pixel shuffle that turns them into twice the frames, a convolution;
    beside a residual path that repeats each frame.

    Args: as :class:`DownBlock`.
    """

    def __init__(self, channels: int, width: int, norm: str, dropout: float) -> None:
        super().__init__()
        self.first = SameConv(channels, 2 * channels, width)
        self.second = SameConv(channels, channels, width)
        self.norm = MaskedNorm(channels, norm)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, condition: Tensor, lengths: Tensor, frames: int) -> tuple[Tensor, Tensor | None]:
        """Double the frames.

        Args:
            x: ``(B, C, T)``.
            condition: added to every frame that enters, ``(B, C)``: an embedding.
            lengths: valid frames of the OUTPUT, ``(B,)``.
            frames: frames of the output, ``2 T`` or one less.

        Returns:
            ``(B, C, frames)`` and its mask.
        """
        mask = frame_mask(lengths, frames)
        told = silenced(x + condition[..., None], frame_mask(halved(lengths), x.shape[-1]))  # not the padding
        y = pixel_shuffle(leaky_relu(self.first(told), SLOPE))[..., :frames]
        y = leaky_relu(self.second(silenced(y, mask)), SLOPE)
        residual = silenced(x.repeat_interleave(2, dim=-1)[..., :frames], mask)
        return self.dropout(self.norm(y, mask)) + residual, mask


class DenseBlock(nn.Module):
    """Two layers applied to each frame, normalised, with a residual path.

    Args: as :class:`DownBlock`.
    """

    def __init__(self, channels: int, norm: str, dropout: float) -> None:
        super().__init__()
        self.first = nn.Conv1d(channels, channels, 1)
        self.second = nn.Conv1d(channels, channels, 1)
        self.norm = MaskedNorm(channels, norm)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None, condition: Tensor | None = None) -> Tensor:
        """``(B, C, T)`` to ``(B, C, T)``; ``condition`` ``(B, C)`` is added to every frame that enters."""
        y = x if condition is None else x + condition[..., None]
        y = leaky_relu(self.second(leaky_relu(self.first(y), SLOPE)), SLOPE)
        return x + self.dropout(self.norm(y, mask))


def pixel_shuffle(x: Tensor) -> Tensor:
    """Twice the frames from twice the channels: channel ``2c`` gives the even frames of channel ``c``, ``2c + 1`` the
    odd ones.

    Args:
        x: ``(B, 2 C, T)``.

    Returns:
        ``(B, C, 2 T)``.

    Source: figure 4 and table 2 (512 → 1024 → 512); Shi et al. 2016, in one dimension.
    """
    batch, channels, frames = x.shape
    pairs = x.view(batch, channels // 2, 2, frames)  # (B, C, 2, T)
    return pairs.transpose(2, 3).reshape(batch, channels // 2, 2 * frames)
