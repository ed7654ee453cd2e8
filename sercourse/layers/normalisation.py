"""Normalisation of convolution outputs ``(B, C, T)`` that knows which frames are padding.

Instance norm: mean and variance over the frames of ONE utterance, per channel. What is constant in an utterance, such
as the colour of a voice or a microphone, is divided out. Batch norm: mean and variance over the whole batch, so it
stays.

Source: Zhang and Xue, section III B (instance norm in place of batch norm); Ulyanov et al. 2016.
Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import instance_norm

from sercourse.layers.masking import silenced

KINDS: tuple[str, ...] = ("instance", "batch", "none")


class MaskedNorm(nn.Module):
    """Normalise each channel over valid frames, without scale and shift for instance norm, with both for batch norm.

    Args:
        channels: ``C``.
        kind: "instance", "batch" or "none".
        eps: added to the variance.
        momentum: of batch norm's running mean and variance, which are used in evaluation.
    """

    def __init__(self, channels: int, kind: str = "instance", *, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"norm '{kind}': choose one of {', '.join(KINDS)}")
        self.kind, self.eps, self.momentum = kind, eps, momentum
        if kind == "batch":
            self.scale = nn.Parameter(torch.ones(channels, 1))
            self.shift = nn.Parameter(torch.zeros(channels, 1))
            self.register_buffer("running_mean", torch.zeros(channels, 1))
            self.register_buffer("running_variance", torch.ones(channels, 1))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Normalise.

        Args:
            x: ``(B, C, T)``.
            mask: ``(B, T)``.

        Returns:
            ``(B, C, T)``; padding is 0.
        """
        if self.kind == "none":
            return silenced(x, mask)
        values = x.float()  # statistics in fp32 also under bf16
        if self.kind == "instance":
            if mask is None and x.shape[-1] > 1:  # torch refuses a single frame, which here becomes 0
                return instance_norm(values, eps=self.eps).to(x.dtype)
            mean, variance = _moments(values, mask, dims=(2,))  # (B, C, 1)
            return silenced((values - mean) * torch.rsqrt(variance + self.eps), mask).to(x.dtype)
        if self.training:
            mean, variance = _moments(values, mask, dims=(0, 2))  # (1, C, 1)
            with torch.no_grad():
                self.running_mean.lerp_(mean[0], self.momentum)
                self.running_variance.lerp_(variance[0], self.momentum)
        else:
            mean, variance = self.running_mean, self.running_variance
        normal = (values - mean) * torch.rsqrt(variance + self.eps)
        return silenced(normal * self.scale + self.shift, mask).to(x.dtype)


def _moments(x: Tensor, mask: Tensor | None, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Mean and (biased) variance of ``x (B, C, T)`` over ``dims``, counting valid frames only."""
    if mask is None:
        return x.mean(dims, keepdim=True), x.var(dims, correction=0, keepdim=True)
    weight = mask[:, None]  # (B, 1, T)
    count = weight.sum(dims, keepdim=True)
    mean = (x * weight).sum(dims, keepdim=True) / count
    variance = ((x - mean).square() * weight).sum(dims, keepdim=True) / count
    return mean, variance
