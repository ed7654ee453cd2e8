"""Chapter 05: what becomes of rare emotions under each loss, when they become rarer.

Every second emotion is made a minority: of its utterances a half, a quarter, an eighth are kept, in training and test
alike, always the same ones, and each share holds the smaller shares. The other emotions stay whole.

Source: Wen et al. 2023, section 3 ("class imbalance"), which claims and does not measure it.
Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.table import Table

from sercourse import corpora
from sercourse.experiments.cells import Bench, save_figure
from sercourse.experiments.mtap import CHAPTER, loss_changes, printed, protocol_of
from sercourse.models.multitask import MAIN
from sercourse.training.networks import load_or_train

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
    table = corpora.load(bench.corpus)
    rare = minority(table)
    bench.check_rows([f"{loss} {share:g}" for loss in LOSSES for share in SHARES])
    paper = printed()["losses"]["table1"]["emodb"]
    rows = {}
    for share in SHARES:
        part = thinned(table, rare, share, seed=bench.seed)
        for loss in LOSSES:
            row = f"{loss} {share:g}"
            rows[row] = _cell(bench, row, protocol, loss_changes(loss, paper), part, share)
            if rows[row] is not None:
                rows[row] = _recalls(rows[row], rare) | {"loss": loss, "share": share, "run": rows[row]["run"]}
    if bench.figure is not None:
        save_figure(picture(rows), bench.figure)
    if bench.console is not None:
        shown = Table(f"{bench.corpus}, {protocol}", "rare emotions", "others", "UA", box=None, pad_edge=False)
        for row, found in rows.items():
            if found is not None:
                shown.add_row(row, *(f"{found[name]:.1f}" for name in ("minority", "majority", "ua")))
        bench.console.print(shown)
    asked = {"corpus": bench.corpus, "protocol": protocol, "profile": bench.profile, "seed": bench.seed}
    return {"artifact": f"{CHAPTER}/imbalance", **asked, "minority": rare, "rows": rows}


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
            ax.plot([row["share"] for row in found], [row[side] for row in found], marker="o", label=loss)
        ax.set_xscale("log", base=2)
        ax.set(title=side, xlabel="share of the minority kept", ylabel="mean recall (%)")
    ax.legend(frameon=False)
    return figure


def _cell(
    bench: Bench, row: str, protocol: str, changes: tuple[str, ...], part: pd.DataFrame, share: float
) -> dict | None:
    config = replace(bench, corpus=f"{bench.corpus}~minority{share:g}").config(CHAPTER, protocol, changes)

    def measure() -> dict:
        run = load_or_train(config, table=part, jobs=bench.jobs, progress=bench.console is not None)
        return {name: run.summary[name] for name in ("settings", "wa", "ua", "per_class", "n_test", "run")}

    def valid(cell: dict) -> bool:
        return config.settings.agrees(cell["settings"]) and cell["n_test"] == len(part)

    return bench.kept(f"{row}, {protocol}", row, CHAPTER, config.name, measure, valid=valid)


def _recalls(cell: dict, rare: list[str]) -> dict:
    recalls = {emotion: figures["recall"] for emotion, figures in cell["per_class"].items()}
    sides = {"minority": [r for e, r in recalls.items() if e in rare],
             "majority": [r for e, r in recalls.items() if e not in rare]}  # fmt: skip
    return {side: float(np.mean(values)) for side, values in sides.items()} | {"ua": cell["ua"], "recall": recalls}
