"""Chapter 04: what the words and the speaker do for the emotion (figures 7 to 10), and what its artifacts share.

The paper judges on IEMOCAP, which is licensed, and fine-tunes wav2vec2-base; here every artifact runs on any corpus
and any encoder (``--profile paper`` takes wav2vec2-base, the others the small one that ships). Other systems stand in
:mod:`~sercourse.experiments.mtlser_peers`, noise in :mod:`~sercourse.experiments.mtlser_noise`, other encoders in
:mod:`~sercourse.experiments.mtlser_backbones`.

Source: Chen et al., Expert Systems with Applications 2025, section 5.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pandas as pd
from rich.table import Table

from sercourse import corpora
from sercourse.errors import UserError
from sercourse.evaluation import metrics
from sercourse.experiments.cells import (
    Bench,
    mean_and_spread,
    printed_figures,
    save_figure,
    stored_artifact,
)
from sercourse.experiments.side_by_side import show, side_by_side
from sercourse.explain import plots
from sercourse.training.alphabet import plain
from sercourse.training.journal import read_curves
from sercourse.training.runs import Run

CHAPTER = "mtlser"
printed = partial(printed_figures, CHAPTER)
stored = partial(stored_artifact, CHAPTER)

TASKS: dict[str, tuple[str, ...]] = {
    "emotion alone": ("alpha=0", "beta=0"),
    "emotion and words": ("beta=0",),
    "emotion and speaker": ("alpha=0",),
    "all three": (),
}
"""Which tasks the shared encoder learns from."""

PROTOCOLS: dict[str, str] = {
    "ravdess": "group-6",
    "iemocap": "session",
    "iemocap-improvised": "session",
    "matrix": "group-5",
}
"""Corpus to its speaker-independent protocol; others have five groups of speakers."""

LESSON: dict[str, tuple[str, str]] = {
    "a random tenth, as released": ("holdout-10", "utterance"),
    "random folds": ("kfold-10", "utterance"),
    "speakers apart, as claimed": ("group-5", "utterance"),
}
"""Three divisions for the lesson on evaluation: protocol and unit."""

AXES: dict[str, dict[str, str]] = {
    "alpha": {"validation_wa": "emotion, validation WA (%)", "validation_wer_text": "words, validation WER (%)"},
    "beta": {"validation_wa": "emotion, validation WA (%)", "validation_wa_speaker": "speaker, validation WA (%)"},
}
"""What figures 7 and 8, 9 and 10 show: columns of the curves, and what stands at the axis."""

PATIENT: tuple[str, ...] = ("epochs=30", "select=last")
"""How words are learnt: what is written gets better up to the last epoch, when the emotion is long learnt by heart."""


def speaker_independent(corpus: str) -> str:
    """The protocol of a corpus, in noise or not."""
    return PROTOCOLS.get(corpora.base_name(corpus), "group-5")


LEARNT = ("tasks", "curves")
"""What :func:`learnt` adds to a cell."""


def learnt(run: Run) -> dict:
    """What a cell of this chapter keeps beside the emotion's figures: the other tasks', and the first fold's curves."""
    curves = read_curves(sorted((run.folder / "folds").iterdir())[0])
    return {"tasks": run.summary["tasks"], "curves": curves}


