"""Chapter 02's tables: what Zhang and Xue print, measured anew, and how evaluation makes a number.

The paper judges on IEMOCAP and EMO-DB; every artifact runs on any corpus, and the printed figures stand beside it where
the corpus is the paper's.

Source: Zhang and Xue, IEEE Access 2021, tables 4 to 14.
Notebook: 02_emotion_autoencoder.ipynb
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from rich.table import Table

from sercourse import corpora
from sercourse.experiments.autoencoder_evaluation import CHAPTER, recorded_epochs
from sercourse.experiments.cells import (
    NO_VALIDATION,
    Bench,
    against,
    cell_path,
    mean_and_spread,
    printed_figures,
    spelled,
    stored_artifact,
)
from sercourse.training.protocols import make_protocol
from sercourse.training.runs import Run

VARIANTS: dict[str, tuple[str, ...]] = {
    "AE-OS": ("functionals=", "embedding=false", "norm=batch"),
    "AE-OS+EE,IN": ("functionals=",),
    "AE": ("embedding=false", "norm=batch"),
    "AE+EE": ("norm=batch",),
    "AE+IN": ("embedding=false",),
    "AE+EE,IN": (),
    "AE+EE,IN with IS09": ("functionals=is10,is09",),
}
"""Rows of table 4 (OS: openSMILE functionals, EE: emotion embedding, IN: instance norm; without IN: batch norm), and
the one that the printed width of 2478 calls for."""

FEWER_FOLDS = ("kfold-5", "group-5")
"""Protocols that a grid takes besides its own, over utterances and over speakers: where ten folds cost too much."""

AS_IT_IS = "as it is"
STEPS: dict[str, tuple[str, ...]] = {
    AS_IT_IS: (),
    "without attention": ("attention=false",),
    "IS09 added": ("functionals=is10,is09",),
    "ComParE added": ("functionals=is10,compare",),
    "the spectrum's mean and spread added": ("functionals=is10,logmag_stats",),
    "classifier as wide as printed": ("hidden=1024,512,128",),
    "classifier of one hidden layer": ("hidden=256",),
    "labels smoothed": ("smoothing=0.1",),
    "augmentation": ("frequency_masks=2", "time_masks=2", "gain_db=6"),
    "balanced sampling": ("sampling=balanced",),
    "validation trained on, last epoch": ("learn_from=development", "select=last"),
    "weights averaged": ("learn_from=development", "select=last", "average=5"),
    "three networks averaged": ("members=3",),
    "all that helps": (
        "functionals=is10,compare", "smoothing=0.1", "learn_from=development", "select=last", "average=5", "members=3",
    ),
    "all that helps, read from the spectrum too": (
        "functionals=is10,logmag_stats", "hidden=256", "smoothing=0.1", "learn_from=development", "select=last",
        "average=5", "members=3",
    ),
    "without openSMILE": ("functionals=",),
    "without openSMILE: batch norm, a dropout of .1, no attention": (
        "functionals=", "norm=batch", "dropout=0.1", "attention=false",
    ),
}  # fmt: skip
"""Steps beyond the profile's own network. Each changes what its name says ("weights averaged" rests on the row above
it). The two rows of all that helps do several at once. Smoothing and ComParE (in the first), smoothing, the spectrum's
mean and spread, one hidden layer and three networks (in the second) were picked by trials on validation sides; the rest
was fixed beforehand. Validation utterances of one fold are test utterances of another, and the idea
of reading the spectrum came when table 4 had shown its branch to be weak on these folds: a little of the test is in the
choice, as always where one corpus serves again and again."""

SPECTRUM = "logmag_stats"
"""What a linear machine is given of the network's own spectrogram, beside the steps."""


def printed() -> dict:
    """The paper's own figures."""
    return printed_figures(CHAPTER)


def stored(artifact: str) -> dict | None:
    """The committed figures of an artifact of this chapter (``table4_emodb``), or ``None`` where there are none."""
    return stored_artifact(CHAPTER, artifact)


def table4(bench: Bench) -> dict:
    """Emotion embedding, instance norm and openSMILE features on and off, and the SVM; 10 folds and one speaker out."""
    return _grid(bench, "table4", VARIANTS, bench.protocols(("kfold-10", "loso"), FEWER_FOLDS))


def steps(bench: Bench) -> dict:
    """What each step brings beyond the profile's own network: in ten folds over utterances, or in those asked for.

    A step that is part of the profile already is left out: it would be said to bring nothing.
    """
    own = bench.config(CHAPTER, "kfold-10").settings
    rows = STEPS | longer_rows(own.loop.epochs)
    beyond = {name: changes for name, changes in rows.items() if name == AS_IT_IS or own.changed(changes) != own}
    for name in rows.keys() - beyond.keys():
        bench.say(f"{name}: the profile '{bench.profile}' does so anyway.")
    return _grid(bench, "steps", beyond, bench.protocols(("kfold-10",), (*FEWER_FOLDS, "loso")), machines=(SPECTRUM,))


