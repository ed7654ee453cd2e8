"""One fold, from a fresh network to predictions; goes on where it was killed.

A fold's folder holds ``state.safetensors`` (while it trains), ``curves.csv``, ``weights.safetensors`` and, last,
``result.safetensors``. Each epoch seeds itself, so the state needs no generator's inside: what a run would have done
without the kill is what it does after it, bit for bit (on CPUs of one kind, with the
same number of threads; a GPU adds up in an order of its own).

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import hashlib
import json
import math
import multiprocessing
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from sercourse.evaluation.metrics import ua, wa
from sercourse.evaluation.transcripts import error_rates
from sercourse.losses.ctc import collapsed
from sercourse.models.multitask import MAIN, Classes, MultiTaskModel
from sercourse.training.alphabet import plain
from sercourse.training.batches import BucketBatches, TrainingSet, balanced_weights, loader
from sercourse.training.checkpoints import save_checkpoint, with_prefix
from sercourse.training.devices import enough_memory, make_fabric, peak_memory_mb, prepare_process, under_torchrun
from sercourse.training.journal import Journal
from sercourse.training.loop import Evaluation, judge, train_one_epoch
from sercourse.training.recipes import recipe
from sercourse.training.seeds import Purpose, seed_everything
from sercourse.training.settings import LoopConfig, Settings
from sercourse.training.state import Learners, load_state, save_state

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
        classes: of every task that has some.
        train, validation, test: utterance ids; with ``learn_from=development`` validation has moved into train.
        seed: of this network.
        threads: of the CPU.
        data: digest of ids, labels and audio of the whole table.
    """

    folder: Path
    chapter: str
    settings: Settings
    classes: Classes
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    seed: int
    threads: int
    data: str

    @property
    def digest(self) -> str:
        """16 hexadecimal digits over sides, seed and settings: what a stored state or result must belong to."""
        told = [self.train, self.validation, self.test, self.classes, self.seed, self.settings.digest, self.data]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]

    @property
    def done(self) -> bool:
        """Whether its predictions are on disk."""
        return (self.folder / RESULT).exists() and (self.folder / WEIGHTS).exists()


@dataclass(frozen=True)
class Material:
    """What all folds of a run look at: the utterance table, and features by set and utterance."""

    table: pd.DataFrame
    features: Mapping[str, Mapping[str, np.ndarray]]


