"""The adversarial autoencoder: chance in training only, a gradient that is turned, a latent like the prior."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from sercourse.losses.balancing import FixedWeights
from sercourse.losses.masked import MISSING
from sercourse.models.adversarial_autoencoder import AdversarialAutoencoder, AdversarialAutoencoderConfig

CLASSES = {"emotion": ["anger", "fear", "neutral"], "noise": ["none", "white"], "gender": ["female", "male"]}


def network(**options) -> AdversarialAutoencoder:
    torch.manual_seed(0)
    sizes = {"hidden": (6, 5), "latent": 3, "head": (4,), "critic": (4,)}
    return AdversarialAutoencoder(7, CLASSES, AdversarialAutoencoderConfig(**sizes | options))


def test_the_prior_is_drawn_in_training_alone_and_by_torchs_generator(batch):
    model = network(dropout=0.0)
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(network_like(model)(batch)["prior"])
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    model.eval()
    state = torch.get_rng_state()
    first, second = model(batch), model(batch)
    assert torch.equal(torch.get_rng_state(), state)
    assert "prior" not in first
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def network_like(model: AdversarialAutoencoder) -> AdversarialAutoencoder:
    """The same weights and the same estimates of the spectral norms, which a step in training moves."""
    state = torch.get_rng_state()
    twin = AdversarialAutoencoder(7, CLASSES, model.config)
    twin.load_state_dict(model.state_dict())
    torch.set_rng_state(state)
    return twin.train()


def test_every_task_has_a_loss_and_the_balancer_a_weight_for_it(batch):
    for model in (network(), network(auxiliary="noise", critic=(), head=()), network().eval()):
        labelled = batch | {"noise": torch.tensor([0, 1, 1, 0])}
        losses = model.losses(model(labelled), labelled)
        assert set(losses) == set(model.tasks) == set(model.config.weights)
        assert all(torch.isfinite(loss) and loss > 0 for loss in losses.values())
        assert torch.isfinite(FixedWeights(model.config.weights)(losses))


def test_what_needs_no_label_is_learnt_without_one(batch):
    model = network(dropout=0.0)
    nobody = batch | {task: torch.full((4,), MISSING) for task in model.classes}
    losses = model.losses(model(nobody), nobody)
    assert losses["emotion"] == losses["gender"] == 0
    FixedWeights(model.config.weights)(losses).backward()
    assert all(p.grad.any() for p in model.encoder.parameters())
    assert not any(p.grad.any() for p in model.heads.parameters())


def test_the_adversary_turns_the_encoders_gradient_and_keeps_its_own(batch):
    model = network(dropout=0.0).eval()  # without draws, and the spectral norms stand still
    found = {}
    for strength in (0.0, 0.5, 1.0):
        model.strength = strength
        model.zero_grad()
        model.losses(model(batch), batch)["adversary"].backward()
        found[strength] = model.discriminator[-1].bias.grad.clone(), model.shared_layer().grad.clone()
    torch.testing.assert_close(found[0.5][0], found[1.0][0])
    assert found[1.0][0].abs().max() > 1e-4
    assert not found[0.0][1].any()
    torch.testing.assert_close(2 * found[0.5][1], found[1.0][1])
    latent = model(batch)["embedding"].detach().requires_grad_()
    cross_entropy(model.discriminator(latent), torch.zeros(4, dtype=torch.long)).backward()
    outputs = model(batch)
    outputs["embedding"].retain_grad()
    model.losses(outputs, batch)["adversary"].backward()
    torch.testing.assert_close(outputs["embedding"].grad, -latent.grad)


def test_the_discriminator_tells_latent_from_prior(batch):
    """Class 0 is the latent, class 1 the prior; both count the same."""
    model = network(dropout=0.0)
    outputs = model(batch)
    parts = [cross_entropy(outputs[name], torch.full((4,), k)) for k, name in enumerate(("discriminator", "prior"))]
    torch.testing.assert_close(model.losses(outputs, batch)["adversary"], sum(parts) / 2)


def test_the_ramp_follows_the_epochs_and_the_discriminator_has_its_rate():
    model = network(critic_rate=4.0)
    assert model.strength == 0
    model.begin_epoch(0.5)
    assert model.strength == pytest.approx(0.98661, abs=1e-5)
    assert model.rates() == {"discriminator": 4.0}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"auxiliary": "age"}, "auxiliary=age: choose one of noise, gender"),
        ({"hidden": ()}, "hidden: needs one or more sizes of 1 or more"),
        ({"latent": 0}, "latent=0: must be 1 or more"),
        ({"head": (0,)}, "head: sizes must be 1 or more"),
        ({"critic": (0,)}, "critic: sizes must be 1 or more"),
        ({"critic_rate": 0.0}, "critic_rate=0.0: must be above 0"),
        ({"dropout": 1.0}, "dropout=1.0: must be at least 0 and below 1"),
        ({"reconstruction_weight": -1.0}, "reconstruction_weight=-1.0: must be 0 or more"),
        ({"adversary_weight": float("nan")}, "adversary_weight=nan: must be 0 or more"),
    ],
)
def test_a_wrong_setting_is_said(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        AdversarialAutoencoderConfig(**options)


def one_optimiser(model: AdversarialAutoencoder, rate: float) -> torch.optim.Optimizer:
    """Adam over all, the discriminator as much faster as it asks to be."""
    critic = list(model.discriminator.parameters())
    rest = [p for name, p in model.named_parameters() if not name.startswith("discriminator")]
    faster = {"params": critic, "lr": rate * model.rates()["discriminator"]}
    return torch.optim.Adam([{"params": rest}, faster], lr=rate, betas=(0.5, 0.999))


def trained(adversary_weight: float, seed: int) -> tuple[Tensor, float]:
    """The latent of skewed vectors, ``(512, 2)``, and what is missing of them when they are restored."""
    torch.manual_seed(seed)
    x = torch.empty(512, 2).exponential_() @ torch.randn(2, 8)
    x = (x - x.mean(0)) / x.std(0)
    config = AdversarialAutoencoderConfig(
        hidden=(32,), latent=2, head=(), critic=(32,), dropout=0.0, adversary_weight=adversary_weight
    )
    model, balancer = AdversarialAutoencoder(8, CLASSES, config), FixedWeights(config.weights)
    optimiser = one_optimiser(model, 3e-3)
    for epoch in range(25):
        model.begin_epoch(epoch / 25)
        for rows in torch.randperm(512).split(64):
            unlabelled = {task: torch.full((len(rows),), MISSING) for task in model.classes}
            drawn = {"functionals": x[rows], **unlabelled}
            optimiser.zero_grad()
            balancer(model.losses(model(drawn), drawn)).backward()
            optimiser.step()
    with torch.inference_mode():
        outputs = model.eval()({"functionals": x})
    return outputs["embedding"], float((outputs["restored"] - x).abs().mean())


def distance(latent: Tensor) -> float:
    """How far mean, spread and skew are from those of the standard normal, 0, 1 and 0."""
    mean, spread = latent.mean(0), latent.std(0)
    skew = ((latent - mean) / spread).pow(3).mean(0)
    return float((mean.abs() + (spread - 1).abs() + skew.abs()).mean())


def test_the_adversary_moves_the_latent_towards_the_prior(threads_of_one):
    without, restored_without = zip(*(trained(0.0, seed) for seed in range(2)), strict=True)
    with_it, restored = zip(*(trained(3.0, seed) for seed in range(2)), strict=True)
    for plain, pressed in zip(without, with_it, strict=True):
        assert distance(pressed) < 0.6 * distance(plain)
        assert pressed.mean(0).abs().max() < 0.25
        assert (pressed.std(0) - 1).abs().max() < 0.25
    assert max(restored_without) < 0.1
    assert max(restored) < 0.1, "what is pressed into shape still tells the utterance"


def toy(rows: int, seed: int) -> dict[str, Tensor]:
    """Forty values that an emotion moves a little, all of them alike, in noise of their own: the one direction in which
    they vary together is the emotion's, and shows without any label."""
    generator = torch.Generator().manual_seed(seed)
    emotion = torch.randint(2, (rows,), generator=generator)
    x = 0.4 * (2 * emotion[:, None] - 1) + 1.5 * torch.randn(rows, 40, generator=generator)
    return {"functionals": x, "emotion": emotion, "gender": torch.full((rows,), MISSING)}


