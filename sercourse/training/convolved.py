"""The output of a frozen encoder's convolutions, computed once per utterance and kept in the feature store.

Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache, partial

import numpy as np
import torch
from torch import Tensor

from sercourse.errors import UserError
from sercourse.features.extract import Features
from sercourse.models.mtlser_config import MtlserConfig
from sercourse.models.speech_encoder import SpeechEncoder
from sercourse.signal.audio import SAMPLE_RATE
from sercourse.training.backbones import load_backbone
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
        if not config.pretrained:
            raise UserError("cached=true: needs pretrained=true, for random convolutions are others in every network.")
        encoder = frozen_backbone(config.backbone, config.fingerprint)
        built = f"{encoder.normalise} {encoder.convolutions}"  # strides, norms and activations too
        address = Address("convolved", digest(encoder.convolutions.parameters(), built), made_from=waveforms.made_by)
        compute = partial(_computed, config.backbone, config.fingerprint, waveforms)
        super().__init__(waveforms.keys_of, address, compute, waveforms.store)
        self.per_second = SAMPLE_RATE / encoder.convolutions.hop
        """Frames per second."""


@lru_cache(maxsize=1)
def frozen_backbone(name: str, fingerprint: str) -> SpeechEncoder:
    """An encoder that nobody trains, loaded once per process; the fingerprint tells versions of one name apart."""
    return load_backbone(name).eval()


def _computed(backbone: str, fingerprint: str, waveforms: Features, utterance_id: str) -> np.ndarray:
    return convolved(frozen_backbone(backbone, fingerprint), waveforms[utterance_id])


@torch.inference_mode()
def convolved(encoder: SpeechEncoder, waveform: np.ndarray) -> np.ndarray:
    """Frames ``(T, C)`` of one waveform ``(N,)``, fp32."""
    audio = torch.as_tensor(waveform)[None]
    return encoder.convolve(audio, torch.tensor([audio.shape[1]]))[0].numpy()


def digest(parameters: Iterator[Tensor], built: str) -> str:
    """16 hexadecimal digits over some weights and a description of what they are built into."""
    total = hashlib.sha256(built.encode())
    for parameter in parameters:
        total.update(parameter.detach().contiguous().numpy().tobytes())
    return total.hexdigest()[:16]
