"""Killed with SIGKILL at any moment and resumed, a run ends in the same bytes.

A run leaves nothing but files, so all moments are alike that lie between two writes. One test kills a run before each
of its kinds of writes, others kill in the middle of an epoch, with one fold at a time and with two.
"""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from sercourse.errors import UserError
from sercourse.training.checkpoints import load_checkpoint, save_checkpoint
from sercourse.training.fit import RESULT, STATE, WEIGHTS
from sercourse.training.networks import TrainingConfig, load_or_train, train

pytestmark = pytest.mark.usefixtures("threads_put_back")

CHOSEN = ("epochs=3", "dropout=0.3", "gain_db=3", "frequency_masks=1", "time_masks=1", "patience=9")
AVERAGED = (
    "epochs=3", "dropout=0.3", "select=last", "average=2", "schedule=cosine", "record_test=true", "norm=batch",
    "balancer=gradnorm", "gradnorm_rate=0.2",
)  # fmt: skip
WRITES = 13
"""Of a run of one fold and three epochs: what was asked, three times curves and state, weights, result, and the four
files of the run."""


class Runs:
    """Runs of one table in folders of their own."""

    def __init__(self, table: pd.DataFrame, root: Path, tiny: tuple[str, ...], environment: pytest.MonkeyPatch) -> None:
        self.table, self.root, self.tiny, self.environment = table, root, tiny, environment

    def config(self, changes: tuple[str, ...], protocol: str) -> TrainingConfig:
        return TrainingConfig(corpus="little", protocol=protocol, changes=(*self.tiny, *changes))

    def place(self, name: str, config: TrainingConfig) -> Path:
        """Runs go to a folder of this name from here on; the configuration's own folder in it."""
        self.environment.setenv("SERCOURSE_RUNS", str(self.root / name))
        return config.folder

    def train(self, name: str, config: TrainingConfig, **options) -> bytes:
        """Train in this process; the predictions' bytes."""
        folder = self.place(name, config)
        train(config, table=self.table, workers=1, progress=False, **options)
        return (folder / "predictions.csv").read_bytes()

    def reference(self, config: TrainingConfig) -> bytes:
        """Of a run that nobody killed; trained once."""
        folder = self.place("reference", config)
        load_or_train(config, table=self.table, workers=1, progress=False)
        return (folder / "predictions.csv").read_bytes()

    def start(self, name: str, config: TrainingConfig, *, jobs: int = 1, die_before_write: int = 0):
        """Begin a run in a process of its own."""
        folder = self.place(name, config)
        context = multiprocessing.get_context("forkserver")
        preloaded = ("networks", "recipes.emotion_autoencoder")
        context.set_forkserver_preload([f"sercourse.training.{module}" for module in preloaded])
        variables = {key: os.environ[key] for key in ("SERCOURSE_RUNS", "SERCOURSE_CACHE")}
        process = context.Process(target=_run, args=(variables, self.table, config, jobs, die_before_write))
        process.start()
        return process, folder

    def begun(self, name: str, config: TrainingConfig):
        """As :meth:`start`, once the run is at work."""
        process, folder = self.start(name, config)
        while not (folder / "asked.json").exists():
            time.sleep(0.002)
        return process, folder

    def killed(self, name: str, config: TrainingConfig, when: Callable[[Path], bool], *, jobs=1, delay=0.0) -> Path:
        """Begin a run, kill it ``delay`` seconds after ``when`` comes true; its folder."""
        process, folder = self.start(name, config, jobs=jobs)
        deadline = time.monotonic() + 120
        while not when(folder):
            assert process.is_alive(), "the run ended before the moment came"
            assert time.monotonic() < deadline, "the moment did not come"
            time.sleep(0.002)
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert not (folder / "summary.json").exists()
        return folder


def _run(variables: dict, table: pd.DataFrame, config: TrainingConfig, jobs: int, die_before_write: int) -> None:
    """What the process does that is killed; it may kill itself, the file of the write then lies beside its place."""
    os.environ.update(variables)
    replace, count = Path.replace, [0]

    def counted(path: Path, target: Path) -> Path:
        if Path(target).is_relative_to(variables["SERCOURSE_RUNS"]):
            count[0] += 1
            if count[0] == die_before_write:
                os.kill(os.getpid(), signal.SIGKILL)
        return replace(path, target)

    Path.replace = counted
    train(config, table=table, workers=1, progress=False, jobs=jobs)
    if die_before_write:
        os._exit(count[0])


@pytest.fixture(scope="module")
def runs(little_corpus, tmp_path_factory, tiny) -> Runs:
    environment = pytest.MonkeyPatch()
    yield Runs(little_corpus, tmp_path_factory.mktemp("runs"), tiny, environment)
    environment.undo()


