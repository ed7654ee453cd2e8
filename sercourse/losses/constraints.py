"""Constraints on feature spaces.

Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import normalize


def orthogonality(shared: Tensor, private: Tensor, mask: Tensor | None) -> Tensor:
    """How much of the shared features the private ones repeat: the mean squared cosine between their channels.

    Every channel's course over the valid frames of an utterance is a vector; shared and private channels are
    compared pairwise. The paper's ``|| S^T H ||_F^2`` grows with batch, length, width and scale, so that its weight
    would mean something else for every corpus, and a network could make it small by shrinking its features. Here
    courses have length 1 and the mean is taken: 0 where all are orthogonal, 1 where all are parallel.

    Args:
        shared: ``(B, T, D)``.
        private: ``(B, T, D')``.
        mask: ``(B, T)``.

    Returns:
        Scalar, 0 to 1.

    Source: Liu and Zhang, equation 13 (which lacks the transpose); Bousmalis et al. 2016.
    """
    valid = 1.0 if mask is None else mask[..., None]  # (B, T, 1)
    courses = [normalize(x.float() * valid, dim=1) for x in (shared, private)]  # (B, T, D)
    cosines = courses[0].transpose(1, 2) @ courses[1]  # (B, D, D')
    return cosines.square().mean()
