"""Chapter 03's tables: noise removed by model 1 beside the classical methods (tables 5 to 8).

Every network is judged on the test side of its own fold, on mixtures that were drawn for the test alone. The printed
figures stand on IEMOCAP; every artifact runs on any corpus.

Source: Liu and Zhang, IEEE Access 2023, experiment 4, equation 23.
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from rich.table import Table
from scipy.stats import bootstrap

from sercourse import corpora
from sercourse.corpora.noisy import PRINTED, in_conditions, make_noise, parse, recordings
from sercourse.errors import UserError
from sercourse.experiments.cells import Bench, printed_figures, stored_artifact
from sercourse.models.asp_mtl import AspMtl
from sercourse.signal.audio import read_audio
from sercourse.signal.denoise import METHODS
from sercourse.signal.noise import Mix, mix
from sercourse.signal.snr import snr_out
from sercourse.training.cleaning import clean
from sercourse.training.predict import load_network
from sercourse.training.runs import Run

CHAPTER = "asp_mtl"
PROTOCOL = "group-5"
MODEL1 = ("auxiliary=noise", "mask=true")
TRAINED_ON = "+none+all@-12..12"
"""Conditions of model 1's corpus: as recorded, and the four noises at an SNR drawn for every utterance."""

RECORDED_TOO = f"{TRAINED_ON}+recorded@-12..12"
"""The same with everyday sounds in training: other recordings than those of the noise "unseen"."""

IN_NOISE = "+none+all@0"
"""Conditions under which emotion is judged (table 9) and noise is probed."""

SNRS: tuple[int, ...] = (-10, -5, 5, 10)
"""dB, as in tables 5 to 8."""

NOISES: tuple[str, ...] = (*PRINTED, "unseen")
"""The printed ones, and everyday sounds, of which training heard none."""

CLASSICAL: tuple[str, ...] = ("spectral subtraction", "over-subtraction", "wavelet + LMS")
"""The methods of the paper's tables; its two numbers for spectral subtraction are read in either way."""

VERSION = 2
"""Goes up whenever test mixtures or a method would give other figures; 1: babble of the voices of training."""

JUDGED: dict[str, int | None] = {"quick": 6, "course": 20, "paper": None}
"""Utterances judged per fold, evenly spaced over its test side; ``None``: all."""

MODEL_ROWS: tuple[str, ...] = ("ASP-MTL, soft mask", "ASP-MTL, frames silenced")
WITH_RECORDED = "ASP-MTL that heard everyday sounds, soft mask"
"""Row of the table of unseen noise alone."""


def printed() -> dict:
    """The paper's own figures."""
    return printed_figures(CHAPTER)


def stored(artifact: str) -> dict | None:
    """The committed figures of an artifact of this chapter (``table5_emodb``), or ``None`` where there are none."""
    return stored_artifact(CHAPTER, artifact)


def snr_table(bench: Bench, name: str) -> dict:
    """SNR after noise removal, one noise at four levels, each method and model 1.

    Args:
        bench: how to measure; its corpus replaces IEMOCAP.
        name: "table5" … "table8", or "unseen".

    Returns:
        ``rows``, ``gain_over_classical`` and ``gain_over_best`` (of all methods) in dB, per SNR in; ``judged`` of
        ``judged_of`` utterances, as :data:`JUDGED` has it.

    Raises:
        UserError: no recordings for "unseen", or a stored cell of other mixtures or methods.
    """
    noise = "unseen" if name == "unseen" else printed()["snr"][name]["noise"]
    bench.check_rows(["model 1", WITH_RECORDED] if name == "unseen" else ["model 1"])
    if noise == "unseen":
        recordings(noise)  # said before anything is trained
    cell = model1(replace(bench, rows=()), noise, trained_on=TRAINED_ON)
    assert cell is not None  # without --rows everything is measured
    rows = cell["snr_out"][noise]
    paper = {} if name == "unseen" else printed()["snr"][name]["rows"]
    further = model1(bench, noise, trained_on=RECORDED_TOO, row=WITH_RECORDED) if name == "unseen" else None
    if further is not None:
        rows = rows | {WITH_RECORDED: further["snr_out"][noise][MODEL_ROWS[0]]}
    _show(bench, cell, noise, rows, paper)
    judged_of = cell["n_test"] // len(parse("any" + TRAINED_ON)[1])  # each utterance was tested under each condition
    bench.say(f"Judged: {cell['judged']} of {judged_of} utterances, evenly spaced over the test sides.")
    kept = ("corpus", "protocol", "profile", "seed", "run", "tasks", "judged")
    asked = {name: cell[name] for name in kept} | {"judged_of": judged_of}
    gains = {gain: cell[gain][noise] for gain in ("gain_over_classical", "gain_over_best")}
    return {"artifact": f"{CHAPTER}/{name}", **asked, "noise": noise, "snr_in": list(SNRS), "rows": rows, **gains,
            "printed": paper}  # fmt: skip


