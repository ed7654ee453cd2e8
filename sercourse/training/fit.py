"""One fold, from a fresh network to predictions; goes on where it was killed.

A fold's folder holds ``state.safetensors`` (while it trains), ``curves.csv``, ``weights.safetensors`` and, last,
``result.safetensors``. Each epoch seeds itself, so the state needs no generator's inside: what a run would have done
without the kill is what it does after it, bit for bit (on the same machine, with the same number of threads).

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from sercourse.errors import UserError
from sercourse.evaluation.metrics import ua, wa
from sercourse.models.multitask import MultiTaskModel
from sercourse.training.balancing import Balancer
from sercourse.training.batches import BucketBatches, EvaluationSet, Examples, TrainingSet, balanced_weights, loader
from sercourse.training.checkpoints import (
    flatten_optimiser,
    load_checkpoint,
    restore_optimiser,
    save_checkpoint,
    with_prefix,
    without_prefix,
)
from sercourse.training.devices import make_fabric, prepare_process, seed_epoch, under_torchrun
from sercourse.training.journal import Journal
from sercourse.training.loop import Evaluation, evaluate, train_one_epoch
from sercourse.training.recipes import recipe
from sercourse.training.settings import Settings

FOLDS = "folds"
"""Subfolder of a run folder with a folder per network."""
STATE, WEIGHTS, RESULT = "state.safetensors", "weights.safetensors", "result.safetensors"


@dataclass(frozen=True)
class FoldJob:
    """One network to train.

    Attributes:
        folder: where its files go.
        chapter: whose network.
        settings: of loop, data and network.
        emotions: the classes.
        train, validation, test: utterance ids; with ``learn_from=development`` validation has moved into train.
        seed: of this network.
        threads: of the CPU.
    """

    folder: Path
    chapter: str
    settings: Settings
    emotions: list[str]
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    seed: int
    threads: int

    @property
    def done(self) -> bool:
        """Whether its predictions are on disk."""
        return (self.folder / RESULT).exists()


@dataclass(frozen=True)
class Material:
    """What all folds of a run look at: the utterance table, and features by set and utterance."""

    table: pd.DataFrame
    features: Mapping[str, Mapping[str, np.ndarray]]


@dataclass
class Progress:
    """How far a fold has come; all of it is stored after every epoch.

    Attributes:
        epoch: epochs done.
        curves: a row per epoch.
        best_epoch: the chosen one so far, from 1; 0: none yet.
        best_score: its score on validation; higher is better.
        kept: weights of the best epoch, or the sum of those to be averaged.
        trace: per side, the probabilities of every epoch, where they are recorded.
    """

    epoch: int = 0
    curves: list[dict] = field(default_factory=list)
    best_epoch: int = 0
    best_score: float = -np.inf
    kept: dict[str, Tensor] = field(default_factory=dict)
    trace: dict[str, list[Tensor]] = field(default_factory=dict)


def fit_fold(job: FoldJob, material: Material, on_batch: Callable[[], None] = lambda: None) -> None:
    """Train one network and judge its test side, unless that is done; resumes after the last whole epoch.

    Args:
        job: what to train.
        material: what to train on.
        on_batch: called after each training batch, in this process.

    Raises:
        UserError: an accelerator that is not there, a full disk, a damaged state.
    """
    if job.done:
        return
    prepare_process(job.threads)
    fabric = make_fabric(job.settings.loop)
    if job.settings.loop.devices > 1 or under_torchrun():
        fabric.launch(partial(_fit, job=job, material=material))  # fabric would take arguments of its own apart
    else:
        _fit(fabric, job, material, on_batch)


def _fit(fabric: Fabric, job: FoldJob, material: Material, on_batch: Callable[[], None] = lambda: None) -> None:
    prepare_process(job.threads)
    config, chapter = job.settings.loop, recipe(job.chapter)
    parent = os.getppid() if multiprocessing.parent_process() else None  # a run itself may outlive its shell (nohup)
    examples = chapter.examples(material.features, material.table, job.emotions, job.settings)
    seed_epoch(job.seed, 0)
    network = chapter.model(material.features, job.train, job.emotions, job.settings)
    balancer = chapter.balancer(job.settings).to(fabric.device)
    decay = {"weight_decay": config.weight_decay} if config.weight_decay else {}
    kind = torch.optim.AdamW if decay else torch.optim.Adam
    optimiser = kind(network.parameters(), lr=config.learning_rate, betas=config.betas, **decay)
    model, optimiser = fabric.setup(network, optimiser)
    steps = -(-len(_epoch_batches(fabric, job, examples, material, 0).batches) // config.accumulate) * config.epochs
    shape = (lambda step: 0.5 + 0.5 * np.cos(np.pi * step / steps)) if config.schedule == "cosine" else lambda _: 1.0
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser.optimizer, shape)
    progress = _resumed(fabric, job, network, optimiser, balancer, schedule)
    journal = Journal(job.folder, progress.epoch) if fabric.is_global_zero else None

    while progress.epoch < config.epochs and not _stopped(progress, config.patience):
        if parent not in (None, os.getppid()):  # the run was killed; a resumed one will take this fold over
            os._exit(1)
        begun = time.perf_counter()
        seed_epoch(job.seed, progress.epoch, fabric.global_rank)
        draws = TrainingSet(examples, job.train, config.draws, job.seed, progress.epoch)
        plan = _epoch_batches(fabric, job, examples, material, progress.epoch)
        batches = loader(
            draws, plan, examples.padded, workers=config.workers, seed=job.seed, epoch=progress.epoch
        )  # fmt: skip
        losses = train_one_epoch(
            fabric, model, balancer, optimiser, fabric.setup_dataloaders(batches, use_distributed_sampler=False),
            schedule=schedule, clip=config.clip, accumulate=config.accumulate, on_batch=on_batch,
        )  # fmt: skip
        row = {f"train_{task}": loss for task, loss in losses.items()}
        row |= {f"weight_{task}": weight for task, weight in balancer.weights().items()}
        validation = _judge(fabric, job, model, examples, job.validation, labelled=True) if job.validation else None
        if validation is not None:
            row |= _figures(validation, job, material)
        if config.record_test:
            test = _judge(fabric, job, model, examples, job.test, labelled=False)
            progress.trace.setdefault("test", []).append(torch.from_numpy(test.probabilities["emotion"]))
            if validation is not None:
                kept = torch.from_numpy(validation.probabilities["emotion"])
                progress.trace.setdefault("validation", []).append(kept)
        progress.epoch += 1
        row = {"epoch": progress.epoch, **row, "seconds": time.perf_counter() - begun}
        progress.curves.append(row)
        _choose(progress, network, row, config)
        if fabric.is_global_zero:
            journal.write(progress.curves)  # before the state, which says that the epoch is done with
            _save_state(job, network, optimiser, balancer, schedule, progress)
        fabric.barrier()

    if config.average:
        averaged = {name: total / config.average for name, total in progress.kept.items()}
        progress.kept = {name: averaged[name].to(tensor.dtype) for name, tensor in network.state_dict().items()}
    if progress.kept:
        network.load_state_dict(progress.kept)
    result = {}
    for side, ids in (("test", job.test), ("validation", job.validation)):
        if ids:
            judged = _judge(fabric, job, model, examples, ids, labelled=False)
            result |= {f"{side}.{task}": torch.from_numpy(p) for task, p in judged.probabilities.items()}
    if fabric.is_global_zero:
        journal.close()
        _save_result(job, network, progress, result)
    fabric.barrier()


def _epoch_batches(fabric: Fabric, job: FoldJob, examples: Examples, material: Material, epoch: int) -> BucketBatches:
    """The batches of one epoch, this device's part of them."""
    config = job.settings.loop
    lengths = [examples.length(i) for i in job.train] * config.draws
    weights = None
    if config.sampling == "balanced":
        weights = np.tile(balanced_weights(material.table.loc[list(job.train), "emotion"]), config.draws)
    rng = np.random.default_rng([job.seed, epoch])
    ranks = {"rank": fabric.global_rank, "world": fabric.world_size}
    return BucketBatches(lengths, config.batch_size, rng, draw_weights=weights, **ranks)


