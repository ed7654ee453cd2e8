"""Spectrograms seen as images: DenseNet169 and ResNet50 of torchvision, and a small DenseNet for two cores.

A spectrogram has one channel. The published networks take three, and their first layer sums over them, so a network
for one channel whose first kernels are those sums gives what a grey image in three equal channels would give.

Source: Huang et al. (DenseNet), CVPR 2017; He et al. (ResNet), CVPR 2016; Wen et al., section 5.2.2.
Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torchvision.models import DenseNet, densenet169, resnet50

SMALLEST = 32
"""Frames and bins of the smallest image: every network halves five times."""

_COUNTER = ".num_batches_tracked"  # which older files lack
_OLD_NAME = re.compile(r"(denselayer\d+\.(?:norm|conv))\.(\d\.)")


class ImageBranch(nn.Module):
    """An image to one vector.

    Args:
        name: one of :data:`~sercourse.models.mtap_config.NETWORKS`.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        if name == "small":
            self.network = DenseNet(growth_rate=16, block_config=(2, 4, 6, 4), num_init_features=24, bn_size=2)
        else:
            self.network = {"densenet169": densenet169, "resnet50": resnet50}[name](weights=None)
        self.width = _last(self.network).in_features
        _replace(self.network, self.last, nn.Identity())
        colours = self.network.get_submodule(self.first)
        grey = nn.Conv2d(1, colours.out_channels, colours.kernel_size, colours.stride, colours.padding, bias=False)
        _replace(self.network, self.first, grey)
        self.network.to(memory_format=torch.channels_last)  # a third faster on a processor

    @property
    def first(self) -> str:
        """Name of the layer that sees the image."""
        return "features.conv0" if isinstance(self.network, DenseNet) else "conv1"

    @property
    def last(self) -> str:
        """Name of the layer that would tell ImageNet's classes."""
        return "classifier" if isinstance(self.network, DenseNet) else "fc"

    def forward(self, images: Tensor) -> Tensor:
        """``(B, T, F)`` to ``(B, width)``; an image that is alone in its batch has no statistics of a batch and takes
        the running ones, in training too.

        Raises:
            ValueError: fewer frames or bins than :data:`SMALLEST`.
        """
        _, frames, bins = images.shape
        if min(frames, bins) < SMALLEST:
            raise ValueError(
                f"an image of {frames} frames and {bins} bins: the image branch needs {SMALLEST} of both; pad it with 0"
            )
        self.network.train(self.training and len(images) > 1)
        return self.network(images[:, None].contiguous(memory_format=torch.channels_last))

    def begin_with(self, published: Mapping[str, Tensor]) -> None:
        """Take over weights that were published for three channels.

        Args:
            published: state of torchvision's network of this name; older files spell DenseNet's layers with one dot
                more.

        Raises:
            RuntimeError: weights of another network; one sentence.
        """
        state = {_OLD_NAME.sub(r"\1\2", name): weight for name, weight in published.items()}
        state = {name: weight for name, weight in state.items() if not name.startswith(f"{self.last}.")}
        kernels = f"{self.first}.weight"
        if kernels in state and state[kernels].ndim == 4:
            state[kernels] = state[kernels].sum(1, keepdim=True)  # (C', 3, K, K) to (C', 1, K, K)
        shapes = {name: weight.shape for name, weight in state.items()}
        own = {name: weight.shape for name, weight in self.network.state_dict().items()}
        wrong = [name for name in own | shapes if own.get(name) != shapes.get(name) and not name.endswith(_COUNTER)]
        if wrong:
            raise RuntimeError(
                f"the weights are not those of {self.name}: {len(wrong)} are missing, unknown or of another shape, such"
                f" as {wrong[0]}"
            )
        self.network.load_state_dict(state)


def _last(network: nn.Module) -> nn.Linear:
    return network.classifier if isinstance(network, DenseNet) else network.fc


def _replace(network: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(network.get_submodule(parent), child, layer)
