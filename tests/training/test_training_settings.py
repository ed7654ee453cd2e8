"""Settings: what ``--set`` takes, and what it says where it cannot."""

from __future__ import annotations

import pytest

from sercourse.errors import UserError
from sercourse.training.networks import TrainingConfig
from sercourse.training.recipes import recipe
from sercourse.training.settings import PROFILES, Settings

CHAPTER = recipe("emotion_autoencoder")
QUICK = CHAPTER.settings("quick")


@pytest.mark.parametrize(
    ("assignment", "part", "value"),
    [
        ("epochs=3", "loop", 3),
        ("learning_rate=5e-4", "loop", 5e-4),
        ("learning_rate=1", "loop", 1.0),
        ("record_test=true", "loop", True),
        ("record_test=False", "loop", False),
        ("betas=0.5,0.9", "loop", (0.5, 0.9)),
        ("betas=[0.5, 0.9]", "loop", (0.5, 0.9)),
        ("sampling=balanced", "loop", "balanced"),
        ('sampling="balanced"', "loop", "balanced"),
        ("gain_db=2.5", "data", 2.5),
        ("crop_frames=64", "data", 64),
        ("hidden=32,16", "model", (32, 16)),
        ("hidden=[32]", "model", (32,)),
        ("functionals=is10,is09", "model", ("is10", "is09")),
        ('functionals=["is10"]', "model", ("is10",)),
        ("functionals=", "model", ()),
        ("embedding=false", "model", False),
        ("norm=batch", "model", "batch"),
    ],
)
def test_every_kind_is_read(assignment, part, value):
    found = getattr(getattr(QUICK.changed([assignment]), part), assignment.partition("=")[0])
    assert found == value
    assert type(found) is type(value)


def test_only_what_is_named_changes():
    changed = QUICK.changed(["epochs=3", "width=32"])
    assert changed.data == QUICK.data
    assert changed.loop.epochs == 3
    assert changed.loop.learning_rate == QUICK.loop.learning_rate
    assert QUICK.changed([]) == QUICK
    assert QUICK.changed(["epochs=3", "epochs=4"]).loop.epochs == 4, "the last one counts"


@pytest.mark.parametrize(
    ("assignment", "sentence"),
    [
        ("epoch=3", "there is no setting 'epoch'. Did you mean epochs?"),
        ("learning-rate=3", "Did you mean learning_rate?"),
        ("xyzzy=3", "Known are epochs, batch_size"),
        ("epochs", "--set epochs: write it as key=value"),
        ("=3", "there is no setting ''"),
        ("epochs=many", "the value must be a whole number"),
        ("epochs=2.5", "the value must be a whole number"),
        ("learning_rate=1e999", "the value must be a number"),
        ("epochs=" + 400 * "9", "the value must be a whole number"),
        ("epochs=", "the value must be a whole number"),
        ("learning_rate=fast", "the value must be a number"),
        ("embedding=maybe", "the value must be true or false"),
        ("hidden=1,x", "the value must be a whole number"),
        ("hidden=[1,", "the value must be a list a,b"),
        ("betas=0.9", "the value must be a list a,b"),
        ("betas=0.9,0.99,0.999", "the value must be a list a,b"),
        ("epochs=0", "epochs=0: must be 1 or more"),
        ("learning_rate=0", "learning_rate=0.0: must be above 0"),
        ("learning_rate=nan", "the value must be a number"),
        ("clip=-1", "clip=-1.0: must be 0 or more"),
        ("schedule=linear", "schedule=linear: choose one of constant, cosine"),
        ("select=accuracy", "select=accuracy: choose one of ua, wa, loss, last"),
        ("precision=fp16", "choose one of fp32, bf16"),
        ("crop_frames=0", "crop_frames=0: must be 1 or more"),
        ("gain_db=-1", "gain_db=-1.0: must be 0 or more"),
        ("norm=layer", "choose one of instance, batch, none"),
    ],
)
def test_a_mistake_is_one_sentence(assignment, sentence):
    with pytest.raises(UserError) as raised:
        QUICK.changed([assignment])
    message = str(raised.value)
    assert message.startswith("--set ")
    assert sentence in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("assignments", "sentence"),
    [
        (["learn_from=development"], "need select=last"),
        (["average=3"], "need select=last"),
        (["select=last", "patience=3"], "patience needs select=ua, wa or loss"),
        (["select=last", "average=9", "epochs=8"], "average=9: there are only 8 epochs"),
        (["batch_size=9", "devices=2"], "batch_size=9: must be a multiple of devices=2"),
        (["width=10", "heads=3"], "heads=3: must divide width=10"),
    ],
)
def test_contradictions_are_said(assignments, sentence):
    with pytest.raises(UserError, match=sentence):
        QUICK.changed(assignments)


