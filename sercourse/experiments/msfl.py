"""Emotion in several languages at once: each language alone, all pooled, and the language as a second task.

The paper's corpora are EMO-DB, CASIA and SAVEE; here EMO-DB (German), RAVDESS (English) and nEMO (Polish) are the
default, a substitution, and any others can be named. Every fold's test speakers are strangers to all networks. What a
network says of a language that it has not been taught is its answer to a language left out.

Source: Ma and Wang 2022; Chen et al. 2018 (GradNorm).
Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial

import numpy as np
import pandas as pd
from rich.table import Table

from sercourse import corpora
from sercourse.corpora import corpus_names
from sercourse.corpora.emotion_sets import in_set
from sercourse.errors import UserError
from sercourse.evaluation.bootstrap import bootstrap_interval, bootstrap_mean_difference
from sercourse.evaluation.comparison import compare
from sercourse.evaluation.metrics import ua
from sercourse.experiments.cells import Bench, mean_and_spread, predicted_by, printed_figures, stored_artifact
from sercourse.experiments.side_by_side import cells_of, interval, over_seeds
from sercourse.features.extract import feature_extractor
from sercourse.training.protocols import make_protocol
from sercourse.training.runs import Run

CHAPTER = "msfl"
CORPORA = in_set("emodb,ravdess,nemo", "four")
PROTOCOL = "group-5"

ONE_SYNTHESISER = in_set("tongues", "four")
"""Everybody speaks all its languages: neither a voice nor a room tells them apart."""

POOLED = "pooled, emotion alone"
SINGLE = "each language alone"
SHARED = "MSFL, GradNorm"
ROWS: dict[str, tuple[str, ...]] = {
    POOLED: ("language_weight=0",),
    "MSFL, fixed weights": (),
    SHARED: ("balancer=gradnorm",),
    "MSFL, adversary": ("adversary=1",),
    "MSFL, a head per language": ("form=mimo", "balancer=gradnorm"),
    "pooled, bare numbers": ("language_weight=0", "tokens=0"),
    "MSFL, bare numbers, GradNorm": ("balancer=gradnorm", "tokens=0"),
}
"""The network without the language, MSFL in its forms, and both with features as bare numbers, as the paper has it."""

REMEDIES: dict[str, tuple[str, ...]] = {
    "language at a tenth of the weight": ("language_weight=0.05",),
    "five features per step": ("per_step=5", "balancer=gradnorm"),
    "three networks averaged": ("members=3", "balancer=gradnorm"),
    "three pooled networks averaged": ("members=3", "language_weight=0"),
    "emotions drawn equally often": ("sampling=balanced", "balancer=gradnorm"),
}
"""What was tried where MSFL is not better than pooling."""

SIZES: dict[str, tuple[str, ...]] = {
    "as it is": (),
    "hidden 8": ("hidden=8",),
    "hidden 128": ("hidden=128",),
    "attention 4": ("attention=4",),
    "attention 128": ("attention=128",),
    "a vector of 4 per feature": ("tokens=4",),
    "a vector of 64 per feature": ("tokens=64",),
    "11 features per step": ("per_step=11",),
    "all steps at once (minGRU)": ("core=mingru",),
    "language at twice the weight": ("language_weight=1",),
}
"""No size of the paper is public; so far does each of ours matter. All with GradNorm."""

MEAN = "mean"

printed = partial(printed_figures, CHAPTER)
stored = partial(stored_artifact, CHAPTER)
"""The committed figures of an artifact of this chapter, or ``None``."""


def languages(bench: Bench, *, name: str = "languages", protocol: str = PROTOCOL, features: str = "") -> dict:
    """UA per language of every row, against the pooled network without the language.

    Args:
        bench: how to measure.
        name: of the artifact.
        protocol: of all rows.
        features: the functionals; empty: the profile's.

    Raises:
        UserError: fewer than two languages.
    """
    further = (f"functionals={features}",) if features else ()
    return _table(bench, name, {row: (*changes, *further) for row, changes in ROWS.items()}, protocol, single=further)


def one_synthesiser(bench: Bench) -> dict:
    """The control: the rows of :func:`languages` where neither a voice nor a room tells the languages apart.

    Of the default corpus, with two voices in each language, each language alone is no row: it would have one voice to
    learn from and none to choose the epoch by.
    """
    bench, protocol = control(bench)
    return _table(bench, "one_synthesiser", ROWS, protocol, single=() if protocol == PROTOCOL else None)


def control(bench: Bench) -> tuple[Bench, str]:
    """The bench with the control's corpus, and the protocol: the chapter's if all its folds teach all languages, else
    leave-one-speaker-out.

    Raises:
        ProtocolError: too few speakers.
    """
    bench = replace(bench, corpus=bench.corpus or ONE_SYNTHESISER)
    table = corpora.load(bench.corpus)
    taught = [table.loc[list(fold.train), "language"].nunique() for fold in make_protocol(PROTOCOL, table).folds]
    return bench, PROTOCOL if min(taught) == table["language"].nunique() else "loso"


def remedies(bench: Bench) -> dict:
    """What else was tried, against the pooled network without the language."""
    ways = {name: ROWS[name] for name in (POOLED, SHARED)} | REMEDIES
    return _table(bench, "remedies", ways, PROTOCOL)


def sizes(bench: Bench) -> dict:
    """How far the sizes matter that the paper does not print."""
    ways = {name: ("balancer=gradnorm", *changes) for name, changes in SIZES.items()}
    return _table(bench, "sizes", {POOLED: ROWS[POOLED]} | ways, PROTOCOL)


def left_out(bench: Bench) -> dict:
    """UA in each language of networks that were taught the others alone.

    Raises:
        UserError: fewer than three languages.
    """
    bench, codes, languages_of = prepared(bench)
    if len(codes) < 3:
        raise UserError(f"{bench.corpus}: leaving a language out needs three or more, and here are {', '.join(codes)}.")
    ways = {name: ROWS[name] for name in (POOLED, SHARED, "MSFL, adversary")}
    bench.check_rows(list(ways))
    folds = bench.machine(PROTOCOL)  # of which the labels and folds are wanted; it was taught all languages
    told: dict[str, pd.DataFrame] = {}
    for name, changes in ways.items():
        parts = []
        for code in codes:
            others = ",".join(other for other in codes if other != code)
            found = cells_of(bench, CHAPTER, name, PROTOCOL, (*changes, f"languages={others}"))
            parts.append(found and _in(predicted_by(folds, found), languages_of, code))
        if all(part is not None for part in parts):
            told[name] = pd.concat(parts)
    rows = {name: _row(part, told.get(POOLED), languages_of, name) for name, part in told.items()}
    _show(bench, "taught the other languages alone", rows, codes)
    return bench.about(f"{CHAPTER}/left_out", PROTOCOL) | {"rows": rows, "languages": codes}


def _table(
    bench: Bench,
    artifact: str,
    ways: Mapping[str, Sequence[str]],
    protocol: str,
    *,
    single: Sequence[str] | None = None,
) -> dict:
    """Train what each row changes; a row's figures per language and their mean, against the pooled network.

    ``language_ua``: where the language is a task, how well it is told, percent, mean over seeds. Where ``single`` is
    given, each language alone is a row, too, with these changes.
    """
    bench, codes, languages_of = prepared(bench)
    bench.check_rows([*([] if single is None else [SINGLE]), *ways])
    strongest, machines = bench.strongest(protocol)
    told: dict[str, pd.DataFrame] = {}
    heard: dict[str, float] = {}
    for name, run in machines.items():
        told[f"{name.upper()}+SVM"] = run.predictions
    for name, changes in ways.items():
        found = cells_of(bench, CHAPTER, name, protocol, changes, more=beside, needs=("tasks",))
        if found is not None:
            told[name] = predicted_by(strongest, found)
        if found and all("language" in cell["tasks"] for cell in found):
            heard[name] = float(np.mean([cell["tasks"]["language"]["ua"] for cell in found]))
    if single is not None:
        parts = [_alone(bench, strongest, languages_of, code, protocol, single) for code in codes]
        if all(part is not None for part in parts):
            told[SINGLE] = pd.concat(parts)
    rows = {name: _row(part, told.get(POOLED), languages_of, name) for name, part in told.items()}
    _show(bench, f"{bench.corpus}, {protocol}", rows, codes, heard)
    found = {"rows": rows, "languages": codes, "language_ua": heard, "strongest": strongest.summary["features"]}
    return bench.about(f"{CHAPTER}/{artifact}", protocol) | found | {"printed": printed()}


def prepared(bench: Bench) -> tuple[Bench, list[str], pd.Series]:
    """The bench with its corpora, the languages, and the language of every utterance."""
    bench = replace(bench, corpus=bench.corpus or CORPORA)
    found = corpora.load(bench.corpus)["language"].dropna()
    codes = sorted(found.unique())
    if len(codes) < 2:
        raise UserError(
            f"{bench.corpus}: languages are compared, and here is {codes[0] if codes else 'none'} alone; name corpora"
            " of two or more, as --corpus emodb=four,ravdess=four."
        )
    return bench, codes, found


def columns_of(bench: Bench, changes: Sequence[str]) -> list[str]:
    """Names of the functionals that a row's networks read."""
    sets = bench.config(CHAPTER, PROTOCOL, changes).settings.data.functionals
    return [name for one in sets for name in feature_extractor(one).columns]


