"""Choose utterance, emotion and layer: the picture and the sound follow, and a reader without a kernel gets words."""

import io

import numpy as np
import PIL.Image
import pytest
import torch

from sercourse.explain.decoding import NO_EMOTION, DecodingExplorer
from sercourse.explain.inversion import distance_db
from sercourse.features.spectral import LogMagnitude
from sercourse.models.emotion_autoencoder import AutoencoderConfig, EmotionAutoencoder
from sercourse.signal.audio import SAMPLE_RATE

EMOTIONS = ["anger", "neutral", "sadness"]


@pytest.fixture(scope="module")
def explorer() -> DecodingExplorer:
    """An untrained network whose embeddings are large, and two tones."""
    torch.manual_seed(0)
    sizes = AutoencoderConfig(width=8, bank_channels=2, encoder_gru=4, decoder_gru=4, hidden=(8,), functionals=())
    model = EmotionAutoencoder(513, 0, EMOTIONS, sizes).train()
    model.scale_spectrogram.fit(torch.full((513,), -50.0), torch.full((513,), 15.0))
    with torch.no_grad():
        for table in model.decoder.embeddings:
            table.weight.mul_(3)
    time = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    tones = {name: np.sin(2 * np.pi * hertz * time).astype("f4") * 0.2 for name, hertz in (("c/a", 300), ("c/b", 900))}
    spectrograms = {name: LogMagnitude().compute(tone) for name, tone in tones.items()}
    return DecodingExplorer(model, spectrograms, {"c/a": "neutral", "c/b": "boredom"})


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(PIL.Image.open(io.BytesIO(png)).convert("RGB"))


def parts(box):
    """Menus of utterance, emotion and layer, picture, players."""
    assert len(box.children) == 5
    return box.children


def test_it_decodes_as_the_network_does_and_without_dropout(explorer):
    levels, states = explorer.restored("c/a", "sadness")
    wanted, expected = explorer.model.restore(torch.from_numpy(explorer.spectrograms["c/a"]), 2)
    np.testing.assert_array_equal(levels, wanted.numpy())
    assert [state.shape for state in states] == [tuple(state.shape) for state in expected]
    assert len(states) == 5
    none, _ = explorer.restored("c/a", NO_EMOTION)
    assert distance_db(levels, none) > 0.1


def test_emotion_and_layer_change_the_picture_and_back_again(explorer):
    utterance, emotion, layer, picture, _ = parts(explorer.widget("c/a", emotion="anger", layer=2))
    first = picture.value
    assert first == explorer.png("c/a", "anger", 2)
    seen = [first]
    for menu, value in ((emotion, "sadness"), (layer, 5), (utterance, "c/b")):
        menu.value = value
        assert (pixels(picture.value) != pixels(seen[-1])).mean() > 0.005
        seen.append(picture.value)
    utterance.value, emotion.value, layer.value = "c/a", "anger", 2
    assert picture.value == first


def test_the_sound_follows_emotion_and_utterance_but_not_the_layer(explorer):
    utterance, emotion, layer, _, heard = parts(explorer.widget("c/a", emotion="anger"))
    assert heard.value.count("<audio") == 2
    before = heard.value
    layer.value = 4
    assert heard.value == before
    emotion.value = "sadness"
    assert heard.value != before
    assert "restored with sadness" in heard.value
    assert "restored with anger" not in heard.value
    original = before.split("<audio")[1]
    assert heard.value.split("<audio")[1] == original, "the original stays"
    utterance.value = "c/b"
    assert heard.value.split("<audio")[1] != original


def test_the_original_goes_through_the_same_inversion(explorer):
    sound = explorer.sound("c/a", None)
    assert distance_db(explorer.spectrograms["c/a"], LogMagnitude().compute(sound)) < 1.5
    assert explorer.sound("c/a", None) is sound, "kept, not computed again"


def test_the_menu_begins_with_what_was_meant_where_the_network_knows_it(explorer):
    assert [choice.value for choice in parts(explorer.widget())[:3]] == ["c/a", "neutral", 1]
    assert parts(explorer.widget("c/b"))[1].value == NO_EMOTION, "boredom is unknown to this network"
    assert [label for label, _ in parts(explorer.widget())[0].options] == ["a, neutral", "b, boredom"]


def test_a_reader_without_a_kernel_gets_words_and_a_still(explorer):
    box = explorer.widget()
    assert box._repr_mimebundle_()["text/plain"] == box.no_kernel
    assert "sercourse-picture" in parts(box)[3]._dom_classes
    three = explorer.still("c/a", ["anger", "neutral"])
    other = explorer.still("c/a", ["anger", "sadness"])
    assert pixels(three.data).shape == pixels(other.data).shape
    assert (pixels(three.data) != pixels(other.data)).mean() > 0.005
    assert len(three.data) < 120_000
    assert explorer.still("c/a", ["anger"], layer=3).data == explorer.png("c/a", "anger", 3)


def test_without_utterances_there_is_nothing_to_choose(explorer):
    with pytest.raises(ValueError, match="no utterances"):
        DecodingExplorer(explorer.model, {}, {})
