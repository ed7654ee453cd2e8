"""A semi-supervised adversarial autoencoder with several heads, a peer of ASP-MTL.

An encoder makes a small latent vector of an utterance's functionals, a decoder makes the functionals of it again. A
discriminator tells latent vectors from draws of a standard normal distribution, the prior, and the encoder, behind a
gradient reversal, makes that hard: so the latent takes the prior's shape. Heads on the latent tell the emotion and the
auxiliary label. Reconstruction and adversary need no label, so utterances without one help too (``unlabelled=true``).
The original paper is not at hand, so the network follows Liu and Zhang's account of it, and adversarial autoencoders
in general:

===================================  ==================================================================================
Liu and Zhang on Latif et al.        here
===================================  ==================================================================================
encodes and decodes speech           taken over, for functionals; the original is fed with speech over time
encoder of three layers of           hidden layers without convolution or pooling, for functionals have no time axis;
convolution, each with pooling       three of them in the paper profile
decoder like the encoder             the same sizes the other way round
ReLU, dropout .5, learning rate      taken over; dropout is in encoder and heads only
.001 (for all methods)
first an unsupervised stage, then a  all losses at once, in one loop
supervised one
three classifiers                    two: emotion and the auxiliary label of ASP-MTL (gender or noise). A speaker task
                                     is left out: test speakers are no class of the training side
semi-supervised (the title)          utterances without an emotion can be trained on; a second, unlabelled corpus is
                                     left out
adversarial (the title)              a reversal layer with a ramp, and one optimiser, in which the discriminator may
                                     learn faster (``critic_rate``); usually the two sides take turns. Its layers are
                                     spectrally normalised and the recipe takes momentum out of Adam (``betas``): else
                                     it is soon too sure to have a gradient, and latent and prior run around each other
prior, sizes, weights of the losses  not said; here a standard normal, the sizes of the settings, 3 for the adversary
                                     and 1 for all else
reconstruction error                 not said; here the mean absolute one, for single functionals lie far off
===================================  ==================================================================================

Source: Liu and Zhang, IEEE Access 2023, sections IV E and F (experiment 3), in the manner of Latif et al., "Multi-task
semi-supervised adversarial autoencoding for speech emotion recognition", IEEE TAC 2022; Makhzani et al. 2015
(adversarial autoencoders); Miyato et al. 2018 (spectral normalisation).
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from sercourse.layers.perceptron import perceptron
from sercourse.layers.reversal import ramp, reverse
from sercourse.layers.scaling import Standardise
from sercourse.losses.masked import cross_entropy, mean_absolute_error
from sercourse.models import ranges
from sercourse.models.asp_mtl_config import AUXILIARIES
from sercourse.models.multitask import MAIN, Batch, Classes, MultiTaskModel, Outputs

SOURCES: tuple[str, ...] = ("latent", "prior")
"""What the discriminator tells apart, in the order of its logits."""


@dataclass(frozen=True)
class AdversarialAutoencoderConfig:
    """Sizes, rates and weights; of the defaults only the dropout and the number of hidden layers are printed anywhere.

    Raises:
        ValueError: a value outside its range.
    """

    auxiliary: str = "gender"
    """The second task: gender or noise; a column of the table."""
    hidden: tuple[int, ...] = (512, 256, 128)
    """Hidden layers of the encoder; the decoder has them the other way round."""
    latent: int = 64
    """Size of the latent vector."""
    head: tuple[int, ...] = (64,)
    """Hidden layers of each head."""
    dropout: float = 0.5
    """Share of activations set to 0 in training, in encoder and heads."""
    critic: tuple[int, ...] = (64,)
    """Hidden layers of the discriminator; with none it could compare means alone."""
    critic_rate: float = 3.0
    """How many times as fast as the rest the discriminator learns."""
    emotion_weight: float = 1.0
    """Of the emotion's loss."""
    auxiliary_weight: float = 1.0
    """Of the auxiliary label's loss."""
    reconstruction_weight: float = 1.0
    """Of the reconstruction error; 0: nothing is restored."""
    adversary_weight: float = 3.0
    """Of the discriminator's loss; 0: no adversary, a plain autoencoder with heads."""

    def __post_init__(self) -> None:
        ranges.one_of(self, "auxiliary", AUXILIARIES)
        ranges.some_sizes(self, "hidden")
        ranges.at_least_one(self, "latent")
        ranges.sizes(self, "head", "critic")
        ranges.shares(self, "dropout")
        ranges.positive(self, "critic_rate")
        losses = ("emotion", "auxiliary", "reconstruction", "adversary")
        ranges.not_negative(self, *(f"{name}_weight" for name in losses))

    @property
    def weights(self) -> dict[str, float]:
        """Fixed weights of the four losses, for the balancer."""
        return {
            MAIN: self.emotion_weight,
            self.auxiliary: self.auxiliary_weight,
            "reconstruction": self.reconstruction_weight,
            "adversary": self.adversary_weight,
        }