def longer_rows(epochs: int) -> dict[str, tuple[str, ...]]:
    """The steps that train longer: an epoch of EMO-DB is a tenth of one of IEMOCAP, the paper's other corpus.

    Args:
        epochs: of the profile.
    """
    twice, five_times = f"epochs={2 * epochs}", f"epochs={5 * epochs}"
    return {
        "twice as long": (twice,),
        "five times as long": (five_times,),
        "five times as long, without openSMILE": (five_times, "functionals="),
    }


def _grid(
    bench: Bench, name: str, rows: dict[str, tuple[str, ...]], protocols: tuple[str, ...],
    machines: tuple[str, ...] = (),
) -> dict:  # fmt: skip
    """Variants x protocols x seeds, the machines of the same folds beside them, and further ``machines``."""
    bench.check_rows(list(rows))
    known = printed()[name] if name == "table4" and (bench.corpus or "").startswith("iemocap") else {}
    found: dict[str, dict] = {}
    bench.say(_plan(bench, rows, protocols))
    for protocol in protocols:
        strongest, beside = bench.strongest(protocol)
        for features, machine in (beside | {one: bench.machine(protocol, one) for one in machines}).items():
            row = _machine_row(machine)
            row["printed_ua"] = known.get("IS10+SVM", {}).get(protocol) if features == "is10" else None
            found.setdefault(f"{features.upper()}+SVM", {})[protocol] = row
            row = _machine_row(bench.machine(protocol, features, learn_from="train"))
            found.setdefault(f"{features.upper()}+SVM{NO_VALIDATION}", {})[protocol] = row | {"printed_ua": None}
        for variant, changes in rows.items():
            cell = _over_seeds(bench, variant, protocol, changes, strongest)
            if cell is not None:
                cell["printed_ua"] = known.get(variant, {}).get(protocol)
            found.setdefault(variant, {})[protocol] = cell
    if bench.console is not None:
        bench.console.print(_grid_table(found, protocols))
    corpus, profile = bench.corpus or "synthetic", bench.profile
    asked = {"corpus": corpus, "profile": profile, "seeds": bench.repeats, "seed": bench.seed, "metric": "percent"}
    return {"artifact": f"{CHAPTER}/{name}", **asked, "protocols": list(protocols), "rows": found}


def _machine_row(machine: Run) -> dict:
    """A machine's figures, with its letters (see :func:`~sercourse.experiments.cells.spelled`): it has no cell."""
    kept = ("wa", "ua", "wa_sd", "ua_sd", "wa_interval", "ua_interval", "run")
    return {name: machine.summary[name] for name in kept} | spelled(machine.predictions)


def _over_seeds(bench: Bench, row: str, protocol: str, changes: tuple[str, ...], machine: Run) -> dict | None:
    """One variant under one protocol: each seed a cell, their mean and spread, and the comparison with the machine."""
    cells = [one.cell(row, one.config(CHAPTER, protocol, changes), more=recorded_epochs) for one in bench.per_seed()]
    if None in cells:
        return None
    figures = {}
    for metric in ("wa", "ua"):
        figures[metric], figures[f"{metric}_sd_seeds"] = mean_and_spread([cell[metric] for cell in cells])
        figures[f"{metric}_seeds"] = [cell[metric] for cell in cells]
    costs = {"parameters": cells[0]["parameters"], "members": cells[0]["settings"]["loop"]["members"]}
    runs = [cell["run"] for cell in cells]
    return {**figures, **costs, "against_svm": against(machine, cells), "runs": runs}


def _plan(bench: Bench, rows: dict[str, tuple[str, ...]], protocols: tuple[str, ...]) -> str:
    """Networks to train (folds x seeds x members) and their seconds by the recipe's rule of thumb, on one core."""
    table, networks, seconds = corpora.load(bench.corpus or "synthetic"), 0, 0.0
    table = table[table["emotion"].notna()]
    asked = {name: changes for name, changes in rows.items() if not bench.rows or name in bench.rows}
    for one in bench.per_seed():
        for protocol in protocols:
            folds = make_protocol(protocol, table, seed=one.seed).folds
            for config in (one.config(CHAPTER, protocol, changes) for changes in asked.values()):
                if cell_path(CHAPTER, config.name).exists():
                    continue
                loop, rule = config.settings.loop, config.recipe.seconds[config.profile]
                networks += len(folds) * loop.members
                seconds += sum(len(fold.train) for fold in folds) / 100 * loop.epochs * loop.members * rule
    return (
        f"Plan: {networks} networks to train, {seconds / 60:.0f} min on one core in the profile's own size; machines."
    )


def _grid_table(found: dict[str, dict], protocols: tuple[str, ...]) -> Table:
    heads = [f"{protocol} {metric}" for protocol in protocols for metric in ("WA", "UA", "printed UA")]
    table = Table("", *heads, box=None, pad_edge=False)
    for row, cells in found.items():
        values = []
        for protocol in protocols:
            cell = cells.get(protocol)
            values += (
                ["–"] * 3 if cell is None else [_figure(cell, "wa"), _figure(cell, "ua"), _show(cell["printed_ua"])]
            )
        table.add_row(row, *values)
    return table


