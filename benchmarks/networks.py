"""Seconds per epoch and peak memory of chapters' profiles, each in a fresh process.

A profile's own network is trained for one epoch on random spectrograms (the time does not depend on what they show),
with the profile's batch size and precision, and the figure is given for 480 crops, an epoch of EMO-DB in ten folds.

The image networks of chapter 05's paper take too long for that on a processor. Theirs is a command of its own, which
takes a few steps on images of the paper's size: ``python -m benchmarks.networks densenet169 [--steps 3] [--batch 2]``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from sercourse.errors import UserError
from sercourse.training.runs import check_writable, environment, write_json

if TYPE_CHECKING:
    from lightning import Fabric

    from sercourse.training.settings import Settings

CROPS = 480
MEASURED = 96
"""Crops that are really trained; the time of an epoch is in proportion."""

SHAPES: dict[str, tuple[int, ...]] = {
    "logmag": (160, 513), "is10": (1582,), "is09": (384,), "egemaps": (88,), "logmel": (200, 64), "mfcc": (200, 39),
    "prosody": (200, 3), "spec400": (400, 400), "logmag_stats": (1026,),
}  # fmt: skip
"""Of the random features."""

PROFILES: dict[str, tuple[str, ...]] = {
    "emotion_autoencoder": ("quick", "course", "paper"),
    "mtap": ("quick", "course"),
}
"""Chapter to the profiles that are measured in whole epochs."""

NAMES: dict[str, list[str]] = {
    "emotion": ["anger", "fear", "happiness", "sadness"],
    "gender": ["female", "male"],
    "language": ["de", "en", "pl"],
}


@dataclass(frozen=True)
class Cost:
    """One profile of one chapter on this machine."""

    chapter: str
    profile: str
    parameters: int
    precision: str
    threads: int
    seconds_per_epoch: float
    peak_mb: float
    device: str


@dataclass(frozen=True)
class StepCost:
    """Steps of one image network on this machine, on images of the paper's size."""

    network: str
    parameters: int
    image: str
    """Frames x bins."""
    batch: int
    steps: int
    precision: str
    threads: int
    seconds_per_step: float
    """Median over the steps, after one that warms up."""
    seconds_per_utterance: float
    hours_per_fold: float
    """Of EMO-DB in ten folds, the epochs of the profile paper, at this speed."""
    peak_mb: float | None
    device: str


def measure(profiles: Mapping[str, Sequence[str]] = PROFILES) -> list[Cost]:
    """The cost of each profile of each chapter."""
    asked = [(chapter, profile) for chapter, names in profiles.items() for profile in names]
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, maxtasksperchild=1) as pool:
        return [pool.apply(_measure_one, one) for one in asked]


def measure_steps(network: str, *, batch: int = 2, steps: int = 3) -> StepCost:
    """The cost of some steps of an image network of chapter 05, in a fresh process.

    Args:
        network: densenet169, resnet50 or small.
        batch: utterances per step, two or more; the profile paper has 16, for which there must be memory.
        steps: measured, beside one that warms up.
    """
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_measure_steps, (network, batch, steps))


def table(costs: list[Cost]) -> Table:
    """As a table."""
    shown = Table("chapter", "profile", "parameters", "precision", "s per epoch of 480 crops", "peak MB", "on")
    for cost in costs:
        where = cost.device if cost.device != "cpu" else f"{cost.threads} CPU threads"
        shown.add_row(
            cost.chapter, cost.profile, f"{cost.parameters / 1e6:.1f} M", cost.precision,
            f"{cost.seconds_per_epoch:.1f}", f"{cost.peak_mb:.0f}", where,
        )  # fmt: skip
    return shown


def as_json(costs: list[Cost]) -> list[dict]:
    """For JSON."""
    return [asdict(cost) for cost in costs]


def _measure_one(chapter: str, profile: str) -> Cost:
    trainer, about = _prepared(chapter, profile)
    seconds = [trainer.epoch(epoch) for epoch in range(2)]  # the first one warms up
    per_epoch = seconds[-1] * CROPS / MEASURED
    return Cost(chapter, profile, seconds_per_epoch=per_epoch, peak_mb=_peak_mb(trainer), **about)


def _measure_steps(network: str, batch: int, steps: int) -> StepCost:
    changes = (f"image={network}", "imagenet=false", f"batch_size={batch}")
    trainer, about = _prepared("mtap", "paper", changes, count=batch)
    seconds = median([trainer.epoch(step) for step in range(steps + 1)][1:])
    data, epochs = trainer.settings.data, trainer.settings.loop.epochs
    return StepCost(
        network, image=f"{data.frames} x {data.bins}", batch=batch, steps=steps, seconds_per_step=seconds,
        seconds_per_utterance=seconds / batch, hours_per_fold=seconds / batch * CROPS * epochs / 3600,
        peak_mb=_peak_mb(trainer), **about,
    )  # fmt: skip