def _judge(
    fabric: Fabric, job: FoldJob, model: nn.Module, examples: Examples, ids: tuple[str, ...], *, labelled: bool
) -> Evaluation:
    items = EvaluationSet(examples, ids, labelled=labelled)
    lengths = [len(item[examples.padded[0]]) for item in items.items]
    ranks = {"rank": fabric.global_rank, "world": fabric.world_size}
    plan = BucketBatches(lengths, 2 * job.settings.loop.batch_size, None, **ranks)
    batches = fabric.setup_dataloaders(loader(items, plan, examples.padded), use_distributed_sampler=False)
    return evaluate(fabric, model, batches, len(ids), labelled=labelled)


def _figures(validation: Evaluation, job: FoldJob, material: Material) -> dict[str, float]:
    """Losses, WA and UA on the validation side."""
    truth = material.table.loc[list(job.validation), "emotion"].to_numpy(dtype=str)
    predicted = np.array(job.emotions)[validation.probabilities["emotion"].argmax(1)]
    losses = {f"validation_{task}": loss for task, loss in validation.losses.items()}
    return losses | {"validation_wa": wa(truth, predicted), "validation_ua": ua(truth, predicted)}


def _choose(progress: Progress, network: MultiTaskModel, row: dict, config) -> None:
    """Keep the weights of the best epoch on validation, or sum up those of the last epochs."""
    if config.select == "last":
        if config.average and progress.epoch > config.epochs - config.average:
            for name, tensor in network.state_dict().items():
                earlier = progress.kept.get(name)
                progress.kept[name] = tensor.double().cpu() + (0.0 if earlier is None else earlier)
        progress.best_epoch = progress.epoch
        return
    score = -row["validation_emotion"] if config.select == "loss" else row[f"validation_{config.select}"]
    if score > progress.best_score:
        progress.best_epoch, progress.best_score = progress.epoch, score
        progress.kept = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}


