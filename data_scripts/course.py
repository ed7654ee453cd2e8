"""What site, kit and README have in common: the repository, the notebooks' builder, the chapters that are ready."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "notebooks" / "source"))

import build

ROOT = build.ROOT
"""The repository."""

BADGES = re.compile(r"^\[!\[Binder\].*$", re.MULTILINE)
"""The line of a notebook's badges, which are pictures of other servers."""

QUESTION = re.compile(r"\*\*\d+\.\*\*")
"""With which a cell with a question of the quiz begins."""


def chapters() -> dict[str, dict]:
    """The chapters that are ready, by name, each as it stands in ``course.yml``."""
    return {chapter["name"]: chapter for chapter in build.course() if chapter["ready"]}


def extras() -> str:
    """The extras of the library that ``make`` installs, as ``pip`` takes them: ``one,two``."""
    return re.search(r"^EXTRAS := (\S+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)[1]
