"""How evaluation makes a number: the same network, several divisions, two ways to choose the epoch. The lesson of
chapter 02, and of chapter 04 for the division of a released split.

Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.table import Table

from sercourse.errors import UserError
from sercourse.evaluation.metrics import wa
from sercourse.experiments.cells import Bench, save_figure
from sercourse.explain import plots
from sercourse.training.checkpoints import load_checkpoint
from sercourse.training.fit import FOLDS, RESULT
from sercourse.training.runs import Run

CHAPTER = "emotion_autoencoder"

EPOCHS = ("wa_by_epoch", "wa_epoch_of_validation", "wa_epoch_of_test")
"""What :func:`epoch_choices` finds."""

LESSON: dict[str, tuple[str, str]] = {
    "folds over crops": ("kfold-10", "crop"),
    "folds over utterances": ("kfold-10", "utterance"),
    "one speaker left out": ("loso", "utterance"),
}
"""How the data is divided: protocol and unit. The crops are those of chapter 01, one second long; a second is harder
than a sentence, so the first bar shows less of its leak than there is."""


def evaluation(bench: Bench, chapter: str = CHAPTER, lesson: Mapping[str, tuple[str, str]] = LESSON) -> dict:
    """How evaluation makes a number: the same network, several divisions, the epoch chosen on validation or on test.

    Every network is trained once; its test probabilities are kept after each epoch. The honest figure takes the epoch
    that was best on validation, the dishonest one looks up, in each fold, the epoch that was best on test. That look
    exists here alone: no training run can choose by test.

    Args:
        bench: how to measure.
        chapter: whose network.
        lesson: title to protocol and unit.
    """
    bench = replace(bench, corpus=bench.corpus or "synthetic", repeats=1)
    bench.check_rows(list(lesson))
    rows = {}
    for title, (protocol, unit) in lesson.items():
        config = bench.config(chapter, protocol, ("record_test=true",), unit=unit)  # where it is default: the same run
        cell = bench.cell(title, config, more=recorded_epochs, needs=EPOCHS)
        if cell is not None:
            machine, _ = bench.strongest(protocol, unit)
            kept = ("wa", "ua", "n_test", *EPOCHS, "run")
            rows[title] = {name: cell[name] for name in kept} | {
                "svm_wa": machine.summary["wa"], "svm": machine.summary["features"], "unit": unit,
            }  # fmt: skip
    if bench.console is not None:
        table = Table("division", "epoch by validation: WA", "epoch by test: WA", "SVM: WA", box=None, pad_edge=False)
        for title, row in rows.items():
            chosen = f"{row['wa_epoch_of_validation']:.1f}", f"{row['wa_epoch_of_test']:.1f}"
            table.add_row(f"{title} ({row['unit']}s judged)", *chosen, f"{row['svm_wa']:.1f}")
        bench.console.print(table)
    asked = {"corpus": bench.corpus, "profile": bench.profile, "seed": bench.seed}
    result = {"artifact": f"{chapter}/evaluation", **asked, "rows": rows}
    if bench.figure is not None:
        save_figure(evaluation_plot(result), bench.figure)
    return result


def evaluation_plot(result: dict) -> Figure:
    """The lesson as bars: strongest SVM, epoch by validation, epoch by test, for each division.

    Args:
        result: what :func:`evaluation` gave, or what is stored of it.
    """
    columns = {"svm_wa": "strongest SVM", "wa_epoch_of_validation": "epoch by validation",
               "wa_epoch_of_test": "epoch by test"}  # fmt: skip
    bars = pd.DataFrame(result["rows"]).T[list(columns)].astype(float).rename(columns=columns)
    plots.course_style()
    figure, ax = plt.subplots(figsize=(10, 3.2))
    bars.plot.barh(ax=ax, color=["#999999", "#009E73", "#D55E00"], width=0.75)
    for container in ax.containers:
        ax.bar_label(container, fmt="%.1f", padding=3, fontsize=10)
    ax.set(xlabel=f"WA (%), {result['corpus']}, profile {result['profile']}", xlim=(0, 112), ylabel="")
    ax.legend(frameon=False, fontsize=10, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def recorded_epochs(run: Run) -> dict:
    """:func:`epoch_choices` of a run whose networks kept their probabilities and chose an epoch; nothing of another.

    Where the last epoch is taken nothing was chosen, and where networks are averaged no single one's choice makes the
    figure.
    """
    loop = run.summary["settings"]["loop"]
    chose = loop["select"] != "last" and loop["members"] == 1
    return epoch_choices(run) if loop["record_test"] and chose else {}


def epoch_choices(run: Run) -> dict:
    """WA with the epoch chosen on validation and on test, from the probabilities of every epoch.

    The honest choice is the run's own, by UA as a rule; whoever peeks takes the highest WA, for that is the figure he
    wants. So a part of the gap is the measure that is chosen by.

    Returns:
        ``wa_by_epoch`` (all folds at the same epoch, from the first), ``wa_epoch_of_validation``,
        ``wa_epoch_of_test`` (percent, pooled over all test items).

    Raises:
        UserError: the run kept no probabilities per epoch.
    """
    truth_of = run.predictions.set_index("utterance_id")["emotion"]
    hits, honest, peeked, total = [], 0.0, 0.0, 0
    for path in sorted((run.folder / FOLDS).glob(f"*/{RESULT}")):
        tensors, about = load_checkpoint(path)
        if "trace.test" not in tensors:
            raise UserError(f"{run.folder.name}: kept nothing per epoch; train with --set record_test=true.")
        emotions = np.array(about["classes"]["emotion"])
        truth = truth_of.loc[about["test"]].to_numpy(dtype=str)
        right = (emotions[tensors["trace.test"].numpy().argmax(2)] == truth).sum(1)  # (epochs,)
        hits.append(right)
        peeked += right.max()
        honest += wa(truth, emotions[tensors["test.emotion"].numpy().argmax(1)]) * len(truth) / 100
        total += len(truth)
    epochs = min(len(right) for right in hits)
    by_epoch = 100 * np.sum([right[:epochs] for right in hits], axis=0) / total
    return {
        "wa_by_epoch": [float(value) for value in by_epoch],
        "wa_epoch_of_validation": 100 * honest / total,
        "wa_epoch_of_test": 100 * float(peeked) / total,
    }
