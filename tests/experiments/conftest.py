"""What the artifacts of chapters 03 and 04 share."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from transformers import AutoConfig, AutoModel

from sercourse import corpora
from sercourse.corpora.noisy import Condition, in_noise
from sercourse.experiments import cells
from sercourse.experiments.cells import Bench
from sercourse.training import backbones
from sercourse.training.recipes import recipe
from sercourse.training.recipes.mtlser import RECIPE

LOOP = ("threads=1", "accelerator=cpu", "epochs=1", "batch_size=16")


@pytest.fixture
def tiny_corpus(own_folders, my_csv, monkeypatch) -> None:
    """Whatever corpus is asked for is a tiny one with two genders, in white noise too where conditions are named;
    results go to a folder of the test's own."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    base = corpora.load(my_csv)
    base["gender"] = ["female", "male"] * (len(base) // 2)
    noisy = in_noise(base, (Condition("none"), Condition("white", 0.0, 0.0)), workers=1, progress=False)
    monkeypatch.setattr(corpora, "load", lambda name: noisy if "+" in name else base)
    monkeypatch.setattr(cells, "RESULTS", own_folders / "results")


@pytest.fixture
def tiny_encoder(tmp_path) -> Callable[..., Path]:
    """Writes a checkpoint of no size with random weights to a folder and names the folder."""

    def save(name: str, kind: str = "wav2vec2", seed: int = 0) -> Path:
        torch.manual_seed(seed)
        sizes = AutoConfig.for_model(
            kind, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
            conv_dim=(8,) * 7, feat_extract_norm="layer", do_stable_layer_norm=True, num_conv_pos_embeddings=8,
            num_conv_pos_embedding_groups=2,
        )  # fmt: skip
        AutoModel.from_config(sizes).save_pretrained(tmp_path / name)
        return tmp_path / name

    return save


@pytest.fixture
def mtlser_bench(tiny_corpus, tiny_encoder, monkeypatch) -> Bench:
    """A tiny encoder in the place of the shipped one, tiny networks, something to read."""
    monkeypatch.setattr(backbones, "MINI_WEIGHTS", tiny_encoder("encoder"))
    table = corpora.load("tiny")
    table["text"] = np.array(["a cab", "bad"])[np.arange(len(table)) % 2]
    table["text"] = table["text"].astype("string")
    table["language"] = "en"
    monkeypatch.setattr(corpora, "load", lambda name: table)
    monkeypatch.setattr(RECIPE, "profiles", {"quick": RECIPE.profiles["quick"].changed(LOOP)})
    peer = recipe("attention_cnn")
    monkeypatch.setattr(peer, "profiles", {"quick": peer.profiles["quick"].changed(LOOP)})
    return Bench(corpus="tiny", console=Console(file=io.StringIO(), width=200), store=True)