def fit_fold(job: FoldJob, material: Material) -> None:
    """Train one network and judge its test side, unless that is done; resumes after the last whole epoch.

    Args:
        job: what to train.
        material: what to train on.

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
        _fit(fabric, job, material)


def _fit(fabric: Fabric, job: FoldJob, material: Material) -> None:
    prepare_process(job.threads)
    parent = os.getppid() if multiprocessing.parent_process() else None  # a run itself may outlive its shell (nohup)
    with enough_memory(job.settings.loop):
        _train(_Trainer(fabric, job, material), parent)


def _train(trainer: _Trainer, parent: int | None) -> None:
    """All epochs that are left, and the end; stops where the run that began it is no more."""
    while not trainer.finished:
        if parent not in (None, os.getppid()):  # the run was killed; a resumed one will take this fold over
            os._exit(1)
        trainer.epoch()
    trainer.finish()


class _Trainer:
    """One network of a fold on its way: set up, one epoch after the other, the end."""

    def __init__(self, fabric: Fabric, job: FoldJob, material: Material) -> None:
        self.fabric, self.job, self.table, self.config = fabric, job, material.table, job.settings.loop
        chapter = recipe(job.chapter)
        taught = chapter.taught(material.table, job.settings, job.seed)
        self.examples = chapter.examples(material.features, taught, job.classes, job.settings)
        seed_everything(Purpose.WEIGHTS, job.seed)
        network = chapter.model(material.features, job.train, job.classes, job.settings)
        balancer = chapter.balancer(job.settings, network).to(fabric.device)
        self.model, optimiser = fabric.setup(network, make_optimiser(network, self.config))
        steps = -(-len(self._plan(0)) // self.config.accumulate) * self.config.epochs
        self.learners = Learners(network, optimiser, balancer, _schedule(optimiser, self.config, steps))
        self.progress = load_state(job.folder / STATE, self.learners, job.digest)
        self.journal = Journal(job.folder, self.progress.epoch) if fabric.is_global_zero else None

    @property
    def finished(self) -> bool:
        """Whether no epoch is left to train."""
        return self.progress.epoch >= self.config.epochs or self.progress.stopped(self.config.patience)

    def epoch(self) -> None:
        """Train for an epoch, judge the validation side, write down how far it has come."""
        begun, config, job, number = time.perf_counter(), self.config, self.job, self.progress.epoch
        seed_everything(Purpose.DROPOUT, job.seed, number, self.fabric.global_rank)
        self.learners.network.begin_epoch(number / config.epochs)
        self.learners.balancer.begin_epoch(number)
        draws = TrainingSet(self.examples, job.train, config.draws, job.seed, number)
        seeds = {"seed": job.seed, "epoch": number}
        batches = loader(draws, self._plan(number), self.examples.padded, workers=config.workers, **seeds)
        losses = train_one_epoch(
            self.fabric, self.model, self.learners.balancer, self.learners.optimiser,
            self.fabric.setup_dataloaders(batches, use_distributed_sampler=False),
            schedule=self.learners.schedule, clip=config.clip, accumulate=config.accumulate,
        )  # fmt: skip
        row = {"epoch": number + 1, **{f"train_{task}": loss for task, loss in losses.items()}}
        row |= {f"weight_{task}": weight for task, weight in self.learners.balancer.weights().items()}
        if job.validation:
            validation = self._judge(job.validation, labelled=True)
            row |= self._figures(validation)
            self._record("validation", validation)
        if config.record_test:
            self._record("test", self._judge(job.test, labelled=False))
        self.progress.epoch += 1
        self.progress.curves.append(row | {"seconds": time.perf_counter() - begun})
        self.progress.choose(self.learners.network, row, config)
        if self.journal is not None:
            self.journal.write(self.progress.curves)  # before the state, which says that the epoch is done with
            save_state(job.folder / STATE, self.learners, self.progress, job.digest)
        self.fabric.barrier()

    def finish(self) -> None:
        """Judge test and validation with the chosen weights, without labels; write weights and predictions."""
        network = self.learners.network
        network.load_state_dict(self.progress.chosen_weights(network, self.config))
        result = {}
        for side, ids in (("test", self.job.test), ("validation", self.job.validation)):
            if ids:
                judged = self._judge(ids, labelled=False)
                found = judged.probabilities | judged.written
                result |= {f"{side}.{task}": torch.from_numpy(array) for task, array in found.items()}
        if self.journal is not None:
            self.journal.close()
            self._write(result)
        self.fabric.barrier()

    def _plan(self, epoch: int) -> BucketBatches:
        """The batches of one epoch, this device's part of them."""
        config, train = self.config, list(self.job.train)
        lengths = [self.examples.length(i) for i in train] * config.draws
        weights = None
        if config.sampling == "balanced":
            weights = np.tile(balanced_weights(self.table.loc[train, MAIN]), config.draws)
        rng = np.random.default_rng([Purpose.BATCHES, self.job.seed, epoch])
        ranks = {"rank": self.fabric.global_rank, "world": self.fabric.world_size}
        return BucketBatches(lengths, config.batch_size, rng, draw_weights=weights, **ranks)

    def _judge(self, ids: tuple[str, ...], *, labelled: bool) -> Evaluation:
        return judge(self.fabric, self.model, self.examples, ids, 2 * self.config.batch_size, labelled=labelled)

    def _figures(self, validation: Evaluation) -> dict[str, float]:
        """Losses, WA and UA on the validation side, of the main task and (with its name behind) of the others."""
        figures = {f"validation_{task}": loss for task, loss in validation.losses.items()}
        labels = self.table.loc[list(self.job.validation)]
        for task, probabilities in validation.probabilities.items():
            ending = "" if task == MAIN else f"_{task}"
            known = labels[task].isin(self.job.classes[task]).to_numpy()
            truth = labels.loc[known, task].to_numpy(dtype=str)
            predicted = np.array(self.job.classes[task])[probabilities[known].argmax(1)]
            for metric in (wa, ua):
                figures[f"validation_{metric.__name__}{ending}"] = metric(truth, predicted) if known.any() else math.nan
            if not known.any() and f"validation_{task}" in figures:  # nothing was judged: no loss, and not one of 0
                figures[f"validation_{task}"] = math.nan
        for task, paths in validation.written.items():
            said = [plain(text) if isinstance(text, str) else "" for text in labels[task]]
            wer = error_rates(said, [collapsed(path, self.job.classes[task]) for path in paths])["wer"]
            figures[f"validation_wer_{task}"] = math.nan if wer is None else wer
        return figures

    def _record(self, side: str, judged: Evaluation) -> None:
        """Keep a side's probabilities of this epoch, where the protocol lesson asked for them."""
        if self.config.record_test:
            self.progress.trace.setdefault(side, []).append(torch.from_numpy(judged.probabilities[MAIN]))

    def _write(self, result: dict[str, Tensor]) -> None:
        """Weights, then predictions; then the state, which nothing needs any more, goes."""
        job, network, progress = self.job, self.learners.network, self.progress
        about = {"chapter": job.chapter, "settings": job.settings.to_json(), "epoch": progress.best_epoch}
        save_checkpoint(
            job.folder / WEIGHTS, network.state_dict(), about | {"shape": recipe(job.chapter).shape(network)}
        )
        result |= with_prefix("trace", {side: torch.stack(parts) for side, parts in progress.trace.items()})
        about = {
            "job": job.digest,
            "test": list(job.test),
            "validation": list(job.validation),
            "classes": network.classes,
            "curves": progress.curves,
            "epoch": progress.best_epoch,
            "peak_mb": peak_memory_mb(),
            "peak_gpu_mb": torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else None,
            "parameters": sum(p.numel() for p in network.parameters()),
            "shared_layer": balanced_at(network) if self.config.balancer == "gradnorm" else None,
        }
        save_checkpoint(job.folder / RESULT, result, about)
        (job.folder / STATE).unlink(missing_ok=True)


