"""Build the notebooks and their solutions from one source each, run them, keep their outputs.

Each chapter is written once, as ``notebooks/source/NN_name.py`` (Jupytext's percent format). From it come

* ``notebooks/NN_name.ipynb``: what a student opens; solutions are replaced by a stub that raises,
* ``notebooks/solutions/NN_name.ipynb``: set-up, exercises with their solutions, checks.

In the source ``### BEGIN SOLUTION`` and ``### END SOLUTION`` frame a solution; cells tagged ``setup`` are what the
exercises need; cells tagged ``exercise`` and ``check`` go into both notebooks. ``{{badges}}`` and ``{{chapters}}``
are filled from ``course.yml``.

Every stored picture has a description for those who do not see it: the one its code gave (figures describe themselves,
see ``sercourse.explain.describe``; ``Image(alt=…)``), else its section and the texts on its axes. It stands in the
metadata of the output, where nbconvert looks for it.

    python notebooks/source/build.py [NN_name …] [--no-run | --keep | --check]
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
import tomllib
from pathlib import Path

import jupytext
import nbformat
import yaml
from nbformat import NotebookNode

from sercourse import corpora
from sercourse.notebooks import client

SOURCE = Path(__file__).parent
NOTEBOOKS = SOURCE.parent
ROOT = NOTEBOOKS.parent
_SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n(.*?)^ *### END SOLUTION\n?", re.MULTILINE | re.DOTALL)
_IN_SOLUTIONS = {"title", "setup", "exercise", "check"}
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_LABEL = re.compile(r"(?:title|[xy]?label)\s*[=(]\s*([\"'])([^\"'{\\$]+?)\1")


def repository() -> str:
    """The repository's address, ``owner/name``, from its one place in ``pyproject.toml``."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["sercourse"]["repository"]


def course() -> list[dict]:
    """The chapters as ``course.yml`` lists them."""
    return yaml.safe_load((NOTEBOOKS / "course.yml").read_text("utf-8"))["chapters"]


def badges(name: str) -> str:
    """Launch and view badges of one notebook, in Markdown."""
    repo, path = repository(), f"notebooks/{name}.ipynb"
    return (
        f"[![Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/{repo}/main?urlpath=lab/tree/{path})"
        f" [![Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/{repo}/blob/main/{path})"
        f" [![View](https://img.shields.io/badge/view-nbviewer-orange)](https://nbviewer.org/github/{repo}/blob/main/{path})"
    )


def chapter_table(link: str = "{name}.ipynb") -> str:
    """The map of the course, in Markdown; ``link`` says where a chapter's notebook lies."""
    lines = ["| chapter | what you build | reading | CPU (2 cores) | GPU | |", "|---|---|---|---|---|---|"]
    for c in course():
        title = f"[{c['name']}]({link.format(name=c['name'])})" if c["ready"] else c["name"]
        state = "" if c["ready"] else "in the making"
        lines.append(f"| {title} | {c['what']} | {c['reading']} | {c['cpu']} | {c['gpu']} | {state} |")
    return "\n".join(lines)


def read_source(name: str) -> NotebookNode:
    """The notebook of a source, with placeholders filled and stable cell ids."""
    text = (SOURCE / f"{name}.py").read_text("utf-8")
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{name[:2]}-{number:03d}"
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        cell.source = cell.source.replace("{{badges}}", badges(name)).replace("{{chapters}}", chapter_table())
        cell.source = cell.source.replace("{{repository}}", repository())
    return notebook


def with_stubs(notebook: NotebookNode) -> NotebookNode:
    """What a student opens: every solution replaced by a line that raises."""
    student = nbformat.from_dict(notebook)
    for cell in student.cells:
        cell.source = _SOLUTION.sub(r'\1raise NotImplementedError("your turn")\n', cell.source).rstrip("\n")
    return student


def with_solutions(notebook: NotebookNode) -> NotebookNode:
    """Set-up, exercises, solutions and checks; the rest of the chapter is left out."""
    solved = nbformat.from_dict(notebook)
    solved.cells = [c for c in solved.cells if _IN_SOLUTIONS & set(c.metadata.get("tags", []))]
    for cell in solved.cells:
        cell.source = _SOLUTION.sub(r"\2", cell.source).rstrip("\n")
        if "title" in cell.metadata.tags:
            cell.source = cell.source.splitlines()[0] + ": solutions"
    return solved


