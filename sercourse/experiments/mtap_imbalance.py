"""Chapter 05: what becomes of rare emotions under each loss, when they become rarer.

Every second emotion is made a minority: of its utterances a half, a quarter, an eighth are kept, speaker by speaker and
rounded up, and each share holds the smaller ones. The other emotions stay whole. All are judged on the same utterances,
those of the smallest share.

Source: Wen et al. 2023, section 3 ("class imbalance"), which claims and does not measure it.
Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.table import Table

from sercourse.evaluation.metrics import per_class, ua
from sercourse.experiments.cells import Bench, save_figure, unspelled
from sercourse.experiments.mtap import CHAPTER, image_length, loss_changes, printed, protocol_of
from sercourse.experiments.mtap_part import Part, utterances
from sercourse.models.multitask import MAIN

SHARES = (1.0, 0.5, 0.25, 0.125)
"""Of the minority that are kept."""

LOSSES = ("softmax", "focal", "arcface", "apfl")


def imbalance(bench: Bench) -> dict:
    """Mean recall of the minority and of the majority under four losses and four shares, strangers tested.

    Args:
        bench: how to measure; ``bench.figure`` is where the picture goes.
    """
    bench = replace(bench, corpus=bench.corpus or "emodb", repeats=1)
    protocol = protocol_of(bench.corpus)
    table = utterances(bench.corpus)
    rare = minority(table)
    bench.check_rows([f"{loss} {share:g}" for loss in LOSSES for share in SHARES])
    paper = printed()["losses"]["table1"]["emodb"]
    rows = {}
    judged = thinned(table, rare, min(SHARES), seed=bench.seed).index
    for share in SHARES:
        part = thinned(table, rare, share, seed=bench.seed)
        kept = float(part[MAIN].isin(rare).sum() / table[MAIN].isin(rare).sum())
        for loss in LOSSES:
            row = f"{loss} {share:g}"
            thin = Part(**vars(bench), table=part, kind=f"minority{share:g}")
            changes = (*loss_changes(loss, paper), *image_length(bench))
            rows[row] = thin.cell(row, thin.config(CHAPTER, protocol, changes))
            if rows[row] is not None:
                about = {"loss": loss, "share": share, "kept": kept, "run": rows[row]["run"]}
                rows[row] = _recalls(rows[row], part, judged, rare) | about
    if bench.figure is not None:
        save_figure(picture(rows), bench.figure)
    if bench.console is not None:
        shown = Table(f"{bench.corpus}, {protocol}", "rare emotions", "others", "UA", box=None, pad_edge=False)
        for row, found in rows.items():
            if found is not None:
                shown.add_row(row, *(f"{found[name]:.1f}" for name in ("minority", "majority", "ua")))
        bench.console.print(shown)
    return bench.about(f"{CHAPTER}/imbalance", protocol) | {"minority": rare, "rows": rows}


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
    """Recall of the minority and of the majority over the share that is kept, a line per loss."""
    figure = Figure(figsize=(8, 3), layout="constrained")
    for ax, side in zip(figure.subplots(1, 2, sharey=True), ("minority", "majority"), strict=True):
        for loss in LOSSES:
            found = [row for row in rows.values() if row is not None and row["loss"] == loss]
            ax.plot([row["kept"] for row in found], [row[side] for row in found], marker="o", label=loss)
        ax.set_xscale("log", base=2)
        ax.set(title=side, xlabel="share of the minority kept", ylabel="mean recall (%)")
    ax.legend(frameon=False)
    return figure


def _recalls(cell: dict, part: pd.DataFrame, judged: pd.Index, rare: list[str]) -> dict:
    """Mean recall of both sides, and the recall of every emotion, over the utterances that all shares have."""
    told = unspelled(cell, part).loc[judged]
    recalls = per_class(told[MAIN], told["predicted"])["recall"].to_dict()
    sides = {"minority": [r for e, r in recalls.items() if e in rare],
             "majority": [r for e, r in recalls.items() if e not in rare]}  # fmt: skip
    means = {side: float(np.mean(values)) for side, values in sides.items()}
    return means | {"ua": ua(told[MAIN], told["predicted"]), "recall": recalls, "n_test": len(told)}
