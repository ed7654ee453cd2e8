"""Figure 14: how emotion, words and speaker depend on both weights at once, as surfaces.

Each cell is one network on one division (the released code's kind, one random tenth: a speaker can only be recognised
by whoever has heard him). Optuna's grid sampler keeps the list of cells in a file beside the runs: a stopped grid goes
on, and the same command in a second terminal shares the work.

Source: Chen et al., Expert Systems with Applications 2025, section 5.8, figure 14.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import optuna
import pandas as pd
from matplotlib.figure import Figure
from optuna.trial import TrialState

from sercourse.experiments.cells import Bench, save_figure
from sercourse.experiments.mtlser import CHAPTER, LEARNT, learnt, printed
from sercourse.paths import runs_dir

STEPS: dict[str, int] = {"quick": 3, "course": 5, "paper": 11}
"""Values of each weight from 0 to 1, per profile; the paper has 11."""

FROZEN = 11
"""The same where the whole encoder is frozen and heard once, so that a network costs its heads alone: the paper's."""

ALONE: tuple[str, ...] = ("freeze=encoder", "clip=0")
"""With a frozen encoder each head learns alone; the profiles' limit on the common gradient would tie them together."""

PROTOCOL = "holdout-10"
_DONE, _BEGUN = (TrialState.COMPLETE,), (TrialState.RUNNING, TrialState.WAITING)

SURFACES: dict[str, str] = {"emotion": "emotion, WA (%)", "text": "words, error rate (%)", "speaker": "speaker, WA (%)"}


def grid(bench: Bench, *, frozen: bool = False) -> dict:
    """Every pair of weights: one network each.

    Args:
        bench: how to measure; ``bench.figure`` is where the picture goes.
        frozen: only the heads learn, on what a frozen encoder says once; 11 values of each weight in every profile.
    """
    bench = replace(bench, corpus=bench.corpus or "synthetic", repeats=1)
    steps, changes = (FROZEN, ALONE) if frozen else (STEPS[bench.profile], ())
    values = [round(float(value), 3) for value in np.linspace(0, 1, steps)]
    space = {"alpha": values, "beta": values}
    name = f"grid-{len(values)}-{bench.config(CHAPTER, PROTOCOL, changes).name}"
    runs_dir().mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        study_name=name, storage=f"sqlite:///{runs_dir() / name}.db", load_if_exists=True, direction="maximize",
        sampler=optuna.samplers.GridSampler(space, seed=bench.seed),
    )  # fmt: skip
    pairs = {(alpha, beta) for alpha in values for beta in values}
    bench.say(f"{len(pairs - _pairs(study, _DONE))} of {len(pairs)} cells are still to be measured.")
    measure = partial(_cell, bench, changes)
    if not study.sampler.is_exhausted(study):
        study.optimize(measure, n_trials=len(pairs))  # the sampler ends it with the grid
    study.sampler = optuna.samplers.RandomSampler(
        seed=bench.seed
    )  # the grid's takes a cell that was stopped for visited
    for alpha, beta in sorted(pairs - _pairs(study, (*_DONE, *_BEGUN))):
        study.enqueue_trial({"alpha": alpha, "beta": beta})
    study.optimize(measure, n_trials=len(study.get_trials(states=(TrialState.WAITING,))))
    found = {(trial.params["alpha"], trial.params["beta"]): trial for trial in study.get_trials(states=_DONE)}
    rows = [{**found[pair].params, **found[pair].user_attrs} for pair in sorted(found)]
    artifact = "grid_frozen" if frozen else "figure14"
    result = bench.about(f"{CHAPTER}/{artifact}", PROTOCOL) | {"cells": rows, "printed": printed()["weights"]}
    if bench.figure is not None:
        save_figure(surfaces(result), bench.figure)
    if bench.console is not None:
        best = max(rows, key=lambda row: row["emotion"])
        pair = f"alpha {best['alpha']:g}, beta {best['beta']:g}"
        bench.say(f"Highest on test (a place in the picture, no choice): {pair}, WA {best['emotion']:.1f}.")
    return result


def _pairs(study: optuna.Study, states: Sequence[TrialState]) -> set[tuple[float, float]]:
    """Alpha and beta of all cells in some states."""
    return {(t.params["alpha"], t.params["beta"]) for t in study.get_trials(states=states) if len(t.params) == 2}


def _cell(bench: Bench, changes: Sequence[str], trial: optuna.Trial) -> float:
    alpha, beta = (trial.suggest_float(name, 0, 1) for name in ("alpha", "beta"))
    config = bench.config(CHAPTER, PROTOCOL, (*changes, f"alpha={alpha:g}", f"beta={beta:g}"))
    cell = bench.cell(f"alpha {alpha:g}, beta {beta:g}", config, more=learnt, needs=LEARNT)
    figures = {"emotion": cell["wa"], "n_test": cell["n_test"]}
    figures |= {"text": cell["tasks"].get("text", {}).get("wer"), "speaker": cell["tasks"].get("speaker", {}).get("wa")}
    for name, value in figures.items():
        trial.set_user_attr(name, value)
    return cell["wa"]


def surfaces(result: dict) -> Figure:
    """The three surfaces over alpha and beta.

    Args:
        result: what :func:`grid` gave, or what is stored of it.
    """
    cells = pd.DataFrame(result["cells"])
    figure = plt.figure(figsize=(13, 4.2), layout="constrained")
    for place, (task, title) in enumerate(SURFACES.items(), start=1):
        square = cells.pivot(index="beta", columns="alpha", values=task).astype(float)
        alphas, betas = np.meshgrid(square.columns, square.index)
        axis = figure.add_subplot(1, 3, place, projection="3d")
        axis.plot_surface(alphas, betas, square.to_numpy(), cmap="viridis", edgecolor="k", linewidth=0.3)
        axis.set(xlabel="alpha (words)", ylabel="beta (speaker)", title=title)
    return figure
