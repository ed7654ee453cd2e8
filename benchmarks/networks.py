"""Seconds per epoch and peak memory of a chapter's three profiles, each in a fresh process.

A profile's own network is trained for one epoch on random spectrograms (the time does not depend on what they show),
with the profile's batch size and precision, and the figure is given for 480 crops, an epoch of EMO-DB in ten folds.
"""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table

if TYPE_CHECKING:
    from lightning import Fabric

    from sercourse.training.settings import Settings

CROPS = 480
MEASURED = 96
"""Crops that are really trained; the time of an epoch is in proportion."""

SHAPES: dict[str, tuple[int, ...]] = {
    "logmag": (160, 513), "is10": (1582,), "is09": (384,), "egemaps": (88,), "logmel": (200, 64), "mfcc": (200, 39),
    "prosody": (200, 3),
}  # fmt: skip
"""Of the random features."""

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


def measure(
    chapter: str = "emotion_autoencoder", profiles: tuple[str, ...] = ("quick", "course", "paper")
) -> list[Cost]:
    """The cost of each profile."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, maxtasksperchild=1) as pool:
        return [pool.apply(_measure_one, (chapter, profile)) for profile in profiles]


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
    import torch

    from sercourse.training.devices import make_fabric, peak_memory_mb, prepare_process, share_of_cores
    from sercourse.training.recipes import recipe

    threads = share_of_cores(1)
    prepare_process(threads)
    settings = recipe(chapter).settings(profile)
    fabric = make_fabric(settings.loop)
    trainer = Trainer(fabric, chapter, settings)
    seconds = [trainer.epoch(epoch) for epoch in range(2)]  # the first one warms up
    on_gpu = fabric.device.type == "cuda"
    peak = torch.cuda.max_memory_allocated() / 2**20 if on_gpu else peak_memory_mb()
    parameters = sum(p.numel() for p in trainer.model.parameters())
    device = torch.cuda.get_device_name() if on_gpu else "cpu"
    costs = seconds[-1] * CROPS / MEASURED, peak
    return Cost(chapter, profile, parameters, settings.loop.precision, threads, *costs, device)


class Trainer:
    """A chapter's network and random utterances, to be trained for whole epochs.

    Args:
        fabric: device and precision.
        chapter: whose network.
        settings: of loop, data and network.
    """

    def __init__(self, fabric: Fabric, chapter: str, settings: Settings) -> None:
        import pandas as pd
        import torch

        from sercourse.training.recipes import recipe

        self.fabric, self.settings, plan = fabric, settings, recipe(chapter)
        self.rng = rng = np.random.default_rng(0)
        self.ids = ids = [str(number) for number in range(MEASURED)]
        features = {
            name: {i: rng.normal(-40, 15, SHAPES[name]).astype(np.float32) for i in ids}
            for name in plan.features(settings)
        }
        classes = {task: NAMES[task] for task in plan.labels(settings)}
        frame = pd.DataFrame(
            {task: [known[k % len(known)] for k in range(MEASURED)] for task, known in classes.items()}, index=ids
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
