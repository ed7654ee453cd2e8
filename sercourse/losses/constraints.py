"""Constraints on feature spaces.

Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import normalize, one_hot

from sercourse.losses.masked import MISSING


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


def correlation_ratio(features: Tensor, labels: Tensor) -> Tensor:
    """Share of the features' variance that lies between the classes of a label: what a linear probe lives on.

    An adversary that reads too slowly leaves an attribute in the features and is beaten all the same. This needs no
    opponent: it is 0 where every class has the same mean. It says nothing of what differs in other ways, which is left
    to the adversary.

    Args:
        features: ``(B, D)``.
        labels: ``(B,)``, -1 where missing.

    Returns:
        Scalar, 0 to 1: the mean over features. 0 where a batch holds fewer than two classes.

    Source: Pearson 1905 (eta squared); not in the paper, a remedy where its adversary is outrun.
    """
    known = labels != MISSING
    if not bool(known.any()):
        return features.sum() * 0.0
    x = features[known].float()
    x = x - x.mean(0)
    member = one_hot(labels[known]).to(x.dtype)  # (B', C)
    between = ((member.T @ x).square() / member.sum(0).clamp_min(1.0)[:, None]).sum(0)  # (D,)
    return (between / x.square().sum(0).clamp_min(1e-6)).mean()
