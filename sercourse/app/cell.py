"""The same in a notebook's cell, without a server: what is recorded or uploaded goes to the kernel and nowhere else.

This works where a page of its own does not: on Binder and Colab the kernel's ports cannot be reached from a browser.
Recording needs anywidget (it comes with jupyter-scatter) and a browser that gives a microphone to the notebook; upload
needs neither.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import traitlets

from sercourse.app import render
from sercourse.app.answers import Ear
from sercourse.app.changes import changes
from sercourse.app.hearing import MAX_SECONDS, NOISE_NAMES, QUIET, READABLE, SNR_RANGE, listen, take
from sercourse.errors import UserError

try:
    import anywidget
except ImportError:
    anywidget = None

NO_KERNEL = "Run the notebook to record or upload your voice."


class VoiceBox(ipywidgets.VBox):
    """Recorder, settings and answers; as text, what a reader without a kernel should know."""

    def __repr__(self) -> str:
        return NO_KERNEL


def voice_cell(ear: Ear | None = None) -> VoiceBox:
    """Record or upload in a cell; the networks answer below.

    Args:
        ear: who answers; ``None``: the first runs of all chapters, trained now where absent.

    Raises:
        UserError: see :meth:`~sercourse.app.answers.Ear.load`.
    """
    ear = ear or Ear.load(progress=True)
    wide = {"style": {"description_width": "60px"}, "layout": {"width": "360px", "max_width": "100%"}}
    noise = ipywidgets.Dropdown(options=NOISE_NAMES, value=QUIET, description="noise", **wide)
    low, high = SNR_RANGE
    snr = ipywidgets.FloatSlider(10, min=low, max=high, step=1, description="SNR (dB)", continuous_update=False, **wide)
    cut = ipywidgets.Checkbox(True, description="hear what lies between the end points", indent=False)
    more = ipywidgets.Button(description="What would change the answer?", layout={"width": "260px"})
    upload = ipywidgets.FileUpload(accept="audio/*", multiple=False, description=f"Upload ({READABLE})")
    upload.layout.width = "260px"
    answer, change = ipywidgets.HTML(), ipywidgets.HTML()
    known: dict[str, np.ndarray] = {}  # this cell's last recording

    def hear(name: str, content: bytes) -> None:
        known.clear()
        with _sentence_in(answer, change):
            known["waveform"] = _taken(name, content)
        if known:
            answered()

    def answered(_: object = None) -> None:
        if not known:
            return
        answer.value, change.value = "<p>Listening …</p>", ""
        with _sentence_in(answer, change):
            heard = listen(known["waveform"], noise=noise.value, snr_db=snr.value, cut=cut.value)
            answer.value = render.answered(ear, heard, ear.answers(heard.waveform))

    def compared(_: object) -> None:
        if not known:
            change.value = render.sentence("There is no recording yet; record or upload one first.")
            return
        change.value = "<p>Changing pitch and rate …</p>"
        with _sentence_in(change):
            heard = listen(known["waveform"], noise=noise.value, snr_db=snr.value, cut=cut.value)
            change.value = render.changed(ear, changes(ear, heard.waveform))

    for setting in (noise, snr, cut):
        setting.observe(answered, names="value")
    more.on_click(compared)
    upload.observe(lambda event: [hear(*one) for one in uploaded(event["new"])], names="value")
    top = ipywidgets.HTML(f"<style>{render.STYLE}</style>{render.notice(ear)}")
    return VoiceBox([top, *_recorders(hear), upload, noise, snr, cut, more, answer, change])


def uploaded(value: Iterable[Any] | Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """Names and contents of an upload, as ipywidgets 8 or (on Colab) 7 gives them."""
    if isinstance(value, Mapping):
        return [(name, bytes(one["content"])) for name, one in value.items()]
    return [(one["name"], bytes(one["content"])) for one in value]


def _recorders(hear: Callable[[str, bytes], None]) -> list[ipywidgets.Widget]:
    """The button that records, where anywidget is there."""
    if anywidget is None:
        return [ipywidgets.HTML("To record here, install anywidget; uploading works without it.")]

    class Recorder(anywidget.AnyWidget):
        _esm = (files("sercourse.app") / "recorder.js").read_text("utf-8")
        wav = traitlets.Bytes(b"").tag(sync=True)
        seconds = traitlets.Float(MAX_SECONDS - 0.5).tag(sync=True)

    recorder = Recorder()
    recorder.observe(lambda event: hear("your recording", bytes(event["new"])), names="wav")
    return [recorder]


def _taken(name: str, content: bytes) -> np.ndarray:
    """A recording from its bytes; the file that it is read from is gone at once."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / (Path(name).name or "recording")
        file.write_bytes(content)
        return take(file)


@contextmanager
def _sentence_in(*boxes: ipywidgets.HTML) -> Iterator[None]:
    """Shows a user's mistake in the first of some boxes and empties the others."""
    try:
        yield
    except UserError as error:
        for box in boxes:
            box.value = ""
        boxes[0].value = render.sentence(str(error))
