"""One archive for a workshop without network: corpora, features and runs, packed here for every laptop.

``manifest.json`` comes first and names every other file with its size and sha256; ``LICENCES.txt`` says whose the
corpora are. Then come ``cache/…`` (made corpora, features, untouched notebooks), ``data/…`` (real corpora that may be
passed on) and ``runs/…``. No path of the packing machine goes in. :mod:`~sercourse.training.workshop_unpack` is the way
back.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sercourse import __version__, corpora
from sercourse.corpora.corpus_names import CSV, base_name, parts
from sercourse.corpora.registry import COURSE_CORPORA, MADE
from sercourse.errors import UserError
from sercourse.features.store import FeatureStore
from sercourse.notebooks import PRISTINE, pristine_dir
from sercourse.paths import runs_dir
from sercourse.progress import progress_bar
from sercourse.training.runs import read_run
from sercourse.training.workshop import BULKY, keys_of

FORMAT = 1
"""Goes up when an older sercourse could not read the archive."""

MANIFEST, LICENCES = "manifest.json", "LICENCES.txt"

_NAME = re.compile(r"[\w.,+@:~=-]+")
"""What names of corpora and runs are made of."""

_BYTES = 10**15
"""More than any disk of a laptop holds."""


@dataclass(frozen=True)
class Packed:
    """What an archive holds.

    Attributes:
        corpora: their names.
        runs: their names.
        files: number of files.
        bytes: of all files, unpacked.
    """

    corpora: tuple[str, ...]
    runs: tuple[str, ...]
    files: int
    bytes: int

    @classmethod
    def from_manifest(cls, manifest: dict) -> Packed:
        """As a manifest says.

        Raises:
            KeyError, TypeError, AttributeError, ValueError: it is none.
        """
        sizes = [file["bytes"] for file in manifest["files"].values()]
        named = manifest["corpora"], manifest["runs"]
        if not all(isinstance(names, list) and all(_NAME.fullmatch(name) for name in names) for names in named):
            raise ValueError("names of corpora or runs")
        if not all(isinstance(size, int) and 0 <= size < _BYTES for size in sizes):
            raise ValueError("sizes of files")
        return cls(*map(tuple, named), len(sizes), sum(sizes))


def check_licence(name: str) -> None:
    """Whether a corpus may be handed on.

    Raises:
        UserError: it may not, or nobody says so.
    """
    if name.startswith(CSV) or name not in corpora.names():
        raise UserError(
            f"--corpus {name}: an archive takes corpora by their own name, of {', '.join(corpora.names())}."
        )
    card = corpora.card(name)
    if not card.redistribute.startswith("may be passed on"):
        raise UserError(
            f"--corpus {name}: {card.redistribute} (licence: {card.licence}), so it goes into no archive; everybody"
            f" gets it from {card.url}."
        )


def check_place(archive: Path) -> None:
    """Say before the work that an archive cannot be written after it.

    Raises:
        UserError: its name promises another format, or the folder cannot be written.
    """
    if not archive.name.endswith((".tar", ".tar.gz", ".tgz")):
        raise UserError(f"--to {archive}: is written as a tar file; name it FILE.tar.gz or FILE.tar.")
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=archive.parent):
            pass
    except OSError as error:
        raise UserError(f"--to {archive}: cannot be written ({error.strerror}); choose another place.") from None


def pack(archive: Path, names: Sequence[str] = COURSE_CORPORA, *, progress: bool = True) -> Packed:
    """Pack what lies here: corpora, the features of theirs that are stored, and the finished quick runs on them.

    Args:
        archive: is written whole or not at all; gzip where its name ends in ``gz``, else a plain tar file.
        names: corpora, which must be there.
        progress: show progress bars.

    Raises:
        UserError: a corpus must not be passed on or is not there, or the archive cannot be written.
    """
    check_place(archive)
    for name in names:
        check_licence(name)
    entries = dict(_entries(names))
    manifest = {"format": FORMAT, "sercourse": __version__, "corpora": list(names), "runs": _names(entries, "runs")}
    partial = archive.with_name(archive.name + ".partial")
    try:
        with progress_bar(progress) as bar:
            manifest["files"] = {
                name: identity(path) for name, path in bar.track(entries.items(), description="checksums")
            }
            with partial.open("wb") as file, _tar(file, archive.name) as tar:
                _add_text(tar, MANIFEST, json.dumps(manifest, indent=0))
                _add_text(tar, LICENCES, "\n\n".join(corpora.card(name).summary() for name in names) + "\n")
                for name, path in bar.track(entries.items(), description="packing"):
                    _add_file(tar, name, path)
        partial.replace(archive)
    except OSError as error:
        raise UserError(f"--to {archive}: cannot be written ({error.strerror}); choose another place.") from None
    finally:
        partial.unlink(missing_ok=True)
    return Packed.from_manifest(manifest)


def _entries(names: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Name in the archive and file of everything that goes in."""
    store = FeatureStore()
    compact = [folder for folder in folders(store.root) if folder.name.rsplit("-v", 1)[0] not in BULKY]
    for name in names:
        folder = corpora.locate(name)
        table = corpora.load(name)
        yield from _below(folder, f"{'cache' if name in MADE else 'data'}/{folder.name}")
        if "unchanged" in corpora.card(name).redistribute:
            continue  # what is made from it may not be handed on
        keys = dict.fromkeys(keys_of(table))
        for features in compact:
            for key in keys:
                entry = features / key[:2] / f"{key[2:]}.npy"
                if entry.exists():
                    yield f"cache/features/{entry.relative_to(store.root).as_posix()}", entry
    for notebook in sorted(pristine_dir().glob("*.ipynb")):
        yield f"cache/{PRISTINE}/{notebook.name}", notebook
    for run in folders(runs_dir()):
        if _NAME.fullmatch(run.name) and _goes_with(run, names):
            yield from _below(run, f"runs/{run.name}")


def _goes_with(run: Path, names: Sequence[str]) -> bool:
    """Whether a folder is a finished quick run on some corpora and no others."""
    try:
        config = read_run(run).about["config"]
        asked = {base_name(part) for part in parts(config["corpus"])}
        return config.get("profile", "quick") == "quick" and asked <= set(names)
    except (UserError, KeyError, AttributeError):
        return False


def folders(folder: Path) -> list[Path]:
    """The folders in a folder, sorted; none where it is not there."""
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _below(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    """The files of a folder, without locks and TensorBoard's journals, which hold the name of the machine."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") or part == "tensorboard" for part in inside.parts):
            yield f"{name}/{inside.as_posix()}", path


def _names(entries: dict[str, Path], kind: str) -> list[str]:
    return sorted({name.split("/")[1] for name in entries if name.startswith(f"{kind}/")})


def identity(path: Path) -> dict[str, int | str]:
    """Size in bytes and sha256 of a file."""
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _tar(file: io.BufferedWriter, name: str) -> tarfile.TarFile:
    if name.endswith("gz"):
        return tarfile.open(fileobj=file, mode="w:gz", compresslevel=1)  # audio hardly shrinks any further
    return tarfile.open(fileobj=file, mode="w")


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode()
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _add_file(tar: tarfile.TarFile, name: str, path: Path) -> None:
    entry = tarfile.TarInfo(name)  # mode, time and owner are nobody's business
    entry.size = path.stat().st_size
    with path.open("rb") as file:
        tar.addfile(entry, file)
