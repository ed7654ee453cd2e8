"""Convolutions with self-attention: padding is seen by no layer, missing labels teach nothing, heads find what tells.

That an utterance stands alone and that labels stay outside is tested with the other peers (``test_peers.py``).
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sercourse.losses.balancing import FixedWeights
from sercourse.losses.masked import MISSING
from sercourse.models.attention_cnn import AttentionCnn, AttentionCnnConfig, Convolutions, SelfAttention

CLASSES = {"emotion": ["anger", "fear", "neutral"], "gender": ["female", "male"]}
BANDS = 11
LENGTHS = (37, 22, 9, 1)
SMALL = {"first": 2, "channels": (3, 4), "recurrent": 4, "attention": 3, "heads": 2, "hidden": 5}


def spectrograms() -> dict[str, Tensor]:
    """Four utterances in dB, padded with 0 dB, which is far above what they hold."""
    frames = nn.utils.rnn.pad_sequence([8 * torch.randn(n, BANDS) - 50 for n in LENGTHS], batch_first=True)
    return {"frames": frames, "length": torch.tensor(LENGTHS)}


@pytest.fixture
def batch(batch) -> dict[str, Tensor]:
    """The utterances of the other peers as spectrograms."""
    return batch | spectrograms()


def network(**options) -> AttentionCnn:
    """Scaled to its input, with running statistics that are not those of the start."""
    torch.manual_seed(0)
    model = AttentionCnn(BANDS, CLASSES, AttentionCnnConfig(**SMALL | options))
    model.scale.fit(torch.full((BANDS,), -50.0), torch.full((BANDS,), 8.0))
    for _ in range(5):
        model(spectrograms())
    return model


def test_every_task_has_a_loss_and_the_balancer_a_weight_for_it(batch):
    for model in (network(), network(channels=(), pooled=1), network(pooled=0), network(auxiliary_weight=0.0)):
        losses = model.losses(model(batch), batch)
        assert set(losses) == set(model.tasks) == set(model.config.weights) == set(model.classes)
        assert all(torch.isfinite(loss) and loss > 0 for loss in losses.values())
        assert torch.isfinite(FixedWeights(model.config.weights)(losses))


def test_an_utterance_gives_the_same_alone_and_in_a_batch(batch):
    for model in (network().eval(), network(pooled=0).eval(), network(pooled=1, long=(7, 3), tall=(1, 4)).eval()):
        together = model(batch)
        for row, length in enumerate(LENGTHS):
            one = model({"frames": batch["frames"][row : row + 1, :length], "length": batch["length"][row : row + 1]})
            for task in model.tasks:
                torch.testing.assert_close(together[task][row], one[task][0], atol=1e-5, rtol=0)
            frames = one["attention"].shape[2]
            torch.testing.assert_close(together["attention"][row, :, :frames], one["attention"][0], atol=1e-5, rtol=0)
            assert not together["attention"][row, :, frames:].any(), "nobody attends to padding"


def test_in_training_no_statistic_counts_padding(batch):
    """Twenty more frames of padding, whatever they hold: the same losses, running statistics and gradients."""
    longer = batch | {"frames": nn.functional.pad(batch["frames"], (0, 0, 0, 20), value=123.0)}
    models = [network(dropout=0.0).train() for _ in range(2)]
    for model, heard in zip(models, (batch, longer), strict=True):
        FixedWeights(model.config.weights)(model.losses(model(heard), heard)).backward()
    for first, second in zip(*(model.state_dict().values() for model in models), strict=True):
        torch.testing.assert_close(first, second, atol=1e-5, rtol=0)
    for first, second in zip(*(model.parameters() for model in models), strict=True):
        torch.testing.assert_close(first.grad, second.grad, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("pooled", [True, False])
def test_first_layers_kernels_look_along_time_and_along_frequency(pooled):
    layer = Convolutions(1, 1, ((5, 1), (1, 5)), pooled=pooled).eval()
    for kernel in layer.kernels:
        nn.init.constant_(kernel.weight, 1.0)
        nn.init.zeros_(kernel.bias)
    x = torch.zeros(1, 1, 13, 12)
    x[..., 6, 6] = 1.0
    y, lengths = layer(x, torch.tensor([13]))
    long, tall = y[0] > 0.5
    assert (long.any(1).sum(), long.any(0).sum()) == ((3, 1) if pooled else (5, 1))
    assert (tall.any(1).sum(), tall.any(0).sum()) == ((1, 3) if pooled else (1, 5))
    assert y.shape == ((1, 2, 7, 6) if pooled else (1, 2, 13, 12))
    assert lengths.tolist() == [y.shape[2]]


def test_heads_weigh_frames_each_in_its_way(batch):
    torch.manual_seed(0)
    pool, x = SelfAttention(6, 4, 3), torch.randn(2, 5, 6)
    pooled, weights = pool(x, torch.tensor([[1.0] * 5, [1.0] * 2 + [0.0] * 3]))
    torch.testing.assert_close(weights.sum(2), torch.ones(2, 3))
    assert not torch.allclose(weights[:, 0], weights[:, 1], atol=1e-3)
    for head in range(3):
        torch.testing.assert_close(pooled[:, 6 * head : 6 * (head + 1)], (weights[:, head, :, None] * x).sum(1))
    order = torch.tensor([3, 1, 4, 0, 2])
    torch.testing.assert_close(pool(x[:, order], None)[0], pool(x, None)[0], msg="frames are weighed one by one")


def test_a_task_teaches_what_is_shared_and_its_own_head_alone(batch):
    model = network(dropout=0.0)
    model.losses(model(batch), batch)["emotion"].backward()
    own = set(model.heads["gender"].parameters())
    assert all((p.grad is None) == (p in own) for p in model.parameters())
    assert model.shared_layer().shape == (5, 2 * 2 * 4)


def test_a_missing_label_is_skipped(batch):
    model = network(dropout=0.0)
    outputs = model(batch)
    known = batch["emotion"] != MISSING
    expected = nn.functional.cross_entropy(outputs["emotion"][known], batch["emotion"][known])
    torch.testing.assert_close(model.losses(outputs, batch)["emotion"], expected)
    nobody = batch | {task: torch.full((4,), MISSING) for task in model.tasks}
    losses = model.losses(outputs, nobody)
    FixedWeights(model.config.weights)(losses).backward()
    assert not any(losses.values())
    assert not any(p.grad.any() for p in model.parameters())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"long": (0, 2)}, "long: needs one or more sizes of 1 or more"),
        ({"tall": (2, -1)}, "tall: needs one or more sizes of 1 or more"),
        ({"channels": (8, 0)}, "channels: sizes must be 1 or more"),
        ({"first": 0}, "first=0: must be 1 or more"),
        ({"heads": 0}, "heads=0: must be 1 or more"),
        ({"pooled": -1}, "pooled=-1: must be 0 or more"),
        ({"channels": (8,), "pooled": 3}, "pooled=3: there are only 2 layers"),
        ({"dropout": 1.0}, "dropout=1.0: must be at least 0 and below 1"),
        ({"auxiliary_weight": -1.0}, "auxiliary_weight=-1.0: must be 0 or more"),
        ({"emotion_weight": float("nan")}, "emotion_weight=nan: must be 0 or more"),
    ],
)
def test_a_wrong_setting_is_said(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        AttentionCnnConfig(**options)


def toy(rows: int, seed: int) -> tuple[dict[str, Tensor], Tensor]:
    """Noise of 48 frames in which a burst of 6 tells the emotion by its band; and where the burst begins."""
    random = torch.Generator().manual_seed(seed)
    frames = torch.randn(rows, 48, BANDS, generator=random)
    first = torch.randint(42, (rows,), generator=random)
    emotion = torch.randint(3, (rows,), generator=random)
    for row in range(rows):
        frames[row, first[row] : first[row] + 6, 3 * emotion[row] + 1] += 4.0
    gender = torch.randint(2, (rows,), generator=random)
    return {"frames": frames, "length": torch.full((rows,), 48), "emotion": emotion, "gender": gender}, first


def test_attention_finds_the_salient_period():
    torch.manual_seed(0)
    config = AttentionCnnConfig(**SMALL | {"pooled": 2, "dropout": 0.0, "auxiliary_weight": 0.0})
    model, balancer = AttentionCnn(BANDS, CLASSES, config), FixedWeights(config.weights)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(60):
        batch, _ = toy(32, step)
        optimiser.zero_grad()
        balancer(model.losses(model(batch), batch)).backward()
        optimiser.step()
    batch, first = toy(100, 999)
    with torch.inference_mode():
        outputs = model.eval()(batch)
    assert (outputs["emotion"].argmax(1) == batch["emotion"]).float().mean() > 0.9
    centres = torch.arange(12) * 4 + 1.5  # of the frames behind two poolings
    near = ((centres - first[:, None] - 2.5).abs() < 8).float()  # (B, T')
    shares = (outputs["attention"] * near[:, None]).sum(2).mean(0)  # (H,)
    assert (shares > near.mean() + 0.1).all(), "more than equal weights would give to the burst and what touches it"
