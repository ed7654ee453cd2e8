"""Build the site: ``python -m data_scripts.website``; see ``--help``.

Steps: pages are put together in ``build/site-src``, Sphinx makes ``build/site`` of them (a warning is an error), the
explorers are copied in, what an earlier build left is taken away, and every link is checked.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from data_scripts.course import ROOT
from data_scripts.website.markdown import write

SOURCE, SITE = ROOT / "build" / "site-src", ROOT / "build" / "site"
DOCS = ROOT / "docs"
WRITTEN_BESIDE: tuple[str, ...] = ("genindex.html", "py-modindex.html", "search.html")
"""Pages that Sphinx makes of no page of the source."""

LEFT_ALONE: tuple[str, ...] = ("_static", "explorers")
"""Folders of the site whose files belong to no page of the source."""


def assemble(target: Path = SOURCE, *, solutions: bool = False) -> None:
    """Put all pages together.

    Args:
        target: where to.
        solutions: for instructors: with the solutions.
    """
    from data_scripts.website import corpora, notebooks, papers, reference
    from data_scripts.website.figures import WRITTEN, fill

    others = {file.relative_to(ROOT).as_posix() for file in DOCS.rglob("*.md")}
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        chapters = notebooks.write_chapters(fresh, solutions=solutions)
        for file in sorted(DOCS.rglob("*.md")):
            text = file.read_text("utf-8")
            if file.name not in WRITTEN:
                text = notebooks.relinked(text, file.relative_to(ROOT).parent.as_posix(), others)
            text = fill(text, file.name)
            if file.name == "index.md" and solutions:
                text += "\n" + _tree("Solutions", [f"{notebooks.FOLDER}/{one}" for one in chapters if "/" in one])
            write(fresh / file.relative_to(DOCS), text)
        shutil.copytree(DOCS / "images", fresh / "images")
        write(fresh / "corpora.md", corpora.corpora_page())
        papers.write_papers(fresh)
        reference.write_reference(fresh)
        synchronise(fresh, target)


def synchronise(fresh: Path, target: Path) -> None:
    """Make a folder equal to another one; files that are the same keep their time, so that Sphinx reads the rest alone.

    Args:
        fresh: as it should be.
        target: as it was.
    """
    wanted = {file.relative_to(fresh) for file in fresh.rglob("*") if file.is_file()}
    for file in [file for file in target.rglob("*") if file.is_file()]:
        if file.relative_to(target) not in wanted:
            file.unlink()
    for name in wanted:
        place = target / name
        if not place.exists() or place.read_bytes() != (fresh / name).read_bytes():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(fresh / name, place)


def sphinx(builder: str = "html", source: Path = SOURCE, site: Path = SITE) -> int:
    """Run Sphinx; warnings are errors. Returns its exit code."""
    from sphinx.cmd.build import main as build

    doctrees = source.parent / f"{source.name}-doctrees"
    asked = ["-q", "-W", "--keep-going", "-j", "2", "-b", builder, "-c", str(DOCS), "-d", str(doctrees)]
    return build([*asked, str(source), str(site)])


def clear_if_other(source: Path, site: Path) -> None:
    """Empty the site where it has other pages than the source: each page lists them all, and Sphinx neither removes old
    pages nor writes unchanged ones anew.

    Args:
        source: the site's source folder.
        site: folder of the HTML.
    """
    ours = (file.relative_to(site) for file in site.rglob("*.html"))
    there = {name.as_posix() for name in ours if name.parts[0] not in LEFT_ALONE} - {*WRITTEN_BESIDE}
    pages = (file.relative_to(source) for file in source.rglob("*") if file.suffix in (".md", ".ipynb", ".rst"))
    if there != {name.with_suffix(".html").as_posix() for name in pages}:
        shutil.rmtree(site, ignore_errors=True)


def remove_pictures(site: Path) -> None:
    """Remove pictures of earlier builds, which no page shows any more.

    Args:
        site: folder of the HTML.
    """
    from data_scripts.website.links import read_page

    shown = set()
    for file in site.rglob("*.html"):
        page = read_page(file.read_text("utf-8"))
        shown |= {unquote(address).rpartition("/")[2] for address in (*page.links, *page.fetched)}
    for picture in (site / "_images").glob("*"):
        if picture.name not in shown:
            picture.unlink()


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m data_scripts.website", description=__doc__.splitlines()[0])
    parser.add_argument("--solutions", action="store_true", help="for instructors: with the solutions")
    parser.add_argument("--external", action="store_true", help="check links to other servers instead (needs them)")
    asked = parser.parse_args(arguments)
    from data_scripts.website import explorers, links

    if os.environ.get("SITE_EXPLORERS") == "all":
        _timed("explorers: training the runs that are missing", explorers.train_missing)
    _timed("pages", lambda: assemble(solutions=asked.solutions))
    if asked.external:
        return sphinx("linkcheck", site=SITE.parent / "site-links")
    there = explorers.at_hand()
    maps = _timed(f"explorers: {len(there)} of {len(explorers.FIRST_RUNS)} first runs are there",
                  lambda: explorers.make_pages(there))  # fmt: skip
    clear_if_other(SOURCE, SITE)
    if _timed("Sphinx", sphinx):
        print("Sphinx found something wrong; see above.", file=sys.stderr)
        return 1
    explorers.put_into(SITE, maps)
    remove_pictures(SITE)
    wrong = _timed("links", lambda: links.problems(SITE, private=(str(ROOT), str(Path.home()) + "/")))
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{SITE / 'index.html'}: open it in a browser" if not wrong else f"{len(wrong)} problems")
    return int(bool(wrong))


def _timed(title: str, step: Callable[[], Any]) -> Any:
    begun = time.perf_counter()
    found = step()
    print(f"{title}: {time.perf_counter() - begun:.0f} s", flush=True)
    return found


def _tree(caption: str, pages: list[str]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])


if __name__ == "__main__":
    sys.exit(main())
