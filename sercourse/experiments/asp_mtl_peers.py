"""Chapter 03's comparisons: against noise (tables 1, 2), against gender (3, 4), with other multi-task networks
(figures 6, 7).

The paper judges on AVEC 2016 and AFEW 6.0, which are licensed; here every artifact runs on any corpus, EMO-DB standing
in for the first and RAVDESS for the second. Where noise is the matter it is added (white, pink, babble and factory at
0 dB, and as recorded). Everyone is tested on the same utterances; :data:`NOTES` says who is told what. As peers of
experiment 3 the paper names [17], [21] and [26] in one place and describes [17] and [25] in another; these two are
built.

Source: Liu and Zhang, IEEE Access 2023, experiments 1 to 3.
Notebook: 03_asp_mtl.ipynb
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sercourse import corpora
from sercourse.corpora.corpus_names import file_name
from sercourse.corpora.noisy import in_conditions
from sercourse.errors import UserError
from sercourse.evaluation.comparison import compare
from sercourse.evaluation.metrics import wa
from sercourse.experiments.asp_mtl import CHAPTER, IN_NOISE, printed
from sercourse.experiments.asp_mtl_ablation import (
    BOTH,
    PROTOCOLS,
    TUNED,
    VARIANTS,
    chain,
    conditions_of,
    effects_within,
    figures_of,
    machine_rows,
    show_rows,
)
from sercourse.experiments.cells import MACHINES, NO_VALIDATION, Bench, predicted_by, save_figure, spelled
from sercourse.features.equalisation import Equaliser, functionals, pitch_and_mfcc, pooled
from sercourse.features.extract import extract
from sercourse.signal.denoise import METHODS
from sercourse.signal.endpoint import speech_mask
from sercourse.training.cleaned_corpus import changed_table
from sercourse.training.comparators import COMPARATORS, VERSION, Comparator, compared, support_vectors
from sercourse.training.protocols import Protocol, make_protocol

SUBSTITUTES: dict[str, str] = {"avec": "emodb", "afew": "ravdess"}
"""What stands in for the paper's corpora unless another is named."""

FEATURES = "is10"
FRONT_END = 1
"""Goes up whenever VAD with NMF would leave other audio."""
EQUALISED = "histogram equalisation [9]"
NOT_EQUALISED = "the same features, not equalised"
VAD_NMF = "VAD + NMF [10]"
MACHINE_ROWS: tuple[str, ...] = tuple(
    f"{features.upper()}+SVM{told}" for told in ("", NO_VALIDATION) for features in MACHINES
)
NOISE_ROWS: tuple[str, ...] = (
    *MACHINE_ROWS, NOT_EQUALISED, EQUALISED, VAD_NMF, "sparse representation [11]", "single task", BOTH
)  # fmt: skip
GENDER_ROWS: tuple[str, ...] = (*MACHINE_ROWS, "CORAL [14]", "NMF subspace [15]", "single task", "model 2 alone")
NETWORKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "shared hidden layers, gender": ("shared_hidden", ("auxiliary=gender",)),
    "shared hidden layers, noise": ("shared_hidden", ("auxiliary=noise",)),
    "adversarial autoencoder, gender": ("adversarial_autoencoder", ("auxiliary=gender",)),
    "single task": (CHAPTER, VARIANTS["single task"]),
    "model 1 alone": (CHAPTER, VARIANTS["model 1 alone"]),
    "model 2 alone": (CHAPTER, VARIANTS["model 2 alone"]),
}
"""Rows of figures 6 and 7: a network and its settings; the chain of both models comes on top."""


NOTES: tuple[str, ...] = (
    "Histogram equalisation is told the noise of a test utterance, CORAL and the NMF subspace are told its speaker's"
    " gender; the networks are told neither.",
    "Machines and classical remedies learn from train and validation, networks and the machines without validation from"
    " train alone.",
    TUNED,
    "Shared hidden layers and the adversarial autoencoder read IS10 functionals, ASP-MTL reads frames: a difference"
    " between them is not one of their multi-task structure alone.",
    "wa, ua and f1 are in percent; of the printed pairs the first is in percent, F1 is a share.",
)


def against_noise(bench: Bench, name: str) -> dict:
    """Experiment 1: speech in noise, classical remedies beside both models.

    Args:
        bench: how to measure.
        name: "table1" or "table2".
    """
    bench = _on(bench, printed()["experiment1"][name]["corpus"], IN_NOISE)
    bench.check_rows(list(NOISE_ROWS))
    networks = {"single task": (CHAPTER, VARIANTS["single task"])}
    return _compared(bench, name, "experiment1", NOISE_ROWS, _noise_method, networks)


