"""THE training loop: every chapter's network is trained by these two functions.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from lightning.fabric import Fabric
from lightning.fabric.wrappers import _FabricModule, _FabricOptimizer
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader

from sercourse.errors import UserError
from sercourse.losses.balancing import Balancer
from sercourse.training.batches import BucketBatches, EvaluationSet, Examples, loader
from sercourse.training.devices import own_gradients


@dataclass(frozen=True)
class Evaluation:
    """What a network says about some utterances.

    Attributes:
        probabilities: task to ``(N, C)`` float32: the mean over each utterance's crops, NaN where none was judged.
        losses: task to its mean over crops.
        written: task to the best symbol of every frame, ``(N, T)`` int16, blank (0) behind an utterance's end; of
            utterances with several crops the last one's.
    """

    probabilities: dict[str, np.ndarray]
    losses: dict[str, float]
    written: dict[str, np.ndarray] = field(default_factory=dict)


def train_one_epoch(
    fabric: Fabric,
    model: _FabricModule,
    balancer: Balancer,
    optimiser: _FabricOptimizer,
    batches: DataLoader,
    *,
    schedule: LRScheduler | None = None,
    clip: float = 0.0,
    accumulate: int = 1,
    on_batch: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """One pass over the training side.

    Args:
        fabric: devices and precision.
        model: a :class:`~sercourse.models.multitask.MultiTaskModel`, set up by fabric.
        balancer: several losses to one.
        optimiser: set up by fabric.
        batches: the epoch's batches, set up by fabric.
        schedule: steps with the optimiser.
        clip: largest norm of the gradient; 0: not clipped.
        accumulate: batches whose gradients are summed before a step.
        on_batch: called after each batch (progress).

    Returns:
        Mean loss per task, weighted by batch size.

    Raises:
        UserError: a loss has become infinite or NaN.
    """
    model.train()
    totals: dict[str, Tensor] = defaultdict(lambda: torch.zeros((), device=fabric.device))
    seen = 0
    for number, batch in enumerate(batches, start=1):
        steps = number % accumulate == 0 or number == len(batches)
        summed = min(accumulate, len(batches) - (number - 1) // accumulate * accumulate)  # the last group may be short
        with fabric.no_backward_sync(model, enabled=not steps):
            outputs = model(batch)
            losses = model.losses(outputs, batch)
            with own_gradients():
                loss = balancer(losses, model.shared_layer())
            fabric.backward(loss / summed)
        if steps:
            if clip:
                fabric.clip_gradients(model, optimiser, max_norm=clip, error_if_nonfinite=False)
            optimiser.step()
            balancer.after_step()
            if schedule is not None:
                schedule.step()
            optimiser.zero_grad()
        size = len(next(iter(batch.values())))
        seen += size
        for task, loss in losses.items():
            totals[task] += loss.detach() * size
        on_batch()
    means = {task: float(fabric.all_reduce(total / seen)) for task, total in totals.items()}
    for task, mean in means.items():
        if not math.isfinite(mean):
            raise UserError(f"The loss '{task}' is no number any more; take a smaller learning_rate or --set clip=1.")
    return means


@torch.inference_mode()
def evaluate(
    fabric: Fabric, model: _FabricModule, batches: DataLoader, utterances: int, *, labelled: bool
) -> Evaluation:
    """Judge utterances: probabilities of their crops, averaged.

    Args:
        fabric: devices and precision.
        model: set up by fabric.
        batches: items with ``utterance``, the position of their utterance; set up by fabric.
        utterances: ``N``.
        labelled: whether the batches hold labels, and losses are wanted.

    Returns:
        Probabilities per utterance, in the order of the positions, and mean losses (none without labels).
    """
    model.eval()
    sums: dict[str, Tensor] = {}
    counts = torch.zeros(utterances, 1, device=fabric.device)
    totals: dict[str, Tensor] = defaultdict(lambda: torch.zeros((), device=fabric.device))
    seen = torch.zeros((), device=fabric.device)
    paths: dict[str, list[tuple[Tensor, Tensor]]] = defaultdict(list)
    for batch in batches:
        outputs = model(batch)
        position = batch["utterance"]
        for task, path in model.written(outputs).items():
            paths[task].append((position, path))
        counts.index_add_(0, position, torch.ones(len(position), 1, device=fabric.device))
        for task, logits in model.logits(outputs).items():
            posteriors = logits.float().softmax(1)  # (B, C)
            sums.setdefault(task, posteriors.new_zeros(utterances, posteriors.shape[1]))
            sums[task].index_add_(0, position, posteriors)
        for task, loss in (model.losses(outputs, batch) if labelled else {}).items():
            totals[task] += loss * len(position)
        seen += len(position)
    counts, seen = (fabric.all_reduce(part, reduce_op="sum") for part in (counts, seen))
    sums = {task: fabric.all_reduce(part, reduce_op="sum") / counts for task, part in sums.items()}
    losses = {task: float(fabric.all_reduce(total, reduce_op="sum") / seen) for task, total in totals.items()}
    written = {task: _in_rows(fabric, parts, utterances) for task, parts in paths.items()}
    return Evaluation({task: part.cpu().numpy() for task, part in sums.items()}, losses, written)


def _in_rows(fabric: Fabric, parts: Sequence[tuple[Tensor, Tensor]], utterances: int) -> np.ndarray:
    """Paths of all batches and devices as one padded array, a row per utterance."""
    longest = torch.tensor(max(path.shape[1] for _, path in parts), device=fabric.device)
    longest = int(fabric.all_gather(longest).max())
    rows = torch.zeros(utterances, longest, dtype=torch.long, device=fabric.device)
    for position, path in parts:
        rows[position] = 0
        rows[position, : path.shape[1]] = path
    return fabric.all_reduce(rows, reduce_op="max").to(torch.int16).cpu().numpy()


def judge(
    fabric: Fabric, model: _FabricModule, examples: Examples, ids: Sequence[str], batch_size: int, *, labelled: bool
) -> Evaluation:
    """:func:`evaluate` over utterances by id: all their crops, batched, shared by the devices.

    Args:
        fabric: devices and precision.
        model: set up by fabric.
        examples: where crops come from.
        ids: utterances to judge.
        batch_size: crops per batch, over all devices together.
        labelled: False leaves the labels out of the batches.
    """
    items = EvaluationSet(examples, ids, labelled=labelled)
    plan = BucketBatches(items.lengths, batch_size, None, rank=fabric.global_rank, world=fabric.world_size)
    batches = fabric.setup_dataloaders(loader(items, plan, examples.padded), use_distributed_sampler=False)
    return evaluate(fabric, model, batches, len(ids), labelled=labelled)