def accuracy_after(seed: int, **weights: float) -> float:
    """Of two emotions, 0 to 1, learnt from 6 labels and 394 utterances without one."""
    batch, judged = toy(400, seed), toy(1000, 99)
    batch["emotion"][6:] = MISSING
    torch.manual_seed(seed)
    config = AdversarialAutoencoderConfig(hidden=(8,), latent=1, head=(), critic=(8,), dropout=0.0, **weights)
    classes = {"emotion": ["a", "b"], "gender": CLASSES["gender"]}
    model, balancer = AdversarialAutoencoder(40, classes, config), FixedWeights(config.weights)
    optimiser = one_optimiser(model, 1e-2)
    for epoch in range(200):
        model.begin_epoch(epoch / 200)
        optimiser.zero_grad()
        balancer(model.losses(model(batch), batch)).backward()
        optimiser.step()
    with torch.inference_mode():
        return float((model.eval()(judged)["emotion"].argmax(1) == judged["emotion"]).float().mean())


def test_utterances_without_a_label_help_where_labels_are_few(threads_of_one):
    """What the network is for: the same labels, with restoring and adversary at their defaults, and without both."""
    heads_only = {"reconstruction_weight": 0.0, "adversary_weight": 0.0}
    alone, whole = (
        torch.tensor([accuracy_after(seed, **weights) for seed in range(3)]) for weights in (heads_only, {})
    )
    assert (whole > alone).all(), "in every drawing"
    assert whole.mean() > alone.mean() + 0.05
    assert alone.mean() > 0.6, "chance is .5: it learns something without them, too"


@pytest.fixture
def threads_of_one():
    """Small products are slower on many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
