"""Costs against numbers worked out by hand, against networks that the counter sees, and against the printed figure."""

from __future__ import annotations

import platform
import time
from pathlib import Path

import pytest
import torch
from threadpoolctl import threadpool_info
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModel, HubertConfig, Wav2Vec2Config, WavLMConfig

from sercourse.models.mtlser import Mtlser
from sercourse.models.speech_encoder import SpeechEncoder
from sercourse.training.cost import (
    encoder_multiply_adds,
    latency,
    multiply_adds,
    one_thread,
    printed_growth,
    processor,
)

SIZES = {
    "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 40,
    "conv_dim": (6, 10), "conv_kernel": (10, 3), "conv_stride": (5, 2), "num_conv_pos_embedding_groups": 4,
}  # fmt: skip
SAMPLES = 1_000
BASE = Wav2Vec2Config()


def encoder(config, device: str = "cpu") -> nn.Module:
    with torch.device(device):
        return AutoModel.from_config(config).eval()


class WrittenOut(nn.Module):
    """A one-way LSTM of one layer, of linear layers."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.seen, self.recalled = nn.Linear(inputs, 4 * hidden), nn.Linear(hidden, 4 * hidden)

    def forward(self, x):
        h = c = x.new_zeros(len(x), self.recalled.in_features)
        for frame in x.unbind(1):
            keep, add, candidate, out = (self.seen(frame) + self.recalled(h)).chunk(4, dim=1)
            c = keep.sigmoid() * c + add.sigmoid() * candidate.tanh()
            h = out.sigmoid() * c.tanh()
        return h


def test_products_by_hand():
    cost = multiply_adds(nn.Linear(5, 7), torch.zeros(3, 5))
    assert cost.multiply_adds == 3 * 5 * 7
    assert cost.floating_point_operations == 2 * 3 * 5 * 7
    assert cost.blind_to == ()
    convolution = nn.Conv1d(6, 8, 3, stride=2, groups=2)  # 5 frames of 3 taps over 3 of the channels
    assert multiply_adds(convolution, torch.zeros(1, 6, 11)).multiply_adds == 5 * 3 * 3 * 8


@pytest.mark.parametrize(("layer", "gates"), [(nn.LSTM, 4), (nn.GRU, 3)])
def test_recurrent_layers_by_hand(layer, gates):
    network = layer(5, 7, num_layers=2, bidirectional=True, batch_first=True)
    by_hand = 2 * 11 * 2 * gates * ((5 + 7) * 7 + (14 + 7) * 7)  # utterances, frames, directions, both layers
    assert multiply_adds(network, torch.zeros(2, 11, 5)).multiply_adds == by_hand
    packed = pack_padded_sequence(torch.zeros(2, 11, 5), torch.tensor([11, 4]), batch_first=True)
    assert multiply_adds(network, packed).multiply_adds == by_hand * 15 // 22
    assert multiply_adds(network.to("meta"), torch.zeros(2, 11, 5, device="meta")).multiply_adds == by_hand


def test_an_lstm_costs_what_it_costs_written_out():
    x = torch.zeros(3, 9, 5)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        nn.LSTM(5, 7, batch_first=True)(x)
    assert counter.get_total_flops() == 0, "the counter sees it now"
    hidden, seen = multiply_adds(nn.LSTM(5, 7, batch_first=True), x), multiply_adds(WrittenOut(5, 7), x)
    assert hidden.multiply_adds == seen.multiply_adds == 3 * 9 * 4 * (5 + 7) * 7
    assert hidden.blind_to == ("LSTM",)
    assert seen.blind_to == ()


def test_fused_attention_is_counted_once_on_every_device():
    query = torch.zeros(2, 3, 10, 4)
    attend = nn.functional.scaled_dot_product_attention
    by_hand = 2 * 2 * 3 * 10 * 10 * 4
    assert multiply_adds(attend, query, query, query).multiply_adds == by_hand
    on_meta = query.to("meta")
    assert multiply_adds(attend, on_meta, on_meta, on_meta).multiply_adds == by_hand
    network = nn.MultiheadAttention(8, 2, batch_first=True)
    x = torch.zeros(2, 5, 8)
    assert multiply_adds(network, x, x, x).multiply_adds == 2 * 5 * 4 * 8 * 8 + 2 * 2 * 5 * 5 * 8
    assert multiply_adds(lambda: torch.ones(3, 4) @ torch.ones(4)).multiply_adds == 12


def test_parts_add_up_and_the_blind_one_is_named():
    class Listener(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(4, 6), nn.Sequential(nn.Linear(6, 5)))
            self.heads = nn.ModuleDict({"emotion": nn.Linear(3, 2), "speaker": nn.Linear(3, 9)})
            self.memory = nn.LSTM(5, 3, batch_first=True)

        def forward(self, x):
            h, _ = self.memory(self.body(x))
            return {name: head(h.mean(1)) for name, head in self.heads.items()}

    network = Listener()
    network.memory.eval()
    cost = multiply_adds(network, torch.zeros(1, 10, 4))
    assert cost.by_part == {
        "body": 540, "body.0": 240, "body.1": 300, "memory": 10 * 4 * 8 * 3,
        "heads": 33, "heads.emotion": 6, "heads.speaker": 27,
    }  # fmt: skip
    assert cost.blind_to == ("memory",)
    assert cost.multiply_adds == sum(cost.by_part[name] for name in ("body", "memory", "heads"))
    assert (network.training, network.memory.training) == (True, False), "put back"
    called = multiply_adds(lambda x: network(x), torch.zeros(1, 10, 4))
    assert (called.multiply_adds, called.blind_to) == (cost.multiply_adds, ("LSTM",))


@pytest.mark.parametrize("config", [Wav2Vec2Config(**SIZES), HubertConfig(**SIZES)], ids=["wav2vec2", "hubert"])
def test_calculated_equals_counted(config):
    calculated = encoder_multiply_adds(config, SAMPLES)
    counted = multiply_adds(encoder(config), torch.zeros(1, SAMPLES))
    assert sum(calculated.values()) == counted.multiply_adds
    assert calculated["convolutions"] == counted.by_part["feature_extractor"]
    assert calculated["projection"] == counted.by_part["feature_projection"]
    assert calculated["positional convolution"] == counted.by_part["encoder.pos_conv_embed"]
    transformer = sum(calculated[name] for name in ("attention projections", "attention products", "feed-forward"))
    assert transformer == counted.by_part["encoder.layers"]
    assert len(counted.blind_to) == config.num_hidden_layers


def test_wavlm_has_little_more():
    config = WavLMConfig(conv_dim=(32,), conv_kernel=(400,), conv_stride=(320,), num_hidden_layers=2)
    counted = multiply_adds(encoder(config, "meta"), torch.zeros(1, 16_000, device="meta")).multiply_adds
    assert counted == pytest.approx(sum(encoder_multiply_adds(config, 16_000).values()), rel=0.005)


def test_ours_costs_what_the_published_network_costs():
    network = Mtlser(SpeechEncoder(encoder(Wav2Vec2Config(**SIZES)), normalise=True), {"emotion": ["a", "b"]})
    batch = {"audio": torch.randn(2, SAMPLES), "length": torch.tensor([SAMPLES, SAMPLES])}
    cost = multiply_adds(network, batch)
    encoding = 2 * sum(encoder_multiply_adds(Wav2Vec2Config(**SIZES), SAMPLES).values())
    assert cost.multiply_adds == encoding + 2 * 24 * 2
    assert cost.by_part["encoder"] == encoding


def test_the_printed_figure_is_three_seconds_without_the_products_of_attention():
    samples = 3 * 16_000
    calculated = encoder_multiply_adds(BASE, samples)
    counted = multiply_adds(encoder(BASE, "meta"), torch.zeros(1, samples, device="meta"))
    assert sum(calculated.values()) == pytest.approx(counted.multiply_adds, rel=0.01)
    assert sum(calculated.values()) == counted.multiply_adds
    without = counted.multiply_adds - calculated["attention products"]
    assert without == pytest.approx(20.80e9, rel=0.005)
    assert counted.multiply_adds == pytest.approx(20.80e9 * 1.0187, rel=0.0005)


def test_printed_growth_by_hand_and_where_it_fails():
    config = Wav2Vec2Config(**SIZES)  # 199 and 99 frames
    assert printed_growth(config, SAMPLES) == {
        "convolutions": 199 * 100 * 6 + 99 * 9 * 10,
        "attention": 2 * 99 * 99 * 24,
    }
    for seconds in range(1, 31):
        true, printed = encoder_multiply_adds(BASE, seconds * 16_000), printed_growth(BASE, seconds * 16_000)
        assert true["convolutions"] > 10 * printed["convolutions"]
        assert 2 * printed["attention"] == true["attention products"]
        missing = true["attention projections"] + true["feed-forward"]
        assert missing > max(true["attention products"], true["convolutions"])


def test_equation_15_against_the_counted_growth():
    """Too much for the heads, and still far less than the network costs and unlike it in growth."""
    letters, emotions, speakers, said = 32, 4, 10, 20
    outputs = letters + emotions + speakers + said
    equation_14 = printed_growth(Wav2Vec2Config(**SIZES), SAMPLES)
    equation_15 = printed_growth(Wav2Vec2Config(**SIZES), SAMPLES, outputs)
    assert equation_15 == equation_14 | {"heads": 99 * 24 * outputs}
    names = {"emotion": emotions, "text": letters, "speaker": speakers}
    classes = {task: [str(n) for n in range(count)] for task, count in names.items()}
    network = Mtlser(SpeechEncoder(encoder(Wav2Vec2Config(**SIZES)), normalise=True), classes)
    counted = multiply_adds(network, {"audio": torch.randn(1, SAMPLES), "length": torch.tensor([SAMPLES])})
    assert counted.by_part["heads"] == 99 * 24 * letters + 24 * (emotions + speakers) < equation_15["heads"]
    grown = [
        [sum(parts.values()) for parts in (encoder_multiply_adds(BASE, n), printed_growth(BASE, n, outputs))]
        for n in (16_000, 160_000)
    ]
    (true, printed), (true_later, printed_later) = grown
    assert true > 20 * printed
    assert true_later / true < 13
    assert printed_later / printed > 20


def test_too_short_for_a_frame():
    assert encoder_multiply_adds(BASE, 400)["projection"] == 512 * 768
    for calculate in (encoder_multiply_adds, printed_growth):
        with pytest.raises(ValueError, match="samples=399: too short"):
            calculate(BASE, 399)


def test_latency():
    calls = []
    taken = latency(lambda: (calls.append(0), time.sleep(0.002)), repeats=5, warm_up=2)
    assert (len(calls), taken.calls) == (7, 5)
    assert taken.median >= 0.002
    assert 0 <= taken.spread < 1
    with pytest.raises(ValueError, match="repeats=0"):
        latency(lambda: None, repeats=0)


def test_one_thread_for_torch_and_for_numpy(threads_put_back):
    torch.set_num_threads(2)
    with one_thread():
        assert torch.get_num_threads() == 1
        assert {library["num_threads"] for library in threadpool_info()} == {1}
    assert torch.get_num_threads() == 2, "put back"


def test_the_processor_has_a_name(monkeypatch):
    assert len(processor()) > 2

    def nothing_there(*_: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", nothing_there)
    assert processor() == (platform.processor() or platform.machine())