def _alone(
    bench: Bench, machine: Run, languages_of: pd.Series, code: str, protocol: str, further: Sequence[str]
) -> pd.DataFrame | None:
    """What a network that was taught one language says of it.

    With one speaker left out at a time, a draw of validation speakers from all languages may have none of this one.
    Where corpora of its own hold the language, the folds are theirs; they test the same speakers.
    """
    own = _corpora_in(bench.corpus, code) if protocol == "loso" else ""
    if own:
        bench = replace(bench, corpus=own)
        found = cells_of(
            bench, CHAPTER, SINGLE, protocol, ("language_weight=0", *further), more=beside, needs=("tasks",)
        )
        return found and predicted_by(bench.machine(protocol), found)
    changes = ("language_weight=0", f"languages={code}", *further)
    found = cells_of(bench, CHAPTER, SINGLE, protocol, changes, more=beside, needs=("tasks",))
    return found and _in(predicted_by(machine, found), languages_of, code)


def _corpora_in(corpus: str, code: str) -> str:
    """Those of some corpora that are in one language and no other; empty where another one holds utterances in it."""
    spoken = {part: set(corpora.load(part)["language"].dropna()) for part in corpus_names.parts(corpus)}
    holding = [part for part, codes in spoken.items() if code in codes]
    return ",".join(holding) if all(spoken[part] == {code} for part in holding) else ""


