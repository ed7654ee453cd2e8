"""Maps to click and listen in, one per chapter, made from the first runs and kept in ``build/`` until a run changes."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from data_scripts.course import ROOT
from data_scripts.website.markdown import NOT_RUN, table
from sercourse.training.first_runs import FIRST_RUNS, first_runs, missing_first_runs
from sercourse.training.runs import read_run

CACHE = ROOT / "build" / "site-explorers"
FOLDER = "explorers"
"""Of the pages in the site."""


def at_hand() -> list[str]:
    """Chapters whose first run lies under ``SERCOURSE_RUNS``, finished."""
    missing = missing_first_runs()
    return [chapter for chapter in FIRST_RUNS if chapter not in missing]


def make_pages(chapters: Sequence[str], cache: Path = CACHE) -> dict[str, Path]:
    """The page of each chapter's first run, taken from the cache where run and page code are the same.

    Args:
        chapters: whose; their runs are there.
        cache: folder of pages.
    """
    from sercourse.explain.explore import explore  # here, for it imports much

    made = {}
    for chapter in chapters:
        run = read_run(FIRST_RUNS[chapter].folder)
        page = cache / f"{chapter}-{_digest(run.folder)}.html"
        if not page.exists():
            for stale in cache.glob(f"{chapter}-*.html"):
                stale.unlink()
            explore(run).write(page)
        made[chapter] = page
    return made


def put_into(site: Path, pages: dict[str, Path]) -> None:
    """Copy the pages into the built site, and take away those of other builds.

    Args:
        site: folder of the HTML.
        pages: chapter to file.
    """
    folder = site / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for chapter, page in pages.items():
        shutil.copyfile(page, folder / f"{chapter}.html")


def train_missing() -> None:
    """Train the first runs that are not there; minutes."""
    first_runs(missing_first_runs(), progress=True)


def explorer_list() -> str:
    """A table of the maps, with what is not there."""
    there = at_hand()
    rows = []
    for chapter, config in FIRST_RUNS.items():
        told = (f'<a href="{FOLDER}/{chapter}.html">open the map</a>', _judged(chapter)) if chapter in there else (
            NOT_RUN, ""
        )  # fmt: skip
        rows.append((chapter, config.corpus, config.protocol, *told))
    return table(("chapter", "corpus", "protocol", "map", "WA / UA on its fold"), rows)


def _judged(chapter: str) -> str:
    summary = read_run(FIRST_RUNS[chapter].folder).summary
    return f"{summary['wa']:.1f} / {summary['ua']:.1f}"


def _digest(folder: Path) -> str:
    """Over the run's summary and all code that a page can come from."""
    explain = ROOT / "sercourse" / "explain"
    found = hashlib.sha256(folder.name.encode())
    for file in (*sorted(folder.glob("*.json")), *sorted(explain.glob("*.py")), explain / "page.html"):
        found.update(file.read_bytes())
    return found.hexdigest()[:12]
