"""What the loaders share: finding audio files, reading their names, and warnings that count.

A loader never decodes audio: a corpus of thousands of files becomes a table in a fraction of a second.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from sercourse.errors import CorpusError
from sercourse.signal.audio import AUDIO_SUFFIXES


class CorpusWarning(UserWarning):
    """Part of a corpus was left out or is missing; the rest can be used. The text counts what is affected."""


def audio_files(folder: Path) -> list[Path]:
    """Every wav and flac file below a folder, sorted; hidden files (macOS leaves ``._name.wav``) are left out."""
    found = []
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in files if name.lower().endswith(AUDIO_SUFFIXES) and name[0] != "."]
    return sorted(found)


def read_names(
    corpus: str,
    folder: Path,
    parse: Callable[[Path], dict | None],
    *,
    example: str,
    files: Iterable[Path] | None = None,
) -> list[dict]:
    """Turn file names into rows of the utterance table.

    Names outside the corpus's code are skipped with one counted warning, and so are second copies of an utterance
    (archives that circulate hold some corpora twice).

    Args:
        corpus: name of the corpus, the first part of every utterance id.
        folder: where the corpus lies, named in errors.
        parse: path to labels, or ``None`` for a name outside the code. The labels may hold an ``utterance_id``;
            without one it is ``"<corpus>/<file stem>"``.
        example: a name within the code, for the error.
        files: audio files to read; ``None``: all below ``folder``.

    Returns:
        One row per utterance: ``utterance_id``, ``path`` and the labels.

    Raises:
        CorpusError: no file has a name within the code.
    """
    files = audio_files(folder) if files is None else list(files)
    rows: dict[str, dict] = {}
    strange, copies = [], []
    for path in files:
        labels = parse(path)
        if labels is None:
            strange.append(path.name)
            continue
        row = {"utterance_id": f"{corpus}/{path.stem}", "path": str(path), **labels}
        if row["utterance_id"] in rows:
            copies.append(path.name)
        else:
            rows[row["utterance_id"]] = row
    if not rows:
        raise CorpusError(_nothing(folder, strange, example))
    warn_counted(corpus, strange, "skipped, named outside the corpus's code")
    warn_counted(corpus, copies, "left out, second copies of an utterance")
    return list(rows.values())


def warn_counted(corpus: str, names: list[str], what: str) -> None:
    """Issue one :class:`CorpusWarning` for all of ``names``; none if there are none.

    Args:
        corpus: name of the corpus.
        names: the files or utterances affected; the first is quoted.
        what: what happened to them and why.
    """
    if names:
        files = "1 file" if len(names) == 1 else f"{len(names)} files"
        warnings.warn(f"{corpus}: {files} {what}; the first is '{names[0]}'.", CorpusWarning, stacklevel=3)


def _nothing(folder: Path, strange: list[str], example: str) -> str:
    if not strange:
        return f"{folder}: holds no wav or flac file; unpack the corpus there (names such as '{example}')."
    return (
        f"{folder}: none of its {len(strange)} audio files has a name such as '{example}'"
        f" (the first is '{strange[0]}'); check that this is the corpus's own layout."
    )
