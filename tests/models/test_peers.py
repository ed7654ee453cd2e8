"""What holds for every peer, whatever it reads: an utterance stands alone, and labels stay outside."""

from __future__ import annotations

import pytest
import torch
from test_adversarial_autoencoder import network as adversarial_autoencoder
from test_attention_cnn import network as attention_cnn
from test_attention_cnn import spectrograms
from test_shared_hidden import network as shared_hidden
from torch import Tensor

NETWORKS = [shared_hidden, adversarial_autoencoder, attention_cnn]
pytestmark = pytest.mark.parametrize("network", NETWORKS, ids=lambda f: f.__module__)


@pytest.fixture
def batch(batch) -> dict[str, Tensor]:
    """Four utterances as functionals and as spectrograms of different length."""
    return batch | spectrograms()


def unlabelled(batch: dict[str, Tensor], rows: slice = slice(None)) -> dict[str, Tensor]:
    """Some rows without labels, padded no further than the longest of them needs."""
    inputs = {name: batch[name][rows] for name in ("functionals", "frames", "length")}
    return inputs | {"frames": inputs["frames"][:, : inputs["length"].max()]}


def test_an_utterance_gives_the_same_alone_and_in_a_batch(network, batch):
    model = network().eval()
    together = model(batch)
    for row in range(4):
        for name, value in model(unlabelled(batch, slice(row, row + 1))).items():
            own = together[name][row][..., : value.shape[-1]]  # attention weights: of its own frames
            torch.testing.assert_close(own, value[0], atol=1e-5, rtol=0)


def test_every_layer_has_a_vector_per_utterance_or_frame(network, batch):
    model = network().eval()
    outputs, layers = model(batch), model.layers()
    assert "emotion" in layers
    for name, meaning in layers.items():
        assert meaning
        assert outputs[name].shape[0] == 4
        assert outputs[name].ndim in (2, 3)


def test_labels_do_not_reach_the_outputs(network, batch):
    model = network().eval()
    told = model(batch)
    permuted = model(batch | {task: batch[task].roll(1) for task in model.classes})
    absent = model(unlabelled(batch))
    for name, value in told.items():
        assert torch.equal(value, permuted[name]), name
        assert torch.equal(value, absent[name]), name
    assert set(model.logits(absent)) == {"emotion", "gender"}
