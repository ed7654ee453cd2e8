"""Chapter 01's tables: reference baselines, and the protocol lesson.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from rich.console import Console
from rich.table import Table

from sercourse import corpora
from sercourse.errors import UserError
from sercourse.features.extract import extract
from sercourse.training.baseline import BaselineConfig, predict_all, run_baseline
from sercourse.training.crops import crop_table
from sercourse.training.protocols import make_protocol
from sercourse.training.summary import summarise


@dataclass(frozen=True)
class Reference:
    """A baseline and the figure it should come out at, measured independently with the same public tools.

    Attributes:
        config: what to run.
        wa: percent; ``None``: no reference.
        ua: percent; ``None``: no reference.
        tolerance: points; two versions of a library differ by a few utterances.
    """

    config: BaselineConfig
    wa: float | None
    ua: float | None
    tolerance: float = 0.7


REFERENCES: tuple[Reference, ...] = (
    Reference(BaselineConfig("emodb", "is10", "loso"), 77.2, 76.5),
    Reference(BaselineConfig("emodb", "is10", "loso", speaker_norm=True), 84.5, 84.0),
    Reference(BaselineConfig("emodb", "is10", "kfold-10"), 87.1, None, tolerance=1.4),
    Reference(BaselineConfig("emodb", "is10", "kfold-5"), 86.1, None, tolerance=1.1),
    Reference(BaselineConfig("emodb", "egemaps", "loso"), 67.7, 66.7),
    Reference(BaselineConfig("emodb", "compare", "loso"), 80.2, 78.8),
    Reference(BaselineConfig("emodb", "compare", "loso", "rbf"), 80.2, 77.1),
    Reference(BaselineConfig("ravdess", "is10", "group-6"), 54.2, 53.5),
)
"""Where the references were measured: openSMILE features with scikit-learn's SVC on the original recordings."""


def baselines(*, corpus: str | None = None, seed: int = 0, console: Console | None = None) -> dict:
    """Run the reference baselines whose corpora are at hand.

    Args:
        corpus: only this corpus; ``None``: all.
        seed: of shufflings and bootstrap.
        console: where to show the table; ``None``: nowhere.

    Returns:
        ``rows``: the summary of each run with ``reference`` beside it; ``absent``: corpora that are not at hand.

    Raises:
        UserError: there is no reference for ``corpus``.
    """
    known = sorted({reference.config.corpus for reference in REFERENCES})
    if corpus is not None and corpus not in known:
        raise UserError(f"--corpus {corpus}: there is no reference for it; choose one of {', '.join(known)}.")
    rows, absent = [], []
    for reference in REFERENCES:
        config = reference.config
        if corpus not in (None, config.corpus):
            continue
        state = corpora.inspect(config.corpus)
        if not state.found or state.problem:
            absent.append(config.corpus)
            continue
        summary = run_baseline(BaselineConfig(**(vars(config) | {"seed": seed}))).summary
        kept = {"wa": reference.wa, "ua": reference.ua, "tolerance": reference.tolerance}
        rows.append(summary | {"reference": kept})
    if console is not None:
        console.print(_baseline_table(rows))
        for name in sorted(set(absent)):
            console.print(f"{name} is not at hand: {corpora.inspect(name).problem}", soft_wrap=True)
    return {"artifact": "signal_preprocessing/baselines", "rows": rows, "absent": sorted(set(absent))}


def reference_text(row: dict) -> str:
    """Reference WA / UA of one row of :func:`baselines`; a dash where there is none."""
    return " / ".join("–" if row["reference"][m] is None else f"{row['reference'][m]:.1f}" for m in ("wa", "ua"))


def _baseline_table(rows: list[dict]) -> Table:
    table = Table(
        "corpus", "features", "classifier", "protocol", "WA", "UA", "95 % of UA", "reference WA / UA",
        box=None, pad_edge=False,
    )  # fmt: skip
    for row in rows:
        norm = " + speaker norm" if row["speaker_norm"] else ""
        interval = f"{row['ua_interval']['low']:.1f} to {row['ua_interval']['high']:.1f}"
        table.add_row(
            row["corpus"], row["features"] + norm, row["classifier"], row["protocol"], f"{row['wa']:.1f}",
            f"{row['ua']:.1f}", interval, reference_text(row),
        )  # fmt: skip
    return table


LESSON: dict[str, tuple[str, str]] = {
    "random crops, 10-fold": ("kfold-10", "crop"),
    "random utterances, 10-fold": ("kfold-10", "utterance"),
    "leave one speaker out": ("loso", "utterance"),
}
"""The protocols of the lesson, from the leakiest to the honest one: name and what is shuffled as a whole."""


def protocol_lesson(
    table: pd.DataFrame, feature: str = "is10", seed: int = 0, *, progress: bool = False
) -> pd.DataFrame:
    """One set of features, one classifier, three protocols.

    Utterances are cut into crops of one second, as much published work does. The same crops are classified each time;
    only what may stand on both sides differs: crops of one utterance, utterances of one speaker, or neither.

    Args:
        table: utterance table with speakers.
        feature: a feature set with one vector per utterance.
        seed: of the shufflings.
        progress: show progress bars.

    Returns:
        One row per protocol of :data:`LESSON`, in its order. Columns ``wa, ua, ua_low, ua_high`` (percent of crops;
        95 % interval over speakers), ``n_folds``, ``n_test`` (crops).
    """
    crops = crop_table(table[table["emotion"].notna()])
    features = extract(crops, feature, progress=progress).frame
    rows = {}
    for title, (name, unit) in LESSON.items():
        protocol = make_protocol(name, crops, seed=seed, unit=unit)
        predictions = predict_all(features, crops, [protocol], "linear", probabilities=False, progress=progress)
        figures = summarise(predictions, seed=seed)
        rows[title] = {
            "wa": figures["wa"],
            "ua": figures["ua"],
            "ua_low": figures["ua_interval"]["low"],
            "ua_high": figures["ua_interval"]["high"],
            "n_folds": len(protocol.folds),
            "n_test": figures["n_test"],
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def protocols(*, corpus: str | None = None, seed: int = 0, console: Console | None = None) -> dict:
    """The protocol lesson on a corpus.

    Args:
        corpus: ``None``: the synthetic one.
        seed: of the shufflings.
        console: where to show the table; ``None``: nowhere.
    """
    name = corpus or "synthetic"
    lesson = protocol_lesson(corpora.load(name), seed=seed, progress=console is not None)
    if console is not None:
        table = Table("protocol", "WA", "UA", "95 % of UA", box=None, pad_edge=False, title=f"{name}, IS10, linear SVM")
        for title, row in lesson.iterrows():
            interval = f"{row['ua_low']:.1f} to {row['ua_high']:.1f}"
            table.add_row(str(title), f"{row['wa']:.1f}", f"{row['ua']:.1f}", interval)
        console.print(table)
    rows = [{"protocol": title, **row} for title, row in lesson.to_dict("index").items()]
    return {
        "artifact": "signal_preprocessing/protocols",
        "corpus": name,
        "features": "is10",
        "seed": seed,
        "rows": rows,
    }
