"""Softmax losses with focus and with an angular margin: focal, normalised softmax, ArcFace, and both as one, APFL.

The family, by its two settings: a margin ``m`` makes the true class appear further away than it is, so that utterances
must come closer than the boundary; a focus ``gamma`` takes weight from what is recognised already.

=====================  =============================  ==========================
judged are             without focus (gamma = 0)      with focus (gamma > 0)
=====================  =============================  ==========================
logits                 ``losses.masked``              :func:`focal_loss`
cosines, without m     :func:`normalised_softmax`     :func:`apfl` with m = 0
cosines, with m        :func:`arcface`                :func:`apfl`
=====================  =============================  ==========================

All skip missing labels, are means over the labels that are there, and compute in fp32 also for half precision. The
margin belongs to training: for a decision or a posterior the logits are ``scale * cosines``.

Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, one_hot

from sercourse.losses.masked import MISSING

EPS = 1e-6
"""Least value of the squared sine: within .06 degrees of a class vector (or its opposite) the sine counts as .001."""


def focal_loss(logits: Tensor, labels: Tensor, *, gamma: float, class_weights: Tensor | None = None) -> Tensor:
    """Cross-entropy in which an utterance of posterior ``p`` counts ``(1 - p) ** gamma``.

    It is computed from the log-odds of the true class against all others together: ``p`` is their sigmoid, and
    ``log(1 - p)`` is as exact as ``log p``. Taking the power of ``1 - p`` itself gives NaN as a gradient as soon as
    ``p`` rounds to 1 and gamma is below 1, and the paper has gamma = .1 (EMO-DB).

    Args:
        logits: ``(B, C)``.
        labels: ``(B,)``, class indices; :data:`~sercourse.losses.masked.MISSING` is skipped.
        gamma: focus, 0 or more; 0 is cross-entropy.
        class_weights: ``(C,)``, 0 or more: how much an utterance of each class counts in the mean; ``None``: alike.

    Returns:
        Scalar; 0 where every label is missing.

    Raises:
        ValueError: gamma outside its range, fewer than two classes, or not one weight per class.

    Source: Lin et al. 2017, equations 4 and 5 (with softmax for sigmoid, and a mean weighted as torch's cross-entropy).
    """
    check_angular(gamma=gamma)
    if logits.shape[1] < 2:
        raise ValueError("one class only: there is nothing to tell apart")
    if class_weights is not None and class_weights.shape != logits.shape[1:]:
        raise ValueError(f"class_weights: {len(class_weights)} for {logits.shape[1]} classes, must be one per class")
    known = labels != MISSING
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    if not bool(known.any()):
        return logits.sum() * 0.0
    logits, labels = logits[known], labels[known]
    true = one_hot(labels, logits.shape[1]).bool()  # (B', C)
    log_odds = logits[true] - logits.masked_fill(true, -math.inf).logsumexp(1)  # (B',)
    losses = -logsigmoid(log_odds) * (gamma * logsigmoid(-log_odds)).exp()  # -log(p) * (1 - p) ** gamma
    if class_weights is None:
        return losses.mean()
    weights = class_weights.to(losses)[labels]  # (B',)
    return (weights * losses).sum() / weights.sum().clamp(min=torch.finfo(losses.dtype).tiny)


def normalised_softmax(
    cosines: Tensor, labels: Tensor, *, scale: float = 10.0, class_weights: Tensor | None = None
) -> Tensor:
    """Cross-entropy of ``scale * cosines``: what normalisation alone does, without margin and focus.

    Args, Returns and Raises: as :func:`apfl`.

    Source: Wang et al. 2017 (NormFace); Wen et al., equation 2 with m = 0.
    """
    return apfl(cosines, labels, scale=scale, margin=0.0, gamma=0.0, class_weights=class_weights)


def arcface(
    cosines: Tensor,
    labels: Tensor,
    *,
    scale: float = 10.0,
    margin: float = 0.5,
    class_weights: Tensor | None = None,
) -> Tensor:
    """Cross-entropy after the true class's angle has grown by a margin: margin without focus.

    Args, Returns and Raises: as :func:`apfl`.

    Source: Deng et al. 2019 (ArcFace), equation 3; Wen et al., section 3.2.2 (gamma = 0).
    """
    return apfl(cosines, labels, scale=scale, margin=margin, gamma=0.0, class_weights=class_weights)


def apfl(
    cosines: Tensor,
    labels: Tensor,
    *,
    scale: float = 10.0,
    margin: float = 0.5,
    gamma: float = 0.1,
    class_weights: Tensor | None = None,
) -> Tensor:
    """Angular penalty focal loss: :func:`focal_loss` after the true class's angle has grown by a margin.

    The focus sees the posterior that the margin has lowered. With m = .5 and s = 10 an utterance on the boundary
    between two classes has a posterior of .01 there, not .5: what counts as hard depends on all three settings.

    Args:
        cosines: ``(B, C)``, between unit features and unit class vectors, as of ``layers.cosine.CosineHead``.
        labels: ``(B,)``, class indices; :data:`~sercourse.losses.masked.MISSING` is skipped.
        scale: ``s``, above 0, what the cosines are multiplied with; see :func:`posterior_bounds` for small values.
        margin: ``m`` in radians, at least 0 and below pi.
        gamma: focus, 0 or more.
        class_weights: ``(C,)``, as of :func:`focal_loss`; not in the paper.

    Returns:
        Scalar; 0 where every label is missing.

    Raises:
        ValueError: a setting outside its range, fewer than two classes, or not one weight per class.

    Source: Wen et al., equations 1 and 2 (printed with ``m`` inside the index; it belongs to the angle).
    """
    check_angular(scale=scale, margin=margin, gamma=gamma)
    logits = scale * with_margin(cosines, labels, margin)
    return focal_loss(logits, labels, gamma=gamma, class_weights=class_weights)


def with_margin(cosines: Tensor, labels: Tensor, margin: float) -> Tensor:
    """The cosines, with that of each utterance's true class lowered to the angle plus margin.

    Args:
        cosines: ``(B, C)``.
        labels: ``(B,)``; where missing, all cosines stay.
        margin: radians, at least 0 and below pi.

    Returns:
        ``(B, C)``, fp32 or double.

    Source: Wen et al., equation 2.
    """
    cosines = cosines.to(torch.promote_types(cosines.dtype, torch.float32))
    true = labels[:, None] == torch.arange(cosines.shape[1], device=labels.device)  # (B, C), no True where missing
    return torch.where(true, penalised(cosines, margin), cosines)


def penalised(cosine: Tensor, margin: float) -> Tensor:
    """``cos(theta + margin)`` from ``cos(theta)``, without ``acos``, falling over the whole half circle.

    The gradient of ``acos`` is infinite at -1 and 1, where rounding puts many cosines; the sum formula needs a sine
    only, and a sine that is kept above .001. Beyond ``theta = pi - margin`` the cosine would rise again, and an
    utterance far from its class would be pushed further away. There the cosine itself goes on, less a constant: the
    usual ``margin * sin(margin)``, which makes a step down, or ``1 - cos(margin)``, with which the curve has no step,
    where that is larger (margins above 2.33): the usual one would step up.

    Args:
        cosine: ``cos(theta)``, any shape, fp32 or double; -1 to 1 up to rounding.
        margin: radians, at least 0 and below pi.

    Returns:
        The same shape; at most 1, and below -1 beyond ``pi - margin``. Never rises with theta by more than ``EPS``.

    Source: Deng et al. 2019 (ArcFace), the released code, for the usual continuation.
    """
    check_angular(margin=margin)
    sine = (1.0 - cosine.square()).clamp(min=EPS).sqrt()
    beyond = cosine - max(margin * math.sin(margin), 1.0 - math.cos(margin))
    return torch.where(cosine > -math.cos(margin), cosine * math.cos(margin) - sine * math.sin(margin), beyond)


class PosteriorBounds(NamedTuple):
    """The largest posteriors that cosines allow, 0 to 1."""

    alone: float
    """Of one utterance: it lies on its class vector, all the other class vectors on the opposite side."""
    together: float
    """Of all classes at once (geometric mean, classes equally frequent): the class vectors form a regular simplex."""


def posterior_bounds(scale: float, classes: int) -> PosteriorBounds:
    """How sure a classifier of ``scale * cosines`` can be: a small scale keeps the loss away from 0 for good.

    Args:
        scale: ``s``, above 0.
        classes: ``C``, 2 or more.

    Returns:
        With 7 classes .55 and .35 at s = 1, and above .9999 for both at s = 10.

    Raises:
        ValueError: a value outside its range.

    Source: Wang et al. 2017 (NormFace), proposition 2 (all at once: ``loss >= log(1 + (C-1) exp(-s C / (C-1)))``).
    """
    check_angular(scale=scale)
    if classes < 2:
        raise ValueError(f"classes={classes}: must be 2 or more")
    others = classes - 1
    alone, together = (1.0 / (1.0 + others * math.exp(-scale * gap)) for gap in (2.0, classes / others))
    return PosteriorBounds(alone, together)


def check_angular(*, scale: float = 1.0, margin: float = 0.0, gamma: float = 0.0) -> None:
    """Refuse settings that make no loss; for configurations too.

    Raises:
        ValueError: one sentence that names the setting, its value and the range.
    """
    if not 0.0 < scale < math.inf:
        raise ValueError(f"scale={scale}: must be above 0")
    if not 0.0 <= gamma < math.inf:
        raise ValueError(f"gamma={gamma}: must be 0 or more")
    if not 0.0 <= margin < math.pi:
        hint = f"; {margin:g} degrees are margin={math.radians(margin):.4f}" if math.pi <= margin < 180.0 else ""
        raise ValueError(f"margin={margin}: an angle in radians, at least 0 and below pi{hint}")
