"""One setting, one picture: a slider where a kernel runs, a still picture of chosen settings where none does.

The picture of a slider is drawn to PNG and shown in an image widget: that works the same in JupyterLab, on Colab and
on Binder, without a plotting backend of its own.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import ipywidgets
import numpy as np
from IPython.display import Image
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sercourse.explain.players import player
from sercourse.explain.plots import png
from sercourse.explain.still_box import StillBox
from sercourse.features.spectral import LogMagnitude, LogMel, hz_to_mel
from sercourse.signal.audio import SAMPLE_RATE
from sercourse.signal.framing import samples
from sercourse.signal.noise import mix

DPI = 80
"""Of every picture: readable on a projector, small in a notebook."""

DYNAMIC_DB = 65.0
"""From black to white in the spectrograms: what lies further below the loudest point is black."""


class SliderBox(StillBox):
    """Slider, picture and perhaps a player."""

    no_kernel = "Run the notebook to move this slider; a still picture stands below."


class SlidersBox(StillBox):
    """Several sliders with their picture."""

    no_kernel = "Run the notebook to move these sliders; a still picture stands below."


@dataclass(frozen=True, kw_only=True)
class Explorer:
    """A picture that depends on one setting."""

    setting: str
    """What the slider sets, with its unit: ``"SNR (dB)"``."""
    values: Sequence[float]
    """The stops of the slider."""
    start: float
    """The stop it begins on; one of ``values``."""
    draw: Callable[[Axes, float], object]
    """Draws the picture of one value on axes."""
    sound: Callable[[float], np.ndarray] | None = None
    """Gives the waveform ``(T,)`` at 16 kHz that belongs to one value; ``None``: nothing to hear."""

    def __post_init__(self) -> None:
        if self.start not in self.values:
            raise ValueError(f"{self.setting}: start {self.start} is not one of {list(self.values)}")

    def png(self, value: float) -> bytes:
        """The picture of one value, as the bytes of a PNG file."""
        figure = Figure(figsize=(8, 3), dpi=DPI, layout="constrained")  # not pyplot's: it must not show by itself
        self.draw(figure.subplots(), value)
        return png(figure)

    def still(self, *values: float) -> Image:
        """The pictures of some values side by side, for readers without a kernel.

        Args:
            *values: any values, stops of the slider or not.
        """
        figure = Figure(figsize=(11, 2.8), dpi=DPI, layout="constrained")
        for ax, value in zip(figure.subplots(1, len(values), sharey=True, squeeze=False)[0], values):
            self.draw(ax, value)
            ax.label_outer()
        return Image(png(figure), format="png")

    def widget(self) -> SliderBox:
        """The slider with its picture; the picture carries the CSS class ``sercourse-picture``."""
        slider = ipywidgets.SelectionSlider(
            options=list(self.values),
            value=self.start,
            description=self.setting,
            continuous_update=False,  # draw once, when the slider is let go
            style={"description_width": "initial"},
            layout=ipywidgets.Layout(width="480px"),
        )
        picture = ipywidgets.Image(
            format="png", value=self.png(self.start), layout=ipywidgets.Layout(width="640px", max_width="100%")
        )
        picture.add_class("sercourse-picture")
        parts: list[ipywidgets.Widget] = [slider, picture]
        if self.sound is not None:
            parts.append(ipywidgets.HTML(self._heard(self.start)))

        def moved(change: dict) -> None:
            picture.value = self.png(change["new"])
            if self.sound is not None:
                parts[2].value = self._heard(change["new"])

        slider.observe(moved, names="value")
        return SliderBox(parts)

    def _heard(self, value: float) -> str:
        return player(self.sound(value), label=f"{self.setting} {value:g}").data


def chooser(
    choices: Sequence[ipywidgets.Widget], picture: Callable[..., bytes], players: Callable[..., str], *,
    silent: Sequence[ipywidgets.Widget] = (), box: type[StillBox] = SliderBox,
) -> ipywidgets.VBox:  # fmt: skip
    """Menus and sliders with a picture and players; the picture carries the CSS class ``sercourse-picture``.

    Args:
        choices: what can be set; their values, in this order, are the arguments of the next two.
        picture: gives the bytes of a PNG file.
        players: gives HTML; "" where nothing is to be heard.
        silent: those of the choices that change the picture alone.
        box: its text is what a reader without a kernel sees.
    """
    shown = ipywidgets.Image(format="png", layout={"width": "880px", "max_width": "100%"})
    shown.add_class("sercourse-picture")
    heard = ipywidgets.HTML()

    def chosen(change: dict | None = None) -> None:
        values = [choice.value for choice in choices]
        shown.value = picture(*values)
        if change is None or change["owner"] not in silent:
            heard.value = players(*values)

    for choice in choices:
        choice.observe(chosen, names="value")
    chosen()
    return box([*choices, shown, heard])


def window_explorer(waveform: np.ndarray, *, seconds: float = 0.4) -> Explorer:
    """Length of the analysis window against the spectrogram: sharp in time or sharp in frequency, never both.

    Args:
        waveform: 16 kHz, shape ``(T,)``.
        seconds: how much of it is shown, around its loudest point.
    """
    extract = _loudest_stretch(waveform, seconds)

    def draw(ax: Axes, window_ms: float) -> None:
        spectrogram = LogMagnitude(
            window_seconds=window_ms / 1000, hop_seconds=0.0025, n_fft=2048, window="hamming"
        ).compute(extract)  # (T, 1025)
        _image(ax, spectrogram[:, :641], len(extract), top=5.0)  # bin 640 is 5 kHz
        ax.set(ylabel="frequency (kHz)", title=f"window {window_ms:g} ms")

    return Explorer(setting="window length (ms)", values=(3, 5, 10, 15, 25, 40, 60, 100), start=25, draw=draw)


def mel_explorer(waveform: np.ndarray) -> Explorer:
    """Number of mel bands against the log-mel spectrogram.

    Args:
        waveform: 16 kHz, shape ``(T,)``.
    """
    ticks = np.array([0, 0.5, 1, 2, 4, 8])  # kHz

    def draw(ax: Axes, n_mels: float) -> None:
        _image(ax, LogMel(n_mels=int(n_mels)).compute(waveform), len(waveform), top=float(hz_to_mel(SAMPLE_RATE / 2)))
        ax.set_yticks(hz_to_mel(1000 * ticks), [f"{tick:g}" for tick in ticks])
        ax.set(ylabel="frequency (kHz)", title=f"{n_mels:g} mel bands")

    return Explorer(setting="mel bands", values=(8, 16, 26, 40, 64, 96, 128), start=64, draw=draw)


def snr_explorer(speech: np.ndarray, noise: np.ndarray) -> Explorer:
    """Signal-to-noise ratio against the spectrogram, with a player.

    Args:
        speech: 16 kHz, shape ``(T,)``.
        noise: shape ``(T,)``, any level; mixed at the SNR of the slider, over active speech.
    """

    def draw(ax: Axes, snr_db: float) -> None:
        noisy = mix(speech, noise, snr_db).noisy
        spectrogram = LogMagnitude(window_seconds=0.025, hop_seconds=0.010, n_fft=512, window="hamming").compute(noisy)
        _image(ax, spectrogram, len(noisy), top=SAMPLE_RATE / 2000)
        ax.set(ylabel="frequency (kHz)", title=f"SNR {snr_db:g} dB")

    def sound(snr_db: float) -> np.ndarray:
        return mix(speech, noise, snr_db).noisy

    return Explorer(setting="SNR (dB)", values=tuple(range(-10, 31, 5)), start=10, draw=draw, sound=sound)


def _loudest_stretch(waveform: np.ndarray, seconds: float) -> np.ndarray:
    """The part of that length with the most energy."""
    length = min(samples(seconds), len(waveform))
    energy = np.convolve(np.square(waveform, dtype=np.float64), np.ones(length), mode="valid")
    start = int(np.argmax(energy))
    return np.ascontiguousarray(waveform[start : start + length])


def _image(ax: Axes, levels: np.ndarray, n_samples: int, *, top: float) -> None:
    """Levels in dB, shape ``(T, F)``, from their own maximum down to black."""
    peak = levels.max()
    ax.imshow(
        levels.T, extent=(0, n_samples / SAMPLE_RATE, 0, top), vmin=peak - DYNAMIC_DB, vmax=peak,
        cmap="magma", origin="lower", aspect="auto",
    )  # fmt: skip
    ax.set(xlabel="time (s)")
    ax.grid(visible=False)
