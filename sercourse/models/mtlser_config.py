"""Settings of MTLSER: which encoder, which tasks, how they are weighed.

Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass

from sercourse.models import ranges
from sercourse.models.multitask import MAIN

TEXT, SPEAKER = "text", "speaker"


@dataclass(frozen=True)
class MtlserConfig:
    """What is shared and what each task counts; the weights are the paper's, the encoder is the shipped small one with
    frozen convolutions.

    Raises:
        ValueError: a value outside its range.
    """

    backbone: str = "mini"
    """The shared encoder: mini (ships with sercourse), an id of the Hugging Face hub such as facebook/wav2vec2-base,
    or a folder; wav2vec2, HuBERT and WavLM."""
    fingerprint: str = ""
    """Of the encoder's files; filled in when a run is asked for, so that no run is taken for one on other weights."""
    pretrained: bool = True
    """false: the same network with random weights."""
    freeze: str = "convolutions"
    """What of the encoder stays as it is: none, convolutions, or encoder (all of it; only the heads learn)."""
    states: str = "last"
    """What the heads read: last (the last layer), or weighted (a learnt mean of all layers)."""
    alpha: float = 0.1
    """Weight of the text (CTC); 0: the head is there and learns nothing."""
    beta: float = 0.8
    """Weight of the speaker; 0: there is no such head."""
    per_character: bool = False
    """Divide each utterance's CTC loss by its characters; false: equation 11."""
    alphabet: str = "auto"
    """Characters of the text: english (the paper's 32), corpus (those of the training side), or auto (english where
    every utterance of the training side is)."""
    dropout: float = 0.0
    """Before each head."""
    head_rate: float = 1.0
    """Learning rate of the heads, which begin at random, over that of the encoder, which does not."""
    masked: float = 0.05
    """Share of frames that masks of ten hide in training, before they overlap, two masks at least (SpecAugment; the
    published checkpoints have .05); 0: none."""
    checkpointing: bool = False
    """Compute activations twice instead of keeping them: less memory, more time."""
    compile: bool = False
    """Let torch compile the encoder: minutes once, then faster steps on a GPU."""

    def __post_init__(self) -> None:
        if not self.backbone:
            raise ValueError("backbone: name one, such as mini or facebook/wav2vec2-base")
        ranges.one_of(self, "freeze", ("none", "convolutions", "encoder"))
        ranges.one_of(self, "states", ("last", "weighted"))
        ranges.one_of(self, "alphabet", ("auto", "english", "corpus"))
        ranges.not_negative(self, "alpha", "beta")
        ranges.shares(self, "dropout", "masked")
        ranges.positive(self, "head_rate")

    @property
    def weights(self) -> dict[str, float]:
        """Fixed weights of the losses, for the balancer."""
        return {MAIN: 1.0, TEXT: self.alpha, SPEAKER: self.beta}
