"""Convolutions, a bidirectional LSTM and self-attention on a spectrogram, for emotion and gender: a peer of MTLSER.

Chen et al. compare MTLSER with "Self-attention+MTL", the best of their baselines in UA. It stands for what a
second task does for a network without any pretraining. The original paper is not at hand beyond its abstract, so the
network follows the abstract, the account of Chen et al. and what is generally said of it:

==================================== ==================================================================================
said of Li, Zhao and Kawahara        here
==================================== ==================================================================================
features are learnt from the         taken over, with log-mel bands (z-scores with statistics of the training
spectrogram                          utterances); window, range and resolution of theirs are not at hand
convolutions side by side, some      taken over; the shapes, 10 frames x 2 bands and 2 x 8, are assumed
long in time, some tall in frequency
further convolutions and pooling     taken over; assumed are how many, their channels, 3 x 3, and behind a convolution
                                     ReLU, in the first three layers the maximum over 2 x 2, and batch normalisation (in
                                     this order, for a norm costs less on what is pooled)
a bidirectional LSTM                 taken over, one layer; its size is assumed
self-attention finds the salient     taken over, without queries: a small network weighs every frame by itself. Each
periods                              head gives a mean of its own, and these stand side by side. Size and number are
                                     assumed; a penalty on heads that agree (Lin et al.) is left out
a fully connected layer, a softmax   taken over; that both tasks share the layer, and its dropout, are assumed
for the emotion, one for the gender
weighted sum of two losses           taken over; the weights, 1 each, are assumed
utterances of one length             left out: training takes a stretch, evaluation the whole utterance, and padding is
                                     seen by no layer, batch normalisation included
four emotions of IEMOCAP             left out: any corpus with both labels, under any protocol
==================================== ==================================================================================

Source: Li, Zhao and Kawahara, "Improved end-to-end speech emotion recognition using self attention mechanism and
multitask learning", Interspeech 2019 (abstract); Chen et al., "MTLSER", Expert Systems with Applications 2025, sections
2.3 and 5.4; Lin et al., "A structured self-attentive sentence embedding", ICLR 2017.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, pad
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sercourse.layers.masking import frame_mask, halved
from sercourse.layers.normalisation import MaskedNorm
from sercourse.layers.perceptron import hidden_layers
from sercourse.layers.scaling import Standardise
from sercourse.losses.masked import cross_entropy
from sercourse.models import ranges
from sercourse.models.multitask import MAIN, SHARED, Batch, Classes, MultiTaskModel, Outputs

AUXILIARY = "gender"
"""The second task: a column of the table."""


@dataclass(frozen=True)
class AttentionCnnConfig:
    """Sizes and weights; the defaults are assumptions, for the paper's own numbers are not at hand.

    Raises:
        ValueError: a value outside its range.
    """

    long: tuple[int, int] = (10, 2)
    """Frames and bands of the first layer's kernels that are long in time."""
    tall: tuple[int, int] = (2, 8)
    """Frames and bands of the first layer's kernels that are tall in frequency."""
    first: int = 8
    """Channels of the long kernels, and as many of the tall ones."""
    channels: tuple[int, ...] = (32, 48, 64, 80)
    """Channels of the convolutions behind the first layer, 3 x 3 each; none: the first layer alone."""
    pooled: int = 3
    """So many layers, the first ones, are followed by pooling, which halves frames and bands."""
    recurrent: int = 128
    """Size of the LSTM in each direction."""
    attention: int = 64
    """Hidden units of the network that weighs a frame."""
    heads: int = 8
    """Ways to weigh the frames."""
    hidden: int = 64
    """Fully connected layer that both tasks share."""
    dropout: float = 0.3
    """Share of activations set to 0 in training, behind the convolutions and behind the fully connected layer."""
    emotion_weight: float = 1.0
    """Of the emotion's loss."""
    auxiliary_weight: float = 1.0
    """Of the gender's loss; 0: a network for the emotion alone."""

    def __post_init__(self) -> None:
        ranges.some_sizes(self, "long", "tall")
        ranges.sizes(self, "channels")
        ranges.at_least_one(self, "first", "recurrent", "attention", "heads", "hidden")
        ranges.not_negative(self, "pooled", "emotion_weight", "auxiliary_weight")
        ranges.shares(self, "dropout")
        if self.pooled > 1 + len(self.channels):
            raise ValueError(f"pooled={self.pooled}: there are only {1 + len(self.channels)} layers")

    @property
    def weights(self) -> dict[str, float]:
        """Fixed weights of the two losses, for the balancer."""
        return {MAIN: self.emotion_weight, AUXILIARY: self.auxiliary_weight}


