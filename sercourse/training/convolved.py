"""The output of a frozen encoder's convolutions, computed once per utterance and kept in the feature store.

Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sercourse.errors import UserError
from sercourse.features.extract import Features
from sercourse.features.store import DamagedEntry
from sercourse.models.mtlser_config import MtlserConfig
from sercourse.models.speech_encoder import SpeechEncoder
from sercourse.training.backbones import load_backbone


@dataclass(frozen=True)
class _Address:
    """What tells one checkpoint's convolutions from another's in the store."""

    weights: str
    name: str = "convolved"
    version: int = 1
    columns: None = None

    @property
    def config(self) -> dict:
        return {"weights": self.weights}


class Convolved(Mapping[str, np.ndarray]):
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
        self.waveforms = waveforms
        self.encoder = load_backbone(config.backbone).eval()
        built = f"{self.encoder.normalise} {self.encoder.convolutions}"  # strides, norms and activations too
        self.address = _Address(digest(self.encoder.convolutions.parameters(), built))

    @property
    def per_second(self) -> float:
        """Frames per second."""
        return 16_000 / self.encoder.convolutions.hop

    def __getitem__(self, utterance_id: str) -> np.ndarray:
        entry = self.waveforms.store.path(self.waveforms.paths[utterance_id].stem, self.address)
        try:
            frames = self.waveforms.store.read(entry)
        except DamagedEntry:
            frames = None
        if frames is None:
            frames = convolved(self.encoder, self.waveforms[utterance_id])
            self.waveforms.store.write(entry, frames)
        return frames

    def __iter__(self) -> Iterator[str]:
        return iter(self.waveforms)

    def __len__(self) -> int:
        return len(self.waveforms)


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