def _prepared(chapter: str, profile: str, changes: Sequence[str] = (), count: int = MEASURED) -> tuple[Trainer, dict]:
    """A network that is ready, and what is to be said of it."""
    import torch

    from sercourse.training.devices import make_fabric, prepare_process, share_of_cores
    from sercourse.training.recipes import recipe

    threads = share_of_cores(1)
    prepare_process(threads)
    settings = recipe(chapter).settings(profile, changes)
    fabric = make_fabric(settings.loop)
    trainer = Trainer(fabric, chapter, settings, count)
    parameters = sum(p.numel() for p in trainer.model.parameters())
    device = torch.cuda.get_device_name() if fabric.device.type == "cuda" else "cpu"
    return trainer, {
        "parameters": parameters, "precision": settings.loop.precision, "threads": threads, "device": device,
    }  # fmt: skip


def _peak_mb(trainer: Trainer) -> float | None:
    import torch

    from sercourse.training.devices import peak_memory_mb

    on_gpu = trainer.fabric.device.type == "cuda"
    return torch.cuda.max_memory_allocated() / 2**20 if on_gpu else peak_memory_mb()


class Trainer:
    """A chapter's network and random utterances, to be trained for whole epochs.

    Args:
        fabric: device and precision.
        chapter: whose network.
        settings: of loop, data and network.
        count: utterances.
    """

    def __init__(self, fabric: Fabric, chapter: str, settings: Settings, count: int = MEASURED) -> None:
        import pandas as pd
        import torch

        from sercourse.training.recipes import recipe

        self.fabric, self.settings, plan = fabric, settings, recipe(chapter)
        self.rng = rng = np.random.default_rng(0)
        self.ids = ids = [str(number) for number in range(count)]
        features = {
            name: {i: rng.normal(-40, 15, SHAPES[name]).astype(np.float32) for i in ids}
            for name in plan.features(settings)
        }
        classes = {task: NAMES[task] for task in plan.labels(settings)}
        frame = pd.DataFrame(
            {task: [known[k % len(known)] for k in range(count)] for task, known in classes.items()}, index=ids
        )
        torch.manual_seed(0)
        network = plan.model(features, ids, classes, settings)
        optimiser = torch.optim.Adam(network.parameters(), lr=settings.loop.learning_rate)
        self.model, self.optimiser = fabric.setup(network, optimiser)
        self.balancer = plan.balancer(settings, network)
        self.examples = plan.examples(features, frame, classes, settings)

    def epoch(self, number: int) -> float:
        """Train for an epoch; its seconds."""
        from sercourse.training.batches import BucketBatches, TrainingSet, loader
        from sercourse.training.loop import train_one_epoch

        lengths = [self.examples.length(i) for i in self.ids]
        batches = BucketBatches(lengths, self.settings.loop.batch_size, self.rng)
        draws = TrainingSet(self.examples, self.ids, 1, 0, number)
        prepared = self.fabric.setup_dataloaders(
            loader(draws, batches, self.examples.padded), use_distributed_sampler=False
        )
        begun = time.perf_counter()
        self.balancer.begin_epoch(number)
        train_one_epoch(self.fabric, self.model, self.balancer, self.optimiser, prepared)
        return time.perf_counter() - begun


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of :func:`measure_steps`; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks", description=measure_steps.__doc__)
    parser.add_argument("network", choices=("densenet169", "resnet50", "small"))
    parser.add_argument("--steps", type=int, default=3, help="measured, beside one that warms up (default: 3)")
    parser.add_argument("--batch", type=int, default=2, help="utterances per step (default: 2)")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args(arguments)
    if options.steps < 1:
        parser.error(f"--steps {options.steps}: must be 1 or more")
    if options.batch < 2:
        parser.error(f"--batch {options.batch}: must be 2 or more, for the network scales by the statistics of a batch")
    try:
        if options.json:
            check_writable(options.json)
    except UserError as error:
        parser.error(str(error))
    cost = measure_steps(options.network, batch=options.batch, steps=options.steps)
    memory = "not told here" if cost.peak_mb is None else f"{cost.peak_mb:.0f} MB"
    where = cost.device if cost.device != "cpu" else f"{cost.threads} CPU thread(s)"
    Console().print(
        f"{cost.network}, {cost.parameters / 1e6:.1f} M parameters, images of {cost.image}, {cost.precision}, {where}:"
        f" {cost.seconds_per_step:.2f} s per step of {cost.batch} utterances ({cost.seconds_per_utterance:.2f} s each),"
        f" peak memory {memory}; a fold of EMO-DB in the profile paper would take {cost.hours_per_fold:.1f} h.",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    if options.json:
        write_json(options.json, {"environment": environment(), "steps": asdict(cost)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
