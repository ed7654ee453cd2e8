"""``sercourse train``: corpus, protocol and chapter to a run folder; and its way back, ``load_or_train``.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout
from joblib import Parallel, delayed

from sercourse import corpora
from sercourse.errors import RunBusy, UserError
from sercourse.features.extract import extract
from sercourse.interrupts import heeded_interrupt
from sercourse.models.multitask import MAIN
from sercourse.progress import progress_bar
from sercourse.training.collect import Listed, collect
from sercourse.training.crops import crop_table
from sercourse.training.devices import is_leader, share_of_cores, under_torchrun
from sercourse.training.fit import FOLDS, FoldJob, Material, fit_fold
from sercourse.training.journal import epochs_done
from sercourse.training.predict import weights_of
from sercourse.training.protocols import Protocol, make_protocol
from sercourse.training.runs import Run, data_hash, read_run, write_json
from sercourse.training.seeds import network_seed
from sercourse.training.taught import taught, taught_classes
from sercourse.training.training_config import TrainingConfig

__all__ = ["TrainingConfig", "load_or_train", "plan", "train"]

ASKED = "asked.json"


def load_or_train(config: TrainingConfig, *, table: pd.DataFrame | None = None, **options: int | bool | None) -> Run:
    """The finished run of a configuration, or a new one; an unfinished one is finished, one at work waited for.

    A run on other utterances (another part of the corpus, say) is not taken for this one, but begun anew.

    Args:
        config: what is asked.
        table: the utterance table; ``None``: the corpus of ``config`` is loaded.
        options: see :func:`train`.
    """
    table = corpora.load(config.corpus) if table is None else table
    same = _belongs(config, _digests(config, *_prepared(config, table)))
    try:
        if same:
            return read_run(config.folder)
    except UserError:
        pass
    try:
        return train(config, table=table, resume=same, **options)
    except RunBusy:  # another notebook trains the same: what it writes is what was asked for
        with FileLock(config.folder / ".lock"):
            pass
        return load_or_train(config, table=table, **options)


def train(
    config: TrainingConfig,
    *,
    table: pd.DataFrame | None = None,
    resume: bool = False,
    jobs: int = 1,
    workers: int | None = None,
    progress: bool = True,
) -> Run:
    """Train and judge every fold of a protocol and write the run folder.

    Args:
        config: what is asked.
        table: the utterance table; ``None``: the corpus of ``config`` is loaded.
        resume: go on with what is there; else a folder of this name is begun anew.
        jobs: folds trained at a time, each in a process of its own.
        workers: processes for features; ``None``: one per core.
        progress: show the plan and progress bars.

    Returns:
        The run; ``run.summary`` holds the figures (percent).

    Raises:
        UserError: unknown names, unusable audio, another process at work on the same run, a full disk.
    """
    begun = time.perf_counter()
    table, protocols = _prepared(config, corpora.load(config.corpus) if table is None else table)
    _make_folder(config.folder)
    if under_torchrun() and not resume:
        raise UserError("under torchrun: add --resume, for no process may clear what another one has begun.")
    progress = progress and is_leader()
    try:
        with FileLock(config.folder / ".lock", timeout=0) if is_leader() else nullcontext():
            for protocol in _asked_for(config, protocols):  # said before features are computed
                for fold in protocol.folds:
                    taught_classes(config, table, taught(config, table, fold.train))
            threads = _begin(config, resume, jobs, _digests(config, table, protocols))
            features = {
                name: extract(table, name, workers=workers, progress=progress)
                for name in config.recipe.features(config.settings)
            }
            usable = set.intersection(*(set(maps) for maps in features.values()))
            keys = next(iter(features.values())).keys_of
            shared = {"threads": threads, "data": data_hash(table, keys, columns=_texts(config))}
            listed = _fold_jobs(config, protocols, table, usable, shared)
            protocols = _asked_for(config, protocols)
            if progress:
                print(plan(config, protocols, listed))
            derived = config.recipe.derived(features, table, config.settings, progress=progress)
            _run_jobs([job for *_, job in listed], Material(table, features | derived), jobs=jobs, progress=progress)
            if not is_leader():
                return _written(config.folder)
            return collect(config, table, protocols, listed, features, time.perf_counter() - begun)
    except Timeout:
        raise RunBusy(f"{config.folder}: another process is at work on this run; wait for it or stop it.") from None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror}); set SERCOURSE_RUNS to another folder.") from None


def plan(config: TrainingConfig, protocols: Sequence[Protocol], listed: Listed) -> str:
    """What a run will cost, in a line: folds, repeats, epochs, and seconds by the recipe's rule of thumb (one core)."""
    loop = config.settings.loop
    todo = [job for *_, job in listed if not job.done]
    left = {job.folder: loop.epochs - epochs_done(job.folder) for job in todo}
    hundreds = sum(left[job.folder] * len(job.train) * loop.draws / 100 for job in todo)
    seconds = hundreds * config.recipe.seconds[config.profile]
    repeats = f" x {len(protocols)} repeats" if len(protocols) > 1 else ""
    members = f" x {loop.members} members" if loop.members > 1 else ""
    return (
        f"Plan: {protocols[0].describe()}{repeats}{members}; {len(todo)} of {len(listed)} networks to train,"
        f" {sum(left.values())} epochs, about {seconds:.0f} s on one core in the profile's own size."
    )


