"""Where a network looks: weights that sum to 1 in the right places, read without leaving a trace in the network."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image
import pytest
import soundfile
import torch
from transformers import AutoConfig, AutoModel

from sercourse.errors import UserError
from sercourse.explain.attention_picture import attention_player, draw_attention
from sercourse.explain.attention_time import (
    ROLLOUT,
    TimeLine,
    attention_of_layers,
    attention_over_time,
    peakedness,
    put_together,
    received,
    rollout,
)
from sercourse.explain.plots import png
from sercourse.features.spectral import LogMagnitude
from sercourse.losses.ctc import ENGLISH
from sercourse.models.speech_encoder import KINDS, SpeechEncoder
from sercourse.training.backbones import description
from sercourse.training.checkpoints import save_checkpoint
from sercourse.training.predict import load_network
from sercourse.training.recipes import recipe
from sercourse.training.runs import Run

RATE = 16_000
EMOTIONS = ["anger", "neutral", "sadness"]
GENDERS = ["female", "male"]
CROPS = ("width=16", "bank_channels=4", "bank_widths=3", "encoder_gru=4", "decoder_gru=4", "hidden=16,8",
         "functionals=", "crop_frames=32", "hop_frames=12")  # fmt: skip


def small_encoder(kind: str = "wav2vec2", heads: int = 4) -> SpeechEncoder:
    """An encoder with two layers and random weights, large enough for its attention not to be flat."""
    torch.manual_seed(0)
    sizes = AutoConfig.for_model(
        kind, hidden_size=32, num_hidden_layers=2, num_attention_heads=heads, intermediate_size=64, conv_dim=(16,) * 7,
        feat_extract_norm="layer", do_stable_layer_norm=True, num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
    )  # fmt: skip
    network = AutoModel.from_config(sizes)
    for layer in network.encoder.layers:
        layer.attention.q_proj.weight.data.mul_(40)
        layer.attention.k_proj.weight.data.mul_(40)
    return SpeechEncoder(network, normalise=False).eval()


def stored(folder: Path, chapter: str, shape: dict, assignments: tuple[str, ...] = (), encoder=None) -> Path:
    """The folder of a run with one fresh network, written as training writes it."""
    made = recipe(chapter)
    settings = made.settings("quick", assignments)
    torch.manual_seed(1)
    model = made.empty_model(shape, settings)
    if encoder is not None:
        model.encoder.load_state_dict(encoder.state_dict())
    about = {"chapter": chapter, "settings": settings.to_json(), "shape": made.shape(model)}
    save_checkpoint(folder / "folds" / "0-00-0" / "weights.safetensors", model.state_dict(), about)
    return folder


@pytest.fixture(scope="module")
def crops(tmp_path_factory) -> Path:
    shape = {"bins": 513, "functionals": 0, "emotions": EMOTIONS}
    return stored(tmp_path_factory.mktemp("crops"), "emotion_autoencoder", shape, CROPS)


@pytest.fixture(scope="module")
def transformer(tmp_path_factory) -> Path:
    encoder = small_encoder()
    shape = {"classes": {"emotion": EMOTIONS, "text": list(ENGLISH)}, "encoder": description(encoder)}
    return stored(tmp_path_factory.mktemp("transformer"), "mtlser", shape, ("beta=0",), encoder)


@pytest.fixture(scope="module")
def convolutions(tmp_path_factory) -> Path:
    shape = {"inputs": 64, "classes": {"emotion": EMOTIONS, "gender": GENDERS}}
    return stored(tmp_path_factory.mktemp("convolutions"), "attention_cnn", shape)


@pytest.fixture(params=["crops", "transformer", "convolutions"])
def run(request) -> Path:
    return request.getfixturevalue(request.param)


def spoken(seconds: float = 0.93) -> np.ndarray:
    """Room, a loud tone that changes, room."""
    t = np.arange(round(seconds * RATE)) / RATE
    voice = np.sin(2 * np.pi * (200 + 80 * np.sin(7 * t)) * t) * (t > 0.2 * seconds) * (t < 0.8 * seconds)
    return (0.3 * voice + 0.001 * np.random.default_rng(0).standard_normal(len(t))).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.25, 0.93, 2.0])
def test_weights_sum_to_one_and_cover_the_utterance(run, seconds):
    for line in attention_of_layers(run, spoken(seconds)).values():
        assert line.weights.sum() == pytest.approx(1, abs=1e-6)
        assert (line.weights >= 0).all()
        assert len(line.weights) == len(line.seconds) == len(line.speech)
        np.testing.assert_allclose(np.diff(line.seconds), line.hop)
        assert 0 <= line.seconds[0] <= line.hop
        assert abs(len(line.seconds) * line.hop - seconds) <= line.hop + 1e-9
        assert abs(seconds - line.seconds[-1]) <= line.hop + 0.0125, "half a receptive field of a transformer's frame"


def test_a_file_a_waveform_and_a_finished_run_give_the_same(run, tmp_path):
    wave = spoken()
    soundfile.write(tmp_path / "a.wav", wave, RATE, subtype="FLOAT")
    finished = Run(run, {}, {}, pd.DataFrame(), {})
    one, other = attention_over_time(run, wave), attention_over_time(finished, tmp_path / "a.wav")
    np.testing.assert_allclose(one.weights, other.weights, atol=1e-6)
    assert one.of == other.of


def test_a_line_of_one_crop_is_what_the_network_says(crops):
    wave = spoken(0.3)
    model = load_network(crops)
    spectrogram = torch.from_numpy(LogMagnitude().compute(wave))
    with torch.no_grad():
        said = model({"spectrogram": spectrogram[None], "frames": torch.tensor([len(spectrogram)])})["attention"][0]
    line = attention_over_time(crops, wave)
    np.testing.assert_allclose(line.weights, said, atol=1e-6)
    np.testing.assert_allclose(line.seconds, 0.1 * np.arange(len(said)), atol=1e-9)


def test_crops_are_put_together_by_their_mean():
    flat = put_together([(0, np.full(4, 0.25)), (1.5, np.full(4, 0.25)), (3, np.full(4, 0.25))], 7)
    np.testing.assert_allclose(flat, 1 / 7)
    two = put_together([(0, np.array([0.2, 0.8])), (1, np.array([0.6, 0.4]))], 3)
    np.testing.assert_allclose(two, np.array([0.2, 0.7, 0.4]) / 1.3)
    between = put_together([(0, np.array([1.0, 0.0])), (0.25, np.array([0.0, 1.0]))], 3)
    mean = np.array([1 / 1.75, 0.75 / 2, 0.25 / 0.25])  # weights over counts: the second crop lies a quarter behind
    np.testing.assert_allclose(between, mean / mean.sum())
    np.testing.assert_allclose(put_together([(0, np.ones(1)), (2, np.ones(1))], 3), [0.5, 0, 0.5])


def test_a_long_utterance_is_read_from_its_crops(crops):
    wave = spoken(2.0)
    model, spectrogram = load_network(crops), torch.from_numpy(LogMagnitude().compute(wave))
    starts = [*range(0, len(spectrogram) - 32, 12), len(spectrogram) - 32]
    with torch.no_grad():
        batch = torch.stack([spectrogram[start : start + 32] for start in starts])
        rows = model({"spectrogram": batch, "frames": torch.full((len(starts),), 32)})["attention"].numpy()
    line = attention_over_time(crops, wave)
    assert f"{len(starts)} crops" in line.of
    assert len(line.weights) == -(-len(spectrogram) // 8)
    wanted = put_together([(start / 8, row) for start, row in zip(starts, rows)], len(line.weights))
    np.testing.assert_allclose(line.weights, wanted, atol=1e-6)
    assert line.weights.std() > 0


def test_a_long_recording_is_heard_in_pieces_and_silence_is_not_looked_at(transformer, monkeypatch):
    monkeypatch.setattr(type(recipe("mtlser")), "chunk_seconds", 1.0)
    one = spoken(1.0)
    wave = np.concatenate([one, np.zeros(RATE, np.float32), one])
    line = attention_over_time(transformer, wave)
    assert len(line.weights) == (len(wave) - 400) // 320 + 1, "no frame is lost between the pieces"
    silent = (line.seconds > 1.05) & (line.seconds < 1.95)
    assert line.weights[silent].sum() == 0
    assert line.weights[line.seconds < 1].sum() == pytest.approx(0.5, abs=0.01), "each piece counts the same"
    with pytest.raises(UserError, match=r"^silent throughout"):
        attention_over_time(transformer, np.zeros(RATE, np.float32))


@pytest.mark.parametrize("kind", KINDS)
def test_company_changes_nothing(kind):
    encoder, lengths = small_encoder(kind), torch.tensor([9_000, 4_321, 6_400])
    torch.manual_seed(1)
    waveforms = torch.randn(3, 9_000)
    together = received(encoder, waveforms, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = received(encoder, waveforms[row : row + 1, :length], lengths[row : row + 1])
        for layer, weights in alone.items():
            frames = weights.shape[1]
            torch.testing.assert_close(together[layer][row, :frames], weights[0], atol=1e-5, rtol=1e-4)
            assert together[layer][row, frames:].abs().sum() == 0
            assert float(weights.sum()) == pytest.approx(1, abs=1e-5)


def state_of(encoder: SpeechEncoder) -> tuple:
    hooks = [len(layer.attention._forward_hooks) for layer in encoder.network.encoder.layers]
    return encoder.network.config._attn_implementation, encoder._fused, encoder.training, hooks


def test_reading_leaves_the_encoder_as_it_was_and_hears_the_same():
    encoder, lengths = small_encoder(), torch.tensor([9_000, 4_321])
    torch.manual_seed(1)
    waveforms = torch.randn(2, 9_000)
    with torch.no_grad():
        fused, mask = encoder(waveforms, lengths)
    before = state_of(encoder)
    assert before[0] == "sdpa", "which has no weights to give"
    heard = []
    watch = encoder.network.register_forward_hook(lambda *call: heard.append(call[2].last_hidden_state))
    maps, also = encoder.attentions(waveforms, lengths)
    watch.remove()
    assert torch.equal(mask, also)
    assert [tuple(weights.shape) for weights in maps] == [(2, 4, 27, 27)] * 2
    rows = torch.stack(maps).sum(-1)[:, mask[:, None].expand(-1, 4, -1).bool()]
    torch.testing.assert_close(rows, torch.ones_like(rows))
    torch.testing.assert_close(heard[0][mask.bool()], fused[-1][mask.bool()], atol=1e-5, rtol=1e-5)
    assert state_of(encoder) == before
    assert torch.is_grad_enabled()
    assert not any(weights.requires_grad for weights in maps)
    with torch.no_grad():
        torch.testing.assert_close(encoder(waveforms, lengths)[0][-1], fused[-1], atol=0, rtol=0)
    learning, _ = encoder(waveforms, lengths)  # with gradients this length is written out, and stays so
    before = state_of(encoder)
    assert before[0] == "eager"
    encoder.attentions(waveforms, lengths)
    assert state_of(encoder) == before
    assert learning[-1].requires_grad


def test_an_error_on_the_way_leaves_the_encoder_as_it_was(monkeypatch):
    encoder = small_encoder()
    with torch.no_grad():
        encoder(torch.randn(1, 4_000), torch.tensor([4_000]))
    before = state_of(encoder)

    def fails(*_, **__):
        raise RuntimeError("on the way")

    monkeypatch.setattr(encoder.network.encoder.layers[1].feed_forward, "forward", fails)
    with pytest.raises(RuntimeError, match="on the way"):
        encoder.attentions(torch.randn(1, 4_000), torch.tensor([4_000]))
    assert state_of(encoder) == before
    assert torch.is_grad_enabled()


def test_nothing_is_compiled_for_one_reading():
    encoder, waveforms, lengths = small_encoder(), torch.randn(1, 4_000), torch.tensor([4_000])
    plain, _ = encoder.attentions(waveforms, lengths)

    def compiler(*_):
        raise AssertionError("compiled")

    encoder.network.encoder.compile(backend=compiler)
    torch.testing.assert_close(encoder.attentions(waveforms, lengths)[0], plain)


def test_rollout_by_hand():
    first = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    second = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    # halves with the identity: [[1, 0], [1/4, 3/4]] and [[1/2, 1/2], [0, 1]]; their product, last layer first:
    flow = torch.tensor([[0.625, 0.375], [0.25, 0.75]])
    torch.testing.assert_close(rollout([first[None], second[None]]), flow.mean(0)[None])
    padded = [torch.nn.functional.pad(weights, (0, 1, 0, 1))[None] for weights in (first, second)]
    with_padding = rollout(padded, torch.tensor([[1.0, 1.0, 0.0]]))
    torch.testing.assert_close(with_padding, torch.tensor([[0.4375, 0.5625, 0.0]]))


def test_layers_of_a_transformer_and_their_mean(transformer):
    lines = attention_of_layers(transformer, spoken())
    assert list(lines) == [None, 1, 2, ROLLOUT]
    assert len({line.of for line in lines.values()}) == 4
    np.testing.assert_allclose(lines[None].weights, (lines[1].weights + lines[2].weights) / 2, atol=1e-7)
    np.testing.assert_array_equal(attention_over_time(transformer, spoken(), layer=2).weights, lines[2].weights)
    assert np.abs(lines[1].weights - lines[2].weights).max() > 1e-3


@pytest.mark.parametrize(
    ("chapter", "shape"),
    [("shared_hidden", {"inputs": 7, "classes": {"emotion": EMOTIONS, "gender": GENDERS}}),
     ("asp_mtl", {"inputs": 64, "classes": {"emotion": EMOTIONS, "gender": GENDERS}}),
     ("mtap", {"sizes": {"image": 64}, "classes": {"emotion": EMOTIONS}})],
)  # fmt: skip
def test_a_network_without_attention_over_time_is_refused(chapter, shape, tmp_path):
    run = stored(tmp_path, chapter, shape, ("text=none", "audio=none", "gender=none") if chapter == "mtap" else ())
    with pytest.raises(UserError, match=rf"^{chapter}: this network has no attention over time; take a run of .*\.$"):
        attention_over_time(run, spoken())


def test_what_cannot_be_read_is_refused_in_a_sentence(crops, transformer, tmp_path):
    plain = stored(tmp_path / "plain", "emotion_autoencoder", {"bins": 513, "functionals": 0, "emotions": EMOTIONS},
                   (*CROPS, "attention=false"))  # fmt: skip
    with pytest.raises(UserError, match=r"attention=false takes a plain mean"):
        attention_over_time(plain, spoken())
    with pytest.raises(UserError, match=r"^layer 3: .* choose one of 1, 2, rollout, or none for their mean\.$"):
        attention_over_time(transformer, spoken(), layer=3)
    with pytest.raises(UserError, match=r"^layer 1: .* it has a single one; leave layer out\.$"):
        attention_over_time(crops, spoken(), layer=1)
    with pytest.raises(UserError, match="there is no such checkpoint"):
        attention_over_time(crops, spoken(), fold=7)
    with pytest.raises(UserError, match="no such file"):
        attention_over_time(crops, tmp_path / "nothing.wav")
    with pytest.raises(UserError, match=r"only 0\.050 s of audio"):
        attention_over_time(crops, spoken(0.05))
    with pytest.raises(UserError, match="one channel"):
        attention_over_time(crops, np.zeros((2, RATE), np.float32))


def line_of(weights: list[float], speech: list[float]) -> TimeLine:
    return TimeLine(0.1 * np.arange(len(weights)), np.array(weights), 0.1, np.array(speech), "a test: by hand")


def test_peakedness_of_flat_peaked_and_in_between():
    flat = peakedness(line_of([0.25] * 4, [0, 1, 1, 0.2]))
    assert flat.entropy == pytest.approx(1)
    assert flat.on_speech == pytest.approx(flat.speech) == pytest.approx(0.55)
    peak = peakedness(line_of([0, 1, 0, 0], [0, 1, 1, 0]))
    assert (peak.entropy, peak.on_speech, peak.speech) == (0, 1, 0.5)
    half = peakedness(line_of([0.5, 0.5, 0, 0], [0, 1, 1, 0]))
    assert half.entropy == pytest.approx(0.5)
    assert half.on_speech == pytest.approx(0.5)
    assert peakedness(line_of([1.0], [1.0])).entropy == 1
    assert str(half) == "entropy 0.50 of 1; 50% on speech, which is 50% of the time"


def test_speech_is_where_the_detector_finds_it(run):
    line = attention_over_time(run, spoken(2.0))
    inside = (line.seconds > 0.4 + line.hop) & (line.seconds < 1.6 - line.hop)
    assert (line.speech[inside] == 1).all()
    assert (line.speech[line.seconds > 1.6 + 2 * line.hop] == 0).all()


def test_the_picture_has_units_on_every_axis_and_the_line_of_uniform_attention(run):
    wave = spoken()
    line = attention_over_time(run, wave)
    figure = draw_attention(line, wave)
    sound, bands, attention = figure.axes[:3]
    assert sound.get_ylabel() == "amplitude"
    assert bands.get_ylabel() == "frequency (kHz)"
    assert attention.get_ylabel() == "attention (× uniform)"
    assert attention.get_xlabel() == "time (s)"
    assert "level (dB)" in [ax.get_ylabel() for ax in figure.axes[3:]]
    assert all(ax.get_xlim() == pytest.approx((0, len(wave) / RATE)) for ax in (sound, bands, attention))
    (uniform,) = attention.lines
    assert list(uniform.get_ydata()) == [1, 1]
    assert uniform.get_linestyle() == "--"
    assert "uniform" in [text.get_text() for text in attention.texts]
    assert figure.get_suptitle() == line.of
    assert attention.get_title() == str(peakedness(line))
    assert len(png(figure)) < 120_000


def test_a_flat_line_lies_on_the_dashed_one():
    wave = spoken(0.8)
    figure = draw_attention(line_of([1 / 8] * 8, [1] * 8), wave)
    attention = figure.axes[2]
    assert attention.get_ylim() == (0, 2)
    (steps,) = [patch for patch in attention.patches if patch.get_edgecolor()[:3] == (0, 0, 0) and not patch.get_fill()]
    np.testing.assert_allclose(steps.get_data().values, 1)
    with pytest.raises(UserError, match=r"ends at 0\.70 s and the waveform at 2\.00 s; draw it over"):
        draw_attention(line_of([1 / 8] * 8, [1] * 8), spoken(2.0))


def pixels(picture: bytes) -> np.ndarray:
    return np.asarray(PIL.Image.open(io.BytesIO(picture)).convert("RGB"))


def test_the_menu_changes_the_picture_and_back_again_but_not_the_sound(transformer):
    box = attention_player(transformer, spoken())
    menu, picture, sound = box.children
    assert list(menu.options) == ["mean of 2 layers", "layer 1 of 2", "layer 2 of 2", "rollout through 2 layers"]
    before, heard = picture.value, sound.value
    assert "<audio" in heard
    menu.value = "layer 2 of 2"
    assert (pixels(picture.value) != pixels(before)).mean() > 0.005
    assert sound.value == heard
    menu.value = "mean of 2 layers"
    assert picture.value == before


def test_one_layer_needs_no_menu_and_a_reader_without_a_kernel_gets_words_and_a_still(crops):
    box = attention_player(crops, spoken())
    picture, sound = box.children
    assert "<audio" in sound.value
    assert "sercourse-picture" in picture._dom_classes
    assert box._repr_mimebundle_()["text/plain"] == box.no_kernel
    assert box.still().data == picture.value
