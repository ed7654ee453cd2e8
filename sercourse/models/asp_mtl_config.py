"""Sizes, switches and weights of ASP-MTL.

Source: Liu and Zhang, IEEE Access 2023, sections III and IV E.
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass

from sercourse.models import ranges

AUXILIARIES: tuple[str, ...] = ("noise", "gender")
DISCRIMINATES: tuple[str, ...] = ("task", "label")


@dataclass(frozen=True)
class AspMtlConfig:
    """Sizes, switches and weights; the defaults are the paper's where it prints any.

    Raises:
        ValueError: a value outside its range.
    """

    auxiliary: str = "gender"
    """The second task: gender (model 2), or noise (model 1; for a corpus in noise); a column of the table."""
    hidden: int = 32
    """Size of every LSTM."""
    layers: int = 2
    """LSTMs in a stack."""
    head: int = 32
    """Hidden layer of the emotion's head."""
    dropout: float = 0.5
    """Share of activations set to 0 in training."""
    discriminate: str = "task"
    """What the discriminator tells from the shared features: the task that drew an utterance (equation 11), or the
    auxiliary label itself."""
    critic: tuple[int, ...] = ()
    """Hidden layers of the discriminator; none: a linear one, as equation 11 has it."""
    critic_rate: float = 1.0
    """How many times as fast as the rest the discriminator learns; 1 in the paper, where it can be outrun."""
    mask: bool = False
    """Whether a soft mask on the mel spectrum is learnt too (model 1; needs clean versions of what is noisy)."""
    emotion_weight: float = 1.0
    """alpha of equation 19."""
    auxiliary_weight: float = 1.0
    """beta."""
    adversary_weight: float = 1.0
    """gamma; 0: no adversary."""
    orthogonality_weight: float = 1.0
    """mu; 0: no constraint."""
    mask_weight: float = 1.0
    """Of the soft mask."""
    input_statistics: bool = False
    """Whether the emotion's head also reads mean and spread over time of the frames themselves, which pass all stacks
    by; a remedy beyond the paper. What the adversary takes out of the shared features is in these."""
    correlation_weight: float = 0.0
    """Of the auxiliary label's share in the shared features' variance; a remedy beyond the paper, 0: without it."""

    def __post_init__(self) -> None:
        ranges.at_least_one(self, "hidden", "layers", "head")
        ranges.shares(self, "dropout")
        ranges.one_of(self, "auxiliary", AUXILIARIES)
        ranges.one_of(self, "discriminate", DISCRIMINATES)
        ranges.sizes(self, "critic")
        ranges.positive(self, "critic_rate")
        if self.mask and self.auxiliary != "noise":
            raise ValueError("mask=true needs auxiliary=noise: there is nothing to take away of a voice")
        losses = ("emotion", "auxiliary", "adversary", "orthogonality", "mask", "correlation")
        ranges.not_negative(self, *(f"{name}_weight" for name in losses))

    @property
    def weights(self) -> dict[str, float]:
        """Fixed weights of the losses, for the balancer (equation 19)."""
        weights = {
            "emotion": self.emotion_weight,
            self.auxiliary: self.auxiliary_weight,
            "adversary": self.adversary_weight,
            "orthogonality": self.orthogonality_weight,
        }
        extra = {"mask": self.mask_weight} if self.mask else {}
        if self.correlation_weight:
            extra["correlation"] = self.correlation_weight
        return weights | extra
