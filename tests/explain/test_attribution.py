"""Rankings of features on networks whose answer is known: what must be found, and what must not."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn

from sercourse.errors import UserError
from sercourse.explain.attribution import (
    Reader,
    agreement,
    agreement_by_chance,
    agreement_interval,
    among_themselves,
    deletion_curve,
    grouped,
    integrated_gradients,
    permutation_importance,
    ranked,
)
from sercourse.explain.plots import deletion_figure
from sercourse.layers.scaling import Standardise


class Linear(nn.Module):
    """Judges by feature 2 alone, and by feature 5 a little."""

    def __init__(self) -> None:
        super().__init__()
        self.classes = {"emotion": ["anger", "sadness"]}
        self.scale = Standardise(8)
        self.scale.fit(torch.full((8,), 3.0), torch.ones(8))
        weights = torch.zeros(2, 8)
        weights[0, 2], weights[0, 5] = 2.0, 0.2
        self.register_buffer("weights", weights)

    def forward(self, batch):
        return {"emotion": self.scale(batch["functionals"]) @ self.weights.T}


@pytest.fixture
def reader() -> Reader:
    return Reader(Linear())


@pytest.fixture
def speech(reader) -> tuple[np.ndarray, list[str]]:
    x = np.random.default_rng(0).normal(3, 1, size=(200, 8)).astype(np.float32)
    return x, reader.judged(x).tolist()


def test_permutation_finds_what_is_read(reader, speech):
    lost = permutation_importance(reader, *speech)
    assert ranked(lost)[:2].tolist() == [2, 5]
    assert lost[2] > 30 > lost[5] > 0
    assert not lost[[0, 1, 3, 4, 6, 7]].any()
    assert np.array_equal(lost, permutation_importance(reader, *speech)), "seeded"


def test_integrated_gradients_of_a_linear_network_are_weight_times_distance(reader, speech):
    x, _ = speech
    found = integrated_gradients(reader, x)
    winners = reader.output(x, "emotion").argmax(1)
    weights = reader.network.weights.numpy()[winners]  # (N, D)
    assert found == pytest.approx(np.abs(weights * (x - 3.0)).mean(0), abs=1e-4)


def test_deletion_falls_at_once_in_the_right_order_and_late_in_the_wrong_one(reader, speech):
    right = deletion_curve(reader, *speech, [2, 5, 0, 1, 3, 4, 6, 7], [0, 1, 2, 8])
    wrong = deletion_curve(reader, *speech, [0, 1, 3, 4, 6, 7, 5, 2], [0, 1, 6, 8])
    assert right[0] == wrong[0] == 100.0
    assert right[1] < 80 < wrong[2] == 100.0
    assert right[-1] == wrong[-1] == 50.0, "all neutral: one emotion is said of everybody"


def test_agreement():
    a = np.arange(20.0)
    assert agreement(a, a, 5) == {"overlap": 5, "jaccard": 1.0, "spearman": pytest.approx(1.0)}
    assert agreement(a, -a, 5) == {"overlap": 0, "jaccard": 0.0, "spearman": pytest.approx(-1.0)}
    assert agreement(a, np.ones(20), 5)["spearman"] == 0.0
    assert agreement_by_chance(88) == pytest.approx(100 / 88)
    assert agreement_by_chance(4) == 4
    with pytest.raises(UserError, match="20 and of 3 features"):
        agreement(a, np.ones(3))


def test_chance_agreement_is_what_random_rankings_have():
    rng = np.random.default_rng(0)
    overlaps = [agreement(*rng.normal(size=(2, 88)))["overlap"] for _ in range(400)]
    assert np.mean(overlaps) == pytest.approx(agreement_by_chance(88), abs=0.15)


def test_agreement_over_networks_tells_signal_from_noise():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=88)
    near, far = truth + 0.1 * rng.normal(size=(10, 88)), truth + 3 * rng.normal(size=(10, 88))
    clear, vague = agreement_interval(near, near[::-1]), agreement_interval(near, far)
    assert all(one["low"] <= one["value"] <= one["high"] for found in (clear, vague) for one in found.values())
    assert agreement_interval(near, -near)["overlap"] == {"value": 0, "low": 0, "high": 0}
    assert agreement_interval(near, near)["overlap"] == {"value": 10, "low": 10, "high": 10}
    apart = agreement_interval(rng.normal(size=(10, 88)), rng.normal(size=(10, 88)))
    assert all(one["low"] <= one["value"] <= one["high"] for one in apart.values())
    assert clear["spearman"]["low"] > vague["spearman"]["high"]
    assert clear["overlap"]["value"] > vague["overlap"]["value"]
    assert among_themselves(near)["overlap"] > among_themselves(far)["overlap"]


def test_groups_keep_the_whole():
    columns = ["F0_sma_amean", "F0_sma_stddev", "mfcc_sma[1]_amean", "loudnessPeaksPerSec"]
    scores = np.array([0.1, 0.2, 0.4, 0.3])
    by = grouped(scores, columns)
    assert by.to_dict() == pytest.approx({"mfcc[1]": 0.4, "F0": 0.3, "loudnessPeaksPerSec": 0.3})
    assert grouped(scores, columns, "functional").to_dict() == pytest.approx(
        {"amean": 0.5, "(itself)": 0.3, "stddev": 0.2}
    )


def test_the_picture_names_its_axes():
    lines = deletion_figure([0, 1], {"attention": [50, 40], "random": [50, 45]}).axes[0]
    assert lines.get_ylabel() == "UA (%)"
    assert len(lines.lines) == 2
    plt.close("all")
