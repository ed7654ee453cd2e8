"""``make demo``: first runs from nothing to one self-contained page, ``build/report.html``.

The page shows what the run folders hold and nothing else; pictures are inside the file.
"""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from rich.console import Console

from sercourse import corpora
from sercourse.experiments.signal_preprocessing import protocol_lesson
from sercourse.explain import plots
from sercourse.explain.own_page import write_html
from sercourse.training.baseline import BaselineConfig, run_baseline
from sercourse.training.networks import TrainingConfig, train
from sercourse.training.runs import Run
from sercourse.training.settings import CHAPTERS
from sercourse.training.summary import print_summary

NETWORK_PROTOCOL = "group-2"
"""Speaker-independent, and no more than two networks per chapter."""

_STYLE = """
body{font:17px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.3rem .8rem;text-align:left;border-bottom:1px solid #ddd}
td.n{text-align:right;font-variant-numeric:tabular-nums}img{max-width:100%}code{background:#f3f3f3;padding:0 .2rem}
"""


def run_demo(path: Path, *, seed: int = 0, console: Console) -> Path:
    """Default corpus, baseline, protocol lesson, every chapter's network, report.

    Args:
        path: the HTML file to write.
        seed: of every random choice.
        console: where to tell what happens.

    Raises:
        UserError: the report cannot be written.
    """
    begun = time.perf_counter()
    console.print("1/4 The default corpus: synthetic emotional speech")
    table = corpora.load("synthetic")
    console.print(f"    {len(table)} utterances, {table['speaker'].nunique()} speakers")
    console.print("2/4 The baseline: openSMILE IS10 + linear SVM, leaving one speaker out")
    run = run_baseline(BaselineConfig("synthetic", seed=seed), table=table)
    print_summary(run.summary, console)
    console.print("3/4 The protocol lesson: the same features under three protocols")
    lesson = protocol_lesson(table, seed=seed, progress=True)
    for title, row in lesson.iterrows():
        console.print(f"    {title:<28} UA {row['ua']:.1f}")
    console.print(f"4/4 The chapters' networks, quick profile, {NETWORK_PROTOCOL}, and the SVM on the same folds")
    machine = run_baseline(BaselineConfig("synthetic", protocol=NETWORK_PROTOCOL, seed=seed), table=table)
    networks = [
        train(TrainingConfig(chapter, "synthetic", NETWORK_PROTOCOL, seed=seed), table=table) for chapter in CHAPTERS
    ]
    for one in (machine, *networks):
        console.print(f"    {_system(one):<28} WA {one.summary['wa']:.1f}  UA {one.summary['ua']:.1f}")
    write_report(path, run, lesson, [machine, *networks])
    console.print(f"Done in {time.perf_counter() - begun:.0f} s. Open {path} in a browser.")
    return path


def write_report(path: Path, run: Run, lesson: pd.DataFrame, systems: Sequence[Run] = ()) -> None:
    """Write one self-contained HTML page about some runs.

    Args:
        path: the file; its folder is made.
        run: a baseline run.
        systems: runs on the same folds, to be set beside each other.
        lesson: what :func:`~sercourse.experiments.signal_preprocessing.protocol_lesson` gives.

    Raises:
        UserError: the file cannot be written.
    """
    plots.course_style()
    page = (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>sercourse: first run</title>"
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style></head><body>"
        "<h1>sercourse: your first run</h1>"
        "<p>Everything on this page was measured just now on this machine, on synthetic speech. It shows that your"
        " set-up works and how results are judged here. It says nothing about emotion in people.</p>"
        f"{_headline(run)}{_lesson(lesson)}{_networks(systems)}{_provenance(run)}</body></html>"
    )
    write_html(path, page)


