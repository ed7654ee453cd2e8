"""The chapters as pages: the notebooks with their stored outputs, made fit for readers without a kernel.

Badges that lie on other servers become links, a widget becomes a line that says where it works, every picture gets
an alternative text, and links that leave the site point at the repository.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from data_scripts.course import BADGES, ROOT, build, chapters
from data_scripts.website.markdown import write

WIDGET = "application/vnd.jupyter.widget-view+json"
WIDGET_NOTE = (
    "*Here a running notebook has controls to move (launch it with the links on top); a still picture follows.*"
)
FOLDER = "chapters"
"""Of the pages, below the site's root; solutions lie in a folder below it."""

_LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)\s]+)(\))")


def launch(path: str) -> str:
    """Links that open a notebook elsewhere, in Markdown with classes.

    Args:
        path: of the notebook in the repository.
    """
    where = build.repository()
    links = {
        "Open in Binder": f"https://mybinder.org/v2/gh/{where}/main?urlpath=lab/tree/{path}",
        "Open in Colab": f"https://colab.research.google.com/github/{where}/blob/main/{path}",
        "The notebook's file": f"https://github.com/{where}/raw/main/{path}",
    }
    return "\n".join(f"[{name}]({link}){{.launch}}" for name, link in links.items())


def outward(link: str, folder: str, pages: Iterable[str]) -> str:
    """A relative link of a notebook as the site needs it.

    Args:
        link: relative to ``folder``; an anchor may follow.
        folder: of the notebook, in the repository.
        pages: paths in the repository that have a page at the same relative place.
    """
    file, _, anchor = link.partition("#")
    target = posixpath.normpath(posixpath.join(folder, file))
    if not file or target in pages:
        return link
    kind = "tree" if (ROOT / target).is_dir() else "blob"
    return f"https://github.com/{build.repository()}/{kind}/main/{target}" + (f"#{anchor}" if anchor else "")


def relinked(text: str, folder: str, pages: Iterable[str]) -> str:
    """Markdown with every relative link as the site needs it; see :func:`outward`."""
    return _LINK.sub(lambda match: match[1] + outward(match[2], folder, pages) + match[3], text)


def page(path: Path, pages: Iterable[str]) -> NotebookNode:
    """One notebook as the site shows it.

    Args:
        path: of the ``.ipynb``, inside the repository.
        pages: see :func:`outward`.
    """
    notebook = nbformat.read(path, as_version=4)
    build.describe_pictures(notebook)
    relative = path.relative_to(ROOT)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = BADGES.sub("", cell.source)
            cell.source = relinked(cell.source, relative.parent.as_posix(), pages)
        elif cell.cell_type == "code":
            cell.outputs = [_without_widget(output) for output in cell.outputs]
            if told := _told(cell):
                cell.metadata["mystnb"] = {"image": {"alt": told}}
    first = notebook.cells[0]
    title, _, rest = first.source.partition("\n")
    first.source = f"{title}\n\n{launch(relative.as_posix())}\n{rest}"
    return notebook


def _told(cell: NotebookNode) -> str:
    """The description of a cell's first picture, for MyST-NB has one per cell; "" where there is no picture."""
    shown = (output for output in cell.outputs if "image/png" in output.get("data", {}))
    return next((output.metadata["image/png"]["alt"] for output in shown), "")


def write_chapters(target: Path, *, solutions: bool = False) -> list[str]:
    """Write the notebooks' pages; returns their names in order.

    Args:
        target: the site's source folder.
        solutions: for instructors: the solutions, too.

    Raises:
        FileNotFoundError: ``course.yml`` calls a chapter ready that has no notebook.
    """
    names = list(chapters())
    files = [ROOT / "notebooks" / f"{name}.ipynb" for name in names]
    if solutions:
        files += [found for name in names if (found := ROOT / "notebooks" / "solutions" / f"{name}.ipynb").exists()]
    pages = {file.relative_to(ROOT).as_posix() for file in files}
    for file in files:
        write(target / FOLDER / file.relative_to(ROOT / "notebooks"), nbformat.writes(page(file, pages)))
    return [file.relative_to(ROOT / "notebooks").with_suffix("").as_posix() for file in files]


def _without_widget(output: NotebookNode) -> NotebookNode:
    if WIDGET in output.get("data", {}):
        return nbformat.v4.new_output("display_data", data={"text/markdown": WIDGET_NOTE})
    return output
