"""The one loop: accumulation, clipping, balancers, crops averaged, and how an epoch is chosen."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lightning.fabric import Fabric, wrappers
from torch import Tensor, nn

from sercourse.losses.balancing import Balancer, FixedWeights, GradNorm
from sercourse.models.multitask import Batch, MultiTaskModel, Outputs
from sercourse.training.batches import BucketBatches, EvaluationSet, Examples, TrainingSet, loader
from sercourse.training.devices import make_fabric
from sercourse.training.loop import evaluate, train_one_epoch
from sercourse.training.settings import LoopConfig
from sercourse.training.state import Progress

IDS = [f"c/{number}" for number in range(12)]


class Toy(MultiTaskModel):
    """A shared layer, a head that tells the class and one that restores the input."""

    tasks = ("restored", "emotion")

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.classes = {"emotion": ["a", "b", "c"]}
        self.shared, self.emotion, self.restore = nn.Linear(5, 4), nn.Linear(4, 3), nn.Linear(4, 5)

    def forward(self, batch: Batch) -> Outputs:
        hidden = self.shared(batch["x"].mean(1)).tanh()
        return {"logits": self.emotion(hidden), "restored": self.restore(hidden)}

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        return {
            "restored": (outputs["restored"] - batch["x"].mean(1)).abs().mean(),
            "emotion": nn.functional.cross_entropy(outputs["logits"], batch["emotion"], ignore_index=-1),
        }

    def logits(self, outputs: Outputs) -> dict[str, Tensor]:
        return {"emotion": outputs["logits"]}

    def shared_layer(self) -> nn.Parameter:
        return self.shared.weight


class ToyExamples(Examples):
    """Three frames of noise; at test utterance n has 1 + n % 3 items, as crops are."""

    padded = ("x",)
    labels = ("emotion",)

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.x = {i: rng.normal(size=(3, 3, 5)).astype(np.float32) for i in IDS}

    def length(self, utterance_id: str) -> int:
        return 3

    def training_item(self, utterance_id: str, rng: np.random.Generator) -> dict:
        return {"x": self.x[utterance_id][0], "emotion": IDS.index(utterance_id) % 3}

    def evaluation_items(self, utterance_id: str) -> list[dict]:
        number = IDS.index(utterance_id)
        return [{"x": self.x[utterance_id][k], "emotion": number % 3} for k in range(1 + number % 3)]


class Learnt(Balancer):
    """Weights that are learnt with an optimiser of their own, from the shared layer's gradients: GradNorm's seat."""

    def __init__(self) -> None:
        super().__init__()
        self.raw = nn.Parameter(torch.zeros(2))
        self.register_buffer("steps", torch.zeros(()))
        self.optimiser = torch.optim.SGD([self.raw], lr=0.1)
        self.shared_seen: list[torch.Size] = []
        self.own: Tensor | None = None

    def forward(self, losses: dict[str, Tensor], shared: nn.Parameter | None) -> Tensor:
        weights = self.raw.softmax(0) * len(losses)
        self.shared_seen.append(shared.shape)
        norms = torch.stack([
            torch.autograd.grad(weight * loss, shared, create_graph=True)[0].norm()
            for weight, loss in zip(weights, losses.values(), strict=True)
        ])  # fmt: skip
        self.own = (norms - norms.mean().detach()).abs().sum()
        (self.raw.grad,) = torch.autograd.grad(self.own, self.raw, retain_graph=True)
        return sum(weight.detach() * loss for weight, loss in zip(weights, losses.values(), strict=True))

    def weights(self) -> dict[str, float]:
        return dict(zip(("restored", "emotion"), (self.raw.softmax(0) * 2).tolist(), strict=True))

    def after_step(self) -> None:
        self.optimiser.step()
        self.steps += 1


def trained(batch_size: int, balancer: Balancer | None = None, *, optimiser=None, plan=None, loop=None, **options):
    """A toy network after one epoch on 12 utterances: the network, the losses, the calls after batches."""
    fabric = make_fabric(loop or LoopConfig(accelerator="cpu"))
    network, calls = Toy(), []
    model, steps = fabric.setup(network, (optimiser or (lambda p: torch.optim.SGD(p, lr=0.5)))(network.parameters()))
    plan = plan or BucketBatches([3] * len(IDS), batch_size, np.random.default_rng(1))
    batches = fabric.setup_dataloaders(loader(TrainingSet(ToyExamples(), IDS, 1, 0, 0), plan, ("x",)))
    balancer = balancer or FixedWeights({"restored": 1.0, "emotion": 2.0})
    losses = train_one_epoch(fabric, model, balancer, steps, batches, on_batch=lambda: calls.append(1), **options)
    return network, losses, calls


def distance(first: nn.Module, second: nn.Module) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(first.state_dict().values(), second.state_dict().values()))


def halves(plan: BucketBatches) -> BucketBatches:
    """The same items in batches of half the size, in the same order."""
    plan.batches = [part for batch in plan.batches for part in (batch[: len(batch) // 2], batch[len(batch) // 2 :])]
    return plan


def whole() -> BucketBatches:
    return BucketBatches([3] * len(IDS), 4, np.random.default_rng(1))


def test_two_half_batches_accumulated_equal_a_whole_one():
    """Within 1e-6: the same sum, taken in another order."""
    one, losses, _ = trained(4)
    two, halved, calls = trained(2, plan=halves(whole()), accumulate=2)
    assert distance(one, two) < 1e-6
    assert len(calls) == 6
    assert halved == pytest.approx(losses, abs=1e-6)
    assert distance(one, trained(2, plan=halves(whole()))[0]) > 1e-3, "and without accumulating they do not"


def test_the_last_batches_step_though_they_are_fewer():
    class Counted(torch.optim.SGD):
        taken = 0

        def step(self, *arguments, **options):
            Counted.taken += 1
            return super().step(*arguments, **options)

    trained(2, optimiser=lambda p: Counted(p, lr=0.1), accumulate=4)  # six batches: after the fourth and the sixth
    assert Counted.taken == 2


def test_a_schedule_steps_with_the_optimiser():
    rates = []

    def optimiser(parameters):
        optimiser.made = torch.optim.SGD(parameters, lr=0.1)
        optimiser.schedule = torch.optim.lr_scheduler.LambdaLR(optimiser.made, lambda step: rates.append(step) or 1.0)
        return optimiser.made

    class Late:
        def step(self):
            optimiser.schedule.step()

    trained(2, optimiser=optimiser, schedule=Late(), accumulate=2)
    assert rates == [0, 1, 2, 3]


def test_clipping_bounds_the_step():
    """SGD at rate 1, one batch: the step IS the gradient."""
    start, free, clipped = (
        Toy(),
        *(trained(12, optimiser=lambda p: torch.optim.SGD(p, lr=1.0), clip=clip)[0] for clip in (0.0, 0.01)),
    )

    def norm(after: nn.Module) -> float:
        parts = [(a - b).flatten() for a, b in zip(after.parameters(), start.parameters(), strict=True)]
        return torch.cat(parts).norm().item()

    assert norm(free) > 0.1
    assert norm(clipped) == pytest.approx(0.01, rel=1e-3)


def test_mean_losses_weigh_batches_by_their_size():
    class Fixed(torch.optim.SGD):
        def step(self, *arguments, **options):
            return None

    _, many, _ = trained(5, optimiser=lambda p: Fixed(p, lr=0.1))  # batches of 5, 5 and 2, network unchanged
    _, one, _ = trained(12, optimiser=lambda p: Fixed(p, lr=0.1))
    assert many == pytest.approx(one, abs=1e-6)


# Balancers


def test_fixed_weights_are_a_weighted_sum():
    balancer = FixedWeights({"emotion": 2.0, "restored": 0.5})
    losses = {"restored": torch.tensor(4.0), "emotion": torch.tensor(3.0)}
    assert balancer(losses).item() == 8.0
    assert balancer.weights() == {"emotion": 2.0, "restored": 0.5}
    assert not balancer.state_dict()


def test_a_weight_of_0_takes_a_task_out():
    network, _, _ = trained(4, FixedWeights({"restored": 0.0, "emotion": 1.0}))
    assert torch.equal(network.restore.weight, Toy().restore.weight)
    assert not torch.equal(network.emotion.weight, Toy().emotion.weight)


def test_a_balancer_may_learn_its_weights():
    """It sees the losses and the shared layer in each batch, and its turn comes after each step."""
    balancer = Learnt()
    trained(2, balancer, accumulate=2)
    assert balancer.shared_seen == [torch.Size([4, 5])] * 6
    assert balancer.steps == 3
    weights = balancer.weights()
    assert weights["restored"] != pytest.approx(1.0, abs=1e-3)
    assert sum(weights.values()) == pytest.approx(2.0)
    back = Learnt()
    back.load_state_dict(balancer.state_dict())
    assert back.weights() == weights
    assert back.steps == 3


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_gradnorm_works_in_every_precision(precision):
    """Fabric forbids gradients of one's own in mixed precision, and goes on forbidding them afterwards."""
    balancer = GradNorm({"restored": 1.0, "emotion": 1.0}, initial={}, rate=0.5)
    trained(4, balancer, loop=LoopConfig(accelerator="cpu", precision=precision))
    assert balancer.weights()["restored"] != pytest.approx(1.0, abs=1e-3)
    assert not wrappers._in_fabric_backward


