"""Shared hidden layers: the plainest multi-task network, a peer of ASP-MTL.

An utterance is one vector of functionals. Hidden layers that all tasks share read it; each task adds a hidden layer
and a head of its own. Nothing holds apart what is shared and what is private, and this is what Liu and Zhang say of it
in their experiment 3. The original paper is not at hand, so the network follows their account of it:

===================================  ==================================================================================
Liu and Zhang on Parthasarathy and   here
Busso
===================================  ==================================================================================
shared hidden layers below, a        taken over
classifier per task on top
"two layers with 256 units in each   one shared layer and one private layer per task, 256 each. They do not say which
layer"                               of the two are shared; ``shared=256,256`` and ``private=`` (none) shares both
ReLU                                 taken over
dropout .5, learning rate .001       taken over (they print them for all methods)
arousal, valence and dominance       left out: emotion and the auxiliary label of ASP-MTL (gender or noise), both of
(the source's title)                 them classes; so regression and its losses are left out too
input                                not said; here functionals, IS10 unless set otherwise, as z-scores with statistics
                                     of the training utterances
weights of the tasks                 not said; here 1 each
===================================  ==================================================================================

Source: Liu and Zhang, IEEE Access 2023, sections IV E and F (experiment 3), in the manner of Parthasarathy and Busso,
"Jointly predicting arousal, valence and dominance with multi-task learning", Interspeech 2017.
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

from sercourse.layers.perceptron import hidden_layers, perceptron
from sercourse.layers.scaling import Standardise
from sercourse.losses.masked import cross_entropy
from sercourse.models import ranges
from sercourse.models.asp_mtl_config import AUXILIARIES
from sercourse.models.multitask import MAIN, SHARED, Batch, Classes, MultiTaskModel, Outputs


@dataclass(frozen=True)
class SharedHiddenConfig:
    """Sizes and weights; the defaults are what Liu and Zhang print of this network.

    Raises:
        ValueError: a value outside its range.
    """

    auxiliary: str = "gender"
    """The second task: gender or noise; a column of the table."""
    shared: tuple[int, ...] = (256,)
    """Hidden layers that both tasks share."""
    private: tuple[int, ...] = (256,)
    """Hidden layers of each task's own; none: the heads sit on what is shared."""
    dropout: float = 0.5
    """Share of activations set to 0 in training, behind every hidden layer."""
    emotion_weight: float = 1.0
    """Of the emotion's loss."""
    auxiliary_weight: float = 1.0
    """Of the auxiliary label's loss; 0: a network for the emotion alone."""

    def __post_init__(self) -> None:
        ranges.one_of(self, "auxiliary", AUXILIARIES)
        ranges.some_sizes(self, "shared")
        ranges.sizes(self, "private")
        ranges.shares(self, "dropout")
        ranges.not_negative(self, "emotion_weight", "auxiliary_weight")

    @property
    def weights(self) -> dict[str, float]:
        """Fixed weights of the two losses, for the balancer."""
        return {MAIN: self.emotion_weight, self.auxiliary: self.auxiliary_weight}


class SharedHidden(MultiTaskModel):
    """Shared hidden layers, and for each task private ones and a head.

    Args:
        inputs: ``D``, width of the functionals.
        classes: names of the emotions and of the auxiliary classes.
        config: sizes and weights.
    """

    def __init__(self, inputs: int, classes: Classes, config: SharedHiddenConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or SharedHiddenConfig()
        self.classes = {task: list(classes[task]) for task in (MAIN, config.auxiliary)}
        self.tasks = tuple(config.weights)
        self.scale = Standardise(inputs)
        self.shared = hidden_layers(inputs, config.shared, config.dropout)
        self.heads = nn.ModuleDict(
            {
                task: perceptron(config.shared[-1], config.private, len(names), config.dropout)
                for task, names in self.classes.items()
            }
        )

    def forward(self, batch: Batch) -> Outputs:
        """Judge.

        Args:
            batch: ``functionals (B, D)``, as they are extracted. Labels are not looked at.

        Returns:
            Logits ``(B, C)`` under each task's name, and ``embedding (B, H)``, what the tasks share.
        """
        embedding = self.shared(self.scale(batch["functionals"]))  # (B, H)
        return {task: head(embedding) for task, head in self.heads.items()} | {"embedding": embedding}

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of both tasks; a label of -1 is skipped."""
        return {task: cross_entropy(outputs[task], batch[task]) for task in self.tasks}

    def layers(self) -> dict[str, str]:
        """See :meth:`MultiTaskModel.layers`."""
        return {"embedding": SHARED} | super().layers()

    def logits(self, outputs: Outputs) -> dict[str, Tensor]:
        """Of the emotion and of the auxiliary label."""
        return {task: outputs[task] for task in self.tasks}

    def initial_losses(self) -> dict[str, float]:
        """``log C`` of both tasks."""
        return {task: math.log(len(names)) for task, names in self.classes.items()}

    def shared_layer(self) -> nn.Parameter:
        """The last of the shared hidden layers."""
        return [layer for layer in self.shared if isinstance(layer, nn.Linear)][-1].weight
