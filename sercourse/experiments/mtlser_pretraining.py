"""Chapter 04: does pretraining help? A linear machine on the frozen encoder, against the same encoder untrained.

The machine reads the mean over frames of every layer, one behind the other. Random weights are drawn by three seeds;
the trained encoder exists once and stands beside each of them. One more row leaves the measured targets out of the
pretraining, where such weights lie in a folder.

Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import torch
from rich.table import Table

from sercourse import corpora
from sercourse.errors import UserError
from sercourse.evaluation.comparison import compare
from sercourse.experiments.cells import Bench
from sercourse.experiments.mtlser import p_value
from sercourse.experiments.side_by_side import interval
from sercourse.features.extract import extract
from sercourse.training.backbones import MINI, at_hand, load_backbone
from sercourse.training.baseline import predict_all
from sercourse.training.pooled import pooled_layers
from sercourse.training.protocols import make_protocol
from sercourse.training.summary import summarise

PROTOCOLS: dict[str, str] = {"ravdess": "group-6"}
"""Corpus to protocol; others leave one speaker out."""

FURTHER: tuple[str, ...] = ("group-5",)
"""Protocols that can be asked for: that of the trained networks (``mtlser/tasks``)."""

SEEDS = 3
"""Networks with random weights."""

KEPT = ("wa", "ua", "wa_sd", "ua_sd", "wa_interval", "ua_interval", "n_test")


def pretraining(bench: Bench) -> dict:
    """Linear probes on the pretrained encoder and on untrained ones; openSMILE beside them.

    Args:
        bench: how to measure; ``rows`` may name further checkpoints to be probed, folders or ids.

    Raises:
        UserError: one of them is not at hand.
    """
    bench = replace(bench, corpus=bench.corpus or "synthetic", repeats=1)
    protocol = bench.protocols((PROTOCOLS.get(bench.corpus, "loso"),), FURTHER)[0]
    table = corpora.load(bench.corpus)
    table = table[table["emotion"].notna()]
    waveforms = extract(table, "waveform", progress=bench.console is not None)
    for name in bench.rows:
        if at_hand(name) != name:
            raise UserError(f"--rows {name}: not at hand, and no other one stands in for it here; name a folder.")
    judged = {MINI: _probed(bench, table, waveforms, protocol, [MINI])}
    judged["random weights"] = _probed(bench, table, waveforms, protocol, [MINI] * SEEDS, pretrained=False)
    for checkpoint in bench.rows:
        judged[checkpoint] = _probed(bench, table, waveforms, protocol, [checkpoint])
    strongest, machines = bench.strongest(protocol)
    rows = {name: _figures(predictions) for name, (predictions, _) in judged.items()}
    rows |= {f"{name.upper()}+SVM": {key: run.summary[key] for key in KEPT} for name, run in machines.items()}
    random = judged["random weights"][0]
    effects = {
        name: compare(random, predictions, names=("random weights", name), metric="ua").to_dict()
        for name, (predictions, _) in judged.items()
        if name != "random weights"
    }
    beside = compare(strongest.predictions, judged[MINI][0], names=("strongest SVM", MINI), metric="ua").to_dict()
    layers = {name: by_layer for name, (_, by_layer) in judged.items()}
    if bench.console is not None:
        _show(bench, protocol, rows, effects)
    asked = {"corpus": bench.corpus, "protocol": protocol, "seed": bench.seed, "random_networks": SEEDS}
    return {"artifact": "mtlser/pretraining", **asked, "rows": rows, "above_random": effects,
            "above_strongest_svm": beside, "ua_by_layer": layers}  # fmt: skip


def _probed(
    bench: Bench, table: pd.DataFrame, waveforms, protocol: str, names: list[str], *, pretrained: bool = True
) -> tuple[pd.DataFrame, list[float]]:
    """Predictions from all layers together, a repeat per network; and UA of each layer alone, of the first network."""
    folds = [make_protocol(protocol, table, seed=bench.seed)]
    parts, by_layer = [], []
    for seed, name in enumerate(names):
        torch.manual_seed(bench.seed + seed)
        encoder = load_backbone(name, pretrained=pretrained)
        bench.say(f"{name}, {'pretrained' if pretrained else f'random weights {seed}'}:")
        layers = pooled_layers(encoder, waveforms, progress=bench.console is not None)
        joined = pd.concat(layers, axis=1)
        joined.columns = range(joined.shape[1])
        parts.append(predict_all(joined, table, folds, "linear", probabilities=False).assign(repeat=seed))
        if seed == 0:
            alone = (predict_all(layer, table, folds, "linear", probabilities=False) for layer in layers)
            by_layer = [summarise(one, seed=bench.seed)["ua"] for one in alone]
    return pd.concat(parts, ignore_index=True), by_layer


def _figures(predictions: pd.DataFrame) -> dict:
    """Of one network, or means over several; the interval is the first one's."""
    each = [summarise(part) for _, part in predictions.groupby("repeat")]
    figures = {name: each[0][name] for name in KEPT}
    for metric in ("wa", "ua"):
        figures[metric] = float(pd.Series([one[metric] for one in each]).mean())
        figures[f"{metric}_sd_networks"] = float(pd.Series([one[metric] for one in each]).std()) if each[1:] else None
    return figures


def _show(bench: Bench, protocol: str, rows: dict[str, dict], effects: dict[str, dict]) -> None:
    table = Table(f"{bench.corpus}, {protocol}", "WA", "UA", "above random weights (UA)", "p", box=None, pad_edge=False)
    for name, row in rows.items():
        effect = effects.get(name)
        above = interval(effect)
        table.add_row(name, f"{row['wa']:.1f}", f"{row['ua']:.1f}", above, p_value(effect["p"]) if effect else "")
    bench.console.print(table)