def network(folder: Path, fold: int = 0) -> Path:
    return folder / "folds" / f"0-{fold:02d}-0"


def epochs(folder: Path, fold: int = 0) -> int:
    """Whole epochs in a fold's state; 0 where there is none (or where it is gone again)."""
    try:
        return load_checkpoint(network(folder, fold) / STATE)[1]["epoch"]
    except UserError:
        return 0


def rows(folder: Path, fold: int = 0) -> list[dict]:
    with (network(folder, fold) / "curves.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_same_run_twice_gives_the_same_bytes_and_another_seed_others(runs):
    config = runs.config(CHOSEN, "holdout-20")
    assert runs.train("again", config) == runs.reference(config)
    other = TrainingConfig(corpus="little", protocol="holdout-20", changes=config.changes, seed=1)
    assert runs.train("again", other) != runs.reference(config)


@pytest.mark.parametrize(
    ("changes", "write"),
    [(CHOSEN, write) for write in (1, 2, 3, 6, 7, 8, 9, 10, 13)] + [(AVERAGED, write) for write in (5, 9)],
    ids=lambda value: str(value) if isinstance(value, int) else "average" if value is AVERAGED else "choice",
)
def test_killed_before_any_of_its_writes(runs, changes, write):
    """The averaged run sums weights over epochs, keeps the probabilities of each and learns the weights of its losses,
    all of which must come back, too."""
    config = runs.config(changes, "holdout-20")
    expected = runs.reference(config)
    name = f"write {write} {len(changes)}"
    process, folder = runs.start(name, config, die_before_write=write)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    begun = (".state", ".weights", ".result", ".curves", "tmp")
    left = [path for path in folder.rglob("*") if path.name.startswith(begun)]
    assert len(left) == 1, "it was killed between a file and its place"
    assert runs.train(name, config, resume=True) == expected
    assert [row["epoch"] for row in rows(folder)] == ["1", "2", "3"]
    assert not (network(folder) / STATE).exists()


@pytest.mark.parametrize("write", [3, 5, 7])
def test_a_network_with_an_adversary_of_its_own_rate_comes_back_too(runs, write):
    """Two groups in the optimiser, a strength that follows the epochs, tasks that draw by chance."""
    changes = (
        "hidden=6", "head=6", "step=4", "epochs=3", "batch_size=8", "critic_rate=5", "correlation_weight=2",
        "dropout=0.3", "schedule=cosine", "discriminate=task", "threads=1", "accelerator=cpu",
    )  # fmt: skip
    config = TrainingConfig("asp_mtl", "little", "holdout-20", changes=changes)
    expected = runs.reference(config)
    process, folder = runs.start(f"adversary {write}", config, die_before_write=write)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert epochs(folder) == (write - 2) // 2, "so far it had come"
    assert runs.train(f"adversary {write}", config, resume=True) == expected


def test_a_run_has_no_more_writes_than_that(runs):
    process, folder = runs.start("all writes", runs.config(CHOSEN, "holdout-20"), die_before_write=WRITES + 1)
    process.join()
    assert process.exitcode == WRITES
    assert (folder / "summary.json").exists()
    assert not [path for path in folder.rglob(".*") if path.is_file() and path.name != ".lock"]


LONG = (*CHOSEN, "draws=6")
"""Epochs of some tenths of a second, so that a moment can be met inside one."""


@pytest.mark.parametrize(
    ("jobs", "when", "delay"),
    [
        (1, lambda folder: network(folder).exists(), 0.1),
        (1, lambda folder: epochs(folder) == 1, 0.1),
        (1, lambda folder: epochs(folder, 1) == 1, 0.05),
        (2, lambda folder: epochs(folder) == 1 or epochs(folder, 1) == 1, 0.05),
    ],
    ids=["first epoch", "second epoch", "second fold", "two jobs"],
)
def test_killed_inside_an_epoch(runs, jobs, when, delay):
    config = runs.config(LONG, "kfold-2")
    expected = runs.reference(config)
    name = f"inside {jobs} {delay}"
    folder = runs.killed(name, config, when, jobs=jobs, delay=delay)
    before = {fold: rows(folder, fold) for fold in range(2) if (network(folder, fold) / "curves.csv").exists()}
    assert runs.train(name, config, resume=True) == expected
    for fold, known in before.items():
        assert rows(folder, fold)[: len(known) - 1] == known[:-1], "seconds and all: these epochs were not run again"


def test_a_finished_fold_is_not_touched(runs):
    config = runs.config(LONG, "kfold-2")
    expected = runs.reference(config)
    folder = runs.killed("fold done", config, lambda folder: epochs(folder, 1) == 1)
    done = {path: path.stat().st_mtime_ns for path in network(folder).iterdir() if path.is_file()}
    assert {RESULT, WEIGHTS} <= {path.name for path in done}
    assert runs.train("fold done", config, resume=True) == expected
    assert {path: path.stat().st_mtime_ns for path in network(folder).iterdir() if path.is_file()} == done


def test_a_result_that_is_gone_is_made_again(runs):
    """Only the weights are left: without its predictions a fold is not done."""
    config = runs.config(CHOSEN, "holdout-20")
    expected = runs.train("no result", config)
    folder = runs.place("no result", config)
    (network(folder) / RESULT).unlink()
    (folder / "summary.json").unlink()
    assert runs.train("no result", config, resume=True) == expected


def test_load_or_train_finishes_what_was_begun_and_then_only_reads(runs):
    config = runs.config(CHOSEN, "holdout-20")
    expected = runs.reference(config)
    folder = runs.killed("load or train", runs.config(CHOSEN, "holdout-20"), lambda folder: epochs(folder) >= 1)
    run = load_or_train(config, table=runs.table, workers=1, progress=False)
    assert (folder / "predictions.csv").read_bytes() == expected
    before = (folder / "run.json").stat().st_mtime_ns
    assert load_or_train(config, table=runs.table).summary["ua"] == run.summary["ua"]
    assert (folder / "run.json").stat().st_mtime_ns == before


def test_without_resume_a_folder_is_begun_anew(runs):
    config = runs.config(CHOSEN, "holdout-20")
    expected = runs.reference(config)
    folder = runs.killed("anew", config, lambda folder: epochs(folder) >= 1)
    seconds = rows(folder)[0]["seconds"] if (network(folder) / "curves.csv").exists() else "none"
    assert runs.train("anew", config) == expected
    assert rows(folder)[0]["seconds"] != seconds


def damaged(runs: Runs, name: str, file: str, content: bytes) -> str:
    """What a run says that goes on beside a damaged file."""
    config = runs.config(CHOSEN, "holdout-20")
    folder = runs.place(name, config)
    if not folder.exists():
        runs.train(name, config)
        (folder / "summary.json").unlink()
    network(folder).joinpath(RESULT).unlink(missing_ok=file != RESULT)
    network(folder).joinpath(file).write_bytes(content)
    with pytest.raises(UserError) as raised:
        runs.train(name, config, resume=True)
    message = str(raised.value)
    assert str(network(folder) / file) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("file", [STATE, RESULT])
@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04 a pickle", bytes(range(256)) * 9], ids=["empty", "pickle", "bytes"]
)
def test_a_damaged_file_is_one_sentence(runs, file, content):
    message = damaged(runs, f"damaged {file}", file, content)
    assert "damaged or not a checkpoint; delete it and train again with --resume" in message


