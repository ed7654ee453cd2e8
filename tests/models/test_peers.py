"""What holds for every peer that reads functionals: an utterance stands alone, and labels stay outside."""

from __future__ import annotations

import pytest
import torch
from test_adversarial_autoencoder import network as adversarial_autoencoder
from test_shared_hidden import network as shared_hidden

pytestmark = pytest.mark.parametrize("network", [shared_hidden, adversarial_autoencoder], ids=lambda f: f.__module__)


def test_an_utterance_gives_the_same_alone_and_in_a_batch(network, batch):
    model = network().eval()
    together = model(batch)
    for row in range(4):
        for name, value in model({"functionals": batch["functionals"][row : row + 1]}).items():
            torch.testing.assert_close(together[name][row], value[0], atol=1e-6, rtol=0)


def test_labels_do_not_reach_the_outputs(network, batch):
    model = network().eval()
    told = model(batch)
    permuted = model(batch | {task: batch[task].roll(1) for task in model.classes})
    absent = model({"functionals": batch["functionals"]})
    for name, value in told.items():
        assert torch.equal(value, permuted[name]), name
        assert torch.equal(value, absent[name]), name
    assert set(model.logits(absent)) == {"emotion", "gender"}
