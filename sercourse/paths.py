"""Where things lie: real corpora, what was computed, runs."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from sercourse.errors import UserError

MINI_WEIGHTS = Path(__file__).parent / "weights" / "mini_wav2vec2"
"""The small wav2vec2 that ships with sercourse; its README says what it is made from."""


def data_dir() -> Path | None:
    """The folder of real corpora: ``SERCOURSE_DATA``; ``None`` where it is not set."""
    return _folder("SERCOURSE_DATA")


def cache_dir() -> Path:
    """The folder for what can be made again (features, the synthetic corpus): ``SERCOURSE_CACHE``, else the
    operating system's cache folder for sercourse."""
    return _folder("SERCOURSE_CACHE") or Path(platformdirs.user_cache_dir("sercourse"))


def runs_dir() -> Path:
    """The folder of run folders: ``SERCOURSE_RUNS``, else ``runs/`` where the command was started."""
    return _folder("SERCOURSE_RUNS") or Path("runs").resolve()


def _folder(variable: str) -> Path | None:
    """The folder that an environment variable names; ``None`` where it is not set or empty.

    Raises:
        UserError: it starts with the home folder of somebody who does not exist.
    """
    value = os.environ.get(variable, "").strip()
    try:
        return Path(value).expanduser().resolve() if value else None
    except RuntimeError:
        raise UserError(f"{variable}={value}: there is no such home folder; write the whole path.") from None
