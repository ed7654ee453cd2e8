"""How sure a run's network may claim to be: a temperature per task, from validation, judged on test.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import softmax

from sercourse.errors import UserError
from sercourse.evaluation.calibration import ece, fit_temperature
from sercourse.models.multitask import MAIN
from sercourse.paths import cache_dir
from sercourse.training.predict import Network, utterances_of
from sercourse.training.protocols import Protocol
from sercourse.training.runs import Run, write_json

VERSION = 2
"""Of what is kept in the cache."""

LIMIT = 200
"""Utterances of a side that are looked at, drawn by chance: a temperature is one number."""


@dataclass(frozen=True)
class Calibration:
    """Temperatures of a network, and what they mend.

    Attributes:
        temperatures: by task; a task that is not in it has 1, such as one that was judged without an error.
        validation: utterances that they were fitted on.
        test: utterances that the two errors were measured on; 0: none.
        ece_before: expected calibration error of the emotion on test, in percent, at temperature 1.
        ece_after: the same with the temperature.
        reason: why there is none; "" where there is.
    """

    temperatures: Mapping[str, float]
    validation: int = 0
    test: int = 0
    ece_before: float | None = None
    ece_after: float | None = None
    reason: str = ""

    def applied(self, task: str, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities ``(N, C)`` of a task with its temperature."""
        return temperature_scaled(probabilities, self.temperatures.get(task, 1.0))


def temperature_scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """``softmax(log p / T)``: of a softmax the same as dividing its logits; of a mean over crops its own kind.

    Args:
        probabilities: ``(N, C)``.
        temperature: above 0; 1 changes nothing.
    """
    return softmax(_logarithm(probabilities) / temperature, axis=1)


def calibration(run: Run, network: Network, weights: Path, *, progress: bool = False) -> Calibration:
    """Fit the temperatures of the first fold's network on its inner validation; kept in the cache.

    Args:
        run: a finished run.
        network: its first one.
        weights: the file that this network was read from.
        progress: show bars where features have yet to be computed.

    Returns:
        Without temperatures where the corpus is not here, or the network learnt from the validation side, too.
    """
    fold = Protocol.from_json(run.protocol["repeats"][0]).folds[0]
    skipped = run.summary.get("skipped") or {}
    sides = {name: _some([i for i in getattr(fold, name) if i not in skipped]) for name in ("validation", "test")}
    if network.settings.loop.learn_from == "development":
        return Calibration({}, reason="it learnt from its validation side, too")
    digest = hashlib.sha256(weights.read_bytes())
    digest.update(json.dumps([VERSION, run.summary.get("data_hash"), sides]).encode())
    kept = cache_dir() / "calibration" / f"{digest.hexdigest()[:24]}.json"
    try:
        return Calibration(**json.loads(kept.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        pass
    try:
        table = _utterances(run.about["config"], [*sides["validation"], *sides["test"]])
    except UserError as error:
        return Calibration({}, reason=f"its corpus is not here ({str(error).rstrip('.')})")
    found = _fitted(network, table, sides, progress=progress)
    with suppress(UserError):  # else it is computed again the next time
        write_json(kept, asdict(found))
    return found


def _fitted(
    network: Network, table: pd.DataFrame, sides: Mapping[str, Sequence[str]], *, progress: bool
) -> Calibration:
    judged, table = posteriors(network, table, progress=progress)
    inner, outer = table.index.isin(sides["validation"]), table.index.isin(sides["test"])
    temperatures = {}
    for task, probabilities in judged.items():
        names = network.model.classes[task]
        known = inner & table[task].isin(names).to_numpy(dtype=bool)
        truth = table[task][known].tolist()
        right = [names[best] for best in probabilities[known].argmax(1)] == truth
        if not right:  # where none is wrong the likelihood grows without end as the temperature falls: nothing to fit
            temperatures[task] = fit_temperature(_logarithm(probabilities[known]), truth, names)
    names = network.model.classes[MAIN]
    known = outer & table[MAIN].isin(names).to_numpy(dtype=bool)
    if MAIN not in temperatures or not known.any():
        return Calibration(temperatures, int(inner.sum()))
    truth = table[MAIN][known].tolist()
    errors = [ece(temperature_scaled(judged[MAIN][known], t), truth, names) for t in (1.0, temperatures[MAIN])]
    return Calibration(temperatures, int(inner.sum()), int(known.sum()), *errors)


def posteriors(
    network: Network, table: pd.DataFrame, *, progress: bool = False
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Posteriors ``(N, C)`` of every task, and the utterances they belong to, which are those with all features.

    They are judged as recordings are: without a transcript, whatever the network could read.

    Args:
        network: a trained one.
        table: the utterances.
        progress: show bars where features have yet to be computed.
    """
    examples, table = network.examples_of(table, read=False, progress=progress)
    judged = network.judged_examples(examples, table.index).probabilities
    finite = np.all([np.isfinite(one).all(1) for one in judged.values()], axis=0)
    return {task: one[finite] for task, one in judged.items()}, table[finite]


def _logarithm(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(np.asarray(probabilities, dtype=float), np.finfo(float).tiny))


def _some(ids: Sequence[str]) -> list[str]:
    """At most :data:`LIMIT` of them, always the same, sorted."""
    if len(ids) <= LIMIT:
        return sorted(ids)
    return sorted(np.random.default_rng(0).choice(sorted(ids), LIMIT, replace=False).tolist())


def _utterances(config: Mapping, ids: Sequence[str]) -> pd.DataFrame:
    """Some rows of a run's corpus.

    Raises:
        UserError: the corpus or an utterance of it is not here.
    """
    table = utterances_of(config)
    lost = [i for i in ids if i not in table.index]
    if lost:
        raise UserError(f"{config['corpus']} has no utterance '{lost[0]}' any more.")
    return table.loc[list(ids)]
