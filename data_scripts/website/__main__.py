"""Build the site: ``python -m data_scripts.website``; see ``--help``.

Steps: pages are put together in ``build/site-src``, Sphinx makes ``build/site`` of them (a warning is an error), the
explorers are copied in, and every link is checked.
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

from data_scripts.website.markdown import ROOT, write

SOURCE, SITE = ROOT / "build" / "site-src", ROOT / "build" / "site"
DOCS = ROOT / "docs"


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
    if _timed("Sphinx", sphinx):
        print("Sphinx found something wrong; see above.", file=sys.stderr)
        return 1
    explorers.put_into(SITE, maps)
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
