"""What must hold of the built site: links lead somewhere, pictures are described, headings are in order, and nothing is
fetched from another server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

FETCHED: dict[str, str] = {
    "img": "src", "script": "src", "audio": "src", "video": "src", "source": "src", "iframe": "src", "link": "href",
}  # fmt: skip
"""Elements whose address a browser fetches by itself."""

WITHOUT_END: tuple[str, ...] = ("br", "hr", "img", "input", "link", "meta", "source", "wbr")

_CSS_ADDRESS = re.compile(r"url\(\s*['\"]?(https?:)?//|@import\s+['\"]?(https?:)?//")


@dataclass
class Page:
    """What one HTML file has.

    Attributes:
        ids: names that a link may lead to.
        links: addresses of links.
        fetched: addresses that a browser fetches by itself.
        headings: their levels, in order.
        unclosed: elements that have no end.
        problems: what is wrong within the page.
    """

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    unclosed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attributes}
        if tag not in WITHOUT_END:
            self.page.unclosed.append(tag)
        self.page.ids |= {told[name] for name in ("id", "name") if told.get(name)}
        if tag == "a" and "href" in told:
            self.page.links.append(told["href"])
        address = told.get(FETCHED.get(tag, ""))
        if address and not (tag == "link" and told.get("rel") in ("canonical", "search")):
            self.page.fetched.append(address)
        if tag == "img" and told.get("src") and not told.get("alt", "").strip() and told.get("aria-hidden") != "true":
            self.page.problems.append(f"a picture has no alternative text: {told['src'][:60]}")
        if tag == "audio" and told.get("src") and not told.get("aria-label", "").strip():
            self.page.problems.append(f"a player has no name: {told['src'][:60]}")
        if re.fullmatch("h[1-6]", tag):
            level, before = int(tag[1]), self.page.headings[-1] if self.page.headings else 0
            if level > before + 1:
                self.page.problems.append(f"a heading <{tag}> follows <h{before}>")
            self.page.headings.append(level)

    def handle_endtag(self, tag: str) -> None:
        while tag in self.page.unclosed and self.page.unclosed.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style" and _CSS_ADDRESS.search(data):
            self.page.problems.append("a style sheet in the page fetches from another server")


def read_page(text: str) -> Page:
    """What is in an HTML text."""
    reader = _Reader()
    reader.feed(text)
    return reader.page


def problems(site: Path, private: tuple[str, ...] = ()) -> list[str]:
    """Everything that is wrong with a built site, a line each; empty where all is well.

    Args:
        site: folder of the HTML.
        private: texts that must stand on no page, such as the folder it was built in.
    """
    pages = {file: read_page(file.read_text("utf-8")) for file in sorted(site.rglob("*.html"))}
    found = []
    for file, page in pages.items():
        name = file.relative_to(site)
        found += [f"{name}: {told}" for told in page.problems]
        found += [f"{name}: fetches {address}" for address in page.fetched if _elsewhere(address)]
        targets = {*page.links, *(address for address in page.fetched if not _elsewhere(address))}
        found += [f"{name}: {told}" for told in _dead(file, sorted(targets), pages, site)]
        text = file.read_text("utf-8")
        found += [f"{name}: names '{one}'" for one in private if one in text]
    for sheet in sorted(site.rglob("*.css")):
        if _CSS_ADDRESS.search(sheet.read_text("utf-8")):
            found.append(f"{sheet.relative_to(site)}: fetches from another server")
    return found


def _elsewhere(address: str) -> bool:
    return bool(re.match(r"(?:[a-z]+:)?//", address))


def _dead(file: Path, addresses: list[str], pages: dict[Path, Page], site: Path) -> Iterator[str]:
    """Links of a page to files or names that are not there."""
    for address in addresses:
        if _elsewhere(address) or re.match(r"(?:mailto|data|javascript|about|blob):", address):
            continue
        path, anchor = urldefrag(address)
        path = unquote(path).partition("?")[0]
        if path.startswith("/"):
            yield f"links to {address}, which depends on where the site lies"
            continue
        target = (file.parent / path).resolve() if path else file.resolve()
        target = target / "index.html" if target.is_dir() else target
        if not target.is_relative_to(site.resolve()) or not target.exists():
            yield f"links to {address}, which is not there"
        elif anchor and target.suffix == ".html" and unquote(anchor) not in _ids(target, pages, site):
            yield f"links to {address}, and that page has no '{unquote(anchor)}'"


def _ids(target: Path, pages: dict[Path, Page], site: Path) -> set[str]:
    return pages[site / target.relative_to(site.resolve())].ids
