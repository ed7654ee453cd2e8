"""Losses that skip what is missing: a label that nobody gave, a frame that is padding.

Each gives a scalar that is connected to the network even when nothing is left to judge (then it is 0), so that several
devices and a balancer always see the same set of losses.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import cross_entropy as torch_cross_entropy
from torch.nn.functional import l1_loss

MISSING = -1
"""The class index of a missing label."""


def cross_entropy(logits: Tensor, labels: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """Mean negative log-probability of the labels that are there.

    Args:
        logits: ``(B, C)``.
        labels: ``(B,)``, class indices; :data:`MISSING` is skipped.
        smoothing: label smoothing, 0 to 1.

    Returns:
        Scalar; 0 where every label is missing.

    Source: Zhang and Xue, equation 3 (as a mean over the batch).
    """
    if not bool((labels != MISSING).any()):
        return logits.sum() * 0.0
    return torch_cross_entropy(logits.float(), labels, ignore_index=MISSING, label_smoothing=smoothing)


def mean_absolute_error(restored: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
    """Mean absolute difference over valid frames.

    Args:
        restored: ``(B, T, F)``.
        target: ``(B, T, F)``.
        mask: ``(B, T)``.

    Returns:
        Scalar.

    Source: Zhang and Xue, equation 2 (as a mean over frames and bins, so that lambda does not depend on their number).
    """
    if mask is None:
        return l1_loss(restored.float(), target)
    weight = mask[..., None]  # (B, T, 1)
    return ((restored.float() - target).abs() * weight).sum() / (weight.sum() * target.shape[-1]).clamp(min=1.0)


def mask_error(gain: Tensor, noisy: Tensor, clean: Tensor, mask: Tensor | None) -> Tensor:
    """What a soft mask gets wrong, over the energy of the clean speech, in bels.

    The best gain for a spectrum whose phases stay noisy is Wiener's, the share of the clean power in each band; a
    wrong gain costs its square times the noisy power there. So loud bands count more, as they do in the SNR. Bels,
    because the SNR is judged in dB: a decibel counts the same in much noise and in little.

    Args:
        gain: factors on the noisy amplitudes, ``(B, T, M)``, 0 to 1.
        noisy: levels in dB, ``(B, T, M)``.
        clean: levels of the same speech without noise in dB, ``(B, T, M)``.
        mask: ``(B, T)``.

    Returns:
        Scalar: mean over utterances of ``log10((error energy) / (clean energy) + 0.001) + 3``; 0: nothing is wrong.

    Source: Wiener filter; Erdogan et al. 2015 (signal approximation instead of a distance between masks).
    """
    noisy, clean = (10.0 ** (level.float() / 10.0) for level in (noisy, clean))  # power
    weight = 1.0 if mask is None else mask[..., None]
    wanted = (clean / noisy).clamp(max=1.0)
    wrong = (noisy * (gain.float() - wanted).square() * weight).sum((1, 2))  # (B,)
    share = wrong / (clean * weight).sum((1, 2)).clamp(min=1e-10)
    return (share + 1e-3).log10().mean() + 3.0
