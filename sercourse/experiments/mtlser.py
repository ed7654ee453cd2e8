"""Chapter 04: what the words and the speaker do for the emotion (table 4, figures 7 to 10, table 5).

The paper judges on IEMOCAP, which is licensed, and fine-tunes wav2vec2-base; here every artifact runs on any corpus
and any encoder (``--profile paper`` takes wav2vec2-base, the others the small one that ships).

Source: Chen et al., Expert Systems with Applications 2025, section 5.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from rich.table import Table

from sercourse import corpora
from sercourse.errors import UserError
from sercourse.evaluation import metrics
from sercourse.evaluation.comparison import compare
from sercourse.evaluation.metrics import per_class
from sercourse.evaluation.significance import hedges_g, welch
from sercourse.experiments.cells import Bench, mean_and_spread, predicted_by, printed_figures, stored_artifact
from sercourse.features.equalisation import functionals
from sercourse.features.extract import extract
from sercourse.training.alphabet import plain
from sercourse.training.baseline import predict_all
from sercourse.training.journal import read_curves
from sercourse.training.protocols import make_protocol
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

PROTOCOLS: dict[str, str] = {"ravdess": "group-6", "iemocap": "session", "matrix": "group-5"}
"""Corpus to its speaker-independent protocol; others have five groups of speakers."""

LESSON: dict[str, tuple[str, str]] = {
    "a random tenth, as released": ("holdout-10", "utterance"),
    "random folds": ("kfold-10", "utterance"),
    "speakers apart, as claimed": ("group-5", "utterance"),
}
"""Three divisions for the lesson on evaluation: protocol and unit."""

MACHINE = "log-mel functionals + polynomial SVM"
ATTENTION = "self-attention and gender (Li et al.)"
ROWS: tuple[str, ...] = (MACHINE, "IS10+SVM", "COMPARE+SVM", ATTENTION, "emotion and words", "all three")
"""Of table 4: what runs here. "emotion and words" is Cai et al.'s network."""


PATIENT: tuple[str, ...] = ("epochs=30", "select=last")
"""How words are learnt: what is written gets better up to the last epoch, when the emotion is long learnt by heart."""


def speaker_independent(corpus: str) -> str:
    """The protocol of a corpus, in noise or not."""
    return PROTOCOLS.get(corpus.partition("+")[0], "group-5")


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
    bench.check_rows(list(TASKS))
    cells = {row: _per_seed(bench, row, protocol, changes) for row, changes in TASKS.items()}
    strongest, machines = bench.strongest(protocol)
    alone = cells["emotion alone"] and predicted_by(strongest, cells["emotion alone"])
    rows: dict[str, dict | None] = {}
    for row, found in cells.items():
        rows[row] = None if found is None else _means(found)
        if found is not None:
            told = predicted_by(strongest, found)
            rows[row]["above_svm"] = _effect(strongest.predictions, told, "strongest SVM", row)
            if alone is not None and row != "emotion alone":
                rows[row]["above_alone"] = _effect(alone, told, "emotion alone", row)
    figures = {name: {metric: run.summary[metric] for metric in ("wa", "ua")} for name, run in machines.items()}
    if bench.console is not None:
        _show_tasks(bench, protocol, rows, figures)
    return _asked(bench, "tasks", protocol) | {"rows": rows, "machines": figures}