def _show(bench: Bench, cell: Mapping, noise: str, rows: Mapping[str, list[float]], paper: Mapping) -> None:
    """The table and how sure the soft mask's lead is, where there is somewhere to show them."""
    if bench.console is None:
        return
    table = Table(f"SNR out, {noise}", *(f"in {snr} dB" for snr in SNRS), "printed (IEMOCAP)", box=None)
    for method, row in rows.items():
        known = paper.get(method.partition(",")[0] if method == MODEL_ROWS[0] else method)
        beside = " ".join(f"{value:.1f}" for value in known) if known else "–"
        table.add_row(method, *(f"{value:.1f}" for value in row), beside)
    bench.console.print(table)
    for gains, others in (("gain_over_classical", "the paper's classical methods"), ("gain_over_best", "all methods")):
        told = ", ".join(
            f"{g['mean']:+.1f}" + (f" [{g['low']:.1f}, {g['high']:.1f}]" if g["over"] > 1 else "")
            for g in cell[gains][noise]
        )
        bench.say(f"Soft mask above the best of {others}, dB [95 % over speakers]: {told}")


def model1(bench: Bench, noise: str, *, trained_on: str, row: str = "model 1") -> dict | None:
    """Model 1 trained on a corpus in noise, and what it and the classical methods make of test mixtures; ``None`` where
    it is neither stored nor asked for.

    Args:
        bench: how to measure.
        noise: that must be among the mixtures.
        trained_on: conditions of training.
        row: what it is called in ``--rows``.

    Raises:
        UserError: a stored cell has other mixtures.
    """
    noisy = replace(bench, corpus=in_conditions(bench.corpus or "synthetic", trained_on), repeats=1)
    config = noisy.config(CHAPTER, PROTOCOL, MODEL1)
    cell = noisy.cell(row, config, more=partial(_denoised, bench.profile), needs=("snr_out",))
    if cell is not None and (noise not in cell["snr_out"] or cell.get("snr_version") != VERSION):
        lacks = f"without the noise '{noise}'" if noise not in cell["snr_out"] else "on other mixtures"
        raise UserError(f"{cell['run']}: was measured {lacks}; delete its cell to measure it anew.")
    return cell


