"""ASP-MTL: losses that skip what they must, a discriminator whose gradient is turned, padding that changes nothing."""

from __future__ import annotations

import pytest
import torch

from sercourse.losses.constraints import correlation_ratio
from sercourse.losses.masked import MISSING
from sercourse.models.asp_mtl import AspMtl
from sercourse.models.asp_mtl_config import AspMtlConfig
from sercourse.training.fit import make_optimiser
from sercourse.training.settings import LoopConfig

CLASSES = {"emotion": ["anger", "fear", "neutral"], "noise": ["none", "white"], "gender": ["female", "male"]}
LENGTHS = (9, 6, 4, 1)


def network(**options) -> AspMtl:
    torch.manual_seed(0)
    return AspMtl(7, CLASSES, AspMtlConfig(**{"hidden": 5, "head": 4, "auxiliary": "noise", **options}), bands=3)


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    frames = torch.randn(len(LENGTHS), max(LENGTHS), 7)
    for row, length in zip(frames, LENGTHS, strict=True):
        row[length:] = 0
    return {
        "frames": frames,
        "length": torch.tensor(LENGTHS),
        "emotion": torch.tensor([0, 2, MISSING, MISSING]),
        "noise": torch.tensor([MISSING, MISSING, 1, 0]),
        "task": torch.tensor([0, 0, 1, 1]),
        "clean": frames[..., :3] - 1,
    }


@pytest.mark.parametrize("options", [{"discriminate": "task"}, {"discriminate": "label"}, {"input_statistics": True}])
def test_an_utterance_gives_the_same_alone_and_in_a_padded_batch(batch, options):
    model = network(mask=True, critic=(6,), **options).eval()
    together = model(batch)
    for row, length in enumerate(LENGTHS):
        alone = model({"frames": batch["frames"][row : row + 1, :length], "length": torch.tensor([length])})
        for name, value in alone.items():
            other = together[name][row, :length] if value.ndim == 3 else together[name][row]
            torch.testing.assert_close(
                other, value[0], atol=1e-5, rtol=0, msg=lambda text, name=name: f"{name}: {text}"
            )


def test_every_task_has_a_loss_and_the_balancer_a_weight_for_it(batch):
    for model in (network(), network(mask=True)):
        losses = model.losses(model(batch), batch)
        assert set(losses) == set(model.tasks) == set(model.config.weights)
        assert all(torch.isfinite(loss) and loss > 0 for loss in losses.values())


def test_a_draw_of_one_task_does_not_teach_the_other(batch):
    """Emotion losses of the first two rows only: the private stack of the auxiliary task gets no gradient of it."""
    model = network().eval()
    losses = model.losses(model(batch), batch)
    grads = torch.autograd.grad(losses["emotion"], list(model.private["auxiliary"].parameters()), allow_unused=True)
    assert all(grad is None for grad in grads)
    grads = torch.autograd.grad(
        model.losses(model(batch), batch)["noise"], list(model.shared.parameters()), allow_unused=True
    )
    assert all(grad is None for grad in grads), "the auxiliary head reads private features (equation 16)"


def test_the_adversary_turns_the_encoders_gradient_and_keeps_its_own(batch):
    model = network(dropout=0.0)
    found = {}
    for strength in (0.0, 0.5, 1.0):
        model.strength = strength
        model.zero_grad()
        model.losses(model(batch), batch)["adversary"].backward()
        found[strength] = model.discriminator[-1].weight.grad.clone(), model.shared.fusion.grad.clone()
    torch.testing.assert_close(found[0.5][0], found[1.0][0])
    assert found[1.0][0].abs().max() > 1e-4
    assert not found[0.0][1].any()
    torch.testing.assert_close(2 * found[0.5][1], found[1.0][1])
    hidden = model(batch)["embedding"].detach().requires_grad_()
    logits = model.discriminator(hidden)
    torch.nn.functional.cross_entropy(logits, batch["task"]).backward()
    model.strength = 1.0
    outputs = model(batch)
    outputs["embedding"].retain_grad()
    model.losses(outputs, batch)["adversary"].backward()
    torch.testing.assert_close(outputs["embedding"].grad, -hidden.grad)


