"""How much speech stands in how much noise, before and after noise removal.

Notebook: 01_signal_preprocessing.ipynb
Source: ASP-MTL (Liu and Zhang, IEEE Access 2023), equation 23; its two sums are printed with different limits, here
both run over the whole signal.
"""

from __future__ import annotations

import numpy as np

from sercourse.errors import AudioError


def power_db(power: float) -> float:
    """A ratio of powers in dB; 0 becomes minus infinity."""
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(power))


def snr_in(clean: np.ndarray, noisy: np.ndarray) -> float:
    """SNR of a noisy signal in dB: the clean speech against what was added to it.

    Args:
        clean: speech ``s``, shape ``(T,)``.
        noisy: ``f = s + n``, shape ``(T,)``, on the same scale.

    Returns:
        dB; infinity where nothing was added.

    Raises:
        AudioError: lengths differ, or the speech is silent.
    """
    return _ratio(clean, noisy)


def snr_out(clean: np.ndarray, estimate: np.ndarray) -> float:
    """SNR after noise removal in dB: the clean speech against all that the estimate gets wrong.

    What was removed of the speech counts as noise too. An estimate on another scale than the speech is wrong:
    nothing is rescaled here.

    Args:
        clean: speech ``s``, shape ``(T,)``.
        estimate: ``ŝ``, shape ``(T,)``.

    Returns:
        dB; infinity for a perfect estimate, 0 for silence.

    Raises:
        AudioError: lengths differ, or the speech is silent.
    """
    return _ratio(clean, estimate)


def _ratio(clean: np.ndarray, other: np.ndarray) -> float:
    if clean.shape != other.shape:
        raise AudioError(
            f"clean speech has {len(clean)} samples and the other signal {len(other)}; an SNR needs equal lengths."
        )
    speech = clean.astype(np.float64)
    wanted = np.sum(speech**2)
    if wanted == 0:
        raise AudioError("the clean speech is silent throughout; an SNR needs speech.")
    unwanted = np.sum((other.astype(np.float64) - speech) ** 2)
    return np.inf if unwanted == 0 else power_db(wanted / unwanted)
