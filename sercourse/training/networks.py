"""``sercourse train``: corpus, protocol and chapter to a run folder; and its way back, ``load_or_train``.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from joblib import Parallel, delayed

from sercourse import corpora
from sercourse.errors import UserError
from sercourse.evaluation.metrics import ua, wa
from sercourse.features.extract import extract
from sercourse.interrupts import heeded_interrupt
from sercourse.paths import runs_dir
from sercourse.progress import progress_bar
from sercourse.training.baseline import predict_all, short_name
from sercourse.training.checkpoints import load_checkpoint
from sercourse.training.crops import crop_table
from sercourse.training.devices import network_seed, share_of_cores
from sercourse.training.fit import RESULT, FoldJob, Material, fit_fold
from sercourse.training.journal import epochs_done
from sercourse.training.protocols import Protocol, make_protocol
from sercourse.training.recipes import Recipe, recipe
from sercourse.training.runs import Run, data_hash, read_run, write_json, write_run
from sercourse.training.settings import Settings
from sercourse.training.summary import summarise

FOLDS = "folds"
ASKED = "asked.json"


@dataclass(frozen=True)
class TrainingConfig:
    """What is asked of a training run."""

    chapter: str = "emotion_autoencoder"
    """Whose network."""
    corpus: str = "synthetic"
    """Name of a corpus, several with commas, or csv:FILE."""
    protocol: str = "loso"
    """loso, session, language, group-K, kfold-K or holdout-PERCENT."""
    profile: str = "quick"
    """quick, course or paper."""
    changes: tuple[str, ...] = ()
    """``key=value`` each, on top of the profile."""
    unit: str = "utterance"
    """utterance, or crop (a leak; the protocol lesson)."""
    repeats: int = 1
    """Times that the protocol is drawn and all its folds are trained, each time from another seed."""
    seed: int = 0
    """Seed of the first repeat; the others count on."""

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise UserError(f"--repeats {self.repeats}: must be 1 or more.")
        _ = self.settings  # a wrong profile or setting is said at once

    @cached_property
    def recipe(self) -> Recipe:
        """The chapter's recipe."""
        return recipe(self.chapter)

    @cached_property
    def settings(self) -> Settings:
        """The profile with the changes."""
        return self.recipe.settings(self.profile, self.changes)

    @property
    def name(self) -> str:
        """Name of the run folder: readable, and different for every configuration."""
        parts = [
            self.chapter, *map(short_name, self.corpus.split(",")), self.protocol,
            *(["crops"] if self.unit == "crop" else []), self.profile, self.settings.digest,
            f"x{self.repeats}", f"seed{self.seed}",
        ]  # fmt: skip
        return "-".join(parts)

    @property
    def folder(self) -> Path:
        """Where the run lies."""
        return runs_dir() / self.name


def load_or_train(config: TrainingConfig, **options) -> Run:
    """The finished run of a configuration, or a new one; an unfinished one is finished.

    Args:
        config: what is asked.
        options: see :func:`train`.
    """
    try:
        run = read_run(config.folder)
    except UserError:
        return train(config, resume=True, **options)
    return run


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
    table = corpora.load(config.corpus) if table is None else table
    table = table[table["emotion"].notna()]
    if config.unit == "crop":
        table = crop_table(table)
    protocols = [
        make_protocol(config.protocol, table, seed=config.seed + k, unit=config.unit) for k in range(config.repeats)
    ]
    config.folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(config.folder / ".lock", timeout=0):
            threads = _begin(config, resume, jobs)
            features = {
                name: extract(table, name, workers=workers, progress=progress)
                for name in config.recipe.features(config.settings)
            }
            usable = set.intersection(*(set(maps) for maps in features.values()))
            emotions = sorted(table["emotion"].unique())
            listed = _fold_jobs(config, protocols, usable, emotions, threads)
            if progress:
                print(plan(config, protocols, listed))
            _run_jobs([job for *_, job in listed], Material(table, features), jobs=jobs, progress=progress)
            return _collect(config, table, protocols, listed, features, time.perf_counter() - begun)
    except Timeout:
        raise UserError(f"{config.folder}: another process is at work on this run; wait for it or stop it.") from None


def plan(config: TrainingConfig, protocols: Sequence[Protocol], listed: list) -> str:
    """What a run will cost, in a line."""
    loop = config.settings.loop
    todo = [job for *_, job in listed if not job.done]
    done = sum(epochs_done(job.folder) for job in todo)
    repeats = f" x {len(protocols)} repeats" if len(protocols) > 1 else ""
    members = f" x {loop.members} members" if loop.members > 1 else ""
    return (
        f"Plan: {protocols[0].describe()}{repeats}{members}; {len(todo)} of {len(listed)} networks to train,"
        f" {len(todo) * loop.epochs - done} epochs; the bar tells the time left after the first."
    )


