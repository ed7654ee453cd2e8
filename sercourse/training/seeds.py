"""Seeds: one number given by the user, and a stream of its own for everything that is random.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import random
from enum import IntEnum

import numpy as np
import torch


class Purpose(IntEnum):
    """What a random stream is for: streams of one seed and epoch must not be the same numbers."""

    WEIGHTS = 1
    BATCHES = 2
    DRAWS = 3
    DROPOUT = 4
    WORKERS = 5


def seed_everything(purpose: Purpose, *numbers: int) -> None:
    """Seed Python, NumPy and torch from a purpose and some numbers (seed, epoch, rank), so that an epoch does not
    depend on those before it."""
    state = int(np.random.SeedSequence([purpose, *numbers]).generate_state(1)[0])
    random.seed(state)
    np.random.seed(state)  # noqa: NPY002 (for libraries that still use it)
    torch.manual_seed(state)


def worker_seed(seed: int, epoch: int, worker: int) -> None:
    """Seed a worker that prepares batches, each one differently."""
    seed_everything(Purpose.WORKERS, seed, epoch, worker)


def network_seed(seed: int, repeat: int, fold: int, member: int) -> int:
    """The seed of one network of a run, different for each."""
    return int(np.random.SeedSequence([seed + repeat, fold, member]).generate_state(1)[0])