def _headline(run: Run) -> str:
    s = run.summary
    rows = [
        ("linear SVM on IS10", s["wa"], s["ua"], f"{s['ua_interval']['low']:.1f} to {s['ua_interval']['high']:.1f}"),
        ("majority class", s["majority"]["wa"], s["majority"]["ua"], ""),
    ]
    counts = pd.DataFrame(s["confusion"]["counts"], s["confusion"]["emotions"], s["confusion"]["emotions"])
    figure, ax = plt.subplots(figsize=(6.5, 5.5))
    plots.confusion(counts, ax)
    return (
        f"<h2>The baseline</h2><p>{html.escape(s['protocol_line'])}</p>"
        f"{_html_table(('system', 'WA %', 'UA %', '95 % interval of UA'), rows)}"
        f"{_picture(figure, 'Confusion matrix: percent of each true emotion')}"
    )


def _lesson(lesson: pd.DataFrame) -> str:
    figure, ax = plt.subplots(figsize=(7.5, 2.8))
    intervals = list(zip(lesson["ua_low"], lesson["ua_high"], strict=True))
    plots.bars_with_intervals(list(lesson.index), list(lesson["ua"]), intervals, ax, xlabel="UA (%)")
    rows = [(name, r["wa"], r["ua"], f"{r['ua_low']:.1f} to {r['ua_high']:.1f}") for name, r in lesson.iterrows()]
    gap = lesson["ua"].iloc[0] - lesson["ua"].iloc[-1]
    return (
        "<h2>The same features under three protocols</h2>"
        "<p>The same crops of one second are classified each time (a second is harder than a sentence, so no bar"
        " equals the table above); only what may stand in train and test at once differs.</p>"
        f"<p>Between the first bar and the last lie {gap:.1f} points of UA, and the classifier is the same. Only the"
        " last bar answers the question how well the system does on a person it has never heard.</p>"
        f"{_picture(figure, 'UA under three protocols')}"
        f"{_html_table(('protocol', 'WA %', 'UA %', '95 % interval of UA'), rows)}"
    )


def _system(run: Run) -> str:
    summary = run.summary
    machine = summary["chapter"] == "signal_preprocessing"
    return f"{summary['features'].upper()} + SVM" if machine else f"{summary['chapter']}, {summary['profile']}"


def _networks(systems: Sequence[Run]) -> str:
    if not systems:
        return ""
    rows = []
    for run in systems:
        s = run.summary
        size = f"{s['parameters'] / 1e6:.1f} million" if "parameters" in s else ""
        interval = f"{s['ua_interval']['low']:.1f} to {s['ua_interval']['high']:.1f}"
        rows.append((_system(run), s["wa"], s["ua"], interval, size, f"{s['seconds']:.0f} s"))
    return (
        "<h2>The chapters' networks</h2>"
        f"<p>{html.escape(systems[0].summary['protocol_line'])}. The quick profile is made to be fast: it shows that"
        " everything runs, not how good a network can become.</p>"
        f"{_html_table(('system', 'WA %', 'UA %', '95 % interval of UA', 'parameters', 'time'), rows)}"
    )


def _provenance(run: Run) -> str:
    rows = [*run.about["environment"].items(), ("commit", run.about["commit"] or "none")]
    rows += [("data hash", run.summary["data_hash"]), ("run folder", run.folder.name)]
    return f"<h2>How to get it again</h2><p><code>make demo</code></p>{_html_table(('what', 'which'), rows)}"


def _html_table(head: tuple[str, ...], rows: list[tuple]) -> str:
    def cell(value: object) -> str:
        if isinstance(value, float):
            return f"<td class='n'>{value:.1f}</td>"
        return f"<td>{html.escape(str(value))}</td>"

    top = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    return f"<table><tr>{top}</tr>{''.join('<tr>' + ''.join(map(cell, row)) + '</tr>' for row in rows)}</table>"


def _picture(figure: plt.Figure, alternative: str) -> str:
    drawn = plots.png(figure, bbox_inches="tight")
    plt.close(figure)
    return f"<p>{plots.image_html(drawn, alternative)}</p>"