def table4(bench: Bench) -> dict:
    """Systems side by side on the same folds: WA, UA, and each one against the last row as the paper tests it (Welch
    over folds) and as it should be tested (corrected for folds that share their training)."""
    bench = replace(bench, corpus=bench.corpus or "synthetic", repeats=1)
    protocol = speaker_independent(bench.corpus)
    bench.check_rows(list(ROWS))
    _, machines = bench.strongest(protocol)
    some = next(iter(machines.values()))
    judged = {f"{name.upper()}+SVM": run.predictions for name, run in machines.items()}
    judged[MACHINE] = _polynomial(bench, protocol)
    for row, chapter in ((ATTENTION, "attention_cnn"), ("emotion and words", CHAPTER), ("all three", CHAPTER)):
        changes = TASKS.get(row, ())
        more = learnt if chapter == CHAPTER else lambda run: {}
        cell = bench.cell(row, bench.config(chapter, protocol, changes), more=more)
        judged[row] = cell and predicted_by(some, [cell])
    ours = judged["all three"]
    rows = {row: None if judged[row] is None else _beside(judged[row], ours, row) for row in ROWS}
    if bench.console is not None:
        table = Table(f"{bench.corpus}, {protocol}", "WA", "UA", "Welch p", "corrected p", box=None, pad_edge=False)
        for row, found in rows.items():
            if found is not None:
                against = found.get("ours_above")
                tests = (p_value(against["welch_p"]), p_value(against["p"])) if against else ("", "")
                table.add_row(row, _spread(found, "wa"), _spread(found, "ua"), *tests)
        bench.console.print(table)
    return _asked(bench, "table4", protocol) | {"rows": rows, "printed": printed()["table4"]["rows"]}