def _written(folder: Path) -> Run:
    """The run that the leader writes, as soon as it lies there."""
    while not (folder / "summary.json").exists():
        time.sleep(0.2)
    return read_run(folder)


def _prepared(config: TrainingConfig, table: pd.DataFrame) -> tuple[pd.DataFrame, list[Protocol]]:
    """The utterances (or crops) to learn from and to judge, and the protocol of every repeat."""
    if not config.settings.loop.unlabelled:
        table = table[table[MAIN].notna()]
    if config.unit == "crop":
        table = crop_table(table)
    seeds = range(config.seed, config.seed + config.repeats)
    return table, [make_protocol(config.protocol, table, seed=seed, unit=config.unit) for seed in seeds]


def _digests(config: TrainingConfig, table: pd.DataFrame, protocols: list[Protocol]) -> list[str]:
    """What tells one set of utterances from another: labels by id, and every fold list."""
    taught_by = ["language"] if config.settings.loop.languages else []
    columns = list(dict.fromkeys((*config.recipe.labels(config.settings), *_texts(config), *taught_by)))
    labels = hashlib.sha256(table[columns].sort_index().to_csv().encode()).hexdigest()[:16]
    return [labels, *(protocol.digest for protocol in protocols)]


def _texts(config: TrainingConfig) -> tuple[str, ...]:
    """Columns with texts that a run belongs to."""
    return config.recipe.writes + config.recipe.reads