class AttentionCnn(MultiTaskModel):
    """Convolutions, bidirectional LSTM, self-attention, a shared layer, and a head per task.

    Args:
        inputs: ``F``, bands of the spectrogram.
        classes: names of the emotions and of the genders.
        config: sizes and weights.
    """

    def __init__(self, inputs: int, classes: Classes, config: AttentionCnnConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or AttentionCnnConfig()
        self.tasks = tuple(config.weights)
        self.classes = {task: list(classes[task]) for task in self.tasks}
        self.scale = Standardise(inputs)
        layers, channels, bands = [], 1, inputs
        for number, size in enumerate((config.first, *config.channels)):
            kernels = (config.long, config.tall) if number == 0 else ((3, 3),)
            pooled = number < config.pooled
            layers.append(Convolutions(channels, size, kernels, pooled=pooled))
            channels, bands = size * len(kernels), (bands + 1) // 2 if pooled else bands
        self.convolutions = nn.ModuleList(layers)
        self.dropout = nn.Dropout(config.dropout)
        self.lstm = nn.LSTM(channels * bands, config.recurrent, batch_first=True, bidirectional=True)
        self.pool = SelfAttention(2 * config.recurrent, config.attention, config.heads)
        self.shared = hidden_layers(2 * config.recurrent * config.heads, (config.hidden,), config.dropout)
        self.heads = nn.ModuleDict({task: nn.Linear(config.hidden, len(names)) for task, names in self.classes.items()})

    def forward(self, batch: Batch) -> Outputs:
        """Judge.

        Args:
            batch: ``frames (B, T, F)``, levels in dB, and ``length (B,)``, valid frames. Labels are not looked at.

        Returns:
            Logits ``(B, C)`` under each task's name; ``embedding (B, D)``, what the tasks share; ``attention
            (B, H, T')``, each head's weights over the frames behind the convolutions, of which ``T'`` are left.
        """
        lengths = batch["length"]
        mask = frame_mask(lengths, batch["frames"].shape[1])
        x = self.scale(batch["frames"])  # (B, T, F)
        x = (x if mask is None else x * mask[..., None])[:, None]  # (B, 1, T, F)
        for layer in self.convolutions:
            x, lengths = layer(x, lengths)
        mask = frame_mask(lengths, x.shape[2])
        states = self._recurrent(self.dropout(x.transpose(1, 2).flatten(2)), lengths)  # (B, T', 2 R)
        pooled, weights = self.pool(states, mask)  # (B, H * 2 R), (B, H, T')
        embedding = self.shared(pooled)  # (B, D)
        judged = {task: head(embedding) for task, head in self.heads.items()}
        return judged | {"embedding": embedding, "attention": weights}

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of both tasks; a label of -1 is skipped."""
        return {task: cross_entropy(outputs[task], batch[task]) for task in self.tasks}

    def layers(self) -> dict[str, str]:
        """See :meth:`MultiTaskModel.layers`."""
        return {"embedding": SHARED} | super().layers()

    def logits(self, outputs: Outputs) -> dict[str, Tensor]:
        """Of the emotion and of the gender."""
        return {task: outputs[task] for task in self.tasks}

    def initial_losses(self) -> dict[str, float]:
        """``log C`` of both tasks."""
        return {task: math.log(len(names)) for task, names in self.classes.items()}

    def shared_layer(self) -> nn.Parameter:
        """The fully connected layer."""
        return self.shared[0].weight

    def _recurrent(self, x: Tensor, lengths: Tensor) -> Tensor:
        """``(B, T, C)`` to ``(B, T, 2 R)``; backwards the LSTM begins at an utterance's last frame."""
        with torch.autocast(x.device.type, enabled=False):  # many small steps: casting each costs more than it saves
            packed = pack_padded_sequence(x.float(), lengths.cpu(), batch_first=True, enforce_sorted=False)
            return pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=x.shape[1])[0]


