"""Chapter 05: what becomes of rare emotions under each loss, when they become rarer.

Every second emotion is made a minority: of its utterances a half, a quarter, an eighth are kept, speaker by speaker and
rounded up, and each share holds the smaller ones. The other emotions stay whole. All are judged on the same utterances,
those of the smallest share. Beside the losses stands the plain remedy: softmax, with every emotion drawn equally often.

Source: Wen et al. 2023, section 3 ("class imbalance"), which claims and does not measure it.
Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.table import Table

from sercourse.evaluation.bootstrap import bootstrap_difference
from sercourse.evaluation.metrics import per_class, ua
from sercourse.experiments.cells import Bench, save_figure, unspelled
from sercourse.experiments.mtap import CHAPTER, best_of, image_length, loss_changes, protocol_of
from sercourse.experiments.mtap_part import Part, as_in_the_paper, is_iemocap, notes, utterances
from sercourse.experiments.side_by_side import interval
from sercourse.models.multitask import MAIN

SHARES = (1.0, 0.5, 0.25, 0.125)
"""Of the minority that are kept."""

REFERENCE = "softmax"
"""The loss that all others of a share are compared with."""

LOSSES = (REFERENCE, "focal", "arcface", "apfl")

REMEDY = f"{REFERENCE}, balanced"
"""No loss of the paper's: softmax, with every emotion drawn equally often in training."""

METHODS = (*LOSSES, REMEDY)


def imbalance(bench: Bench) -> dict:
    """Mean recall of the minority and of the majority under four losses and a remedy and four shares, strangers tested.

    The whole corpus (share 1) is what the paper's other tables are measured on, and its runs are theirs.

    Args:
        bench: how to measure; ``bench.figure`` is where the picture goes.

    Returns:
        ``rows``: per method and share ``minority, majority, ua`` (percent), ``recall`` per emotion, ``n_test``, and
        ``above``: what :func:`above` gives, against softmax at the same share; ``minority``: the rare emotions;
        ``notes``.
    """
    bench = replace(bench, corpus=bench.corpus or "emodb", repeats=1)
    protocol = protocol_of(bench.corpus)
    table = utterances(bench.corpus)
    rare = minority(table)
    bench.check_rows([f"{method} {share:g}" for method in METHODS for share in SHARES])
    paper, borrowed = best_of("table3" if is_iemocap(bench.corpus) else "table1", bench.corpus)
    rows: dict[str, dict | None] = {}
    judged = thinned(table, rare, min(SHARES), seed=bench.seed).index
    for share in SHARES:
        part = thinned(table, rare, share, seed=bench.seed)
        kept = float(part[MAIN].isin(rare).sum() / table[MAIN].isin(rare).sum())
        on = as_in_the_paper(bench) if share == 1 else Part(**vars(bench), table=part, kind=f"minority{share:g}")
        told: dict[str, pd.DataFrame] = {}
        for method in METHODS:
            row = f"{method} {share:g}"
            changes = (*method_changes(method, paper), *image_length(bench))
            cell = on.cell(row, on.config(CHAPTER, protocol, changes))
            rows[row] = None
            if cell is not None:
                about = {"loss": method, "share": share, "kept": kept, "run": cell["run"]}
                compared = [REFERENCE] if REFERENCE in told else []
                told[method] = unspelled(cell, part).loc[judged]
                effects = {other: above(told[other], told[method], rare, seed=bench.seed) for other in compared}
                rows[row] = _recalls(told[method], rare) | about | {"above": effects}
    mistrusted = {effect["notice"] for row in rows.values() if row for effect in row["above"].values()} - {""}
    known = [*notes(bench, protocol, printed=False), *borrowed, *sorted(mistrusted)]
    if bench.figure is not None:
        save_figure(picture(rows), bench.figure)
    if bench.console is not None:
        bench.console.print(_shown(rows, f"{bench.corpus}, {protocol}"))
    for sentence in known:
        bench.say(sentence)
    return bench.about(f"{CHAPTER}/imbalance", protocol) | {"minority": rare, "rows": rows, "notes": known}


