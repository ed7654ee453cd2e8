"""The way back from :mod:`~sercourse.training.workshop_pack`: an archive into cache, runs and data of this machine.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import itertools
import json
import lzma
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from sercourse import corpora
from sercourse.corpora.registry import MADE
from sercourse.errors import UserError
from sercourse.features.store import FeatureStore
from sercourse.notebooks import PRISTINE, pristine_dir
from sercourse.paths import cache_dir, data_dir, runs_dir
from sercourse.progress import progress_bar
from sercourse.training.runs import is_finished
from sercourse.training.workshop_pack import FORMAT, LICENCES, MANIFEST, Packed, folders, identity
from sercourse.unpack import ArchiveError, Limits, unpack

LIMITS = Limits(files=300_000, total=30 * 10**9)
"""More than any workshop packs."""

BEFORE_PREFETCH = ".before-prefetch"
"""Behind the name of an unfinished run or a damaged corpus that an archive has replaced."""

_MANIFEST_BYTES = 100_000_000

_NO_MANIFEST = (
    tarfile.TarError, lzma.LZMAError, ValueError, KeyError, TypeError, AttributeError, OSError, EOFError, RecursionError
)  # fmt: skip


def unpack_here(archive: Path, *, progress: bool = True) -> Packed:
    """Unpack an archive of :func:`pack` into cache, runs and data folder of this machine.

    Everything is unpacked beside the cache and compared with its checksum before the first file gets its place. What
    is here already stays: intact corpora, features, finished runs, and runs that are being trained. What was not whole
    is kept as ``NAME.before-prefetch``, unless it lies in the cache. What is left out is printed, a line each.

    Args:
        archive: the file.
        progress: show progress bars.

    Returns:
        What the archive holds; of its corpora those that can be loaded here now.

    Raises:
        UserError: no such file, no archive of ours, damaged, harmful, written by a newer sercourse, no room, or a
            folder that cannot be written.
    """
    manifest = read_manifest(archive)
    packed, cache = Packed.from_manifest(manifest), cache_dir()
    if any(name.startswith("data/") for name in manifest["files"]) and data_dir() is None:
        raise UserError(f"{archive}: holds real corpora; set SERCOURSE_DATA to the folder where they shall lie.")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _check_room(manifest, packed.bytes)
        with FileLock(cache / ".prefetch.lock"):
            partial = cache / ".prefetch.partial"
            shutil.rmtree(partial, ignore_errors=True)  # left by a process that was killed
            try:
                _unpack_checked(archive, partial, manifest, progress)
                here = _settle(partial, packed)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except ArchiveError as error:
        raise UserError(f"{error}; copy it again.") from None
    except OSError as error:
        raise UserError(f"{cache}: cannot be written ({error.strerror}); set SERCOURSE_CACHE to another.") from None
    return replace(packed, corpora=here)


def _check_room(manifest: dict, total: int) -> None:
    """Whether every disk has room: the cache's for all of it, further ones for what is moved there.

    Raises:
        UserError: one has not.
    """
    cache = cache_dir()
    needed = {_disk(cache): [total, cache, "SERCOURSE_CACHE"]}
    for kind, folder, variable in (("runs", runs_dir(), "SERCOURSE_RUNS"), ("data", data_dir(), "SERCOURSE_DATA")):
        size = sum(said["bytes"] for name, said in manifest["files"].items() if name.startswith(f"{kind}/"))
        if not size or folder is None or _disk(folder) == _disk(cache):
            continue
        needed.setdefault(_disk(folder), [0, folder, variable])[0] += size
    for size, folder, variable in needed.values():
        if shutil.disk_usage(_standing(folder)).free < 1.05 * size:
            raise UserError(f"{folder}: {size / 1e9:.1f} GB are needed; free space or set {variable} to another.")


def _standing(folder: Path) -> Path:
    """The folder, or where it is not there yet the nearest one above it."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _disk(folder: Path) -> int:
    return _standing(folder).stat().st_dev


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
    except _NO_MANIFEST:
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


