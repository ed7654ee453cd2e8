"""Write the instructor's kit to ``build/kit/``, from the notebooks, their sources and ``docs/teaching/``.

    python -m data_scripts.kit                  everything
    python -m data_scripts.kit --pages          only docs/teaching/timetables.md and check_in.md, from their YAML
    python -m data_scripts.kit --check          say whether these two are up to date; exit code 1 if not

``build/kit/`` then holds ``slides/`` (one HTML file per chapter, works offline, prints), ``student/`` (notebooks
without solutions and their originals, the library, how to start), ``key/`` (solutions and answers, on one page that
prints), ``teaching/`` (timetables, check-in questions, what goes wrong in the room) and a zip of each. Nothing is run:
outputs are those that the notebooks are stored with.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from data_scripts.course import ROOT, build, chapters
from data_scripts.kit.answer_key import answer_key
from data_scripts.kit.pages import to_html, write_page
from data_scripts.kit.slides import deck
from data_scripts.kit.timetables import TEACHING, written
from sercourse.notebooks import ORIGINALS

KIT = ROOT / "build" / "kit"
PARTS = ("slides", "student", "key", "teaching")


def notebook_of(name: str) -> NotebookNode:
    """A student's notebook as it is stored, every picture described.

    Raises:
        SystemExit: it is not built.
    """
    path = ROOT / "notebooks" / f"{name}.ipynb"
    if not path.exists():
        raise SystemExit(f"{path.relative_to(ROOT)} is not built yet; run `make notebooks`.")
    notebook = nbformat.read(path, as_version=4)
    build.describe_pictures(notebook)
    return notebook


def write_slides(folder: Path) -> None:
    """One deck per chapter."""
    folder.mkdir(parents=True)
    for name in chapters():
        (folder / f"{name}.html").write_text(deck(notebook_of(name)), "utf-8")


def write_student(folder: Path) -> None:
    """What students get: notebooks with stubs, the library and the versions it was tested with, and how to start."""
    (folder / "notebooks").mkdir(parents=True)
    for name in chapters():
        nbformat.write(notebook_of(name), folder / "notebooks" / f"{name}.ipynb")
    shutil.copytree(folder / "notebooks", folder / ORIGINALS)
    shutil.copy(ROOT / "constraints.txt", folder)
    build_wheel(folder)
    write_teaching_page(TEACHING / "student.md", folder / "start.html")


def build_wheel(folder: Path) -> None:
    """The library as one file that ``pip`` installs.

    Raises:
        SystemExit: it cannot be built, most often for want of a network.
    """
    command = [sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SystemExit(f"the wheel for students cannot be built ({reason}); connect to the network and try again.")
    (folder / ".gitignore").unlink(missing_ok=True)  # uv's


def write_key(folder: Path) -> None:
    """What only instructors get."""
    write_page(folder / "answer_key.html", "sercourse: answer key", answer_key())


def write_teaching(folder: Path) -> None:
    """The pages of ``docs/teaching/``, and what they refer to."""
    for page in [*sorted(TEACHING.glob("*.md")), TEACHING.parent / "offline.md"]:
        write_teaching_page(page, folder / f"{page.stem}.html")


def write_teaching_page(page: Path, file: Path) -> None:
    """One Markdown page as HTML."""
    text = page.read_text("utf-8")
    title = re.search(r"^# (.+)$", text, re.MULTILINE)
    write_page(file, f"sercourse: {title[1] if title else page.stem}", to_html(text))


def write_kit(kit: Path) -> list[Path]:
    """The whole kit; returns the zip files. What lay in the folder before goes."""
    shutil.rmtree(kit, ignore_errors=True)
    kit.mkdir(parents=True)
    for part, writer in zip(PARTS, (write_slides, write_student, write_key, write_teaching), strict=True):
        writer(kit / part)
    return [Path(shutil.make_archive(str(kit / part), "zip", kit, part)) for part in PARTS]


def stale_pages() -> list[str]:
    """Pages of ``docs/teaching/`` that differ from what their YAML gives."""
    return [
        name for name, text in written().items()
        if not (TEACHING / name).exists() or (TEACHING / name).read_text("utf-8") != text
    ]  # fmt: skip


def main() -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m data_scripts.kit", description=__doc__.splitlines()[0])
    parser.add_argument("--pages", action="store_true", help="only docs/teaching/timetables.md and check_in.md")
    parser.add_argument("--check", action="store_true", help="only say whether these two are up to date")
    options = parser.parse_args()
    if options.check:
        for name in (stale := stale_pages()):
            print(f"docs/teaching/{name} differs from its YAML or course.yml; run: python -m data_scripts.kit --pages")
        return int(bool(stale))
    for name, text in written().items():
        (TEACHING / name).write_text(text, "utf-8")
    if not options.pages:
        for archive in write_kit(KIT):
            print(f"{archive.relative_to(ROOT)}: {archive.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
