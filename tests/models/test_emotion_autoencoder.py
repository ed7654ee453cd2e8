"""The emotion-embedding autoencoder: the paper's sizes, padding, gradients, odd lengths."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from sercourse.features.extract import feature_extractor
from sercourse.losses.masked import MISSING
from sercourse.models.emotion_autoencoder import AutoencoderConfig, EmotionAutoencoder
from sercourse.models.multitask import Batch

EMOTIONS = ["anger", "fear", "neutral"]
BINS, FUNCTIONALS = 20, 7
SMALL = AutoencoderConfig(
    width=12, bank_channels=3, encoder_gru=4, decoder_gru=6, hidden=(16, 8), dropout=0.0, functionals=("is10",)
)


def small(**changes) -> EmotionAutoencoder:
    torch.manual_seed(0)
    return EmotionAutoencoder(BINS, FUNCTIONALS, EMOTIONS, dataclasses.replace(SMALL, **changes))


def batch_of(*lengths: int) -> Batch:
    generator = torch.Generator().manual_seed(1)
    spectrogram = torch.randn(len(lengths), max(lengths), BINS, generator=generator)
    for row, length in zip(spectrogram, lengths, strict=True):
        row[length:] = 0  # as collate pads
    return {
        "spectrogram": spectrogram,
        "frames": torch.tensor(lengths),
        "functionals": torch.randn(len(lengths), FUNCTIONALS, generator=generator),
        "emotion": torch.arange(len(lengths)) % len(EMOTIONS),
    }


def alone(batch: Batch, number: int) -> Batch:
    """One utterance of a batch without its padding."""
    one = {name: values[number : number + 1] for name, values in batch.items()}
    return one | {"spectrogram": one["spectrogram"][:, : int(one["frames"])]}


# Tables 1 to 3


def test_paper_sizes_are_those_of_tables_1_to_3():
    with torch.device("meta"):  # shapes only
        model = EmotionAutoencoder(513, 1582, ["x"] * 7, AutoencoderConfig())
    encoder, decoder = model.encoder, model.decoder
    assert [tuple(c.weight.shape) for c in encoder.bank.convolutions] == [(128, 513, k) for k in range(1, 9)]
    assert (encoder.squeeze.in_channels, encoder.squeeze.out_channels) == (1537, 512)
    assert [tuple(b.second.weight.shape) for b in encoder.down] == [(512, 512, 5)] * 3
    assert [b.second.stride for b in encoder.down] == [(2,)] * 3
    assert [tuple(b.first.weight.shape) for b in encoder.dense] == [(512, 512, 1)] * 2
    assert (encoder.gru.gru.input_size, encoder.gru.gru.hidden_size) == (512, 128)
    assert (encoder.out.in_channels, encoder.out.out_channels) == (768, 512)

    assert [tuple(table.weight.shape) for table in decoder.embeddings] == [(7, 512)] * 5
    assert [tuple(b.first.weight.shape) for b in decoder.up] == [(1024, 512, 3)] * 3
    assert [tuple(b.second.weight.shape) for b in decoder.up] == [(512, 512, 3)] * 3
    assert (decoder.gru.gru.input_size, decoder.gru.gru.hidden_size) == (512, 256)
    assert (decoder.join.in_channels, decoder.join.out_channels) == (1536, 512)
    assert decoder.out.out_channels == 513

    linear = [layer for layer in model.classifier if isinstance(layer, torch.nn.Linear)]
    sizes = [(layer.in_features, layer.out_features) for layer in linear]
    assert sizes == [(2094, 1024), (1024, 512), (512, 128), (128, 7)]
    assert model.attention.attention.num_heads == 1


@pytest.mark.parametrize(("functionals", "inputs"), [(0, 512), (1582, 2094), (1582 + 384, 2478)])
def test_the_2478_inputs_are_is10_and_is09_beside_the_latent(functionals, inputs):
    with torch.device("meta"):
        model = EmotionAutoencoder(513, functionals, EMOTIONS)
    assert model.classifier[0].in_features == inputs


def test_widths_of_the_functionals_are_what_opensmile_gives():
    assert len(feature_extractor("is10").columns) == 1582
    assert len(feature_extractor("is09").columns) == 384


# Padding and lengths


@pytest.mark.parametrize("norm", ["instance", "batch", "none"])
@pytest.mark.parametrize("lengths", [(40, 23, 17, 9), (16, 8, 7, 1), (33, 31)], ids=str)
def test_alone_equals_in_a_padded_batch(norm, lengths):
    """Within 1e-5 for logits and 1e-4 for the restored spectrogram (26 layers in fp32)."""
    model, batch = small(norm=norm), batch_of(*lengths)
    if norm == "batch":  # statistics that are not those of the start
        model.train()(batch)
    model.eval()
    with torch.no_grad():
        together = model(batch)
        for i, length in enumerate(lengths):
            apart = model(alone(batch, i))
            for name in ("logits", "embedding"):
                torch.testing.assert_close(together[name][i], apart[name][0], atol=1e-5, rtol=0)
            torch.testing.assert_close(together["restored"][i, :length], apart["restored"][0], atol=1e-4, rtol=0)
            attention = together["attention"][i]
            torch.testing.assert_close(attention[: -(-length // 8)], apart["attention"][0], atol=1e-5, rtol=0)
            assert not attention[-(-length // 8) :].any()


def test_what_stands_in_the_padding_does_not_matter():
    model, batch = small().eval(), batch_of(30, 11)
    with torch.no_grad():
        clean = model(batch)
        batch["spectrogram"][1, 11:] = 1e3
        dirty = model(batch)
    assert torch.equal(clean["logits"], dirty["logits"])
    torch.testing.assert_close(
        model.losses(clean, batch)["reconstruction"],
        model.losses(dirty | {"target": clean["target"]}, batch)["reconstruction"],
    )


@pytest.mark.parametrize("length", range(1, 41))
def test_restored_has_the_shape_that_came_in(length):
    model = small().eval()
    restored, states = model.restore(torch.randn(length, BINS), 1)
    assert restored.shape == (length, BINS)
    coarse = [-(-length // 8), -(-length // 4), -(-length // 2), length, length]
    assert [tuple(state.shape) for state in states] == [(SMALL.width, frames) for frames in coarse]


def test_restore_speaks_db_again():
    """The inverse of the scaling is applied: levels of about -60 dB stay there."""
    model = small().eval()
    model.scale_spectrogram.fit(torch.full((BINS,), -60.0), torch.full((BINS,), 5.0))
    restored, _ = model.restore(torch.full((20, BINS), -60.0), 0)
    scaled = model(batch_of(20) | {"spectrogram": torch.full((1, 20, BINS), -60.0)})["restored"]
    torch.testing.assert_close(restored, 5.0 * scaled[0].detach() - 60.0)


def test_attention_tells_where_the_network_looks():
    """Weights over the latent frames that sum to 1."""
    with torch.no_grad():
        attention = small().eval()(batch_of(40, 9))["attention"]
    assert attention.shape == (2, 5)
    torch.testing.assert_close(attention.sum(1), torch.ones(2))


# Gradients


@pytest.mark.parametrize("trains", [True, False])
def test_the_emotion_loss_reaches_the_encoder_only_when_asked(trains):
    model, batch = small(classifier_trains_encoder=trains), batch_of(24, 17)
    model.losses(model(batch), batch)["emotion"].backward()
    reached = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert any(name.startswith("encoder.") for name in reached) == trains
    assert "encoder.bank.convolutions.0.weight" in reached or not trains
    assert any(name.startswith("classifier.") for name in reached)
    assert any(name.startswith("attention.") for name in reached)
    assert not any(name.startswith("decoder.") for name in reached)


def test_the_reconstruction_trains_encoder_decoder_and_embeddings_but_not_the_classifier():
    model, batch = small(), batch_of(24, 17)
    model.losses(model(batch), batch)["reconstruction"].backward()
    reached = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert reached == {"encoder", "decoder"}
    for table in model.decoder.embeddings:
        assert table.weight.grad[:2].any(dim=1).all(), "emotions of the batch"
        assert not table.weight.grad[2].any(), "an emotion that is not in the batch"


def test_the_shared_layer_feeds_both_losses():
    model, batch = small(), batch_of(24, 17)
    losses = model.losses(model(batch), batch)
    assert set(losses) == set(model.tasks)
    for loss in losses.values():
        (gradient,) = torch.autograd.grad(loss, model.shared_layer(), retain_graph=True)
        assert gradient.any()


def test_without_reconstruction_it_is_a_plain_classifier():
    model, batch = small(reconstruction_weight=0.0), batch_of(24, 17)
    outputs = model(batch)
    assert "restored" not in outputs
    losses = model.losses(outputs, batch)
    assert losses["reconstruction"].item() == 0
    losses["emotion"].backward()
    assert all(p.grad is None for p in model.decoder.parameters())


# Embeddings


def test_a_missing_label_has_no_embedding():
    decoder = small().decoder
    conditions = decoder.conditions(torch.tensor([0, MISSING, 2]))
    assert len(conditions) == 5
    for table, condition in zip(decoder.embeddings, conditions, strict=True):
        assert torch.equal(condition[0], table.weight[0])
        assert torch.equal(condition[2], table.weight[2])
        assert not condition[1].any()


def test_all_labels_missing_still_gives_every_loss():
    model, batch = small(), batch_of(24, 17)
    batch["emotion"] = torch.full((2,), MISSING)
    losses = model.losses(model(batch), batch)
    assert losses["emotion"].item() == 0
    assert losses["reconstruction"].item() > 0


def test_the_decoder_listens_to_the_emotion_only_with_embeddings():
    for embedding in (True, False):
        model, spectrogram = small(embedding=embedding).eval(), torch.randn(20, BINS)
        angry, afraid = (model.restore(spectrogram, emotion)[0] for emotion in (0, 1))
        assert torch.equal(angry, afraid) == (not embedding)


def test_without_embeddings_the_decoder_has_none():
    decoder = small(embedding=False).decoder
    assert len(decoder.embeddings) == 0
    assert decoder.join.in_channels == SMALL.width + 2 * SMALL.decoder_gru
    assert not any(condition.any() for condition in decoder.conditions(torch.tensor([0, 1])))


# Learning, and what is refused


def test_it_can_learn_a_few_utterances_by_heart():
    model, batch = small(), batch_of(24, 17, 12)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    history = []
    for _ in range(60):
        losses = model.losses(model(batch), batch)
        optimiser.zero_grad()
        sum(losses.values()).backward()
        optimiser.step()
        history.append({task: loss.item() for task, loss in losses.items()})
    assert history[-1]["emotion"] < 0.05 < history[0]["emotion"]
    assert history[-1]["reconstruction"] < 0.8 * history[0]["reconstruction"]
    assert torch.equal(model.eval()(batch)["logits"].argmax(1), batch["emotion"])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"width": 0}, "width=0: must be 1 or more"),
        ({"bank_widths": 0}, "bank_widths=0"),
        ({"encoder_gru": -3}, "encoder_gru=-3"),
        ({"heads": 5}, "heads=5: must divide width=512"),
        ({"norm": "layer"}, "norm=layer: choose one of instance, batch, none"),
        ({"hidden": ()}, "hidden: needs one or more sizes"),
        ({"hidden": (8, 0)}, "hidden: needs one or more sizes"),
        ({"dropout": 1.0}, "dropout=1.0: must be at least 0 and below 1"),
        ({"smoothing": -0.1}, "smoothing=-0.1"),
        ({"emotion_weight": -1.0}, "emotion_weight=-1.0: must be 0 or more"),
        ({"reconstruction_weight": float("nan")}, "reconstruction_weight=nan"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_values_outside_their_range_are_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        AutoencoderConfig(**changes)


def test_lambda_weighs_the_emotion():
    assert AutoencoderConfig(emotion_weight=3.0).weights == {"reconstruction": 1.0, "emotion": 3.0}