def _in(told: pd.DataFrame, languages_of: pd.Series, code: str) -> pd.DataFrame:
    """Those predictions that are about one language."""
    return told[told["utterance_id"].map(languages_of) == code]


def _row(told: pd.DataFrame, pooled: pd.DataFrame | None, languages_of: pd.Series, name: str) -> dict:
    """Figures per language, their mean, and how far they are above the pooled network."""
    spoken = told["utterance_id"].map(languages_of)
    figures: dict[str, dict] = {}
    for code, part in told.groupby(spoken):
        figures[code] = _figures(part)
        if pooled is not None and told is not pooled:
            other = _in(pooled, languages_of, code)
            figures[code]["above"] = compare(other, part, names=(POOLED, name), metric="ua").to_dict()
    means = pd.DataFrame([figure["ua_seeds"] for figure in figures.values()]).mean().tolist()
    ua_mean, spread = mean_and_spread(means)
    figures[MEAN] = {"ua": ua_mean, "ua_sd_seeds": spread, "ua_seeds": means}
    if pooled is not None and told is not pooled:
        figures[MEAN]["above"] = _mean_above(pooled, told, languages_of)
    return figures


def _figures(told: pd.DataFrame) -> dict:
    """UA over seeds, and its interval over speakers."""
    seeds = [ua(part["emotion"], part["predicted"]) for _, part in told.groupby("repeat")]
    mean, spread = mean_and_spread(seeds)
    over = asdict(bootstrap_interval(told["emotion"], told["predicted"], told["speaker"]))
    kept = {name: over[name] for name in ("low", "high", "over", "notice")}
    return {"ua": mean, "ua_sd_seeds": spread, "ua_seeds": seeds, "interval": kept, "n_test": len(told) // len(seeds)}


def _mean_above(pooled: pd.DataFrame, told: pd.DataFrame, languages_of: pd.Series) -> dict:
    """Mean over languages of the effect, with its interval."""
    keys = ["repeat", "utterance_id"]
    both = pooled[[*keys, "emotion", "predicted", "speaker"]].merge(
        told[[*keys, "predicted"]], on=keys, suffixes=("_a", "_b")
    )
    both["language"] = both["utterance_id"].map(languages_of)
    both = both[both["language"].notna()]
    found = bootstrap_mean_difference(
        both["emotion"], both["predicted_a"], both["predicted_b"], both["speaker"], both["language"]
    )
    return {"effect": found.value, "low": found.low, "high": found.high, "over": found.over, "notice": found.notice}


def beside(run: Run) -> dict:
    """What a cell of this chapter keeps beside the emotion's figures: how well the language was told."""
    return {"tasks": run.summary["tasks"]}


def _show(
    bench: Bench, title: str, rows: Mapping[str, dict], codes: Sequence[str], heard: Mapping[str, float] | None = None
) -> None:
    if bench.console is None:
        return
    heads = [*(f"UA {code}" for code in codes), MEAN, f"above {POOLED} (mean)", *(["UA of language"] if heard else [])]
    table = Table(title, *heads, box=None, pad_edge=False)
    for name, row in rows.items():
        told = [f"{heard[name]:.1f}" if name in heard else ""] if heard else []
        figures = (over_seeds(row[one], "ua") for one in (*codes, MEAN))
        table.add_row(name, *figures, interval(row[MEAN].get("above")), *told)
    bench.console.print(table)
