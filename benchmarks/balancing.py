"""What GradNorm costs: seconds of an epoch with it over those with fixed weights, side by side in one run.

It adds one backward pass per task from its loss to the shared layer. Where that layer is near the losses (MSFL's
attention) this is little; where much lies between, it is not.
"""

from __future__ import annotations

import multiprocessing
from dataclasses import asdict, dataclass
from statistics import median

from rich.table import Table

from benchmarks.networks import Trainer

WITH_TWO_TASKS: tuple[tuple[str, str], ...] = (
    ("emotion_autoencoder", "quick"),
    ("emotion_autoencoder", "course"),
    ("shared_hidden", "course"),
    ("msfl", "quick"),
    ("msfl", "course"),
)
ROUNDS = 7


@dataclass(frozen=True)
class Balance:
    """One network on this machine."""

    chapter: str
    profile: str
    fixed_seconds: float
    """Of 96 utterances, median over rounds."""
    gradnorm_seconds: float
    ratio: float
    """Median over rounds of GradNorm's seconds over those of the fixed weights just before."""


def measure(networks: tuple[tuple[str, str], ...] = WITH_TWO_TASKS, rounds: int = ROUNDS) -> list[Balance]:
    """The cost for each network, in a fresh process each."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, maxtasksperchild=1) as pool:
        return [pool.apply(measure_one, (*one, rounds)) for one in networks]


def measure_one(chapter: str, profile: str, rounds: int) -> Balance:
    """Epochs with fixed weights and with GradNorm by turns."""
    from sercourse.training.devices import make_fabric, prepare_process, share_of_cores
    from sercourse.training.recipes import recipe

    prepare_process(share_of_cores(1))
    ways = [recipe(chapter).settings(profile, (f"balancer={name}",)) for name in ("fixed", "gradnorm")]
    trainers = [Trainer(make_fabric(settings.loop), chapter, settings) for settings in ways]
    for trainer in trainers:
        trainer.epoch(0)  # warms up
    seconds = [[trainer.epoch(number) for trainer in trainers] for number in range(1, rounds + 1)]
    fixed, gradnorm = (median(column) for column in zip(*seconds, strict=True))
    return Balance(chapter, profile, fixed, gradnorm, median(with_it / without for without, with_it in seconds))


def table(costs: list[Balance]) -> Table:
    """As a table."""
    shown = Table("chapter", "profile", "fixed weights, s", "GradNorm, s", "ratio")
    for cost in costs:
        figures = (f"{cost.fixed_seconds:.2f}", f"{cost.gradnorm_seconds:.2f}", f"{cost.ratio:.2f}")
        shown.add_row(cost.chapter, cost.profile, *figures)
    return shown


def as_json(costs: list[Balance]) -> list[dict]:
    """For JSON."""
    return [asdict(cost) for cost in costs]
