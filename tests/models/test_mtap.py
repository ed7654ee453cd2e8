"""MTAP: what each branch sees, how it is judged, what is missing."""

import pytest
import torch

from sercourse.losses.angular import apfl, arcface, focal_loss, normalised_softmax
from sercourse.losses.masked import MISSING, cross_entropy
from sercourse.models.mtap import Mtap
from sercourse.models.mtap_config import LOSSES, WAYS, MtapConfig

SIZES = {"image": 32, "text": 5, "audio": 3}
CLASSES = {"emotion": ["anger", "fear", "sadness"], "gender": ["female", "male"]}
ALL = {"text": "minilm", "audio": "mini"}


def network(**changes) -> Mtap:
    torch.manual_seed(0)
    config = MtapConfig(**{**ALL, "gender": "C", **changes})
    classes = CLASSES if config.gender != "none" else {"emotion": CLASSES["emotion"]}
    return Mtap(SIZES, classes, config).eval()


def batch(items: int = 4) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {
        "image": torch.randn(items, 40, 32), "frames": torch.ones(items, 40), "bands": torch.ones(items, 32),
        "text": torch.randn(items, 5), "text_there": torch.ones(items),
        "audio": torch.randn(items, 3), "audio_there": torch.ones(items),
        "emotion": torch.arange(items) % 3, "gender": torch.arange(items) % 2,
    }  # fmt: skip


def test_every_modality_is_a_layer_where_there_are_several():
    several, one = network(), network(text="none", audio="none", gender="none")
    assert list(several.layers()) == ["fused", "image", "text", "audio", "emotion"]
    outputs = several(batch())
    parts = torch.cat([outputs[name] for name in ("image", "text", "audio")], 1)
    assert torch.equal(parts, outputs["fused"])
    assert one.layers()["fused"] == "the image branch"
    assert list(one.layers()) == ["fused", "emotion"]


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_is_the_one_that_was_asked_for(loss):
    model, inputs = network(loss=loss, gamma=2.0, margin=0.3, scale=8.0), batch()
    outputs = model(inputs)
    judged, labels = outputs["emotion"], inputs["emotion"]
    expected = {
        "softmax": lambda: cross_entropy(judged, labels),
        "focal": lambda: focal_loss(judged, labels, gamma=2.0),
        "normalised": lambda: normalised_softmax(judged, labels, scale=8.0),
        "arcface": lambda: arcface(judged, labels, scale=8.0, margin=0.3),
        "apfl": lambda: apfl(judged, labels, scale=8.0, margin=0.3, gamma=2.0),
    }[loss]()
    assert model.losses(outputs, inputs)["emotion"] == expected
    angular = loss in ("normalised", "arcface", "apfl")
    assert bool((judged.abs() <= 1 + 1e-6).all()) >= angular
    torch.testing.assert_close(model.logits(outputs)["emotion"], judged * (8.0 if angular else 1.0))


def test_a_decision_knows_no_margin():
    with_margin, without = network(margin=0.5), network(margin=0.0)
    for model in (with_margin, without):
        model.load_state_dict(with_margin.state_dict())
    one, other = (model.logits(model(batch()))["emotion"] for model in (with_margin, without))
    torch.testing.assert_close(one, other)


@torch.inference_mode()
@pytest.mark.parametrize("way", WAYS)
def test_the_gender_hears_what_its_way_says(way):
    model, plain = network(gender=way), batch()
    for name in ("image", "text", "audio"):
        changed = plain | {name: plain[name] + 1.0}
        heard = not torch.equal(model(changed)["gender"], model(plain)["gender"])
        assert heard == (name in WAYS[way])
        assert not torch.equal(model(changed)["emotion"], model(plain)["emotion"])


@torch.inference_mode()
@pytest.mark.parametrize("name", ["text", "audio"])
def test_what_is_missing_counts_as_the_mean(name):
    model = network()
    model.scales[name].fit(torch.full((SIZES[name],), 7.0), torch.full((SIZES[name],), 2.0))
    lacking, mean = batch(), batch()
    lacking[f"{name}_there"][1] = 0.0
    mean[name][1] = 7.0
    torch.testing.assert_close(model(lacking)["fused"], model(mean)["fused"])
    present = model(batch())["fused"]
    assert not torch.equal(present[1], model(lacking)["fused"][1])
    torch.testing.assert_close(present[0], model(lacking)["fused"][0])


