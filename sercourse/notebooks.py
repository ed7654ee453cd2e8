"""The course's notebooks: which files they are, how they are read, what runs them.

Jupyter is imported where it is needed: the library does without it.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from sercourse.errors import UserError
from sercourse.paths import cache_dir

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode

CHAPTERS = "[0-9][0-9]_*.ipynb"
"""Names of chapters."""

BEFORE_RESET = ".before-reset"
"""In the name of a spoilt notebook that ``sercourse reset`` has kept; the Makefile knows it too."""

PRISTINE = "notebooks"
"""Folder in the cache, and in a workshop's archive, with the notebooks as they were before anybody worked in them."""

ORIGINALS = "originals"
"""Folder beside ``notebooks`` in what students are handed, with the same notebooks; nobody works in it."""

CELL_SECONDS = 1800.0
"""Longest time for one cell that may train a network."""

EXERCISE_SECONDS = 300
"""Longest time for one cell of set-up, exercise or check; a set-up may have to make the default corpus."""


def course_notebooks(folder: Path) -> list[Path]:
    """The notebooks of a folder whose names begin with a chapter's number, in order; without kept spoilt ones."""
    return sorted(path for path in folder.glob(CHAPTERS) if BEFORE_RESET not in path.name)


def pristine_dir() -> Path:
    """Where untouched notebooks are kept for ``sercourse reset``."""
    return cache_dir() / PRISTINE


def committed(path: Path) -> bytes | None:
    """A file as git's last commit has it; ``None`` without git, without a repository, or where it is not tracked."""
    command = ["git", "show", f"HEAD:./{path.name}"]
    try:
        done = subprocess.run(command, cwd=path.resolve().parent, capture_output=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


def require_jupyter() -> None:
    """Complain now where notebooks cannot be run.

    Raises:
        UserError: the extra ``notebooks`` is not installed.
    """
    try:
        import nbclient  # noqa: F401
        import nbformat  # noqa: F401
    except ImportError:
        raise UserError("Running notebooks needs Jupyter; install sercourse[notebooks].") from None


def read(path: Path) -> NotebookNode:
    """A notebook of format 4.

    Raises:
        UserError: it cannot be read, or the extra ``notebooks`` is not installed.
    """
    require_jupyter()
    import nbformat

    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except Exception as error:  # anything may lie in a file: no JSON, another format, half a download
        reason = (str(error).splitlines() or [type(error).__name__])[0][:80]
        raise UserError(
            f"{path}: is no notebook that can be read ({reason}); `sercourse reset {path}` puts it back."
        ) from None
    return notebook


def client(notebook: NotebookNode, folder: Path, seconds: float = CELL_SECONDS, **options: object) -> NotebookClient:
    """What runs a notebook in a kernel of this Python.

    Args:
        notebook: is run in place.
        folder: where its code runs.
        seconds: a cell that takes longer is stopped.
        options: further settings of ``NotebookClient``.

    Raises:
        UserError: the extra ``notebooks`` is not installed.
    """
    require_jupyter()
    from nbclient import NotebookClient

    return NotebookClient(notebook, timeout=seconds, resources={"metadata": {"path": str(folder.resolve())}}, **options)
