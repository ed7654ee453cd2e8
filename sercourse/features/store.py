"""The feature store: features are computed once and addressed by what they came from.

An entry's address is audio content + extractor name, version and configuration, so a changed file, a changed setting
or a changed extractor never meets an old entry, and a renamed file still finds its own. Entries are written to a
temporary file and renamed, so two processes may fill one store and an interrupt leaves no half entry. Each entry
ends in a checksum; a damaged one is treated as missing, computed again and reported.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import tempfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from sercourse.errors import UserError
from sercourse.features.base import Extractor
from sercourse.paths import cache_dir

_CHECKSUM_BYTES = 16


class DamagedEntry(Exception):
    """A stored entry does not match its checksum."""


@dataclass(frozen=True)
class FeatureStore:
    """A folder of feature arrays, one file per utterance and extractor.

    Attributes:
        root: the folder; default ``features`` in the cache folder (``SERCOURSE_CACHE``).
    """

    root: Path = field(default_factory=lambda: cache_dir() / "features")

    def path(self, audio_key: str, extractor: Extractor) -> Path:
        """The file of one entry.

        Args:
            audio_key: see :func:`audio_key`.
            extractor: gives name, version and configuration.
        """
        return self.root / extractor_key(extractor) / audio_key[:2] / f"{audio_key[2:]}.npy"

    def write(self, path: Path, array: np.ndarray) -> None:
        """Write one entry; afterwards either the whole entry is there or nothing is.

        Raises:
            UserError: the disk is full or the folder cannot be written.
        """
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
        payload = buffer.getvalue()
        temporary = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
                temporary = Path(file.name)
                file.write(payload + _checksum(payload))
            temporary.replace(path)
        except OSError as error:
            raise UserError(_write_failed(self.root, error)) from None
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)

    def read(self, path: Path) -> np.ndarray | None:
        """Read one entry; ``None`` where there is none.

        Raises:
            DamagedEntry: the entry is there but does not match its checksum.
            UserError: the store cannot be read.
        """
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UserError(
                f"{path}: cannot be read ({error.strerror}); point SERCOURSE_CACHE at another folder."
            ) from None
        payload, checksum = content[:-_CHECKSUM_BYTES], content[-_CHECKSUM_BYTES:]
        if _checksum(payload) != checksum:
            raise DamagedEntry(str(path))
        return np.lib.format.read_array(io.BytesIO(payload), allow_pickle=False)


@lru_cache(maxsize=4096)
def _file_hash(path: str, size: int, modified_ns: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_hash(path: str | Path) -> str:
    """sha256 of a file's bytes, in hexadecimal; remembered while size and time stay the same."""
    status = Path(path).stat()
    return _file_hash(str(path), status.st_size, status.st_mtime_ns)


def audio_key(path: str | Path, start: float = 0.0, end: float = np.nan) -> str:
    """The address of an utterance's audio: the file's content and the span (seconds; NaN: to the end)."""
    return hashlib.sha256(f"{file_hash(path)}:{float(start)!r}:{float(end)!r}".encode()).hexdigest()[:40]


def extractor_key(extractor: Extractor) -> str:
    """The address of an extractor: name, version and a digest of its configuration."""
    config = json.dumps(extractor.config, sort_keys=True)
    return f"{extractor.name}-v{extractor.version}-{hashlib.sha256(config.encode()).hexdigest()[:8]}"


def _checksum(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=_CHECKSUM_BYTES).digest()


def _write_failed(root: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"{root}: the disk is full; free some space or point SERCOURSE_CACHE at another disk,"
            " then start again: what was computed is kept."
        )
    return f"{root}: cannot be written ({error.strerror}); point SERCOURSE_CACHE at a folder you may write."
