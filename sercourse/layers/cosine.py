"""A last layer that judges directions only: the cosine of the angle between an utterance and each class.

An ordinary linear layer lets a network lower its loss by longer feature vectors and longer class vectors. With both at
length 1 nothing but the angle is left, so that a margin can be stated as an angle.

Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

SHORTEST = 1e-3
"""Vectors shorter than this are divided by it, not by their length: near 0 there is no direction, and dividing by a
length that goes to 0 lets the gradient go to infinity. Here one utterance's gradient is at most about
``2 * scale / SHORTEST``, which half precision can hold for scales up to 20."""


class CosineHead(nn.Module):
    """Cosines between features and one learnt direction per class, without bias.

    The cosines are no logits: a loss of :mod:`sercourse.losses.angular` scales them (and adds its margin, in
    training), and for a decision or a posterior ``scale * cosines`` are the logits, without any margin.

    Args:
        width: ``D``, size of the features.
        classes: ``C``, 2 or more.

    Raises:
        ValueError: fewer than two classes.

    Source: Wen et al., section 3.1 (``cos(theta_j) = W_j^T x_i``); Wang et al. 2017 (NormFace).
    """

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        if classes < 2:
            raise ValueError(f"classes={classes}: angles tell classes apart, so there must be two or more")
        self.weight = nn.Parameter(torch.randn(classes, width))  # directions that are uniform on the sphere

    def forward(self, features: Tensor) -> Tensor:
        """Compare each utterance with each class.

        Args:
            features: ``(B, D)``; their length does not matter from :data:`SHORTEST` on, below it cosines fade to 0.

        Returns:
            ``(B, C)``, -1 to 1 up to rounding, in fp32 also under autocast: bf16 would round .999 to 1, an angle of
            2.6 degrees to none. Double precision stays double.
        """
        x = features.to(torch.promote_types(features.dtype, torch.float32))
        with torch.autocast(features.device.type, enabled=False):
            unit = normalize(x, dim=-1, eps=SHORTEST)  # (B, D)
            return unit @ normalize(self.weight.to(x.dtype), dim=-1, eps=SHORTEST).T  # (B, C)
