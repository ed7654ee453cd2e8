"""Cells: one network, one corpus, one protocol, one seed, measured once and kept as a small summary.

A table of a paper is assembled from cells. A cell is taken from ``results/<chapter>/cells/`` where it was stored, from
a finished run folder, or trained. So a long table grows over days, and a reader can ask for one row of it.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import yaml
from matplotlib.figure import Figure
from rich.console import Console

from sercourse.errors import UserError
from sercourse.evaluation.comparison import compare
from sercourse.evaluation.metrics import wa
from sercourse.training.baseline import BaselineConfig, run_baseline
from sercourse.training.networks import TrainingConfig, load_or_train
from sercourse.training.runs import Run, environment, write_json

RESULTS = Path(__file__).resolve().parent.parent.parent / "results"
"""Committed summaries; absent where sercourse was installed without its repository."""

KEPT = (
    "corpus", "chapter", "features", "protocol", "unit", "protocol_line", "profile", "settings", "seed", "wa", "ua",
    "wa_sd", "ua_sd", "wa_mean", "ua_mean", "wa_sd_repeats", "ua_sd_repeats", "wa_interval", "ua_interval", "n_test",
    "repeats", "folds", "per_class", "confusion", "gaps", "ece", "notices", "data_hash", "networks", "parameters",
    "epochs_chosen", "seconds_per_epoch", "training_seconds", "peak_mb", "run",
)  # fmt: skip

SAME_RUN = ("alphabet", "predicted", "data_hash", "ece", "epochs_chosen", "parameters")
"""What tells a run from another one of the same name: further figures of a stored cell are kept where all agree."""

SAME = 1e-6
"""Points by which a figure that is computed again may differ from the stored one."""

MACHINES = ("is10", "compare")
"""openSMILE sets of the machines that a network has to beat; the better one of a run is the strongest baseline."""

NO_VALIDATION = ", without validation"
"""A machine fitted on the training side alone, as the networks are that choose their epoch on validation."""


@dataclass(frozen=True)
class Bench:
    """How an artifact is to be measured.

    Attributes:
        corpus: its name; ``None``: the artifact's own.
        profile: quick, course or paper.
        repeats: times that protocols are drawn.
        seed: of the first.
        jobs: folds trained at a time.
        rows: only these rows are trained; others are taken where they are stored. Empty: all.
        protocol: of an artifact that knows several, only these. Empty: those that it takes of itself.
        store: keep new cells under ``results/``.
        figure: file for a picture; ``None``: none.
        console: where to show tables; ``None``: nowhere.
    """

    corpus: str | None = None
    profile: str = "quick"
    repeats: int = 1
    seed: int = 0
    jobs: int = 1
    rows: tuple[str, ...] = ()
    store: bool = False
    figure: Path | None = None
    console: Console | None = None
    protocol: tuple[str, ...] = ()

    def config(self, chapter: str, protocol: str, changes: Sequence[str] = (), **fields: str | int) -> TrainingConfig:
        """The training run of one cell."""
        corpus = self.corpus or "synthetic"
        return TrainingConfig(
            chapter, corpus, protocol, self.profile, tuple(changes), repeats=self.repeats, seed=self.seed, **fields
        )

    def cell(
        self, row: str, config: TrainingConfig, more: Callable[[Run], dict] = lambda run: {},
        *, needs: Sequence[str] = (),
    ) -> dict | None:  # fmt: skip
        """A cell's summary; ``None`` where it is not stored and not asked for.

        Args:
            row: its row, for ``rows``.
            config: its run.
            more: further figures from the run folder.
            needs: which of these a stored cell must have; where another artifact stored it without, they are added
                from its run.

        Raises:
            UserError: the row is stored without what is needed, and not asked for.
        """
        outdated: dict = {}

        def measure() -> dict:
            run = load_or_train(config, jobs=self.jobs, progress=self.console is not None)
            figures = {name: run.summary[name] for name in KEPT} | spelled(run.predictions)
            same = all(outdated.get(name) == figures[name] for name in SAME_RUN)
            return (outdated if same else {}) | figures | more(run)

        def valid(cell: dict) -> bool:
            if not config.settings.agrees(cell["settings"]):  # a default that changed has made it another network
                return False
            outdated.update(cell)
            return all(name in cell for name in needs)

        cell = self.kept(f"{row}, {config.protocol}", row, config.chapter, config.name, measure, valid=valid)
        if cell is None and outdated:
            lacks = ", ".join(name for name in needs if name not in outdated)
            raise UserError(f"--rows: '{row}' is stored without {lacks}, which this table needs; add it to --rows.")
        return cell

    def kept(
        self, title: str, row: str, chapter: str, name: str, measure: Callable[[], dict],
        *, valid: Callable[[dict], bool] = lambda cell: True,
    ) -> dict | None:  # fmt: skip
        """A summary that is stored, or measured now; ``None`` where it is neither stored nor asked for.

        Args:
            title: said before it is measured.
            row: its row, for ``rows``.
            chapter: whose results.
            name: of its file.
            measure: gives the summary.
            valid: whether a stored one is what is asked for.
        """
        stored = cell_path(chapter, name)
        if stored.exists():
            cell = _read(stored)
            if valid(cell):
                self.say(f"{title}: as stored in results/ (delete {stored.name} to measure it anew)")
                return cell
        if self.rows and row not in self.rows:
            return None
        self.say(f"{title}:")
        summary = measure() | {"environment": environment()}
        if self.store:
            write_json(stored, summary)
        return summary

    def say(self, sentence: str) -> None:
        """Show a sentence, where there is somewhere to show it."""
        if self.console is not None:
            self.console.print(sentence, soft_wrap=True)

    def machine(self, protocol: str, features: str = "is10", unit: str = "utterance", **more: str) -> Run:
        """openSMILE + linear SVM on the same folds; ``more`` of :class:`BaselineConfig`."""
        asked = {"unit": unit, "repeats": self.repeats, "seed": self.seed} | more
        config = BaselineConfig(self.corpus or "synthetic", features, protocol, **asked)
        return run_baseline(config, progress=self.console is not None)

    def strongest(self, protocol: str, unit: str = "utterance") -> tuple[Run, dict[str, Run]]:
        """The best of :data:`MACHINES` by WA on the same folds, and all of them by feature set."""
        machines = {features: self.machine(protocol, features, unit) for features in MACHINES}
        return max(machines.values(), key=lambda run: run.summary["wa"]), machines

    def about(self, artifact: str, protocol: str) -> dict:
        """What an artifact says of itself.

        Args:
            artifact: ``CHAPTER/NAME``.
            protocol: of its networks.
        """
        told = {"corpus": self.corpus, "protocol": protocol, "profile": self.profile, "seed": self.seed}
        return {"artifact": artifact, **told, "repeats": self.repeats}

    def check_rows(self, known: Sequence[str]) -> None:
        """Refuse a row that the artifact does not have.

        Raises:
            UserError: no such row.
        """
        for row in self.rows:
            if row not in known:
                raise UserError(f"--rows {row}: the artifact has no such row; choose among {'; '.join(known)}.")

    def protocols(self, own: Sequence[str], further: Sequence[str] = ()) -> tuple[str, ...]:
        """The protocols of an artifact that are asked for.

        Args:
            own: what it takes where none is named.
            further: what can be named besides.

        Raises:
            UserError: one that the artifact does not know.
        """
        known = (*own, *further)
        for name in self.protocol:
            if name not in known:
                raise UserError(
                    f"--protocol {name}: the artifact has no figures under it; choose among {', '.join(known)}."
                )
        return tuple(name for name in known if name in self.protocol) if self.protocol else tuple(own)

    def per_seed(self) -> list[Bench]:
        """One bench per repeat, so that each seed is a cell of its own."""
        return [replace(self, repeats=1, seed=self.seed + k) for k in range(self.repeats)]


def cell_path(chapter: str, name: str) -> Path:
    """Where a chapter's cell is stored, or would be."""
    return RESULTS / chapter / "cells" / f"{name}.json"


