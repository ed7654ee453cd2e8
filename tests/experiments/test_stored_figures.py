"""What is stored can be derived again: a row from its cells, and a cell's figures from its letters and the corpus."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from sercourse import corpora
from sercourse.corpora.layout import CorpusWarning
from sercourse.evaluation.metrics import ua, wa
from sercourse.experiments.cells import RESULTS, unspelled

ARTIFACTS = sorted(RESULTS.glob("*/*.json"))
CELLS = sorted(RESULTS.glob("*/cells/*.json"))
AS_RECORDED = ("emodb", "ravdess", "nemo")
"""Corpora whose labels can be read without making anything."""


def rows_of(node: object, names: tuple[str, ...] = ()) -> Iterator[tuple[str, dict]]:
    """Every part of an artifact that has a WA and names the runs behind it, with its place."""
    if isinstance(node, dict):
        if "wa" in node and ("runs" in node or "run" in node):
            yield " / ".join(names), node
        for name, part in node.items():
            yield from rows_of(part, (*names, str(name)))


@cache
def cell(chapter: str, run: str) -> dict | None:
    path = RESULTS / chapter / "cells" / f"{run}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def test_rows_have_the_figures_of_their_cells():
    compared = 0
    for path in ARTIFACTS:
        for place, row in rows_of(json.loads(path.read_text("utf-8"))):
            runs = row.get("runs") or row["run"]
            found = [cell(path.parent.name, run) for run in ([runs] if isinstance(runs, str) else runs)]
            if any(one is None or "wa" not in one for one in found):
                continue  # a machine, which has no cell
            for metric in ("wa", "ua"):
                if metric in row and metric in found[0]:
                    mean = sum(one[metric] for one in found) / len(found)
                    assert row[metric] == pytest.approx(mean), (path.name, place, metric)
            compared += 1
    assert compared >= 40


def labelled(corpus: str) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CorpusWarning)  # a part of nEMO is no part of what was tested there
        table = corpora.load(corpus)
    return table[table["emotion"].notna()]


def test_a_cell_has_the_figures_of_its_letters(real_corpora):
    """WA and UA of every stored network on recordings as they are, from one letter per utterance."""
    tables = {name: labelled(name) for name in AS_RECORDED if (Path(real_corpora) / name).is_dir()}
    judged = 0
    for path in CELLS:
        one = json.loads(path.read_text("utf-8"))
        if one.get("corpus") not in tables or one.get("repeats", 1) != 1 or one.get("unit", "utterance") != "utterance":
            continue
        table = tables[one["corpus"]]
        if "predicted" not in one or len(one["predicted"]["0"]) != len(table):
            continue  # one fold alone, or a part of the corpus: which one, its row says
        told = unspelled(one, table)
        for metric in (wa, ua):
            if metric.__name__ in one:
                assert metric(told["emotion"], told["predicted"]) == pytest.approx(one[metric.__name__]), path.name
        judged += 1
    assert judged >= (20 if "emodb" in tables else 0)