def method_changes(method: str, paper: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    """Settings of one of :data:`METHODS`, with the gamma and the margin that the paper found best."""
    if method == REMEDY:
        return (*loss_changes(REFERENCE, paper), "sampling=balanced")
    return loss_changes(method, paper)


def above(reference: pd.DataFrame, told: pd.DataFrame, rare: list[str], *, seed: int = 0) -> dict:
    """What a method adds to the mean recall of the rare emotions.

    Args:
        reference: utterances with the ``emotion``, the ``speaker`` and what the reference ``predicted``.
        told: the same utterances in the same order, with what the method predicted.
        rare: the emotions of the minority.
        seed: of the bootstrap.

    Returns:
        ``effect, low, high``: points, with an interval of ``level`` by paired bootstrap; ``over``: what was drawn,
        speakers where there are enough; ``notice``: why the interval is to be mistrusted, or nothing.
    """
    of_them = told[MAIN].isin(rare)
    reference, told = reference[of_them], told[of_them]
    # the UA over utterances of the rare emotions alone is the mean recall of these
    found = bootstrap_difference(
        told[MAIN], reference["predicted"], told["predicted"], told["speaker"], metric="ua", seed=seed
    )
    figures = {name: getattr(found, name) for name in ("low", "high", "level", "over", "notice")}
    return {"effect": found.value} | figures


def minority(table: pd.DataFrame) -> list[str]:
    """Every second emotion of a corpus, in the order of the alphabet."""
    return sorted(table[MAIN].dropna().unique())[1::2]


def thinned(table: pd.DataFrame, rare: list[str], share: float, *, seed: int = 0) -> pd.DataFrame:
    """The table with a share of the utterances of some emotions, drawn by speaker so that everybody keeps some.

    Args:
        table: the utterances.
        rare: emotions that become rarer.
        share: above 0, at most 1.
        seed: of the draw; a smaller share is part of a larger one.
    """
    labelled = table[table[MAIN].notna()].sort_index()
    place = pd.Series(np.random.default_rng(seed).permutation(len(labelled)), index=labelled.index)
    groups = [labelled[MAIN], labelled["speaker"]]
    rank, size = place.groupby(groups).rank() - 1, place.groupby(groups).transform("size")
    return labelled[~labelled[MAIN].isin(rare) | (rank < np.ceil(share * size))]


def picture(rows: dict[str, dict | None]) -> Figure:
    """Recall of the minority and of the majority over the share that is kept, a line per loss and for the remedy."""
    figure = Figure(figsize=(8, 3), layout="constrained")
    for ax, side in zip(figure.subplots(1, 2, sharey=True), ("minority", "majority"), strict=True):
        for method in METHODS:
            found = [row for row in rows.values() if row is not None and row["loss"] == method]
            if found:
                ax.plot([row["kept"] for row in found], [row[side] for row in found], marker="o", label=method)
        ax.set_xscale("log", base=2)
        ax.set(title=side, xlabel="share of the minority kept", ylabel="mean recall (%)")
    ax.legend(frameon=False)
    return figure


def _shown(rows: dict[str, dict | None], title: str) -> Table:
    columns = ("rare emotions", f"above {REFERENCE} [95 %]", "others", "UA")
    shown = Table(title, *columns, box=None, pad_edge=False)
    for row, found in rows.items():
        if found is not None:
            rare, others, every = (f"{found[name]:.1f}" for name in ("minority", "majority", "ua"))
            shown.add_row(row, rare, interval(found["above"].get(REFERENCE)), others, every)
    return shown


def _recalls(told: pd.DataFrame, rare: list[str]) -> dict:
    """Mean recall of both sides, and the recall of every emotion, over the utterances that all shares have."""
    recalls = per_class(told[MAIN], told["predicted"])["recall"].to_dict()
    sides = {"minority": [r for e, r in recalls.items() if e in rare],
             "majority": [r for e, r in recalls.items() if e not in rare]}  # fmt: skip
    means = {side: float(np.mean(values)) for side, values in sides.items()}
    return means | {"ua": ua(told[MAIN], told["predicted"]), "recall": recalls, "n_test": len(told)}
