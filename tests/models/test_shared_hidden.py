"""Shared hidden layers: labels stay outside, missing ones teach nothing, a second task helps where labels are few."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sercourse.losses.balancing import FixedWeights
from sercourse.losses.masked import MISSING
from sercourse.models.shared_hidden import SharedHidden, SharedHiddenConfig

CLASSES = {"emotion": ["anger", "fear", "neutral"], "noise": ["none", "white"], "gender": ["female", "male"]}


def network(**options) -> SharedHidden:
    torch.manual_seed(0)
    return SharedHidden(7, CLASSES, SharedHiddenConfig(**{"shared": (6, 5), "private": (4,), **options}))


def test_every_task_has_a_loss_and_the_balancer_a_weight_for_it(batch):
    for model in (network(), network(auxiliary="noise", private=())):
        labelled = batch | {"noise": torch.tensor([0, 1, 1, 0])}
        losses = model.losses(model(labelled), labelled)
        assert set(losses) == set(model.tasks) == set(model.config.weights) == set(model.classes)
        assert all(torch.isfinite(loss) and loss > 0 for loss in losses.values())
        assert torch.isfinite(FixedWeights(model.config.weights)(losses))


def test_a_task_teaches_what_is_shared_and_its_own_head_alone(batch):
    model = network(dropout=0.0)
    model.losses(model(batch), batch)["emotion"].backward()
    assert all(p.grad is not None for p in [*model.shared.parameters(), *model.heads["emotion"].parameters()])
    assert all(p.grad is None for p in model.heads["gender"].parameters())
    assert model.shared_layer().shape == (5, 6)
    nobody = batch | {"emotion": torch.full((4,), MISSING)}
    model.zero_grad()
    loss = model.losses(model(nobody), nobody)["emotion"]
    loss.backward()
    assert loss == 0
    assert not any(p.grad.any() for p in model.shared.parameters())


def test_the_defaults_have_the_printed_sizes():
    """Two layers of 256, dropout .5."""
    model = SharedHidden(7, CLASSES)
    for head in model.heads.values():
        linear = [layer for layer in [*model.shared, *head] if isinstance(layer, torch.nn.Linear)]
        assert [layer.out_features for layer in linear[:-1]] == [256, 256]
    assert {layer.p for layer in model.modules() if isinstance(layer, torch.nn.Dropout)} == {0.5}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"auxiliary": "age"}, "auxiliary=age: choose one of noise, gender"),
        ({"shared": ()}, "shared: needs one or more sizes of 1 or more"),
        ({"shared": (8, 0)}, "shared: needs one or more sizes of 1 or more"),
        ({"private": (0,)}, "private: sizes must be 1 or more"),
        ({"dropout": 1.0}, "dropout=1.0: must be at least 0 and below 1"),
        ({"auxiliary_weight": -1.0}, "auxiliary_weight=-1.0: must be 0 or more"),
        ({"emotion_weight": float("nan")}, "emotion_weight=nan: must be 0 or more"),
    ],
)
def test_a_wrong_setting_is_said(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        SharedHiddenConfig(**options)


def toy(rows: int, seed: int) -> dict[str, Tensor]:
    """Half of the emotion is the auxiliary label, which two of six values tell together, neither of them alone."""
    x = torch.randn(rows, 6, generator=torch.Generator().manual_seed(seed))
    gender = (x[:, 0] * x[:, 1] > 0).long()
    return {"functionals": x, "gender": gender, "emotion": 2 * gender + (x[:, 2] > 0).long()}


def accuracy_after(seed: int, auxiliary_weight: float) -> float:
    """Of four emotions, 0 to 1, learnt from 32 labels beside 1000 labels of the auxiliary task."""
    batch, judged = toy(1000, seed), toy(1000, 99)
    batch["emotion"][32:] = MISSING
    torch.manual_seed(seed)
    classes = {"emotion": list("abcd"), "gender": ["female", "male"]}
    config = SharedHiddenConfig(shared=(32, 4), private=(), dropout=0.0, auxiliary_weight=auxiliary_weight)
    model, balancer = SharedHidden(6, classes, config), FixedWeights(config.weights)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(100):
        optimiser.zero_grad()
        balancer(model.losses(model(batch), batch)).backward()
        optimiser.step()
    with torch.inference_mode():
        return float((model.eval()(judged)["emotion"].argmax(1) == judged["emotion"]).float().mean())


def test_the_second_task_helps_where_the_first_has_few_labels():
    alone, together = (torch.tensor([accuracy_after(seed, weight) for seed in range(4)]) for weight in (0.0, 1.0))
    assert (together > alone).all(), "in every drawing"
    assert together.mean() > alone.mean() + 0.1
    assert alone.mean() > 0.35, "chance is .25: it learns something without it, too"
