"""Sizes and switches of the emotion-embedding autoencoder.

Source: Zhang and Xue, IEEE Access 2021, tables 1 to 3.
Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass

from sercourse.layers.normalisation import KINDS
from sercourse.models import ranges


@dataclass(frozen=True)
class AutoencoderConfig:
    """Sizes and switches; the defaults are the paper's (tables 1 to 3).

    Raises:
        ValueError: a value outside its range.
    """

    width: int = 512
    """Channels of all convolutions, of the latent and of the embeddings."""
    bank_channels: int = 128
    """Channels of each width in the encoder's bank."""
    bank_widths: int = 8
    """Widths 1 … K of the bank, frames."""
    encoder_kernel: int = 5
    """Width of the encoder's other convolutions, frames."""
    decoder_kernel: int = 3
    """Width of the decoder's convolutions, frames."""
    encoder_gru: int = 128
    """Hidden size per direction."""
    decoder_gru: int = 256
    """Hidden size per direction."""
    hidden: tuple[int, ...] = (1024, 512, 128)
    """The classifier's hidden layers; dropout follows the first two."""
    attention: bool = True
    """Whether frames attend to each other before they are averaged."""
    heads: int = 1
    """Of the self-attention."""
    norm: str = "instance"
    """instance, batch or none."""
    embedding: bool = True
    """Whether the decoder is told the emotion."""
    functionals: tuple[str, ...] = ("is10",)
    """Feature sets with one vector per utterance that join the latent; empty: none (the paper's "-OS")."""
    dropout: float = 0.5
    """Share of activations set to 0 in training."""
    emotion_weight: float = 1.0
    """lambda of equation 4."""
    reconstruction_weight: float = 1.0
    """Of the reconstruction; 0 leaves a plain classifier."""
    smoothing: float = 0.0
    """Label smoothing of the classifier, 0 to 1."""
    classifier_trains_encoder: bool = True
    """Whether the emotion loss reaches the encoder."""

    def __post_init__(self) -> None:
        sizes = ("width", "bank_channels", "bank_widths", "encoder_kernel", "decoder_kernel", "encoder_gru",
                 "decoder_gru", "heads")  # fmt: skip
        ranges.at_least_one(self, *sizes)
        ranges.one_of(self, "norm", KINDS)
        if self.width % self.heads:
            raise ValueError(f"heads={self.heads}: must divide width={self.width}")
        ranges.some_sizes(self, "hidden")
        ranges.shares(self, "dropout", "smoothing")
        ranges.not_negative(self, "emotion_weight", "reconstruction_weight")
        if not self.classifier_trains_encoder and not self.reconstruction_weight:
            raise ValueError(
                "classifier_trains_encoder=false needs reconstruction_weight above 0: nothing else trains it"
            )

    @property
    def weights(self) -> dict[str, float]:
        """Fixed weights of the two losses, for the balancer (equation 4)."""
        return {"reconstruction": self.reconstruction_weight, "emotion": self.emotion_weight}
