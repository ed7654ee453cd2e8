"""Which exercises of a student's notebooks are solved: set-up, exercises and checks run in a fresh kernel, here.

Nothing leaves the machine. What came out is kept under a hash of the cells, so a notebook that has not changed is not
run again.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sercourse import __version__
from sercourse.errors import UserError
from sercourse.notebooks import EXERCISE_SECONDS, client, course_notebooks, read
from sercourse.paths import cache_dir
from sercourse.training.runs import write_json

if TYPE_CHECKING:
    from nbformat import NotebookNode

STUB = 'raise NotImplementedError("your turn")'
"""Stands in an exercise until somebody begins it."""

SOLVED, NOT_YET, NOT_BEGUN, NOT_RUN = "solved", "not yet", "not begun", "not run"
"""The states of an exercise; ``NOT_RUN``: the set-up of its notebook failed."""


@dataclass(frozen=True)
class Result:
    """One exercise."""

    title: str
    """As its heading has it."""
    state: str
    """``solved``, ``not yet``, ``not begun`` or ``not run``."""
    message: str
    """What the check said, or why it was not asked; "" where nothing is to be said."""


@dataclass(frozen=True)
class ChapterResult:
    """One notebook."""

    name: str
    """Its file, without folder and ending."""
    title: str
    """Its first heading."""
    exercises: tuple[Result, ...]

    @property
    def solved(self) -> int:
        """Exercises that pass their check."""
        return sum(one.state == SOLVED for one in self.exercises)


@dataclass
class _Exercise:
    """Cells of one exercise; ``check`` is ``None`` where somebody deleted it."""

    title: str
    code: list[NotebookNode]
    check: NotebookNode | None = None

    @property
    def begun(self) -> bool:
        return not any(STUB in cell.source for cell in self.code)


def find_notebooks(given: Sequence[Path]) -> list[Path]:
    """The notebooks to look at: those given, else the chapters in ``notebooks/`` or here.

    Raises:
        UserError: there are none.
    """
    for path in given:
        if not path.is_file():
            raise UserError(f"{path}: there is no such notebook; name a file that ends in .ipynb.")
    found = list(given)
    for folder in (Path("notebooks"), Path()):
        found = found or course_notebooks(folder)
    if not found:
        raise UserError(f"{Path.cwd()}: no chapter lies here or in notebooks/; go to your notebooks, or name them.")
    return found


def check_notebook(
    path: Path,
    *,
    everything: bool = False,
    seconds: float = EXERCISE_SECONDS,
    told: Callable[[int, int], None] = print,
) -> ChapterResult:
    """Check the exercises of one notebook.

    Args:
        path: the notebook; its code runs in its folder, in a kernel of this Python.
        everything: run it also where no exercise is begun or where its result is kept.
        seconds: a cell that takes longer is stopped.
        told: called with the number of cells done and of all, after each of them.

    Raises:
        UserError: the notebook cannot be read, or what runs notebooks is not installed.
    """
    notebook = read(path)
    exercises = list(_exercises(notebook))
    lines = (line for cell in notebook.cells for line in cell.source.splitlines())
    title = printable(next((line for line in lines if line.startswith("# ")), "").removeprefix("# "))
    setup = [cell for cell in notebook.cells if cell.cell_type == "code" and "setup" in _tags(cell)]
    kept = cache_dir() / "progress" / f"{_digest(setup, exercises)}.json"
    results = None if everything else _kept(kept)
    if results is None and not everything and not any(one.begun for one in exercises):
        results = [Result(one.title, NOT_BEGUN, "") for one in exercises]
    if results is None:
        results, lasting = _run(path, setup, exercises, seconds, told)
        if lasting:
            _keep(kept, results)
    name = printable(path.stem)
    return ChapterResult(name, title or name, tuple(results))


def printable(text: str) -> str:
    """Text that can be written: half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def _exercises(notebook: NotebookNode) -> Iterator[_Exercise]:
    """From a heading tagged ``exercise`` to its check; cells that the student put between them count."""
    current: _Exercise | None = None
    for cell in notebook.cells:
        heading = cell.source.lstrip().startswith("#") and cell.cell_type == "markdown"
        if heading and current is not None:
            yield current
            current = None
        if heading and "exercise" in _tags(cell):
            title = (cell.source.lstrip("# \n").splitlines() or ["Exercise"])[0]
            current = _Exercise(printable(title), [])
        elif current is not None and "check" in _tags(cell):
            current.check = cell
            yield current
            current = None
        elif current is not None and cell.cell_type == "code":
            current.code.append(cell)
    if current is not None:
        yield current


