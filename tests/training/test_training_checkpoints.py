"""Checkpoints: written whole, read back equal, refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sercourse.errors import UserError
from sercourse.training.checkpoints import (
    FORMAT_VERSION,
    flatten_optimiser,
    load_checkpoint,
    restore_optimiser,
    save_checkpoint,
    with_prefix,
    without_prefix,
)

ABOUT = {"epoch": 3, "curves": [{"epoch": 1, "train_emotion": 0.1}], "name": "ä"}


@pytest.fixture
def path(tmp_path) -> Path:
    """A whole checkpoint of some 4 kB."""
    torch.manual_seed(0)
    path = tmp_path / "folds" / "x.safetensors"
    save_checkpoint(path, {"a": torch.randn(30, 30), "b": torch.arange(3)}, ABOUT)
    return path


def refused(path: Path) -> str:
    with pytest.raises(UserError) as raised:
        load_checkpoint(path)
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def test_round_trip_keeps_every_bit(tmp_path):
    tensors = {
        "float": torch.randn(3, 4), "double": torch.randn(2).double(), "half": torch.randn(5).bfloat16(),
        "count": torch.tensor(7), "flag": torch.tensor([True, False]), "nothing": torch.zeros(0, 3),
        "view": torch.randn(6, 4).t()[1:], "odd": torch.tensor([float("nan"), float("inf"), -0.0]),
    }  # fmt: skip
    save_checkpoint(tmp_path / "x.safetensors", tensors, ABOUT)
    back, about = load_checkpoint(tmp_path / "x.safetensors")
    assert about == {"format_version": FORMAT_VERSION, **ABOUT}
    assert back.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert back[name].dtype == tensor.dtype
        assert torch.equal(back[name].view(-1).nan_to_num(nan=1), tensor.reshape(-1).nan_to_num(nan=1)), name


def test_nothing_is_left_beside_it_and_an_earlier_file_is_replaced(path):
    save_checkpoint(path, {"c": torch.ones(1)}, {})
    assert set(load_checkpoint(path)[0]) == {"c"}
    assert [p.name for p in path.parent.iterdir()] == ["x.safetensors"]


def test_a_write_that_fails_leaves_the_earlier_file_and_no_other(path):
    before = path.read_bytes()
    with pytest.raises(TypeError):
        save_checkpoint(path, {"c": torch.ones(1)}, {"unfit for JSON": object()})
    target = path.parent / "folder.safetensors"
    (target / "inside").mkdir(parents=True)
    with pytest.raises(UserError, match=r"cannot be written .*; free space or set SERCOURSE_RUNS elsewhere"):
        save_checkpoint(target, {"c": torch.ones(1)}, {})
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == ["folder.safetensors", "x.safetensors"]


@pytest.mark.parametrize("kept", [0, 4, 8, 50, 500, -1])
def test_truncated(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    assert "damaged or not a checkpoint; delete it and train again with --resume" in refused(path)


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04 a zip, as torch.save writes", b"\x80\x04 a pickle", b"{}", bytes(range(256)) * 20, b"\xff" * 5000],
    ids=["zip", "pickle", "json", "bytes", "ones"],
)
def test_random_bytes(path, content):
    path.write_bytes(content)
    assert "damaged or not a checkpoint" in refused(path)


def test_foreign_safetensors(path):
    for metadata in (None, {"format": "pt"}):
        save_file({"a": torch.ones(2)}, path, metadata)
        assert "not a checkpoint of sercourse" in refused(path)


@pytest.mark.parametrize("header", ["{", "[]", "{}", "null", '{"format_version": "one"}'])
def test_damaged_header(path, header):
    save_file({"a": torch.ones(2)}, path, {"sercourse": header})
    assert "damaged or not a checkpoint" in refused(path)


def test_a_newer_format(path):
    save_file({"a": torch.ones(2)}, path, {"sercourse": json.dumps({"format_version": FORMAT_VERSION + 1})})
    assert f"written by a newer sercourse (format {FORMAT_VERSION + 1})" in refused(path)


def test_absent_and_not_a_file(tmp_path):
    assert "there is no such checkpoint; train first" in refused(tmp_path / "x.safetensors")
    assert "damaged or not a checkpoint" in refused(tmp_path)


def test_an_optimiser_goes_on_where_it_was():
    """Adam's moments and counts, stored and restored: the next steps are equal to the last bit."""

    def trained(steps: int, stored: tuple | None = None) -> tuple[torch.Tensor, torch.optim.Optimizer]:
        weight = torch.nn.Parameter(torch.ones(4) if stored is None else stored[0].clone())
        optimiser = torch.optim.AdamW([weight], lr=0.1)
        if stored is not None:
            tensors, groups = stored[1]
            optimiser.load_state_dict(restore_optimiser(tensors, json.loads(json.dumps(groups))))
        for _ in range(steps):
            optimiser.zero_grad()
            (weight - torch.arange(4.0)).square().sum().backward()
            optimiser.step()
        return weight.detach(), optimiser

    half, optimiser = trained(3)
    resumed, _ = trained(3, (half, flatten_optimiser(optimiser.state_dict())))
    assert torch.equal(resumed, trained(6)[0])
    assert not torch.equal(resumed, trained(3, None)[0])


def test_prefixes_keep_tables_apart():
    stored = with_prefix("model", {"a.b": torch.ones(1)}) | with_prefix("model2", {"a": torch.zeros(1)})
    assert without_prefix("model", stored).keys() == {"a.b"}
