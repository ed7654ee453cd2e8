"""The page: record or upload, hear it back, and five networks answer. It runs on this machine and asks no other.

In a notebook on this machine::

    from sercourse.app.page import voice_app
    voice_app().launch(inline=True)

Where the notebook runs elsewhere (Binder, Colab), take :func:`sercourse.app.cell.voice_cell`.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from sercourse.app import render
from sercourse.app.answers import Ear
from sercourse.app.changes import changes
from sercourse.app.hearing import (
    MAX_BYTES,
    MAX_SECONDS,
    NOISE_NAMES,
    QUIET,
    READABLE,
    SNR_RANGE,
    Heard,
    listen,
    take,
)
from sercourse.app.toolkit import gr
from sercourse.errors import UserError
from sercourse.paths import runs_dir
from sercourse.signal.audio import SAMPLE_RATE

USERS = 40
"""Who may wait for an answer at the same time; whoever comes then is asked to try again."""

SWEEP = (5, 30)
"""Every so many seconds uploads are deleted that are older than so many seconds."""

REMEMBERED = 900
"""Seconds for which the page knows the last recording of a visitor, in memory, for another noise or a change."""

TITLE = "Your own voice"

UPLOADS = "GRADIO_TEMP_DIR"


@dataclass(frozen=True, eq=False)
class Recording:
    """What the page knows of a visitor's last recording.

    Attributes:
        waveform: 16 kHz, ``(T,)``.
        kept: a sentence on where it was kept; "": it was not.
    """

    waveform: np.ndarray
    kept: str


class VoiceApp(gr.Blocks):
    """The page as a Gradio app that stays on this machine; see :func:`voice_app`."""

    def launch(self, *args: Any, **how: Any) -> Any:
        """As Gradio's, with defaults of the course: 127.0.0.1, no share, no fonts from elsewhere, limited uploads."""
        font = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
        ours = {
            "server_name": "127.0.0.1", "share": False, "quiet": True, "max_file_size": MAX_BYTES, "height": 900,
            "footer_links": [], "ssr_mode": False, "mcp_server": False, "run_history": False,
            "enable_monitoring": False, "theme": gr.themes.Base(**font), "css": render.STYLE,
        }  # fmt: skip
        return super().launch(*args, **ours | how)


def voice_app(ear: Ear | None = None, *, users: int = USERS, keep: str | Path | None = None) -> VoiceApp:
    """The page, to be launched.

    Args:
        ear: who answers; ``None``: the first runs of all chapters, trained now where absent.
        users: who may wait for an answer at the same time.
        keep: where recordings go whose speaker ticks the box; ``None``: ``recordings`` in the folder of runs.

    Raises:
        UserError: see :meth:`~sercourse.app.answers.Ear.load`.
    """
    ear = ear or Ear.load(progress=True)
    folder = Path(keep) if keep is not None else runs_dir() / "recordings"
    _private_uploads()
    page = VoiceApp(title=f"{TITLE} · sercourse", analytics_enabled=False, delete_cache=SWEEP)
    with page:
        _laid_out(ear, folder)
    return page.queue(max_size=users, default_concurrency_limit=1)


