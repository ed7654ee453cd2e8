"""The output of a frozen encoder's convolutions, computed once per utterance and kept in the feature store.

Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor

from sercourse.errors import UserError
from sercourse.features.extract import Features
from sercourse.models.mtlser_config import MtlserConfig
from sercourse.models.speech_encoder import SpeechEncoder
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
        self.encoder = load_backbone(config.backbone).eval()
        built = f"{self.encoder.normalise} {self.encoder.convolutions}"  # strides, norms and activations too
        address = Address("convolved", digest(self.encoder.convolutions.parameters(), built))
        keys = {i: path.stem for i, path in waveforms.paths.items()}
        super().__init__(keys, address, partial(_computed, self.encoder, waveforms), waveforms.store)

    @property
    def per_second(self) -> float:
        """Frames per second."""
        return 16_000 / self.encoder.convolutions.hop


def _computed(encoder: SpeechEncoder, waveforms: Features, utterance_id: str) -> np.ndarray:
    return convolved(encoder, waveforms[utterance_id])


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
