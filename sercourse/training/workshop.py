"""What the course needs on a machine before people come: corpora, features, one finished run per chapter.

``sercourse prefetch`` makes it, ``sercourse doctor`` says what is missing of it.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sercourse import corpora
from sercourse.corpora.registry import COURSE_CORPORA, SYNTHETIC
from sercourse.errors import UserError
from sercourse.features.extract import extract, feature_extractor
from sercourse.features.store import FeatureStore, audio_key
from sercourse.notebooks import CELL_SECONDS, client, committed, course_notebooks, pristine_dir, read, require_jupyter
from sercourse.paths import cache_dir, runs_dir
from sercourse.progress import progress_bar
from sercourse.training.first_runs import FIRST_RUNS, first_runs, missing_first_runs

BULKY: tuple[str, ...] = ("waveform", "logmag", "spec400", "convolved", "encoded")
"""Features that take more room than their audio and seconds to make again; they are neither packed nor asked for."""

VECTORS: tuple[str, ...] = ("is10", "egemaps")
"""What the chapters compare with, whatever their networks read."""


def wanted_features() -> dict[str, tuple[str, ...]]:
    """By default corpus the feature sets that chapters read from the store."""
    wanted: dict[str, list[str]] = {SYNTHETIC: list(VECTORS)}
    for config in FIRST_RUNS.values():
        names = [name for name in config.recipe.features(config.settings) if name not in BULKY]
        wanted.setdefault(config.corpus, []).extend(names)
    return {corpus: tuple(dict.fromkeys(names)) for corpus, names in wanted.items() if names}


def missing() -> list[str]:
    """What the course needs and is not here, in words; empty where all is ready. Makes nothing."""
    absent = [name for name in COURSE_CORPORA if corpora.inspect(name).problem]
    found = [f"corpus {name}" for name in absent]
    for corpus, names in wanted_features().items():
        lacking = names if corpus in absent else _lacking(corpora.load(corpus), names)
        found += [f"{', '.join(lacking)} of {corpus}"] if lacking else []
    runs = missing_first_runs()
    return [*found, *([f"runs of {', '.join(runs)} in {runs_dir()}"] if runs else [])]


def _lacking(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Feature sets of which the store does not hold every utterance of a table."""
    keys, store = keys_of(table), FeatureStore()
    extractors = {name: feature_extractor(name) for name in names}
    return [name for name, made in extractors.items() if not all(store.path(key, made).exists() for key in keys)]


def keys_of(table: pd.DataFrame) -> list[str]:
    """The addresses of a table's audio in the feature store."""
    rows = zip(table["path"], table["start"], table["end"], strict=True)
    return [audio_key(*row) for row in rows]


def prepare(also: Sequence[str] = (), *, notebooks: Path | None = None, progress: bool = True) -> None:
    """Make what is missing: default corpora, chapters' features, first runs.

    Args:
        also: further corpora, of which the vectors are computed.
        notebooks: a folder of notebooks; each is run once, so that the runs it asks for are found later.
        progress: show progress bars.

    Raises:
        UserError: a corpus is absent, a notebook fails, Jupyter is not installed, a folder cannot be written.
    """
    if notebooks is not None:
        _notebooks_to_run(notebooks)  # complains now, not after an hour
    for name in (*also, *COURSE_CORPORA):
        corpora.load(name)
    for corpus, names in wanted_features().items() | {(name, VECTORS) for name in also}:
        table = corpora.load(corpus)
        for name in names:
            extract(table, name, progress=progress)
    if missing_first_runs():
        first_runs(progress=progress)
    if notebooks is not None:
        run_notebooks(notebooks, progress=progress)


def _notebooks_to_run(folder: Path) -> list[Path]:
    """The chapters in a folder.

    Raises:
        UserError: there are none, or the extra ``notebooks`` is not installed.
    """
    require_jupyter()
    found = course_notebooks(folder)
    if not found:
        raise UserError(f"--notebooks {folder}: holds no notebook named NN_name.ipynb; name the course's folder.")
    return found


def run_notebooks(folder: Path, *, progress: bool = True) -> None:
    """Run every notebook once for what it leaves in cache and runs, and keep a copy of each as it was.

    The notebooks themselves are not changed.

    Raises:
        UserError: no notebook there, one cannot be read, the extra ``notebooks`` is not installed, or a cell fails.
    """
    paths = _notebooks_to_run(folder)
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    contents = [read(path) for path in paths]  # what is no notebook must not become the copy that reset takes
    keep_pristine(paths)
    environment = os.environ | {"SERCOURSE_CACHE": str(cache_dir()), "SERCOURSE_RUNS": str(runs_dir())}
    with progress_bar(progress) as bar:
        for path, notebook in bar.track(list(zip(paths, contents)), description="running notebooks"):
            try:
                client(notebook, folder).execute(env=environment)
            except CellExecutionError as error:
                raise UserError(
                    f"{path}: a cell fails ({error.ename}: {error.evalue}); put the notebook right or leave --notebooks"
                    " out."
                ) from None
            except CellTimeoutError:
                raise UserError(
                    f"{path}: a cell took longer than {CELL_SECONDS:.0f} s; shorten it or leave --notebooks out."
                ) from None
            except DeadKernelError:
                raise UserError(
                    f"{path}: a cell ended its kernel, most often for want of memory; put the notebook right or leave"
                    " --notebooks out."
                ) from None


def keep_pristine(paths: Sequence[Path]) -> None:
    """Copy notebooks to where ``sercourse reset`` looks for them.

    A copy that is there stays, unless the notebook is as git's last commit has it: somebody may have worked in it.
    """
    folder = pristine_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            _keep_original(path, folder / path.name)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror}); set SERCOURSE_CACHE to another.") from None


def _keep_original(path: Path, kept: Path) -> None:
    content = path.read_bytes()
    if kept.is_file() and kept.read_bytes() != content and committed(path) != content:
        print(f"{path}: differs from {kept}, which stays what `sercourse reset` takes; delete that to replace it.")
        return
    partial = kept.with_name(f".{kept.name}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(kept)
    finally:
        partial.unlink(missing_ok=True)
