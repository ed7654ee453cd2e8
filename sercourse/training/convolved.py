"""The output of a frozen encoder or its frozen convolutions, computed once per utterance, kept in the feature store.

Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import lru_cache, partial

import numpy as np
import torch
from torch import Tensor

from sercourse.errors import UserError
from sercourse.features.extract import Features
from sercourse.models.mtlser_config import MtlserConfig
from sercourse.models.speech_encoder import SpeechEncoder
from sercourse.signal.audio import SAMPLE_RATE
from sercourse.training.backbones import load_backbone, memory_for
from sercourse.training.stored import Address, Stored


class Convolved(Stored):
    """Utterance id to frames ``(T, C)``, float32; what is not stored yet is computed when it is asked for.

    Args:
        waveforms: stored waveforms.
        config: which encoder.

    Raises:
        UserError: the encoder has random weights, which are not the same twice, or cannot be loaded.
    """

    def __init__(self, waveforms: Features, config: MtlserConfig) -> None:
        encoder = _same_twice(config)
        built = f"{encoder.normalise} {encoder.convolutions}"  # strides, norms and activations too
        address = Address("convolved", digest(encoder.convolutions.parameters(), built), made_from=waveforms.made_by)
        compute = partial(_computed, convolved, config.backbone, config.fingerprint, waveforms)
        super().__init__(waveforms.keys_of, address, compute, waveforms.store)
        self.per_second = SAMPLE_RATE / encoder.convolutions.hop
        """Frames per second."""


class Encoded(Stored):
    """Utterance id to what heads read of an encoder that is frozen as a whole, ``(T, S, H)``, float32: its last layer,
    or all ``S`` states where they learn a mean of them.

    Args: as :class:`Convolved`.

    Raises:
        UserError: as :class:`Convolved`.
    """

    def __init__(self, waveforms: Features, config: MtlserConfig) -> None:
        encoder = _same_twice(config)
        weights = (p for name, p in encoder.named_parameters() if not name.endswith("masked_spec_embed"))
        built = f"{config.fingerprint} {config.states} {encoder.normalise} {encoder}"
        address = Address("encoded", digest(weights, built), made_from=waveforms.made_by)
        compute = partial(_computed, ENCODERS[config.states], config.backbone, config.fingerprint, waveforms)
        super().__init__(waveforms.keys_of, address, compute, waveforms.store)
        self.per_second = SAMPLE_RATE / encoder.convolutions.hop
        """Frames per second."""


def _same_twice(config: MtlserConfig) -> SpeechEncoder:
    if not config.pretrained:
        raise UserError("cached=true: needs pretrained=true, for random convolutions are others in every network.")
    return frozen_backbone(config.backbone, config.fingerprint)


@lru_cache(maxsize=1)
def frozen_backbone(name: str, fingerprint: str) -> SpeechEncoder:
    """An encoder that nobody trains, loaded once per process; the fingerprint tells versions of one name apart."""
    return load_backbone(name).eval()


def _computed(
    compute: Callable[[SpeechEncoder, np.ndarray], np.ndarray],
    backbone: str,
    fingerprint: str,
    waveforms: Features,
    utterance_id: str,
) -> np.ndarray:
    waveform, encoder = waveforms[utterance_id], frozen_backbone(backbone, fingerprint)
    with memory_for(
        f"{utterance_id}: {len(waveform) / SAMPLE_RATE:.0f} s are too long for backbone={backbone} in this machine's"
        " memory; take a smaller backbone, or leave the utterance out of the corpus."
    ):
        return compute(encoder, waveform)


@torch.inference_mode()
def convolved(encoder: SpeechEncoder, waveform: np.ndarray) -> np.ndarray:
    """Frames ``(T, C)`` of one waveform ``(N,)``, fp32."""
    audio = torch.as_tensor(waveform)[None]
    return encoder.convolve(audio, torch.tensor([audio.shape[1]]))[0].numpy()


@torch.inference_mode()
def encoded(encoder: SpeechEncoder, waveform: np.ndarray, first: int = -1) -> np.ndarray:
    """States ``(T, S, H)`` of one waveform ``(N,)``, fp32.

    Args:
        encoder: in evaluation mode.
        waveform: 16 kHz mono.
        first: the first state that is wanted; -1: the last one alone, 0: all.
    """
    audio = torch.as_tensor(waveform)[None]
    states, _ = encoder(audio, torch.tensor([audio.shape[1]]))
    return torch.stack(states[first:], 2)[0].numpy()


ENCODERS = {"last": encoded, "weighted": partial(encoded, first=0)}
"""What is kept of a frozen encoder, by the setting ``states``."""


def digest(parameters: Iterator[Tensor], built: str) -> str:
    """16 hexadecimal digits over some weights and a description of what they are built into."""
    total = hashlib.sha256(built.encode())
    for parameter in parameters:
        total.update(parameter.detach().contiguous().numpy().tobytes())
    return total.hexdigest()[:16]
