"""Chapter 03: is the auxiliary label gone from the shared features? Fresh probes, with and without the constraints.

A probe learns from the training side, or from the validation side, which the adversary never saw; the one that reads
more counts. So an attribute that is hidden on training speech only is not taken for gone. Folds are pooled, for some
test sides hold one gender alone.

Source: Liu and Zhang, IEEE Access 2023, section III B (what the constraints are for; the paper does not test it).
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from rich.table import Table

from sercourse import corpora
from sercourse.corpora.noisy import in_conditions
from sercourse.evaluation.bootstrap import bootstrap_interval
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

LABEL, TASK = ("discriminate=label",), ("discriminate=task",)
PRINTED = ("critic_rate=1", "correlation_weight=0")
FASTER, CORRELATION = ("critic_rate=10",), ("correlation_weight=20",)
VARIANTS: dict[str, tuple[str, ...]] = {
    "both constraints": (*LABEL, *PRINTED),
    "without the adversary": (*LABEL, *PRINTED, "adversary_weight=0"),
    "without orthogonality": (*LABEL, *PRINTED, "orthogonality_weight=0"),
    "neither": (*LABEL, *PRINTED, "adversary_weight=0", "orthogonality_weight=0"),
    "told the task, as printed": (*TASK, *PRINTED),
    "faster adversary": (*LABEL, *FASTER, "correlation_weight=0"),
    "correlation for adversary": (*LABEL, *FASTER, *CORRELATION, "adversary_weight=0"),
    "both, faster, and correlation": (*LABEL, *FASTER, *CORRELATION),
}
"""Constraints on and off; the discriminator that tells tasks, which both draw the same speech here; and the remedies
against an adversary that is outrun. All of it is spelt out, so that a row means the same in every profile. Where tasks
are told, an utterance is drawn by one of them: half of the draws show the network no emotion."""

NOTE = (
    "critic_rate and correlation_weight of the profiles were chosen by probes of the gender on validation speakers of"
    " two folds of EMO-DB (group-5), who are test speakers of other folds: on EMO-DB the rows with remedies may be a"
    " little too good."
)

SPACES = {"shared": "shared", "private": "auxiliary_states"}
"""Feature space to the network's output."""


LEARN_FROM = ("train", "validation")
"""Sides of a fold from which probes learn; the higher reading is told."""

KEPT = ("tasks", "readings", "folds_probed", "folds_of")
"""Figures of a cell beside the emotion's; see :func:`_probed`."""

DRAWS, TRIES = 20, 2000
"""Labels dealt out anew, whose readings say where a linear probe stands that has nothing to read; of so many tries."""

ALIKE = 0.15
"""How far the share of labels that stay the same may be from chance: with few speakers a deal may be nearly the real
one."""


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
        cell = bench.cell(title, config, more=partial(_probed, config), needs=KEPT)
        rows[title] = cell and {name: cell[name] for name in ("wa", "ua", *KEPT, "run")}
    if bench.console is not None:
        heads = [f"{space}, {kind}" for space, kind in product(SPACES, KINDS)]
        table = Table(f"UA of {auxiliary}", *heads, "nothing to read", "emotion UA", box=None, pad_edge=False)
        for title, row in rows.items():
            if row is not None:
                read = [row["readings"][space][kind] for space, kind in product(SPACES, KINDS)]
                told = [f"{one['ua']:.1f} [{one['low']:.0f}, {one['high']:.0f}]" for one in read]
                idle = row["readings"]["shared"]["linear"]["nothing_to_read"]
                nothing = f"{idle['mean']:.1f}, {idle['highest']:.1f} at most" if idle["draws"] else ""
                table.add_row(title, *told, nothing, f"{row['ua']:.1f}")
        bench.console.print(table)
        bench.say(NOTE)
    asked = {"corpus": corpus, "protocol": PROTOCOL, "profile": bench.profile, "seed": bench.seed}
    return {"artifact": f"{CHAPTER}/probes_{auxiliary}", "auxiliary": auxiliary, **asked, "note": NOTE, "rows": rows}


@dataclass(frozen=True, eq=False)
class _Fold:
    """A fold's utterances by side, and by side and space their features ``(N, D)``."""

    ids: dict[str, list[str]]
    states: dict[str, dict[str, np.ndarray]]