def _begin(config: TrainingConfig, resume: bool, jobs: int) -> int:
    """Clear or keep what is there; the number of threads, which a resumed run keeps so that its last digits do."""
    asked = config.folder / ASKED
    if not resume:
        shutil.rmtree(config.folder / FOLDS, ignore_errors=True)
        for stale in ("summary.json", ASKED):
            (config.folder / stale).unlink(missing_ok=True)
    try:
        return json.loads(asked.read_text("utf-8"))["threads"]
    except (OSError, ValueError, KeyError):
        threads = config.settings.loop.threads or share_of_cores(jobs * config.settings.loop.devices)
        write_json(asked, {"threads": threads, **asdict(config), "settings": config.settings.to_json()})
        return threads


def _fold_jobs(
    config: TrainingConfig, protocols: list[Protocol], usable: set[str], emotions: list[str], threads: int
) -> list[tuple[int, str, FoldJob]]:
    """Repeat, fold's name and job of every network."""
    loop = config.settings.loop
    listed = []
    for repeat, protocol in enumerate(protocols):
        for number, fold in enumerate(protocol.folds):
            sides = {"train": fold.train, "validation": fold.validation, "test": fold.test}
            if loop.learn_from == "development":
                sides |= {"train": (*fold.train, *fold.validation), "validation": ()}
            sides = {side: tuple(i for i in ids if i in usable) for side, ids in sides.items()}
            if not sides["train"] or not sides["test"]:
                continue
            for member in range(loop.members):
                folder = config.folder / FOLDS / f"{repeat}-{number:02d}-{member}"
                seed = network_seed(config.seed, repeat, number, member)
                job = FoldJob(folder, config.chapter, config.settings, emotions, seed=seed, threads=threads, **sides)
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


def fold_predictions(listed: list[tuple[int, str, FoldJob]]) -> pd.DataFrame:
    """Predictions of finished folds; members of a fold are averaged."""
    parts = []
    for repeat, name in dict.fromkeys((repeat, name) for repeat, name, _ in listed):
        members = [job for r, n, job in listed if (r, n) == (repeat, name)]
        loaded = [load_checkpoint(job.folder / RESULT) for job in members]
        probabilities = np.mean([tensors["test.emotion"].numpy() for tensors, _ in loaded], axis=0)  # (N, C)
        emotions = members[0].emotions
        frame = pd.DataFrame(probabilities, columns=[f"p_{emotion}" for emotion in emotions])
        frame.insert(0, "utterance_id", list(members[0].test))
        frame.insert(1, "repeat", repeat)
        frame.insert(2, "fold", name)
        frame.insert(3, "predicted", np.array(emotions)[probabilities.argmax(1)])
        parts.append(frame)
    return pd.concat(parts, ignore_index=True)


def _collect(
    config: TrainingConfig, table: pd.DataFrame, protocols: list[Protocol], listed: list, features: dict, seconds: float
) -> Run:
    """Predictions of all folds to figures and the run's files."""
    predictions = fold_predictions(listed).join(table[["emotion", "speaker", "gender"]], on="utterance_id")
    spectrum = next(iter(features.values()))
    majority = predict_all(
        pd.DataFrame(0.0, index=pd.Index(list(spectrum), dtype="string"), columns=["none"]),
        table,
        protocols,
        "majority",
    )
    about = [load_checkpoint(job.folder / RESULT)[1] for *_, job in listed]
    curves = [row for one in about for row in one["curves"]]
    skipped = {i: why for maps in features.values() for i, why in maps.skipped.items()}
    summary = {
        "corpus": config.corpus,
        "chapter": config.chapter,
        "features": "+".join(config.recipe.features(config.settings)),
        "classifier": config.chapter,
        "protocol": config.protocol,
        "unit": config.unit,
        "protocol_line": protocols[0].describe(),
        "profile": config.profile,
        "settings": config.settings.to_json(),
        "seed": config.seed,
        **summarise(predictions, seed=config.seed),
        "majority": {metric.__name__: metric(majority["emotion"], majority["predicted"]) for metric in (wa, ua)},
        "human": None,
        "notices": [
            *protocols[0].notices, *([protocols[0].warning] if protocols[0].leaky else []),
            *([f"{len(skipped)} utterances were skipped because their audio cannot be used."] if skipped else []),
        ],
        "skipped": skipped,
        "data_hash": data_hash(table, {i: path.stem for i, path in spectrum.paths.items()}),
        "networks": len(listed),
        "parameters": about[0]["parameters"],
        "epochs_chosen": [one["epoch"] for one in about],
        "seconds_per_epoch": float(np.median([row["seconds"] for row in curves])),
        "training_seconds": float(sum(row["seconds"] for row in curves)),
        "peak_mb": max(one["peak_mb"] for one in about),
        "seconds": seconds,
        "run": config.name,
    }  # fmt: skip
    asked = asdict(config) | {"settings": config.settings.to_json()}
    return write_run(
        config.folder,
        config=asked,
        protocol={"repeats": [protocol.to_json() for protocol in protocols]},
        predictions=predictions,
        summary=summary,
    )
