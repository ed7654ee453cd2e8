"""HTML files of our own: templates with ``{{places}}``, one palette, one way to be written.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

import re
from pathlib import Path

from sercourse.errors import UserError

LIGHT = (
    "--back: #ffffff; --card: #f5f6f8; --ink: #16191d; --soft: #57606a; --line: #d0d7de; --accent: #0b5cad;"
    " --good: #08653f; --open: #8a4600; --bad: #a1260d;"
)
DARK = (
    "--back: #0f1216; --card: #191e25; --ink: #f0f3f6; --soft: #a9b4c0; --line: #39424d; --accent: #7cc0ff;"
    " --good: #5fd3a2; --open: #ffb35c; --bad: #ff9580;"
)
"""CSS variables of every page; in a template ``{{light}}`` and ``{{dark}}``."""


def filled(template: str, **places: str) -> str:
    """A template with its places filled, all in one go: what is filled in may hold braces.

    Args:
        template: HTML with ``{{name}}`` where something goes.
        **places: name to HTML; ``light`` and ``dark`` are there.

    Raises:
        KeyError: a place that nothing goes into.
    """
    known = {"light": LIGHT, "dark": DARK, **places}
    return re.sub(r"\{\{(\w+)\}\}", lambda place: known[place[1]], template)


def write_html(file: Path, page: str) -> Path:
    """Write a page that ``--html`` asked for; its folder is made.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, "utf-8")
    except (OSError, ValueError) as error:  # ValueError: a path or a text that no file can have
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"--html {file}: cannot be written ({reason}); choose another place.") from None
    return file
