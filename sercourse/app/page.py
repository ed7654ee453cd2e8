"""The page: record or upload, hear it back, and five networks answer. It runs on this machine and asks no other.

In a notebook on this machine::

    from sercourse.app.page import voice_app
    voice_app().launch(inline=True)

Where the notebook runs elsewhere (Binder, Colab), take :func:`sercourse.app.cell.voice_cell`.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

import contextlib
import io
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from sercourse.app import USERS, render, session
from sercourse.app.answers import Networks
from sercourse.app.gradio_import import gr
from sercourse.app.hearing import MAX_BYTES, MAX_SECONDS, NOISE_NAMES, QUIET, READABLE, SNR_RANGE, take
from sercourse.app.uploads import private_uploads
from sercourse.errors import UserError
from sercourse.paths import runs_dir
from sercourse.signal.audio import SAMPLE_RATE

SWEEP = (5, 30)
"""Every so many seconds uploads are deleted that are older than so many seconds."""

REMEMBERED = 900
"""Seconds for which the page knows the last recording of a visitor, in memory, for another noise or a change."""

TITLE = "Your own voice"


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


@dataclass(frozen=True, eq=False)
class Parts:
    """The page's components that know of each other.

    Attributes:
        recording: the visitor's last :class:`Recording`; ``None``: there is none.
        sound: where it is recorded or uploaded.
        noise: that is added.
        snr: at which.
        cut: whether only the speech is heard.
        keep: whether the next recording is kept.
        more: the button that asks what would change the answer.
        answer: the answer.
        change: what would change it.
    """

    recording: gr.State
    sound: gr.Audio
    noise: gr.Dropdown
    snr: gr.Slider
    cut: gr.Checkbox
    keep: gr.Checkbox
    more: gr.Button
    answer: gr.HTML
    change: gr.HTML


def voice_app(networks: Networks | None = None, *, users: int = USERS, keep: str | Path | None = None) -> VoiceApp:
    """The page, to be launched.

    Args:
        networks: who answers; ``None``: the first runs of all chapters, trained now where absent.
        users: who may wait for an answer at the same time.
        keep: where recordings go whose speaker ticks the box; ``None``: ``recordings`` in the folder of runs.

    Raises:
        UserError: see :meth:`~sercourse.app.answers.Networks.load`.
    """
    networks = networks or Networks.load(progress=True)
    folder = Path(keep) if keep is not None else runs_dir() / "recordings"
    private_uploads(*SWEEP)
    page = VoiceApp(title=f"{TITLE} · sercourse", analytics_enabled=False, delete_cache=SWEEP)
    with page:
        _connect(_laid_out(networks, folder), networks, folder)
    return page.queue(max_size=users, default_concurrency_limit=1)


def _laid_out(networks: Networks, folder: Path) -> Parts:
    """Put the parts onto the page."""
    recording = gr.State(None, time_to_live=REMEMBERED)
    gr.Markdown(f"# {TITLE}\nSay a sentence, and {len(networks.listeners)} networks of the course answer.")
    gr.HTML(render.notice(networks), padding=False)
    with gr.Row():
        with gr.Column(scale=1, min_width=300):
            sound = gr.Audio(
                sources=["microphone", "upload"], type="filepath", editable=False, buttons=[], elem_id="sc-sound",
                label="Record or upload",
            )  # fmt: skip
            noise = gr.Dropdown(list(NOISE_NAMES), value=QUIET, label=session.NOISE_LABEL, elem_id="sc-noise")
            snr = gr.Slider(
                *SNR_RANGE, value=session.SNR_DB, step=1, label=session.SNR_LABEL, elem_id="sc-snr", interactive=False
            )
            cut = gr.Checkbox(True, label=session.CUT_LABEL, elem_id="sc-cut")
            keep = gr.Checkbox(False, label=f"Keep my recording, in {folder}", elem_id="sc-keep")
            gr.HTML(
                f"<p class='sc-small'>Uploads: {READABLE}, up to {MAX_SECONDS:g} s and {MAX_BYTES / 2**20:g} MB. A"
                " recording that is not kept is deleted from this machine within a minute; until"
                f" {REMEMBERED // 60} minutes have passed, or you clear it, the page remembers it in memory.</p>",
                padding=False,
            )
            more = gr.Button(session.CHANGES_LABEL, elem_id="sc-more")
        with gr.Column(scale=2, min_width=300):
            answer = gr.HTML("", elem_id="sc-answer", padding=False)
            change = gr.HTML("", elem_id="sc-change", padding=False)
    return Parts(recording, sound, noise, snr, cut, keep, more, answer, change)


def _connect(parts: Parts, networks: Networks, folder: Path) -> None:
    """Say what happens when something on the page is touched."""
    settings = [parts.recording, parts.noise, parts.snr, parts.cut]
    shown = [parts.answer, parts.change]

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
        told = session.answer_html(networks, known.waveform, noise=noise, snr_db=snr, cut=cut, kept=known.kept)
        return told, ""

    def compared(known: Recording | None, noise: str, snr: float, cut: bool, progress: Any = gr.Progress()) -> str:  # noqa: B008 (Gradio's way)
        recorded = None if known is None else known.waveform
        return session.changes_html(networks, recorded, noise=noise, snr_db=snr, cut=cut, progress=progress)

    last = {"trigger_mode": "always_last"}  # Gradio's default drops an upload while the emptying before it is answered
    one = {"concurrency_id": "networks", "concurrency_limit": 1}  # they share openSMILE and the cores
    again = {"fn": answered, "inputs": settings, "outputs": shown, **one}
    gr.on(
        [parts.sound.input], taken, [parts.sound, parts.keep], [parts.recording, *shown],
        api_name="take", concurrency_limit=None, show_progress="hidden", **last,
    ).then(**again, api_name="answer", **last)  # fmt: skip
    forgotten = {"outputs": [parts.recording, *shown], "api_visibility": "private", "queue": False}
    parts.sound.clear(lambda: (None, "", ""), None, **forgotten)
    parts.noise.change(
        lambda noise: gr.update(interactive=noise != QUIET), parts.noise, parts.snr,
        api_visibility="private", queue=False,
    )  # fmt: skip
    for event in (parts.noise.input, parts.snr.release, parts.cut.input):
        event(**again, api_visibility="private", **last)
    parts.more.click(compared, settings, parts.change, api_name="changes", **one)


def _kept(waveform: np.ndarray, folder: Path) -> str:
    """Write a recording where its speaker asked for it, for this user's eyes alone, and say where.

    Raises:
        UserError: the folder cannot be written; nothing is left there.
    """
    file = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}.wav"
    partial = file.with_suffix(".partial")
    sound = io.BytesIO()
    soundfile.write(sound, waveform, SAMPLE_RATE, format="WAV")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.touch(mode=0o600, exist_ok=False)
        partial.write_bytes(sound.getbuffer())
        partial.replace(file)
    except OSError as error:
        raise UserError(f"{folder}: the recording cannot be kept ({error.strerror}); untick the box.") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    return f"As you asked, the recording is kept: {file}"
