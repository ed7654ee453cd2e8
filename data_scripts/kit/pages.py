"""Markdown to HTML files that need no network: formulas as MathML, everything inside."""

from __future__ import annotations

import html
import re
from functools import cache
from pathlib import Path

from docutils.utils.math import MathError
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from data_scripts.course import BADGES
from data_scripts.website.mathml import mathml
from sercourse.explain.own_page import filled

TEMPLATES = Path(__file__).parent

_HTML_LINK = re.compile(r'(<a href="(?!https?:)[^"]*\.md)"')


@cache
def _renderer() -> MarkdownIt:
    def formula(tex: str, options: dict) -> str:
        try:
            return mathml(tex, block=options["display_mode"])
        except MathError:
            return f"<code>{html.escape(tex)}</code>"

    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    return parser.use(dollarmath_plugin, renderer=formula, allow_digits=False)


def to_html(markdown: str) -> str:
    """HTML of a piece of Markdown, without the badges that would be loaded from elsewhere."""
    return _renderer().render(BADGES.sub("", markdown))


def inline_html(markdown: str) -> str:
    """HTML of a piece of Markdown on one line, such as a heading: no paragraph around it."""
    return _renderer().renderInline(markdown)


def blocks(markdown: str) -> list[tuple[str, str]]:
    """Top-level blocks of a piece of Markdown: kind (``heading``, ``paragraph``, ``bullet_list``, ``table`` …) and
    text."""
    lines, found = BADGES.sub("", markdown).splitlines(), []
    for token in _renderer().parse("\n".join(lines)):
        if token.level == 0 and token.map and token.nesting >= 0:
            text = "\n".join(lines[token.map[0] : token.map[1]]).strip()
            found.append((token.type.removesuffix("_open"), text))
    return found


def fill(template: str, **places: str) -> str:
    """A template of this folder, filled."""
    return filled((TEMPLATES / template).read_text("utf-8"), **places)


def write_page(file: Path, title: str, body: str) -> None:
    """Write one HTML page; links to Markdown pages beside it lead to their HTML."""
    body = _HTML_LINK.sub(lambda link: link[1].removesuffix(".md").replace('"../', '"') + '.html"', body)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(fill("page.html", title=html.escape(title), body=body), "utf-8")
