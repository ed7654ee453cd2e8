"""Chapter 04's figures 11 to 13: wav2vec2 against HuBERT, the same network on two encoders.

The paper shows the emotion's accuracy, the error rate of the words and the training loss over epochs, and no number.
Here the curves are those of the first fold, accuracy and error rate on its validation side; beside them stands what
both encoders reach on all test utterances, and the difference with its interval.

Source: Chen et al., Expert Systems with Applications 2025, section 5.6.3, figures 11 to 13.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.table import Table

from sercourse.errors import UserError
from sercourse.evaluation.comparison import compare
from sercourse.experiments.cells import Bench, predicted_by, save_figure
from sercourse.experiments.mtlser import CHAPTER, LEARNT, learnt, printed, speaker_independent
from sercourse.explain import plots
from sercourse.training.backbones import at_hand, fingerprint

PUBLISHED = ("facebook/wav2vec2-base", "facebook/hubert-base-ls960")
"""The checkpoints of the paper. It names wav2vec2.0 and Hubert without their sizes; these are the base ones."""

AXES: dict[str, str] = {
    "validation_wa": "emotion, validation WA (%)",
    "validation_wer_text": "words, validation WER (%)",
    "train": "training loss, all tasks",
}
"""What the figures show: columns of the curves, and what stands at the axis."""

KEPT = ("wa", "ua", "wa_sd", "ua_sd", "tasks", "parameters", "seconds_per_epoch", "run")


def backbones(bench: Bench) -> dict:
    """The network with all three tasks on two encoders, everything else the same.

    A folder belongs to one machine, so cells of an encoder in a folder are not kept under ``results/``.

    Args:
        bench: how to measure; ``rows`` may name two other checkpoints, folders or ids, with ``;`` between them or one
            after the other; ``bench.figure`` is where the picture goes.

    Raises:
        UserError: not two checkpoints, one that is not at hand, or twice the same.
    """
    bench = replace(bench, corpus=bench.corpus or "synthetic", repeats=1)
    protocol = speaker_independent(bench.corpus)
    names = two_checkpoints(bench.rows)
    machine = bench.machine(protocol)
    rows, told = {}, {}
    for name in names:
        taken = replace(bench, rows=(), store=bench.store and not Path(name).is_dir())
        cell = taken.cell(name, bench.config(CHAPTER, protocol, (f"backbone={name}",)), more=learnt, needs=LEARNT)
        told[name] = predicted_by(machine, [cell])
        curves = [row | {"train": _total(row)} for row in cell["curves"]]
        rows[name] = {key: cell[key] for key in KEPT} | {"training_loss": curves[-1]["train"], "curves": curves}
    effect = compare(*told.values(), names=names, metric="wa").to_dict()
    if bench.figure is not None:
        save_figure(plots.over_epochs({name: row["curves"] for name, row in rows.items()}, AXES), bench.figure)
    if bench.console is not None:
        table = Table(f"{bench.corpus}, {protocol}", "WA", "UA", "WER", "training loss", box=None, pad_edge=False)
        for name, row in rows.items():
            wer = row["tasks"].get("text", {}).get("wer")
            shown = (row["wa"], row["ua"], wer, row["training_loss"])
            table.add_row(name, *("–" if value is None else f"{value:.1f}" for value in shown))
        bench.console.print(table)
        bench.say(effect["sentence"])
    found = {"rows": rows, "second_above_first": effect, "printed": printed()["backbones"]}
    return bench.about(f"{CHAPTER}/backbones", protocol) | found


def two_checkpoints(rows: Sequence[str]) -> tuple[str, str]:
    """The two checkpoints to compare: those that are named, or the published ones.

    Args:
        rows: names, two with ``;`` between them or one each; none: :data:`PUBLISHED`.

    Raises:
        UserError: not two, one that is not at hand (no other one stands in for it here), or twice the same.
    """
    names = [name.strip() for row in rows for name in row.split(";")] or list(PUBLISHED)
    if len(names) != 2:
        raise UserError(
            f"--rows {'; '.join(names)}: two checkpoints are compared; name them as --rows 'FOLDER;FOLDER'."
        )
    first, second = names
    absent = [name for name in names if at_hand(name) != name]
    if absent:
        raise UserError(
            f"{' and '.join(absent)}: not at hand, and the small encoder that would stand in is no such checkpoint, so"
            " nothing is compared; try again with a connection to the hub, or name two checkpoints that are here:"
            " --rows 'FOLDER;FOLDER'."
        )
    if fingerprint(first) == fingerprint(second):
        raise UserError(
            f"{first} and {second}: hold the same checkpoint; name two that differ: --rows 'FOLDER;FOLDER'."
        )
    return first, second


def _total(epoch: dict[str, float]) -> float:
    """The loss that training minimises (equation 13), of an epoch: every task's loss times its weight."""
    weights = {name.removeprefix("weight_"): weight for name, weight in epoch.items() if name.startswith("weight_")}
    return sum(weight * epoch[f"train_{task}"] for task, weight in weights.items() if f"train_{task}" in epoch)
