"""Chapter 04's table 5: babble at 0 to 20 dB.

The paper adds babble "to the audio in our dataset" and says neither whether training has heard it nor whose voices it
is made of. So each level has three rows: a network that was trained in babble of this level and is tested in babble of
*other* voices; the same network in the voices of its training; and the network that was trained on the clean corpus, in
those other voices. All are judged on the same test utterances.

Source: Chen et al., Expert Systems with Applications 2025, section 5.7, table 5.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from rich.table import Table

from sercourse import corpora
from sercourse.corpora.noisy import in_conditions
from sercourse.experiments.cells import Bench, mean_and_spread, spelled
from sercourse.experiments.mtlser import (
    CHAPTER,
    LEARNT,
    in_folds,
    learnt,
    printed,
    speaker_independent,
    with_spread,
)
from sercourse.features.extract import extract
from sercourse.models.multitask import MAIN
from sercourse.training.networks import TrainingConfig, load_or_train
from sercourse.training.predict import Network
from sercourse.training.runs import Run

CLEAN = "clean"
"""Row of the network that was trained and tested without noise."""

SAME_VOICES, ON_CLEAN = "the same voices", "trained on clean"
"""What the further rows of a level are called."""


def babble(bench: Bench) -> dict:
    """WA, UA and F1 in babble with their spread over folds, trained in it and trained on clean speech."""
    bench = replace(bench, corpus=bench.corpus or "synthetic", repeats=1)
    protocol = speaker_independent(bench.corpus)
    paper = printed()["table5"]["rows"]
    levels = {f"{level} dB": level for level in paper}
    kinds = ("", f", {SAME_VOICES}", f", {ON_CLEAN}")
    bench.check_rows([*(row + kind for kind in kinds for row in levels), CLEAN])
    clean = bench.config(CHAPTER, protocol)
    cells = {CLEAN: _heard(bench, CLEAN, clean, clean.corpus)}
    for row, level in levels.items():
        in_babble, others = (in_conditions(bench.corpus, f"+{kind}@{level}") for kind in ("babble", "chatter"))
        taught = replace(bench, corpus=in_babble).config(CHAPTER, protocol)
        same, on_clean = (f"{row}, {kind}" for kind in (SAME_VOICES, ON_CLEAN))
        cells[same] = bench.cell(same, taught, more=_by_folds, needs=(*LEARNT, "in_folds"))
        cells[row] = _heard(bench, row, taught, others)
        cells[on_clean] = _heard(bench, on_clean, clean, others)
    order = [*levels, CLEAN, *(row + kind for kind in kinds[1:] for row in levels)]
    rows = {row: cells[row]["in_folds"] | {"run": cells[row]["run"]} for row in order if cells[row] is not None}
    for row in rows.values():
        row |= {f"{metric}_sd": mean_and_spread(row[f"{metric}_folds"])[1] for metric in ("wa", "ua", "f1")}
    if bench.console is not None:
        table = Table(f"{bench.corpus}, {protocol}", "WA", "UA", "F1", "printed WA", box=None, pad_edge=False)
        for row, figures in rows.items():
            told = [with_spread(figures, metric) for metric in ("wa", "ua", "f1")]
            level = levels.get(row.partition(",")[0])
            table.add_row(row, *told, "" if level is None else f"{paper[level]['wa'][0]:.1f}")
        bench.console.print(table)
    return bench.about(f"{CHAPTER}/table5", protocol) | {"rows": rows, "printed": paper}


def _by_folds(run: Run) -> dict:
    return learnt(run) | {"in_folds": in_folds(run.predictions)}


def _heard(bench: Bench, row: str, config: TrainingConfig, corpus: str) -> dict | None:
    """The networks of a run, each judged on its own test side as another corpus has it; as a cell.

    Args:
        bench: how to measure.
        row: its row.
        config: the run.
        corpus: the run's own, or its utterances in other noise.
    """
    progress = bench.console is not None

    def measure() -> dict:
        run = load_or_train(config, jobs=bench.jobs, progress=progress)
        told = run.predictions if corpus == config.corpus else _heard_in(run, corpus, progress=progress)
        about = {"corpus": corpus, "settings": config.settings.to_json(), "run": config.name}
        return about | {"in_folds": in_folds(told)} | spelled(told)

    def valid(cell: dict) -> bool:
        return config.settings.agrees(cell["settings"])

    heard = "" if corpus == config.corpus else "+" + corpus.rpartition("+")[2]
    name = f"heard_in{heard}-{config.name}"
    return bench.kept(f"{row}, {config.protocol}", row, CHAPTER, name, measure, valid=valid)


def _heard_in(run: Run, corpus: str, *, progress: bool) -> pd.DataFrame:
    """Predictions of a run whose networks hear their own test utterances in noise.

    Args:
        run: trained on clean speech, or in other noise.
        corpus: its utterances in one kind of noise.
        progress: show a progress bar.

    Returns:
        The run's predictions with another ``predicted``; utterances that cannot be mixed with noise are left out.
    """
    noisy = corpora.load(corpus)
    waveforms = extract(noisy, "waveform", progress=progress)
    mixed = {clean: i for i, clean in noisy["clean"].items() if i in waveforms}
    numbers = {fold["name"]: number for number, fold in enumerate(run.protocol["repeats"][0]["folds"])}
    parts = []
    for fold, tested in run.predictions.groupby("fold"):
        network = Network.load(run.folder, numbers[fold])
        said = tested["utterance_id"].astype(str).str.partition("~")[0]  # the recording, as it is without noise
        part, said = tested[said.isin(mixed)], said[said.isin(mixed)]
        posteriors = network.probabilities([waveforms[mixed[i]] for i in said])  # (N, C)
        parts.append(part.assign(predicted=np.array(network.model.classes[MAIN])[posteriors.argmax(1)]))
    return pd.concat(parts)