def weights(bench: Bench, task: str) -> dict:
    """Figures 7 to 10: the emotion and one auxiliary task over epochs, for five weights of that task; the other is off.

    The division is that of the released code, one random tenth, because accuracy on a speaker needs speakers that
    training has heard; so the figures show how weights act, not how well strangers are understood.

    Args:
        bench: how to measure.
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
        cell = bench.cell(name, config, more=learnt)
        rows[name] = cell and {key: cell[key] for key in ("wa", "ua", "tasks", "curves", "run")}
    if bench.console is not None:
        table = Table(f"{bench.corpus}, holdout-10", "WA", "UA", "WER", "speaker WA", box=None, pad_edge=False)
        for name, row in rows.items():
            if row is not None:
                beside = row["tasks"].get("text", {}).get("wer"), row["tasks"].get("speaker", {}).get("wa")
                shown = ("" if value is None else f"{value:.1f}" for value in beside)
                table.add_row(name, f"{row['wa']:.1f}", f"{row['ua']:.1f}", *shown)
        bench.console.print(table)
    return _asked(bench, task, "holdout-10") | {"rows": rows, "printed": printed()["weights"]}


def babble(bench: Bench) -> dict:
    """Table 5: babble at 0 to 20 dB, trained and tested in it."""
    bench = replace(bench, corpus=bench.corpus or "synthetic", repeats=1)
    protocol = speaker_independent(bench.corpus)
    levels = list(printed()["table5"]["rows"])
    bench.check_rows([f"{level} dB" for level in levels])
    rows = {}
    for level in levels:
        row = f"{level} dB"
        config = replace(bench, corpus=f"{bench.corpus}+babble@{level}").config(CHAPTER, protocol)
        cell = bench.cell(row, config, more=learnt)
        if cell is not None:
            f1 = float(np.mean([figures["f1"] for figures in cell["per_class"].values()]))
            rows[row] = {key: cell[key] for key in ("wa", "ua", "wa_sd", "ua_sd", "run")} | {"f1": f1}
    if bench.console is not None:
        table = Table(f"{bench.corpus}, {protocol}", "WA", "UA", "F1", "printed WA", box=None, pad_edge=False)
        for level in levels:
            row, paper = rows.get(f"{level} dB"), printed()["table5"]["rows"][level]["wa"][0]
            if row is not None:
                table.add_row(f"{level} dB", *(f"{row[key]:.1f}" for key in ("wa", "ua", "f1")), f"{paper:.1f}")
        bench.console.print(table)
    return _asked(bench, "table5", protocol) | {"rows": rows, "printed": printed()["table5"]["rows"]}


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
        cell = bench.cell(row, bench.config(CHAPTER, protocol, PATIENT, fold=0), more=heard)
        rows[row] = cell and {key: cell[key] for key in ("wa", "ua", "tasks", "protocol", "heard", "run")}
    if bench.console is not None:
        table = Table(bench.corpus, "WER, unseen sentences", "WER, seen ones", "speaker WA", "emotion UA", box=None)
        for row, found in rows.items():
            if found is not None:
                text, speaker = found["tasks"]["text"], found["tasks"]["speaker"]["wa"]
                rates = [text[side]["wer"] for side in ("unseen_texts", "seen_texts")]
                table.add_row(row, *("–" if x is None else f"{x:.1f}" for x in (*rates, speaker, found["ua"])))
        bench.console.print(table)
    return _asked(bench, "words", speaker_independent(bench.corpus)) | {"rows": rows, "note": "one fold each"}


def _asked(bench: Bench, artifact: str, protocol: str) -> dict:
    asked = {"corpus": bench.corpus, "protocol": protocol, "profile": bench.profile, "seed": bench.seed}
    return {"artifact": f"{CHAPTER}/{artifact}", **asked, "repeats": bench.repeats}


def _per_seed(bench: Bench, row: str, protocol: str, changes: Sequence[str]) -> list[dict] | None:
    """A cell per seed; ``None`` where one of them is neither stored nor asked for."""
    cells = [one.cell(row, one.config(CHAPTER, protocol, changes), more=learnt) for one in bench.per_seed()]
    return None if any(cell is None for cell in cells) else cells


def _means(cells: Sequence[dict]) -> dict:
    figures = {}
    for metric in ("wa", "ua"):
        figures[metric], figures[f"{metric}_sd_seeds"] = mean_and_spread([cell[metric] for cell in cells])
    return figures | {"tasks": [cell["tasks"] for cell in cells], "runs": [cell["run"] for cell in cells]}


def _effect(a: pd.DataFrame, b: pd.DataFrame, first: str, second: str) -> dict:
    return compare(a, b, names=(first, second), metric="ua").to_dict()


def _beside(told: pd.DataFrame, ours: pd.DataFrame | None, row: str) -> dict:
    """A row of table 4: figures with spreads over folds, and what ours is above it."""
    by_fold = dict(list(told.groupby(told["fold"].astype(str))))
    found: dict = {"f1": float(per_class(told["emotion"], told["predicted"])["f1"].mean())}
    for metric in ("wa", "ua"):
        found[metric] = _measure(told, metric)
        found[f"{metric}_folds"] = [_measure(part, metric) for part in by_fold.values()]
    if ours is not None and ours is not told:
        theirs = dict(list(ours.groupby(ours["fold"].astype(str))))
        folds = found["wa_folds"], [_measure(theirs[name], "wa") for name in by_fold]
        effect = compare(told, ours, names=(row, "all three"), metric="wa").to_dict()
        found["ours_above"] = effect | {"welch_p": welch(*folds).p, "hedges_g": hedges_g(*folds)}
    return found


def _measure(told: pd.DataFrame, metric: str) -> float:
    return getattr(metrics, metric)(told["emotion"], told["predicted"])


def _polynomial(bench: Bench, protocol: str) -> pd.DataFrame:
    """Statistics of the log-mel bands over time and a polynomial machine, as in Kurpukdee et al."""
    table = corpora.load(bench.corpus)
    table = table[table["emotion"].notna()]
    bands = extract(table, "logmel", progress=bench.console is not None)
    frame = pd.DataFrame.from_dict({i: functionals(np.asarray(bands[i])) for i in bands}, orient="index")
    return predict_all(frame, table, [make_protocol(protocol, table, seed=bench.seed)], "polynomial")


def p_value(p: float | None) -> str:
    """As tables show it; folds that do not differ have none."""
    return "–" if p is None else f"{p:.3f}"


def _spread(row: dict, metric: str) -> str:
    return f"{row[metric]:.1f} ± {np.std(row[f'{metric}_folds'], ddof=1):.1f}"


def _show_tasks(bench: Bench, protocol: str, rows: dict, machines: dict) -> None:
    table = Table(f"{bench.corpus}, {protocol}", "WA", "UA", "above emotion alone (UA)", box=None, pad_edge=False)
    for name, row in rows.items():
        if row is not None:
            effect = row.get("above_alone")
            above = f"{effect['effect']:+.1f} [{effect['low']:+.1f}, {effect['high']:+.1f}]" if effect else ""
            table.add_row(name, f"{row['wa']:.1f}", f"{row['ua']:.1f}", above)
    for name, row in machines.items():
        table.add_row(f"{name.upper()}+SVM", f"{row['wa']:.1f}", f"{row['ua']:.1f}", "")
    bench.console.print(table)
