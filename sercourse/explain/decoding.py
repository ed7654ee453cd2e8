"""Decode one utterance as if it were of another emotion: choose utterance, emotion and layer; see and hear.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import ipywidgets
import numpy as np
import torch
from IPython.display import Image
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sercourse.explain.inversion import distance_db, to_waveform
from sercourse.explain.players import player_table
from sercourse.explain.plots import png
from sercourse.explain.still_box import StillBox
from sercourse.explain.widgets import DPI, DYNAMIC_DB, chooser
from sercourse.features.spectral import LogMagnitude
from sercourse.models.emotion_autoencoder import EmotionAutoencoder
from sercourse.signal.audio import SAMPLE_RATE

LAYERS = 5
"""Embeddings of the decoder, and states that they go into."""

NO_EMOTION = "none"
"""The choice of decoding without an embedding."""

_HEARD = 16
"""Waveforms kept, so that going back to a choice costs nothing."""


class DecodingBox(StillBox):
    """Menus, picture and players."""

    no_kernel = "Run the notebook to choose utterance, emotion and layer; a still picture stands below."


class DecodingExplorer:
    """Original and restored spectrogram of an utterance, the decoder's state on the way, and both sounds.

    Args:
        model: a trained network; it is put into evaluation mode.
        spectrograms: utterance id to ``(T, 513)`` in dB; the menu has them in this order.
        meant: utterance id to the emotion that it was spoken with, for the labels of the menu.

    Raises:
        ValueError: no utterance.
    """

    def __init__(
        self, model: EmotionAutoencoder, spectrograms: Mapping[str, np.ndarray], meant: Mapping[str, str]
    ) -> None:
        if not spectrograms:
            raise ValueError("no utterances to choose from")
        self.model, self.spectrograms, self.meant = model.eval(), dict(spectrograms), dict(meant)
        self.emotions: tuple[str, ...] = (*model.classes["emotion"], NO_EMOTION)
        self._sound = lru_cache(maxsize=_HEARD)(self._invert)

    def restored(self, utterance_id: str, emotion: str) -> tuple[np.ndarray, list[np.ndarray]]:
        """One utterance's latent decoded with an emotion.

        Args:
            utterance_id: one of the menu's.
            emotion: a name, or :data:`NO_EMOTION`.

        Returns:
            ``(T, 513)`` in dB, and the states that the five embeddings went into, ``(C, T')`` each.
        """
        number = -1 if emotion == NO_EMOTION else self.emotions.index(emotion)
        device = self.model.decoder.out.weight.device
        spectrogram = torch.from_numpy(np.asarray(self.spectrograms[utterance_id], dtype=np.float32)).to(device)
        levels, states = self.model.restore(spectrogram, number)
        return levels.cpu().numpy(), [state.cpu().numpy() for state in states]

    def sound(self, utterance_id: str, emotion: str | None) -> np.ndarray:
        """What a spectrogram sounds like, ``(T,)`` at 16 kHz; ``None``: the original's, through the same inversion."""
        return self._sound(utterance_id, emotion)

    def png(self, utterance_id: str, emotion: str, layer: int) -> bytes:
        """Original, restored and the state at one layer (1 … 5), as the bytes of a PNG file."""
        return self._picture(utterance_id, [emotion], layer)

    def still(self, utterance_id: str, emotions: Sequence[str], *, layer: int | None = None) -> Image:
        """Original, restored with some emotions and perhaps a state of the last one, side by side.

        Args:
            utterance_id: one of the menu's.
            emotions: names, or :data:`NO_EMOTION`.
            layer: 1 … 5; ``None``: no state.
        """
        return Image(self._picture(utterance_id, emotions, layer), format="png")

    def widget(self, utterance_id: str | None = None, *, emotion: str | None = None, layer: int = 1) -> DecodingBox:
        """Menus with the picture and the players; the picture carries the CSS class ``sercourse-picture``.

        Args:
            utterance_id: where the menu begins; ``None``: the first.
            emotion: likewise; ``None``: the one that was meant.
            layer: 1 … 5, likewise.
        """
        first = utterance_id or next(iter(self.spectrograms))
        wide = {"style": {"description_width": "initial"}, "layout": {"width": "420px"}}
        known = self.meant[first] if self.meant[first] in self.emotions else NO_EMOTION
        labels = [(f"{name.rpartition('/')[2]}, {self.meant[name]}", name) for name in self.spectrograms]
        choices = [
            ipywidgets.Dropdown(options=labels, value=first, description="utterance", **wide),
            ipywidgets.Dropdown(options=self.emotions, value=emotion or known, description="decode with", **wide),
            ipywidgets.ToggleButtons(options=range(1, LAYERS + 1), value=layer, description="embedding layer",
                                     style={"description_width": "initial", "button_width": "40px"}),
        ]  # fmt: skip
        return chooser(choices, self.png, self._players, silent=choices[2:], box=DecodingBox)

    def _players(self, utterance_id: str, emotion: str, layer: int) -> str:
        cells = {"": [self.sound(utterance_id, None), self.sound(utterance_id, emotion)]}
        return player_table(cells, ["original, inverted", f"restored with {emotion}"], normalise=True).data

    def _invert(self, utterance_id: str, emotion: str | None) -> np.ndarray:
        levels = self.spectrograms[utterance_id] if emotion is None else self.restored(utterance_id, emotion)[0]
        return to_waveform(levels)

    def _picture(self, utterance_id: str, emotions: Sequence[str], layer: int | None) -> bytes:
        original = self.spectrograms[utterance_id]
        decoded = {emotion: self.restored(utterance_id, emotion) for emotion in emotions}
        panels = 1 + len(decoded) + (layer is not None)
        figure = Figure(figsize=(11, 3 if panels < 5 else 2.6), dpi=DPI, layout="constrained")
        axes = figure.subplots(1, panels, squeeze=False)[0]
        peak = float(original.max())
        _levels(axes[0], original, peak, f"original, {self.meant[utterance_id]}")
        axes[0].set(ylabel="frequency (kHz)")
        for ax, (emotion, (levels, _)) in zip(axes[1:], decoded.items()):
            _levels(ax, levels, peak, f"with {emotion}: off by {distance_db(original, levels):.1f} dB")
            ax.sharey(axes[0])
            ax.label_outer()
        if layer is not None:
            state = decoded[emotions[-1]][1][layer - 1]
            axes[-1].imshow(state, aspect="auto", origin="lower", cmap="cividis",
                            extent=(0, _seconds(len(original)), 0, len(state)))  # fmt: skip
            axes[-1].set(title=f"state at Emb{layer}", xlabel="time (s)", ylabel="channel")
        return png(figure)


def _seconds(frames: int) -> float:
    return frames * LogMagnitude().hop_seconds


def _levels(ax: Axes, levels: np.ndarray, peak: float, title: str) -> None:
    """A spectrogram ``(T, F)`` in dB; all of a figure share the peak, so that their colours compare."""
    ax.imshow(
        levels.T, extent=(0, _seconds(len(levels)), 0, SAMPLE_RATE / 2000), vmin=peak - DYNAMIC_DB, vmax=peak,
        cmap="magma", origin="lower", aspect="auto",
    )  # fmt: skip
    ax.set_title(title, fontsize=11)
    ax.set(xlabel="time (s)")
    ax.grid(visible=False)