def _stopped(progress: Progress, patience: int) -> bool:
    return bool(patience) and progress.epoch - progress.best_epoch >= patience


def _resumed(fabric: Fabric, job: FoldJob, network, optimiser, balancer: Balancer, schedule) -> Progress:
    """Progress from the stored state, or none; weights, optimiser, balancer and schedule are set to it."""
    if not (job.folder / STATE).exists():
        return Progress()
    tensors, about = load_checkpoint(job.folder / STATE)
    try:
        network.load_state_dict(without_prefix("model", tensors))
        optimiser.load_state_dict(restore_optimiser(tensors, about["groups"]))
        balancer.load_state_dict(without_prefix("balancer", tensors))
        schedule.load_state_dict(schedule.state_dict() | about["schedule"])
        traces = {side: list(parts) for side, parts in without_prefix("trace", tensors).items()}
        best = -np.inf if about["best_score"] is None else about["best_score"]
        kept = without_prefix("kept", tensors)
        return Progress(about["epoch"], about["curves"], about["best_epoch"], best, kept, traces)
    except (RuntimeError, ValueError, KeyError, TypeError):  # RuntimeError: torch's for names and shapes
        raise UserError(
            f"{job.folder / STATE}: not a state of this network; delete it and run the same command again."
        ) from None


def _save_state(job: FoldJob, network, optimiser, balancer: Balancer, schedule, progress: Progress) -> None:
    moments, groups = flatten_optimiser(optimiser.state_dict())
    tensors = {
        **with_prefix("model", network.state_dict()),
        **with_prefix("kept", progress.kept),
        **with_prefix("balancer", balancer.state_dict()),
        **with_prefix("trace", {side: torch.stack(parts) for side, parts in progress.trace.items()}),
        **moments,
    }
    about = {
        "epoch": progress.epoch,
        "curves": progress.curves,
        "best_epoch": progress.best_epoch,
        "best_score": None if progress.best_score == -np.inf else progress.best_score,
        "groups": groups,
        "schedule": {name: schedule.state_dict()[name] for name in ("last_epoch", "_step_count", "_last_lr")},
    }
    save_checkpoint(job.folder / STATE, tensors, about)


def _save_result(job: FoldJob, network: MultiTaskModel, progress: Progress, result: dict[str, Tensor]) -> None:
    """Weights, then predictions; then the state, which nothing needs any more, goes."""
    shape = recipe(job.chapter).shape(network)
    about = {"chapter": job.chapter, "settings": job.settings.to_json(), "shape": shape, "epoch": progress.best_epoch}
    save_checkpoint(job.folder / WEIGHTS, network.state_dict(), about)
    result |= with_prefix("trace", {side: torch.stack(parts) for side, parts in progress.trace.items()})
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    about = {
        "test": list(job.test),
        "validation": list(job.validation),
        "classes": network.classes,
        "curves": progress.curves,
        "epoch": progress.best_epoch,
        "peak_mb": kilobytes / (1024 if sys.platform == "linux" else 1024**2),
        "peak_gpu_mb": torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else None,
        "parameters": sum(p.numel() for p in network.parameters()),
    }
    save_checkpoint(job.folder / RESULT, result, about)
    (job.folder / STATE).unlink(missing_ok=True)
