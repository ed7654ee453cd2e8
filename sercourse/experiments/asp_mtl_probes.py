"""Chapter 03: is the auxiliary label gone from the shared features? Fresh probes, with and without the constraints.

A probe learns from the training side, or from the validation side, which the adversary never saw; the one that reads
more counts. So an attribute that is hidden on training speech only is not taken for gone. Folds are pooled, for some
test sides hold one gender alone.

Source: Liu and Zhang, IEEE Access 2023, section III B (what the constraints are for; the paper does not test it).
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from rich.table import Table

from sercourse import corpora
from sercourse.corpora.noisy import in_conditions
from sercourse.evaluation.probes import ENOUGH, KINDS, Probe, pooled, probe
from sercourse.experiments.asp_mtl import CHAPTER, IN_NOISE
from sercourse.experiments.cells import Bench
from sercourse.features.extract import extract
from sercourse.training.frozen import frozen
from sercourse.training.networks import TrainingConfig
from sercourse.training.predict import load_network
from sercourse.training.protocols import Protocol
from sercourse.training.runs import Run

PROTOCOL = "group-5"

PRINTED = ("critic_rate=1", "correlation_weight=0")
VARIANTS: dict[str, tuple[str, ...]] = {
    "both constraints": PRINTED,
    "without the adversary": (*PRINTED, "adversary_weight=0"),
    "without orthogonality": (*PRINTED, "orthogonality_weight=0"),
    "neither": (*PRINTED, "adversary_weight=0", "orthogonality_weight=0"),
    "told the task, as printed": (*PRINTED, "discriminate=task"),
    "faster adversary": ("correlation_weight=0",),
    "correlation for adversary": ("adversary_weight=0",),
    "both, faster, and correlation": (),
}
"""Constraints on and off; the discriminator that tells tasks, which both draw the same speech here; and the remedies
against an adversary that is outrun."""

NOTE = (
    "critic_rate and correlation_weight of the profiles were chosen by probes of the gender on validation speakers of"
    " two folds of EMO-DB (group-5), who are test speakers of other folds: on EMO-DB the rows with remedies may be a"
    " little too good."
)

SPACES = {"shared": "shared", "private": "auxiliary_states"}
"""Feature space to the network's output."""


LEARN_FROM = ("train", "validation")
"""Sides of a fold from which probes learn."""


def probes(bench: Bench, auxiliary: str) -> dict:
    """What fresh probes read of the auxiliary label from shared and private features, and what the emotion pays.

    Args:
        bench: how to measure.
        auxiliary: "noise" or "gender".
    """
    bench = replace(bench, corpus=bench.corpus or "synthetic", repeats=1)
    bench.check_rows(list(VARIANTS))
    corpus = in_conditions(bench.corpus, IN_NOISE) if auxiliary == "noise" else bench.corpus
    rows = {}
    for title, changes in VARIANTS.items():
        config = replace(bench, corpus=corpus).config(CHAPTER, PROTOCOL, (f"auxiliary={auxiliary}", *changes))
        cell = bench.cell(title, config, more=partial(_probed, config), needs=("tasks", "probes"))
        rows[title] = cell and {name: cell[name] for name in ("wa", "ua", "tasks", "probes", "run")}
    if bench.console is not None:
        heads = [f"{space}, {kind}" for space in SPACES for kind in KINDS]
        table = Table(f"UA of {auxiliary}", *heads, "chance", "emotion UA", box=None, pad_edge=False)
        for title, row in rows.items():
            if row is not None:
                values = [row["probes"][space][kind]["ua"] for space in SPACES for kind in KINDS]
                chance = row["probes"]["shared"]["linear"]["chance"]
                table.add_row(title, *(f"{value:.1f}" for value in (*values, chance, row["ua"])))
        bench.console.print(table)
        bench.say(NOTE)
    asked = {"corpus": corpus, "protocol": PROTOCOL, "profile": bench.profile, "seed": bench.seed}
    return {"artifact": f"{CHAPTER}/probes_{auxiliary}", "auxiliary": auxiliary, **asked, "note": NOTE, "rows": rows}


def _probed(config: TrainingConfig, run: Run) -> dict:
    """What probes find on the test sides of all folds, pooled; folds without a label there are left out.

    A probe learns from the fold's training side, or from its validation side, which the network has not fitted: the one
    that reads more is told. A fold whose validation side cannot teach lends its training side to both.
    """
    auxiliary = config.settings.model.auxiliary
    table = corpora.load(config.corpus)
    features = {name: extract(table, name, progress=False) for name in config.recipe.features(config.settings)}
    usable = set.intersection(*(set(maps) for maps in features.values()))
    found: dict[tuple[str, str, str], list[Probe]] = {}
    folds = Protocol.from_json(run.protocol["repeats"][0]).folds
    for number, fold in enumerate(folds):
        network = load_network(run.folder, number)
        examples = config.recipe.examples(features, table, network.classes, config.settings)
        sides = {"train": fold.train, "validation": fold.validation, "test": fold.test}
        sides = {side: [i for i in ids if i in usable] for side, ids in sides.items()}
        states = {side: frozen(network, examples, ids, list(SPACES.values())) for side, ids in sides.items()}
        labels = {side: table.loc[ids, auxiliary].to_numpy(dtype=object) for side, ids in sides.items()}
        if not pd.Series(labels["test"]).notna().any():
            continue
        for space, name in SPACES.items():
            for kind in KINDS:
                for side in LEARN_FROM:
                    taught = side if _teaches(labels[side]) else LEARN_FROM[0]
                    told = probe(states[taught][name], labels[taught], states["test"][name], labels["test"], kind=kind)
                    found.setdefault((space, kind, side), []).append(told)
    figures: dict = {space: {} for space in SPACES}
    for space, kind in product(SPACES, KINDS):
        best = max((pooled(found[space, kind, side]) for side in LEARN_FROM), key=lambda one: one.ua)
        figures[space][kind] = {figure: getattr(best, figure) for figure in ("wa", "ua", "majority", "chance")}
    probed = len(found["shared", KINDS[0], LEARN_FROM[0]])
    return {"probes": figures, "folds_probed": probed, "folds_of": len(folds), "tasks": run.summary["tasks"]}


def _teaches(labels: np.ndarray) -> bool:
    """Whether a probe can learn from these labels: two classes or more, enough of each."""
    counts = pd.Series(labels).value_counts()
    return len(counts) > 1 and counts.min() >= ENOUGH
