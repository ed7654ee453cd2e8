"""VGGish: what a sound is, learnt from millions of videos and read out as 128 numbers per 0.96 s.

A small VGG network (six convolutions, three fully connected layers) over log-mel spectrograms. MTAP takes its
embedding of an utterance as the audio modality. Names of the weights are those of the torch port (torchvggish), so a
published file fits (:mod:`sercourse.training.vggish_weights`).

Source: Hershey et al., ICASSP 2017; the release in tensorflow/models, research/audioset/vggish.
Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

EXAMPLE: tuple[int, int] = (96, 64)
"""Frames (10 ms each) and mel bands of an example."""

WIDTHS: tuple[int, ...] = (64, 128, 256, 256, 512, 512, 4096, 4096, 128)
"""Channels of the six convolutions and outputs of the three fully connected layers, as published."""

N_CONVOLUTIONS = 6
POOLED_AFTER = (1, 2, 4, 6)
"""The convolutions that a max pool follows, counted from 1; four pools halve time and frequency to 6 x 4."""

LIMIT = 2.0
"""Whitened values are clipped to ±2."""


class Vggish(nn.Module):
    """Log-mel examples to embeddings.

    Without a published file the weights are He's random ones, which keep the signal's spread from layer to layer.

    Args:
        widths: nine numbers, see :data:`WIDTHS`; smaller ones make a small network.

    Raises:
        ValueError: not nine numbers above 0.
    """

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        if len(widths) != len(WIDTHS) or min(widths) < 1:
            raise ValueError(f"widths={tuple(widths)}: nine numbers above 0 are needed, six and three.")
        self.widths = tuple(widths)
        convolutions, dense = self.widths[:N_CONVOLUTIONS], self.widths[N_CONVOLUTIONS:]
        self.features = nn.Sequential(*_convolutions(convolutions))
        pooled = (EXAMPLE[0] // 2 ** len(POOLED_AFTER)) * (EXAMPLE[1] // 2 ** len(POOLED_AFTER))
        self.embeddings = nn.Sequential(
            nn.Linear(pooled * convolutions[-1], dense[0]),
            nn.ReLU(),
            nn.Linear(dense[0], dense[1]),
            nn.ReLU(),
            nn.Linear(dense[1], dense[2]),
        )
        self.pproc = Whitening(dense[2])
        self.apply(_initialise)

    def forward(self, examples: Tensor) -> Tensor:
        """Embeddings before any activation, as the release reads them.

        (Its first version and the torch port end in one more ReLU, which has no weights. The means of the published
        PCA are negative in part, so they were taken without it.) A network on top puts its own activation between.

        Args:
            examples: ``log(mel + 0.01)``, shape ``(B, 96, 64)``.

        Returns:
            ``(B, 128)``.

        Raises:
            ValueError: examples of another shape; turned by 90 degrees they would pass through unnoticed.
        """
        if examples.ndim != 3 or tuple(examples.shape[1:]) != EXAMPLE:
            raise ValueError(f"examples of shape {tuple(examples.shape)}; (B, {EXAMPLE[0]}, {EXAMPLE[1]}) is needed.")
        maps = self.features(examples[:, None])  # (B, 512, 6, 4)
        # Published weights expect time, frequency, channel, the order of TensorFlow; torch's own is channel first.
        return self.embeddings(maps.permute(0, 2, 3, 1).flatten(1))  # (B, 128)

    def postprocess(self, embeddings: Tensor, *, quantise: bool = False) -> Tensor:
        """Whitened embeddings; see :meth:`Whitening.forward`."""
        return self.pproc(embeddings, quantise=quantise)


class Whitening(nn.Module):
    """PCA, whitening and clipping, which the release applies to its embeddings.

    Until weights are loaded it only clips: unit vectors and means of 0.

    Args:
        width: ``D`` of the embedding.
    """

    pca_eigen_vectors: Tensor
    pca_means: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("pca_eigen_vectors", torch.eye(width))  # one vector per row, scaled to variance 1
        self.register_buffer("pca_means", torch.zeros(width, 1))

    def forward(self, embeddings: Tensor, *, quantise: bool = False) -> Tensor:
        """Principal components of variance 1, cut off at ±2.

        Args:
            embeddings: ``(B, D)``.
            quantise: 256 steps, as the files of AudioSet and YouTube-8M hold them. Off by default: the steps (0.016)
                save space on disk for millions of videos, tell a classifier nothing and stop every gradient.

        Returns:
            ``(B, D)``, from -2 to 2; quantised: 0 to 255, ``torch.uint8``, rounded down as in the release (the torch
            port rounds to the nearest).
        """
        whitened = (embeddings - self.pca_means[:, 0]) @ self.pca_eigen_vectors.T
        clipped = whitened.clamp(-LIMIT, LIMIT)
        return ((clipped + LIMIT) * (255 / (2 * LIMIT))).to(torch.uint8) if quantise else clipped


def _convolutions(widths: Sequence[int]) -> list[nn.Module]:
    """3 x 3, each with its ReLU, and the pools between; their places in the list give the weights their names."""
    layers: list[nn.Module] = []
    channels = 1
    for number, width in enumerate(widths, start=1):
        layers += [nn.Conv2d(channels, width, kernel_size=3, padding=1), nn.ReLU()]
        if number in POOLED_AFTER:
            layers.append(nn.MaxPool2d(2))
        channels = width
    return layers


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)