@pytest.mark.parametrize(
    "assignments",
    [["select=last", "learn_from=development", "average=2"], ["patience=2"], ["batch_size=10", "devices=2"]],
)
def test_what_goes_together_goes(assignments):
    QUICK.changed(assignments)


def test_the_order_of_changes_that_need_each_other_does_not_matter():
    assert QUICK.changed(["average=2", "select=last"]) == QUICK.changed(["select=last", "average=2"])


@pytest.mark.parametrize("profile", PROFILES)
def test_json_gives_equal_settings_back(profile):
    changed = CHAPTER.settings(
        profile, ["functionals=", "hidden=7", "record_test=true", "betas=0.5,0.75", "gain_db=.1"]
    )
    stored = changed.to_json()
    assert QUICK.from_json(stored) == changed
    assert isinstance(QUICK.from_json(stored), Settings)


def test_stored_settings_with_an_unknown_name_are_refused():
    stored = QUICK.to_json()
    stored["model"]["wings"] = 2
    with pytest.raises(UserError, match="there is no setting 'wings'"):
        QUICK.from_json(stored)


def test_names_of_settings_are_unique_over_their_parts():
    """``--set key=value`` names no part, so that no key may stand in two."""
    names = [name for part in QUICK.to_json().values() for name in part]
    assert len(set(names)) == len(names)


def test_paper_profile_is_what_the_paper_prints():
    paper = CHAPTER.settings("paper")
    assert (paper.loop.epochs, paper.loop.learning_rate, paper.loop.betas) == (40, 1e-4, (0.9, 0.999))
    assert paper.loop.weight_decay == 0
    assert paper.data.crop_frames == 128
    assert paper.model.functionals == ("is10",)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"chapter": "emotion_autoencodr"}, "Did you mean emotion_autoencoder?"),
        ({"profile": "papper"}, "Did you mean paper?"),
        ({"changes": ("epoch=1",)}, "Did you mean epochs?"),
        ({"repeats": 0}, "--repeats 0: must be 1 or more"),
    ],
)
def test_a_wrong_configuration_is_said_before_anything_runs(asked, sentence):
    with pytest.raises(UserError) as raised:
        TrainingConfig(**asked)
    assert sentence in str(raised.value)


def test_every_configuration_has_a_run_folder_of_its_own():
    configs = [
        TrainingConfig(), TrainingConfig(corpus="emodb"), TrainingConfig(corpus="emodb,ravdess"),
        TrainingConfig(protocol="kfold-5"), TrainingConfig(profile="course"), TrainingConfig(changes=("epochs=7",)),
        TrainingConfig(changes=("norm=batch",)), TrainingConfig(changes=("hop_frames=32",)),
        TrainingConfig(unit="crop"), TrainingConfig(repeats=2), TrainingConfig(seed=1),
    ]  # fmt: skip
    names = [config.name for config in configs]
    assert len(set(names)) == len(names)
    assert not any("/" in name or "," in name for name in names)
    assert TrainingConfig(changes=("epochs=6",)).name == TrainingConfig().name, "what is the profile's own changes none"