def spelled(predictions: pd.DataFrame) -> dict:
    """Predictions in little space, so that whoever has the corpus can judge them again.

    Returns:
        ``alphabet``: the emotions that occur, a for the first; ``predicted``: per repeat one letter per utterance in
        the order of the ids, ? for an emotion that none of them shows.
    """
    alphabet = sorted(predictions["emotion"].unique())
    letters = {emotion: chr(ord("a") + k) for k, emotion in enumerate(alphabet)}
    told = {
        str(repeat): "".join(part.sort_values("utterance_id")["predicted"].map(letters).fillna("?"))
        for repeat, part in predictions.groupby("repeat")
    }
    return {"alphabet": alphabet, "predicted": told}


def unspelled(cell: Mapping, table: pd.DataFrame, repeat: int = 0) -> pd.DataFrame:
    """Utterances with the ``predicted`` of a cell.

    Args:
        cell: a stored summary.
        table: the utterances that its run tested, in any order; ``emotion`` among the columns.
        repeat: which drawing.

    Raises:
        UserError: the table has other utterances or other labels than the run.
    """
    alphabet = cell.get("alphabet") or cell["confusion"]["emotions"]
    letters = cell["predicted"][str(repeat)]
    frame = table.sort_values("utterance_id") if "utterance_id" in table else table.sort_index()
    if len(letters) != len(frame):
        raise UserError(
            f"{cell['run']}: judged {len(letters)} utterances, here are {len(frame)}; not the same. Leave out of the"
            " corpus what cannot be used, and delete its cell to measure it anew."
        )
    told = frame.assign(predicted=["?" if x == "?" else alphabet[ord(x) - ord("a")] for x in letters])
    if len(cell["predicted"]) == 1 and abs(wa(told["emotion"], told["predicted"]) - cell["wa"]) > SAME:
        raise UserError(f"{cell['run']}: stands on other utterances or labels; delete its cell to measure it anew.")
    return told


