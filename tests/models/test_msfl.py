"""MSFL: one weight per feature, heads for emotion and language, labels stay outside."""

from __future__ import annotations

import math

import pytest
import torch

from sercourse.errors import UserError
from sercourse.losses.masked import MISSING
from sercourse.models.msfl import Msfl, MsflConfig

CLASSES = {"emotion": ["anger", "neutral", "sadness"], "language": ["de", "en"]}


def network(inputs: int = 11, **options) -> Msfl:
    torch.manual_seed(0)
    small = {"hidden": 6, "attention": 5, "private": (4,), "dropout": 0.0}
    return Msfl(inputs, CLASSES, MsflConfig(**{**small, **options}))


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        "functionals": torch.randn(6, 11, generator=generator),
        "emotion": torch.tensor([0, 1, 2, 0, MISSING, 1]),
        "language": torch.tensor([0, 1, 0, 1, 0, MISSING]),
    }


@pytest.mark.parametrize(
    "options", [{}, {"per_step": 4}, {"tokens": 3}, {"core": "mingru", "tokens": 3, "per_step": 2}, {"form": "mimo"}]
)
def test_every_feature_has_a_weight_and_they_sum_to_one(batch, options):
    outputs = network(**options)(batch)
    assert outputs["attention"].shape == (6, 11)
    assert torch.allclose(outputs["attention"].sum(1), torch.ones(6), atol=1e-6)
    assert (outputs["attention"] > 0).all()
    if options.get("per_step") == 4:
        first = outputs["attention"][:, :4]
        assert torch.allclose(first, first[:, :1].expand_as(first)), "features of one step share its weight"


@pytest.mark.parametrize("form", ["simo", "mimo"])
def test_labels_do_not_reach_the_judgement(batch, form):
    model = network(form=form).eval()
    told, untold = model(batch), model({"functionals": batch["functionals"]})
    turned = model(batch | {"emotion": batch["emotion"].flip(0), "language": batch["language"].flip(0)})
    for name in told:
        assert torch.equal(told[name], untold[name])
        assert torch.equal(told[name], turned[name])


def test_an_utterance_alone_is_judged_as_in_a_batch(batch):
    model = network(tokens=4, dropout=0.5).eval()
    together = model(batch)["emotion"]
    alone = torch.cat([model({"functionals": row[None]})["emotion"] for row in batch["functionals"]])
    assert torch.allclose(together, alone, atol=1e-6)


def test_a_head_per_language_learns_from_its_language_alone(batch):
    model = network(form="mimo")
    losses = model.losses(model(batch), batch)
    assert list(losses) == ["emotion_de", "emotion_en", "language"] == list(model.tasks) == list(model.weights)
    losses["emotion_de"].backward()
    assert all(p.grad is not None and p.grad.any() for p in model.heads["emotion_de"][-1].parameters())
    assert all(p.grad is None for p in model.heads["emotion_en"].parameters())
    logits = model(batch)
    own = torch.tensor([0, 2])  # in German, with an emotion
    by_hand = torch.nn.functional.cross_entropy(logits["emotion_de"][own], batch["emotion"][own])
    assert losses["emotion_de"].item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_heads_are_mixed_by_the_posterior_of_the_language(batch):
    model = network(form="mimo").eval()
    outputs = model(batch)
    language = outputs["language"].softmax(1)
    heads = [outputs[f"emotion_{name}"].softmax(1) for name in CLASSES["language"]]
    by_hand = language[:, :1] * heads[0] + language[:, 1:] * heads[1]
    assert torch.allclose(model.logits(outputs)["emotion"].softmax(1), by_hand, atol=1e-6)
    assert set(model.logits(outputs)) == {"emotion", "language"}


def test_the_adversary_turns_the_gradient_before_its_head_alone(batch):
    plain, turned = network(), network(adversary=2.0)
    turned.begin_epoch(0.0)
    assert turned.strength == 0
    turned.begin_epoch(1.0)
    for model in (plain, turned):
        model.losses(model(batch), batch)["language"].backward()
    strength = turned.strength
    assert strength == pytest.approx(2.0, rel=1e-3)
    shared = [(a.grad, b.grad) for a, b in zip(plain.attention.parameters(), turned.attention.parameters())]
    assert all(torch.allclose(b, -strength * a, rtol=1e-4, atol=1e-7) for a, b in shared)
    heads = zip(plain.heads["language"].parameters(), turned.heads["language"].parameters(), strict=True)
    assert all(torch.allclose(a.grad, b.grad) for a, b in heads)


def test_without_the_language_there_is_one_task(batch):
    model = network(language_weight=0.0)
    assert model.tasks == ("emotion",) == tuple(model.classes)
    assert set(model(batch)) == {"emotion", "embedding", "attention"}


def test_a_network_that_knows_nothing_loses_the_logarithm_of_the_classes():
    model = network(form="mimo")
    expected = {"emotion_de": math.log(3), "emotion_en": math.log(3), "language": math.log(2)}
    assert model.initial_losses() == pytest.approx(expected)
    assert model.shared_layer() is model.attention.hidden.weight


def test_features_of_another_set_are_said(batch):
    with pytest.raises(UserError, match="11 values per utterance, and this network was made for 88"):
        network(inputs=88)(batch)


def test_the_order_of_the_features_matters_to_the_paper_form():
    """It is a sequence: an LSTM that reads it backwards judges otherwise."""
    model = network().eval()
    x = torch.randn(4, 11)
    assert not torch.allclose(model({"functionals": x})["emotion"], model({"functionals": x.flip(1)})["emotion"])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"core": "rnn"}, "core=rnn: choose one of lstm, mingru"),
        ({"form": "miso"}, "form=miso: choose one of simo, mimo"),
        ({"hidden": 0}, "hidden=0: must be 1 or more"),
        ({"per_step": 0}, "per_step=0: must be 1 or more"),
        ({"dropout": 1.0}, "dropout=1.0: must be at least 0 and below 1"),
        ({"adversary": -1.0}, "adversary=-1.0: must be 0 or more"),
        ({"language_weight": 0.0, "form": "mimo"}, "language_weight=0: form=mimo and adversary need the language"),
        ({"language_weight": 0.0, "adversary": 1.0}, "language_weight=0: form=mimo and adversary need the language"),
    ],
)
def test_a_wrong_setting_is_said(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        MsflConfig(**options)
