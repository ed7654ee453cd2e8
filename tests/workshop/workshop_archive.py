"""What the tests of ``sercourse prefetch`` share: a configuration, and looking into archives and folders."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

from sercourse.training.networks import TrainingConfig

CONFIG = TrainingConfig("msfl", "synthetic", "holdout-20", "quick", ("epochs=1", "threads=1", "accelerator=cpu"))
CELL = """
from sercourse import corpora
from sercourse.training.networks import TrainingConfig, load_or_train
part = corpora.load("synthetic").groupby("speaker").head(7)
config = TrainingConfig("msfl", "synthetic", "holdout-20", "quick", ("epochs=1", "threads=1", "accelerator=cpu"))
run = load_or_train(config, table=part, workers=1, progress=False)
"""


def members(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar}


def rewritten(archive: Path, to: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """A copy of an archive with other members."""
    content = members(archive)
    change(content)
    with tarfile.open(to, "w") as tar:
        for name, body in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return to


def below(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
