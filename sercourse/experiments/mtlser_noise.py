"""Chapter 04's table 5: babble at 0 to 20 dB.

The paper adds babble "to the audio in our dataset" and does not say whether training has heard it. So each level has
two rows: a network that was trained in babble of this level, and the network that was trained on the clean corpus. Both
are judged on the same test utterances in the same babble.

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


def babble(bench: Bench) -> dict:
    """WA, UA and F1 in babble with their spread over folds, trained in it and trained on clean speech."""
    bench = replace(bench, corpus=bench.corpus or "synthetic", repeats=1)
    protocol = speaker_independent(bench.corpus)
    paper = printed()["table5"]["rows"]
    noisy = {f"{level} dB": f"+babble@{level}" for level in paper}
    unheard = {CLEAN: ""} | {f"{row}, trained on clean": condition for row, condition in noisy.items()}
    bench.check_rows([*noisy, *unheard])
    cells = {}
    for row, condition in noisy.items():
        config = replace(bench, corpus=in_conditions(bench.corpus, condition)).config(CHAPTER, protocol)
        cells[row] = bench.cell(row, config, more=_by_folds, needs=(*LEARNT, "in_folds"))
    config = bench.config(CHAPTER, protocol)
    for row, condition in unheard.items():
        cells[row] = _trained_on_clean(bench, row, config, condition)
    rows = {row: cell["in_folds"] | {"run": cell["run"]} for row, cell in cells.items() if cell is not None}
    for row in rows.values():
        row |= {f"{metric}_sd": mean_and_spread(row[f"{metric}_folds"])[1] for metric in ("wa", "ua", "f1")}
    if bench.console is not None:
        table = Table(f"{bench.corpus}, {protocol}", "WA", "UA", "F1", "printed WA", box=None, pad_edge=False)
        levels = {f"{level} dB": f"{figures['wa'][0]:.1f}" for level, figures in paper.items()}
        for row, figures in rows.items():
            told = [with_spread(figures, metric) for metric in ("wa", "ua", "f1")]
            table.add_row(row, *told, levels.get(row.partition(",")[0], ""))
        bench.console.print(table)
    return bench.about(f"{CHAPTER}/table5", protocol) | {"rows": rows, "printed": paper}


def _by_folds(run: Run) -> dict:
    return learnt(run) | {"in_folds": in_folds(run.predictions)}


def _trained_on_clean(bench: Bench, row: str, config: TrainingConfig, condition: str) -> dict | None:
    """The networks of the clean run, each judged on its own test side in noise; as a cell.

    Args:
        bench: how to measure.
        row: its row.
        config: the clean run.
        condition: of the test utterances, such as ``+babble@5``; empty: as recorded.
    """
    corpus, progress = in_conditions(config.corpus, condition), bench.console is not None

    def measure() -> dict:
        run = load_or_train(config, jobs=bench.jobs, progress=progress)
        told = _heard_in(run, corpus, progress=progress) if condition else run.predictions
        about = {"corpus": corpus, "settings": config.settings.to_json(), "run": config.name}
        return about | {"in_folds": in_folds(told)} | spelled(told)

    def valid(cell: dict) -> bool:
        return config.settings.agrees(cell["settings"])

    name = f"heard_in{condition}-{config.name}"
    return bench.kept(f"{row}, {config.protocol}", row, CHAPTER, name, measure, valid=valid)


def _heard_in(run: Run, corpus: str, *, progress: bool) -> pd.DataFrame:
    """Predictions of a run whose networks hear their own test utterances in noise.

    Args:
        run: trained on clean speech.
        corpus: its corpus in one kind of noise.
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
        part = tested[tested["utterance_id"].isin(mixed)]
        posteriors = network.probabilities([waveforms[mixed[i]] for i in part["utterance_id"]])  # (N, C)
        parts.append(part.assign(predicted=np.array(network.model.classes[MAIN])[posteriors.argmax(1)]))
    return pd.concat(parts)
