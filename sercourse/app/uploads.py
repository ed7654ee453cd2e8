"""The page's folder of uploads: nobody else's to read, swept while the page runs, gone when its process ends.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

import atexit
import contextlib
import os
import platform
import shutil
import tempfile
import threading
import time
from pathlib import Path

UPLOADS = "GRADIO_TEMP_DIR"
"""Variable that names the folder to Gradio; a folder that it names at first gets the private folder inside."""

PREFIX = "sercourse-app-"
"""Of a process's folder, which holds :data:`OWNER` and the uploads."""

OWNER = "process"
"""File that names the machine and the process to which a folder belongs."""


def private_uploads(every: float, age: float) -> Path:
    """The folder of this process for uploads; the first call makes and sweeps it, and removes those of dead ones.

    Args:
        every: seconds between two sweeps.
        age: files that nobody has written to for so many seconds are deleted, half-sent uploads among them.
    """
    chosen = os.environ.get(UPLOADS)
    if chosen and _owner(Path(chosen).parent) == _process(os.getpid()):
        return Path(chosen)
    above = Path(chosen or tempfile.gettempdir())
    above.mkdir(parents=True, exist_ok=True)
    remove_left(above)
    home = Path(tempfile.mkdtemp(prefix=PREFIX, dir=above))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    (home / OWNER).write_text(_process(os.getpid()), "utf-8")
    uploads = home / "uploads"
    uploads.mkdir(mode=0o700)
    os.environ[UPLOADS] = str(uploads)
    threading.Thread(target=_swept, args=(uploads, every, age), name="sweep uploads", daemon=True).start()
    return uploads


def remove_uploads() -> None:
    """Delete this process's folder at once, as its end would."""
    home = Path(os.environ.get(UPLOADS, "")).parent
    if _owner(home) == _process(os.getpid()):
        shutil.rmtree(home, ignore_errors=True)
        del os.environ[UPLOADS]


def remove_left(above: Path) -> None:
    """Delete folders in ``above`` of this user's processes on this machine that were killed before they could."""
    if not hasattr(os, "getuid"):  # there, asking whether a process lives would end it
        return
    for home in above.glob(f"{PREFIX}*"):
        machine, _, pid = _owner(home).rpartition(" ")
        with contextlib.suppress(OSError):
            ours = not home.is_symlink() and home.lstat().st_uid == os.getuid()
            if ours and machine == platform.node() and pid.isdecimal() and not _lives(int(pid)):
                shutil.rmtree(home, ignore_errors=True)


def sweep(folder: Path, age: float) -> None:
    """Delete files in ``folder`` that nobody has written to for ``age`` seconds."""
    before = time.time() - age
    for file in folder.rglob("*"):
        with contextlib.suppress(OSError):  # Gradio was quicker, or is writing it
            if not file.is_dir() and file.lstat().st_mtime < before:
                file.unlink()


def _swept(folder: Path, every: float, age: float) -> None:
    while True:
        time.sleep(every)
        with contextlib.suppress(OSError):
            sweep(folder, age)


def _process(pid: int) -> str:
    return f"{platform.node()} {pid}"


def _owner(home: Path) -> str:
    try:
        return (home / OWNER).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