def test_the_ramp_follows_the_epochs():
    model = network()
    assert model.strength == 0
    model.begin_epoch(0.5)
    assert model.strength == pytest.approx(0.98661, abs=1e-5)


def test_each_tasks_private_features_are_held_against_the_shared_ones_of_its_own_draws(batch):
    model = network(dropout=0.0)
    outputs = model(batch)
    outputs["auxiliary_states"] = outputs["shared"].clone()  # parallel: costs something where that task drew
    only_main = batch | {"task": torch.zeros(4, dtype=torch.long)}
    swapped = outputs | {"main": outputs["shared"].clone()}
    assert model.losses(outputs, batch)["orthogonality"] > model.losses(outputs, only_main)["orthogonality"]
    assert model.losses(swapped, batch)["orthogonality"] > model.losses(outputs, batch)["orthogonality"]


def test_what_the_discriminator_tells_is_the_task_or_the_label(batch):
    assert network(discriminate="task").discriminator[-1].out_features == 2
    model = network(discriminate="label", auxiliary="gender")
    labels = {"gender": torch.tensor([0, 1, MISSING, 1]), "task": torch.full((4,), MISSING)}
    outputs = model(batch)
    told = model.losses(outputs, batch | labels)["adversary"]
    rows = torch.tensor([0, 1, 3])
    expected = torch.nn.functional.cross_entropy(outputs["discriminator"][rows], labels["gender"][rows])
    torch.testing.assert_close(told, expected)


def test_labels_do_not_reach_the_outputs(batch):
    model = network(mask=True).eval()
    without = model({name: batch[name] for name in ("frames", "length")})
    for name, value in model(batch).items():
        assert torch.equal(value, without[name]), name


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"hidden": 0}, "hidden=0: must be 1 or more"),
        ({"auxiliary": "age"}, "auxiliary=age: choose one of noise, gender"),
        ({"discriminate": "corpus"}, "discriminate=corpus: choose one of task, label"),
        ({"mask": True}, "mask=true needs auxiliary=noise"),
        ({"adversary_weight": -1.0}, "adversary_weight=-1.0: must be 0 or more"),
        ({"dropout": 1.0}, "dropout=1.0"),
        ({"critic": (0,)}, "critic: sizes must be 1 or more"),
        ({"critic_rate": 0.0}, "critic_rate=0.0: must be above 0"),
        ({"critic_rate": float("nan")}, "critic_rate=nan: must be above 0"),
        ({"correlation_weight": -1.0}, "correlation_weight=-1.0: must be 0 or more"),
    ],
)
def test_a_wrong_setting_is_said(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        AspMtlConfig(**options)


def test_the_correlations_share_rises_with_the_reversal_and_is_off_by_default(batch):
    assert "correlation" not in network().tasks
    model = network(correlation_weight=3.0).eval()
    assert model.config.weights["correlation"] == 3.0
    outputs = model(batch)
    assert model.losses(outputs, batch)["correlation"] == 0
    model.begin_epoch(1.0)
    late = model.losses(outputs, batch)["correlation"]
    torch.testing.assert_close(late, model.strength * correlation_ratio(outputs["embedding"], batch["noise"]))
    assert late > 0


def test_the_discriminator_alone_learns_at_its_own_rate(batch):
    model = network(critic_rate=10.0)
    optimiser = make_optimiser(model, LoopConfig(learning_rate=1e-3))
    rates = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    assert len(rates) == len(list(model.parameters()))
    for name, parameter in model.named_parameters():
        assert rates[id(parameter)] == pytest.approx(1e-2 if name.startswith("discriminator.") else 1e-3), name
    assert len(make_optimiser(network(), LoopConfig()).param_groups) == 1


def test_statistics_of_the_input_reach_the_emotion_alone(batch):
    """A shift that the stacks are kept from hearing: only the emotion's head has another way to it."""
    model = network(input_statistics=True).eval()
    for stack in (model.shared, *model.private.values()):
        for lstm in stack.lstms:
            torch.nn.init.zeros_(lstm.weight_ih_l0)
    before, after = model(batch), model(batch | {"frames": batch["frames"] * 2.0})
    assert not torch.allclose(before["emotion"], after["emotion"])
    for name in ("auxiliary", "discriminator", "embedding"):
        assert torch.equal(before[name], after[name]), name
