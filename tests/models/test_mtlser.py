"""MTLSER: heads on a shared encoder, alone and in company, and what is left out."""

import pytest
import torch
from transformers import AutoConfig, AutoModel

from sercourse.losses.masked import MISSING
from sercourse.models.mtlser import Mtlser
from sercourse.models.mtlser_config import MtlserConfig
from sercourse.models.speech_encoder import SpeechEncoder

CLASSES = {"emotion": ["anger", "neutral"], "speaker": ["a", "b", "c"], "text": list("-<>?|ab")}


def network(norm: str = "layer", classes=CLASSES, **config) -> Mtlser:
    torch.manual_seed(0)
    sizes = AutoConfig.for_model(
        "wav2vec2", hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        conv_dim=(16,) * 7, feat_extract_norm=norm, do_stable_layer_norm=norm == "layer", num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
    )  # fmt: skip
    encoder = SpeechEncoder(AutoModel.from_config(sizes), normalise=norm == "group")
    return Mtlser(encoder, classes, MtlserConfig(**config)).eval()


def batch() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {
        "audio": torch.randn(3, 6_000), "length": torch.tensor([6_000, 4_100, 2_500]),
        "emotion": torch.tensor([0, 1, MISSING]), "speaker": torch.tensor([2, MISSING, 0]),
        "text": torch.tensor([[5, 6], [6, 0], [0, 0]]), "text_length": torch.tensor([2, 1, 0]),
    }  # fmt: skip


@pytest.mark.parametrize("norm", ["layer", "group"])
@pytest.mark.parametrize("states", ["last", "weighted"])
@torch.inference_mode()
def test_alone_and_in_company_the_answers_agree(norm, states):
    model, together = network(norm, states=states), batch()
    outputs = model(together)
    for row in range(3):
        length = int(together["length"][row])
        alone = model({"audio": together["audio"][row : row + 1, :length], "length": together["length"][row : row + 1]})
        for task in ("emotion", "speaker"):
            torch.testing.assert_close(outputs[task][row], alone[task][0], atol=1e-5, rtol=1e-4)
        frames = int(alone["frames"])
        assert frames == int(outputs["frames"][row])
        torch.testing.assert_close(outputs["text"][row, :frames], alone["text"][0], atol=1e-5, rtol=1e-4)
        assert not outputs["path"][row, frames:].any()


def test_missing_labels_are_skipped_and_labels_never_reach_the_outputs():
    model, known = network(), batch()
    unlabelled = {name: known[name] for name in ("audio", "length")}
    outputs, blind = model(known), model(unlabelled)
    assert all(torch.equal(outputs[name], blind[name]) for name in blind)
    losses = model.losses(outputs, known)
    assert set(losses) == {"emotion", "text", "speaker"}
    pair = torch.nn.functional.cross_entropy(outputs["speaker"][[0, 2]], torch.tensor([2, 0]))
    assert torch.isclose(losses["speaker"], pair)
    nobody = known | {"speaker": torch.full((3,), MISSING)}
    assert model.losses(outputs, nobody)["speaker"] == 0, "speakers whom training does not hold have no loss"


def test_the_weights_are_those_of_equation_13():
    assert MtlserConfig().weights == {"emotion": 1.0, "text": 0.1, "speaker": 0.8}


def test_a_task_without_classes_is_off():
    model = network(classes={"emotion": CLASSES["emotion"]})
    assert model.tasks == ("emotion",)
    outputs = model(batch())
    assert "text" not in outputs
    assert "path" not in outputs
    assert model.written(outputs) == {}
    assert set(model.losses(outputs, batch())) == {"emotion"}


@pytest.mark.parametrize("freeze", ["none", "convolutions", "encoder"])
def test_what_is_frozen_stays_and_the_rest_learns(freeze):
    model = network(freeze=freeze).train()
    sum(model.losses(model(batch()), batch()).values()).backward()
    moved = {name.split(".")[0] + ("." + name.split(".")[2] if name.startswith("encoder") else "")
             for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}  # fmt: skip
    assert "heads" in moved
    assert ("encoder.feature_extractor" in moved) == (freeze == "none")
    assert ("encoder.encoder" in moved) == (freeze != "encoder")
    assert (model.shared_layer() is None) == (freeze == "encoder")


@pytest.mark.parametrize("freeze", ["none", "convolutions", "encoder"])
def test_only_with_a_frozen_encoder_the_tasks_cannot_touch_each_other(freeze):
    """Two steps with other weights of words and speaker: the emotion's logits are the same, if nothing that learns is
    shared, and others, if something is."""
    known, told = batch(), []
    for alpha, beta in ((0.0, 0.0), (1.0, 1.0)):
        model = network(freeze=freeze, masked=0.0).eval()
        optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
        for _ in range(2):
            losses = model.losses(model(known), known)
            optimiser.zero_grad()
            (losses["emotion"] + alpha * losses["text"] + beta * losses["speaker"]).backward()
            optimiser.step()
        told.append(model(known)["emotion"])
    assert torch.equal(*told) == (freeze == "encoder")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"freeze": "half"}, "freeze=half: choose one of"), ({"alpha": -1.0}, "alpha=-1.0: must be 0 or more"),
        ({"beta": float("inf")}, "beta=inf: must be 0 or more"),
        ({"backbone": ""}, "backbone: name one"), ({"dropout": 1.0}, "dropout=1.0"), ({"alphabet": "x"}, "alphabet=x"),
    ],
)  # fmt: skip
def test_settings_outside_their_range_are_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        MtlserConfig(**changes)


def test_checkpointing_changes_no_gradient():
    known, found = batch(), []
    for checkpointing in (False, True):
        model = network(checkpointing=checkpointing, masked=0.0).train()
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        model.encoder.network.config.layerdrop = 0.0
        sum(model.losses(model(known), known).values()).backward()
        found.append(model.encoder.network.feature_projection.projection.weight.grad)
    torch.testing.assert_close(*found)
