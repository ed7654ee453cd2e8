"""Devices and seeds."""

from __future__ import annotations

import pytest
import torch

from sercourse.errors import UserError
from sercourse.training.devices import enough_memory, make_fabric
from sercourse.training.seeds import Purpose, network_seed, seed_everything
from sercourse.training.settings import LoopConfig


def test_an_accelerator_that_is_not_there_is_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="accelerator=cuda: no CUDA device is found"):
        make_fabric(LoopConfig(accelerator="cuda"))
    assert make_fabric(LoopConfig(precision="bf16")).device.type == "cpu"


def test_every_network_of_a_run_has_a_seed_of_its_own():
    seeds = {network_seed(0, repeat, fold, member) for repeat in range(3) for fold in range(10) for member in range(3)}
    assert len(seeds) == 90
    assert network_seed(0, 1, 4, 2) == network_seed(1, 0, 4, 2), "repeat 1 of seed 0 is repeat 0 of seed 1"


def test_an_epoch_does_not_depend_on_those_before_it():
    seed_everything(Purpose.DROPOUT, 3, 5, 0)
    first = torch.rand(3)
    torch.rand(100)
    seed_everything(Purpose.DROPOUT, 3, 5, 0)
    assert torch.equal(torch.rand(3), first)
    for other in ((Purpose.DROPOUT, 3, 5, 1), (Purpose.DROPOUT, 3, 6, 0), (Purpose.WEIGHTS, 3, 5, 0)):
        seed_everything(*other)
        assert not torch.equal(torch.rand(3), first)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
def test_too_little_memory_is_one_sentence(error):
    said = "batch_size=32: too large for this machine's memory; halve it"
    with pytest.raises(UserError, match=said), enough_memory(LoopConfig()):
        raise error


def test_other_errors_stay_what_they_are():
    with pytest.raises(RuntimeError, match="shapes"), enough_memory(LoopConfig()):
        raise RuntimeError("shapes differ")
