"""The image branch: published networks with one channel in place of three."""

import pytest
import torch
from torchvision.models import densenet169, resnet50

from sercourse.models.image_branch import SMALLEST, ImageBranch
from sercourse.models.mtap_config import NETWORKS


def published(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return {"densenet169": densenet169, "resnet50": resnet50}[name](weights=None).eval()


def features(network: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """What torchvision's network gives to its last layer."""
    caught = []
    last = network.classifier if hasattr(network, "classifier") else network.fc
    handle = last.register_forward_hook(lambda layer, inputs, output: caught.append(inputs[0]))
    network(images)
    handle.remove()
    return caught[0]


@torch.inference_mode()
@pytest.mark.parametrize("name", NETWORKS[1:])
def test_one_channel_gives_what_three_equal_ones_would(name):
    network, branch = published(name), ImageBranch(name).eval()
    branch.begin_with(network.state_dict())
    images = torch.randn(2, 64, 48)
    expected = features(network, images[:, None].expand(-1, 3, -1, -1))
    assert branch.width == expected.shape[1] == {"densenet169": 1664, "resnet50": 2048}[name]
    torch.testing.assert_close(branch(images), expected, atol=1e-4, rtol=1e-4)


def test_weights_in_the_spelling_of_older_files_are_read():
    state = published("densenet169").state_dict()
    older = {}
    for name, weight in state.items():
        for kind in ("norm", "conv"):
            name = name.replace(f".{kind}1.", f".{kind}.1.").replace(f".{kind}2.", f".{kind}.2.")
        older[name] = weight
    assert older.keys() != state.keys()
    one, other = ImageBranch("densenet169"), ImageBranch("densenet169")
    one.begin_with(state)
    other.begin_with(older)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_weights_of_another_network_are_refused():
    with pytest.raises(RuntimeError, match=r"the weights are not those of densenet169: .* such as features"):
        ImageBranch("densenet169").begin_with(published("resnet50").state_dict())


def test_weights_of_which_one_is_missing_or_has_another_shape_are_refused_before_any_is_taken():
    state, branch = published("resnet50").state_dict(), ImageBranch("resnet50")
    before = [p.clone() for p in branch.parameters()]
    lacking = {name: weight for name, weight in state.items() if name != "layer4.2.conv3.weight"}
    for wrong in (lacking, state | {"layer4.2.conv3.weight": torch.zeros(3)}, state | {"more": torch.zeros(3)}):
        with pytest.raises(RuntimeError, match="not those of resnet50: 1 are missing, unknown or of another shape"):
            branch.begin_with(wrong)
    assert all(torch.equal(a, b) for a, b in zip(before, branch.parameters(), strict=True))
    branch.begin_with({name: weight for name, weight in state.items() if not name.endswith("num_batches_tracked")})
    assert torch.equal(branch.network.layer4[2].conv3.weight, state["layer4.2.conv3.weight"])


@torch.inference_mode()
@pytest.mark.parametrize("name", NETWORKS)
def test_the_smallest_image_passes(name):
    assert ImageBranch(name).eval()(torch.randn(1, SMALLEST, SMALLEST)).shape[0] == 1


@pytest.mark.parametrize("shape", [(SMALLEST, SMALLEST - 1), (16, SMALLEST)])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_smaller_image_is_one_sentence(name, shape):
    sentence = f"an image of {shape[0]} frames and {shape[1]} bins: the image branch needs 32 of both"
    with pytest.raises(ValueError, match=sentence):
        ImageBranch(name)(torch.randn(2, *shape))


def test_the_small_one_is_small():
    assert 1e5 < sum(p.numel() for p in ImageBranch("small").parameters()) < 2.5e5


def test_an_image_alone_can_be_trained_on():
    branch = ImageBranch("small").train()
    branch(torch.randn(1, SMALLEST, SMALLEST)).sum().backward()
    branch(torch.randn(2, SMALLEST, SMALLEST)).sum().backward()
    assert branch.network.training
