"""Utterance table to features: in parallel, streamed through the store, with a progress bar.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, cpu_count, delayed  # joblib's count heeds the limits of containers

from sercourse.errors import AudioError, UserError, all_but_refused, report_skipped
from sercourse.features.base import Extractor
from sercourse.features.registry import FEATURES
from sercourse.features.store import DamagedEntry, FeatureStore, audio_key
from sercourse.interrupts import heeded_interrupt
from sercourse.progress import progress_bar
from sercourse.signal.audio import read_audio

UTTERANCES_PER_JOB = 16
"""One job reads, computes and stores this many utterances; memory grows with it, not with the corpus."""


@dataclass(frozen=True)
class Features(Mapping[str, np.ndarray]):
    """Features of a table's utterances: a mapping from utterance id to array, read from the store when asked for.

    Attributes:
        name: the feature set, e.g. ``"is10"``.
        columns: names of the last axis; ``None`` where it has none.
        paths: utterance id to entry in the store.
        skipped: utterance id to the sentence that says why it has no features.
        store: the store that holds the entries.
    """

    name: str
    columns: list[str] | None
    paths: dict[str, Path]
    skipped: dict[str, str]
    store: FeatureStore

    def __getitem__(self, utterance_id: str) -> np.ndarray:
        try:
            array = self.store.read(self.paths[utterance_id])
        except DamagedEntry:
            array = None
        if array is None:
            raise UserError(
                f"{self.name}: the features of '{utterance_id}' left the store or are damaged; extract them again."
            )
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __contains__(self, utterance_id: object) -> bool:
        return utterance_id in self.paths

    @property
    def keys_of(self) -> dict[str, str]:
        """Utterance id to what tells its audio from others', hexadecimal."""
        return {i: path.stem for i, path in self.paths.items()}

    @property
    def made_by(self) -> str:
        """The extractor's name, version and configuration, as the store spells them."""
        return next((path.parent.parent.name for path in self.paths.values()), "")

    @property
    def frame(self) -> pd.DataFrame:
        """One row of ``D`` features per utterance (for functionals such as IS10), indexed by utterance id.

        Raises:
            UserError: the feature set has a time axis and so no table.
        """
        arrays = [self[i] for i in self]
        if any(array.ndim != 1 for array in arrays):
            raise UserError(
                f"--features {self.name}: one array per frame and no table; choose a set with one vector per utterance,"
                " such as is10."
            )
        rows = np.stack(arrays)
        index = pd.Index(list(self.paths), dtype="string", name="utterance_id")
        return pd.DataFrame(rows, index=index, columns=self.columns)


def feature_extractor(name: str) -> Extractor:
    """The extractor of a name.

    Raises:
        UserError: no such feature set; the sentence lists them.
    """
    if name not in FEATURES:
        raise UserError(f"--features {name}: no such feature set; choose one of {', '.join(FEATURES)}.")
    return FEATURES[name]()


