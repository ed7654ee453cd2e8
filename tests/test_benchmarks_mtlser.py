"""The benchmark of MTLSER's training steps, with a network of no size: every way is there, and the losses agree."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2Config

from benchmarks import __main__ as all_benchmarks
from benchmarks import mtlser as bench
from benchmarks import mtlser_ways as ways
from sercourse.training.batches import collate
from sercourse.training.cost import encoder_multiply_adds

TINY = Wav2Vec2Config(
    hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=40, conv_dim=(6, 10),
    conv_kernel=(10, 3), conv_stride=(5, 4), num_conv_pos_embedding_groups=4, layerdrop=0.0,
)  # fmt: skip
LENGTHS = [2_000, 3_000, 1_500, 2_500]


@pytest.fixture(autouse=True)
def network_of_no_size(monkeypatch):
    monkeypatch.setattr(bench, "_best_product", lambda device, precision: 1e12)
    small = partial(bench.run, sizes=TINY, lengths=LENGTHS, isolated=False)

    def run(utterances=0, *, threads=None, rounds=1, compiled=False):
        return small(threads=torch.get_num_threads(), rounds=rounds, compiled=compiled)

    monkeypatch.setattr(bench, "run", run)


def test_all_ways_are_measured_and_the_losses_agree(tmp_path, capsys):
    assert bench.main(["--rounds", "2", "--json", str(tmp_path / "bench.json")]) == 0
    result = json.loads((tmp_path / "bench.json").read_text())
    rows = {row["name"]: row for row in result["ways"]}
    assert list(rows) == [
        "plain", "length buckets", "batch 8, not 4 x 2", "our convolutions", "bf16 (ours)", "gradient checkpointing",
        "stored convolutions",
    ]  # fmt: skip
    for row in rows.values():
        assert row["utterances_per_second"] == pytest.approx(4 / row["seconds"])
        assert row["ratio"] == pytest.approx(rows["plain"]["seconds"] / row["seconds"])
        assert row["gain"] == pytest.approx(rows[row["after"]]["seconds"] / row["seconds"])
        assert row["share_of_peak"] == pytest.approx(row["multiply_adds_per_second"] / 1e12)
        assert 0 <= row["padding"] < 0.5
    assert result["ratio"] == rows["bf16 (ours)"]["ratio"]
    assert result["ratio_stored"] == rows["stored convolutions"]["ratio"]
    assert rows["length buckets"]["padding"] == pytest.approx(1 - 9_000 / 10_000)
    assert result["agreement"]["equal"]
    assert result["agreement"]["plain"] == pytest.approx(result["agreement"]["ours"], rel=1e-5)
    assert set(result["agreement"]["convolutions"]) == {"group", "layer"}
    assert bench.table(result).row_count == len(rows)
    assert "Losses of both networks" in capsys.readouterr().out


def test_gradients_agree_too():
    """What both networks learn from the same batch, which is what makes their seconds comparable."""
    batch = collate(ways.made_up([2_000, 2_000]), ways.PADDED)
    gradients = []
    for way in (ways.PLAIN, ways.KERNELS, ways.CHECKPOINTING):
        model = ways.build(way, TINY).eval()
        sum(model.losses(model(batch), batch).values()).backward()
        network = model.network if way is ways.PLAIN else model.encoder.network
        learning = {name: p.grad for name, p in network.named_parameters() if p.requires_grad}
        assert not any(name.startswith("feature_extractor") for name in learning)
        gradients.append({name: grad for name, grad in learning.items() if grad is not None})
    for other in gradients[1:]:
        assert other.keys() == gradients[0].keys()
        for name, gradient in gradients[0].items():
            torch.testing.assert_close(other[name], gradient, rtol=1e-3, atol=1e-4)


def test_benchmark_fails_where_losses_differ(monkeypatch):
    def louder(way, sizes):
        model = ways.build(way, sizes)
        if way.ours:
            torch.nn.init.ones_(model.heads["emotion"].bias[:3])
        return model

    monkeypatch.setattr(bench, "build", louder)
    assert bench.main([]) == 1
    assert all_benchmarks.main(["mtlser"]) == 1


def test_work_that_is_asked_for():
    parts = encoder_multiply_adds(TINY, 3_000)
    rest = sum(parts.values()) - parts["convolutions"]
    assert bench._asked_for(TINY, 3_000, cached=False) == parts["convolutions"] + 3 * rest
    assert bench._asked_for(TINY, 3_000, cached=True) == 3 * rest


def test_lengths_are_spread_over_a_corpus(emodb):
    name, lengths = bench.corpus_lengths(5)
    assert name == "emodb"
    assert len(lengths) == 5
    assert np.sort(lengths)[[0, -1]] == pytest.approx([1.7 * 16_000, 4.1 * 16_000], rel=0.1)


def test_an_unknown_benchmark_is_refused(capsys):
    with pytest.raises(SystemExit):
        all_benchmarks.main(["mtlsr"])
    assert "choose of features, memory, networks, balancing, mtlser" in capsys.readouterr().err
