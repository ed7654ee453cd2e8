"""The shared encoder: the published numbers for one utterance, and no difference that company makes."""

import pytest
import torch
from transformers import AutoConfig, AutoModel

from sercourse.layers.waveform_convolution import WaveformConvolutions
from sercourse.models.speech_encoder import KINDS, SpeechEncoder, level

LENGTHS = (9_000, 4_321, 6_400, 400)
"""Samples; the last one is a single frame."""


def small(kind: str, norm: str, **changes: float) -> torch.nn.Module:
    """A network of Hugging Face with two layers and random weights."""
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        kind, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, conv_dim=(16,) * 7,
        feat_extract_norm=norm, do_stable_layer_norm=norm == "layer", num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4, **changes,
    )  # fmt: skip
    return AutoModel.from_config(config).eval()


def batch(lengths: tuple[int, ...] = LENGTHS) -> tuple[torch.Tensor, torch.Tensor]:
    """Padded noise; what lies behind an utterance's end is no silence, so that anyone who looks there is caught."""
    torch.manual_seed(1)
    return torch.randn(len(lengths), max(lengths)), torch.tensor(lengths)


@pytest.fixture(params=[(kind, norm) for kind in KINDS for norm in ("layer", "group")], ids="-".join)
def encoder(request) -> SpeechEncoder:
    return SpeechEncoder(small(*request.param), normalise=request.param[1] == "group").eval()


def test_one_utterance_gives_what_the_published_network_gives() -> None:
    for kind in KINDS:
        for norm in ("layer", "group"):
            waveforms, _ = batch((9_000,))
            published = small(kind, norm)(waveforms, output_hidden_states=True)
            states, mask = SpeechEncoder(small(kind, norm), normalise=False)(waveforms, torch.tensor([9_000]))
            assert mask is None
            torch.testing.assert_close(states[-1], published.last_hidden_state, atol=2e-5, rtol=1e-4)
            torch.testing.assert_close(states[1], published.hidden_states[1], atol=2e-5, rtol=1e-4)
            assert len(states) == 3


def test_attention_written_out_for_training_gives_what_the_fused_kernel_gives() -> None:
    encoder = SpeechEncoder(small("wav2vec2", "layer"), normalise=False).eval()
    waveforms, lengths = batch()
    written_out, mask = encoder(waveforms, lengths)
    assert encoder.network.config._attn_implementation == "eager"
    with torch.no_grad():
        fused, _ = encoder(waveforms, lengths)
    assert encoder.network.config._attn_implementation == "sdpa"
    real = mask.bool()
    torch.testing.assert_close(written_out[-1][real], fused[-1][real], atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_company_changes_nothing(encoder: SpeechEncoder) -> None:
    waveforms, lengths = batch()
    together, mask = encoder(waveforms, lengths)
    assert mask.sum(1).tolist() == encoder.convolutions.frames(lengths).tolist()
    for row, length in enumerate(lengths.tolist()):
        alone, _ = encoder(waveforms[row : row + 1, :length], torch.tensor([length]))
        for state, own in zip(together, alone, strict=True):
            torch.testing.assert_close(state[row, : own.shape[1]], own[0], atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_the_published_group_norm_sees_padding() -> None:
    """The trap that the chapter shows: without care, silence behind an utterance changes it."""
    published = small("wav2vec2", "group")
    waveforms, _ = batch((6_400,))
    padded = torch.nn.functional.pad(waveforms, (0, 3_200))
    alone, together = (published.feature_extractor(audio) for audio in (waveforms, padded))
    assert (alone - together[:, :, : alone.shape[2]]).abs().max() > 0.01


@torch.inference_mode()
def test_stored_convolutions_are_as_good_as_waveforms(encoder: SpeechEncoder) -> None:
    waveforms, lengths = batch()
    frames = encoder.convolve(waveforms, lengths)
    whole, _ = encoder(waveforms, lengths)
    halves, _ = encoder(frames, encoder.convolutions.frames(lengths))
    torch.testing.assert_close(halves[-1], whole[-1])


def test_the_convolutions_keep_their_names_and_gradients() -> None:
    network = small("wav2vec2", "layer")
    names = set(network.state_dict())
    published = network.feature_extractor
    waveforms, _ = batch((4_000, 4_000))
    expected = torch.autograd.grad(published(waveforms).square().sum(), list(published.parameters()))
    ours = WaveformConvolutions(published)
    network.feature_extractor = ours
    assert set(network.state_dict()) == names
    gradients = torch.autograd.grad(ours(waveforms).square().sum(), list(ours.parameters()))
    for gradient, wanted in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, wanted, atol=1e-3, rtol=1e-3)


def test_receptive_field_and_hop_are_those_of_wav2vec2() -> None:
    convolutions = WaveformConvolutions(small("wav2vec2", "layer").feature_extractor)
    assert (convolutions.receptive_field, convolutions.hop) == (400, 320)
    assert convolutions.frames(torch.tensor([399, 400, 719, 720])).tolist() == [0, 1, 1, 2]


def test_levelled_waveforms_have_unit_variance_and_silent_padding() -> None:
    waveforms, lengths = batch()
    levelled = level(5 * waveforms + 3, lengths)
    for row, length in zip(levelled, lengths.tolist(), strict=True):
        assert abs(float(row[:length].mean())) < 1e-5
        assert abs(float(row[:length].var(unbiased=False)) - 1) < 1e-3
        assert not row[length:].any()


def test_gradients_reach_the_transformer_and_only_it_where_convolutions_are_frozen() -> None:
    encoder = SpeechEncoder(small("wav2vec2", "group"), normalise=True).train()
    encoder.convolutions.requires_grad_(False)
    states, _ = encoder(*batch((4_000, 3_000)))
    states[-1].sum().backward()
    assert all(p.grad is None for p in encoder.convolutions.parameters())
    assert encoder.network.feature_projection.projection.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("masked", [0.05, 0.0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_without_masks_learns(kind, masked):
    encoder = SpeechEncoder(small(kind, "layer", mask_time_prob=0.0, mask_feature_prob=0.0), normalise=True).train()
    encoder.masked = masked
    states, _ = encoder(*batch((9_000, 8_000)))
    states[-1].sum().backward()
    assert bool(encoder.network.masked_spec_embed.grad.any()) == bool(masked), "hidden frames learn, where some are"
    assert encoder.network.feature_projection.projection.weight.grad.abs().sum() > 0
