"""Chapter 03: emotion under noise with one model, the other, both, or none (table 9), against the strongest machine.

"Without model 2" can mean two things: model 1's own emotion head on speech that is still noisy, or a plain network on
speech that model 1 has cleaned. Both are rows; the second parts what cleaning brings from what the gender brings.

The paper's ablation stands on IEMOCAP and its values are missing in our text. Here: any corpus under white, pink,
babble and factory noise at 0 dB and as recorded, speaker groups apart (and the paper's 80/20 beside it), everything
trained and tested under the same conditions.

Source: Liu and Zhang, IEEE Access 2023, experiment 5, table 9.
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from rich.table import Table

from sercourse.corpora.noisy import in_conditions
from sercourse.evaluation.comparison import compare
from sercourse.evaluation.metrics import per_class, ua, wa
from sercourse.experiments.asp_mtl import CHAPTER, IN_NOISE, MODEL1
from sercourse.experiments.cells import NO_VALIDATION, Bench, against, predicted_by, spelled
from sercourse.experiments.side_by_side import interval
from sercourse.training.asp_mtl_pipeline import AspMtlPipeline
from sercourse.training.runs import Run
from sercourse.training.summary import summarise

PROTOCOLS: tuple[str, ...] = ("group-5", "holdout-20")

VARIANTS: dict[str, tuple[str, ...]] = {
    "single task": (
        "discriminate=label", "auxiliary_weight=0", "adversary_weight=0", "orthogonality_weight=0",
        "correlation_weight=0",
    ),
    "model 1 alone": MODEL1,
    "model 2 alone": (),
}  # fmt: skip
"""Networks on the noisy speech itself: emotion alone (``discriminate=label``: no draw hides its emotion); with noise
beside it; with gender beside it."""

CLEANED = "model 1, then a single task"
BOTH = "both models"
DROPPED = "both models, frames dropped"
CHAINS: dict[str, tuple[tuple[str, ...], str]] = {
    CLEANED: (VARIANTS["single task"], "mask"),
    BOTH: (VARIANTS["model 2 alone"], "mask"),
    DROPPED: (VARIANTS["model 2 alone"], "frames"),
}
"""Networks on what model 1 leaves: their settings, and how noise is removed (the last has the paper's way)."""

BESIDE: dict[str, str] = {
    "against_model1": "model 1 alone", "against_model2": "model 2 alone", "against_cleaned": CLEANED,
}  # fmt: skip
"""Comparisons of both models with other rows, by the name that they have among its figures."""

NOISES = "all noises"
"""The conditions of a corpus in noise without the speech as it was recorded."""


TUNED = (
    "Batch size, epochs, dropout, critic_rate and correlation_weight of the profile were chosen by trials on validation"
    " speakers of EMO-DB, who are test speakers of other folds: on EMO-DB all rows of ASP-MTL may be a little too good."
)


def ablation(bench: Bench) -> dict:
    """Table 9, with what its rows leave open: a single task, and the machines."""
    bench = replace(bench, corpus=in_conditions(bench.corpus or "synthetic", IN_NOISE), repeats=1)
    bench.check_rows([*VARIANTS, *CHAINS])
    protocols, rows = bench.protocols(PROTOCOLS), {}
    for protocol in protocols:
        strongest, machines = bench.strongest(protocol)
        for row, machine in machine_rows(bench, protocol, machines).items():
            figures = figures_of(machine.predictions) | {"run": machine.summary["run"]}
            rows.setdefault(row, {})[protocol] = figures
        cells = {row: bench.cell(row, bench.config(CHAPTER, protocol, changes)) for row, changes in VARIANTS.items()}
        cells |= {row: chain(bench, protocol, row) for row in CHAINS}
        judged = {row: cell and predicted_by(strongest, [cell]) for row, cell in cells.items()}
        for row, cell in cells.items():
            figures = cell and effects(row, judged) | {"against_svm": against(strongest, [cell], metric="ua")}
            rows.setdefault(row, {})[protocol] = figures
    show_rows(bench, rows, protocols, beside="against_single")
    asked = {"corpus": bench.corpus, "profile": bench.profile, "seed": bench.seed}
    return {"artifact": f"{CHAPTER}/table9", **asked, "protocols": list(protocols), "rows": rows, "notes": [TUNED]}


def machine_rows(bench: Bench, protocol: str, machines: Mapping[str, Run]) -> dict[str, Run]:
    """Machines by row: as :meth:`Bench.strongest` gives them, and without validation, as networks learn."""
    own = {f"{features.upper()}+SVM": machine for features, machine in machines.items()}
    alone = {f"{row}{NO_VALIDATION}": bench.machine(protocol, features, learn_from="train")
             for row, features in zip(own, machines, strict=True)}  # fmt: skip
    return own | alone


def effects(row: str, judged: Mapping[str, pd.DataFrame | None]) -> dict:
    """Figures of a row of table 9, and how far it is above other rows.

    Args:
        row: one of :data:`VARIANTS` or :data:`CHAINS` that was measured.
        judged: row to the predictions of one protocol, ``None`` where nothing was measured.

    Returns:
        :func:`figures_of`; ``against_single`` beside the single task on all test utterances, ``against_single_within``
        under each condition and under :data:`NOISES` together (:func:`effects_within`); of both models also
        ``against_model1`` and ``against_model2`` beside either alone, and ``against_cleaned`` beside :data:`CLEANED`:
        what the gender brings on speech that is cleaned.
    """
    own, single = judged[row], judged["single task"]
    figures = figures_of(own)
    if single is not None and row != "single task":
        figures["against_single"] = compare(single, own, names=("single task", "this"), metric="ua").to_dict()
        condition = conditions_of(own["utterance_id"]).set_axis(own["utterance_id"]).dropna()
        noisy = pd.Series(NOISES, index=condition.index[condition != "none"])
        figures["against_single_within"] = effects_within(single, own, condition) | effects_within(single, own, noisy)
    for name, other in BESIDE.items() if row == BOTH else ():
        if judged.get(other) is not None:
            figures[name] = compare(judged[other], own, names=(other, row), metric="ua").to_dict()
    return figures


def effects_within(a: pd.DataFrame, b: pd.DataFrame, part_of: pd.Series) -> dict[str, dict]:
    """UA of two systems in parts of the test utterances, and how far the second is above the first.

    Args:
        a: predictions, as :func:`~sercourse.evaluation.comparison.compare` takes them.
        b: those of the second system.
        part_of: utterance id to the name of its part; utterances without one are left out.

    Returns:
        By part ``value_a, value_b`` (percent), ``effect, low, high`` (points, 95 % interval by bootstrap), ``over``
        (what was drawn). The UA of a part with one emotion is that emotion's recall.
    """
    kept = ("value_a", "value_b", "effect", "low", "high", "over")
    found = {}
    for name, ids in part_of.groupby(part_of).groups.items():
        effect = compare(*(one[one["utterance_id"].isin(ids)] for one in (a, b)), metric="ua").to_dict()
        found[str(name)] = {figure: effect[figure] for figure in kept}
    return found


def chain(
    bench: Bench, protocol: str, row: str = BOTH, *, more: tuple[str, ...] = (), name: str | None = None
) -> dict | None:
    """Model 1 and a network on what it leaves, as a cell, on the bench's corpus, which is one in noise.

    Args:
        bench: how to measure.
        protocol: of both networks.
        row: one of :data:`CHAINS`.
        more: further settings of the second network.
        name: of the row that is asked for, where it is not the chain's own.
    """
    changes, removal = CHAINS[row]
    asked_for = name or row

    def measure() -> dict:
        pipeline = trained_chain(bench, protocol, row, more)
        predictions = pipeline.predictions
        runs = {"model1": pipeline.model1.summary["run"], "model2": [run.summary["run"] for run in pipeline.model2]}
        asked = {"corpus": bench.corpus, "protocol": protocol, "profile": bench.profile, "seed": bench.seed}
        settings = [first.settings.to_json(), second.settings.to_json()]
        figures = summarise(predictions, seed=bench.seed) | spelled(predictions)
        figures |= {"data_hash": pipeline.model1.summary["data_hash"]}
        return asked | figures | {"run": run_name, "runs": runs, "settings": settings}

    def valid(cell: dict) -> bool:
        return first.settings.agrees(cell["settings"][0]) and second.settings.agrees(cell["settings"][1])

    first = bench.config(CHAPTER, protocol, MODEL1)
    second = bench.config(CHAPTER, protocol, (*changes, *more))
    run_name = f"{first.name}-then-{second.settings.digest}" + ("-frames" if removal == "frames" else "")
    return bench.kept(f"{asked_for}, {protocol}", asked_for, CHAPTER, run_name, measure, valid=valid)


def trained_chain(bench: Bench, protocol: str, row: str, more: tuple[str, ...] = ()) -> AspMtlPipeline:
    """The networks of a row of :data:`CHAINS` on the bench's corpus; arguments as :func:`chain`."""
    changes, removal = CHAINS[row]
    return AspMtlPipeline.train(
        bench.corpus, protocol, profile=bench.profile, seed=bench.seed, jobs=bench.jobs,
        noise_settings=MODEL1, gender_settings=(*changes, *more), removal=removal, progress=bench.console is not None,
    )  # fmt: skip


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
    if any(figures is None for by_protocol in rows.values() for figures in by_protocol.values()):
        bench.say("–: not measured, for it is neither stored nor among --rows.")


def _shown(row: dict | None, beside: str) -> list[str]:
    if row is None:
        return ["–"] * 4
    found = row.get(beside)
    effect = interval(found)
    return [f"{row[metric]:.1f}" for metric in ("wa", "ua", "f1")] + [effect]
