"""Unpack a zip or tar archive from a stranger: nothing outside the folder, no links or devices, no bombs.

Member names, sizes and kinds are the archive's own claims; each is checked before a byte is written, and what is
written is counted.
"""

from __future__ import annotations

import errno
import gzip
import lzma
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from rich.progress import track

from sercourse.errors import UserError


class ArchiveError(UserError):
    """An archive is not what it should be; the text is a reason without a full stop, to be followed by the way out."""


@dataclass(frozen=True)
class Limits:
    """What is more than any speech corpus of this course can be."""

    files: int = 50_000
    total: int = 8 * 10**9
    """Bytes when unpacked."""
    ratio: float = 200.0
    """Bytes when unpacked per byte of archive; speech stays below 3, digital silence below 100."""


_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, NotImplementedError)


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    kind: str  # "file", "folder" or what else it claims to be
    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path, into: Path, *, keep: str = "", limits: Limits = Limits()) -> int:
    """Unpack ``archive`` into the folder ``into``.

    Args:
        archive: a zip file or a tar file, compressed or not; told apart by their content, not by their names.
        into: created if it does not exist; half filled when an error is raised, so give a folder of its own.
        keep: regular expression searched in each member's path; others are skipped. Empty: keep all.
        limits: how much is too much.

    Returns:
        Number of files written.

    Raises:
        ArchiveError: not an archive, damaged, encrypted, a path that leads outside, a link or a device, a file that
            occurs twice, or more than ``limits`` allow.
    """
    room = min(limits.total, limits.ratio * archive.stat().st_size)
    written = 0
    seen = 0
    try:
        for member in track(_members(archive), description="unpacking", transient=True):
            seen += 1
            if seen > limits.files:
                raise ArchiveError(f"{archive} holds more than {limits.files} files, which is too many")
            target = into / _inside(member.name, archive)
            if member.kind not in ("file", "folder"):
                raise ArchiveError(f"{archive} holds a {member.kind}, {member.name}, which does not belong into it")
            if member.kind == "folder" or not _wanted(member.name, keep):
                continue
            room -= member.size
            if room < 0:
                raise ArchiveError(f"{archive} would unpack to far more than a corpus can be (a zip bomb?)")
            target.parent.mkdir(parents=True, exist_ok=True)
            _write(member, target)
            written += 1
    except FileExistsError as error:
        raise ArchiveError(f"{archive} holds {Path(error.filename).name} twice") from None
    except (*_DAMAGE, EOFError) as error:
        raise ArchiveError(f"{archive} is damaged ({error})") from None
    except OSError as error:
        if error.errno is None:  # bz2 says so of damaged data; what the system refuses has a number
            raise ArchiveError(f"{archive} is damaged ({error})") from None
        if error.errno == errno.ENAMETOOLONG:
            raise ArchiveError(f"{archive} holds a file whose name is too long for this disk") from None
        raise
    return written


def unpacked_size(archive: Path) -> int:
    """Bytes that a zip file claims to need; for a tar file, which has no directory, three times its own size."""
    if not zipfile.is_zipfile(archive):
        return 3 * archive.stat().st_size
    try:
        with zipfile.ZipFile(archive) as file:
            return sum(info.file_size for info in file.infolist())
    except _DAMAGE as error:
        raise ArchiveError(f"{archive} is damaged ({error})") from None


def commit_of(archive: Path) -> str:
    """The git commit that ``git archive`` wrote into a zip file; empty if there is none."""
    if not zipfile.is_zipfile(archive):
        return ""
    with zipfile.ZipFile(archive) as file:
        comment = file.comment.decode("ascii", "replace").strip()
    return comment if re.fullmatch(r"[0-9a-f]{40}", comment) else ""


def _members(archive: Path) -> Iterator[_Member]:
    """The archive's members, one after the other, as it describes them."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            for info in file.infolist():
                yield _Member(info.filename, info.file_size, _zip_kind(info), partial(file.open, info))
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tar:
            for entry in tar:
                yield _Member(entry.name, entry.size, _tar_kind(entry), partial(tar.extractfile, entry))
            while tar.fileobj.read(1 << 20):  # gzip keeps its checksum at the very end, behind the last member
                pass
    else:
        with archive.open("rb") as file:
            web_page = file.read(256).lstrip().startswith(b"<")
        raise ArchiveError(f"{archive} is {'a web page' if web_page else 'cut off, or no zip or tar archive'}")


def _zip_kind(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & 0x1:
        return "password-protected file"
    mode = info.external_attr >> 16  # Unix mode; 0 from other systems
    if stat.S_ISLNK(mode):
        return "link"
    if info.is_dir():
        return "folder"
    return "file" if stat.S_IFMT(mode) in (0, stat.S_IFREG) else "device"


def _tar_kind(entry: tarfile.TarInfo) -> str:
    if entry.issym() or entry.islnk():
        return "link"
    if entry.isdir():
        return "folder"
    return "file" if entry.isreg() else "device"


def _inside(name: str, archive: Path) -> PurePosixPath:
    """``name`` as a relative path that stays below its folder on every system."""
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or re.search(r"[\\:\0]", name):
        raise ArchiveError(f"{archive} holds a file that would land outside its folder, {name!r}")
    return path


def _wanted(name: str, keep: str) -> bool:
    parts = PurePosixPath(name).parts
    litter = "__MACOSX" in parts or parts[-1].startswith("._")  # what macOS adds to a zip
    return not litter and re.search(keep, name) is not None


def _write(member: _Member, target: Path) -> None:
    source = member.open()
    assert source is not None  # only links and devices have none, and they are refused
    with source, target.open("xb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
