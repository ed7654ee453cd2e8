"""Write the repository's address into everything that names it.

The address stands in ``pyproject.toml`` ([tool.sercourse] repository); badges, launch links, CITATION.cff and the
notebooks' set-up cells are written from it. ``make badges REPO=owner/name`` calls this.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")


def current_address(root: Path = ROOT) -> str:
    """``owner/name`` as ``pyproject.toml`` gives it."""
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["sercourse"]["repository"]


def files_that_name_it(root: Path = ROOT) -> list[Path]:
    """The files in which the address stands."""
    notebooks = sorted((root / "notebooks").glob("*.ipynb")) + sorted((root / "notebooks/solutions").glob("*.ipynb"))
    return [root / "pyproject.toml", root / "README.md", root / "CITATION.cff", *notebooks]


def change_address(new: str, root: Path = ROOT) -> list[Path]:
    """Replace the address everywhere; returns the files that changed.

    Raises:
        ValueError: ``new`` is not of the form ``owner/name``.
    """
    if not _ADDRESS.fullmatch(new):
        raise ValueError(f"REPO={new!r} is not of the form owner/name, for instance REPO=my-lab/sercourse.")
    old = current_address(root)
    whole = re.compile(rf"(?<![\w.-]){re.escape(old)}(?![\w-])")
    changed = []
    for path in files_that_name_it(root):
        text = path.read_text("utf-8")
        rewritten = whole.sub(new, text)
        if rewritten != text:
            path.write_text(rewritten, "utf-8")
            changed.append(path)
    return changed


def main() -> int:
    """Command line; returns the exit code."""
    try:
        changed = change_address(sys.argv[1] if len(sys.argv) > 1 else "")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(f"{path.relative_to(ROOT)}: address written" for path in changed) or "the address was that already")
    return 0


if __name__ == "__main__":
    sys.exit(main())
