"""Peak memory of groups of processes, read ten times a second while a block runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil

EVERY = 0.1
"""Seconds between two looks at the memory."""

Group = Callable[[], Iterable[psutil.Process]]
"""The processes of a group as they are now; children come and go."""


@dataclass
class Peaks:
    """Highest sums over the processes of a group; each has a time of its own.

    Attributes:
        rss: resident bytes; shared pages count in each process.
        pss: the same with pages that several processes share divided among them; 0 where the system does not tell.
        processes: how many at a time.
    """

    rss: int = 0
    pss: int = 0
    processes: int = 0


def tree(pid: int) -> Group:
    """A process and all that it has started, now and later."""
    root = psutil.Process(pid)
    return lambda: (root, *root.children(recursive=True))


class Watch:
    """Looks at groups of processes from a thread of its own, as long as the ``with`` block lasts.

    Args:
        groups: each gets its own :class:`Peaks`, in :attr:`peaks`.
        divided: read ``pss`` as well, which takes the system longer than ``rss``.
    """

    def __init__(self, *groups: Group, divided: bool = True):
        self.peaks = [Peaks() for _ in groups]
        self._groups, self._divided, self._done = groups, divided, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(EVERY):
            for group, peaks in zip(self._groups, self.peaks):
                try:
                    found = [_memory(process, self._divided) for process in group()]
                except psutil.NoSuchProcess:
                    continue  # its root has ended
                rss, pss, processes = map(sum, zip(*found)) if found else (0, 0, 0)
                peaks.rss, peaks.pss = max(peaks.rss, rss), max(peaks.pss, pss)
                peaks.processes = max(peaks.processes, processes)


def _memory(process: psutil.Process, divided: bool) -> tuple[int, int, int]:
    """Resident bytes, divided bytes (0 where not told), and 1; zeros for a process that has ended."""
    try:
        memory = process.memory_full_info() if divided else process.memory_info()
        return memory.rss, getattr(memory, "pss", 0), 1
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0, 0, 0