def against_gender(bench: Bench, name: str) -> dict:
    """Experiment 2: clean speech of both genders, remedies for their difference beside model 2.

    Args:
        bench: how to measure.
        name: "table3" or "table4".

    Returns:
        With ``within``, by protocol: model 2 beside the single task for each gender and each emotion
        (:func:`~sercourse.experiments.asp_mtl_ablation.effects_within`).
    """
    bench = _on(bench, printed()["experiment2"][name]["corpus"], "")
    genders = corpora.load(bench.corpus)["gender"].dropna().unique()
    if len(genders) < 2:
        raise UserError(f"{bench.corpus}: has {len(genders)} labelled genders, two are needed; fill in the column.")
    bench.check_rows(list(GENDER_ROWS))
    networks = {row: (CHAPTER, VARIANTS[row]) for row in ("single task", "model 2 alone")}
    return _compared(bench, name, "experiment2", GENDER_ROWS, _gender_method, networks, within=("gender", "emotion"))


def multitask(bench: Bench, name: str) -> dict:
    """Experiment 3: other networks with two tasks on speech in noise, as bars of accuracy and F1.

    Args:
        bench: how to measure; ``bench.figure`` is where the picture goes.
        name: "figure6" or "figure7".
    """
    bench = _on(bench, printed()["experiment3"][name]["corpus"], IN_NOISE)
    rows = (*NETWORKS, BOTH)
    bench.check_rows(list(rows))
    result = _compared(bench, name, "experiment3", rows, None, NETWORKS)
    if bench.figure is not None:
        save_figure(_bars(result), bench.figure)
    return result


def _on(bench: Bench, corpus: str, conditions: str) -> Bench:
    """The bench on its corpus, or on what stands in for the paper's."""
    named = bench.corpus or SUBSTITUTES[corpus]
    return replace(bench, corpus=in_conditions(named, conditions) if conditions else named, repeats=1)


def _compared(
    bench: Bench, name: str, experiment: str, rows: tuple[str, ...], method: Callable[..., Comparator] | None,
    networks: Mapping[str, tuple[str, tuple[str, ...]]], within: tuple[str, ...] = (),
) -> dict:  # fmt: skip
    """Every row under every protocol, and its distance to the last row; the last row's to the single task in the parts
    of the corpus that some columns name."""
    table = corpora.load(bench.corpus)
    table = table[table["emotion"].notna()]
    found: dict[str, dict] = {row: {} for row in rows}
    protocols, parts = bench.protocols(PROTOCOLS), {}
    for protocol in protocols:
        strongest, machines = bench.strongest(protocol)
        judged = {row: machine.predictions for row, machine in machine_rows(bench, protocol, machines).items()}
        for row in rows:
            if row in judged:
                continue
            if row == BOTH:
                cell = chain(bench, protocol)
            elif row in networks:
                chapter, changes = networks[row]
                cell = bench.cell(row, bench.config(chapter, protocol, changes))
            else:
                cell = _classical(bench, row, method, table, protocol)
            judged[row] = cell and predicted_by(strongest, [cell])
        ours = judged[rows[-1]]
        for row in rows:
            found[row][protocol] = None if judged[row] is None else figures_of(judged[row])
            if judged[row] is not None and ours is not None and row != rows[-1]:
                effect = compare(judged[row], ours, names=(row, rows[-1]), metric="ua").to_dict()
                found[row][protocol]["ours_above"] = effect
        if within and judged["single task"] is not None and ours is not None:
            parts[protocol] = {one: effects_within(judged["single task"], ours, table[one]) for one in within}
    show_rows(bench, found, protocols, beside="ours_above")
    paper = printed()[experiment][name]
    quoted = [f"{method} {source} {paper['rows'][source][0]:.1f} % (F1 {paper['rows'][source][1]:.3f})"
              for source, method in printed()["quoted"].items() if source in paper["rows"]]  # fmt: skip
    if quoted:
        bench.say(f"Not rebuilt, as printed on {paper['corpus'].upper()}: {'; '.join(quoted)}.")
    asked = {"corpus": bench.corpus, "printed_corpus": paper["corpus"], "profile": bench.profile, "seed": bench.seed}
    return {"artifact": f"{CHAPTER}/{name}", **asked, "protocols": list(protocols), "rows": found,
            **({"within": parts} if within else {}), "printed": paper["rows"], "notes": list(NOTES)}  # fmt: skip