def _figure(cell: dict, metric: str) -> str:
    spread = cell.get(f"{metric}_sd_seeds")
    return f"{cell[metric]:.1f}" + (f" ± {spread:.1f}" if spread is not None else "")


def _show(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def per_class(bench: Bench, name: str) -> dict:
    """Precision, recall and F1 of every emotion (tables 5 to 8).

    Args:
        bench: how to measure; its corpus replaces the paper's.
        name: "table5" … "table8".
    """
    paper, cell, bench = _paper_and_cell(bench, printed()["per_class"][name])
    rows = {
        emotion: {
            "measured": [figures[k] for k in ("precision", "recall", "f1")],
            "printed": paper["rows"].get(emotion),
        }
        for emotion, figures in cell["per_class"].items()
    }
    if bench.console is not None:
        table = Table("emotion", "precision", "recall", "F1", "printed", box=None, pad_edge=False)
        for emotion, row in rows.items():
            beside = " ".join(f"{value:.1f}" for value in row["printed"] or []) or "–"
            table.add_row(emotion, *(_show(value) for value in row["measured"]), beside)
        bench.console.print(table)
    return {"artifact": f"{CHAPTER}/{name}", **_asked(cell, paper), "rows": rows}


def confusion(bench: Bench, name: str) -> dict:
    """Confusion of the emotions in percent of the true one (tables 9 to 12).

    Args:
        bench: how to measure; its corpus replaces the paper's.
        name: "table9" … "table12".
    """
    paper, cell, bench = _paper_and_cell(bench, printed()["confusion"][name])
    counts = np.array(cell["confusion"]["counts"])
    percent = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    emotions = cell["confusion"]["emotions"]
    if bench.console is not None:
        table = Table("% of true", *(emotion[:5] for emotion in emotions), box=None, pad_edge=False)
        for emotion, row in zip(emotions, percent):
            table.add_row(emotion, *(f"{value:.1f}" if value else "·" for value in row))
        bench.console.print(table)
    figures = {"emotions": emotions, "percent": percent.round(2).tolist(), "counts": counts.tolist()}
    return {"artifact": f"{CHAPTER}/{name}", **_asked(cell, paper), **figures, "printed": paper["rows"]}


def _paper_and_cell(bench: Bench, paper: dict) -> tuple[dict, dict, Bench]:
    """The printed table, and the full network measured under its protocol; another corpus has nothing printed."""
    corpus = bench.corpus or paper["corpus"]
    bench = replace(bench, corpus=corpus, repeats=1, rows=())
    cell = bench.cell("AE+EE,IN", bench.config(CHAPTER, paper["protocol"]), more=recorded_epochs)
    if corpus != paper["corpus"]:
        paper = {"corpus": paper["corpus"], "protocol": paper["protocol"], "rows": type(paper["rows"])()}
    return paper, cell, bench


def _asked(cell: dict, paper: dict) -> dict:
    kept = ("corpus", "protocol", "profile", "seed", "wa", "ua", "run")
    return {name: cell[name] for name in kept} | {"note": paper.get("note", "")}


def _figures(cell: dict, metric: str) -> dict:
    return {name: cell[name] for name in (metric, f"{metric}_sd", f"{metric}_interval", "run")}


def peers(bench: Bench, name: str) -> dict:
    """Other systems as the paper quotes them, its own figure, and what was measured here (tables 13 and 14).

    Measured figures are those of the full network and of the machines, under each protocol of the table.
    """
    paper = printed()["peers"][name]
    corpus, metric = bench.corpus or paper["corpus"], paper["metric"]
    bench = replace(bench, corpus=corpus, repeats=1)
    quoted = [{"system": who, "protocol": protocol, metric: value} for who, protocol, value in paper["rows"]]
    measured = []
    for protocol in dict.fromkeys(row["protocol"] for row in quoted):
        for features, machine in bench.strongest(protocol)[1].items():
            system = f"{features.upper()}+SVM, measured"
            measured.append({"system": system, "protocol": protocol} | _figures(machine.summary, metric))
        cell = bench.cell("AE+EE,IN", bench.config(CHAPTER, protocol), more=recorded_epochs)
        if cell is not None:
            measured.append({"system": "AE+EE,IN, measured", "protocol": protocol} | _figures(cell, metric))
    if bench.console is not None:
        table = Table("system", "protocol", metric.upper(), box=None, pad_edge=False)
        for row in (*quoted, *measured):
            table.add_row(row["system"].replace("[", "\\["), row["protocol"], f"{row[metric]:.1f}")
        bench.console.print(table)
    asked = {"corpus": corpus, "printed_corpus": paper["corpus"], "profile": bench.profile, "seed": bench.seed}
    return {"artifact": f"{CHAPTER}/{name}", **asked, "metric": metric, "quoted": quoted, "measured": measured}