def heard(run: Run) -> dict:
    """:func:`learnt`, and what was said and heard in a few test utterances."""
    known = run.predictions[run.predictions["text"].notna()].sort_values("utterance_id")
    some = known.iloc[:: max(len(known) // 8, 1)].fillna({"predicted_text": ""})
    return learnt(run) | {"heard": [[plain(said), text] for said, text in zip(some["text"], some["predicted_text"])]}


def tasks(bench: Bench) -> dict:
    """One task, two, three: emotion's WA and UA over seeds, and the effect of each auxiliary task."""
    bench = replace(bench, corpus=bench.corpus or "synthetic")
    protocol = speaker_independent(bench.corpus)
    found = side_by_side(bench, CHAPTER, protocol, TASKS, ["emotion alone"], kept=["tasks"], more=learnt)
    show(bench, f"{bench.corpus}, {protocol}", found, ["emotion alone"])
    return bench.about(f"{CHAPTER}/tasks", protocol) | found


def weights(bench: Bench, task: str) -> dict:
    """Figures 7 to 10: the emotion and one auxiliary task over epochs, for five weights of that task; the other is off.

    The division is that of the released code, one random tenth, because accuracy on a speaker needs speakers that
    training has heard; so the figures show how weights act, not how well strangers are understood.

    Args:
        bench: how to measure; ``bench.figure`` is where the picture goes.
        task: "alpha" or "beta".
    """
    bench = replace(bench, corpus=bench.corpus or "synthetic", repeats=1)
    other = {"alpha": "beta", "beta": "alpha"}[task]
    steps = printed()["weights"]["ablation"]
    names = [f"{task} {step:g}" for step in steps]
    bench.check_rows(names)
    rows = {}
    for name, step in zip(names, steps, strict=True):
        config = bench.config(CHAPTER, "holdout-10", (f"{task}={step:g}", f"{other}=0"))
        cell = bench.cell(name, config, more=learnt, needs=LEARNT)
        rows[name] = cell and {key: cell[key] for key in ("wa", "ua", "tasks", "curves", "run")}
    if bench.console is not None:
        table = Table(f"{bench.corpus}, holdout-10", "WA", "UA", "WER", "speaker WA", box=None, pad_edge=False)
        for name, row in rows.items():
            if row is not None:
                beside = row["tasks"].get("text", {}).get("wer"), row["tasks"].get("speaker", {}).get("wa")
                shown = ("" if value is None else f"{value:.1f}" for value in beside)
                table.add_row(name, f"{row['wa']:.1f}", f"{row['ua']:.1f}", *shown)
        bench.console.print(table)
    if bench.figure is not None:
        curves = {name: row["curves"] for name, row in rows.items() if row is not None}
        save_figure(plots.over_epochs(curves, AXES[task]), bench.figure)
    return bench.about(f"{CHAPTER}/{task}", "holdout-10") | {"rows": rows, "printed": printed()["weights"]}


def words(bench: Bench) -> dict:
    """Words and speakers: error rates on unseen speakers with unseen and with seen sentences; accuracy on speakers who
    are heard in training, on other utterances of theirs. Of the groups of speakers the first alone is tested.

    Raises:
        UserError: the corpus has no transcripts.
    """
    bench = replace(bench, corpus=bench.corpus or "matrix", repeats=1)
    if corpora.load(bench.corpus)["text"].isna().all():
        raise UserError(f"{bench.corpus}: has no transcripts, so there are no words to recognise; take matrix.")
    bench.check_rows(["unseen speakers", "seen speakers"])
    rows = {}
    for row, protocol in (("unseen speakers", speaker_independent(bench.corpus)), ("seen speakers", "holdout-20")):
        cell = bench.cell(row, bench.config(CHAPTER, protocol, PATIENT, fold=0), more=heard, needs=(*LEARNT, "heard"))
        rows[row] = cell and {key: cell[key] for key in ("wa", "ua", "tasks", "protocol", "heard", "run")}
    if bench.console is not None:
        table = Table(bench.corpus, "WER, unseen sentences", "WER, seen ones", "speaker WA", "emotion UA", box=None)
        for row, found in rows.items():
            if found is not None:
                text, speaker = found["tasks"]["text"], found["tasks"]["speaker"]["wa"]
                rates = [text[side]["wer"] for side in ("unseen_texts", "seen_texts")]
                table.add_row(row, *("–" if x is None else f"{x:.1f}" for x in (*rates, speaker, found["ua"])))
        bench.console.print(table)
    return bench.about(f"{CHAPTER}/words", speaker_independent(bench.corpus)) | {"rows": rows, "note": "one fold each"}


def mean_f1(y_true: Sequence[str], y_pred: Sequence[str]) -> float:
    """F1 in percent, its mean over the emotions that are true or predicted."""
    return float(metrics.per_class(y_true, y_pred)["f1"].mean())


def in_folds(told: pd.DataFrame) -> dict:
    """WA, UA and F1 (its mean over the emotions) of predictions, in percent.

    Args:
        told: ``emotion, predicted, fold``, a row per tested utterance.

    Returns:
        ``wa, ua, f1`` pooled over all utterances; ``wa_folds, ua_folds, f1_folds``: one per fold, by its name.
    """
    parts = [part for _, part in told.groupby(told["fold"].astype(str))]
    figures: dict = {}
    for metric, measure in (("wa", metrics.wa), ("ua", metrics.ua), ("f1", mean_f1)):
        figures[metric] = measure(told["emotion"], told["predicted"])
        figures[f"{metric}_folds"] = [measure(part["emotion"], part["predicted"]) for part in parts]
    return figures


def p_value(p: float | None) -> str:
    """As tables show it; folds that do not differ have none."""
    return "–" if p is None else f"{p:.3f}"


def with_spread(figures: dict, metric: str) -> str:
    """A figure of :func:`in_folds` as tables show it: with its standard deviation over folds."""
    spread = mean_and_spread(figures[f"{metric}_folds"])[1]
    return f"{figures[metric]:.1f}" if spread is None else f"{figures[metric]:.1f} ± {spread:.1f}"
