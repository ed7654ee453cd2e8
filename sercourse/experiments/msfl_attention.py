"""Does MSFL's attention explain? Rankings of features, shared and per language, and UA without the first ones.

Source: Ma and Wang 2022 (the ranking, its first ten); the tests of it are ours.
Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from rich.table import Table

from sercourse.experiments.cells import Bench, save_figure
from sercourse.experiments.msfl import CHAPTER, PROTOCOL, ROWS, SHARED, SINGLE, columns_of, prepared
from sercourse.experiments.msfl_looked import LOOKED_AT, METHODS, RANDOM, looked_at
from sercourse.experiments.side_by_side import cells_of
from sercourse.explain.attribution import (
    TOP,
    agreement_by_chance,
    agreement_interval,
    among_themselves,
    ranked,
)
from sercourse.explain.plots import deletion_figure

CONTROL = "MSFL, shuffled labels"


def rankings(bench: Bench) -> dict:
    """The features of greatest attention, shared and in each language's own network, and how far they agree.

    Returns:
        ``rows``: of each kind its ``first`` features, how far its networks agree ``among_themselves``, and its
        agreement ``with_shared``; ``pairs``: the agreement of two languages, and of each with the control.
    """
    bench, codes, _ = prepared(bench)
    bench.check_rows([SHARED, CONTROL, SINGLE])
    kinds = {SHARED: (SHARED, ROWS[SHARED]), CONTROL: (CONTROL, (*ROWS[SHARED], "random_labels=true"))}
    kinds |= {code: (SINGLE, ("language_weight=0", f"languages={code}")) for code in codes}
    found: dict[str, np.ndarray] = {}
    for kind, (row, changes) in kinds.items():
        cells = cells_of(bench, CHAPTER, row, PROTOCOL, changes, more=looked_at, needs=LOOKED_AT)
        if cells is not None:
            found[kind] = np.array([fold for cell in cells for fold in cell["scores"]["attention"]])  # (R, D)
    columns = columns_of(bench, ROWS[SHARED])
    rows = {kind: _ranking(kind, found, columns) for kind in found}
    asked = [*combinations(codes, 2), *((code, CONTROL) for code in codes)]
    pairs = {f"{a} and {b}": agreement_interval(found[a], found[b]) for a, b in asked if {a, b} <= set(found)}
    chance = agreement_by_chance(len(columns))
    _show(bench, rows, chance)
    told = {
        "rows": rows,
        "pairs": pairs,
        "languages": codes,
        "top": TOP,
        "chance_overlap": chance,
        "features": len(columns),
    }
    return bench.about(f"{CHAPTER}/rankings", PROTOCOL) | told


def deletion(bench: Bench) -> dict:
    """UA without the first features of each ranking, against as many random ones."""
    bench, *_ = prepared(bench)
    bench.check_rows([SHARED])
    cells = cells_of(bench, CHAPTER, SHARED, PROTOCOL, ROWS[SHARED], more=looked_at, needs=LOOKED_AT)
    counts, curves = cells[0]["counts"], [fold for cell in cells for fold in cell["curves"]]
    rows = {name: np.mean([curve[name] for curve in curves], axis=0).tolist() for name in (*METHODS, RANDOM)}
    below = {name: _below(curves, name) for name in METHODS}
    told = {"counts": counts, "rows": rows, "below_random": below, "networks": len(curves)}
    if bench.figure is not None:
        save_figure(deletion_figure(counts, rows), bench.figure)
    if bench.console is not None:
        table = Table("UA without the first", *map(str, counts), "below random (mean)", box=None, pad_edge=False)
        for name, row in rows.items():
            shown = f"{below[name]['mean']:+.1f} ± {below[name]['sd']:.1f}" if name in below else ""
            table.add_row(name, *(f"{value:.1f}" for value in row), shown)
        bench.console.print(table)
    scores = {name: np.array([fold for cell in cells for fold in cell["scores"][name]]) for name in METHODS}
    pairs = (METHODS[:2], METHODS[1:], METHODS[::2])
    told["agreement"] = {f"{a} and {b}": agreement_interval(scores[a], scores[b]) for a, b in pairs}
    return bench.about(f"{CHAPTER}/deletion", PROTOCOL) | told


def _below(curves: Sequence[Mapping[str, list[float]]], name: str) -> dict[str, float]:
    """Points by which a method's curve lies below the random one on average; mean and spread over networks."""
    areas = [float(np.mean(np.subtract(curve[RANDOM], curve[name])[1:])) for curve in curves]
    return {"mean": float(np.mean(areas)), "sd": float(np.std(areas, ddof=1)), "networks": len(areas)}


def _ranking(kind: str, found: Mapping[str, np.ndarray], columns: Sequence[str]) -> dict:
    """A ranking's first features, and its agreement with the shared one and within itself."""
    mean = found[kind].mean(0)
    first = [{"feature": columns[i], "attention": float(mean[i])} for i in ranked(mean)[:TOP]]
    row = {"first": first, "even": 1 / len(columns), "networks": len(found[kind]),
           "among_themselves": among_themselves(found[kind])}  # fmt: skip
    if kind != SHARED and SHARED in found:
        row["with_shared"] = agreement_interval(found[SHARED], found[kind])
    return row


def _show(bench: Bench, rows: Mapping[str, dict], chance: float) -> None:
    if bench.console is None:
        return
    table = Table(
        f"attention, first {TOP}", "with the shared ranking", "Spearman", "two networks of its own", "first three",
        box=None, pad_edge=False,
    )  # fmt: skip
    for kind, row in rows.items():
        shared = row.get("with_shared")
        overlap, correlation = (shared[name] for name in ("overlap", "spearman")) if shared else (None, None)
        table.add_row(
            kind, *("" if one is None else f"{one['value']:.2g} [{one['low']:.2g}, {one['high']:.2g}]"
                    for one in (overlap, correlation)),
            f"{row['among_themselves']['overlap']:.1f}", ", ".join(one["feature"] for one in row["first"][:3]),
        )  # fmt: skip
    bench.console.print(table)
    bench.say(f"Two random rankings share {chance:.1f} of their first {TOP}.")
