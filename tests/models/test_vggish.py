"""VGGish: the published sizes, names and orders, on a network small enough to run."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from sercourse.models.vggish import EXAMPLE, WIDTHS, Vggish

SMALL = (2, 3, 4, 4, 5, 5, 16, 12, 8)


@pytest.fixture
def network() -> Vggish:
    torch.manual_seed(0)
    return Vggish(SMALL).eval()


def examples(count: int = 3) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randn(count, *EXAMPLE)


@pytest.fixture(scope="module")
def published() -> Vggish:
    """All of it, without its 289 MB."""
    with torch.device("meta"):
        return Vggish()


def test_it_has_the_published_number_of_parameters(published) -> None:
    by_hand = 0
    sizes = [(1, 64), (64, 128), (128, 256), (256, 256), (256, 512), (512, 512)]
    by_hand += sum(9 * n_in * n_out + n_out for n_in, n_out in sizes)
    by_hand += sum(n_in * n_out + n_out for n_in, n_out in [(512 * 6 * 4, 4096), (4096, 4096), (4096, 128)])
    count = sum(parameter.numel() for parameter in published.parameters())
    assert count == by_hand == 72_141_184
    assert published(torch.empty(5, *EXAMPLE, device="meta")).shape == (5, 128)


def test_names_and_shapes_are_those_of_the_torch_port(published) -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in published.state_dict().items()}
    weights = {name.removesuffix(".weight"): shape for name, shape in shapes.items() if name.endswith(".weight")}
    assert weights == {
        "features.0": (64, 1, 3, 3),
        "features.3": (128, 64, 3, 3),
        "features.6": (256, 128, 3, 3),
        "features.8": (256, 256, 3, 3),
        "features.11": (512, 256, 3, 3),
        "features.13": (512, 512, 3, 3),
        "embeddings.0": (4096, 12_288),
        "embeddings.2": (4096, 4096),
        "embeddings.4": (128, 4096),
    }
    assert set(shapes) == {f"{layer}.{kind}" for layer in weights for kind in ("weight", "bias")} | {
        "pproc.pca_eigen_vectors",
        "pproc.pca_means",
    }
    assert shapes["pproc.pca_eigen_vectors"] == (128, 128)
    assert shapes["pproc.pca_means"] == (128, 1)


def channel_last(network: Vggish, inputs: torch.Tensor) -> torch.Tensor:
    """The network as TensorFlow writes it: maps of (time, frequency, channel), flattened as they lie."""
    state = network.state_dict()
    maps = inputs[..., None]  # (B, 96, 64, 1)
    for layer, pooled in ((0, True), (3, True), (6, False), (8, True), (11, False), (13, True)):
        kernel, bias = state[f"features.{layer}.weight"], state[f"features.{layer}.bias"]
        height, width = maps.shape[1:3]
        around = F.pad(maps, (0, 0, 1, 1, 1, 1))  # (B, T + 2, F + 2, C)
        maps = bias + sum(
            around[:, i : i + height, j : j + width] @ kernel[:, :, i, j].T for i in range(3) for j in range(3)
        )
        maps = maps.relu()
        if pooled:
            maps = maps.unflatten(2, (-1, 2)).unflatten(1, (-1, 2)).amax((2, 4))
    hidden = maps.reshape(len(maps), -1)
    for layer in (0, 2):
        hidden = (hidden @ state[f"embeddings.{layer}.weight"].T + state[f"embeddings.{layer}.bias"]).relu()
    return hidden @ state["embeddings.4.weight"].T + state["embeddings.4.bias"]


@torch.inference_mode()
def test_it_flattens_in_the_order_of_the_release(network) -> None:
    torch.testing.assert_close(network(examples()), channel_last(network, examples()), atol=1e-5, rtol=1e-4)
    maps = network.features(examples()[:, None])
    turned = network.embeddings(maps.flatten(1))
    assert (turned - network(examples())).abs().max() > 0.01, "channel first would be another network"


@torch.inference_mode()
def test_the_embedding_is_read_before_any_activation(network) -> None:
    embeddings = network(examples())
    assert (embeddings < 0).any()
    assert (embeddings > 0).any()


@torch.inference_mode()
def test_alone_and_in_a_batch(network) -> None:
    together = network(examples())
    assert together.shape == (3, 8)
    for row, example in zip(together, examples()):
        torch.testing.assert_close(network(example[None])[0], row, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("shape", [(2, 64, 96), (96, 64), (2, 1, 96, 64), (2, 95, 64)])
def test_other_shapes_are_refused(network, shape) -> None:
    with pytest.raises(ValueError, match=r"\(B, 96, 64\) is needed"):
        network(torch.zeros(shape))


@pytest.mark.parametrize("widths", [(), WIDTHS[:8], (*WIDTHS, 1), (0, *WIDTHS[1:])])
def test_other_widths_are_refused(widths) -> None:
    with pytest.raises(ValueError, match="nine numbers above 0"):
        Vggish(widths)


@torch.inference_mode()
def test_postprocessing_whitens(network) -> None:
    """Vectors and means of a sample turn that sample into components without correlation, of variance 1."""
    torch.manual_seed(2)
    sample = torch.randn(500, 8) @ torch.randn(8, 8) + 3
    values, vectors = torch.linalg.eigh(torch.cov(sample.T))
    network.pproc.pca_eigen_vectors.copy_((vectors / values.sqrt()).T)
    network.pproc.pca_means.copy_(sample.mean(0)[:, None])
    whitened = (sample - sample.mean(0)) @ vectors / values.sqrt()
    torch.testing.assert_close(torch.cov(whitened.T), torch.eye(8), atol=1e-2, rtol=0)
    processed = network.postprocess(sample)
    torch.testing.assert_close(processed, whitened.clamp(-2, 2), atol=1e-3, rtol=1e-3)
    assert processed.abs().max() == 2


@torch.inference_mode()
def test_quantised_to_256_steps_from_minus_2_to_2(network) -> None:
    values = torch.tensor([[-9.0, -2.0, -1.99, 0.0, 0.01, 1.99, 2.0, 9.0]])
    steps = network.postprocess(values, quantise=True)
    assert steps.dtype == torch.uint8
    assert steps.tolist() == [[0, 0, 0, 127, 128, 254, 255, 255]], "rounded down"
    assert network.postprocess(values)[0, [0, 3, 7]].tolist() == [-2, 0, 2], "not unless asked for"


def test_gradients_reach_every_weight(network) -> None:
    network.postprocess(network(examples())).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters())
    assert not any(name.startswith("pproc") for name, _ in network.named_parameters()), "the PCA stays as published"


@torch.inference_mode()
def test_random_weights_let_the_signal_through() -> None:
    torch.manual_seed(0)
    network = Vggish((16, 16, 32, 32, 32, 32, 64, 64, 32))
    embeddings = network(examples(8))
    assert 0.05 < embeddings.std(0).mean() < 20, "examples differ in their embeddings"
