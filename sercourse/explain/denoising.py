"""Speech in noise, and what model 1 makes of it: choose utterance, noise and SNR; see and hear.

Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import ipywidgets
import numpy as np
from IPython.display import Image
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from sercourse.corpora.noisy import PRINTED, make_noise
from sercourse.explain.players import player_table
from sercourse.explain.plots import png
from sercourse.explain.still_box import StillBox
from sercourse.explain.widgets import DPI, DYNAMIC_DB, chooser
from sercourse.features.spectral import LogMel
from sercourse.models.asp_mtl import AspMtl
from sercourse.signal.audio import SAMPLE_RATE
from sercourse.signal.noise import Mix, mix
from sercourse.signal.snr import snr_out
from sercourse.training.cleaning import Cleaned, clean

SNRS: tuple[int, ...] = (-10, -5, 0, 5, 10, 15)

_KEPT = 16
"""Mixtures kept, so that going back to a choice costs nothing."""


class DenoisingBox(StillBox):
    """Menus, picture and players."""

    no_kernel = "Run the notebook to choose utterance, noise and SNR; a still picture stands below."


class DenoisingExplorer:
    """Mel spectrum clean and in noise, the soft mask, and what is left of the spectrum; with the sounds.

    Args:
        network: a model 1 with a soft mask.
        waveforms: utterance id to waveform, 16 kHz; the menu has them in this order.
        step: see :func:`~sercourse.training.cleaning.clean`.
        noises: kinds of noise to choose from.
        seed: of the noises.

    Raises:
        ValueError: no utterance, or a network without a soft mask.
    """

    def __init__(
        self, network: AspMtl, waveforms: Mapping[str, np.ndarray], *, step: int = 1, noises: Sequence[str] = PRINTED,
        seed: int = 0,
    ) -> None:  # fmt: skip
        if not waveforms:
            raise ValueError("no utterances to choose from")
        if network.mask_head is None:
            raise ValueError("this network has no soft mask")
        self.network, self.waveforms, self.step = network, dict(waveforms), step
        self.noises, self.seed = tuple(noises), seed
        self.cleaned = lru_cache(maxsize=_KEPT)(self._clean)

    def png(self, utterance_id: str, noise: str, snr_db: float) -> bytes:
        """Clean, noisy, mask and cleaned, as the bytes of a PNG file."""
        mixed, cleaned = self.cleaned(utterance_id, noise, snr_db)
        waves = mixed.clean, mixed.noisy, cleaned.masked
        clean, noisy, left = (LogMel().compute(wave) for wave in waves)  # (T, 64)
        figure = Figure(figsize=(13, 2.8), dpi=DPI, layout="constrained")
        axes = figure.subplots(1, 4, sharey=True)
        peak, seconds = float(noisy.max()), len(mixed.noisy) / SAMPLE_RATE
        levels = peak - DYNAMIC_DB, peak
        _bands(axes[0], clean, seconds, levels, "clean")
        _bands(axes[1], noisy, seconds, levels, f"{noise}, SNR in {snr_db:g} dB")
        gains = _bands(axes[2], cleaned.gains, seconds, (0.0, 1.0), "soft mask")
        after = f"cleaned, SNR out {self.snr_out(utterance_id, noise, snr_db):.1f} dB"
        level = _bands(axes[3], left, seconds, levels, after)
        figure.colorbar(gains, ax=axes[2], label="gain")
        figure.colorbar(level, ax=axes[3], label="level (dB)")
        axes[0].set(ylabel="mel band")
        return png(figure)

    def still(self, utterance_id: str, noise: str, snr_db: float) -> Image:
        """The picture of one choice, for readers without a kernel."""
        return Image(self.png(utterance_id, noise, snr_db), format="png")

    def snr_out(self, utterance_id: str, noise: str, snr_db: float) -> float:
        """Of the cleaned recording, dB."""
        mixed, cleaned = self.cleaned(utterance_id, noise, snr_db)
        return snr_out(mixed.clean, cleaned.masked)

    def players(self, utterance_id: str, noise: str, snr_db: float) -> str:
        """Clean, noisy, cleaned by the mask, and what is left where noisy frames are silenced, as HTML."""
        mixed, cleaned = self.cleaned(utterance_id, noise, snr_db)
        cells = {"": [mixed.clean, mixed.noisy, cleaned.masked, cleaned.silenced]}
        heads = ["clean", f"{noise}, {snr_db:g} dB", "cleaned by the mask", "frames silenced (paper)"]
        return player_table(cells, heads, normalise=True).data

    def widget(self, utterance_id: str | None = None, *, noise: str | None = None, snr_db: int = 0) -> DenoisingBox:
        """Menus with the picture and the players.

        Args:
            utterance_id: where the menu begins; ``None``: the first.
            noise: likewise.
            snr_db: one of :data:`SNRS`, likewise.
        """
        wide = {"style": {"description_width": "initial"}, "layout": {"width": "420px"}}
        labels = [(name.rpartition("/")[2], name) for name in self.waveforms]
        choices = [
            ipywidgets.Dropdown(options=labels, value=utterance_id or labels[0][1], description="utterance", **wide),
            ipywidgets.Dropdown(options=self.noises, value=noise or self.noises[0], description="noise", **wide),
            ipywidgets.SelectionSlider(
                options=SNRS, value=snr_db, description="SNR (dB)", continuous_update=False, **wide
            ),
        ]
        return chooser(choices, self.png, self.players, box=DenoisingBox)

    def _clean(self, utterance_id: str, noise: str, snr_db: float) -> tuple[Mix, Cleaned]:
        wave = self.waveforms[utterance_id]
        made = make_noise(noise, len(wave), np.random.default_rng(self.seed))
        mixed = mix(wave, made, snr_db, over="whole")
        return mixed, clean([mixed.noisy], self.network, step=self.step)[0]


def _bands(ax: Axes, values: np.ndarray, seconds: float, limits: tuple[float, float], title: str) -> AxesImage:
    image = ax.imshow(values.T, aspect="auto", origin="lower", cmap="magma", vmin=limits[0], vmax=limits[1],
                      extent=(0, seconds, 0, values.shape[1]))  # fmt: skip
    ax.set(title=title, xlabel="time (s)")
    ax.grid(visible=False)
    return image