def balanced_at(network: MultiTaskModel) -> str | None:
    """Name of the weight at which GradNorm compares the tasks; ``None`` where they share none."""
    shared = network.shared_layer()
    return next((name for name, weight in network.named_parameters() if weight is shared), None)


def make_optimiser(network: MultiTaskModel, config: LoopConfig) -> torch.optim.Optimizer:
    """Adam, or AdamW where weights decay; parts with a rate of their own are groups of their own."""
    rates = {id(p): rate for name, rate in network.rates().items() for p in network.get_submodule(name).parameters()}
    groups: dict[float, list[nn.Parameter]] = {}
    for parameter in network.parameters():
        groups.setdefault(rates.get(id(parameter), 1.0), []).append(parameter)
    parameters = [{"params": group, "lr": rate * config.learning_rate} for rate, group in groups.items()]
    if config.weight_decay:
        options = {"lr": config.learning_rate, "betas": config.betas, "weight_decay": config.weight_decay}
        return torch.optim.AdamW(parameters, **options)
    return torch.optim.Adam(parameters, lr=config.learning_rate, betas=config.betas)


def _schedule(optimiser, config: LoopConfig, steps: int) -> LambdaLR:
    """The learning rate at every step: constant, or half a cosine down to 0."""
    if config.schedule == "constant":
        return LambdaLR(optimiser.optimizer, lambda _: 1.0)
    return LambdaLR(optimiser.optimizer, lambda step: 0.5 + 0.5 * np.cos(np.pi * step / steps))
