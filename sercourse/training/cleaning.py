"""Model 1 at work: what ASP-MTL takes for noise is removed from a recording.

Two ways. The paper's: frames that the auxiliary head takes for noise are dropped (or silenced, so that the length stays
and an SNR can be measured). And a soft mask, which the network learnt beside its tasks: every mel band of every frame
is turned down by the share of it that is noise.

Source: Liu and Zhang, IEEE Access 2023, sections III and IV (experiment 4, equation 23).
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.interpolate import interp1d

from sercourse.errors import UserError
from sercourse.features.extract import feature_extractor
from sercourse.features.spectral import mel_filters
from sercourse.models.asp_mtl import AspMtl
from sercourse.signal.audio import SAMPLE_RATE
from sercourse.signal.denoise import HOP, N_FFT, spectrum, waveform_of
from sercourse.training.batches import collate
from sercourse.training.recipes.asp_mtl import BANDS, FEATURES, joined_frames

REMOVALS: tuple[str, ...] = ("mask", "frames")
"""Ways to remove noise for model 2: the soft mask, or frames dropped as in the paper."""

LEAST_LEFT = SAMPLE_RATE // 4
"""Samples that must be left when frames are dropped; else the recording stays whole."""

BATCH = 16
"""Utterances that go through the network together."""


@dataclass(frozen=True)
class Cleaned:
    """What model 1 made of one recording.

    Attributes:
        masked: the waveform under the soft mask, ``(T,)``; ``None`` where the network has none.
        silenced: the waveform without the frames that are taken for noise, ``(T,)``.
        dropped: the waveform with these frames cut out, ``(T',)``; all of it where less than .25 s would be left.
        posterior: probability of noise, of whatever kind, for every frame of 10 ms, ``(T_frames,)``.
        gains: the soft mask, ``(T_frames, 64)``, 0 to 1; ``None`` where the network has none.
    """

    masked: np.ndarray | None
    silenced: np.ndarray
    dropped: np.ndarray
    posterior: np.ndarray
    gains: np.ndarray | None

    def left(self, removal: str) -> np.ndarray:
        """What model 2 gets: ``masked`` or ``dropped``."""
        return self.masked if removal == "mask" else self.dropped


@torch.inference_mode()
def clean(waveforms: Sequence[np.ndarray], network: AspMtl, *, step: int = 1) -> list[Cleaned]:
    """Remove noise from recordings.

    Args:
        waveforms: 16 kHz mono float32, ``(T,)`` each.
        network: a model 1 (auxiliary task noise).
        step: every so many frames one goes through the network, as in its training (``settings.data.step``).

    Raises:
        UserError: the network does not know noise.
        AudioError: a recording is shorter than 25 ms, silent, or holds NaN.
    """
    if "none" not in network.classes.get("noise", ()):
        raise UserError("this network was not trained to tell noise from none; train it with --set auxiliary=noise.")
    features = {name: dict(enumerate(feature_extractor(name)(waveforms))) for name in FEATURES}
    network = network.eval()
    found: list[Cleaned] = []
    order = range(len(waveforms))
    for first in range(0, len(order), BATCH):
        part = order[first : first + BATCH]
        frames = [joined_frames(features, number) for number in part]
        items = [{"frames": rows[::step], "length": len(rows[::step])} for rows in frames]
        outputs = network(collate(items, ("frames",)))
        noise = 1 - outputs["frame_logits"].softmax(2)[..., network.classes["noise"].index("none")]  # (B, T)
        for row, number in enumerate(part):
            length = len(frames[row])
            gains = None if "mask" not in outputs else _spread(outputs["mask"][row].numpy(), step, length)
            found.append(_applied(waveforms[number], _spread(noise[row].numpy(), step, length), gains))
    return found


def band_gains(gains: np.ndarray) -> np.ndarray:
    """Gains of mel bands ``(T, 64)`` as gains of the bins of a spectrum, ``(257, T)``."""
    weights = mel_filters(BANDS, N_FFT)  # (257, 64)
    weights[0, 0], weights[-1, -1] = 1.0, 1.0  # the ends lie in no band
    return (weights / weights.sum(1, keepdims=True)) @ gains.T


def _spread(values: np.ndarray, step: int, length: int) -> np.ndarray:
    """Values of every ``step``-th frame to all ``length`` frames, on straight lines between them."""
    known = np.arange(0, length, step)
    if len(known) == 1:
        return np.repeat(values[:1], length, axis=0)
    places = np.minimum(np.arange(length), known[-1])
    return interp1d(known, values[: len(known)], axis=0)(places).astype(np.float32)


def _applied(waveform: np.ndarray, noise: np.ndarray, gains: np.ndarray | None) -> Cleaned:
    transform = spectrum(waveform)  # (257, T)
    kept = np.repeat(noise <= 0.5, HOP)[HOP // 2 : HOP // 2 + len(waveform)]
    kept = np.pad(kept, (0, len(waveform) - len(kept)), mode="edge")
    masked = None if gains is None else waveform_of(band_gains(gains) * transform, len(waveform)).astype(np.float32)
    dropped = waveform[kept] if kept.sum() >= LEAST_LEFT else waveform
    return Cleaned(masked, (waveform * kept).astype(np.float32), dropped, noise, gains)
