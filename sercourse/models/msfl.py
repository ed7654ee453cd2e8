"""MSFL: multitask-based shared feature learning. A vector of functionals is read feature by feature.

The overview that is public says what the parts are (an LSTM that takes the dimensions of the global features as time
steps, attention over the features, a head for the emotion and a head for the language, GradNorm) and not one size.
Choices made here, all of them settings:

- The LSTM runs in one direction, ``hidden`` units; a step is one feature (``per_step``), as its bare number.
- Attention is additive; its weights over the features are the "weights of the shared features" of the paper.
- A head is a small perceptron on the attended mean.
- SIMO (single input, multiple outputs): one head for the emotion, one for the language. MIMO (multiple inputs, multiple
  outputs): each language is a source of its own with a head for the emotion of its own, over shared features. A head
  learns from its language alone. In a test the language is not told: the heads' posteriors are mixed by the posterior
  of the language.
- As an option the language sits behind a gradient reversal (``adversary``): the shared features should then know the
  emotion and not the language.

Source: Ma and Wang, Applied Sciences 12(24), 12805, 2022, as summarised in "Multitask-based Shared Feature Learning".
Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sercourse.errors import UserError
from sercourse.layers.perceptron import perceptron
from sercourse.layers.reversal import ramp, reverse
from sercourse.layers.scaling import Standardise
from sercourse.layers.sequence import AdditiveAttention, MinGRU
from sercourse.losses.masked import MISSING, cross_entropy
from sercourse.models import ranges
from sercourse.models.multitask import MAIN, SHARED, Batch, Classes, MultiTaskModel, Outputs

LANGUAGE = "language"
FORMS: tuple[str, ...] = ("simo", "mimo")
CORES: tuple[str, ...] = ("lstm", "mingru")


@dataclass(frozen=True)
class MsflConfig:
    """Sizes and weights; none is printed, so all are ours.

    Raises:
        ValueError: a value outside its range.
    """

    core: str = "lstm"
    """What reads the features: lstm (the paper's), or mingru (all steps at once)."""
    hidden: int = 32
    """Units of the core."""
    per_step: int = 1
    """Features per time step; 1 is the paper's. More make the sequence shorter, and share one attention weight."""
    tokens: int = 0
    """Size of a learnt vector per step that its numbers are multiplied with, and another that is added; 0: the bare
    numbers."""
    attention: int = 32
    """Of the hidden layer that scores the features."""
    private: tuple[int, ...] = (32,)
    """Hidden layers of each head."""
    dropout: float = 0.3
    """Share of activations set to 0 in training, before and in the heads."""
    form: str = "simo"
    """simo: one head for the emotion; mimo: one per language."""
    emotion_weight: float = 1.0
    """Of the emotion's loss (with mimo, of each language's)."""
    language_weight: float = 0.5
    """Of the language's loss; 0: there is no such task."""
    adversary: float = 0.0
    """Strength of the gradient reversal before the language's head at the end of training; 0: none."""

    def __post_init__(self) -> None:
        ranges.one_of(self, "core", CORES)
        ranges.one_of(self, "form", FORMS)
        ranges.at_least_one(self, "hidden", "per_step", "attention")
        ranges.sizes(self, "private")
        ranges.shares(self, "dropout")
        ranges.positive(self, "emotion_weight")
        ranges.not_negative(self, "tokens", "language_weight", "adversary")
        if not self.language_weight and (self.form == "mimo" or self.adversary):
            raise ValueError("language_weight=0: form=mimo and adversary need the language; give it a weight")


class Msfl(MultiTaskModel):
    """Functionals to emotion and language.

    Args:
        inputs: ``D``, number of functionals.
        classes: names of the emotions, and of the languages where they are a task.
        config: sizes and weights.
    """

    def __init__(self, inputs: int, classes: Classes, config: MsflConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or MsflConfig()
        wanted = (MAIN, LANGUAGE) if config.language_weight else (MAIN,)
        self.classes = {task: list(classes[task]) for task in wanted}
        self.scale = Standardise(inputs)
        steps = -(-inputs // config.per_step)
        channels = config.tokens or config.per_step
        if config.tokens:
            self.token = nn.Parameter(torch.randn(steps, config.per_step, config.tokens) / config.per_step**0.5)
            self.place = nn.Parameter(0.1 * torch.randn(steps, config.tokens))
        self.core = MinGRU(channels, config.hidden) if config.core == "mingru" else nn.LSTM(
            channels, config.hidden, batch_first=True
        )  # fmt: skip
        self.attention = AdditiveAttention(config.hidden, config.attention)
        self.dropout = nn.Dropout(config.dropout)
        self.heads = nn.ModuleDict({loss: self._head(task) for loss, task in self.judges.items()})
        self.tasks = tuple(self.judges)
        self.strength = 0.0

    @property
    def judges(self) -> dict[str, str]:
        """Every head (and loss) by name, and what it judges."""
        if self.config.form == "simo":
            return {task: task for task in self.classes}
        return {f"{MAIN}_{language}": MAIN for language in self.classes[LANGUAGE]} | {LANGUAGE: LANGUAGE}

    def _head(self, task: str) -> nn.Sequential:
        config = self.config
        return perceptron(config.hidden, config.private, len(self.classes[task]), config.dropout)

    def forward(self, batch: Batch) -> Outputs:
        """Judge.

        Args:
            batch: ``functionals (B, D)``, as they are extracted. Labels are not looked at.

        Returns:
            Logits ``(B, C)`` under each head's name and, in all forms, under ``emotion``; ``embedding (B, H)``, what
            the tasks share; ``attention (B, D)``, the weight of every feature, summing to 1 (features of one step
            share its weight equally).

        Raises:
            UserError: another number of functionals than the weights were made for.
        """
        x = batch["functionals"]
        if x.shape[1] != len(self.scale.mean):
            raise UserError(
                f"functionals: {x.shape[1]} values per utterance, and this network was made for"
                f" {len(self.scale.mean)}; extract the feature set that it was trained on."
            )
        steps = self.read(self.scale(x))  # (B, T, H)
        embedding, weights = self.attention(steps)  # (B, H), (B, T)
        found = {"embedding": embedding, "attention": self._per_feature(weights)}
        shared = self.dropout(embedding)
        for name, head in self.heads.items():
            turned = name == LANGUAGE and self.config.adversary > 0
            found[name] = head(reverse(shared, self.strength) if turned else shared)
        return found if self.config.form == "simo" else found | {MAIN: self._mixture(found)}

    def read(self, x: Tensor) -> Tensor:
        """Standardised functionals ``(B, D)`` to what the core says at every step, ``(B, T, H)``."""
        config = self.config
        rows = nn.functional.pad(x, (0, -x.shape[1] % config.per_step)).unflatten(1, (-1, config.per_step))  # (B, T, G)
        if config.tokens:
            rows = torch.einsum("btg,tgc->btc", rows, self.token) + self.place  # (B, T, C)
        if config.core == "mingru":
            return self.core(rows)
        with torch.autocast(rows.device.type, enabled=False):  # many small steps: casting costs more than it saves
            return self.core(rows.float())[0]

    def _per_feature(self, weights: Tensor) -> Tensor:
        """Weights of steps ``(B, T)`` to weights of features ``(B, D)``."""
        group, inputs = self.config.per_step, len(self.scale.mean)
        sizes = torch.full((weights.shape[1],), group, device=weights.device)
        sizes[-1] = inputs - group * (weights.shape[1] - 1)  # the last step may hold fewer
        return (weights / sizes).repeat_interleave(sizes, dim=1)

    def _mixture(self, found: Outputs) -> Tensor:
        """Log posterior of the emotion: every language's head, mixed by the posterior of the language."""
        language = found[LANGUAGE].float().log_softmax(1)  # (B, L)
        heads = [found[f"{MAIN}_{name}"].float().log_softmax(1) for name in self.classes[LANGUAGE]]
        return (torch.stack(heads, 1) + language[..., None]).logsumexp(1)  # (B, C)

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of every head; a label of -1 is skipped, and with mimo what is in another language."""
        labels = dict(batch)
        if self.config.form == "mimo":
            for number, name in enumerate(self.classes[LANGUAGE]):
                own = batch[LANGUAGE] == number
                labels[f"{MAIN}_{name}"] = torch.where(own, batch[MAIN], MISSING)
        return {task: cross_entropy(outputs[task], labels[task]) for task in self.tasks}

    def layers(self) -> dict[str, str]:
        """See :meth:`MultiTaskModel.layers`."""
        return {"embedding": SHARED, "attention": "the weight of every feature"} | super().layers()

    def logits(self, outputs: Outputs) -> dict[str, Tensor]:
        """Of the emotion, and of the language where it is a task."""
        return {task: outputs[task] for task in self.classes}

    def begin_epoch(self, done: float) -> None:
        """The adversary's strength rises in the course of training."""
        self.strength = self.config.adversary * ramp(done)

    def initial_losses(self) -> dict[str, float]:
        """``log C`` of every head."""
        return {name: math.log(len(self.classes[task])) for name, task in self.judges.items()}

    def shared_layer(self) -> nn.Parameter:
        """The hidden layer of the attention: it belongs to no task, and what it weights reaches every head."""
        return self.attention.hidden.weight

    @property
    def weights(self) -> dict[str, float]:
        """Of every loss, for the balancer."""
        config = self.config
        return {name: config.emotion_weight if task == MAIN else config.language_weight
                for name, task in self.judges.items()}  # fmt: skip
