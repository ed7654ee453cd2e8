"""Ctrl-C while other processes work."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def heeded_interrupt(start_workers: Callable[[], None]) -> Iterator[threading.Event]:
    """Ctrl-C ends after the job in progress; a second one ends at once. Gives the event that is set by the first.

    openSMILE calls back into Python, and an exception that is raised there is swallowed by ctypes, so the first
    interrupt is only remembered. Workers are started while interrupts are ignored, which they inherit: a terminal
    sends Ctrl-C to all of them, and each would print a traceback of its own.
    """
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event  # signals reach the main thread only
        return

    def remember(*_: object) -> None:
        event.set()
        print("Interrupted: ending after the jobs in progress; Ctrl-C again ends now.", file=sys.stderr)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    earlier = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        start_workers()
        signal.signal(signal.SIGINT, remember)
        yield event
    finally:
        signal.signal(signal.SIGINT, earlier)
