"""Chapter 03: the emotion in noises that no training side held.

Networks and machines learn from speech as recorded and under white, pink, babble and factory noise, as in table 9. The
same folds are then tested on the same utterances under other noises at the same level: brown noise and two sets of
everyday sounds.

Source: Liu and Zhang, IEEE Access 2023, experiments 1 and 5; the paper tests on noises that training heard.
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from sercourse import corpora
from sercourse.corpora.noisy import in_conditions, recordings
from sercourse.errors import UserError
from sercourse.evaluation.comparison import compare
from sercourse.evaluation.metrics import wa
from sercourse.experiments.asp_mtl import CHAPTER, IN_NOISE, MODEL1
from sercourse.experiments.asp_mtl_ablation import (
    BOTH,
    CHAINS,
    CLEANED,
    VARIANTS,
    effects,
    figures_of,
    show_rows,
    trained_chain,
)
from sercourse.experiments.cells import MACHINES, Bench, spelled, unspelled
from sercourse.features.extract import extract
from sercourse.models.multitask import MAIN
from sercourse.training.asp_mtl_pipeline import AspMtlPipeline
from sercourse.training.classifiers import cross_validate
from sercourse.training.cleaned_corpus import cleaned_table
from sercourse.training.networks import load_or_train
from sercourse.training.predict import Network
from sercourse.training.protocols import make_protocol
from sercourse.training.runs import Run
from sercourse.training.summary import summarise

PROTOCOL = "group-5"
LEVEL = "@0"
"""dB, as in training."""

SYNTHETIC: tuple[str, ...] = ("brown",)
RECORDED: tuple[str, ...] = ("recorded", "unseen")
"""Noises that training does not hear: one that is computed, and everyday sounds, where recordings are at hand."""

ROWS: tuple[str, ...] = (*VARIANTS, CLEANED, BOTH)


def unseen_emotion(bench: Bench) -> dict:
    """UA of table 9's rows under noises that none of them was trained on.

    Args:
        bench: how to measure; its corpus, without conditions, replaces the default one.

    Returns:
        ``corpus`` learnt from and ``tested_on``; per row :func:`~sercourse.experiments.asp_mtl_ablation.effects`,
        ``against_svm``, and ``heard``: UA of the same networks under each condition of training.
    """
    base = bench.corpus or "synthetic"
    bench = replace(bench, corpus=in_conditions(base, IN_NOISE), repeats=1)
    bench.check_rows(ROWS)
    (protocol,) = bench.protocols((PROTOCOL,))
    tested_on = in_conditions(base, "".join(f"+{noise}{LEVEL}" for noise in _at_hand(bench)))
    others = _labelled(tested_on)
    machines = _machines(bench, protocol, others)
    strongest = max(machines, key=lambda name: wa(machines[name]["emotion"], machines[name]["predicted"]))
    cells = {row: _cell(bench, protocol, row, tested_on, others) for row in ROWS}
    judged = {row: cell and unspelled(cell, machines[strongest]) for row, cell in cells.items()}
    rows = {name: {protocol: figures_of(told)} for name, told in machines.items()}
    for row, cell in cells.items():
        rows[row] = {protocol: None}
        if cell is not None:
            beside = compare(machines[strongest], judged[row], names=(strongest, row), metric="ua").to_dict()
            known = {"against_svm": beside, "heard": cell["heard"], "run": cell["run"]}
            rows[row] = {protocol: effects(row, judged) | known}
    show_rows(bench, rows, (protocol,), beside="against_single")
    asked = {"corpus": bench.corpus, "tested_on": tested_on, "profile": bench.profile, "seed": bench.seed}
    return {"artifact": f"{CHAPTER}/unseen_emotion", **asked, "protocols": [protocol], "rows": rows}


def _at_hand(bench: Bench) -> tuple[str, ...]:
    """Noises of the test; those of recordings are left out with a sentence where there are none."""
    found = [*SYNTHETIC]
    for noise in RECORDED:
        try:
            recordings(noise)
            found.append(noise)
        except UserError as error:
            bench.say(f"Left out: {error}")
    return tuple(found)


def _labelled(corpus: str) -> pd.DataFrame:
    table = corpora.load(corpus)
    return table[table["emotion"].notna()]


def _of_test(others: pd.DataFrame, tested: Iterable[str]) -> pd.DataFrame:
    """The rows of the recordings that a fold tests, under the noises of the test."""
    recordings_tested = {utterance_id.rpartition("~")[0] for utterance_id in tested}
    return others[others.index.str.rpartition("~").get_level_values(0).isin(recordings_tested)]


def _machines(bench: Bench, protocol: str, others: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Predictions of linear machines that learnt from the corpus of the bench."""
    known = _labelled(bench.corpus)
    folds = make_protocol(protocol, known, seed=bench.seed)
    moved = replace(
        folds, folds=tuple(replace(fold, test=tuple(_of_test(others, fold.test).index)) for fold in folds.folds)
    )
    table = pd.concat([known, others])
    found = {}
    for features in MACHINES:
        parts = [extract(part, features, progress=bench.console is not None).frame for part in (known, others)]
        told = cross_validate(pd.concat(parts), table["emotion"], moved, probabilities=False)
        found[f"{features.upper()}+SVM"] = told.assign(repeat=0).join(table[["speaker", "gender"]], on="utterance_id")
    return found


