"""Seconds per epoch and peak memory of a chapter's three profiles, each in a fresh process.

A profile's own network is trained for one epoch on random spectrograms (the time does not depend on what they show),
with the profile's batch size and precision, and the figure is given for 480 crops, an epoch of EMO-DB in ten folds.
"""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import asdict, dataclass

import numpy as np
from rich.table import Table

CROPS = 480
MEASURED = 96
"""Crops that are really trained; the time of an epoch is in proportion."""


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
    import pandas as pd
    import torch

    from sercourse.training.batches import BucketBatches, TrainingSet, loader
    from sercourse.training.devices import make_fabric, peak_memory_mb, prepare_process, share_of_cores
    from sercourse.training.loop import train_one_epoch
    from sercourse.training.recipes import recipe

    threads = share_of_cores(1)
    prepare_process(threads)
    plan = recipe(chapter)
    settings = plan.settings(profile)
    rng = np.random.default_rng(0)
    ids = [str(number) for number in range(MEASURED)]
    shapes = {
        "logmag": (160, 513),
        "is10": (1582,),
        "is09": (384,),
        "logmel": (200, 64),
        "mfcc": (200, 39),
        "prosody": (200, 3),
    }
    features = {
        name: {i: rng.normal(-40, 15, shapes[name]).astype(np.float32) for i in ids} for name in plan.features(settings)
    }
    names = {"emotion": ["anger", "fear", "happiness", "sadness"], "gender": ["female", "male"]}
    classes = {task: names[task] for task in plan.labels(settings)}
    frame = pd.DataFrame(
        {task: [known[k % len(known)] for k in range(MEASURED)] for task, known in classes.items()}, index=ids
    )
    fabric = make_fabric(settings.loop)
    network = plan.model(features, ids, classes, settings)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.loop.learning_rate)
    model, optimiser = fabric.setup(network, optimiser)
    examples = plan.examples(features, frame, classes, settings)
    seconds = []
    for epoch in range(2):  # the first one warms up
        batches = BucketBatches([examples.length(i) for i in ids], settings.loop.batch_size, rng)
        draws = TrainingSet(examples, ids, 1, 0, epoch)
        prepared = fabric.setup_dataloaders(loader(draws, batches, examples.padded), use_distributed_sampler=False)
        begun = time.perf_counter()
        train_one_epoch(fabric, model, plan.balancer(settings), optimiser, prepared)
        seconds.append(time.perf_counter() - begun)
    on_gpu = fabric.device.type == "cuda"
    peak = torch.cuda.max_memory_allocated() / 2**20 if on_gpu else peak_memory_mb()
    parameters = sum(p.numel() for p in network.parameters())
    device = torch.cuda.get_device_name() if on_gpu else "cpu"
    costs = seconds[-1] * CROPS / MEASURED, peak
    return Cost(chapter, profile, parameters, settings.loop.precision, threads, *costs, device)
