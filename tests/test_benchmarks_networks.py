"""The benchmark of networks: whole epochs of profiles, and single steps of chapter 05's image networks."""

import json

import pytest

from benchmarks import networks

pytestmark = pytest.mark.usefixtures("threads_put_back")


def test_chapter_05_is_measured_in_the_profiles_that_a_processor_can_bear():
    assert networks.PROFILES["mtap"] == ("quick", "course")
    trainer, about = networks._prepared("mtap", "quick", count=16)
    assert trainer.epoch(0) > 0
    assert about["parameters"] < 200_000
    cost = networks.Cost("mtap", "quick", seconds_per_epoch=1.0, peak_mb=2.0, **about)
    assert networks.table([cost]).row_count == 1


def test_steps_are_those_of_the_papers_images(capsys, tmp_path):
    file = tmp_path / "steps.json"
    assert networks.main(["small", "--steps", "1", "--json", str(file)]) == 0
    cost = json.loads(file.read_text("utf-8"))["steps"]
    assert (cost["image"], cost["batch"], cost["steps"]) == ("400 x 400", 2, 1)
    assert cost["seconds_per_utterance"] == pytest.approx(cost["seconds_per_step"] / 2)
    assert cost["hours_per_fold"] == pytest.approx(cost["seconds_per_utterance"] * 480 * 60 / 3600)
    assert "images of 400 x 400" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["vgg"], "invalid choice: 'vgg'"),
        (["small", "--batch", "1"], "--batch 1: must be 2 or more"),
        (["small", "--steps", "0"], "--steps 0: must be 1 or more"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(arguments, sentence, capsys):
    with pytest.raises(SystemExit, match="2"):
        networks.main(arguments)
    assert sentence in capsys.readouterr().err
