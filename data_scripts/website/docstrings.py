"""A Sphinx extension: docstrings name the notebook that builds a thing; on the site that name is a link."""

from __future__ import annotations

import re

from sphinx import addnodes
from sphinx.application import Sphinx

VALUES = ("attribute", "data", "property")
"""What Sphinx calls things that are described by a sentence, not by sections."""

_NOTEBOOK = re.compile(r"^\s*Notebook: (\d\d_\w+)\.ipynb\.?$")
_MACHINE = re.compile(r"(?:Posix|Windows)Path\(|object at 0x")  # a value that is one machine's, or one process's
_SOURCE = re.compile(r"^\s*Source: (.+)$")


def linked(lines: list[str], pages: set[str]) -> list[str]:
    """The lines of a docstring with ``Notebook: NN_name.ipynb`` and ``Source: …`` as paragraphs of their own.

    Args:
        lines: of the docstring.
        pages: names of Sphinx's pages; a chapter that is not among them stays text.
    """
    found: list[str] = []
    for line in lines:
        notebook, source = _NOTEBOOK.match(line), _SOURCE.match(line)
        if notebook:
            name = notebook[1]
            link = f":doc:`/chapters/{name}`" if f"chapters/{name}" in pages else f"{name}, in the making"
            found += ["", f"**Notebook**: {link}"]
        elif source:
            found += ["", f"**Source**: {source[1]}"]
        else:
            found.append(line)
    return found


def foreign(name: str, thing: object) -> bool:
    """Whether a module has something from elsewhere under a name, which its page leaves out.

    Args:
        name: in the module.
        thing: what it stands for.
    """
    home = getattr(thing, "__module__", None) or ""
    return not name.startswith("__") and callable(thing) and not home.startswith("sercourse")


def setup(app: Sphinx) -> dict:
    """Before and after Napoleon reads the sections: it takes the words before a colon for a type in what describes a
    value, so that such descriptions are put back as they were."""
    kept: dict[str, list[str]] = {}

    def before(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
        lines[:] = linked(lines, set(app.env.found_docs))
        if what in VALUES:
            kept[name] = list(lines)

    def after(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
        if what in VALUES:
            lines[:] = kept.pop(name, lines)

    def skip(app: Sphinx, what: str, name: str, thing: object, skipped: bool, options: object) -> bool | None:
        return True if what == "module" and foreign(name, thing) else None

    def hide(app: Sphinx, domain: str, kind: str, content: addnodes.desc_content) -> None:
        for told in list(content.parent.findall(addnodes.desc_annotation)):
            if _MACHINE.search(told.astext()):
                told.parent.remove(told)

    app.connect("object-description-transform", hide)
    app.connect("autodoc-process-docstring", before, priority=100)
    app.connect("autodoc-process-docstring", after, priority=900)
    app.connect("autodoc-skip-member", skip)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