class AdversarialAutoencoder(MultiTaskModel):
    """Encoder, decoder, discriminator, and a head per task.

    Args:
        inputs: ``D``, width of the functionals.
        classes: names of the emotions and of the auxiliary classes.
        config: sizes, rates and weights.
    """

    def __init__(self, inputs: int, classes: Classes, config: AdversarialAutoencoderConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or AdversarialAutoencoderConfig()
        self.classes = {task: list(classes[task]) for task in (MAIN, config.auxiliary)}
        self.tasks = tuple(config.weights)
        self.scale = Standardise(inputs)
        self.encoder = perceptron(inputs, config.hidden, config.latent, config.dropout)
        self.decoder = perceptron(config.latent, config.hidden[::-1], inputs, 0.0)
        self.discriminator = perceptron(config.latent, config.critic, len(SOURCES), 0.0)
        for layer in self.discriminator:
            if isinstance(layer, nn.Linear):
                spectral_norm(layer)  # its slope has a bound, so it cannot be sure, and its gradient never goes out
        self.heads = nn.ModuleDict(
            {
                task: perceptron(config.latent, config.head, len(names), config.dropout)
                for task, names in self.classes.items()
            }
        )
        self.strength = 0.0

    def begin_epoch(self, done: float) -> None:
        """Raise the strength of the reversal."""
        self.strength = ramp(done)

    def rates(self) -> dict[str, float]:
        """The discriminator may learn faster than what it judges, so that it is not outrun."""
        return {"discriminator": self.config.critic_rate}

    def forward(self, batch: Batch) -> Outputs:
        """Encode, restore and judge.

        Args:
            batch: ``functionals (B, D)``, as they are extracted. Labels are not looked at.

        Returns:
            Logits ``(B, C)`` under each task's name; ``embedding (B, L)``, the latent; ``target`` and ``restored
            (B, D)``, standardised; ``discriminator (B, 2)``, logits of :data:`SOURCES` for the latent, behind the
            reversal; and in training ``prior (B, 2)``, the same for as many draws of the prior. In evaluation nothing
            is drawn, so the same utterance gives the same outputs.
        """
        target = self.scale(batch["functionals"])  # (B, D)
        latent = self.encoder(target)  # (B, L)
        outputs = {task: head(latent) for task, head in self.heads.items()}
        outputs |= {
            "embedding": latent,
            "target": target,
            "restored": self.decoder(latent),  # (B, D)
            "discriminator": self.discriminator(reverse(latent, self.strength)),
        }
        if self.training:
            outputs["prior"] = self.discriminator(torch.randn_like(latent))
        return outputs

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of both tasks (a label of -1 is skipped), reconstruction error, adversary.

        Without draws of the prior, in evaluation, the adversary's loss is over the latent alone.
        """
        judged = [outputs[name] for name in ("discriminator", "prior") if name in outputs]  # in the order of SOURCES
        told = [torch.full((len(part),), number, device=part.device) for number, part in enumerate(judged)]
        return {
            **{task: cross_entropy(outputs[task], batch[task]) for task in self.classes},
            "reconstruction": mean_absolute_error(outputs["restored"], outputs["target"], None),
            "adversary": cross_entropy(torch.cat(judged), torch.cat(told)),
        }

    def layers(self) -> dict[str, str]:
        """See :meth:`MultiTaskModel.layers`."""
        return {"embedding": "the latent"} | super().layers()

    def logits(self, outputs: Outputs) -> dict[str, Tensor]:
        """Of the emotion and of the auxiliary label."""
        return {task: outputs[task] for task in self.classes}

    def shared_layer(self) -> nn.Parameter:
        """The encoder's last layer, whose latent feeds all tasks."""
        return self.encoder[-1].weight
