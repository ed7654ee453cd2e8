"""What a Zenodo record says of its files, and whether a file is the one it speaks of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pooch

from data_scripts.download import PATIENCE, DownloadError, Patience, download
from sercourse.unpack import ArchiveError


@dataclass(frozen=True)
class RecordFile:
    """One file of a record."""

    url: str
    size: int
    """Bytes."""
    checksum: str
    """Algorithm and hexadecimal digest: ``md5:…``."""
    licence: str
    """The record's licence, as Zenodo abbreviates it; empty if not stated."""


def look_up(record: str, filename: str, scratch: Path, *, patience: Patience = PATIENCE) -> RecordFile:
    """Ask a record for one file's address, size and checksum.

    Args:
        record: address of the record's metadata, ``https://zenodo.org/api/records/NUMBER``.
        filename: the file's name in the record.
        scratch: a folder to write into.
        patience: time-outs and repetitions.

    Raises:
        DownloadError: the record cannot be had or read, or does not name the file.
    """
    answer = scratch / "record.json"
    (scratch / "record.json.part").unlink(missing_ok=True)  # small, so never resumed
    metadata = download(record, answer, patience=patience).read_text("utf-8", errors="replace")
    answer.unlink()
    try:
        parsed = json.loads(metadata)
        files = {entry["key"]: entry for entry in parsed["files"]}
        if filename not in files:
            raise DownloadError(f"{record} has no file {filename}, only {', '.join(sorted(files)) or 'none'}")
        entry = files[filename]
        licence = ((parsed.get("metadata") or {}).get("license") or {}).get("id", "")
        return RecordFile(str(entry["links"]["self"]), int(entry["size"]), str(entry["checksum"]), str(licence))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DownloadError(f"{record} did not answer with a record's metadata") from None


def verify(path: Path, expected: RecordFile) -> None:
    """Compare a file with its record.

    Raises:
        ArchiveError: another size or another checksum.
    """
    algorithm, _, digest = expected.checksum.partition(":")
    if path.stat().st_size != expected.size:
        raise ArchiveError(f"{path} has {path.stat().st_size} bytes, but its record says {expected.size}")
    try:
        found = pooch.file_hash(str(path), alg=algorithm)
    except ValueError:
        raise ArchiveError(f"the record of {path} has a checksum of unknown kind, '{expected.checksum}'") from None
    if found != digest.lower():
        raise ArchiveError(f"{path} has the {algorithm} checksum {found}, but its record says {digest}")
