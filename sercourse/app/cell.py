"""The same in a notebook's cell, without a server: what is recorded or uploaded goes to the kernel and nowhere else.

This works where a page of its own does not: on Binder and Colab the kernel's ports cannot be reached from a browser.
Recording needs anywidget (it comes with jupyter-scatter) and a browser that gives a microphone to the notebook; upload
needs neither.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import traitlets

from sercourse.app import render, session
from sercourse.app.answers import Networks
from sercourse.app.hearing import MAX_SECONDS, NOISE_NAMES, QUIET, READABLE, SNR_RANGE, take
from sercourse.errors import UserError
from sercourse.explain.players import player
from sercourse.explain.still_box import StillBox

try:
    import anywidget
except ImportError:
    anywidget = None

NOT_SAVED = (
    "The recording is not kept: the kernel holds it in memory until the next one. A saved notebook may hold this answer"
    " and its pictures, but no sound."
)
"""What holds in a cell, where widgets are saved with the notebook."""

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class VoiceBox(StillBox):
    """Recorder, settings and answers."""

    no_kernel = "Run the notebook to record or upload your voice."


def voice_cell(networks: Networks | None = None) -> VoiceBox:
    """Record or upload in a cell; the networks answer below.

    Args:
        networks: who answers; ``None``: the first runs of all chapters, trained now where absent.

    Raises:
        UserError: see :meth:`~sercourse.app.answers.Networks.load`.
    """
    networks = networks or Networks.load(progress=True)
    settings = _settings()
    more = ipywidgets.Button(description=session.CHANGES_LABEL, layout={"width": "260px"})
    upload = ipywidgets.FileUpload(accept="audio/*", multiple=False, description=f"Upload ({READABLE})")
    upload.layout.width = "260px"
    answer, change = ipywidgets.HTML(), ipywidgets.HTML()
    players, play = _players()
    known: dict[str, np.ndarray] = {}  # this cell's last recording

    def hear(name: str, content: bytes) -> None:
        known.clear()
        play(None)
        try:
            known["recorded"] = _taken(name, content)
        except UserError as error:
            answer.value, change.value = render.sentence(str(error)), ""
        answered()

    def chosen() -> dict[str, Any]:
        return {name: widget.value for name, widget in settings.items()}

    def answered(_: object = None) -> None:
        if known:
            answer.value, change.value = "<p>Listening …</p>", ""
            play(None)
            answer.value = session.answer_html(networks, known["recorded"], **chosen(), kept=NOT_SAVED, play=play)

    def compared(_: object) -> None:
        change.value = "<p>Changing pitch and rate …</p>"
        change.value = session.changes_html(networks, known.get("recorded"), **chosen())

    for widget in settings.values():
        widget.observe(answered, names="value")
    more.on_click(compared)

    def sent(event: dict[str, Any]) -> None:
        for one in uploaded(event["new"]):
            hear(*one)
            _empty(upload)

    upload.observe(sent, names="value")
    top = ipywidgets.HTML(f"<style>{render.STYLE}</style>{render.notice(networks)}")
    return VoiceBox([top, *_recorders(hear), upload, *settings.values(), more, *players, answer, change])


def _settings() -> dict[str, ipywidgets.ValueWidget]:
    """The widgets of what :func:`~sercourse.app.hearing.listen` can be told, by its arguments."""
    wide = {"style": {"description_width": "90px"}, "layout": {"width": "390px", "max_width": "100%"}}
    low, high = SNR_RANGE
    noise = ipywidgets.Dropdown(options=NOISE_NAMES, value=QUIET, description=session.NOISE_LABEL, **wide)
    snr = ipywidgets.FloatSlider(
        session.SNR_DB, min=low, max=high, step=1, description=session.SNR_LABEL, continuous_update=False,
        disabled=True, **wide,
    )  # fmt: skip
    noise.observe(lambda event: setattr(snr, "disabled", event["new"] == QUIET), names="value")
    return {
        "noise": noise,
        "snr_db": snr,
        "cut": ipywidgets.Checkbox(True, description=session.CUT_LABEL, indent=False, layout={"width": "auto"}),
    }


def uploaded(value: Iterable[Any] | Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """Names and contents of an upload, as ipywidgets 8 or (on Colab) 7 gives them."""
    if isinstance(value, Mapping):
        return [(name, bytes(one["content"])) for name, one in value.items()]
    return [(one["name"], bytes(one["content"])) for one in value]


def _empty(upload: ipywidgets.FileUpload) -> None:
    """Forget an upload's content, which would be saved with the notebook."""
    if isinstance(upload.value, Mapping):  # ipywidgets 7
        upload.metadata, upload.data = [], []
        upload.set_trait("value", {})
    else:
        upload.value = ()


def _recorders(hear: Callable[[str, bytes], None]) -> list[ipywidgets.Widget]:
    """The button that records, where anywidget is there."""
    if anywidget is None:
        return [ipywidgets.HTML("To record here, install anywidget; uploading works without it.")]

    class Recorder(anywidget.AnyWidget):
        _esm = (files("sercourse.app") / "recorder.js").read_text("utf-8")
        wav = traitlets.Bytes(b"").tag(sync=True, from_json=lambda sent, _: bytes(sent))  # a view, as it comes in
        seconds = traitlets.Float(MAX_SECONDS - 0.5).tag(sync=True)

    def recorded(event: dict[str, Any]) -> None:
        if event["new"]:
            hear("your recording", bytes(event["new"]))
            recorder.wav = b""  # or it would be saved with the notebook

    recorder = Recorder()
    recorder.observe(recorded, names="wav")
    return [recorder]


def _players() -> tuple[list[ipywidgets.Widget], Callable[[np.ndarray | None], None]]:
    """Where anywidget is there, a player whose sound is a message and no state; and what plays ``(T,)`` or nothing."""
    if anywidget is None:
        return [], lambda waveform: None

    class Player(anywidget.AnyWidget):
        _esm = (files("sercourse.app") / "player.js").read_text("utf-8")
        shown = ""

    sound = Player()

    def show(*_: object) -> None:
        sound.send({"html": sound.shown})

    def play(waveform: np.ndarray | None) -> None:
        sound.shown = "" if waveform is None else player(waveform, label="What the networks hear:").data
        show()

    sound.on_msg(show)  # a view that has just been drawn asks
    return [sound], play


def _taken(name: str, content: bytes) -> np.ndarray:
    """A recording from its bytes; the file that it is read from is gone at once.

    Raises:
        UserError: see :func:`~sercourse.app.hearing.take`; or the file cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / (Path(name).name or "recording")
            file.write_bytes(content)
            return take(file)
    except OSError as error:
        reason = "the disk is full; free space" if error.errno in DISK_FULL else f"cannot be written ({error.strerror})"
        raise UserError(f"{name}: {reason}.") from None
