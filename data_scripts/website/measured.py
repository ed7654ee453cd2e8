"""What was measured here, in the form of :mod:`data_scripts.website.printed`; only ``results/`` is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from data_scripts.website.printed import Rows
from sercourse.experiments import emotion_autoencoder as chapter02
from sercourse.experiments.cells import RESULTS, Bench
from sercourse.experiments.side_by_side import interval

METRICS: dict[str, str] = {"wa": "WA", "ua": "UA", "f1": "F1"}
CHOICES: dict[str, str] = {
    "wa_epoch_of_validation": "WA, epoch by validation",
    "wa_epoch_of_test": "WA, epoch by test",
    "svm_wa": "WA of the strongest SVM",
}
"""Columns of the lesson on how evaluation makes a number."""

NAMED: tuple[str, ...] = (
    "corpus", "features", "classifier", "amount", "channel", "part", "protocol", "repeats", "wa", "ua",
)  # fmt: skip
"""Columns of artifacts that are lists of rows."""


def stored(artifact: str, results: Path = RESULTS) -> list[dict]:
    """The summaries of an artifact, one per corpus that it was measured on.

    Args:
        artifact: ``CHAPTER/NAME``.
        results: the folder of summaries.
    """
    chapter, _, name = artifact.partition("/")
    files = [*(results / chapter).glob("*.json"), *results.glob("*.json")]
    found = [json.loads(file.read_text("utf-8")) for file in sorted(files)]
    return [one for one in found if one.get("artifact") == artifact] or _from_cells(chapter, name)


def _from_cells(chapter: str, name: str) -> list[dict]:
    """Tables 5 to 12 of chapter 02 are read off the cell of the full network, where it is stored."""
    tables = {**chapter02.printed()["per_class"], **chapter02.printed()["confusion"]}
    if chapter != chapter02.CHAPTER or name not in tables:
        return []
    function = chapter02.per_class if name in chapter02.printed()["per_class"] else chapter02.confusion
    for profile in ("paper", "course"):
        bench = Bench(tables[name]["corpus"], profile)
        config = bench.config(chapter, tables[name]["protocol"])
        file = RESULTS / chapter / "cells" / f"{config.name}.json"
        if file.exists() and config.settings.agrees(json.loads(file.read_text("utf-8"))["settings"]):
            return [function(bench, name)]
    return []


def corpora_of(found: Mapping) -> str:
    """The corpus of a summary, or those of its rows."""
    return found.get("corpus") or ", ".join(dict.fromkeys(row["corpus"] for row in found["rows"]))


def conditions(found: Mapping) -> str:
    """Under which conditions a summary was measured, in a line of Markdown."""
    protocols = found.get("protocols") or [found.get("protocol")]
    seeds = found.get("repeats") or found.get("seeds") or 1
    told = [
        corpora_of(found),
        ", ".join(p for p in protocols if p),
        f"profile {found['profile']}" if found.get("profile") else "",
        f"{seeds} seed" + ("s" if seeds > 1 else ""),
    ]
    return "; ".join(filter(None, told))


def rows_of(found: Mapping) -> Rows:
    """The figures of a summary; rows that were not measured are left out."""
    if "percent" in found:
        return {
            true: {name: f"{value:.1f}" for name, value in zip(found["emotions"], row)}
            for true, row in zip(found["emotions"], found["percent"])
        }
    if "quoted" in found and "measured" in found:
        metric = found["metric"]
        named = {f"{row['system']}, {row['protocol']}": row[metric] for row in found["measured"]}
        return {name: {metric.upper(): _text(figure)} for name, figure in named.items()}
    if "silhouette" in found:
        return {name: _silhouettes(scores) for name, scores in found["silhouette"].items()}
    rows = found.get("rows", {})
    if isinstance(rows, list):
        return {
            str(number): {name: _text(row[name]) for name in NAMED if name in row} for number, row in enumerate(rows, 1)
        }
    listed = {name: _columns(row, found) for name, row in rows.items() if row is not None}
    machines = {f"{name.upper()}+SVM": _columns(row, found) for name, row in found.get("machines", {}).items()}
    return {name: columns for name, columns in (listed | machines).items() if columns}


def strongest(rows: Rows, column: str) -> str:
    """The best figure of the machines of a table; "" where it has none."""
    values = [figures[column] for name, figures in rows.items() if name.endswith("+SVM") and column in figures]
    return max(values, key=lambda text: float(text.split()[0]), default="")


def _columns(row: Mapping | list, found: Mapping) -> dict[str, str]:
    if isinstance(row, list):
        heads = [f"in {snr} dB" for snr in found.get("snr_in", ())] or [f"without {n}" for n in found.get("counts", ())]
        return {head: f"{value:.1f}" for head, value in zip(heads, row)}
    if "measured" in row:  # precision, recall, F1
        return dict(zip(("precision", "recall", "F1"), (f"{value:.1f}" for value in row["measured"])))
    if "wa_epoch_of_test" in row:  # the lesson: the same networks, two ways to choose the epoch
        return {label: _text(row[name]) for name, label in CHOICES.items()}
    columns = _figures(row)
    if "with_shared" in row:
        columns["features of ten shared with the shared ranking"] = _text(row["with_shared"]["overlap"]["value"])
    text = row.get("tasks", {}).get("text") if isinstance(row.get("tasks"), Mapping) else None
    if text:
        columns |= {"words wrong (%)": _text(text["wer"]), "characters wrong (%)": _text(text["cer"])}
    several = {name: cell for name, cell in row.items() if isinstance(cell, Mapping) and _figures(cell)}
    for name, cell in several.items() if not columns else ():
        columns |= {f"{metric}, {name}": value for metric, value in _figures(cell).items()}
    return columns


def _figures(cell: Mapping) -> dict[str, str]:
    """WA, UA and F1 with their spread over seeds; the distance from the strongest machine, with its interval."""
    told = {}
    for key, label in METRICS.items():
        if isinstance(cell.get(key), float):
            spread = cell.get(f"{key}_sd_seeds")
            told[label] = f"{cell[key]:.1f}" + (f" ± {spread:.1f}" if spread is not None else "")
    above = cell.get("above")
    effect = above.get("strongest SVM") if isinstance(above, Mapping) else None
    effect = effect or cell.get("against_svm")
    if told and effect:
        label = f"above the strongest SVM ({effect['metric'].upper()}, 95 % interval)"
        told[label] = interval(effect)
    return told


def _silhouettes(scores: float | list[float] | Mapping[str, float]) -> dict[str, str]:
    """One column, one per embedding layer, or one per name."""
    if isinstance(scores, float):
        return {"silhouette": f"{scores:.2f}"}
    named = scores if isinstance(scores, Mapping) else {f"layer {number}": one for number, one in enumerate(scores, 1)}
    return {name: f"{score:.2f}" for name, score in named.items()}


def _text(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)
