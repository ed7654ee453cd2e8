"""The convolutions of wav2vec2, HuBERT and WavLM, blind to padding; their weights stay where they are.

The group norm of the "base" checkpoints takes its statistics over the whole padded length, so that an utterance depends
on its company; here they are taken over the utterance's own frames. Checkpoints with layer norm are blind to padding as
they are, but the published layers keep channels first, and every norm transposes twice. With the channels last a
convolution is a matrix product over windows and the norm needs no transposition: the same numbers, on a processor in
about two thirds of the time, in bf16 in a third (``python -m benchmarks mtlser`` measures it).

Source: Baevski et al., NeurIPS 2020, section 2 (feature encoder).
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from sercourse.layers.masking import frame_mask

_READY: ContextVar[Tensor | None] = ContextVar("ready", default=None)
"""Of each thread its own."""


class WaveformConvolutions(nn.Module):
    """A feature encoder of Hugging Face, taken over with its weights and their names.

    Args:
        encoder: ``feature_extractor`` of a wav2vec2, HuBERT or WavLM model.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.conv_layers = encoder.conv_layers

    def forward(self, waveforms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Waveforms to frames.

        Args:
            waveforms: ``(B, N)``, padded at the end.
            lengths: valid samples of each, ``(B,)``; ``None``: all.

        Returns:
            ``(B, C, T)``, as the published encoder gives it.
        """
        ready = _READY.get()
        if ready is not None:
            return ready
        if isinstance(getattr(self.conv_layers[0], "layer_norm", None), nn.LayerNorm):
            return self._channels_last(waveforms)
        x = waveforms[:, None]  # (B, 1, N)
        for layer in self.conv_layers:
            x = layer.conv(x)  # (B, C, T)
            if lengths is not None:
                lengths = frames_after(lengths, layer.conv)
            if hasattr(layer, "layer_norm"):
                x = _normed_over_time(x, layer.layer_norm, lengths)
            x = layer.activation(x)
        return x

    def _channels_last(self, waveforms: Tensor) -> Tensor:
        x = waveforms[..., None]  # (B, N, 1)
        for layer in self.conv_layers:
            x = layer.activation(layer.layer_norm(_windows_times_weights(x, layer.conv)))  # (B, T, C)
        return x.transpose(1, 2)

    def frames(self, lengths: Tensor) -> Tensor:
        """Valid frames of waveforms with so many valid samples, ``(B,)``; below 1 where a waveform is too short."""
        for layer in self.conv_layers:
            lengths = frames_after(lengths, layer.conv)
        return lengths

    @property
    def receptive_field(self) -> int:
        """Samples that one frame sees: the shortest waveform that gives a frame."""
        samples = 1
        for layer in reversed(self.conv_layers):
            samples = (samples - 1) * layer.conv.stride[0] + layer.conv.kernel_size[0]
        return samples

    @property
    def hop(self) -> int:
        """Samples from frame to frame."""
        hop = 1
        for layer in self.conv_layers:
            hop *= layer.conv.stride[0]
        return hop

    def _freeze_parameters(self) -> None:  # transformers calls it by this name
        self.requires_grad_(False)


@contextmanager
def ready_frames(frames: Tensor) -> Iterator[None]:
    """Whatever network asks its :class:`WaveformConvolutions` meanwhile is given these frames, ``(B, C, T)``."""
    token = _READY.set(frames)
    try:
        yield
    finally:
        _READY.reset(token)


def frames_after(lengths: Tensor, conv: nn.Conv1d) -> Tensor:
    """Frames behind a convolution without padding whose whole window lies inside the first ``lengths`` frames."""
    return (lengths - conv.kernel_size[0]).div(conv.stride[0], rounding_mode="floor") + 1


def _windows_times_weights(x: Tensor, conv: nn.Conv1d) -> Tensor:
    """A strided convolution as one matrix product, ``(B, T, C)`` to ``(B, T', C')``."""
    windows = x.unfold(1, conv.kernel_size[0], conv.stride[0])  # (B, T', C, K)
    weights = conv.weight.flatten(1)  # (C', C * K)
    return linear(windows.flatten(2), weights, conv.bias)


def _normed_over_time(x: Tensor, norm: nn.GroupNorm, lengths: Tensor | None) -> Tensor:
    """Group norm with a group per channel, ``(B, C, T)``: statistics over each utterance's own frames, in fp32."""
    mask = None if lengths is None else frame_mask(lengths, x.shape[2])
    if mask is None:
        return norm(x)
    with torch.autocast(x.device.type, enabled=False):
        weight = (mask / mask.sum(1, keepdim=True))[..., None]  # (B, T, 1), adds up to 1
        wide = x.float()
        mean = wide @ weight  # (B, C, 1)
        variance = (wide - mean).square() @ weight
        scale = torch.rsqrt(variance + norm.eps) * norm.weight[:, None]
        return torch.addcmul(norm.bias[:, None] - mean * scale, wide, scale).to(x.dtype)
