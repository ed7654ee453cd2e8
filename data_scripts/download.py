"""One file over HTTP: with a progress bar, going on where an earlier run stopped, patient with a weak network."""

from __future__ import annotations

import errno
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import pooch
import requests
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from sercourse.errors import UserError

CHUNK = 1 << 14
"""Bytes written at a time; an interruption loses fewer than these."""


class DownloadError(UserError):
    """A file could not be fetched; the text is a reason without a full stop, to be followed by the way out."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server, and how often to ask again."""

    connect: float = 10.0
    """Seconds until a connection must stand."""
    read: float = 30.0
    """Seconds without a single byte that count as a stall."""
    waits: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    """Seconds to wait before each new attempt; an attempt that brought something starts them afresh."""


PATIENCE = Patience()


def download(url: str, target: Path, *, size: int | None = None, patience: Patience = PATIENCE) -> Path:
    """Fetch ``url`` into ``target``.

    What has arrived lies in ``target`` + ``.part`` until it is complete; a later call asks the server for the rest
    (HTTP Range) and starts anew where the server cannot do that.

    Args:
        url: http or https address.
        target: the file to write; it appears only when it is complete.
        size: bytes to expect; ``None``: whatever the server announces.
        patience: time-outs and repetitions.

    Returns:
        ``target``.

    Raises:
        DownloadError: no such file, no network, a server that stays broken, a web page instead of the file, or more
            bytes than promised.
        OSError: the disk is full or cannot be written; what has arrived is kept.
    """
    partial = target.with_name(target.name + ".part")
    partial.touch()
    waits = list(patience.waits)
    furthest = partial.stat().st_size
    while size is None or partial.stat().st_size != size:
        try:
            _attempt(url, partial, size, patience)
            if size is None:
                break
            have = partial.stat().st_size
            if have > size:
                partial.unlink()
                raise DownloadError(f"{url} sent {have} bytes where {size} were promised")
            trouble = f"{url} stopped at {have} of {size} bytes"
        except requests.RequestException as error:
            trouble = _trouble(error, url)
        if partial.stat().st_size > furthest:
            furthest, waits = partial.stat().st_size, list(patience.waits)
        if size is None or partial.stat().st_size != size:
            if not waits:
                raise DownloadError(trouble)
            print(f"{trouble}; trying again in {waits[0]:g} s")
            time.sleep(waits.pop(0))
    return partial.replace(target)


def need_room(folder: Path, needed: int) -> None:
    """Refuse to begin what the disk cannot hold.

    Args:
        folder: an existing folder on the disk in question.
        needed: bytes.

    Raises:
        OSError: less is free (``errno.ENOSPC``).
    """
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, f"{needed / 1e9:.1f} GB are needed", str(folder))


def _attempt(url: str, partial: Path, size: int | None, patience: Patience) -> None:
    """Ask once for what ``partial`` lacks and append it."""
    have = partial.stat().st_size
    if size is not None and have > size:
        have = 0  # left over from another file
    # The server must send the bytes as they are stored: a compressed transfer could not be resumed.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with partial.open("r+b") as file, _Bar(partial.stem) as bar:

        def place(response: requests.Response, **_: object) -> None:
            """Runs between the answer's head and its body: decides where the body belongs."""
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                file.truncate(0)
            if response.ok and not response.is_redirect:
                bar.begin(_position(response, have, file))

        pooch.HTTPDownloader(
            progressbar=bar,
            chunk_size=CHUNK,
            headers=headers,
            timeout=(patience.connect, patience.read),
            hooks={"response": place},
        )(url, file, None)


def _position(response: requests.Response, have: int, file: BinaryIO) -> int:
    """Move ``file`` to where the answer's body belongs: behind what we have, or back to the beginning."""
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise DownloadError(f"{response.url} answered with a web page instead of the file (a log-in or a proxy?)")
    start = 0
    if response.status_code == requests.codes.partial_content:
        found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        start = int(found[1]) if found else -1
        if start != have:
            file.truncate(0)
            raise requests.ConnectionError("the server sent another part than the one asked for")
    file.seek(start)
    file.truncate()
    return start


def _trouble(error: requests.RequestException, url: str) -> str:
    """Say what went wrong; raise at once where asking again is of no use."""
    host = urlsplit(url).netloc or url
    if isinstance(error, requests.HTTPError):
        status = error.response.status_code
        if status in (404, 410):
            raise DownloadError(f"{url} does not exist (any more): {host} says {status}") from None
        if status < 500 and status not in (408, 416, 425, 429):
            raise DownloadError(f"{host} refuses {url} with status {status}") from None
        return f"{host} answers with status {status}"
    if isinstance(error, requests.exceptions.SSLError):
        raise DownloadError(f"{host} shows no certificate that this machine trusts (a proxy? a wrong clock?)") from None
    if isinstance(error, requests.exceptions.ReadTimeout | requests.exceptions.ChunkedEncodingError):
        return f"{host} stops sending before the end"
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return f"{host} cannot be reached or breaks off (is there a network?)"
    raise DownloadError(f"{url} cannot be fetched ({error})") from None


class _Bar:
    """The progress bar in the form that pooch expects, drawn by rich."""

    def __init__(self, label: str) -> None:
        columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        self._progress = Progress(TextColumn("{task.description}"), *columns)
        self._task = self._progress.add_task(label, total=None)
        self._start = 0

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress.live.is_started:
            self._progress.stop()

    def begin(self, start: int) -> None:
        """The body comes, from byte ``start`` of the file."""
        self._start = start
        self._progress.start()

    @property
    def total(self) -> float | None:
        """Bytes of the whole file; ``None``: the server does not say."""
        return self._progress.tasks[0].total

    @total.setter
    def total(self, rest: int) -> None:
        total = self._start + rest if rest else None
        self._progress.update(self._task, total=total, completed=self._start)

    def update(self, n: int) -> None:
        """``n`` more bytes."""
        self._progress.advance(self._task, n)

    def reset(self) -> None:
        """pooch counts the body again, by its announced length, once it has all."""
        if self.total:
            self._progress.update(self._task, completed=self._start)

    def close(self) -> None:
        """Nothing to do: the bar is closed with its ``with`` block."""