def _laid_out(ear: Ear, folder: Path) -> None:
    """Put the parts onto the page and connect them."""
    recording = gr.State(None, time_to_live=REMEMBERED)
    gr.Markdown(f"# {TITLE}\nSay a sentence, and {len(ear.listeners)} networks of the course answer.")
    gr.HTML(render.notice(ear), padding=False)
    with gr.Row():
        with gr.Column(scale=1, min_width=300):
            sound = gr.Audio(
                sources=["microphone", "upload"], type="filepath", editable=False, buttons=[], elem_id="sc-sound",
                label="Record or upload",
            )  # fmt: skip
            noise = gr.Dropdown(list(NOISE_NAMES), value=QUIET, label="Noise that is added", elem_id="sc-noise")
            snr = gr.Slider(*SNR_RANGE, value=10, step=1, label="SNR (dB): speech over noise", elem_id="sc-snr")
            cut = gr.Checkbox(True, label="The networks hear what lies between the end points", elem_id="sc-cut")
            keep = gr.Checkbox(False, label=f"Keep my recording, in {folder}", elem_id="sc-keep")
            gr.HTML(
                f"<p class='sc-small'>Uploads: {READABLE}, up to {MAX_SECONDS:g} s and {MAX_BYTES / 2**20:g} MB. A"
                " recording that is not kept is deleted from this machine within a minute; until"
                f" {REMEMBERED // 60} minutes have passed, or you clear it, the page remembers it in memory.</p>",
                padding=False,
            )
            more = gr.Button("What would change the answer?", elem_id="sc-more")
        with gr.Column(scale=2, min_width=300):
            answer = gr.HTML("", elem_id="sc-answer", padding=False)
            change = gr.HTML("", elem_id="sc-change", padding=False)

    settings = [recording, noise, snr, cut]

    def taken(file: str | None, kept: bool) -> tuple[Recording | None, str, str]:
        if not file:
            return None, "", ""
        try:
            waveform = take(file)
            return Recording(waveform, _kept(waveform, folder) if kept else ""), "", ""
        except UserError as error:
            return None, render.sentence(str(error)), ""

    def answered(known: Recording | None, noise: str, snr: float, cut: bool) -> tuple[Any, Any]:
        if known is None:
            return gr.skip(), gr.skip()
        try:
            heard = _listened(known, noise, snr, cut)
            return render.answered(ear, heard, ear.answers(heard.waveform), known.kept), ""
        except UserError as error:
            return render.sentence(str(error)), ""

    def compared(known: Recording | None, noise: str, snr: float, cut: bool, progress: Any = gr.Progress()) -> str:  # noqa: B008 (Gradio's way)
        if known is None:
            return render.sentence("There is no recording yet; record or upload one first.")
        try:
            heard = _listened(known, noise, snr, cut)
            return render.changed(ear, changes(ear, heard.waveform, progress=progress))
        except UserError as error:
            return render.sentence(str(error))

    one = {"concurrency_id": "networks", "concurrency_limit": 1}  # they share openSMILE and the cores
    again = {"fn": answered, "inputs": settings, "outputs": [answer, change], **one}
    gr.on(
        [sound.input], taken, [sound, keep], [recording, answer, change],
        api_name="take", concurrency_limit=None, show_progress="hidden",
    ).then(**again, api_name="answer")  # fmt: skip
    sound.clear(lambda: (None, "", ""), None, [recording, answer, change], api_visibility="private", queue=False)
    for event in (noise.input, snr.release, cut.input):
        event(**again, api_visibility="private", trigger_mode="always_last")
    more.click(compared, settings, change, api_name="changes", **one)


def _listened(known: Recording, noise: str, snr: float, cut: bool) -> Heard:
    return listen(known.waveform, noise=noise, snr_db=snr, cut=cut)


def _kept(waveform: np.ndarray, folder: Path) -> str:
    """Write a recording where its speaker asked for it, and say where.

    Raises:
        UserError: the folder cannot be written.
    """
    file = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}.wav"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, waveform, SAMPLE_RATE)
    except (OSError, soundfile.LibsndfileError) as error:
        reason = getattr(error, "strerror", None) or "the disk may be full"
        raise UserError(f"{folder}: the recording cannot be kept ({reason}); untick the box.") from None
    return f"As you asked, the recording is kept: {file}"


def _private_uploads() -> None:
    """A folder for uploads that nobody else on this machine can read and that goes when the process ends."""
    if not os.environ.get(UPLOADS):
        os.environ[UPLOADS] = tempfile.mkdtemp(prefix="sercourse-app-")
        atexit.register(shutil.rmtree, os.environ[UPLOADS], ignore_errors=True)