def _settle(partial: Path, packed: Packed) -> tuple[str, ...]:
    """Give everything its place; each corpus, feature entry, notebook and run is there whole or not at all.

    Only what the manifest names is taken, and of the cache only known folders, so that no archive replaces anything
    else there.

    Returns:
        Corpora that can be loaded now.
    """
    here = tuple(name for name in packed.corpora if _settle_corpus(name, partial))
    for entry in sorted((partial / "cache" / "features").rglob("*.npy")):
        _place(entry, FeatureStore().root / entry.relative_to(partial / "cache" / "features"), "SERCOURSE_CACHE")
    for notebook in sorted((partial / "cache" / PRISTINE).glob("*.ipynb")):
        _place(notebook, pristine_dir() / notebook.name, "SERCOURSE_CACHE")
    for run in folders(partial / "runs"):
        if run.name in packed.runs:
            _settle_run(run, runs_dir() / run.name)
    return here


def _settle_corpus(name: str, partial: Path) -> bool:
    """A corpus goes where none is, or a damaged one; ``False`` where it cannot be loaded even then."""
    if name not in corpora.names():
        print(f"{name}: a corpus that this sercourse does not know is left out.")
        return False
    if corpora.inspect(name).problem is None:
        return True
    made, folder = name in MADE, corpora.card(name).folder
    root = cache_dir() if made else data_dir()
    source = partial / ("cache" if made else "data") / folder
    if root is None or corpora.inspect(name, root=source.parent).problem is not None:
        print(f"{name}: is not whole in the archive and left out.")
        return False
    if made:
        with FileLock(root / f".{folder}.lock"):
            _place(source, root / folder, "SERCOURSE_CACHE", replaced=True)
    else:
        _place(source, root / folder, "SERCOURSE_DATA", replaced=True, kept=True)
    return True


def _settle_run(source: Path, target: Path) -> None:
    """A run goes where none is, or one that is not finished and that nobody is at work on."""
    with ExitStack() as stack, _said_of(target, "SERCOURSE_RUNS"):
        if os.path.lexists(target):
            if is_finished(target) or not is_finished(source):
                return
            try:
                if target.is_dir():
                    stack.enter_context(FileLock(target / ".lock", timeout=0))
            except Timeout:
                print(f"{target}: a training is at work on this run, so it stays as it is.")
                return
        _place(source, target, "SERCOURSE_RUNS", replaced=True, kept=True)


@contextmanager
def _said_of(target: Path, variable: str) -> Iterator[None]:
    """What the system refuses at a place is one sentence that names it."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or "it cannot be copied there"
        raise UserError(f"{target}: cannot be written ({reason}); set {variable} to another folder.") from None


def _place(source: Path, target: Path, variable: str, *, replaced: bool = False, kept: bool = False) -> None:
    """Move a file or folder; another disk is crossed beside the target, which appears at the end.

    Args:
        source: what is moved.
        target: where to.
        variable: the environment variable that sets the folder of ``target``.
        replaced: what is there is replaced; else it stays.
        kept: what is replaced is kept under another name.

    Raises:
        UserError: the place cannot be written.
    """
    beside = target.with_name(f".{target.name}.partial")
    with _said_of(target, variable):
        if target.exists() and not replaced:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            _remove(beside)  # left by a process that was killed
            shutil.move(source, beside)
            if kept and os.path.lexists(target):
                aside = _free_name(target)
                target.rename(aside)
                print(f"{target}: was not whole and is replaced; what was there is now {aside.name}.")
            else:
                _remove(target)
            beside.replace(target)
        finally:
            with suppress(OSError):
                _remove(beside)


def _remove(path: Path) -> None:
    """Remove a folder, a file, or a link but not what it leads to; nothing where nothing is."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _free_name(path: Path) -> Path:
    """``NAME.before-prefetch``, with a number where that is taken."""
    names = (path.with_name(f"{path.name}{BEFORE_PREFETCH}{'' if n == 1 else f'-{n}'}") for n in itertools.count(1))
    return next(name for name in names if not os.path.lexists(name))