def _digest(setup: list[NotebookNode], exercises: list[_Exercise]) -> str:
    """Of all that decides what comes out."""
    cells = [[each.source for each in (*one.code, *([one.check] if one.check else []))] for one in exercises]
    content = [__version__, platform.python_version(), [cell.source for cell in setup], cells]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


def _run(
    path: Path,
    setup: list[NotebookNode],
    exercises: list[_Exercise],
    seconds: float,
    told: Callable[[int, int], None],
) -> tuple[list[Result], bool]:
    """Results, and whether another run would give the same."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from nbformat.v4 import new_notebook

    checked = [cell for one in exercises for cell in (*one.code, *([one.check] if one.check else []))]
    cells = [*setup, *checked]
    for cell in cells:
        cell.outputs = []
    running = client(
        new_notebook(cells=cells), path.resolve().parent, seconds, interrupt_on_timeout=True, allow_errors=True,
        kernel_name="python3", extra_arguments=["--log-level=ERROR"],
        on_cell_complete=lambda cell, cell_index: told(cell_index + 1, len(cells)),
    )  # fmt: skip
    trouble = ""
    try:
        running.execute()
    except DeadKernelError:
        trouble = "the kernel died, most often for want of memory; close other notebooks, then try again"
    except CellTimeoutError:
        trouble = f"a cell took longer than {seconds:.0f} s"
    failed = next((error for cell in setup if (error := _error(cell))), "")
    if failed:
        return [Result(one.title, NOT_RUN, f"the set-up raised {failed}") for one in exercises], False
    results = [_judge(one, trouble) for one in exercises]
    return results, not trouble and not any("KeyboardInterrupt" in one.message for one in results)


def _judge(exercise: _Exercise, trouble: str) -> Result:
    """What the outputs of an exercise and its check say."""
    if not exercise.begun:
        return Result(exercise.title, NOT_BEGUN, "")
    if exercise.check is None:
        return Result(exercise.title, NOT_YET, "its check is gone; take that cell from a fresh copy of the notebook")
    printed = "".join(each.get("text", "") for each in exercise.check.outputs if each.get("name") == "stdout")
    lines = printable(printed).splitlines()
    if error := next((error for cell in (*exercise.code, exercise.check) if (error := _error(cell))), ""):
        return Result(exercise.title, NOT_YET, f"your code raised {error}")
    if "solved" in lines:
        return Result(exercise.title, SOLVED, "")
    hint = next((line.removeprefix("not yet: ") for line in lines if line.startswith("not yet: ")), trouble)
    return Result(exercise.title, NOT_YET, hint or "its check said nothing; take that cell from a fresh copy")


def _error(cell: NotebookNode) -> str:
    """The error that a cell ended with, "" where it did not."""
    for output in cell.outputs:
        if output.output_type == "error":
            took = " (stopped: it took too long)" if output.ename == "KeyboardInterrupt" else ""
            said = f"{output.ename}: {output.evalue}".strip(": \n").splitlines() or ["an error without a name"]
            return printable(said[0]) + took
    return ""


def _kept(file: Path) -> list[Result] | None:
    """Results of an earlier run; ``None`` where there are none, or none that can be read."""
    try:
        return [Result(**one) for one in json.loads(file.read_text("utf-8"))["exercises"]]
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _keep(file: Path, results: list[Result]) -> None:
    """Write results whole or not at all; without them the notebook is only run again."""
    with suppress(UserError):
        write_json(file, {"exercises": [asdict(one) for one in results]})