@cache
def printed_figures(chapter: str) -> dict:
    """What a chapter's paper prints."""
    text = resources.files("sercourse.experiments").joinpath(f"printed/{chapter}.yaml").read_text("utf-8")
    return yaml.safe_load(text)


def stored_artifact(chapter: str, artifact: str) -> dict | None:
    """The committed figures of an artifact, or ``None``."""
    path = RESULTS / chapter / f"{artifact}.json"
    return _read(path) if path.exists() else None


def _read(path: Path) -> dict:
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError):
        raise UserError(f"{path}: is damaged; take it from the repository again, or delete it.") from None


def against(machine: Run, cells: Sequence[Mapping], metric: str = "wa") -> dict:
    """Networks against the machine on the same folds: effect, interval, p-value.

    Args:
        machine: a baseline whose repeats have the seeds of the cells.
        cells: one per seed, in the same order; their letters suffice, no run folder is needed.
        metric: "wa" or "ua".
    """
    name = machine.summary["features"].upper() + "+SVM"
    judged = predicted_by(machine, cells)
    return compare(machine.predictions, judged, names=(name, "network"), metric=metric).to_dict()


def predicted_by(machine: Run, cells: Sequence[Mapping]) -> pd.DataFrame:
    """Predictions of cells, with the folds and labels of a baseline on the same utterances; see :func:`against`.

    Raises:
        UserError: a cell stands on other utterances or labels.
    """
    tested = machine.predictions
    return pd.concat([unspelled(cell, tested[tested["repeat"] == repeat]).assign(repeat=repeat)
                      for repeat, cell in enumerate(cells)])  # fmt: skip


def mean_and_spread(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean, and standard deviation where there are two or more."""
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None


def save_figure(figure: Figure, path: Path) -> None:
    """Write a picture for ``--figure``.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=110, bbox_inches="tight", format="png")
    except OSError as error:
        raise UserError(f"--figure {path}: cannot be written ({error.strerror}); choose another place.") from None
    finally:
        plt.close(figure)
