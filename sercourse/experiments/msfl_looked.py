"""What the networks of a run look at: attention per language, other rankings, and UA without the first features.

Rankings are made on each fold's validation speakers and tested on its test speakers.

Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sercourse import corpora
from sercourse.explain.attribution import (
    Reader,
    deletion_curve,
    integrated_gradients,
    permutation_importance,
    ranked,
)
from sercourse.features.extract import extract
from sercourse.models.multitask import MAIN
from sercourse.training.predict import load_network
from sercourse.training.protocols import Protocol
from sercourse.training.recipes.vectors import joined_functionals
from sercourse.training.runs import Run

METHODS: tuple[str, ...] = ("attention", "permutation", "gradients")
"""Ways to rank: the network's attention, permutation importance, integrated gradients."""

RANDOM = "random"
ORDERS = 10
"""Random orders whose curves are averaged."""

LOOKED_AT = ("scores", "attention_of", "counts", "curves")
"""What the tables that rank need of a cell; see :func:`looked_at`."""

COUNTS: tuple[float, ...] = (0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75)
"""Shares of the features that are taken away."""


def looked_at(run: Run) -> dict:
    """For every fold of a run's first repeat, what its network looks at.

    Args:
        run: of chapter 06, one network per fold.

    Returns:
        ``scores``: each of :data:`METHODS` to a list with ``D`` scores per fold; ``attention_of``: language to such a
        list, from the test utterances in it; ``counts``: features taken away; ``curves``: per fold, each method (and
        ``random``) to UA after taking so many away; ``tasks``: as the run's summary.
    """
    settings, languages = run.summary["settings"], run.summary["settings"]["loop"]["languages"]
    sets = tuple(settings["data"]["functionals"])
    table = corpora.load(run.summary["corpus"])
    table = table[table["language"].isin(languages)] if languages else table
    maps = {name: extract(table, name, progress=False) for name in sets}
    usable = table.index[[all(i in found for found in maps.values()) for i in table.index]]
    vectors = {i: joined_functionals(maps, i, sets) for i in usable}
    found: dict = {"scores": {name: [] for name in METHODS}, "attention_of": {}, "curves": []}
    for number, fold in enumerate(Protocol.from_json(run.protocol["repeats"][0]).folds):
        reader = Reader(load_network(run.folder, number))
        sides = [[i for i in side if i in vectors] for side in (fold.validation, fold.test)]
        scores = _scores(reader, *_side(vectors, table, sides[0]))
        functionals, emotions = _side(vectors, table, sides[1])
        attention = reader.output(functionals, "attention")  # (N, D)
        for language, rows in table.loc[sides[1]].reset_index().groupby("language").groups.items():
            found["attention_of"].setdefault(language, []).append(_short(attention[rows].mean(0)))
        for name in METHODS:
            found["scores"][name].append(_short(scores[name]))
        found["counts"] = [round(share * functionals.shape[1]) for share in COUNTS]
        orders = {name: [ranked(scores[name])] for name in METHODS}
        rng = np.random.default_rng(number)
        orders[RANDOM] = [rng.permutation(functionals.shape[1]) for _ in range(ORDERS)]
        found["curves"].append({
            name: np.mean([deletion_curve(reader, functionals, emotions, order, found["counts"]) for order in some], 0)
            .round(2).tolist() for name, some in orders.items()
        })  # fmt: skip
    return found | {"tasks": run.summary["tasks"]}


def _side(vectors: dict[str, np.ndarray], table: pd.DataFrame, ids: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Functionals ``(N, D)`` and emotions of some utterances."""
    return np.stack([vectors[i] for i in ids]), table.loc[list(ids), MAIN].tolist()


def _scores(reader: Reader, functionals: np.ndarray, emotions: Sequence[str]) -> dict[str, np.ndarray]:
    """Every method's scores of the features, ``(D,)`` each."""
    return {
        "attention": reader.output(functionals, "attention").mean(0),
        "permutation": permutation_importance(reader, functionals, emotions),
        "gradients": integrated_gradients(reader, functionals),
    }


def _short(scores: np.ndarray) -> list[float]:
    """Four digits of each number: cells are committed."""
    return [float(f"{value:.4g}") for value in scores]