def _belongs(config: TrainingConfig, utterances: list[str]) -> bool:
    """Whether what lies in the run's folder, if anything, was begun on these utterances with these settings."""
    try:
        asked = json.loads((config.folder / ASKED).read_text("utf-8"))
        return asked["utterances"] == utterances and config.settings.agrees(asked["settings"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return True  # nothing begun, or not readable: what the folds hold is checked one by one


def _begin(config: TrainingConfig, resume: bool, jobs: int, utterances: list[str]) -> int:
    """Clear or keep what is there; the number of threads, which a resumed run keeps so that its last digits do.

    Raises:
        UserError: a run on other utterances or with other settings was to be resumed.
    """
    asked = config.folder / ASKED
    if not resume:
        shutil.rmtree(config.folder / FOLDS, ignore_errors=True)
        for stale in ("summary.json", ASKED):
            (config.folder / stale).unlink(missing_ok=True)
    if not _belongs(config, utterances):
        raise UserError(
            f"{config.folder}: was begun on other utterances or settings; leave --resume out to begin anew."
        )
    try:
        return json.loads(asked.read_text("utf-8"))["threads"]
    except (OSError, ValueError, KeyError, TypeError):
        threads = config.settings.loop.threads or share_of_cores(jobs * config.settings.loop.devices)
        about = {"threads": threads, "utterances": utterances, "settings": config.settings.to_json()}
        write_json(asked, asdict(config) | about)
        return threads


def _asked_for(config: TrainingConfig, protocols: list[Protocol]) -> list[Protocol]:
    """The protocols with the folds that are asked for.

    Raises:
        UserError: there is no such fold.
    """
    if config.fold is None:
        return protocols
    if not all(0 <= config.fold < len(protocol.folds) for protocol in protocols):
        raise UserError(f"fold {config.fold}: {config.protocol} has the folds 0 to {len(protocols[0].folds) - 1} here.")
    return [replace(protocol, folds=(protocol.folds[config.fold],)) for protocol in protocols]


def _fold_jobs(
    config: TrainingConfig, protocols: list[Protocol], table: pd.DataFrame, usable: set[str], shared: dict
) -> Listed:
    """Repeat, fold's name and job of every network; ``usable`` are the utterances with all features."""
    loop = config.settings.loop
    listed = []
    for repeat, protocol in enumerate(protocols):
        for number, fold in enumerate(protocol.folds):
            if config.fold not in (None, number):
                continue
            sides = {"train": fold.train, "validation": fold.validation, "test": fold.test}
            if loop.learn_from == "development":
                sides |= {"train": (*fold.train, *fold.validation, *fold.set_aside), "validation": ()}
            if loop.unlabelled:
                sides["train"] += protocol.beside(fold, table)
            sides = {side: ids if side == "test" else taught(config, table, ids) for side, ids in sides.items()}
            sides = {side: tuple(i for i in ids if i in usable) for side, ids in sides.items()}
            if not sides["train"] or not sides["test"]:
                continue
            if not sides["validation"] and loop.select != "last":
                raise UserError(
                    f"fold '{fold.name}': no validation utterance has usable audio"
                    f"{' and one of the languages asked for' if loop.languages else ''}, so no epoch can be chosen;"
                    " look at the audio with `sercourse doctor` or add --set select=last."
                )
            classes = taught_classes(config, table, sides["train"])
            for member in range(loop.members):
                folder = weights_of(config.folder, number, repeat, member).parent
                seed = network_seed(config.seed, repeat, number, member)
                job = FoldJob(folder, config.chapter, config.settings, classes, seed=seed, **shared, **sides)
                listed.append((repeat, fold.name, job))
    if not listed:
        raise UserError(f"{config.protocol}: no fold has both training and test utterances with usable audio.")
    return listed


def _run_jobs(todo: list[FoldJob], material: Material, *, jobs: int, progress: bool) -> None:
    """Train what is not done, some at a time; the bar counts epochs, which it reads from the networks' tables."""
    epochs = todo[0].settings.loop.epochs
    todo = [job for job in todo if not job.done]
    if not todo:
        return
    stop = threading.Event()

    def watch() -> None:
        begun = sum(epochs_done(job.folder) for job in todo)  # time left is reckoned from this session's pace
        with progress_bar(progress) as bar:
            task = bar.add_task("epochs", total=len(todo) * epochs - begun)
            while not stop.wait(0.5):
                done = sum(epochs if job.done else epochs_done(job.folder) for job in todo) - begun
                bar.update(task, completed=done)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        if jobs == 1:
            for job in todo:
                fit_fold(job, material)
            return

        def start_workers() -> None:
            Parallel(n_jobs=jobs)(delayed(int)() for _ in range(jobs))

        with heeded_interrupt(start_workers) as interrupted:
            for _ in Parallel(n_jobs=jobs, return_as="generator_unordered")(
                delayed(fit_fold)(job, material) for job in todo
            ):
                if interrupted.is_set():
                    raise KeyboardInterrupt
    finally:
        stop.set()
        watcher.join()
