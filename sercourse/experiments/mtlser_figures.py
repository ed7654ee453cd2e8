"""Chapter 04's figures 4 to 6: MTLSER fold by fold, and its confusions.

The paper's folds are ten and called speaker-independent; here they are the corpus's speaker-independent folds. Its
figure 6 is said to be the average over folds; here the counts of all folds are added up, so that each utterance counts
once. (The text calls the confusions of each fold figure 4; the caption has them as figure 5.)

Source: Chen et al., Expert Systems with Applications 2025, section 5.5.1, figures 4 to 6.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from rich.table import Table

from sercourse.evaluation import metrics
from sercourse.experiments.cells import Bench, predicted_by, save_figure
from sercourse.experiments.mtlser import CHAPTER, LEARNT, learnt, printed, speaker_independent
from sercourse.explain import plots

COLUMNS = 3
"""Confusions side by side."""


def by_fold(bench: Bench, name: str) -> dict:
    """WA, UA and confusion of every fold and of all together, of the network with all three tasks.

    Args:
        bench: how to measure; ``bench.figure`` is where the picture goes.
        name: "figure4" (WA and UA per fold), "figure5" (confusion per fold) or "figure6" (confusion of all folds).
    """
    bench = replace(bench, corpus=bench.corpus or "synthetic", repeats=1)
    protocol = speaker_independent(bench.corpus)
    cell = bench.cell("all three", bench.config(CHAPTER, protocol), more=learnt, needs=LEARNT)
    told = predicted_by(bench.machine(protocol), [cell])  # the machine knows folds and labels
    emotions = sorted(set(told["emotion"]) | set(told["predicted"]))
    folds = {str(fold): _judged(part, emotions) for fold, part in told.groupby("fold")}
    figures = {"emotions": emotions, "folds": folds, "overall": _judged(told, emotions), "run": cell["run"]}
    result = bench.about(f"{CHAPTER}/{name}", protocol) | figures | {"printed": printed()["folds"]}
    if bench.figure is not None:
        save_figure(PICTURES[name](result), bench.figure)
    if bench.console is not None:
        table = Table(f"{bench.corpus}, {protocol}", "WA", "UA", "utterances", box=None, pad_edge=False)
        for fold, found in (*folds.items(), ("all", figures["overall"])):
            table.add_row(fold, f"{found['wa']:.1f}", f"{found['ua']:.1f}", str(found["n_test"]))
        bench.console.print(table)
    return result


def _judged(told: pd.DataFrame, emotions: list[str]) -> dict:
    """WA and UA in percent, and the confusion in utterances: true emotions in rows."""
    truth, predicted = told["emotion"], told["predicted"]
    counts = metrics.confusion(truth, predicted, emotions).to_numpy().tolist()
    return {
        "wa": metrics.wa(truth, predicted),
        "ua": metrics.ua(truth, predicted),
        "n_test": len(told),
        "counts": counts,
    }


def fold_accuracies(result: dict) -> Figure:
    """Figure 4: WA and UA of every fold.

    Args:
        result: what :func:`by_fold` gave, or what is stored of it.
    """
    return plots.fold_bars(result["folds"], title=_title(result))


def fold_confusions(result: dict) -> Figure:
    """Figure 5: the confusion of every fold; argument as :func:`fold_accuracies`."""
    plots.course_style()
    lines = -(-len(result["folds"]) // COLUMNS)
    figure, axes = plt.subplots(lines, COLUMNS, figsize=(5 * COLUMNS, 4.6 * lines), squeeze=False, layout="constrained")
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (fold, found) in zip(axes.flat, result["folds"].items()):
        ax.set_axis_on()
        plots.confusion(_counts(found, result), ax, title=f"{fold}: WA {found['wa']:.1f}, UA {found['ua']:.1f}")
    return figure


def overall_confusion(result: dict) -> Figure:
    """Figure 6: the confusion over all folds; argument as :func:`fold_accuracies`."""
    plots.course_style()
    figure, ax = plt.subplots(figsize=(6, 5.2), layout="constrained")
    plots.confusion(_counts(result["overall"], result), ax, title=_title(result))
    return figure


def _counts(found: dict, result: dict) -> pd.DataFrame:
    return pd.DataFrame(found["counts"], index=result["emotions"], columns=result["emotions"])


def _title(result: dict) -> str:
    return f"{result['corpus']}, {result['protocol']}, profile {result['profile']}"


PICTURES: dict[str, Callable[[dict], Figure]] = {
    "figure4": fold_accuracies,
    "figure5": fold_confusions,
    "figure6": overall_confusion,
}
"""Figure of the paper to what draws it."""
