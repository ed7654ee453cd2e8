"""Your own voice, answered by the course's networks."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from sercourse.app import USERS
from sercourse.commands.options import console
from sercourse.errors import UserError

LOCAL: tuple[str, ...] = ("127.0.0.1", "localhost", "::1")
"""Hosts that only this machine reaches."""

STOPS: tuple[str, ...] = ("SIGINT", "SIGTERM", "SIGHUP")
"""Signals that stop the page, where the system has them: Ctrl-C, a kill, a closed terminal."""


def app(
    run: Annotated[list[Path] | None, typer.Option("--run", help="Folder of a run; may be given again.")] = None,
    host: Annotated[str, typer.Option(help="127.0.0.1: this machine only; 0.0.0.0: whoever reaches it.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Where the page is served.", min=1, max=65_535)] = 7860,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
    users: Annotated[int, typer.Option(help="Who may wait for an answer at the same time.", min=1, max=1000)] = USERS,
    keep: Annotated[
        Path | None, typer.Option(file_okay=False, help="Where recordings go whose speaker ticks the box.")
    ] = None,
) -> None:
    """A page to record or upload your voice; the networks of all chapters answer."""
    with stopped_by(signal.default_int_handler):  # until the page is served
        from sercourse.app import gradio_import  # noqa: F401 (first of all: it says whether Gradio is there)

        check_free(host, port)
        from sercourse.app.answers import Networks
        from sercourse.app.page import voice_app
        from sercourse.app.uploads import remove_uploads

        networks = Networks.load(run or [], progress=True)
        stop = threading.Event()
        with stopped_by(lambda *_: stop.set()):
            page = voice_app(networks, users=users, keep=keep)
            page.launch(server_name=host, server_port=port, inbrowser=not no_open, prevent_thread_lock=True)
            try:
                _tell(page.local_url, host)
                stop.wait()
            finally:
                page.close(verbose=False)
                remove_uploads()
    with contextlib.suppress(OSError):  # the terminal may be closed
        console.print("Stopped.")


@contextlib.contextmanager
def stopped_by(handler: Callable[[int, Any], Any]) -> Iterator[None]:
    """Let ``handler`` take :data:`STOPS` meanwhile; one that is ignored, as under nohup, stays ignored."""
    known = [getattr(signal, name) for name in STOPS if hasattr(signal, name)]
    before = {one: signal.getsignal(one) for one in known}
    before = {one: old for one, old in before.items() if old is not signal.SIG_IGN}
    for one in before:
        signal.signal(one, handler)
    try:
        yield
    finally:
        for one, old in before.items():
            signal.signal(one, old or signal.SIG_DFL)


def _tell(address: str, host: str) -> None:
    console.print(f"Your own voice: {address}  (Ctrl-C stops it)", soft_wrap=True)
    if host not in LOCAL:
        console.print(
            "Whoever reaches this machine can use the page: there is no password and no encryption, and browsers give a"
            " microphone to pages of their own machine or over https only.",
            soft_wrap=True,
        )
    sys.stdout.flush()


def check_free(host: str, port: int) -> None:
    """Say before networks are loaded that the page cannot be served.

    Raises:
        UserError: the port is taken, or the host is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror:
            raise UserError(f"--host {host}: no such host; take 127.0.0.1, or 0.0.0.0 for all addresses.") from None
        except OSError as error:
            raise UserError(
                f"--host {host} --port {port}: cannot be served there ({error.strerror}); choose another --port."
            ) from None
