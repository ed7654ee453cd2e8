"""Corpora by name: where they lie, loading them, and what state they are in.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sercourse.corpora import (
    casia,
    cremad,
    csv_corpus,
    emodb,
    emotion_sets,
    iemocap,
    nemo,
    noisy,
    ravdess,
    savee,
    tess,
    urdu,
)
from sercourse.corpora.cards import card
from sercourse.corpora.corpus_names import CSV, is_file, parts
from sercourse.corpora.layout import CorpusWarning
from sercourse.corpora.table import validate
from sercourse.errors import CorpusError, did_you_mean
from sercourse.paths import cache_dir, data_dir

SYNTHETIC = "synthetic"
"""The default corpus: it is made, not found."""

COURSE_CORPORA: tuple[str, ...] = (SYNTHETIC, "matrix")
"""Corpora that the chapters open with: a workshop has them made beforehand."""

MADE: tuple[str, ...] = (*COURSE_CORPORA, "tongues")
"""Corpora that are made at first use, in the cache folder."""


def _load_synthetic(folder: Path) -> pd.DataFrame:
    corpus = importlib.import_module("sercourse.corpora.synthetic")
    if not corpus.is_intact(folder):  # absent, interrupted, or by an older recipe
        corpus.make(folder)
    return corpus.load(folder)


def _load_matrix(folder: Path) -> pd.DataFrame:
    return importlib.import_module("sercourse.corpora.synthetic.matrix").load(folder)


def _load_tongues(folder: Path) -> pd.DataFrame:
    return importlib.import_module("sercourse.corpora.synthetic.tongues").load(folder)


_LOADERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    SYNTHETIC: _load_synthetic,
    "matrix": _load_matrix,
    "tongues": _load_tongues,
    "casia": casia.load,
    "cremad": cremad.load,
    "emodb": emodb.load,
    "iemocap": iemocap.load,
    "iemocap-improvised": iemocap.load_improvised,
    "nemo": nemo.load,
    "ravdess": ravdess.load,
    "savee": savee.load,
    "tess": tess.load,
    "urdu": urdu.load,
}


def names() -> list[str]:
    """Names that :func:`load` knows, the default corpus first. ``csv:FILE`` is possible, too."""
    return list(_LOADERS)


def load(name: str, *, root: Path | None = None) -> pd.DataFrame:
    """Load a corpus as the utterance table of :mod:`sercourse.corpora.table`.

    Names are parsed, audio is not decoded. Files outside a corpus's code and missing files give one counted
    :class:`~sercourse.corpora.layout.CorpusWarning` each.

    Args:
        name: one of :func:`names`; ``csv:FILE`` for one's own recordings; one of these with some emotions only,
            ``emodb=four`` (:mod:`sercourse.corpora.emotion_sets`); one of these in noise, ``emodb+none+white@0`` or
            ``emodb=four+none+white@0`` (:mod:`sercourse.corpora.noisy`); or several, separated by commas.
        root: folder that holds the corpora; ``None``: ``SERCOURSE_DATA`` (for those of :data:`MADE` the cache folder).

    Returns:
        The utterance table, sorted by utterance id.

    Raises:
        CorpusError: the name is unknown, the corpus is absent, or it is not what its name says.
    """
    each = parts(name) or [name]
    if each != [name]:
        return validate(pd.concat([load(part, root=root) for part in each]).sort_index(), name)
    file = is_file(name)
    noisy_name = None if file else noisy.parse(name)
    if noisy_name is not None:
        base, conditions = noisy_name
        return validate(noisy.in_noise(load(base, root=root), conditions), name)
    named_set = None if file else emotion_sets.parse(name)
    if named_set is not None:
        base, emotions = named_set
        return emotion_sets.restrict(load(base, root=root), emotions, name)
    if name.startswith(CSV):
        return csv_corpus.load(name.removeprefix(CSV))
    table = _LOADERS[_known(name)](locate(name, root=root))
    expected = card(name).utterances
    if len(table) < expected and name not in MADE:  # those may be made smaller
        warnings.warn(
            f"{name}: {len(table)} of {expected} utterances are there; figures from part of a corpus compare with no"
            " published ones.",
            CorpusWarning,
            stacklevel=2,
        )
    return table


def locate(name: str, *, root: Path | None = None) -> Path:
    """The folder of a corpus, as an absolute path.

    Those of :data:`MADE` lie in the cache folder, where they are made at first use; before that the folder does not
    exist.

    Args:
        name: one of :func:`names`.
        root: folder that holds the corpora; ``None``: ``SERCOURSE_DATA`` (for those of :data:`MADE` the cache folder).

    Raises:
        CorpusError: the name is unknown, or the folder does not exist; the sentence says how to get the corpus.
    """
    known = card(_known(name))
    if name in MADE:
        return Path(root or cache_dir()).resolve() / known.folder
    data = data_dir() if root is None else Path(root).resolve()
    if data is None:
        raise CorpusError(
            f"{name}: SERCOURSE_DATA is not set; point it at the folder that holds '{known.folder}', and if that is"
            f" not there yet, {known.way}."
        )
    folder = data / known.folder
    if not folder.is_dir():
        raise CorpusError(f"{name}: there is no folder {folder}; {known.way}.")
    return folder


@dataclass(frozen=True)
class CorpusState:
    """What :func:`inspect` found.

    Attributes:
        name: the corpus.
        folder: where it lies; ``None`` where it is absent.
        found: utterances that can be loaded.
        expected: utterances of the complete corpus.
        problem: why it cannot be loaded; ``None`` where it can.
        notes: warnings of a corpus that can be loaded: what is missing or was skipped.
    """

    name: str
    folder: Path | None
    found: int
    expected: int
    problem: str | None
    notes: tuple[str, ...] = ()


def inspect(name: str, *, root: Path | None = None) -> CorpusState:
    """Compare what is there with what the card says. Never raises, and makes nothing.

    Args:
        name: one of :func:`names`.
        root: as in :func:`load`.
    """
    folder, expected = None, 0
    try:
        expected = card(_known(name)).utterances
        place = locate(name, root=root)
        if not place.is_dir():
            return CorpusState(name, None, 0, expected, f"{name}: not made yet; `sercourse corpora {name}` makes it.")
        folder = place
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = len(load(name, root=root))
    except Exception as error:  # whatever is wrong with one corpus, the list of all of them must appear
        return CorpusState(name, folder, 0, expected, str(error) or repr(error))
    notes = tuple(str(warning.message) for warning in caught if issubclass(warning.category, CorpusWarning))
    return CorpusState(name, folder, found, expected, None, notes)


def _known(name: str) -> str:
    if name in _LOADERS:
        return name
    listed = ", ".join(_LOADERS)
    raise CorpusError(f"There is no corpus '{name}'; choose one of {listed} or csv:FILE.{did_you_mean(name, _LOADERS)}")
