"""The run folder: everything needed to believe, repeat or re-judge one run.

``runs/<name>/`` holds ``run.json`` (format version, command, commit, environment, configuration, data hash, seconds),
``protocol.json`` (the fold lists), ``predictions.csv`` (one row per tested utterance and repeat) and ``summary.json``
(the figures). Tables and figures are made from these files only.
"""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pandas as pd

from sercourse import __version__
from sercourse.errors import UserError

FORMAT_VERSION = 1
_COLUMNS = {"utterance_id", "repeat", "fold", "emotion", "predicted", "speaker", "gender"}  # of predictions.csv
_PACKAGES = (
    "numpy", "scipy", "scikit-learn", "pandas", "torch", "lightning", "opensmile", "librosa", "soundfile"
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One run as it lies on disk.

    Attributes:
        folder: where it lies.
        about: command, commit, environment, configuration, data hash, seconds.
        protocol: the protocol as a dictionary (``Protocol.from_json`` reads it).
        predictions: ``utterance_id, repeat, fold, emotion, predicted``, the labels that gaps are measured over
            (``speaker, gender``), and perhaps ``p_<emotion>`` (probabilities); of another task that was learnt, its
            label and ``predicted_<task>``.
        summary: the figures, as ``--json`` writes them.
    """

    folder: Path
    about: dict
    protocol: dict
    predictions: pd.DataFrame
    summary: dict


def write_run(folder: Path, *, config: dict, protocol: dict, predictions: pd.DataFrame, summary: dict) -> Run:
    """Write a run folder; each file is written whole or not at all, ``summary.json`` last.

    Args:
        folder: ``runs/<name>``; made if absent, an earlier run of the same name is replaced.
        config: what was asked for (corpus, features, classifier, seed, …).
        protocol: ``Protocol.to_json()`` of every repeat.
        predictions: see :class:`Run`.
        summary: see :class:`Run`.

    Raises:
        UserError: the folder cannot be written.
    """
    about = {
        "format_version": FORMAT_VERSION,
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "commit": _commit(),
        "environment": environment(),
        "config": config,
        "data_hash": summary.get("data_hash"),
        "seconds": summary.get("seconds"),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "run.json", _json(about))
        _write(folder / "protocol.json", _json(protocol))
        _write(folder / "predictions.csv", predictions.to_csv(index=False, lineterminator="\n"))
        _write(folder / "summary.json", _json(summary))
    except OSError as error:
        raise UserError(
            f"{folder}: cannot be written ({error.strerror}); free space or set SERCOURSE_RUNS to another folder."
        ) from None
    return Run(folder, about, protocol, predictions, summary)


def read_run(folder: str | Path) -> Run:
    """Read a run folder.

    Raises:
        UserError: the folder is no run, a file of it is missing or damaged, or a newer sercourse wrote it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: not a finished run (no such folder); name the run folder, not a file in it.")
    try:
        about = json.loads((folder / "run.json").read_text("utf-8"))
        if about["format_version"] > FORMAT_VERSION:
            raise UserError(f"{folder}: written by a newer sercourse (format {about['format_version']}); update yours.")
        run = Run(
            folder,
            about,
            json.loads((folder / "protocol.json").read_text("utf-8")),
            pd.read_csv(folder / "predictions.csv", dtype={"fold": "string", "speaker": "string", "gender": "string"}),
            json.loads((folder / "summary.json").read_text("utf-8")),
        )
        whole = set(run.predictions) >= _COLUMNS and len(run.predictions) and run.summary["run"]
        if not whole or not all(repeat["folds"] for repeat in run.protocol["repeats"] or [{"folds": []}]):
            raise KeyError
        return run
    except FileNotFoundError as error:
        raise UserError(f"{folder}: not a finished run ({Path(error.filename).name} is missing).") from None
    except (ValueError, KeyError, TypeError, AttributeError, OSError):  # ValueError: broken JSON, CSV or UTF-8
        raise UserError(f"{folder}: the run is damaged; run its command again.") from None


def is_finished(folder: str | Path) -> bool:
    """Whether a folder holds a finished run that can be read."""
    try:
        read_run(folder)
    except UserError:
        return False
    return True


def environment() -> dict[str, str]:
    """Versions of Python, sercourse and the packages that figures depend on, and the processor's kind."""
    versions = {"python": platform.python_version(), "sercourse": __version__, "machine": platform.machine()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "absent"
    return versions


def data_hash(table: pd.DataFrame, keys: dict[str, str], columns: Sequence[str] = ()) -> str:
    """One digest over ids, labels and audio content: two runs with the same digest saw the same data.

    Args:
        table: the utterance table.
        keys: utterance id to :func:`~sercourse.features.store.audio_key`.
        columns: further ones that count, such as ``text`` for networks that write.
    """
    digest = hashlib.sha256()
    counted = ["emotion", "speaker", "gender", "language", "session", "noise", *columns]
    labels = table[counted].astype("string").fillna("")
    for utterance_id, values in zip(labels.index, labels.to_numpy(), strict=True):
        digest.update("\t".join([utterance_id, keys.get(utterance_id, ""), *values]).encode() + b"\n")
    return digest.hexdigest()[:16]


def write_json(path: str | Path, content: dict) -> None:
    """Write figures to a file for ``--json FILE``; the folder is made.

    Raises:
        UserError: the file cannot be written.
    """
    with _place_of(Path(path)):
        _write(Path(path), _json(content))


def check_writable(path: str | Path, option: str = "--json") -> None:
    """Try to write next to a file that will be written later.

    Args:
        path: of the file.
        option: that names it.

    Raises:
        UserError: it will not be possible.
    """
    with _place_of(Path(path), option), tempfile.NamedTemporaryFile(dir=Path(path).parent):
        pass


@contextmanager
def _place_of(path: Path, option: str = "--json") -> Iterator[None]:
    """Make the folder of a file; what goes wrong there is one sentence."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise UserError(f"{option} {path}: cannot be written ({error.strerror}); choose another place.") from None


def _write(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        temporary = Path(file.name)
        file.write(text)
    try:
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _json(content: dict) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _commit() -> str:
    """The commit of the checkout that sercourse is imported from, ``+`` for local changes; empty outside one."""
    here = Path(__file__).parent
    try:  # an installed sercourse may lie inside somebody else's repository, whose commit says nothing here
        tracked = ["git", "ls-files", "--error-unmatch", Path(__file__).name]
        subprocess.run(tracked, cwd=here, capture_output=True, timeout=10, check=True)
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12"],
            cwd=here, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
        return done.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
