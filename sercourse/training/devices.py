"""Devices, precision, threads: what has to be right before the first batch.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from joblib import cpu_count  # heeds the limits of containers
from lightning.fabric import Fabric, wrappers

from sercourse.errors import UserError
from sercourse.training.settings import PRECISIONS, LoopConfig

for _package in ("lightning.fabric", "lightning.pytorch"):  # what they would tell stands in the run folder
    logging.getLogger(_package).setLevel(logging.WARNING)


def make_fabric(config: LoopConfig) -> Fabric:
    """Lightning Fabric for these settings.

    Several devices are started by Fabric itself: by spawning on one machine, or, under ``torchrun`` (several nodes),
    by what torchrun has started already.

    Raises:
        UserError: the accelerator is not there.
    """
    if config.accelerator == "cuda" and not torch.cuda.is_available():
        raise UserError("accelerator=cuda: no CUDA device is found; `sercourse doctor` shows what is, or choose cpu.")
    on_gpu = config.accelerator != "cpu" and torch.cuda.is_available()
    if on_gpu and config.devices > torch.cuda.device_count():
        raise UserError(
            f"--devices {config.devices}: {torch.cuda.device_count()} CUDA devices are found; ask for less."
        )
    strategy = "ddp" if under_torchrun() else "ddp_spawn" if config.devices > 1 else "auto"
    return Fabric(
        accelerator="cuda" if on_gpu else "cpu",
        devices=config.devices,
        num_nodes=int(os.environ["GROUP_WORLD_SIZE"]) if under_torchrun() else 1,
        strategy=strategy,
        precision=PRECISIONS[config.precision],
    )


def under_torchrun() -> bool:
    """Whether torchrun started this process, beside others on this or other machines."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def is_leader() -> bool:
    """Whether this process writes what all write once: the only one, or the first of torchrun's."""
    return not under_torchrun() or os.environ["RANK"] == "0"


def prepare_process(threads: int) -> None:
    """Threads of this process, and memory that is kept instead of being returned and asked for again each batch."""
    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False  # fp32 means fp32
    torch.backends.cudnn.deterministic = True
    if sys.platform == "linux":
        # glibc gives large blocks back to the system at once, and a network's activations are large: without this,
        # a third of the time of a small network on a CPU goes into fetching zeroed pages again.
        try:
            libc = ctypes.CDLL("libc.so.6")
            for parameter in (-1, -3):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
                libc.mallopt(parameter, 1 << 30)
        except OSError:  # another libc
            return


@contextmanager
def enough_memory(config: LoopConfig) -> Iterator[None]:
    """Say in one sentence that memory does not suffice, and what takes less.

    Raises:
        UserError: torch could not get the memory it asked for.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:  # torch has a class of its own for GPUs alone
        told = str(error)
        if not isinstance(error, (MemoryError, torch.OutOfMemoryError)) and "allocate memory" not in told:
            raise
        raise UserError(
            f"batch_size={config.batch_size}: too large for this machine's memory; halve it and set accumulate=2, which"
            " learns the same, or take a smaller profile or smaller sizes."
        ) from None


@contextmanager
def own_gradients() -> Iterator[None]:
    """Lets a balancer differentiate losses for itself.

    With mixed precision fabric refuses any gradient but that of ``fabric.backward``, for with fp16 the loss must be
    scaled first. bf16 and fp32 scale nothing.
    """
    before, wrappers._in_fabric_backward = wrappers._in_fabric_backward, True
    try:
        yield
    finally:
        wrappers._in_fabric_backward = before


def peak_memory_mb() -> float | None:
    """The most memory that this process ever held, MB; ``None`` where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 if sys.platform == "linux" else 1024**2)


def share_of_cores(jobs: int) -> int:
    """Threads for each of some jobs at a time; ``OMP_NUM_THREADS`` is the most where it is set."""
    cores = cpu_count() // jobs
    return max(min(cores, int(os.environ.get("OMP_NUM_THREADS") or cores)), 1)
