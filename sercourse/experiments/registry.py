"""The list of what can be reproduced: ``CHAPTER/ARTIFACT`` to the function that measures it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console

from sercourse.errors import UserError, did_you_mean
from sercourse.experiments import signal_preprocessing
from sercourse.training.runs import environment


@dataclass(frozen=True)
class Experiment:
    """One table or figure.

    Attributes:
        title: what it shows, in a line.
        run: measures it; takes ``corpus`` (``None``: the artifact's own), ``seed`` and ``console``, returns figures
            that can be written as JSON.
    """

    title: str
    run: Callable[..., dict]


EXPERIMENTS: dict[str, Experiment] = {
    "signal_preprocessing/baselines": Experiment(
        "openSMILE + SVM on EMO-DB and RAVDESS beside reference figures", signal_preprocessing.baselines
    ),
    "signal_preprocessing/protocols": Experiment(
        "one set of features, three protocols: what random folds are worth", signal_preprocessing.protocols
    ),
}


def run(artifact: str, *, corpus: str | None, seed: int, console: Console) -> dict:
    """Measure an artifact; the versions that the figures depend on are written beside them.

    Raises:
        UserError: no such artifact; the nearest name is suggested.
    """
    if artifact not in EXPERIMENTS:
        hint = did_you_mean(artifact, EXPERIMENTS)
        raise UserError(f"{artifact}: no such artifact; `sercourse reproduce` lists all of them.{hint}")
    return EXPERIMENTS[artifact].run(corpus=corpus, seed=seed, console=console) | {"environment": environment()}