class Convolutions(nn.Module):
    """Convolutions over time and frequency, side by side; ReLU, where asked pooling, batch normalisation.

    Args:
        inputs: ``C``, channels that come in.
        channels: channels of each kernel.
        kernels: frames and bands of each; an even kernel looks one further ahead (up).
        pooled: whether frames and bands are halved, rounded up.
    """

    def __init__(self, inputs: int, channels: int, kernels: Sequence[tuple[int, int]], *, pooled: bool) -> None:
        super().__init__()
        self.kernels = nn.ModuleList(nn.Conv2d(inputs, channels, tuple(shape)) for shape in kernels)
        self.norm = MaskedNorm(channels * len(kernels), "batch")
        self.pooled = pooled

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Convolve.

        Args:
            x: ``(B, C, T, F)``, padding 0.
            lengths: valid frames, ``(B,)``.

        Returns:
            ``(B, C', T, F)``, or half of ``T`` and ``F``, padding 0; and the lengths that belong to it.
        """
        y = torch.cat([kernel(pad(x, _around(kernel.kernel_size))) for kernel in self.kernels], dim=1)  # (B, C', T, F)
        y, mask = y.relu(), frame_mask(lengths, y.shape[2])
        if self.pooled:
            if mask is not None:
                y = y * mask[:, None, :, None].to(y.dtype)  # behind a ReLU, zeros change no maximum
            y, lengths = max_pool2d(y, 2, ceil_mode=True), halved(lengths)  # (B, C', T / 2, F / 2)
            mask = frame_mask(lengths, y.shape[2])
        cells = None if mask is None else mask.repeat_interleave(y.shape[3], dim=1)  # (B, T * F)
        return self.norm(y.flatten(2), cells).view_as(y), lengths


class SelfAttention(nn.Module):
    """Every frame is weighed by itself, in several ways; each way gives a weighted mean.

    Args:
        inputs: ``D`` of a frame.
        hidden: units between a frame and its weights.
        heads: ``H``.

    Source: Lin et al. 2017, equations 6 and 7 (without the penalty).
    """

    def __init__(self, inputs: int, hidden: int, heads: int) -> None:
        super().__init__()
        self.score = nn.Sequential(
            nn.Linear(inputs, hidden, bias=False), nn.Tanh(), nn.Linear(hidden, heads, bias=False)
        )

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Weigh and pool.

        Args:
            x: ``(B, T, D)``.
            mask: ``(B, T)``; a row needs at least one valid frame.

        Returns:
            The heads' means side by side, ``(B, H * D)``, and the weights ``(B, H, T)``, which sum to 1 over time.
        """
        scores = self.score(x).float().transpose(1, 2)  # (B, H, T)
        if mask is not None:
            scores = scores.masked_fill(mask[:, None] == 0, -torch.inf)
        weights = scores.softmax(2)
        return (weights @ x.float()).flatten(1), weights


def _around(shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Zeros below and above the bands, before and behind the frames, that keep the size."""
    frames, bands = shape
    return (bands - 1) // 2, bands // 2, (frames - 1) // 2, frames // 2
