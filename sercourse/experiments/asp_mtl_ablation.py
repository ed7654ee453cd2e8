"""Chapter 03: emotion under noise with one model, the other, both, or none (table 9), against the strongest machine.

The paper's ablation stands on IEMOCAP and its values are missing in our text. Here: any corpus under white, pink,
babble and factory noise at 0 dB and as recorded, speaker groups apart (and the paper's 80/20 beside it), everything
trained and tested under the same conditions.

Source: Liu and Zhang, IEEE Access 2023, experiment 5, table 9.
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from rich.table import Table

from sercourse.corpora.noisy import in_conditions
from sercourse.evaluation.comparison import compare
from sercourse.evaluation.metrics import per_class, ua, wa
from sercourse.experiments.asp_mtl import CHAPTER, IN_NOISE, MODEL1
from sercourse.experiments.cells import Bench, against, predicted_by, spelled
from sercourse.experiments.side_by_side import interval
from sercourse.training.asp_mtl_pipeline import AspMtlPipeline
from sercourse.training.runs import Run
from sercourse.training.summary import summarise

PROTOCOLS: tuple[str, ...] = ("group-5", "holdout-20")

VARIANTS: dict[str, tuple[str, ...]] = {
    "single task": ("auxiliary_weight=0", "adversary_weight=0", "orthogonality_weight=0", "correlation_weight=0"),
    "model 1 alone": MODEL1,
    "model 2 alone": (),
}
"""Networks on the noisy speech itself: emotion alone; with noise beside it; with gender beside it."""

BOTH = "both models"
DROPPED = "both models, frames dropped"
"""The chain with the paper's way of removing noise."""


def ablation(bench: Bench) -> dict:
    """Table 9, with what its rows leave open: a single task, and the machines."""
    bench = replace(bench, corpus=in_conditions(bench.corpus or "synthetic", IN_NOISE), repeats=1)
    bench.check_rows([*VARIANTS, BOTH, DROPPED])
    rows: dict[str, dict] = {}
    for protocol in PROTOCOLS:
        strongest, machines = bench.strongest(protocol)
        for features, machine in machines.items():
            figures = figures_of(machine.predictions) | {"run": machine.summary["run"]}
            rows.setdefault(f"{features.upper()}+SVM", {})[protocol] = figures
        cells = {row: bench.cell(row, bench.config(CHAPTER, protocol, changes)) for row, changes in VARIANTS.items()}
        cells |= {row: both_models(bench, protocol, row) for row in (BOTH, DROPPED)}
        for row, cell in cells.items():
            rows.setdefault(row, {})[protocol] = cell and _judged(cell, strongest, cells["single task"])
    show_rows(bench, rows, PROTOCOLS, beside="against_single")
    asked = {"corpus": bench.corpus, "profile": bench.profile, "seed": bench.seed}
    return {"artifact": f"{CHAPTER}/table9", **asked, "protocols": list(PROTOCOLS), "rows": rows}


def both_models(bench: Bench, protocol: str, row: str = BOTH) -> dict | None:
    """The chain of the two models as a cell, on the bench's corpus, which is one in noise.

    Args:
        bench: how to measure.
        protocol: of both models.
        row: :data:`BOTH` or :data:`DROPPED`.
    """
    removal = "frames" if row == DROPPED else "mask"

    def measure() -> dict:
        chain = AspMtlPipeline.train(
            bench.corpus, protocol, profile=bench.profile, seed=bench.seed, jobs=bench.jobs,
            noise_settings=VARIANTS["model 1 alone"], gender_settings=VARIANTS["model 2 alone"], removal=removal,
            progress=bench.console is not None,
        )  # fmt: skip
        predictions = chain.predictions
        runs = {"model1": chain.model1.summary["run"], "model2": [run.summary["run"] for run in chain.model2]}
        asked = {"corpus": bench.corpus, "protocol": protocol, "profile": bench.profile, "seed": bench.seed}
        settings = [first.settings.to_json(), second.settings.to_json()]
        figures = summarise(predictions, seed=bench.seed) | spelled(predictions)
        return asked | figures | {"run": name, "runs": runs, "settings": settings}

    def valid(cell: dict) -> bool:
        return first.settings.agrees(cell["settings"][0]) and second.settings.agrees(cell["settings"][1])

    first = bench.config(CHAPTER, protocol, VARIANTS["model 1 alone"])
    second = bench.config(CHAPTER, protocol, VARIANTS["model 2 alone"])
    name = f"{first.name}-then-{second.settings.digest}" + ("-frames" if row == DROPPED else "")
    return bench.kept(f"{row}, {protocol}", row, CHAPTER, name, measure, valid=valid)


def _judged(cell: dict, machine: Run, single: dict | None) -> dict:
    """Figures of a cell, its comparison with the strongest machine and with the single task."""
    predictions = predicted_by(machine, [cell])
    figures = figures_of(predictions) | {"against_svm": against(machine, [cell], metric="ua")}
    if single is not None and single is not cell:
        alone = predicted_by(machine, [single])
        figures["against_single"] = compare(alone, predictions, names=("single task", "this"), metric="ua").to_dict()
    return figures


def figures_of(predictions: pd.DataFrame) -> dict:
    """WA, UA, macro F1 in percent, and UA under each condition of a corpus in noise."""
    truth, told = predictions["emotion"].to_numpy(dtype=str), predictions["predicted"].to_numpy(dtype=str)
    conditions = conditions_of(predictions["utterance_id"])
    by_condition = {
        str(condition): ua(part["emotion"], part["predicted"]) for condition, part in predictions.groupby(conditions)
    }
    f1 = float(per_class(truth, told).loc[np.unique(truth), "f1"].mean())
    return {"wa": wa(truth, told), "ua": ua(truth, told), "f1": f1, "ua_by_condition": by_condition}


def conditions_of(ids: pd.Series) -> pd.Series:
    """The condition in the id of an utterance in noise ("none", "white@0"); missing for speech that is as recorded."""
    return ids.astype("string").str.extract("~([^~]+)$")[0]


def show_rows(bench: Bench, rows: dict[str, dict], protocols: Sequence[str], *, beside: str) -> None:
    """WA, UA, F1 and a comparison of every row under every protocol, where there is somewhere to show them.

    Args:
        bench: its console.
        rows: row to protocol to :func:`figures_of`, ``None`` where nothing was measured.
        protocols: the columns.
        beside: name of the comparison among a row's figures.
    """
    if bench.console is None:
        return
    heads = [f"{name} {metric}" for name in protocols for metric in ("WA", "UA", "F1", beside.replace("_", " "))]
    table = Table("", *heads, box=None, pad_edge=False)
    for row, by_protocol in rows.items():
        shown = (value for protocol in protocols for value in _shown(by_protocol[protocol], beside))
        table.add_row(row.replace("[", "\\["), *shown)
    bench.console.print(table)


def _shown(row: dict | None, beside: str) -> list[str]:
    if row is None:
        return ["–"] * 4
    found = row.get(beside)
    effect = interval(found)
    return [f"{row[metric]:.1f}" for metric in ("wa", "ua", "f1")] + [effect]