def test_learning_the_weights_costs_the_network_no_gradient():
    """What the balancer differentiates for itself must not end up in the network's own gradients."""
    balancer = Learnt()
    balancer.optimiser = torch.optim.SGD([balancer.raw], lr=0.0)  # both weights stay 1
    learnt, fixed = trained(4, balancer)[0], trained(4, FixedWeights({"restored": 1.0, "emotion": 1.0}))[0]
    assert distance(learnt, fixed) < 1e-6


# Judging


@pytest.mark.parametrize("batch_size", [1, 5, 100])
def test_crops_are_averaged_per_utterance(batch_size):
    fabric = Fabric(accelerator="cpu", devices=1)
    network, examples = Toy(), ToyExamples()
    items = EvaluationSet(examples, IDS, labelled=True)
    batches = loader(items, BucketBatches([3] * len(items), batch_size, None), ("x",))
    judged = evaluate(fabric, fabric.setup(network), batches, len(IDS), labelled=True)
    with torch.no_grad():
        logits = [network({"x": torch.from_numpy(examples.x[i][: 1 + n % 3])})["logits"] for n, i in enumerate(IDS)]
    expected = np.stack([one.softmax(1).mean(0).numpy() for one in logits])
    np.testing.assert_allclose(judged.probabilities["emotion"], expected, atol=1e-6)
    truth = torch.tensor([n % 3 for n in range(len(IDS)) for _ in range(1 + n % 3)])
    loss = nn.functional.cross_entropy(torch.cat(logits), truth)
    assert judged.losses["emotion"] == pytest.approx(loss.item(), abs=1e-6)
    assert not network.training


