"""Two processes on one machine (gloo) give what one gives, where nothing random differs between them."""

from __future__ import annotations

import pytest
import torch

from sercourse.training.checkpoints import load_checkpoint
from sercourse.training.fit import RESULT
from sercourse.training.networks import Run, TrainingConfig, train

pytestmark = pytest.mark.usefixtures("threads_put_back")

TOLERANCE = 1e-5
"""Largest difference of a probability or loss after 15 steps; measured: 6e-8 and 1e-7. Sums are taken in another order.

The networks have no norm: a bias that instance norm takes out again has a gradient of nothing but rounding, of which
Adam makes full steps, so that with it probabilities differ by 3e-5 after 3 steps and a loss by 4e-3 within 15."""


def run(table, tiny, root, devices: int, environment, *more: str) -> Run:
    environment.setenv("SERCOURSE_RUNS", str(root / str(devices)))
    changes = (
        "dropout=0",
        "norm=none",
        "select=last",
        "epochs=5",
        "learning_rate=1e-3",
        "crop_frames=12",
        "batch_size=10",
        "draws=2",
        f"devices={devices}",
    )
    config = TrainingConfig(corpus="little", protocol="holdout-20", changes=(*tiny, *changes, *more))
    return train(config, table=table, workers=1, progress=False)


@pytest.fixture(scope="module")
def both(little_corpus, tiny, tmp_path_factory):
    """The same run on one process and on two. All crops have 12 frames, and 30 draws in batches of 10 fall into equal
    halves: then the mean of the halves' losses is the loss of the whole."""
    environment, root = pytest.MonkeyPatch(), tmp_path_factory.mktemp("devices")
    yield [run(little_corpus, tiny, root, devices, environment) for devices in (1, 2)]
    environment.undo()


def result(run: Run):
    return load_checkpoint(run.folder / "folds" / "0-00-0" / RESULT)


def test_batches_fall_into_equal_halves(both):
    fold = both[0].protocol["repeats"][0]["folds"][0]
    assert 2 * len(fold["train"]) % 10 == 0


def test_probabilities_are_those_of_one_process(both):
    (one, _), (two, _) = (result(run) for run in both)
    for side in ("test.emotion", "validation.emotion"):
        assert (one[side] - two[side]).abs().max().item() < TOLERANCE
        assert not torch.isnan(two[side]).any()
    assert list(both[0].predictions["predicted"]) == list(both[1].predictions["predicted"])


def test_losses_on_the_way_are_those_of_one_process(both):
    (_, one), (_, two) = (result(run) for run in both)
    for name in ("train_emotion", "train_reconstruction", "validation_emotion", "validation_reconstruction"):
        curves = [[row[name] for row in about["curves"]] for about in (one, two)]
        assert curves[0] == pytest.approx(curves[1], abs=TOLERANCE)
        if name == "train_emotion":
            assert curves[0][-1] < curves[0][0] - 0.3, "it learns: networks as they began would agree, too"


def test_with_instance_norm_the_first_steps_are_those_of_one_process(little_corpus, tiny, tmp_path, monkeypatch):
    """The network as it is, but for dropout: within 1e-4 after an epoch of three steps (see TOLERANCE)."""
    more = ("norm=instance", "epochs=1")
    one, two = (result(run(little_corpus, tiny, tmp_path, devices, monkeypatch, *more))[0] for devices in (1, 2))
    assert (one["test.emotion"] - two["test.emotion"]).abs().max().item() < 1e-4


def test_one_process_writes(both):
    first, second = (sorted(p.relative_to(one.folder) for p in one.folder.rglob("*")) for one in both)
    events = "events.out"
    assert [p for p in first if events not in p.name] == [p for p in second if events not in p.name]
    assert sum(events in p.name for p in second) == 1
    curves = (both[1].folder / "folds" / "0-00-0" / "curves.csv").read_text("utf-8")
    assert len(curves.splitlines()) == 1 + 5


def test_gradnorm_takes_the_steps_of_one_process(little_corpus, tiny, tmp_path, monkeypatch):
    """Each sees the gradients of its half alone; averaged, they are those of the whole."""
    more = ("balancer=gradnorm", "gradnorm_rate=0.2")
    tables = [
        result(run(little_corpus, tiny, tmp_path, devices, monkeypatch, *more))[1]["curves"] for devices in (1, 2)
    ]
    one, two = ([row["weight_emotion"] for row in rows] for rows in tables)
    assert one == pytest.approx(two, abs=TOLERANCE)
    assert abs(one[-1] - one[0]) > 1e-3, "it learns"
