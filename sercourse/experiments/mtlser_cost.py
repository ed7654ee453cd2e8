"""What table 4 says of cost: multiply-adds and milliseconds of one utterance, from its waveform to an emotion.

Both are those of an utterance of :data:`SECONDS` by itself, in fp32 on the CPU, features included. A network is built
anew in the size of the run, for what its weights are changes neither figure; a support vector machine is fitted anew
on the first fold. A latency belongs to the processor that it was measured on, whose name is kept with it in a cell.

Source: Chen et al., Expert Systems with Applications 2025, sections 5.2 and 5.5.2.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from rich.table import Table

from sercourse import corpora
from sercourse.experiments.cells import Bench
from sercourse.experiments.mtlser import CHAPTER
from sercourse.features.extract import extract, feature_extractor
from sercourse.features.opensmile_cost import is10_multiply_adds
from sercourse.features.opensmile_sets import SETS
from sercourse.models.multitask import MAIN, MultiTaskModel
from sercourse.signal.audio import SAMPLE_RATE
from sercourse.training.baseline import BaselineConfig
from sercourse.training.batches import EvaluationSet, collate
from sercourse.training.classifiers import CLASSIFIERS
from sercourse.training.cost import latency, multiply_adds, one_thread, processor
from sercourse.training.protocols import make_protocol
from sercourse.training.training_config import TrainingConfig

SECONDS = 3.0
"""Of the utterance; the printed 20.80 G multiply-adds are those of wav2vec2-base on so many."""

NOTE = (
    f"multiply_adds and latency_ms are those of one utterance of {SECONDS} s, features included. Multiply-adds are"
    " counted by torch and calculated where its counter is blind, of openSMILE's IS10 from its configuration, an upper"
    " estimate with Fourier transforms; null: another set of openSMILE. Latency was measured on the processor that"
    " measured_on names, and is another one on any other."
)

_ONE = "one"  # id of the utterance


def network_cost(bench: Bench, row: str, config: TrainingConfig) -> dict | None:
    """Cost of a network.

    Args:
        bench: how to measure.
        row: its row.
        config: its run.

    Returns:
        ``multiply_adds``, ``latency_ms`` (median), ``latency_spread_ms`` (between the quartiles), ``calls`` and
        ``measured_on``; ``None`` where the row is neither stored nor asked for.
    """

    def measure() -> dict:
        table, waveform = _heard(config.corpus)
        train = make_protocol(config.protocol, table, seed=config.seed).folds[0].train
        network = _fresh(config, table.loc[list(train)], waveform)
        return {"settings": config.settings.to_json()} | _measured(lambda: _judge(config, network, waveform))

    def valid(cell: dict) -> bool:
        return config.settings.agrees(cell["settings"])

    return _kept(bench, row, config.name, measure, valid)


def machine_cost(
    bench: Bench, row: str, config: BaselineConfig, reduce: Callable[[np.ndarray], np.ndarray] = np.asarray
) -> dict | None:
    """Cost of a support vector machine; as :func:`network_cost`, ``calculated`` is openSMILE's part of it.

    Args:
        bench: how to measure.
        row: its row.
        config: features, protocol and classifier.
        reduce: makes a vector of what the features are.
    """

    def measure() -> dict:
        table, waveform = _heard(config.corpus)
        vectors = vectors_of(table, config.features, reduce, progress=bench.console is not None)
        fold = make_protocol(config.protocol, table, seed=config.seed).folds[0]
        known = vectors.loc[vectors.index.isin(fold.development)]
        machine = CLASSIFIERS[config.classifier]().fit(known, table.loc[known.index, MAIN].to_numpy(dtype=str))
        extractor = feature_extractor(config.features)

        def judge() -> None:
            machine.predict(pd.DataFrame([reduce(extractor([waveform])[0])], columns=vectors.columns))

        products = len(machine[-1].support_) * vectors.shape[1]  # the kernel, once per support vector
        told = {"calculated": calculated} if calculated else {}
        return told | _measured(judge, None if unknown else products + calculated)

    calculated = sum(is10_multiply_adds(int(SECONDS * SAMPLE_RATE)).values()) if config.features == "is10" else 0
    unknown = config.features in SETS and not calculated
    return _kept(bench, row, config.name, measure, lambda cell: cell.get("calculated", 0) == calculated)


def vectors_of(
    table: pd.DataFrame, features: str, reduce: Callable[[np.ndarray], np.ndarray], *, progress: bool
) -> pd.DataFrame:
    """A vector per utterance id, ``(utterances, D)``.

    Args:
        table: the utterance table.
        features: a feature set.
        reduce: makes a vector of what it gives for an utterance.
        progress: show a progress bar.
    """
    arrays = extract(table, features, progress=progress)
    return pd.DataFrame.from_dict({i: reduce(np.asarray(arrays[i])) for i in arrays}, orient="index")


def show_costs(bench: Bench, costs: dict[str, dict | None]) -> None:
    """A table of the costs that are known, and where they were measured."""
    known = {row: cost for row, cost in costs.items() if cost is not None}
    if bench.console is None or not known:
        return
    table = Table(f"one utterance of {SECONDS} s", "multiply-adds (G)", "latency (ms)", box=None, pad_edge=False)
    for row, cost in known.items():
        count = cost["multiply_adds"]
        table.add_row(row, "–" if count is None else f"{count / 1e9:.3f}", f"{cost['latency_ms']:.1f}")
    bench.console.print(table)
    bench.say("Latency measured on: " + "; ".join(sorted({cost["measured_on"] for cost in known.values()})) + ".")


def _kept(bench: Bench, row: str, name: str, measure: Callable[[], dict], valid: Callable[[dict], bool]) -> dict | None:
    cell = bench.kept(f"cost of {row}", row, CHAPTER, f"cost-{name}", measure, valid=valid)
    return cell and {key: value for key, value in cell.items() if key not in ("settings", "environment")}


def _heard(corpus: str) -> tuple[pd.DataFrame, np.ndarray]:
    """The labelled utterances, and a waveform of the right length: the first one, cut or repeated."""
    table = corpora.load(corpus)
    table = table[table[MAIN].notna()]
    (waveform,) = extract(table.iloc[:1], "waveform", progress=False).values()
    return table, np.resize(waveform, int(SECONDS * SAMPLE_RATE))


def _fresh(config: TrainingConfig, train: pd.DataFrame, waveform: np.ndarray) -> MultiTaskModel:
    """A network of the run's size: its heads have the classes and characters of a training side."""
    recipe, settings = config.recipe, config.settings
    classes = {task: sorted(train[task].dropna().unique()) for task in recipe.labels(settings)}
    classes |= recipe.alphabets(train, settings)
    return recipe.model(_features(config, waveform), [_ONE], classes, settings).eval()


def _features(config: TrainingConfig, waveform: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    return {name: {_ONE: feature_extractor(name)([waveform])[0]} for name in config.recipe.features(config.settings)}


def _judge(config: TrainingConfig, network: MultiTaskModel, waveform: np.ndarray) -> None:
    nothing_known = pd.DataFrame(dict.fromkeys(network.classes), index=pd.Index([_ONE], dtype="string"))
    features = _features(config, waveform)
    examples = config.recipe.examples(features, nothing_known, network.classes, config.settings)
    with torch.no_grad():
        network(collate(EvaluationSet(examples, [_ONE], labelled=False).items, examples.padded))


def _measured(judge: Callable[[], None], products: int | None = 0) -> dict:
    """Count and time a judgement.

    Args:
        judge: one utterance, from its waveform on.
        products: multiply-adds that torch does not do; ``None``: nobody knows them.
    """
    with one_thread():
        counted, taken = multiply_adds(judge), latency(judge)
    return {
        "multiply_adds": None if products is None else counted.multiply_adds + products,
        "latency_ms": 1000 * taken.median,
        "latency_spread_ms": 1000 * taken.spread,
        "calls": taken.calls,
        "measured_on": f"{processor()}, one thread",
    }
