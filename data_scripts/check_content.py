"""Is a folder the corpus that it should be? Names by sercourse's own loader, counts, durations from the headers."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path

from rich.progress import track

from data_scripts.sources import Source
from sercourse.corpora import CorpusWarning, card
from sercourse.errors import CorpusError
from sercourse.signal.audio import probe_audio


def check_content(source: Source, folder: Path) -> str:
    """Compare a folder with what the source must hold.

    Args:
        source: the corpus.
        folder: the corpus folder, under any name.

    Returns:
        How many recordings, and how long they are together.

    Raises:
        CorpusError: the loader refuses the folder (such as the copy of EMO-DB that was cut to 2 s, or Git LFS pointers
            in place of audio) or a file's name, there are too many or too few recordings, a further file is missing,
            or a duration is impossible.
        AudioError: a recording cannot be read.
    """
    for name in source.also:
        if not (folder / name).is_file():
            raise CorpusError(f"{source.name}: the file {name} is missing.")
    paths = _loaded(source, folder)
    expected = source.utterances or card(source.name).utterances
    if len(paths) != expected:
        raise CorpusError(f"{source.name}: {len(paths)} recordings are there, but {expected} belong there.")
    total = 0.0
    shortest, longest = source.seconds
    for path in track(paths, description="checking", transient=True):
        if path.stem in source.odd:
            continue
        seconds = probe_audio(path).duration
        total += seconds
        if not shortest <= seconds <= longest:
            raise CorpusError(
                f"{source.name}: {path.name} lasts {seconds:.2f} s, but the recordings of this corpus last"
                f" {shortest:g} to {longest:g} s."
            )
    return f"{len(paths)} recordings, {total / 60:.1f} minutes"


def _loaded(source: Source, folder: Path) -> list[Path]:
    """The recordings that the library sees; what it would merely warn of is an error in a fresh download."""
    loader = importlib.import_module(f"sercourse.corpora.{source.name}")
    with warnings.catch_warnings():
        warnings.simplefilter("error", CorpusWarning)
        try:
            return [Path(path) for path in loader.load(folder)["path"]]
        except CorpusWarning as warning:
            raise CorpusError(str(warning)) from None
