"""Pretraining of the small encoder: it runs, goes on after a kill, learns; its weights are what the library loads."""

import json

import pytest
import torch

from data_scripts import pretrain_mini
from sercourse.training.backbones import load_backbone
from sercourse.training.checkpoints import load_checkpoint
from sercourse.training.journal import read_curves

SETTINGS = ("--profile", "quick", "--set", "threads=1", "--set", "accelerator=cpu", "--set", "epochs=2")


@pytest.fixture
def folder(own_folders, monkeypatch, threads_put_back):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    return own_folders / "mini"


def test_a_killed_pretraining_ends_in_the_same_weights(folder, monkeypatch):
    assert pretrain_mini.main(["--to", str(folder), *SETTINGS]) == 0
    whole = read_curves(folder)
    assert len(whole) == 2
    assert whole[1]["train_frames"] < whole[0]["train_frames"]
    assert {"validation_contrastive", "validation_perplexity"} <= set(whole[0])
    weights, _ = load_checkpoint(folder / "state.safetensors")

    killed, epochs = folder.with_name("killed"), []
    one_epoch = pretrain_mini.train_one_epoch

    def dies_in_the_second(*arguments, **options):
        epochs.append(1)
        if len(epochs) == 2:
            raise KeyboardInterrupt
        return one_epoch(*arguments, **options)

    monkeypatch.setattr(pretrain_mini, "train_one_epoch", dies_in_the_second)
    assert pretrain_mini.main(["--to", str(killed), *SETTINGS]) == 130
    monkeypatch.setattr(pretrain_mini, "train_one_epoch", one_epoch)
    assert pretrain_mini.main(["--to", str(killed), *SETTINGS]) == 0
    resumed, _ = load_checkpoint(killed / "state.safetensors")
    assert all(torch.equal(resumed[name], tensor) for name, tensor in weights.items())

    encoder = load_backbone(str(folder))
    assert not encoder.normalise
    states, _ = encoder(torch.randn(1, 8_000) * 0.05, torch.tensor([8_000]))
    assert torch.isfinite(states[-1]).all()
    made = json.loads((folder / "pretraining.json").read_text("utf-8"))
    assert made["settings"]["model"]["hidden"] == 32


def test_a_wrong_setting_is_one_sentence(folder, capsys):
    assert pretrain_mini.main(["--to", str(folder), *SETTINGS, "--set", "hidden=33"]) == 2
    assert "hidden=33: must be a multiple of heads=2" in capsys.readouterr().err