def extract(
    table: pd.DataFrame,
    feature: str,
    *,
    store: FeatureStore | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> Features:
    """Compute (or find) the features of every utterance in a table.

    Args:
        table: utterance table; ``path``, ``start`` and ``end`` are read.
        feature: a name in :data:`~sercourse.features.registry.FEATURES`, e.g. ``"is10"``.
        store: where features are kept; ``None``: the store in the cache folder.
        workers: processes; ``None``: one per core. With 1 nothing leaves this process.
        progress: show a progress bar.

    Returns:
        The features, in the table's order. Unusable files (up to 1 % of the table) are left out, counted in a warning
        and listed in ``skipped``.

    Raises:
        UserError: unknown feature set, a full disk, or more than 1 % unusable files. Everything computed until then
            stays in the store.
    """
    extractor = feature_extractor(feature)
    store = store or FeatureStore()
    workers = workers or cpu_count()
    rows = list(zip(table.index.astype(str), table["path"], table["start"], table["end"], strict=True))
    outcomes = _stored(rows, extractor, store)  # here and now: starting workers takes longer than looking
    missing = [row for row in rows if row[0] not in outcomes]
    jobs = [
        delayed(_fill)(missing[first : first + UTTERANCES_PER_JOB], feature, store)
        for first in range(0, len(missing), UTTERANCES_PER_JOB)
    ]
    workers = max(min(workers, len(jobs)), 1)

    def start_workers() -> None:
        if workers > 1:  # empty jobs: what a worker imports is then no growth that joblib takes for a memory leak
            Parallel(n_jobs=workers)(delayed(_fill)([], feature, store) for _ in range(workers))

    with progress_bar(progress) as bar, heeded_interrupt(start_workers) as interrupted:
        task = bar.add_task(feature, total=len(rows), completed=len(outcomes))
        for done in Parallel(n_jobs=workers, return_as="generator_unordered")(jobs):
            if interrupted.is_set():
                raise KeyboardInterrupt
            outcomes.update(done)
            bar.advance(task, len(done))
    skipped = {i: outcomes[i].problem for i, *_ in rows if outcomes[i].problem}
    _report(feature, skipped, sum(o.repaired for o in outcomes.values()), len(rows))
    paths = {i: outcomes[i].path for i, *_ in rows if not outcomes[i].problem}
    return Features(feature, extractor.columns, paths, skipped, store)


@dataclass(frozen=True)
class _Outcome:
    path: Path
    problem: str = ""
    repaired: bool = False


def _stored(
    rows: list[tuple[str, str, float, float]], extractor: Extractor, store: FeatureStore
) -> dict[str, _Outcome]:
    """Those utterances whose features lie in the store, whole; what is wrong with others is found out later."""
    found = {}
    for utterance_id, path, start, end in rows:
        try:
            entry = store.path(audio_key(path, start, end), extractor)
            if store.read(entry) is not None:
                found[utterance_id] = _Outcome(entry)
        except (OSError, UserError, DamagedEntry):
            continue
    return found


def _fill(rows: list[tuple[str, str, float, float]], feature: str, store: FeatureStore) -> dict[str, _Outcome]:
    """Make sure that the store holds the features of some utterances; runs in a worker process."""
    extractor = feature_extractor(feature)
    outcomes: dict[str, _Outcome] = {}
    missing: list[tuple[str, Path, np.ndarray]] = []
    for utterance_id, path, start, end in rows:
        repaired = False
        try:
            entry = store.path(audio_key(path, start, end), extractor)
            try:
                present = store.read(entry) is not None
            except DamagedEntry:
                present, repaired = False, True
            if not present:
                missing.append((utterance_id, entry, read_audio(path, start, end)))
            outcomes[utterance_id] = _Outcome(entry, repaired=repaired)
        except OSError as error:
            outcomes[utterance_id] = _Outcome(Path(path), f"{path}: cannot be read ({error.strerror}); check the path.")
        except AudioError as error:
            outcomes[utterance_id] = _Outcome(Path(path), str(error))
    for entry, array in _compute(missing, extractor, outcomes):
        store.write(entry, array)
    return outcomes


def _compute(
    missing: list[tuple[str, Path, np.ndarray]], extractor: Extractor, outcomes: dict[str, _Outcome]
) -> Iterator[tuple[Path, np.ndarray]]:
    """Features of a batch; a waveform that cannot be used is noted, and the others are kept."""

    def refused(one: tuple[str, Path, np.ndarray], error: AudioError) -> None:
        utterance_id, entry, _ = one
        outcomes[utterance_id] = _Outcome(entry, f"{utterance_id}: {error}")

    computed = all_but_refused(missing, lambda some: extractor([waveform for *_, waveform in some]), refused)
    yield from ((entry, array) for (_, entry, _), array in computed)


def _report(feature: str, skipped: dict[str, str], repaired: int, total: int) -> None:
    if repaired:
        warnings.warn(f"{feature}: {repaired} damaged entries of the feature store were computed again.", stacklevel=3)
    report_skipped(feature, skipped, total)
