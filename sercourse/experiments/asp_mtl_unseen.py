"""Chapter 03: the emotion in noises that no training side held.

Networks and machines learn from speech as recorded and under white, pink, babble and factory noise, as in table 9. The
same folds are then tested on the same utterances under other noises at the same level: brown noise, babble of other
voices, two sets of everyday sounds.

Source: Liu and Zhang, IEEE Access 2023, experiments 1 and 5; the paper tests on noises that training heard.
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sercourse import corpora
from sercourse.corpora.noisy import in_conditions, recordings
from sercourse.errors import UserError
from sercourse.evaluation.comparison import compare
from sercourse.experiments.asp_mtl import CHAPTER, IN_NOISE, MODEL1
from sercourse.experiments.asp_mtl_ablation import CHAINS, VARIANTS, effects, figures_of, show_rows, trained_chain
from sercourse.experiments.cells import MACHINES, Bench, spelled, unspelled
from sercourse.features.extract import extract
from sercourse.models.multitask import MAIN
from sercourse.training.classifiers import cross_validate
from sercourse.training.cleaned_corpus import cleaned_table
from sercourse.training.networks import load_or_train
from sercourse.training.predict import Network
from sercourse.training.protocols import Protocol, make_protocol
from sercourse.training.runs import Run
from sercourse.training.settings import Settings
from sercourse.training.summary import summarise

PROTOCOL = "group-5"
LEVEL = "@0"
"""dB, as in training."""

SYNTHETIC: tuple[str, ...] = ("brown", "chatter")
RECORDED: tuple[str, ...] = ("recorded", "unseen")
"""Noises that training does not hear: one that is computed, other voices, and everyday sounds, where recordings are at
hand."""

ROWS: tuple[str, ...] = (*VARIANTS, *CHAINS)


@dataclass(frozen=True, eq=False)
class _Test:
    """What is tested.

    Attributes:
        corpus: its name.
        table: labelled utterances, each under every noise of the test.
        sounds: digest of the recordings that were mixed in.
        folds: of the corpus that is learnt from, their test sides the same recordings in this one.
    """

    corpus: str
    table: pd.DataFrame
    sounds: str
    folds: Protocol

    @property
    def truth(self) -> pd.DataFrame:
        """Labels and folds, as predictions have them."""
        named = {utterance_id: fold.name for fold in self.folds.folds for utterance_id in fold.test}
        columns = self.table[["emotion", "speaker", "gender"]].rename_axis("utterance_id").reset_index()
        return columns.assign(fold=columns["utterance_id"].map(named), repeat=0)


def unseen_emotion(bench: Bench) -> dict:
    """UA of table 9's rows under noises that none of them was trained on.

    Args:
        bench: how to measure; its corpus, without conditions, replaces the default one.

    Returns:
        ``corpus`` learnt from and ``tested_on``; per row :func:`~sercourse.experiments.asp_mtl_ablation.effects`,
        ``against_svm`` (of networks), and ``heard``: UA of the same systems under each condition of training.

    Raises:
        UserError: no such row or protocol, or a corpus that is not here.
    """
    base = bench.corpus or "synthetic"
    bench = replace(bench, corpus=in_conditions(base, IN_NOISE), repeats=1)
    bench.check_rows(ROWS)
    (protocol,) = bench.protocols((PROTOCOL,))
    test = _tested(bench, base, protocol)
    machines = {f"{features.upper()}+SVM": _machine(bench, protocol, features, test) for features in MACHINES}
    strongest = max(machines, key=lambda name: machines[name]["wa"])
    cells = machines | {row: _network(bench, protocol, row, test) for row in ROWS}
    judged = {row: cell and unspelled(cell, test.truth) for row, cell in cells.items()}
    rows: dict[str, dict] = {row: {protocol: None} for row in cells}
    for row, cell in cells.items():
        if cell is not None:
            rows[row][protocol] = {"heard": cell["heard"], "run": cell["run"]}
            rows[row][protocol] |= figures_of(judged[row]) if row in machines else effects(row, judged)
        if cell is not None and row in ROWS:
            beside = compare(judged[strongest], judged[row], names=(strongest, row), metric="ua").to_dict()
            rows[row][protocol]["against_svm"] = beside
    show_rows(bench, rows, (protocol,), beside="against_single")
    asked = {"corpus": bench.corpus, "tested_on": test.corpus, "profile": bench.profile, "seed": bench.seed}
    return {"artifact": f"{CHAPTER}/unseen_emotion", **asked, "protocols": [protocol], "rows": rows}


def _tested(bench: Bench, base: str, protocol: str) -> _Test:
    """The corpus under the noises of the test; recordings that are not at hand are left out with a sentence."""
    found, digest = [*SYNTHETIC], hashlib.sha256()
    for noise in RECORDED:
        try:
            files = recordings(noise)
        except UserError as error:
            bench.say(f"Left out: {error}")
            continue
        found.append(noise)
        for file in files:
            digest.update(f"{noise} {file.name} ".encode() + file.read_bytes())
    corpus = in_conditions(base, "".join(f"+{noise}{LEVEL}" for noise in found))
    table = _labelled(corpus)
    learnt = make_protocol(protocol, _labelled(bench.corpus), seed=bench.seed)
    folds = tuple(replace(fold, test=tuple(_of_test(table, fold.test).index)) for fold in learnt.folds)
    return _Test(corpus, table, digest.hexdigest()[:16], replace(learnt, folds=folds))


def _labelled(corpus: str) -> pd.DataFrame:
    table = corpora.load(corpus)
    return table[table["emotion"].notna()]


def _of_test(table: pd.DataFrame, tested: Iterable[str]) -> pd.DataFrame:
    """The rows of the recordings that a fold tests, under the noises of the test."""
    tested = {utterance_id.rpartition("~")[0] for utterance_id in tested}
    return table[table.index.str.rpartition("~").get_level_values(0).isin(tested)]


def _kept(
    bench: Bench, protocol: str, row: str, name: str, test: _Test,
    measure: Callable[[], tuple[pd.DataFrame, pd.DataFrame, dict]], settings: tuple[Settings, ...] = (),
) -> dict | None:  # fmt: skip
    """One row as a cell.

    Args:
        bench: how to measure.
        protocol: of the row.
        row: its name.
        name: of what it was learnt by.
        test: what it is tested on.
        measure: gives predictions on the noises of the test, those on the noises of training, and further figures.
        settings: of its networks.
    """

    def summary() -> dict:
        told, heard, further = measure()
        asked = {"corpus": bench.corpus, "tested_on": test.corpus, "sounds": test.sounds, "protocol": protocol}
        figures = summarise(told, seed=bench.seed) | spelled(told) | {"heard": figures_of(heard)["ua_by_condition"]}
        learnt = {"profile": bench.profile, "seed": bench.seed, "settings": [one.to_json() for one in settings]}
        return asked | learnt | figures | {"run": f"{name}-unseen"} | further

    def valid(cell: dict) -> bool:
        same = all(one.agrees(stored) for one, stored in zip(settings, cell["settings"], strict=True))
        return same and (cell["tested_on"], cell["sounds"]) == (test.corpus, test.sounds)

    return bench.kept(f"{row}, {protocol}", row, CHAPTER, f"{name}-unseen", summary, valid=valid)


def _machine(bench: Bench, protocol: str, features: str, test: _Test) -> Mapping:
    """A linear machine that learnt from the corpus of the bench; asked for or not, the networks stand beside it."""
    known = bench.machine(protocol, features)

    def measure() -> tuple[pd.DataFrame, pd.DataFrame, dict]:
        tables = _labelled(bench.corpus), test.table
        vectors = pd.concat([extract(one, features, progress=bench.console is not None).frame for one in tables])
        labels = pd.concat([one["emotion"] for one in tables])
        told = cross_validate(vectors, labels, test.folds, probabilities=False)
        told = told.assign(repeat=0).join(test.table[["speaker", "gender"]], on="utterance_id")
        return told, known.predictions, {"runs": [known.summary["run"]]}

    row = f"{features.upper()}+SVM"
    return _kept(replace(bench, rows=()), protocol, row, known.summary["run"], test, measure)


def _network(bench: Bench, protocol: str, row: str, test: _Test) -> dict | None:
    """A row of networks, or of chains."""
    settings = [MODEL1, CHAINS[row][0]] if row in CHAINS else [VARIANTS[row]]
    configs = [bench.config(CHAPTER, protocol, changes) for changes in settings]
    name = "-then-".join([configs[0].name, *(one.settings.digest for one in configs[1:])])
    if row in CHAINS and CHAINS[row][1] == "frames":
        name += "-frames"
    told = _chained if row in CHAINS else _single
    both = tuple(one.settings for one in configs)
    return _kept(bench, protocol, row, name, test, lambda: told(bench, protocol, row, test.table), both)


def _single(bench: Bench, protocol: str, row: str, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """What one network per fold says of the noises of the test, and of those of training; and its run."""
    config = bench.config(CHAPTER, protocol, VARIANTS[row])
    run = load_or_train(config, jobs=bench.jobs, progress=bench.console is not None)
    told = _told(run, lambda number: Network.load(run.folder, number), table)
    return told, run.predictions, {"runs": [run.summary["run"]]}


def _chained(bench: Bench, protocol: str, row: str, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """As :func:`_single`, of a model 1 per fold and the network behind it."""
    pipeline = trained_chain(bench, protocol, row)
    remover, classifiers = pipeline.model1, pipeline.model2
    step = remover.summary["settings"]["data"]["step"]

    def cleaned(number: int, part: pd.DataFrame) -> pd.DataFrame:
        network = Network.load(remover.folder, number).model
        return cleaned_table(part, network, step=step, removal=pipeline.removal, progress=bench.console is not None)

    told = _told(remover, lambda number: Network.load(classifiers[number].folder, number), table, cleaned)
    runs = [one.summary["run"] for one in (remover, *classifiers)]
    return told, pipeline.predictions, {"runs": runs}


def _told(
    run: Run, network_of: Callable[[int], Network], table: pd.DataFrame,
    change: Callable[[int, pd.DataFrame], pd.DataFrame] = lambda number, part: part,
) -> pd.DataFrame:  # fmt: skip
    """What each fold's network says of the fold's recordings under the noises of the test; it is told no emotion.

    Args:
        run: whose folds.
        network_of: number of a fold to the network that judges.
        table: utterances under the noises of the test.
        change: number of a fold and its utterances to what the network is given.
    """
    parts = []
    for number, fold in enumerate(run.protocol["repeats"][0]["folds"]):
        part, network = _of_test(table, fold["test"]), network_of(number)
        given = change(number, part).drop(columns="clean").assign(emotion=pd.Series(None, part.index, "string"))
        examples, judged = network.examples_of(given, read=False)
        probabilities = network.judged_examples(examples, list(judged.index)).probabilities[MAIN]  # (N, C)
        classes = np.asarray(network.model.classes[MAIN])
        columns = part.loc[judged.index, ["emotion", "speaker", "gender"]].rename_axis("utterance_id").reset_index()
        parts.append(columns.assign(fold=fold["name"], repeat=0, predicted=classes[probabilities.argmax(1)]))
    return pd.concat(parts, ignore_index=True)
