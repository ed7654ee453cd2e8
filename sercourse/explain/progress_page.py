"""How far a student is, as one HTML file that asks for nothing from anywhere.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from sercourse.explain.exercise_progress import NOT_BEGUN, NOT_RUN, NOT_YET, SOLVED, ChapterResult, Result
from sercourse.explain.own_page import filled, write_html

MARKS = {SOLVED: "✓", NOT_YET: "○", NOT_BEGUN: "–", NOT_RUN: "✗"}
"""Beside the word, which is read aloud."""


def write_progress(file: Path, chapters: Sequence[ChapterResult]) -> Path:
    """Write the page; its folder is made.

    Raises:
        UserError: the file cannot be written.
    """
    solved, total = sum(c.solved for c in chapters), sum(len(c.exercises) for c in chapters)
    sections = "\n".join(_section(chapter) for chapter in chapters)
    template = (files("sercourse.explain") / "progress.html").read_text("utf-8")
    told = f"{solved} of {total} exercises are solved."
    return write_html(file, filled(template, total=told, sections=sections))


def _section(chapter: ChapterResult) -> str:
    total, title = len(chapter.exercises), html.escape(chapter.title)
    counted = f"{chapter.solved} of {total} solved" if total else "no exercises"
    meter = f'<meter min="0" max="{total}" value="{chapter.solved}" aria-label="{title}: {counted}"></meter>'
    rows = "".join(_row(one) for one in chapter.exercises)
    listed = f"<ul>{rows}</ul>" if rows else ""
    return f"<section><h2>{title}</h2><p>{meter if total else ''} {counted}</p>{listed}</section>"


def _row(one: Result) -> str:
    kind, mark = one.state.replace(" ", "-"), MARKS[one.state]
    said = f"<p>{html.escape(one.message)}</p>" if one.message else ""
    state = f'<strong><span aria-hidden="true">{mark}</span> {one.state}</strong>'
    return f'<li class="{kind}">{state} {html.escape(one.title)}{said}</li>'
