"""The classifier must not see the label by any path: not in a test batch, not from a padded neighbour."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from sercourse.models.emotion_autoencoder import AutoencoderConfig, EmotionAutoencoder
from sercourse.training.batches import BucketBatches, EvaluationSet, loader
from sercourse.training.recipes import recipe

EMOTIONS = ["anger", "fear", "neutral"]
IDS = [f"c/{number}" for number in range(9)]


@pytest.fixture(scope="module")
def features() -> dict[str, dict[str, np.ndarray]]:
    """Spectrograms of 3 to 50 frames and functionals, of noise."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 51, len(IDS))
    return {
        "logmag": {i: rng.normal(size=(length, 16)).astype(np.float32) for i, length in zip(IDS, lengths, strict=True)},
        "is10": {i: rng.normal(size=6).astype(np.float32) for i in IDS},
    }


def material(features, labels, **model):
    """Examples and an untrained network of chapter 02 on these features."""
    chapter = recipe("emotion_autoencoder")
    settings = chapter.settings(
        "quick",
        [
            "crop_frames=24",
            "hop_frames=12",
            "width=8",
            "bank_channels=2",
            "encoder_gru=2",
            "decoder_gru=2",
            "hidden=8,8",
        ]
        + [f"{key}={value}" for key, value in model.items()],
    )
    table = pd.DataFrame({"emotion": labels}, index=IDS)
    torch.manual_seed(0)
    network = chapter.model(features, IDS, {"emotion": EMOTIONS}, settings).eval()
    return chapter.examples(features, table, {"emotion": EMOTIONS}, settings), network


def whole_batch(examples, *, labelled: bool):
    items = EvaluationSet(examples, IDS, labelled=labelled)
    lengths = [len(item["spectrogram"]) for item in items.items]
    (batch,) = loader(items, BucketBatches(lengths, len(items), None), examples.padded)
    return batch


LABELS = [EMOTIONS[number % 3] for number in range(len(IDS))]


@pytest.mark.parametrize("embedding", [True, False])
@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_permuted_and_absent_labels_give_bit_equal_predictions(features, embedding, norm):
    examples, network = material(features, LABELS, embedding=str(embedding).lower(), norm=norm)
    batch = whole_batch(examples, labelled=True)
    with torch.inference_mode():
        told = network(batch)
        permuted = network(batch | {"emotion": batch["emotion"].roll(1)})
        missing = network(batch | {"emotion": torch.full_like(batch["emotion"], -1)})
        absent = network({name: values for name, values in batch.items() if name != "emotion"})
    for name in ("logits", "embedding", "attention"):
        for other in (permuted, missing, absent):
            assert torch.equal(told[name], other[name]), name
    assert "restored" not in absent
    assert torch.equal(told["restored"], permuted["restored"]) == (not embedding), "the decoder does hear the label"


def test_the_permutation_is_one(features):
    """The test above compares different labels, and different utterances have different logits."""
    examples, network = material(features, LABELS)
    batch = whole_batch(examples, labelled=True)
    assert not torch.equal(batch["emotion"], batch["emotion"].roll(1))
    with torch.inference_mode():
        assert len(network(batch)["logits"].unique(dim=0)) == len(batch["emotion"])


def test_an_unlabelled_evaluation_set_holds_no_label(features):
    examples, _ = material(features, LABELS)
    told, untold = (EvaluationSet(examples, IDS, labelled=labelled) for labelled in (True, False))
    assert all("emotion" in item for item in told.items)
    assert not any(set(examples.labels) & set(item) for item in untold.items)
    assert set(whole_batch(examples, labelled=False)) == {"spectrogram", "frames", "functionals", "utterance"}


def test_test_labels_change_nothing_from_table_to_probabilities(features):
    """The same utterances under other labels: what is judged is equal to the last bit."""
    examples, network = material(features, LABELS)
    others, _ = material(features, LABELS[1:] + LABELS[:1])
    with torch.inference_mode():
        first, second = (network(whole_batch(e, labelled=False))["logits"] for e in (examples, others))
    assert torch.equal(first, second)


def test_no_path_from_the_label_to_the_logits_in_training_either():
    """Labels enter as embeddings: the logits' gradient on every one of them is none."""
    torch.manual_seed(0)
    config = AutoencoderConfig(width=8, bank_channels=2, encoder_gru=2, decoder_gru=2, hidden=(8,), dropout=0.5)
    network = EmotionAutoencoder(16, 0, EMOTIONS, config).train()
    batch = {
        "spectrogram": torch.randn(3, 20, 16),
        "frames": torch.tensor([20, 20, 11]),
        "emotion": torch.tensor([0, 1, 2]),
    }
    network(batch)["logits"].sum().backward()
    assert all(p.grad is None for p in network.decoder.parameters())
    assert all(p.grad is not None for p in network.encoder.parameters())
