"""Small pieces of Markdown that all generated pages are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

NOT_RUN = "*not run yet*"
"""What stands where nothing was measured."""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; the first column is text, the others are whatever they are.

    Args:
        head: column names.
        rows: cells; a float is shown with one decimal, ``None`` as a dash.
    """
    lines = [_row(head), "|" + "---|" * len(head)]
    return "\n".join([*lines, *(_row(row) for row in rows)])


def shown(value: object) -> str:
    """A cell: floats with one decimal, ``None`` as a dash, everything else as it is."""
    if value is None:
        return "–"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def section(title: str, *parts: str, level: int = 2, label: str = "") -> str:
    """A heading and its paragraphs; empty ones are left out.

    Args:
        title: of the section.
        parts: paragraphs and tables.
        level: 1 for a page's title.
        label: name for links to it; "": none.
    """
    named = [f"({label})="] if label else []
    return "\n\n".join(["\n".join([*named, f"{'#' * level} {title}"]), *filter(None, parts)]) + "\n"


def write(path: Path, text: str) -> None:
    """Write a page; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(shown(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