def test_deleting_the_damaged_file_helps_as_the_sentence_says(runs):
    config = runs.config(CHOSEN, "holdout-20")
    damaged(runs, "mended", STATE, b"nonsense")
    (network(runs.place("mended", config)) / STATE).unlink()
    assert runs.train("mended", config, resume=True) == runs.reference(config)


def test_a_checkpoint_of_something_else_is_not_taken_for_a_state(runs):
    config = runs.config(CHOSEN, "holdout-20")
    folder = runs.place("foreign", config)
    save_checkpoint(network(folder) / STATE, {}, {"epoch": 1})
    with pytest.raises(UserError, match=r"state\.safetensors: "):
        runs.train("foreign", config, resume=True)


def test_load_or_train_waits_for_another_that_trains_the_same(runs):
    config = runs.config(CHOSEN, "kfold-2")
    process, folder = runs.begun("waited", config)
    run = load_or_train(config, table=runs.table, workers=1, progress=False)
    process.join()
    assert (process.exitcode, run.folder) == (0, folder)
    assert (folder / "predictions.csv").read_bytes() == runs.reference(config)


def test_two_processes_do_not_train_one_run_at_once(runs):
    config = runs.config(LONG, "kfold-2")
    process, _ = runs.begun("twice", config)
    with pytest.raises(UserError, match="another process is at work on this run; wait for it or stop it"):
        runs.train("twice", config, resume=True)
    process.kill()
    process.join()


def test_a_resumed_run_keeps_the_number_of_threads(runs):
    """Another number would give other last digits."""
    config = runs.config(CHOSEN, "holdout-20")
    runs.train("threads", config)
    folder = runs.place("threads", config)
    asked = json.loads((folder / "asked.json").read_text("utf-8"))
    assert asked["threads"] == 1
    (folder / "asked.json").write_text(json.dumps(asked | {"threads": 2}), "utf-8")
    runs.train("threads", config, resume=True)
    assert json.loads((folder / "asked.json").read_text("utf-8"))["threads"] == 2
