"""ASP-MTL: what two tasks share and what each keeps for itself, held apart by an adversary and by orthogonality.

Three stacks of LSTMs read the same frames. The shared one serves both tasks; each task has a private one. The emotion
is told from [shared; private], the auxiliary label (noise in model 1, gender in model 2) from its private features. A
discriminator behind a gradient reversal keeps the auxiliary task's business out of the shared features; orthogonality
keeps what is shared out of the private ones.

Where the paper leaves a choice, or cannot be followed, this is what is done here:

===================================  ==================================================================================
the paper                            here
===================================  ==================================================================================
number of LSTM layers                2
"layer standardization" in the       layer normalisation
text, batch normalisation in
Algorithm 1
alpha_s, alpha_h (equations 9, 10)   one trainable weight per layer, 1 / L at first, without any bound
from frames to an utterance          mean over valid frames
discriminator (equation 11) tells    ``discriminate="task"`` as printed. It has something to tell only where the tasks
the task from shared features        draw different speech; on one corpus with both labels they do not, and no
                                     discriminator can be better than chance. ``"label"``: it tells the auxiliary label
equation 12 (min max)                a reversal layer with a ramp
one optimiser for all                the discriminator may learn faster (``critic_rate``), and what tells a linear
                                     reader the label can be taken away directly (``correlation_weight``): on a small
                                     corpus the adversary is outrun
equation 13 (no transpose)           mean squared cosine between the channels' courses, see
                                     :func:`~sercourse.losses.constraints.orthogonality`
equations 17, 18 (binary)            cross-entropy over all classes
alpha, beta, gamma, mu               1 each
the auxiliary head                   judges every frame; an utterance's logits are the mean over its frames, so a
                                     posterior per frame comes with it
model 2's input                      what model 1 leaves under its soft mask. In training that is speech which model 1
                                     was fitted on, in testing it is not
pre-emphasis, endpoint detection,    none of them (section IV B)
data balance
each task draws its own batches      with ``discriminate="task"`` every utterance of a batch is one task's draw; with
                                     ``"label"`` an utterance serves both tasks
choice of the epoch                  by the emotion's UA on validation, for model 1 too
epochs, size of the emotion's head   100 and 32
"removes the noise part"             frames whose noise posterior is above .5 are silenced; and, beyond the paper, a
                                     soft mask on the mel spectrum (``mask=True``)
===================================  ==================================================================================

Source: Liu and Zhang, "Design of Efficient Speech Emotion Recognition Based on Multi Task Learning", IEEE Access 2023.
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sercourse.layers.masking import frame_mask, masked_mean, mean_and_spread
from sercourse.layers.perceptron import perceptron
from sercourse.layers.reversal import ramp, reverse
from sercourse.layers.scaling import Standardise
from sercourse.layers.shared_private import StackedLSTM
from sercourse.losses.constraints import correlation_ratio, orthogonality
from sercourse.losses.masked import MISSING, cross_entropy, mask_error
from sercourse.models.asp_mtl_config import AspMtlConfig
from sercourse.models.multitask import MAIN, Batch, Classes, MultiTaskModel, Outputs

TASKS: tuple[str, ...] = ("main", "auxiliary")
"""Who drew an utterance: its index is ``task`` of a batch."""


class AspMtl(MultiTaskModel):
    """Shared and private LSTMs, emotion head, auxiliary head, discriminator (figure 3).

    Args:
        inputs: ``F``, features of a frame.
        classes: names of the emotions and of the auxiliary classes.
        config: sizes, switches, weights.
        bands: ``M``, bands of the soft mask, which are the first features of a frame.
    """

    def __init__(self, inputs: int, classes: Classes, config: AspMtlConfig | None = None, *, bands: int = 64) -> None:
        super().__init__()
        self.config = config = config or AspMtlConfig()
        self.classes = {task: list(classes[task]) for task in (MAIN, config.auxiliary)}
        self.tasks = tuple(config.weights)
        self.bands = bands
        sizes = inputs, config.hidden, config.layers, config.dropout
        self.scale = Standardise(inputs)
        self.shared = StackedLSTM(*sizes)
        self.private = nn.ModuleDict({task: StackedLSTM(*sizes) for task in TASKS})
        read = 2 * config.hidden + (2 * inputs if config.input_statistics else 0)
        self.emotion_head = perceptron(read, (config.head,), len(self.classes[MAIN]), config.dropout)
        self.auxiliary_head = nn.Linear(config.hidden, len(self.classes[config.auxiliary]))
        told = len(TASKS) if config.discriminate == "task" else len(self.classes[config.auxiliary])
        self.discriminator = perceptron(config.hidden, config.critic, told, 0.0)
        self.mask_head = nn.Linear(2 * config.hidden, bands) if config.mask else None
        self.strength = 0.0

    def begin_epoch(self, done: float) -> None:
        """Raise the strength of the reversal and of the correlation's weight."""
        self.strength = ramp(done)

    def rates(self) -> dict[str, float]:
        """The discriminator may learn faster than what it judges, so that it is not outrun."""
        return {"discriminator": self.config.critic_rate}

    def forward(self, batch: Batch) -> Outputs:
        """Encode and judge.

        Args:
            batch: ``frames (B, T, F)``, ``length (B,)``. Labels are not looked at.

        Returns:
            ``emotion (B, C)`` and ``auxiliary (B, C')`` (logits), ``frame_logits (B, T, C')``, ``discriminator (B, K)``
            (behind the reversal), ``shared``, ``main`` and ``auxiliary_states`` ``(B, T, D)``, ``embedding (B, D)``
            (the pooled shared features), and, where the network has one, ``mask (B, T, M)`` from 0 to 1.
        """
        mask = frame_mask(batch["length"], batch["frames"].shape[1])
        x = self.scale(batch["frames"])  # (B, T, F)
        shared = self.shared(x, mask)  # (B, T, D)
        private = {task: stack(x, mask) for task, stack in self.private.items()}
        pooled = masked_mean(shared, mask)  # (B, D)
        frame_logits = self.auxiliary_head(private["auxiliary"])  # (B, T, C')
        read = [pooled, masked_mean(private["main"], mask)]
        if self.config.input_statistics:
            read.append(mean_and_spread(x, mask))
        outputs = {
            "emotion": self.emotion_head(torch.cat(read, dim=1)),  # 14, 15
            "auxiliary": masked_mean(frame_logits, mask),  # 16
            "frame_logits": frame_logits,
            "discriminator": self.discriminator(reverse(pooled, self.strength)),  # 11
            "shared": shared,
            "main": private["main"],
            "auxiliary_states": private["auxiliary"],
            "embedding": pooled,
        }
        if self.mask_head is not None:
            outputs["mask"] = self.mask_head(torch.cat([shared, private["auxiliary"]], dim=2)).sigmoid()  # (B, T, M)
        return outputs

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Equations 12, 13, 17 and 18; the balancer weighs them (equation 19).

        ``batch`` holds ``emotion`` and the auxiliary label, -1 where it is missing or where the other task drew the
        utterance; ``task`` says who drew it, -1: both; for a mask, ``clean (B, T, M)`` in dB.
        """
        config, mask = self.config, frame_mask(batch["length"], batch["frames"].shape[1])
        told = batch["task"] if config.discriminate == "task" else batch[config.auxiliary]
        losses = {
            MAIN: cross_entropy(outputs["emotion"], batch[MAIN]),
            config.auxiliary: cross_entropy(outputs["auxiliary"], batch[config.auxiliary]),
            "adversary": cross_entropy(outputs["discriminator"], told),
            "orthogonality": self._overlap(outputs, batch["task"], mask),
        }
        if self.mask_head is not None:
            noisy = batch["frames"][..., : self.bands]
            losses["mask"] = mask_error(outputs["mask"], noisy, batch["clean"], mask)
        if config.correlation_weight:
            ratio = correlation_ratio(outputs["embedding"], batch[config.auxiliary])
            losses["correlation"] = (
                self.strength * ratio
            )  # at full weight from the start the features learn to dodge it
        return losses

    def layers(self) -> dict[str, str]:
        """See :meth:`MultiTaskModel.layers`."""
        return {
            "embedding": "the shared encoder, mean over time",
            "main": "the emotion's own encoder, mean over time",
            "auxiliary_states": "the second task's own encoder, mean over time",
        } | super().layers()

    def logits(self, outputs: Outputs) -> dict[str, Tensor]:
        """Of the emotion and of the auxiliary label."""
        return {MAIN: outputs["emotion"], self.config.auxiliary: outputs["auxiliary"]}

    def _overlap(self, outputs: Outputs, task: Tensor, mask: Tensor | None) -> Tensor:
        """Equation 13: each task's private features against the shared ones, over the utterances that it drew."""
        total = outputs["shared"].sum() * 0.0
        for number, private in enumerate(("main", "auxiliary_states")):
            rows = (task == number) | (task == MISSING)
            if bool(rows.any()):
                part = None if mask is None else mask[rows]
                total = total + orthogonality(outputs["shared"][rows], outputs[private][rows], part)
        return total
