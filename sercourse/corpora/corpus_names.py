"""What the name of a corpus, or of several with commas, is made of.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

CSV = "csv:"
"""What a name begins with that is a file's path."""


def is_file(name: str) -> bool:
    """Whether a name is ``csv:`` and a file that exists, whatever its path holds."""
    return name.startswith(CSV) and Path(name.removeprefix(CSV)).expanduser().is_file()


def parts(name: str) -> list[str]:
    """The corpora that a name is made of, each once, in the name's order: ``emodb`` and ``tess`` of ``emodb, tess``.

    A comma separates corpora, of ``csv:FILE`` too: ``csv:mine.csv,emodb`` is two. Only where the whole of what follows
    ``csv:`` is a file that exists is a comma part of its path. A comma in the path of a file that is gone separates.

    Args:
        name: as :func:`~sercourse.corpora.load` takes it.

    Returns:
        Names without commas, except in the path of such a file; empty for a name that is blank or nothing but commas.
    """
    if is_file(name):
        return [name]
    return list(dict.fromkeys(part.strip() for part in name.split(",") if part.strip()))


def base_name(name: str) -> str:
    """The corpus behind a name with conditions or a set of emotions: ``emodb`` of ``emodb=four+none+white@0``."""
    return name if is_file(name) else re.split("[+=]", name, maxsplit=1)[0]


def file_name(name: str) -> str:
    """A name as it stands in the name of a run folder or a file: corpora joined by hyphens, a CSV by its stem and a
    digest of its place, which stays private."""
    return "-".join(map(_file_name, parts(name)))


def _file_name(part: str) -> str:
    if not part.startswith(CSV):
        return part
    path = Path(part.removeprefix(CSV))
    digest = hashlib.sha256(str(path.expanduser().resolve()).encode()).hexdigest()[:6]
    return f"{path.stem[:60]}_{digest}"
