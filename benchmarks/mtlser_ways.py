"""The ways of making MTLSER's training steps that ``benchmarks/mtlser.py`` sets side by side, and their networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn
from transformers import AutoModel, PretrainedConfig, Wav2Vec2Config

from sercourse.losses.ctc import ENGLISH, ctc
from sercourse.losses.masked import cross_entropy
from sercourse.models.mtlser import Mtlser
from sercourse.models.mtlser_config import SPEAKER, TEXT, MtlserConfig
from sercourse.models.multitask import MAIN, Batch, MultiTaskModel, Outputs
from sercourse.models.speech_encoder import SpeechEncoder
from sercourse.signal.audio import SAMPLE_RATE
from sercourse.training.batches import Item

SIZES = Wav2Vec2Config(layerdrop=0.0)
CLASSES = {MAIN: list("abcdefg"), TEXT: list(ENGLISH), SPEAKER: [str(number) for number in range(10)]}
PADDED = ("audio", TEXT)


@dataclass(frozen=True)
class Way:
    """How steps are made; the defaults are the plain way.

    Attributes:
        name: what is switched on.
        after: name of the way that it is switched on in.
        buckets: batches of similar length instead of random ones.
        batch: utterances per batch.
        accumulate: batches per step.
        ours: :class:`Mtlser` with our convolutions and masks instead of the published network.
        precision: fp32 or bf16.
        compiled: the transformer goes through torch.compile.
        checkpointing: activations are computed twice instead of being kept.
        cached: frozen convolutions were computed before.
    """

    name: str = "plain"
    after: str = "plain"
    buckets: bool = False
    batch: int = 2
    accumulate: int = 4
    ours: bool = False
    precision: str = "fp32"
    compiled: bool = False
    checkpointing: bool = False
    cached: bool = False


PLAIN = Way()
BUCKETS = replace(PLAIN, name="length buckets", buckets=True)
BATCH = replace(BUCKETS, name="batch 8, not 4 x 2", after=BUCKETS.name, batch=8, accumulate=1)
KERNELS = replace(BATCH, name="our convolutions", after=BATCH.name, ours=True)
OURS = replace(KERNELS, name="bf16 (ours)", after=KERNELS.name, precision="bf16")
COMPILED = replace(OURS, name="torch.compile", after=OURS.name, compiled=True)
CHECKPOINTING = replace(OURS, name="gradient checkpointing", after=OURS.name, checkpointing=True)
CACHED = replace(OURS, name="stored convolutions", after=OURS.name, cached=True)


class Plain(MultiTaskModel):
    """The published network with the heads of the released code: no masks, means over padding."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.tasks, self.classes, self.network = tuple(CLASSES), CLASSES, network
        network.freeze_feature_encoder()
        width = network.config.hidden_size
        self.heads = nn.ModuleDict({task: nn.Linear(width, len(names)) for task, names in CLASSES.items()})

    def forward(self, batch: Batch) -> Outputs:
        frames = self.network(batch["audio"]).last_hidden_state  # (B, T, H)
        pooled = frames.mean(1)  # (B, H)
        return {task: head(frames if task == TEXT else pooled) for task, head in self.heads.items()}

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, torch.Tensor]:
        frames = torch.full_like(batch["length"], outputs[TEXT].shape[1])
        losses = {task: cross_entropy(outputs[task], batch[task]) for task in (MAIN, SPEAKER)}
        return losses | {TEXT: ctc(outputs[TEXT], frames, batch[TEXT], batch["text_length"])}

    def logits(self, outputs: Outputs) -> dict[str, torch.Tensor]:
        return {task: outputs[task] for task in (MAIN, SPEAKER)}


def build(way: Way, sizes: PretrainedConfig) -> MultiTaskModel:
    """The network of a way; all of them begin with the same weights."""
    torch.manual_seed(0)
    network = AutoModel.from_config(sizes)
    if not way.ours:
        return Plain(network)
    config = MtlserConfig(freeze="convolutions", checkpointing=way.checkpointing)
    model = Mtlser(SpeechEncoder(network, normalise=True), CLASSES, config)
    if way.compiled:
        network.encoder.compile(dynamic=True)
    return model


def made_up(lengths: Sequence[int]) -> list[Item]:
    """Utterances of so many samples: levelled noise, labels and a text of 12 characters a second."""
    rng = np.random.default_rng(0)
    items = []
    for samples in lengths:
        noise = rng.standard_normal(samples)
        text = rng.integers(5, len(ENGLISH), max(1, 12 * samples // SAMPLE_RATE))
        labels = {task: int(rng.integers(len(CLASSES[task]))) for task in (MAIN, SPEAKER)}
        audio = ((noise - noise.mean()) / noise.std()).astype(np.float32)
        items.append({"audio": audio, "length": samples, TEXT: text, "text_length": len(text)} | labels)
    return items
