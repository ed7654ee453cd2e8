"""How far a network has come, and that state on disk: what a resumed run needs to end in the same numbers.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from lightning.fabric.wrappers import _FabricOptimizer
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from sercourse.errors import UserError
from sercourse.losses.balancing import Balancer
from sercourse.models.multitask import MAIN, MultiTaskModel
from sercourse.training.checkpoints import (
    flatten_optimiser,
    load_checkpoint,
    restore_optimiser,
    save_checkpoint,
    with_prefix,
    without_prefix,
)
from sercourse.training.settings import LoopConfig


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

    def choose(self, network: MultiTaskModel, row: dict, config: LoopConfig) -> None:
        """Keep the weights of the best epoch on validation, or sum up those of the last epochs.

        Args:
            network: after the epoch.
            row: its row of the curves.
            config: how to choose.
        """
        if config.select == "last":
            if config.average and self.epoch > config.epochs - config.average:
                for name, tensor in network.state_dict().items():
                    earlier = self.kept.get(name)
                    self.kept[name] = tensor.double().cpu() + (0.0 if earlier is None else earlier)
            self.best_epoch = self.epoch
            return
        score = -row[f"validation_{MAIN}"] if config.select == "loss" else row[f"validation_{config.select}"]
        if score > self.best_score:
            self.best_epoch, self.best_score = self.epoch, score
            self.kept = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}

    def stopped(self, patience: int) -> bool:
        """Whether so many epochs have passed without a better one; 0: never."""
        return bool(patience) and self.epoch - self.best_epoch >= patience

    def chosen_weights(self, network: MultiTaskModel, config: LoopConfig) -> dict[str, Tensor]:
        """The weights that the test side is judged with."""
        weights = network.state_dict()
        if config.average:
            return {name: (self.kept[name] / config.average).to(tensor.dtype) for name, tensor in weights.items()}
        return self.kept or weights


@dataclass(frozen=True)
class Learners:
    """Everything that changes while a network is trained."""

    network: MultiTaskModel
    optimiser: _FabricOptimizer
    balancer: Balancer
    schedule: LambdaLR


def load_state(path: Path, learners: Learners, job: str) -> Progress:
    """Progress from a stored state, or none; the learners are set to it.

    Args:
        path: the state.
        learners: fresh ones.
        job: digest of the job that they train for.

    Raises:
        UserError: the file is damaged or the state of another network or other utterances.
    """
    if not path.exists():
        return Progress()
    tensors, about = load_checkpoint(path)
    if about.get("job") != job:
        raise UserError(f"{path}: belongs to other utterances or settings; leave --resume out to begin anew.")
    try:
        learners.network.load_state_dict(without_prefix("model", tensors))
        learners.optimiser.load_state_dict(restore_optimiser(tensors, about["groups"]))
        learners.balancer.load_state_dict(without_prefix("balancer", tensors))
        learners.schedule.load_state_dict(learners.schedule.state_dict() | about["schedule"])
        traces = {side: list(parts) for side, parts in without_prefix("trace", tensors).items()}
        best = -np.inf if about["best_score"] is None else about["best_score"]
        kept = without_prefix("kept", tensors)
        return Progress(about["epoch"], about["curves"], about["best_epoch"], best, kept, traces)
    except (RuntimeError, ValueError, KeyError, TypeError):  # RuntimeError: torch's for names and shapes
        raise UserError(f"{path}: not a state of this network; delete it and train again with --resume.") from None


def save_state(path: Path, learners: Learners, progress: Progress, job: str) -> None:
    """Write everything that :func:`load_state` reads, whole or not at all."""
    moments, groups = flatten_optimiser(learners.optimiser.state_dict())
    tensors = {
        **with_prefix("model", learners.network.state_dict()),
        **with_prefix("kept", progress.kept),
        **with_prefix("balancer", learners.balancer.state_dict()),
        **with_prefix("trace", {side: torch.stack(parts) for side, parts in progress.trace.items()}),
        **moments,
    }
    schedule = learners.schedule.state_dict()
    about = {
        "job": job,
        "epoch": progress.epoch,
        "curves": progress.curves,
        "best_epoch": progress.best_epoch,
        "best_score": None if progress.best_score == -np.inf else progress.best_score,
        "groups": groups,
        "schedule": {name: schedule[name] for name in ("last_epoch", "_step_count", "_last_lr")},
    }
    save_checkpoint(path, tensors, about)
