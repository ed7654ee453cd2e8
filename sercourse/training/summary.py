"""Predictions to figures: what ``--json`` writes, what tables are made from, what the terminal shows."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from sercourse.evaluation.bootstrap import Interval, bootstrap_interval
from sercourse.evaluation.calibration import ece
from sercourse.evaluation.metrics import confusion, confusion_percent, gap, per_class, score


def summarise(predictions: pd.DataFrame, *, seed: int = 0) -> dict:
    """The figures of one run, in percent, ready for JSON (what has no meaning is ``None``).

    Args:
        predictions: ``utterance_id, repeat, fold, emotion, predicted, speaker, gender`` and perhaps ``p_<emotion>``;
            one row per tested utterance and repeat (shuffling).
        seed: of the bootstrap over speakers.

    Returns:
        ``wa, ua`` pooled over all test utterances, ``wa_mean, ua_mean, wa_sd, ua_sd`` over folds, ``wa_sd_repeats,
        ua_sd_repeats`` over shufflings, ``wa_interval, ua_interval`` (95 %), ``folds``, ``repeats``, ``per_class``,
        ``confusion``, ``gaps`` between genders and speakers, ``ece``.
    """
    scores = score(predictions)
    speakers = predictions["speaker"] if predictions["speaker"].notna().any() else None
    intervals = {
        metric: bootstrap_interval(predictions["emotion"], predictions["predicted"], speakers, metric=metric, seed=seed)
        for metric in ("wa", "ua")
    }
    counts = confusion(predictions["emotion"], predictions["predicted"])
    return {
        "wa": scores.wa,
        "ua": scores.ua,
        "wa_sd": _number(scores.wa_sd),
        "ua_sd": _number(scores.ua_sd),
        "wa_mean": scores.wa_mean,
        "ua_mean": scores.ua_mean,
        "wa_sd_repeats": _number(scores.wa_sd_repeats),
        "ua_sd_repeats": _number(scores.ua_sd_repeats),
        "wa_interval": _interval(intervals["wa"]),
        "ua_interval": _interval(intervals["ua"]),
        "n_test": int(predictions["utterance_id"].nunique()),
        "repeats": scores.repeats,
        "folds": [vars(fold) for fold in scores.folds],
        "per_class": _per_class(predictions),
        "confusion": {"emotions": list(counts.index), "counts": counts.to_numpy().tolist()},
        "gaps": {by: _gap(predictions, by) for by in ("gender", "speaker") if predictions[by].nunique() > 1},
        "ece": _ece(predictions),
    }


def print_summary(summary: dict, console: Console) -> None:
    """Show a run's figures: headline, per class, confusion, gaps, and what to beware of."""
    low, high = summary["ua_interval"]["low"], summary["ua_interval"]["high"]
    console.print(
        f"{summary['corpus']}, {summary['features']}, {summary['classifier']}: {summary['protocol_line']}",
        soft_wrap=True,
    )
    console.print(
        f"WA {summary['wa']:.1f}  UA {summary['ua']:.1f}  [95 % interval of UA {low:.1f} to {high:.1f},"
        f" over {summary['ua_interval']['over']}]  spread over folds: WA {_show(summary['wa_sd'])},"
        f" UA {_show(summary['ua_sd'])}",
        soft_wrap=True,
    )
    if summary["repeats"] > 1:
        console.print(
            f"Spread over {summary['repeats']} shufflings: WA {_show(summary['wa_sd_repeats'])},"
            f" UA {_show(summary['ua_sd_repeats'])}"
        )
    console.print(f"Majority class: WA {summary['majority']['wa']:.1f}  UA {summary['majority']['ua']:.1f}")
    counts = np.array(summary["confusion"]["counts"])
    emotions = summary["confusion"]["emotions"]
    percent = confusion_percent(pd.DataFrame(counts, index=emotions, columns=emotions))
    short = [emotion[:5] for emotion in emotions]  # nine columns must fit into 80 characters
    table = Table("% of true", *short, "prec.", "recall", "F1", "n", box=None, pad_edge=False)
    for emotion in emotions:
        figures = summary["per_class"][emotion]
        row = [f"{share:.0f}" if share else "·" for share in percent.loc[emotion].fillna(0)]
        table.add_row(
            emotion, *row, *(_show(figures[k]) for k in ("precision", "recall", "f1")), str(figures["support"])
        )
    console.print(table)
    for by, figures in summary["gaps"].items():
        console.print(f"Gap between {by}s: {figures['ua_gap']:.1f} points of UA (lowest: {figures['worst']})")
    if summary["human"]:
        human = summary["human"]
        console.print(
            f"Human listeners: WA {human['wa']:.1f}  UA {human['ua']:.1f}; on all {human['n_all']} recordings, before"
            f" the selection, WA {human['wa_all']:.1f}  UA {human['ua_all']:.1f}. {human['caveat']}",
            soft_wrap=True,
        )
    for sentence in filter(None, [summary["ua_interval"]["notice"], *summary["notices"]]):
        console.print(f"Note: {sentence}", soft_wrap=True)
    console.print(f"Run folder: {summary['run']}  ({summary['seconds']:.0f} s)", soft_wrap=True)


def _interval(interval: Interval) -> dict:
    kept = ("low", "high", "level", "over", "notice")
    return {name: getattr(interval, name) for name in kept}


def _per_class(predictions: pd.DataFrame) -> dict:
    frame = per_class(predictions["emotion"], predictions["predicted"])
    return {
        emotion: {name: int(value) if name == "support" else _number(value) for name, value in row.items()}
        for emotion, row in frame.to_dict("index").items()
    }


def _gap(predictions: pd.DataFrame, by: str) -> dict:
    found = gap(predictions, by)
    groups = {
        name: {"n": int(r["n"]), "wa": r["wa"], "ua": r["ua"]} for name, r in found.groups.to_dict("index").items()
    }
    return {"ua_gap": found.ua_gap, "wa_gap": found.wa_gap, "worst": found.worst, "best": found.best, "groups": groups}


def _ece(predictions: pd.DataFrame) -> float | None:
    """Expected calibration error where there are probabilities; an emotion unknown in a fold has probability 0."""
    columns = [column for column in predictions.columns if column.startswith("p_")]
    if not columns:
        return None
    probabilities = predictions[columns].fillna(0.0).to_numpy()
    return ece(probabilities, predictions["emotion"], [column[2:] for column in columns])


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _show(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
