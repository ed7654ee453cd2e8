"""VGGish from a file: what is written comes back, and what is no VGGish is refused in one sentence."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from sercourse.errors import AudioError, UserError
from sercourse.features.vggish import VggishLogMel
from sercourse.models.vggish import EXAMPLE, Vggish
from sercourse.paths import data_dir
from sercourse.training import vggish_weights
from sercourse.training.vggish_weights import PCA_FILES, PUBLISHED, WHERE, embed, load_vggish, pool

SMALL = (2, 3, 4, 4, 5, 5, 16, 12, 8)
NETWORK_FILE, PCA_FILE = PUBLISHED


@pytest.fixture
def network() -> Vggish:
    torch.manual_seed(0)
    network = Vggish(SMALL)
    torch.nn.init.normal_(network.pproc.pca_eigen_vectors)
    torch.nn.init.normal_(network.pproc.pca_means)
    return network.eval()


@pytest.fixture
def weights(network) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


@pytest.fixture
def bare(weights) -> dict[str, Tensor]:
    """As the torch port publishes it: without the PCA."""
    return {name: tensor for name, tensor in weights.items() if not name.startswith("pproc")}


@pytest.fixture
def pca(weights) -> dict[str, np.ndarray]:
    """As the release publishes it: means in a row."""
    return {
        "pca_eigen_vectors": weights["pproc.pca_eigen_vectors"].numpy(),
        "pca_means": weights["pproc.pca_means"].numpy().ravel(),
    }


@pytest.fixture
def waveform() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, 40_000).astype(np.float32)


def assert_same(loaded: Vggish, network: Vggish) -> None:
    assert loaded.widths == SMALL
    assert not loaded.training
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor, atol=0, rtol=0)


def refused(path: Path, **given: Path) -> str:
    """The sentence of the error."""
    with pytest.raises(UserError) as caught:
        load_vggish(path, **given)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


@pytest.mark.parametrize("new_format", [True, False])
@pytest.mark.parametrize("name", ["vggish.pth", "vggish.pt"])
def test_there_and_back_by_torch(network, weights, tmp_path, name, new_format) -> None:
    torch.save(weights, tmp_path / name, _use_new_zipfile_serialization=new_format)
    assert_same(load_vggish(tmp_path / name), network)
    assert_same(load_vggish(str(tmp_path / name)), network)


def test_there_and_back_by_safetensors(network, weights, tmp_path) -> None:
    save_file(weights, tmp_path / "vggish.safetensors")
    assert_same(load_vggish(tmp_path / "vggish.safetensors"), network)


def test_half_precision_becomes_float32_and_a_head_is_left_out(network, weights, tmp_path) -> None:
    half = {name: tensor.half() for name, tensor in weights.items()}
    torch.save({**half, "head.weight": torch.zeros(2, 8), "epoch": 3}, tmp_path / "vggish.pth")
    loaded = load_vggish(tmp_path / "vggish.pth")
    assert {tensor.dtype for tensor in loaded.state_dict().values()} == {torch.float32}
    assert set(loaded.state_dict()) == set(weights)
    loaded(torch.zeros(1, *EXAMPLE)).sum().backward()  # it can be trained on


def test_the_pca_of_the_release_lies_beside_the_network(network, bare, pca, tmp_path) -> None:
    torch.save(bare, tmp_path / "vggish.pth")
    np.savez(tmp_path / "vggish_pca_params.npz", **pca)
    assert_same(load_vggish(tmp_path / "vggish.pth"), network)


def test_the_pca_of_the_port_was_written_by_an_older_numpy(network, bare, pca, tmp_path) -> None:
    torch.save(bare, tmp_path / "vggish.pth")
    torch.save(pca, tmp_path / "pca.pth", _use_new_zipfile_serialization=False)
    content = (tmp_path / "pca.pth").read_bytes()
    assert b"numpy._core.multiarray\n" in content
    (tmp_path / "pca.pth").write_bytes(content.replace(b"numpy._core.multiarray\n", b"numpy.core.multiarray\n"))
    assert_same(load_vggish(tmp_path / "vggish.pth", pca=tmp_path / "pca.pth"), network)


def test_a_pca_that_is_named_wins(network, weights, pca, tmp_path) -> None:
    torch.save(weights, tmp_path / "vggish.pth")
    other = {name: torch.from_numpy(values) + 1 for name, values in pca.items()}
    save_file(other, tmp_path / "pca.safetensors")
    loaded = load_vggish(tmp_path / "vggish.pth", pca=tmp_path / "pca.safetensors")
    torch.testing.assert_close(loaded.pproc.pca_means, network.pproc.pca_means + 1)


def test_the_embedding_is_the_mean_over_examples(network, waveform) -> None:
    embedding = embed(network, waveform)
    assert embedding.shape == (8,)
    assert embedding.dtype == np.float32
    assert np.abs(embedding).max() <= 2
    examples = VggishLogMel()([waveform])[0].reshape(-1, *EXAMPLE)
    assert len(examples) == 2
    with torch.inference_mode():
        rows = network.postprocess(network(torch.from_numpy(examples))).numpy()
    np.testing.assert_allclose(embedding, rows.mean(0), atol=1e-6)


def test_stored_features_do_as_well_and_company_changes_nothing(network, waveform, monkeypatch) -> None:
    (log_mel,) = VggishLogMel()([waveform])
    whole = embed(network, waveform)
    np.testing.assert_array_equal(pool(network, log_mel), whole)
    monkeypatch.setattr(vggish_weights, "_EXAMPLES_AT_ONCE", 1)
    np.testing.assert_allclose(pool(network, log_mel), whole, atol=1e-5)


def test_a_short_utterance_has_an_embedding_and_a_bad_one_has_none(network) -> None:
    assert np.isfinite(embed(network, np.full(100, 0.1, dtype=np.float32))).all()
    with pytest.raises(AudioError, match="not numbers"):
        embed(network, np.full(100, np.nan, dtype=np.float32))


def test_no_such_file(tmp_path) -> None:
    assert f"there is no such file; VGGish is published at {WHERE}" in refused(tmp_path / "none.pth")
    assert "there is no such file" in refused(tmp_path), "a folder"
    assert "no such home folder" in refused(Path("~nobody-of-that-name/vggish.pth"))


def test_another_kind_of_file(tmp_path) -> None:
    (tmp_path / "vggish_model.ckpt").write_bytes(b"tensorflow")
    assert "weights are read from .pth, .pt, .safetensors" in refused(tmp_path / "vggish_model.ckpt")


@pytest.mark.parametrize("held", [{"classifier.weight": torch.zeros(3)}, [1, 2], torch.zeros(3), {}], ids=str)
def test_no_vggish(tmp_path, held) -> None:
    torch.save(held, tmp_path / "other.pth")
    assert "not a checkpoint of VGGish" in refused(tmp_path / "other.pth")


def test_missing_weights_are_named(weights, tmp_path) -> None:
    del weights["embeddings.2.bias"], weights["embeddings.4.weight"]
    torch.save(weights, tmp_path / "vggish.pth")
    assert "lacks 2 weights of VGGish, such as embeddings.2.bias" in refused(tmp_path / "vggish.pth")


@pytest.mark.parametrize("name", ["features.6.weight", "embeddings.0.weight", "features.0.bias", "pproc.pca_means"])
@pytest.mark.parametrize("wrong", [torch.zeros(7, 7), torch.zeros(()), torch.zeros(0)], ids=lambda t: str(t.shape))
def test_weights_of_another_shape(weights, tmp_path, name, wrong) -> None:
    torch.save({**weights, name: wrong}, tmp_path / "vggish.pth")
    assert "is no VGGish" in refused(tmp_path / "vggish.pth")


def test_a_missing_pca_is_named_with_the_way_to_it(bare, tmp_path) -> None:
    torch.save(bare, tmp_path / "vggish.pth")
    sentence = refused(tmp_path / "vggish.pth")
    assert "lacks pproc.pca_eigen_vectors and pproc.pca_means" in sentence
    assert PCA_FILES[0] in sentence
    np.savez(tmp_path / "half.npz", pca_means=np.zeros(8))
    assert "it lacks pca_eigen_vectors" in refused(tmp_path / "vggish.pth", pca=tmp_path / "half.npz")
    assert "there is no such file" in refused(tmp_path / "vggish.pth", pca=tmp_path / "none.npz")


@pytest.mark.parametrize("new_format", [True, False])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_damaged_file(weights, tmp_path, suffix, new_format) -> None:
    path = tmp_path / f"vggish{suffix}"
    if suffix == ".pth":
        torch.save(weights, path, _use_new_zipfile_serialization=new_format)
    else:
        save_file(weights, path)
    content = path.read_bytes()
    for damaged in (b"", b"Not Found", content[:100], content[: len(content) // 2], content[:-40]):
        path.write_bytes(damaged)
        assert "damaged, or no file of weights" in refused(path)


class Thief:
    """Runs when it is unpickled."""

    def __reduce__(self) -> tuple:
        return Path.touch, (Path("stolen"),)


@pytest.mark.parametrize("new_format", [True, False])
def test_code_is_never_run(weights, tmp_path, monkeypatch, new_format) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({**weights, "extra": Thief()}, "vggish.pth", _use_new_zipfile_serialization=new_format)
    assert "holds code" in refused(Path("vggish.pth"))
    np.savez("pca.npz", pca_means=np.array([Thief()]), pca_eigen_vectors=np.eye(8))
    torch.save(weights, "vggish.pth")
    assert "damaged, or no file of weights" in refused(Path("vggish.pth"), pca=Path("pca.npz"))
    torch.save({"pca_means": np.array([Thief()]), "pca_eigen_vectors": np.eye(8)}, "pca.pth")
    assert "damaged, or no file of weights" in refused(Path("vggish.pth"), pca=Path("pca.pth"))
    np.savez("pca.npz", pca_means=np.array(["a", "b"]), pca_eigen_vectors=np.eye(8))
    assert "damaged, or no file of weights" in refused(Path("vggish.pth"), pca=Path("pca.npz"))
    assert not Path("stolen").exists()


def test_a_whole_network_in_a_pickle_is_code(network, tmp_path) -> None:
    torch.save(network, tmp_path / "vggish.pth")
    assert "holds code (sercourse.models.vggish.Vggish), which is never run" in refused(tmp_path / "vggish.pth")


def test_a_published_file_must_have_its_hash(bare, pca, weights, tmp_path) -> None:
    torch.save(weights, tmp_path / NETWORK_FILE)
    assert "sha256 does not begin with 10086976" in refused(tmp_path / NETWORK_FILE)
    torch.save(bare, tmp_path / "mine.pth")
    torch.save(pca, tmp_path / PCA_FILE)
    assert "sha256 does not begin with 970ea276" in refused(tmp_path / "mine.pth")


def test_a_file_that_may_not_be_read(weights, tmp_path, monkeypatch) -> None:
    torch.save(weights, tmp_path / "vggish.pth")

    def forbidden(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(vggish_weights, "_check_hash", forbidden)
    assert "cannot be read (Permission denied)" in refused(tmp_path / "vggish.pth")


@pytest.mark.realdata
def test_the_published_weights_pass_the_smoke_test_of_the_release() -> None:
    """A sine of 1 kHz, and the mean and spread of its embeddings as the release states them, to its 10 %."""
    path = (data_dir() or Path("none")) / "vggish" / NETWORK_FILE
    if not path.is_file():
        pytest.skip(f"{NETWORK_FILE} is not at hand")
    network = load_vggish(path)
    sine = np.sin(2 * np.pi * 1000 * np.arange(48_000) / 16_000).astype(np.float32)
    examples = torch.from_numpy(VggishLogMel()([sine])[0]).view(-1, *EXAMPLE)
    with torch.inference_mode():
        embeddings = network(examples)
        quantised = network.postprocess(embeddings, quantise=True).float()
    stated = {"mean": 0.000657, "std": 0.343, "quantised mean": 126.0, "quantised std": 89.3}
    measured = [float(x) for x in (embeddings.mean(), embeddings.std(correction=0), quantised.mean(),
                                   quantised.std(correction=0))]  # fmt: skip
    np.testing.assert_allclose(measured, list(stated.values()), rtol=0.1)


def test_published_files_are_fetched_once_and_their_digits_checked(tmp_path, monkeypatch) -> None:
    asked, folder = [], tmp_path / "weights"

    def download(url: str, place: str, hash_prefix: str) -> None:
        asked.append((url, hash_prefix))
        Path(place).write_bytes(b"numbers")

    monkeypatch.setattr(vggish_weights.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(
        vggish_weights.requests, "head", lambda *_, **__: SimpleNamespace(raise_for_status=lambda: None)
    )
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    assert vggish_weights.fetch_vggish(folder)
    place = "https://github.com/harritaylor/torchvggish/releases/download/v0.1"
    assert asked == [
        (f"{place}/vggish_pca_params-970ea276.pth", "970ea276"),
        (f"{place}/vggish-10086976.pth", "10086976"),
    ]
    vggish_weights.fetch_vggish.cache_clear()
    assert vggish_weights.fetch_vggish(folder)
    assert len(asked) == 2


def test_without_a_network_nothing_is_fetched(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(vggish_weights.constants, "HF_HUB_OFFLINE", True)
    assert not vggish_weights.fetch_vggish(tmp_path / "weights")
    assert not (tmp_path / "weights").exists()