def test_without_labels_there_are_no_losses():
    fabric = Fabric(accelerator="cpu", devices=1)
    items = EvaluationSet(ToyExamples(), IDS, labelled=False)
    batches = loader(items, BucketBatches([3] * len(items), 4, None), ("x",))
    judged = evaluate(fabric, fabric.setup(Toy()), batches, len(IDS) + 1, labelled=False)
    assert judged.losses == {}
    assert np.isnan(judged.probabilities["emotion"][-1]).all(), "nobody judged the thirteenth"
    assert judged.probabilities["emotion"][:-1].sum(1) == pytest.approx(1)


# Choosing an epoch


def chosen(rows: list[dict], **options) -> tuple[Progress, list[int]]:
    """Progress over epochs whose network is a single number, the epoch's; and the epochs after which it stops."""
    config = LoopConfig(epochs=len(rows), **options)
    progress, network, stops = Progress(), nn.Linear(1, 1, bias=False), []
    for row in rows:
        progress.epoch += 1
        nn.init.constant_(network.weight, progress.epoch)
        progress.choose(network, row, config)
        if progress.stopped(config.patience):
            stops.append(progress.epoch)
    return progress, stops


SEQUENCE = [
    {"validation_ua": ua, "validation_wa": wa, "validation_emotion": loss}
    for ua, wa, loss in ((40, 50, 1.0), (70, 45, 0.9), (60, 80, 0.5), (70, 80, 0.7), (10, 20, 0.6))
]


@pytest.mark.parametrize(("select", "epoch"), [("ua", 2), ("wa", 3), ("loss", 3), ("last", 5)])
def test_the_epoch_is_chosen_as_asked_and_the_first_of_equals(select, epoch):
    progress, _ = chosen(SEQUENCE, select=select)
    assert progress.best_epoch == epoch
    if select == "last":
        assert not progress.kept, "the network is as it is"
    else:
        assert progress.kept["weight"].item() == epoch, "weights of that epoch, not a view of the present ones"


def test_patience_counts_from_the_best_epoch():
    assert chosen(SEQUENCE, select="ua", patience=2)[1] == [4, 5]
    assert chosen(SEQUENCE, select="ua", patience=4)[1] == []
    assert chosen(SEQUENCE, select="ua")[1] == []


@pytest.mark.parametrize(("average", "mean"), [(1, 5.0), (2, 4.5), (5, 3.0)])
def test_the_last_weights_are_summed_for_their_mean(average, mean):
    progress, _ = chosen([{}] * 5, select="last", average=average)
    assert progress.kept["weight"].item() / average == mean
    assert progress.kept["weight"].dtype == torch.float64