def _cell(bench: Bench, protocol: str, row: str, tested_on: str, others: pd.DataFrame) -> dict | None:
    """One row, measured or stored."""
    configs = [bench.config(CHAPTER, protocol, changes) for changes in _settings_of(row)]
    settings = [config.settings for config in configs]
    name = "-then-".join([configs[0].name, *(one.digest for one in settings[1:])]) + "-unseen"

    def measure() -> dict:
        told, heard, run = (_chained if row in CHAINS else _single)(bench, protocol, row, others)
        asked = {"corpus": bench.corpus, "tested_on": tested_on, "protocol": protocol, "profile": bench.profile}
        figures = summarise(told, seed=bench.seed) | spelled(told) | {"heard": figures_of(heard)["ua_by_condition"]}
        return asked | {"seed": bench.seed} | figures | {"run": run, "settings": [one.to_json() for one in settings]}

    def valid(cell: dict) -> bool:
        same = all(one.agrees(stored) for one, stored in zip(settings, cell["settings"], strict=True))
        return same and cell["tested_on"] == tested_on

    return bench.kept(f"{row}, {protocol}", row, CHAPTER, name, measure, valid=valid)


def _settings_of(row: str) -> list[tuple[str, ...]]:
    return [MODEL1, CHAINS[row][0]] if row in CHAINS else [VARIANTS[row]]


def _single(bench: Bench, protocol: str, row: str, others: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Predictions of one network per fold on the noises of the test and on those of training, and its run's name."""
    config = bench.config(CHAPTER, protocol, VARIANTS[row])
    run = load_or_train(config, jobs=bench.jobs, progress=bench.console is not None)
    return _told(run, lambda number: Network.load(run.folder, number), others), run.predictions, run.summary["run"]


def _chained(bench: Bench, protocol: str, row: str, others: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """As :func:`_single`, of a model 1 per fold and the network behind it."""
    pipeline: AspMtlPipeline = trained_chain(bench, protocol, row)
    remover = pipeline.model1
    step = remover.summary["settings"]["data"]["step"]

    def cleaned(number: int, part: pd.DataFrame) -> pd.DataFrame:
        network = Network.load(remover.folder, number).model
        return cleaned_table(part, network, step=step, removal=pipeline.removal, progress=bench.console is not None)

    told = _told(remover, lambda number: Network.load(pipeline.model2[number].folder, number), others, cleaned)
    return told, pipeline.predictions, remover.summary["run"]


def _told(
    run: Run, network_of: Callable[[int], Network], others: pd.DataFrame,
    change: Callable[[int, pd.DataFrame], pd.DataFrame] = lambda number, part: part,
) -> pd.DataFrame:  # fmt: skip
    """What each fold's network says of the fold's recordings under the noises of the test; it is told no emotion.

    Args:
        run: whose folds.
        network_of: number of a fold to the network that judges.
        others: utterances under the noises of the test.
        change: number of a fold and its utterances to what the network is given.
    """
    parts = []
    for number, fold in enumerate(run.protocol["repeats"][0]["folds"]):
        part, network = _of_test(others, fold["test"]), network_of(number)
        given = change(number, part).drop(columns="clean").assign(emotion=pd.Series(None, part.index, "string"))
        examples, judged = network.examples_of(given, read=False)
        probabilities = network.judged_examples(examples, list(judged.index)).probabilities[MAIN]  # (N, C)
        classes = np.asarray(network.model.classes[MAIN])
        columns = part.loc[judged.index, ["emotion", "speaker", "gender"]].rename_axis("utterance_id").reset_index()
        parts.append(columns.assign(fold=fold["name"], repeat=0, predicted=classes[probabilities.argmax(1)]))
    return pd.concat(parts, ignore_index=True)
