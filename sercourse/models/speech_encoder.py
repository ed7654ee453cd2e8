"""A pretrained encoder of speech from Hugging Face, with padding treated as padding.

wav2vec2, HuBERT and WavLM share one build: convolutions over the waveform, a projection, a transformer. Here the
convolutions are ours (:mod:`~sercourse.layers.waveform_convolution`), each waveform is brought to zero mean and unit
variance over its own samples where the checkpoint was trained so, and the transformer is always told which frames are
padding, also for the "base" checkpoints with group norm whose own preprocessor tells nothing.

Source: Baevski et al., NeurIPS 2020; Hsu et al. (HuBERT), TASLP 2021; Chen et al. (WavLM), JSTSP 2022.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sercourse.layers.masking import frame_mask
from sercourse.layers.waveform_convolution import WaveformConvolutions, ready_frames

KINDS: tuple[str, ...] = ("wav2vec2", "hubert", "wavlm")
"""Values of ``model_type`` that are built so."""

PLAIN_UP_TO = 500
"""Frames of a batch (10 s) up to which a processor trains faster with the attention written out: the backward pass of
its fused kernel is slow, and what is written out grows with the square of the frames."""


class SpeechEncoder(nn.Module):
    """Waveforms (or the stored output of the convolutions) to frames in context.

    Args:
        network: a model of Hugging Face of one of :data:`KINDS`; it becomes part of this one.
        normalise: bring each waveform to zero mean and unit variance, as its preprocessor says.
    """

    def __init__(self, network: nn.Module, *, normalise: bool) -> None:
        super().__init__()
        network.feature_extractor = WaveformConvolutions(network.feature_extractor)
        network.config.layerdrop = 0.0  # no layer is left out by chance: all states are there, and all weights learn
        if not hasattr(network, "masked_spec_embed"):  # what hides a frame; a checkpoint without masks has none
            network.masked_spec_embed = nn.Parameter(torch.empty(network.config.hidden_size).uniform_())
        self.network, self.normalise = network, normalise
        self._fused = network.config._attn_implementation
        self.masked = 0.0
        """Share of frames that masks hide in training, before they overlap (SpecAugment); 0: none."""

    @property
    def width(self) -> int:
        """``H``, of the transformer."""
        return self.network.config.hidden_size

    @property
    def depth(self) -> int:
        """Layers of the transformer."""
        return self.network.config.num_hidden_layers

    @property
    def convolutions(self) -> WaveformConvolutions:
        """The layers that turn waveforms into frames."""
        return self.network.feature_extractor

    def convolve(self, waveforms: Tensor, lengths: Tensor) -> Tensor:
        """The first half alone, to be stored where it is frozen.

        Args:
            waveforms: ``(B, N)``, 16 kHz.
            lengths: valid samples, ``(B,)``.

        Returns:
            ``(B, T, C)``.
        """
        waveforms = level(waveforms, lengths) if self.normalise else waveforms
        return self.convolutions(waveforms, lengths).transpose(1, 2)

    def forward(self, audio: Tensor, lengths: Tensor) -> tuple[list[Tensor], Tensor | None]:
        """Frames in context.

        Args:
            audio: waveforms ``(B, N)``, or what :meth:`convolve` gave, ``(B, T, C)``.
            lengths: valid samples (frames) of each, ``(B,)``.

        Returns:
            The projected convolutions and the output of every layer, ``(B, T, H)`` each, the last one as the
            checkpoint means it to be used; and the mask of valid frames ``(B, T)``, ``None`` where nothing is padded.
        """
        if audio.ndim == 2:
            audio, lengths = self.convolve(audio, lengths), self.convolutions.frames(lengths)
        mask = frame_mask(lengths, audio.shape[1])
        samples = None if mask is None else self._samples_for(mask)
        config = self.network.config  # a batch that is shorter than one mask keeps all of its frames
        config.mask_time_prob = self.masked
        config.apply_spec_augment = bool(self.masked) and audio.shape[1] > config.mask_time_length
        self._choose_attention(audio)
        with ready_frames(audio.transpose(1, 2)):  # the network asks its convolutions; what is there is handed on
            out = self.network(audio, attention_mask=samples, output_hidden_states=True)
        last = out.last_hidden_state
        if self.training and not config.apply_spec_augment:  # several devices need a gradient of every weight
            last = last + 0.0 * self.network.masked_spec_embed.sum()
        return [*out.hidden_states[:-1], last], mask

    @torch.no_grad()
    def attentions(
        self, audio: Tensor, lengths: Tensor, kept: Callable[[Tensor], Tensor] = lambda weights: weights
    ) -> tuple[list[Tensor], Tensor | None]:
        """Who looks at whom, which fused kernels do not tell: for this one call the attention is written out.

        Args:
            audio: as :meth:`forward` takes it, in evaluation mode (dropout would set weights to 0).
            lengths: likewise.
            kept: made of each layer's weights at once, so that long audio need not keep them whole.

        Returns:
            Of every layer ``(B, H, T, T)``: a row per frame that looks, which sums to 1 over the frames that it looks
            at; padding gets 0, and rows of padding mean nothing. (WavLM gives every head the mean of all.) And the mask
            ``(B, T)``, ``None`` where nothing is padded.
        """
        weights: list[Tensor] = []
        kernel, fused = self.network.config._attn_implementation, self._fused
        hooks = [
            layer.attention.register_forward_hook(lambda _, __, outputs: weights.append(kept(outputs[1])))
            for layer in self.network.encoder.layers
        ]
        try:
            self._fused = "eager"
            with torch.compiler.set_stance("force_eager"):  # with hooks it would be compiled anew, for one call
                _, mask = self(audio, lengths)
        finally:
            for hook in hooks:
                hook.remove()
            self._fused = fused
            self.network.set_attn_implementation(kernel)
        return weights, mask

    def _choose_attention(self, frames: Tensor) -> None:
        """Fused where the network has it, but written out in training on a processor, in short batches."""
        plain = torch.is_grad_enabled() and frames.device.type == "cpu" and frames.shape[1] <= PLAIN_UP_TO
        wanted = "eager" if plain else self._fused
        if self.network.config._attn_implementation != wanted:
            self.network.set_attn_implementation(wanted)

    def _samples_for(self, mask: Tensor) -> Tensor:
        """A mask of samples that the network turns into this mask of frames."""
        convolutions = self.convolutions
        lengths = convolutions.receptive_field + (mask.sum(1).long() - 1) * convolutions.hop
        return (torch.arange(int(lengths.max()), device=mask.device) < lengths[:, None]).long()


def level(waveforms: Tensor, lengths: Tensor) -> Tensor:
    """Zero mean and unit variance over each waveform's own samples; padding becomes 0.

    Args:
        waveforms: ``(B, N)``.
        lengths: valid samples, ``(B,)``.

    Returns:
        ``(B, N)``.

    Source: the preprocessor of the published checkpoints (``do_normalize``).
    """
    mask = frame_mask(lengths, waveforms.shape[1])
    weight = torch.ones_like(waveforms) if mask is None else mask
    count = lengths[:, None].to(waveforms.dtype)
    centred = (waveforms - (waveforms * weight).sum(1, keepdim=True) / count) * weight
    return centred / (centred.square().sum(1, keepdim=True) / count + 1e-7).sqrt()