@torch.inference_mode()
@pytest.mark.parametrize("name", ["image", "text", "audio"])
def test_a_modality_that_nobody_has_may_be_left_out(name):
    model, whole = network(), batch()
    lacking = {one: values for one, values in whole.items() if one != name}
    outputs = model(lacking)
    assert outputs["fused"].shape == model(whole)["fused"].shape
    assert not outputs[name].any()
    assert model.losses(outputs, whole)["emotion"].isfinite()
    if name != "image":
        torch.testing.assert_close(outputs["fused"], model(whole | {f"{name}_there": torch.zeros(4)})["fused"])


@torch.inference_mode()
def test_padding_and_masks_hide_what_lies_under_them():
    model, one = network(), batch()
    one["frames"][:, 30:] = 0.0
    one["bands"][:, 5:8] = 0.0
    other = one | {"image": one["image"].clone()}
    other["image"][:, 30:] = 99.0
    other["image"][:, :, 5:8] = -99.0
    torch.testing.assert_close(model(one)["fused"], model(other)["fused"])


@torch.inference_mode()
def test_company_changes_nothing():
    model, together = network(), batch()
    for row in range(4):
        alone = model({name: values[row : row + 1] for name, values in together.items()})
        torch.testing.assert_close(model(together)["emotion"][row : row + 1], alone["emotion"], atol=1e-5, rtol=1e-4)


def test_missing_labels_teach_nothing():
    model, inputs = network(), batch()
    inputs["emotion"][:] = inputs["gender"][:] = MISSING
    losses = model.losses(model(inputs), inputs)
    assert {task: loss.item() for task, loss in losses.items()} == {"emotion": 0.0, "gender": 0.0}
    sum(losses.values()).backward()
    taught = [name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()]
    assert taught == []
    assert any(p.grad is not None for p in model.parameters()), "but the losses are connected with the network"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"margin": 3.2}, r"margin=3\.2"),
        ({"margin": 28.6}, r"28\.6 degrees are margin=0\.4992"),
        ({"scale": 0.0}, r"scale=0\.0: must be above 0"),
        ({"gamma": -0.1}, r"gamma=-0\.1: must be 0 or more"),
        ({"loss": "hinge"}, "loss=hinge: choose one of softmax, focal"),
        ({"image": "vgg"}, "image=vgg: choose one of small, densenet169"),
        ({"image": "none"}, "one of them must be there"),
        ({"gender": "D"}, "gender=D: choose one of A, B, C, none"),
        ({"image": "none", "text": "minilm", "gender": "B"}, "gender=B: hears image and audio, which are not there"),
        ({"imagenet": True}, "imagenet=true: needs image=densenet169 or resnet50"),
        ({"text": ""}, "text=: names no encoder; write text=none"),
        ({"text": "  "}, "text=  : names no encoder; write text=none"),
        ({"audio": ""}, "audio=: names no encoder; write audio=none"),
    ],
)
def test_settings_outside_their_range_are_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        MtapConfig(**changes)


def test_one_emotion_alone_cannot_be_told():
    with pytest.raises(ValueError, match="classes=1"):
        Mtap(SIZES, {"emotion": ["anger"]})


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("task", CLASSES)
def test_one_class_alone_cannot_be_told_under_any_loss(loss, task):
    config = MtapConfig(**ALL, gender="A", loss=loss)
    with pytest.raises(ValueError, match=f"{task}: classes=1, and there must be two or more to tell apart"):
        Mtap(SIZES, CLASSES | {task: CLASSES[task][:1]}, config)


def test_genders_that_nobody_asks_for_have_no_head():
    model, inputs = Mtap(SIZES, CLASSES).eval(), batch()
    assert model.tasks == ("emotion",)
    assert (
        set(model.heads) == set(model.logits(model(inputs))) == set(model.losses(model(inputs), inputs)) == {"emotion"}
    )


def test_the_shared_layer_is_a_convolution_where_there_are_two_tasks():
    assert network().shared_layer().ndim == 4
    assert network(gender="none").shared_layer() is None
    assert network(image="none").shared_layer() is None