def has_exercises(notebook: NotebookNode) -> bool:
    """Whether a chapter has exercises, and so a notebook of solutions."""
    return any("exercise" in cell.metadata.get("tags", []) for cell in notebook.cells)


def targets(name: str) -> dict[Path, NotebookNode]:
    """The notebooks of one source, without outputs, by the path they are written to."""
    source = read_source(name)
    made = {NOTEBOOKS / f"{name}.ipynb": with_stubs(source)}
    if has_exercises(source):
        made[NOTEBOOKS / "solutions" / f"{name}.ipynb"] = with_solutions(source)
    return made


def alternative(code: str, heading: str) -> str:
    """What a picture shows, as far as the code tells: the section, and the texts on its axes."""
    named = "; ".join(dict.fromkeys(text for _, text in _LABEL.findall(code)))
    return f"Figure in the section “{re.sub('[*`$]', '', heading)}”" + (f": {named}" if named else "")


def describe_pictures(notebook: NotebookNode) -> None:
    """Give every picture among the outputs a description, in place; one that its code gave stays."""
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = [heading, *_HEADING.findall(cell.source)][-1]
        pictures = [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
        for output in pictures:
            known = output.metadata.get("image/png", {})
            output.metadata["image/png"] = {"alt": alternative(cell.source, heading), **known}


def keep_outputs(notebook: NotebookNode, path: Path) -> bool:
    """Take the outputs of the notebook stored at ``path``; False, and nothing taken, where a code cell has changed."""
    if not path.exists():
        return False
    stored = nbformat.read(path, as_version=4)
    old, fresh = ([cell for cell in each.cells if cell.cell_type == "code"] for each in (stored, notebook))
    if [cell.source for cell in old] != [cell.source for cell in fresh]:
        return False
    notebook.metadata = stored.metadata
    for cell, before in zip(fresh, old):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    return True


def run(notebook: NotebookNode, folder: Path) -> float:
    """Run a notebook in place, from the folder it lies in; returns the seconds it took."""
    begun = time.perf_counter()
    client(notebook, folder, seconds=600).execute()
    notebook.metadata.pop("widgets", None)  # their state is large, and stills stand beside them
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return time.perf_counter() - begun


def same_sources(path: Path, notebook: NotebookNode) -> bool:
    """Whether the committed notebook has the cells that its source would give."""
    if not path.exists():
        return False
    committed = nbformat.read(path, as_version=4)
    return [(c.cell_type, c.source) for c in committed.cells] == [(c.cell_type, c.source) for c in notebook.cells]


def main() -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="chapters (default: all)")
    parser.add_argument("--no-run", action="store_true", help="write the notebooks without outputs")
    parser.add_argument("--keep", action="store_true", help="run nothing, keep the outputs: only prose has changed")
    parser.add_argument("--check", action="store_true", help="only say which notebooks differ from their source")
    options = parser.parse_args()
    for variable in ("SERCOURSE_DATA", "SERCOURSE_CACHE", "SERCOURSE_RUNS"):
        os.environ.pop(variable, None)  # what is committed shows no folder of one machine
    if not (options.check or options.no_run or options.keep):
        corpora.load("synthetic")  # made here once, so that no progress bar of it lands in a notebook
    stale = 0
    for name in options.names or sorted(p.stem for p in SOURCE.glob("[0-9][0-9]_*.py")):
        for path, notebook in targets(name).items():
            shown = path.relative_to(ROOT)
            if options.check:
                if not same_sources(path, notebook):
                    stale += 1
                    print(f"{shown}: differs from its source; run `make notebooks`")
                continue
            if options.keep and not keep_outputs(notebook, path):
                stale += 1
                print(f"{shown}: a code cell has changed, so it must run; run `make notebooks`")
                continue
            seconds = 0.0 if options.no_run or options.keep else run(notebook, path.parent)
            describe_pictures(notebook)
            path.parent.mkdir(exist_ok=True)
            nbformat.write(notebook, path)
            print(f"{shown}: {len(notebook.cells)} cells, {seconds:.0f} s, {path.stat().st_size / 1e3:.0f} kB")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
