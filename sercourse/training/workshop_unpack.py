"""The way back from :mod:`~sercourse.training.workshop_pack`: an archive into cache, runs and data of this machine.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

from filelock import FileLock

from sercourse import corpora
from sercourse.corpora.registry import MADE
from sercourse.errors import UserError
from sercourse.features.store import FeatureStore
from sercourse.paths import cache_dir, data_dir, runs_dir
from sercourse.progress import progress_bar
from sercourse.training.runs import read_run
from sercourse.training.workshop import PRISTINE
from sercourse.training.workshop_pack import FORMAT, LICENCES, MANIFEST, Packed, folders, identity
from sercourse.unpack import ArchiveError, Limits, unpack

LIMITS = Limits(files=300_000, total=30 * 10**9)
"""More than any workshop packs."""

_MANIFEST_BYTES = 100_000_000


def unpack_here(archive: Path, *, progress: bool = True) -> Packed:
    """Unpack an archive of :func:`pack` into cache, runs and data folder of this machine.

    Everything is unpacked beside the cache and compared with its checksum before the first file gets its place. What
    is here already stays: intact corpora, features, finished runs.

    Args:
        archive: the file.
        progress: show progress bars.

    Raises:
        UserError: no such file, no archive of ours, damaged, harmful, written by a newer sercourse, or no room.
    """
    manifest = read_manifest(archive)
    packed, cache = Packed.from_manifest(manifest), cache_dir()
    if any(name.startswith("data/") for name in manifest["files"]) and data_dir() is None:
        raise UserError(f"{archive}: holds real corpora; set SERCOURSE_DATA to the folder where they shall lie.")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(cache).free < 1.05 * packed.bytes:
            raise UserError(f"{cache}: {packed.bytes / 1e9:.1f} GB are needed; free space or set SERCOURSE_CACHE.")
        with FileLock(cache / ".prefetch.lock"):
            partial = cache / ".prefetch.partial"
            shutil.rmtree(partial, ignore_errors=True)  # left by a process that was killed
            try:
                _unpack_checked(archive, partial, manifest, progress)
                _settle(partial, manifest)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except ArchiveError as error:
        raise UserError(f"{error}; copy it again.") from None
    except OSError as error:
        raise UserError(f"{cache}: cannot be written ({error.strerror}); set SERCOURSE_CACHE to another.") from None
    return packed


def read_manifest(archive: Path) -> dict:
    """The manifest of an archive, which is its first file.

    Raises:
        UserError: no such file, no archive of ours, or written by a newer sercourse.
    """
    if not archive.is_file():
        raise UserError(f"--from {archive}: there is no such file; `sercourse prefetch --to FILE` writes one.")
    try:
        with tarfile.open(archive) as tar:
            first = tar.next()
            if first is None or first.name != MANIFEST or not first.isreg() or first.size > _MANIFEST_BYTES:
                raise ValueError
            manifest = json.loads(tar.extractfile(first).read())
        if manifest["format"] > FORMAT:
            raise UserError(f"{archive}: packed by sercourse {manifest['sercourse']}, which is newer; update yours.")
        Packed.from_manifest(manifest)
        return manifest
    except (tarfile.TarError, ValueError, KeyError, TypeError, AttributeError, OSError, EOFError):
        raise UserError(
            f"--from {archive}: is no archive of `sercourse prefetch`, or damaged; copy it again."
        ) from None


def _unpack_checked(archive: Path, into: Path, manifest: dict, progress: bool) -> None:
    """Unpack into a folder of its own and compare every file with the manifest.

    Raises:
        ArchiveError: something is missing, too much, elsewhere, or not what it should be.
    """
    unpack(archive, into, limits=LIMITS)
    there = {path.relative_to(into).as_posix() for path in into.rglob("*") if path.is_file()}
    named = set(manifest["files"])
    if there - {MANIFEST, LICENCES} != named or not all(
        name.startswith(("cache/", "data/", "runs/")) for name in named
    ):
        raise ArchiveError(f"{archive} does not hold what its list of contents says")
    with progress_bar(progress) as bar:
        for name, said in bar.track(manifest["files"].items(), description="checksums"):
            if identity(into / name) != said:
                raise ArchiveError(f"{archive} is damaged ({name} does not match its checksum)")


def _settle(partial: Path, manifest: dict) -> None:
    """Give everything its place; each corpus, feature entry, notebook and run is there whole or not at all.

    Of the cache only known folders are taken, so that no archive replaces anything else there.
    """
    wanted = {
        corpora.card(name).folder for name in manifest["corpora"] if name in MADE and corpora.inspect(name).problem
    }
    data = {corpora.card(name).folder for name in manifest["corpora"] if name in corpora.names()}
    for folder in folders(partial / "cache"):
        if folder.name == "features":
            for entry in sorted(folder.rglob("*.npy")):
                _place(entry, FeatureStore().root / entry.relative_to(folder))
        elif folder.name == PRISTINE:
            for notebook in sorted(folder.iterdir()):
                _place(notebook, cache_dir() / PRISTINE / notebook.name)
        elif folder.name in wanted:
            with FileLock(cache_dir() / f".{folder.name}.lock"):
                _place(folder, cache_dir() / folder.name, replace=True)
    for folder in folders(partial / "data"):
        if folder.name in data:
            _place(folder, (data_dir() or Path()) / folder.name)
    for run in folders(partial / "runs"):
        _place(run, runs_dir() / run.name, replace=not _finished(runs_dir() / run.name))


def _finished(run: Path) -> bool:
    try:
        read_run(run)
    except UserError:
        return False
    return True


def _place(source: Path, target: Path, *, replace: bool = False) -> None:
    """Move a file or folder; another disk is crossed beside the target, which appears at the end."""
    if target.exists() and not replace:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.move(source, beside)
    if target.is_dir():
        shutil.rmtree(target)
    beside.replace(target)
