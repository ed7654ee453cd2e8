"""What the papers print, artifact by artifact, in one form: row name to column name to text.

The figures are those of ``sercourse/experiments/printed``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from data_scripts.website.markdown import shown
from sercourse.experiments.cells import printed_figures

Rows = dict[str, dict[str, str]]
"""Row name to column name to what stands there."""


@dataclass(frozen=True)
class Printed:
    """One table of a paper.

    Attributes:
        where: corpus and protocol, as the paper has them.
        rows: the figures.
        note: what is odd about the print; "" where nothing is.
    """

    where: str
    rows: Rows = field(default_factory=dict)
    note: str = ""


def printed_tables(chapter: str) -> dict[str, Printed]:
    """Artifact to what the chapter's paper prints of it; artifacts of which nothing is printed are left out.

    Args:
        chapter: its name, e.g. ``mtap``.
    """
    made = _MAKERS.get(chapter)
    return made(printed_figures(chapter)) if made else {}


def spread(value: object) -> str:
    """A figure, or ``[mean, spread]``, as text; units are the table's."""
    if isinstance(value, list):
        return " ± ".join(f"{one:g}" for one in value)
    return f"{value:g}" if isinstance(value, float) else shown(value)


def _wide(table: Mapping[str, Mapping[str, Mapping]], names: Mapping[str, str]) -> Rows:
    """``{group: {row: {metric: value}}}`` with a column per group and metric."""
    rows: Rows = {}
    for group, found in table.items():
        for name, figures in found.items():
            rows.setdefault(name, {}).update(
                {f"{names.get(group, group)} {metric.upper()}": spread(figures[metric]) for metric in ("wa", "ua")}
            )
    return rows


def _metrics(rows: Mapping[str, Mapping], labels: Mapping[str, str]) -> Rows:
    return {
        str(name): {label: spread(figures.get(key)) for key, label in labels.items()} for name, figures in rows.items()
    }


def _emotion_autoencoder(paper: dict) -> dict[str, Printed]:
    protocols = ("kfold-10", "loso")
    found = {
        "table4": Printed(
            "IEMOCAP, four emotions",
            {row: {f"UA, {p}": spread(cell.get(p)) for p in protocols} for row, cell in paper["table4"].items()},
        )
    }
    for name, table in paper["per_class"].items():
        rows = {
            row: dict(zip(("precision", "recall", "F1"), map(spread, value))) for row, value in table["rows"].items()
        }
        found[name] = Printed(f"{table['corpus'].upper()}, {table['protocol']}", rows, table.get("note", ""))
    for name, table in paper["confusion"].items():
        rows = {
            true: dict(zip(table["emotions"], map(spread, row))) for true, row in zip(table["emotions"], table["rows"])
        }
        where = f"{table['corpus'].upper()}, {table['protocol']}; percent of the true emotion"
        found[name] = Printed(where, rows, table.get("note", ""))
    for name, table in paper["peers"].items():
        rows = {
            f"{who}, {protocol}": {table["metric"].upper(): spread(value)} for who, protocol, value in table["rows"]
        }
        found[name] = Printed(f"{table['corpus'].upper()}, as the paper quotes other systems", rows)
    return found


def _asp_mtl(paper: dict) -> dict[str, Printed]:
    found = {}
    for experiment in ("experiment1", "experiment2", "experiment3"):
        for name, table in paper[experiment].items():
            rows = {row: dict(zip(("accuracy", "F1"), map(spread, value))) for row, value in table["rows"].items()}
            found[name] = Printed(f"{table['corpus'].upper()}, 80 % for training", rows, _empty(rows))
    for name, table in paper["snr"].items():
        rows = {
            row: {f"in {snr} dB": spread(one) for snr, one in zip((-10, -5, 5, 10), value)}
            for row, value in table["rows"].items()
        }
        found[name] = Printed(f"IEMOCAP, {table['noise']} noise; SNR out in dB", rows, _empty(rows))
    return found


def _mtlser(paper: dict) -> dict[str, Printed]:
    costs = {"wa": "WA", "ua": "UA", "gflops": "GFLOPs", "seconds": "s per utterance"}
    where = "IEMOCAP, four emotions, “speaker-independent 10-fold”"
    babble = _metrics(paper["table5"]["rows"], {"wa": "WA", "ua": "UA", "f1": "F1"})
    return {
        "table4": Printed(where, _metrics(paper["table4"]["rows"], costs)),
        "figure4": Printed(where, {"mean over folds": {m.upper(): spread(paper["folds"][m]) for m in ("wa", "ua")}}),
        "backbones": Printed(where, note=f"In words: {paper['backbones']['accuracy']}; {paper['backbones']['loss']}."),
        "table5": Printed(
            "IEMOCAP in babble of NOISEX-92",
            {f"{snr} dB": row for snr, row in babble.items()},
        ),
        "alpha": Printed(where, {"best weight": {"alpha": spread(paper["weights"]["best_alpha_alone"])}}),
        "beta": Printed(where, {"best weight": {"beta": spread(paper["weights"]["best_beta_alone"])}}),
        "figure14": Printed(where, {"best weights": {name: spread(v) for name, v in paper["weights"]["best"].items()}}),
    }  # fmt: skip


def _mtap(paper: dict) -> dict[str, Printed]:
    five = "mean and spread over five runs per fold"
    iemocap = f"IEMOCAP (improvised), {five}"
    protocols = {"table1": "speaker-independent", "table2": "speaker-dependent", "table3": "one session left out"}
    corpora = {"emodb": "EMO-DB", "savee": "SAVEE", "iemocap-improvised": "IEMOCAP"}
    found = {
        name: Printed(f"{protocols[name]}, DenseNet169, {five}", _wide(table, corpora))
        for name, table in paper["losses"].items()
    }
    nets = {"resnet50": "ResNet50", "densenet169": "DenseNet169"}
    for name, part in (("table4", "modalities"), ("table5", "gender"), ("table6", "whole")):
        found[name] = Printed(iemocap, _wide(paper[part], nets))
    peers = _metrics(paper["peers"], {"wa": "WA", "ua": "UA"})
    return found | {"table7": Printed("IEMOCAP (improvised), as the paper quotes them", peers)}


def _msfl(paper: dict) -> dict[str, Printed]:
    where = ", ".join(paper["corpora"]).upper()
    return {
        "languages": Printed(where, note=f"In words: “{paper['improvement']['says']}”."),
        "rankings": Printed(where, note=f"In words: {paper['ranking']['says']}."),
    }


def _empty(rows: Rows) -> str:
    return "" if rows else "The figures are not in the text of the paper that was at hand."


_MAKERS = {
    "emotion_autoencoder": _emotion_autoencoder,
    "asp_mtl": _asp_mtl,
    "mtlser": _mtlser,
    "mtap": _mtap,
    "msfl": _msfl,
}