def _probed(config: TrainingConfig, run: Run) -> dict:
    """What probes read on the test sides of all folds, judged as one.

    Returns:
        ``readings``: by space and kind ``ua, wa`` (percent), ``low, high`` (95 % interval of the UA over speakers),
        ``majority, chance``; of linear probes ``nothing_to_read``, the mean and the highest UA of :data:`DRAWS` labels
        dealt out anew (:func:`_dealt_out`). ``folds_probed`` of ``folds_of`` had a label to test. ``tasks``: as the
        run's summary.
    """
    auxiliary = config.settings.model.auxiliary
    table = corpora.load(config.corpus)
    table = table[table[auxiliary].notna()]
    folds, known = _folds(config, run, table), Protocol.from_json(run.protocol["repeats"][0]).folds
    drawn = _dealt_out(folds, table[auxiliary], table["speaker"])
    readings: dict = {space: {} for space in SPACES}
    for space, kind in product(SPACES, KINDS):
        found, ids = _read(folds, table[auxiliary], space, kind)
        interval = bootstrap_interval(found.truth, found.predicted, table.loc[ids, "speaker"])
        one = {figure: getattr(found, figure) for figure in ("wa", "ua", "majority", "chance")}
        readings[space][kind] = one | {"low": interval.low, "high": interval.high}
        if kind == "linear":
            idle = [_read(folds, labels, space, kind)[0].ua for labels in drawn]
            told = {"mean": float(np.mean(idle)), "highest": max(idle)} if idle else {"mean": None, "highest": None}
            readings[space][kind]["nothing_to_read"] = told | {"draws": len(idle)}
    return {
        "readings": readings, "folds_probed": len(folds), "folds_of": len(known), "tasks": run.summary["tasks"],
    }  # fmt: skip


def _folds(config: TrainingConfig, run: Run, table: pd.DataFrame) -> list[_Fold]:
    """Frozen features of all folds that have a label to test."""
    features = {name: extract(table, name, progress=False) for name in config.recipe.features(config.settings)}
    usable = set(table.index).intersection(*(set(maps) for maps in features.values()))
    found = []
    for number, fold in enumerate(Protocol.from_json(run.protocol["repeats"][0]).folds):
        network = load_network(run.folder, number)
        examples = config.recipe.examples(features, table, network.classes, config.settings)
        sides = {"train": fold.train, "validation": fold.validation, "test": fold.test}
        ids = {side: [i for i in asked if i in usable] for side, asked in sides.items()}
        if ids["test"]:
            names = list(SPACES.values())
            found.append(_Fold(ids, {side: frozen(network, examples, asked, names) for side, asked in ids.items()}))
    return found


def _read(folds: Sequence[_Fold], labels: pd.Series, space: str, kind: str) -> tuple[Probe, list[str]]:
    """The higher reading of :data:`LEARN_FROM`, and the utterances that were asked.

    A probe learns from a fold's training side, or from its validation side, which the network has not fitted. A fold
    whose validation side cannot teach lends its training side to both.
    """
    told: dict[str, list[Probe]] = {side: [] for side in LEARN_FROM}
    asked = [i for fold in folds for i in fold.ids["test"]]
    for fold, side in product(folds, LEARN_FROM):
        taught = side if _teaches(labels[fold.ids[side]].to_numpy()) else "train"
        own = {each: (fold.states[each][SPACES[space]], labels[fold.ids[each]]) for each in (taught, "test")}
        told[side].append(probe(*own[taught], *own["test"], kind=kind))
    return max(map(pooled, told.values()), key=lambda one: one.ua), asked


def _dealt_out(folds: Sequence[_Fold], labels: pd.Series, speakers: pd.Series) -> list[pd.Series]:
    """:data:`DRAWS` labels that say nothing: as much like the real ones as chance has it, within :data:`ALIKE`, and
    where the real labels of a validation side teach, they do, too; fewer where :data:`TRIES` do not give as many."""
    teach = [_teaches(labels[fold.ids["validation"]].to_numpy()) for fold in folds]
    chance, found = (labels.value_counts(normalize=True) ** 2).sum(), []
    for seed in range(TRIES):
        dealt = _at_random(labels, speakers, seed)
        fair = abs((dealt == labels).mean() - chance) <= ALIKE
        if fair and teach == [_teaches(dealt[fold.ids["validation"]].to_numpy()) for fold in folds]:
            found.append(dealt)
        if len(found) == DRAWS:
            break
    return found


def _at_random(labels: pd.Series, speakers: pd.Series, seed: int) -> pd.Series:
    """The same labels dealt out anew: among speakers where each has one, else among a speaker's utterances."""
    rng = np.random.default_rng(seed)
    by_speaker = labels.groupby(speakers)
    if by_speaker.nunique().max() == 1:
        one = by_speaker.first()
        return speakers.map(pd.Series(rng.permutation(one.to_numpy(dtype=object)), index=one.index))
    return by_speaker.transform(lambda own: rng.permutation(own.to_numpy(dtype=object)))


def _teaches(labels: np.ndarray) -> bool:
    """Whether a probe can learn from these labels: two classes or more, enough of each."""
    counts = pd.Series(labels).value_counts()
    return len(counts) > 1 and counts.min() >= ENOUGH