def _classical(bench: Bench, row: str, method: Callable, table: pd.DataFrame, protocol: str) -> dict | None:
    """A row that is no network, as a cell."""
    folds = make_protocol(protocol, table, seed=bench.seed)
    labels = table[["emotion", "gender"]].astype("string").sort_index()
    told = [VERSION, FRONT_END, FEATURES, row, folds.digest, labels.to_csv()]
    made_of = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]

    def measure() -> dict:
        predictions = method(row, table, bench.console is not None)(folds)
        asked = {"corpus": bench.corpus, "protocol": protocol, "seed": bench.seed, "row": row, "run": name}
        figures = {"wa": wa(predictions["emotion"], predictions["predicted"]), "made_of": made_of}
        return asked | figures | spelled(predictions)

    def valid(cell: dict) -> bool:
        return cell["made_of"] == made_of

    short = hashlib.sha256(row.encode()).hexdigest()[:6]
    name = f"comparator_{short}-{file_name(bench.corpus)}-{protocol}-seed{bench.seed}"
    return bench.kept(f"{row}, {protocol}", row, CHAPTER, name, measure, valid=valid)


def _noise_method(row: str, table: pd.DataFrame, progress: bool) -> Callable[[Protocol], pd.DataFrame]:
    """What judges a protocol, for a row of experiment 1."""
    domain = conditions_of(table.index.to_series())
    if row in (EQUALISED, NOT_EQUALISED):
        frames = _frames_of(table, progress)
        if row == EQUALISED:
            features = partial(_equalised, frames, domain)
        else:
            features = pd.DataFrame.from_dict({i: functionals(one) for i, one in frames.items()}, orient="index")
        return lambda protocol: compared(support_vectors, features, domain, table, protocol)
    heard = changed_table(table, f"vad_nmf-{FRONT_END}", _spoken, progress=progress) if row == VAD_NMF else table
    features = extract(heard, FEATURES, progress=progress).frame
    method = COMPARATORS.get(row, support_vectors)
    return lambda protocol: compared(method, features, domain, table, protocol)


def _gender_method(row: str, table: pd.DataFrame, progress: bool) -> Callable[[Protocol], pd.DataFrame]:
    """What judges a protocol, for a row of experiment 2."""
    features = extract(table, FEATURES, progress=progress).frame
    return lambda protocol: compared(COMPARATORS[row], features, table["gender"], table, protocol)


def _frames_of(table: pd.DataFrame, progress: bool) -> dict[str, np.ndarray]:
    """Pitch and MFCC of every frame, by utterance id."""
    prosody, mfcc = (extract(table, name, progress=progress) for name in ("prosody", "mfcc"))
    return {i: pitch_and_mfcc(prosody[i], mfcc[i]) for i in prosody if i in mfcc}


def _equalised(frames: Mapping[str, np.ndarray], domain: pd.Series, development: tuple[str, ...]) -> pd.DataFrame:
    """Functionals of frames that were put on the distribution of clean training speech."""
    known = [i for i in development if i in frames]
    maps = Equaliser(pooled((frames[i] for i in known), domain[known].tolist()), "none")
    rows = {i: functionals(maps(one, domain[i])) for i, one in frames.items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def _spoken(waveforms: list[np.ndarray]) -> list[np.ndarray]:
    """Noise taken away by factorisation, then pauses; all of it where nothing stands out as speech."""
    cleaned = [METHODS["VAD + NMF"](waveform) for waveform in waveforms]
    masks = [speech_mask(waveform) for waveform in cleaned]
    return [one[mask] if mask.any() else one for one, mask in zip(cleaned, masks, strict=True)]


def _bars(result: dict) -> plt.Figure:
    """Accuracy and F1 of every row, protocols side by side."""
    protocols = result["protocols"]
    figure, axes = plt.subplots(1, len(protocols), figsize=(11, 4), sharey=True, squeeze=False, layout="constrained")
    for axis, protocol in zip(axes[0], protocols, strict=True):
        rows = {row: figures[protocol] for row, figures in result["rows"].items() if figures[protocol]}
        places = np.arange(len(rows))
        for shift, metric in ((-0.2, "wa"), (0.2, "f1")):
            bars = axis.barh(places + shift, [one[metric] for one in rows.values()], 0.4, label=metric.upper())
            axis.bar_label(bars, fmt="%.1f", padding=2)
        axis.set(title=f"{result['corpus']}, {protocol}", xlabel="percent", xlim=(0, 105))
        axis.set_yticks(places, list(rows))
        axis.invert_yaxis()
    axes[0, 0].legend(loc="lower right")
    return figure