def _denoised(profile: str, run: Run) -> dict:
    """SNRs after every method, for every noise and level; means over the judged utterances of all folds."""
    table = corpora.load(",".join(parse(part)[0] for part in corpora.parts(run.summary["corpus"])))
    parts = []
    for number, fold in enumerate(run.protocol["repeats"][0]["folds"]):
        ids = sorted({utterance_id.rpartition("~")[0] for utterance_id in fold["test"]})
        judged = ids[:: max(1, len(ids) // (JUDGED[profile] or len(ids)))]
        network, step = load_network(run.folder, number), run.summary["settings"]["data"]["step"]
        jobs = (delayed(_one)(table.loc[judged], noise, snr, network, step) for noise in _at_hand() for snr in SNRS)
        parts += Parallel(n_jobs=2, prefer="threads")(jobs)
    found = pd.concat(parts, ignore_index=True)
    means = found.groupby(["noise", "method", "snr_in"])["snr_out"].mean()
    methods = (*METHODS, *MODEL_ROWS)
    rows = {
        noise: {method: [float(means[noise, method, snr]) for snr in SNRS] for method in methods}
        for noise in found["noise"].unique()
    }
    gains = {
        name: {noise: [_gain(part, snr, others) for snr in SNRS] for noise, part in found.groupby("noise")}
        for name, others in (("gain_over_classical", CLASSICAL), ("gain_over_best", tuple(METHODS)))
    }
    return {"snr_out": rows, "snr_version": VERSION, **gains, "judged": int(found["utterance_id"].nunique()),
            "tasks": run.summary["tasks"]}  # fmt: skip


def _at_hand() -> list[str]:
    """The noises that can be made here."""
    try:
        recordings("unseen")
    except UserError:
        return [noise for noise in NOISES if noise != "unseen"]
    return list(NOISES)


def _one(table: pd.DataFrame, noise: str, snr_db: float, network: AspMtl, step: int) -> pd.DataFrame:
    """Every method on the same mixtures of some utterances with one noise at one level."""
    mixtures = [_test_mixture(i, row, noise, snr_db) for i, row in table.iterrows()]
    estimates: dict[str, list[np.ndarray]] = {
        name: [method(one.noisy) for one in mixtures] for name, method in METHODS.items()
    }
    cleaned = clean([one.noisy for one in mixtures], network, step=step)
    estimates |= dict(zip(MODEL_ROWS, ([c.masked for c in cleaned], [c.silenced for c in cleaned]), strict=True))
    return pd.concat(
        pd.DataFrame(
            {"utterance_id": table.index, "speaker": table["speaker"], "noise": noise, "snr_in": snr_db, "method": name,
             "snr_out": [snr_out(one.clean, estimate) for one, estimate in zip(mixtures, given, strict=True)]}
        )
        for name, given in estimates.items()
    )  # fmt: skip


def _test_mixture(utterance_id: str, row: Mapping, noise: str, snr_db: float) -> Mix:
    """An utterance in noise of a drawing that no training set has; babble is of voices that no training set has."""
    speech = read_audio(row["path"], row["start"], row["end"])
    rng = np.random.default_rng([zlib.crc32(f"test {utterance_id} {noise} {snr_db:g}".encode())])
    return mix(speech, make_noise("chatter" if noise == "babble" else noise, len(speech), rng), snr_db, over="whole")


def _gain(found: pd.DataFrame, snr_db: float, others: Sequence[str]) -> dict[str, float | int | str | None]:
    """How much better the soft mask is than the best of other methods: mean over utterances in dB, its 95 % interval
    over speakers (``None`` with one speaker alone), and how many there are."""
    at_level = found[found["snr_in"] == snr_db]
    table = at_level.pivot_table(index=["speaker", "utterance_id"], columns="method", values="snr_out")
    best = table[list(others)].mean().idxmax()
    by_speaker = (table[MODEL_ROWS[0]] - table[best]).groupby("speaker").agg(["sum", "size"])
    sums, counts = by_speaker["sum"].to_numpy(), by_speaker["size"].to_numpy()
    gain = {
        "mean": float(sums.sum() / counts.sum()),
        "low": None,
        "high": None,
        "over": len(sums),
        "against": str(best),
    }
    if len(sums) > 1:  # a speaker is drawn with all utterances
        drawn = bootstrap(
            (sums, counts), lambda s, c, axis: s.sum(axis) / c.sum(axis), paired=True, vectorized=True,
            n_resamples=2000, method="percentile", rng=0,
        )  # fmt: skip
        gain |= {"low": float(drawn.confidence_interval.low), "high": float(drawn.confidence_interval.high)}
    return gain
