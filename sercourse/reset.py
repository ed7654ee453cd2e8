"""A spoilt notebook back as it was, without losing what its reader wrote.

The original comes from git (the last commit), else from the folder ``originals`` beside the notebooks' own, else from
the copies that ``sercourse prefetch --notebooks`` keeps in the cache. Kept are the answers, which are the code cells
tagged ``exercise``, and cells that somebody added, which move to the end. Everything else is as in the original; the
spoilt notebook stays beside it under another name.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sercourse.errors import UserError
from sercourse.notebooks import BEFORE_RESET, ORIGINALS, committed, pristine_dir

EXERCISE = "exercise"
"""Tag of the cells that are answers."""

HEADING = "## Your own cells\n\nThey were between the others before `sercourse reset`."

_DEFINED = re.compile(r"^(?:def|class)\s+(\w+)|^(\w+)\s*=", re.MULTILINE)


@dataclass(frozen=True)
class Reset:
    """What was done.

    Attributes:
        source: where the original comes from, in words.
        answers: what the kept answers define, such as ``time_to_channels``.
        added: number of cells of one's own.
        backup: where the spoilt notebook lies; ``None`` where there was none.
    """

    source: str
    answers: tuple[str, ...]
    added: int
    backup: Path | None


def reset_notebook(path: Path, original: Path | None = None) -> Reset:
    """Put a notebook back.

    Args:
        path: the notebook; where it is gone, the original is written.
        original: the untouched notebook; ``None``: git's last commit, else that in ``originals``, else in the cache.

    Raises:
        UserError: no original is found, the notebook cannot be read as one, or cannot be written.
    """
    try:
        pristine, source = _pristine(path, original)
        spoilt = _parse(path.read_bytes(), path) if path.exists() else None
    except OSError as error:
        raise UserError(
            f"{error.filename or path}: cannot be read ({error.strerror}); copy the notebook to a folder of yours."
        ) from None
    answers, added = _carry_over(spoilt, pristine) if spoilt else ((), 0)
    content = _as_json(pristine, path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        backup = _backup_name(path) if spoilt else None
        if backup is not None:
            backup.write_bytes(path.read_bytes())
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); copy it to a folder of yours.") from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return Reset(source, answers, added, backup)


def _as_json(notebook: dict, path: Path) -> bytes:
    """A notebook as Jupyter writes it; where an answer holds half a surrogate pair, which is no text, in ASCII."""
    try:
        return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(notebook, indent=1) + "\n").encode()
    except RecursionError:
        raise UserError(f"{path}: a cell of it is nested too deeply; delete that cell, then reset again.") from None


def _pristine(path: Path, original: Path | None) -> tuple[dict, str]:
    """The original notebook, and where it is from."""
    if original is not None:
        if not original.is_file():
            raise UserError(f"--original {original}: there is no such file; name the untouched notebook.")
        return _parse(original.read_bytes(), original), str(original)
    if (last := committed(path)) is not None:
        return _parse(last, path), "git's last commit"
    handed = path.resolve().parent.parent / ORIGINALS / path.name
    kept = pristine_dir() / path.name
    for one in (handed, kept):
        if one.is_file():
            return _parse(one.read_bytes(), one), str(one)
    raise UserError(
        f"{path}: no original is at hand, neither in git nor as {kept}; fetch the notebook again and name it with"
        " --original FILE."
    )


def _parse(content: bytes, path: Path) -> dict:
    """A notebook of format 4 as a dictionary; ids, metadata and tags that are none are left out of its cells.

    Raises:
        UserError: it is none.
    """
    try:
        notebook = json.loads(content.decode("utf-8"))
        if not isinstance(notebook["cells"], list):
            raise TypeError
        for cell in notebook["cells"]:
            _tidy(cell)
        return notebook
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        where = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else "no cells in it"
        raise UserError(
            f"{path}: is no notebook any more ({where}), so no answer can be read from it; rename it, and `sercourse"
            " reset` writes the original in its place."
        ) from None


def _tidy(cell: dict) -> None:
    """Leave out what other programs wrote into a cell and the format does not know.

    Raises:
        KeyError, TypeError: it is no cell.
    """
    source = cell["source"]
    if not isinstance(cell["cell_type"], str) or not (isinstance(source, str) or _are_texts(source)):
        raise TypeError
    if not isinstance(cell.get("id"), str):
        cell.pop("id", None)
    if not isinstance(cell.get("metadata"), dict):
        cell["metadata"] = {}
    if not _are_texts(cell["metadata"].get("tags", [])):
        del cell["metadata"]["tags"]


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _text(cell: dict) -> str:
    """The source of a cell, which is a string or a list of lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _is_answer(cell: dict) -> bool:
    return cell["cell_type"] == "code" and EXERCISE in cell["metadata"].get("tags", ())


def _defined(cell: dict) -> list[str]:
    """What a cell defines at its top level, as far as a glance tells; it may not even be Python any more."""
    return [name for found in _DEFINED.findall(_text(cell)) for name in found if name]


def _carry_over(spoilt: dict, pristine: dict) -> tuple[tuple[str, ...], int]:
    """Put the answers of one notebook into another, and at its end the cells that it does not have."""
    places = {cell["id"]: cell for cell in pristine["cells"] if "id" in cell}
    original = {_text(cell).strip() for cell in pristine["cells"]}
    kept: list[str] = []
    own: list[dict] = []
    filled: set[int] = set()
    for cell in spoilt["cells"]:
        text = _text(cell).strip()
        if not text or text in original or text == HEADING:
            continue
        place = _place_of(cell, places, pristine)
        if place is not None and id(place) not in filled:
            filled.add(id(place))
            kept.append(next(iter(_defined(place)), "an exercise"))
            place |= {"source": cell["source"], "outputs": [], "execution_count": None}
        elif cell.get("id") not in places or _is_answer(cell):
            own.append(cell)
    if own:
        pristine["cells"] += [{"cell_type": "markdown", "id": "own-cells", "metadata": {}, "source": HEADING}, *own]
        _give_ids(pristine)
    return tuple(kept), len(own)


def _place_of(cell: dict, places: dict, pristine: dict) -> dict | None:
    """The exercise that a cell answers: by its id, else (Colab gives cells other ids) by what it defines.

    An id counts only where the cell defines what the exercise asks for, or nothing at all: another edition of the
    notebook may have given that id to another exercise.
    """
    if cell["cell_type"] != "code":
        return None
    names = set(_defined(cell))
    named = places.get(cell.get("id"))
    if named is not None and _is_answer(named) and (not names or names & set(_defined(named))):
        return named
    candidates: Iterator[dict] = (one for one in pristine["cells"] if _is_answer(one))
    return next((one for one in candidates if names & set(_defined(one))), None) if _is_answer(cell) else None


def _give_ids(notebook: dict) -> None:
    """Ids that are there once; a cell of a notebook without ids gets one."""
    seen: set[str] = set()
    for number, cell in enumerate(notebook["cells"]):
        if cell.get("id") in seen or "id" not in cell:
            cell["id"] = f"own-{number:03d}"
        seen.add(cell["id"])


def _backup_name(path: Path) -> Path:
    """``NAME.before-reset.ipynb``, with a number where that is taken."""
    for number in range(1, 1000):
        name = path.with_name(f"{path.stem}{BEFORE_RESET}{'' if number == 1 else f'-{number}'}.ipynb")
        if not name.exists():
            return name
    raise UserError(f"{path}: a thousand earlier notebooks lie beside it; delete some of them.")
