"""What a run's network makes of its utterances, layer by layer, beside what was known and what was predicted.

A layer is one of the network's outputs that has a vector per utterance: outputs over time are averaged over valid
frames, outputs of several crops over crops. Beside them stand two sets of functionals, on which nothing was learnt.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sercourse.errors import UserError, did_you_mean
from sercourse.features.extract import extract
from sercourse.models.multitask import MAIN
from sercourse.training.frozen import frozen
from sercourse.training.predict import Network, utterances_of
from sercourse.training.protocols import Protocol
from sercourse.training.runs import Run, read_run
from sercourse.training.settings import CHAPTERS, PEERS

RAW: dict[str, str] = {
    "is10": "1582 functionals of the recording, nothing learnt",
    "egemaps": "88 functionals of the recording, nothing learnt",
}
"""Features that any run can be compared with."""

SIDES: dict[str, tuple[str, ...]] = {
    "test": ("test",),
    "all": ("train", "validation", "test", "purged", "set_aside"),
}
"""Which sides of a fold are looked at, by name."""

SHOWN: tuple[str, ...] = (
    "emotion", "predicted", "judged", "confidence", "gender", "speaker", "language", "noise", "text", "path", "start",
    "end", "side",
)  # fmt: skip
"""Columns of the table that :func:`vectors_of` gives."""


def meanings(run: Run | str | Path) -> dict[str, str]:
    """Layers of a run and what each of them is.

    Args:
        run: a finished run, or its folder.

    Raises:
        UserError: no finished run, or no weights in it.
    """
    run = _read(run)
    if run.summary.get("chapter") in (*CHAPTERS, *PEERS):
        return _network(run, 0).model.layers() | RAW
    own = run.about["config"].get("features")  # of a baseline: what it was fitted on comes first
    return ({own: RAW[own]} if own in RAW else {}) | RAW


def layers_of(run: Run | str | Path) -> list[str]:
    """Names of a run's layers, the one to look at first in front; arguments and errors as in :func:`meanings`."""
    return list(meanings(run))


def vectors_of(
    run: Run | str | Path,
    layer: str,
    *,
    fold: int = 0,
    side: str = "test",
    table: pd.DataFrame | None = None,
    progress: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A layer's vectors of a fold's utterances, and what is known of them.

    The network is the fold's first; predictions are the run's own. An utterance that was not tested in this fold has
    none, for the network may have learnt it.

    Args:
        run: a finished run, or its folder.
        layer: one of :func:`layers_of`.
        fold: which of the run's folds, from 0.
        side: one of :data:`SIDES`.
        table: the utterances; ``None``: the run's corpus is loaded.
        progress: show bars where features have yet to be computed.

    Returns:
        Vectors ``(N, D)`` indexed by ``utterance_id``, and the columns :data:`SHOWN` in the same order: ``judged`` is
        "right" or "wrong", ``confidence`` the probability of the predicted emotion (0 to 1), ``side`` the fold's.

    Raises:
        UserError: no such layer, fold or side; the corpus or the run's weights are not what they were.
    """
    run = _read(run)
    known = list(RAW) if layer in RAW else layers_of(run)  # raw features need no network
    if layer not in known:
        hint = did_you_mean(layer, known)
        raise UserError(
            f"--layer {layer}: {run.folder.name} has no such layer; choose one of {', '.join(known)}.{hint}"
        )
    if side not in SIDES:
        raise UserError(f"--side {side}: choose one of {', '.join(SIDES)}.")
    config = run.about["config"]
    table = utterances_of(config) if table is None else table
    sides, predicted = _sides(run, fold, side), _predicted(run, fold)
    lost = [i for i in sides if i not in table.index]
    if lost:
        raise UserError(f"{run.folder}: its utterance '{lost[0]}' is not in {config['corpus']} any more; train again.")
    table = table.loc[list(sides)]
    if layer in RAW:
        vectors = extract(table, layer, progress=progress).frame
    else:
        outputs, table = outputs_of(_network(run, fold), layer, table, progress=progress)
        columns = [f"{layer}_{number}" for number in range(outputs.shape[1])]
        vectors = pd.DataFrame(outputs, index=table.index, columns=columns)
    table = table.loc[vectors.index].join(predicted)
    right = (table["predicted"] == table[MAIN]).map({True: "right", False: "wrong"}).astype("string")
    table["judged"] = right.where(table["predicted"].notna() & table[MAIN].notna())
    table["side"] = pd.Series(sides, dtype="string")
    return vectors, table[list(SHOWN)]


def outputs_of(
    network: Network, name: str, table: pd.DataFrame, *, progress: bool = False
) -> tuple[np.ndarray, pd.DataFrame]:  # fmt: skip
    """An output of a network for utterances, ``(N, D)``, and those of them that have all features, in that order.

    Args:
        network: a trained one.
        name: of an output; see :func:`~sercourse.training.frozen.frozen`.
        table: the utterances.
        progress: show bars where features have yet to be computed.
    """
    examples, table = network.examples_of(table, progress=progress)
    return frozen(network.model, examples, list(table.index), (name,))[name], table


def fold_names(run: Run) -> list[str]:
    """The folds of a run's first repeat."""
    return [fold.name for fold in Protocol.from_json(run.protocol["repeats"][0]).folds]


def _read(run: Run | str | Path) -> Run:
    return run if isinstance(run, Run) else read_run(run)


def _network(run: Run, fold: int) -> Network:
    """A fold's network; a run that trained one fold alone has no other."""
    own = run.about["config"].get("fold")
    return Network.load(run.folder, fold if own is None else own)


def _sides(run: Run, fold: int, side: str) -> dict[str, str]:
    """Utterances that were usable, in sorted order, each with its side in a fold."""
    names = fold_names(run)
    if not 0 <= fold < len(names):
        told = f"{len(names)} folds, 0 to {len(names) - 1}" if len(names) > 1 else "one fold, 0"
        raise UserError(f"--fold {fold}: {run.folder.name} has {told}.")
    found = Protocol.from_json(run.protocol["repeats"][0]).folds[fold]
    skipped = run.summary.get("skipped") or {}
    return dict(sorted((i, each) for each in SIDES[side] for i in getattr(found, each) if i not in skipped))


def _predicted(run: Run, fold: int) -> pd.DataFrame:
    """Predictions of a fold's test side and how sure they are, by utterance id."""
    rows = run.predictions
    rows = rows[(rows["repeat"] == rows["repeat"].min()) & (rows["fold"] == fold_names(run)[fold])]
    shares = rows[[column for column in rows if column.startswith("p_")]]
    sure = shares.max(axis=1) if shares.shape[1] else np.nan
    index = pd.Index(rows["utterance_id"].astype("string"), name="utterance_id")
    found = {"predicted": rows["predicted"].astype("string").to_numpy(), "confidence": np.asarray(sure, dtype=float)}
    return pd.DataFrame(found, index=index).astype({"predicted": "string"})
