"""Chapter 04's table 4: MTLSER beside what runs here of its baselines, on the same folds.

Each system has WA, UA and F1 with their spread over folds, what ours is above it, tested as the paper does and as it
should be, and what an utterance costs it. AMSNet, STRL-SER, TIM-Net, the three features of Zou et al. and MMER are
quoted only.

Source: Chen et al., Expert Systems with Applications 2025, section 5.5, table 4.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from rich.table import Table

from sercourse import corpora
from sercourse.evaluation.comparison import compare
from sercourse.evaluation.significance import hedges_g, welch
from sercourse.experiments.cells import Bench, predicted_by
from sercourse.experiments.mtlser import (
    CHAPTER,
    LEARNT,
    TASKS,
    in_folds,
    learnt,
    p_value,
    printed,
    speaker_independent,
    with_spread,
)
from sercourse.experiments.mtlser_cost import NOTE, machine_cost, network_cost, show_costs, vectors_of
from sercourse.features.equalisation import functionals
from sercourse.models.multitask import MAIN
from sercourse.training.baseline import BaselineConfig, predict_all
from sercourse.training.protocols import make_protocol

MACHINE = "log-mel functionals + polynomial SVM"
ATTENTION = "self-attention and gender (Li et al.)"
ROWS: tuple[str, ...] = (MACHINE, "IS10+SVM", "COMPARE+SVM", ATTENTION, "emotion and words", "all three")
"""What runs here. "emotion and words" is Cai et al.'s network."""


def table4(bench: Bench) -> dict:
    """Systems side by side on the same folds: WA, UA, F1, cost of an utterance, and each one against the last row as
    the paper tests it (Welch over folds) and as it should be tested (corrected for folds that share their training)."""
    bench = replace(bench, corpus=bench.corpus or "synthetic", repeats=1)
    protocol = speaker_independent(bench.corpus)
    bench.check_rows(list(ROWS))
    _, machines = bench.strongest(protocol)
    some = next(iter(machines.values()))
    judged = {f"{name.upper()}+SVM": run.predictions for name, run in machines.items()}
    costs = {
        f"{name.upper()}+SVM": machine_cost(bench, f"{name.upper()}+SVM", _machine(bench, name, protocol))
        for name in machines
    }
    judged[MACHINE] = _polynomial(bench, protocol)
    costs[MACHINE] = machine_cost(bench, MACHINE, _machine(bench, "logmel", protocol, "polynomial"), functionals)
    for row, chapter in ((ATTENTION, "attention_cnn"), ("emotion and words", CHAPTER), ("all three", CHAPTER)):
        config = bench.config(chapter, protocol, TASKS.get(row, ()))
        kept = {"more": learnt, "needs": LEARNT} if chapter == CHAPTER else {}
        cell = bench.cell(row, config, **kept)
        judged[row] = cell and predicted_by(some, [cell])
        costs[row] = network_cost(bench, row, config)
    ours = judged["all three"]
    rows = {
        row: None if judged[row] is None else _beside(judged[row], ours, row) | {"cost": costs[row]} for row in ROWS
    }
    if bench.console is not None:
        _show(bench, protocol, rows)
        show_costs(bench, {row: costs[row] for row in ROWS})
    about = bench.about(f"{CHAPTER}/table4", protocol)
    return about | {"rows": rows, "printed": printed()["table4"]["rows"], "notes": [NOTE]}


def quoted() -> dict[str, dict[str, str]]:
    """Systems of the paper's table 4 as it prints them, none of them measured here: WA and UA with their spread."""

    def told(figure: list[float] | None) -> str:
        return "–" if figure is None else f"{figure[0]:.1f} ± {figure[1]:.1f}"

    rows = printed()["table4"]["rows"]
    return {f"{row} (quoted)": {"WA": told(found["wa"]), "UA": told(found["ua"])} for row, found in rows.items()}


def beside_quoted(result: dict | None) -> pd.DataFrame:
    """Table 4 as text: what was measured here, and below it what the paper prints, marked as quoted.

    Args:
        result: what :func:`table4` gave, or what is stored of it; ``None``: nothing was measured.

    Notebook: 04_mtlser.ipynb
    """
    known = {row: found for row, found in (result or {"rows": {}})["rows"].items() if found is not None}
    measured = {row: {m.upper(): with_spread(found, m) for m in ("wa", "ua")} for row, found in known.items()}
    here = f"measured here on {result['corpus']}" if result else ""
    told = {row: figures | {"where": here} for row, figures in measured.items()}
    told |= {row: figures | {"where": "as printed, IEMOCAP"} for row, figures in quoted().items()}
    return pd.DataFrame.from_dict(told, orient="index")


def _machine(bench: Bench, features: str, protocol: str, classifier: str = "linear") -> BaselineConfig:
    return BaselineConfig(bench.corpus, features, protocol, classifier, repeats=1, seed=bench.seed)


def _polynomial(bench: Bench, protocol: str) -> pd.DataFrame:
    """Statistics of the log-mel bands over time and a polynomial machine, as in Kurpukdee et al."""
    table = corpora.load(bench.corpus)
    table = table[table[MAIN].notna()]
    frame = vectors_of(table, "logmel", functionals, progress=bench.console is not None)
    return predict_all(frame, table, [make_protocol(protocol, table, seed=bench.seed)], "polynomial")


def _beside(told: pd.DataFrame, ours: pd.DataFrame | None, row: str) -> dict:
    """A row: figures with spreads over folds, and what ours is above it."""
    found = in_folds(told)
    if ours is None or ours is told:
        return found
    folds = found["wa_folds"], in_folds(ours)["wa_folds"]
    effect = compare(told, ours, names=(row, "all three"), metric="wa").to_dict()
    with np.errstate(divide="ignore", invalid="ignore"):
        size = hedges_g(*folds)  # no number where neither side has any spread
    tests = {"welch_p": welch(*folds).p, "hedges_g": size if np.isfinite(size) else None}
    return found | {"ours_above": effect | tests}


def _show(bench: Bench, protocol: str, rows: dict[str, dict | None]) -> None:
    headings = ("WA", "UA", "F1", "Welch p", "g", "corrected p")
    table = Table(f"{bench.corpus}, {protocol}", *headings, box=None, pad_edge=False)
    for row, found in rows.items():
        if found is not None:
            figures = [with_spread(found, metric) for metric in ("wa", "ua", "f1")]
            table.add_row(row, *figures, *_tests(found.get("ours_above")))
    for row, figures in quoted().items():
        table.add_row(row, *figures.values(), "–", "", "", "")
    bench.console.print(table)


def _tests(against: dict | None) -> tuple[str, str, str]:
    if against is None:
        return "", "", ""
    size = against["hedges_g"]
    return p_value(against["welch_p"]), "–" if size is None else f"{size:+.1f}", p_value(against["p"])
