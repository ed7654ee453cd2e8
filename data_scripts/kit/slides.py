"""Slides of a chapter, taken from its notebook: headings, first paragraphs, findings, pictures and players.

Which cells go on a slide follows from what they are; nothing is copied by hand:

* the title, what one will learn and how long it takes;
* every section: its heading and first block; a table or formula that follows at once;
* every stored picture, table or player, its code folded, with what was found below it;
* boxes (``>``), exercises with their stub, quiz questions with their answer folded, the summary.

Set-up and references stay in the notebook.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from nbformat import NotebookNode

from data_scripts.course import QUESTION
from data_scripts.kit.pages import blocks, fill, inline_html, to_html

SKIPPED = ("Set-up", "References")
"""Sections without slides."""

SENTENCES = 3
"""Of a paragraph, at most; the rest is in the notebook."""

LETTERS = 700
"""Of a list that still fits below a picture."""

ROWS = 14
"""Of a table that still fits on a slide."""

_HINT = re.compile(r"^\*Hint:\*.*", re.MULTILINE | re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.:!?])(?<!e\.g\.)(?<!i\.e\.)(?<!al\.)\s+(?=[A-Z*`“])")


@dataclass
class Slide:
    """One slide; ``level`` is 1 for the chapter's title."""

    heading: str
    parts: list[str] = field(default_factory=list)
    level: int = 2
    awaits: bool = False
    """A picture whose finding is still to come."""

    def to_html(self) -> str:
        """The slide as a section of the page."""
        title, body = f"<h{self.level}>{inline_html(self.heading)}</h{self.level}>", "\n".join(self.parts)
        return f'<section class="slide">{title}\n{body}\n</section>'


def deck(notebook: NotebookNode) -> str:
    """The page with all slides of a notebook that has its outputs."""
    made = [slide for slide in slides(notebook) if slide.parts or slide.level == 1]
    return fill("slides.html", title=html.escape(made[0].heading), slides="\n".join(s.to_html() for s in made))


def slides(notebook: NotebookNode) -> list[Slide]:
    """The slides in order."""
    made: list[Slide] = []
    section = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            found = list(_prose(cell, section, made[-1] if made else None))
            made += found
            section = found[-1].heading if found else section
            headings = [text for kind, text in blocks(cell.source) if kind == "heading"]
            section = headings[-1].lstrip("# ") if headings else section
        elif section not in SKIPPED:
            made += _shown(cell, section, made[-1] if made else None)
    return made


def _prose(cell: NotebookNode, section: str, last: Slide | None) -> Iterator[Slide]:
    """Slides that a cell of text begins; a finding goes below the picture before it."""
    if QUESTION.match(cell.source):
        question, _, answer = cell.source.partition("<details>")
        folded = f'<details class="quiz">{to_html(answer)}' if answer else ""
        yield Slide("Quiz", [to_html(question), folded])
        return
    slide: Slide | None = None
    found: Slide | None = None  # what was found may go on as a list
    for kind, text in blocks(_HINT.sub("", cell.source)):
        if kind == "heading":
            if slide is not None and slide.heading not in SKIPPED:
                yield slide
            marks, _, title = text.partition(" ")
            slide, section = Slide(title, level=1 if marks == "#" else 2), title
        elif section in SKIPPED:
            continue
        elif slide is not None:
            whole = slide.level == 1 or section == "Summary" or "exercise" in cell.metadata.get("tags", [])
            first = not slide.parts or kind in ("table", "math_block", "blockquote")
            if whole or (first and len(slide.parts) < 2):
                slide.parts.append(to_html(text if whole else _short(kind, text)))
        elif kind == "paragraph" and text.startswith("**"):
            if last is not None and last.awaits:
                last.parts.append(to_html(_short(kind, text)))
                last.awaits, found = False, last
            else:
                found = Slide(section, [to_html(_short(kind, text))])
                yield found
        elif kind == "bullet_list" and found is not None and len(text) <= LETTERS:
            found.parts.append(to_html(text))
            found = None
        elif kind == "blockquote" and text.startswith("> **"):
            yield Slide(section, [to_html(text)])
    if slide is not None and slide.heading not in SKIPPED:
        yield slide


def _short(kind: str, text: str) -> str:
    """The first sentences of a paragraph; everything else as it is."""
    return " ".join(_SENTENCE.split(text)[:SENTENCES]) if kind == "paragraph" else text


def _shown(cell: NotebookNode, section: str, last: Slide | None) -> Iterator[Slide]:
    """A slide per picture, table or player of a cell; a stub goes below its exercise."""
    tags = set(cell.metadata.get("tags", []))
    code = f"<pre><code>{html.escape(cell.source)}</code></pre>"
    if "exercise" in tags and last is not None:
        last.parts.append(code)
    if tags & {"exercise", "check", "setup"}:
        return
    made: list[Slide] = []
    for output in cell.outputs:
        shown = _visible(output)
        before = made[-1] if made else last
        if shown and before is not None and "<audio" in shown and "<table" not in shown:
            before.parts.append(shown)  # what one hears belongs to what one sees
        elif shown:
            made.append(Slide(section, [shown], awaits=True))
    if made:
        made[0].parts.append(f"<details><summary>code</summary>{code}</details>")
    yield from made


def _visible(output: NotebookNode) -> str:
    """What an output shows on a slide; "" for text and for widgets, which need a kernel."""
    data = output.get("data", {})
    if "application/vnd.jupyter.widget-view+json" in data:
        return ""
    if "image/png" in data:
        told = html.escape(output.metadata.get("image/png", {}).get("alt", ""), quote=True)
        return f'<img alt="{told}" src="data:image/png;base64,{"".join(data["image/png"].split())}">'
    markup = data.get("text/html", "")
    if markup and "<script" not in markup:
        markup = re.sub(r"<style\b.*?</style>", "", markup, flags=re.DOTALL)
        return f'<div class="wide">{markup}</div>' if markup.count("<tr") <= ROWS else ""
    return to_html(data["text/markdown"]) if "text/markdown" in data else ""
