"""``sercourse compare``: two run folders on the same test utterances.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from sercourse.evaluation.comparison import compare
from sercourse.evaluation.metrics import gap, per_class
from sercourse.training.protocols import Protocol
from sercourse.training.runs import Run, read_run

BREAKDOWNS = ("emotion", "speaker", "gender")


def compare_runs(first: str | Path, second: str | Path, *, seed: int = 0) -> dict:
    """The second run against the first.

    Args:
        first: run folder of system A.
        second: run folder of system B.
        seed: of the bootstrap over speakers.

    Returns:
        ``wa`` and ``ua`` (effect in points with interval, p-value, smallest detectable difference, sentence),
        ``notices`` (what either run warns of: a leak, skipped files) and ``by``: recall per emotion, UA per speaker
        and per gender, for both runs and their difference.

    Raises:
        UserError: not a run folder, or the two tested different utterances.
    """
    a, b = read_run(first), read_run(second)
    names = (a.summary["run"], b.summary["run"])
    ratio = Protocol.from_json(a.protocol["repeats"][0]).test_train_ratio
    result = {
        metric: compare(a.predictions, b.predictions, names=names, metric=metric, ratio=ratio, seed=seed).to_dict()
        for metric in ("wa", "ua")
    }
    notices = [f"{run.summary['run']}: {notice}" for run in (a, b) for notice in run.summary["notices"]]
    breakdowns = {by: _breakdown(a, b, by) for by in BREAKDOWNS}
    return {"first": names[0], "second": names[1], "notices": notices, **result, "by": breakdowns}


def _breakdown(a: Run, b: Run, by: str) -> dict[str, dict[str, float]]:
    """Percent in each group for both runs: recall for emotions, UA for speakers and genders."""
    first, second = (_figures(run.predictions, by) for run in (a, b))
    frame = pd.DataFrame({"first": first, "second": second}).dropna()
    frame["difference"] = frame["second"] - frame["first"]
    return frame.to_dict("index")


def _figures(predictions: pd.DataFrame, by: str) -> pd.Series:
    if by == "emotion":
        return per_class(predictions["emotion"], predictions["predicted"])["recall"]
    return gap(predictions, by).groups["ua"] if predictions[by].notna().any() else pd.Series(dtype=float)


def print_comparison(comparison: dict, console: Console) -> None:
    """Show what :func:`compare_runs` gives."""
    for metric in ("ua", "wa"):
        console.print(comparison[metric]["sentence"], soft_wrap=True)
    for notice in [*comparison["notices"], *comparison["ua"]["notices"]]:
        console.print(f"Note: {notice}", soft_wrap=True)
    for by, groups in comparison["by"].items():
        table = Table(by, "first", "second", "difference", box=None, pad_edge=False)
        for name, row in groups.items():
            table.add_row(name, f"{row['first']:.1f}", f"{row['second']:.1f}", f"{row['difference']:+.1f}")
        console.print(table)
