"""What came out: tables and figures of the papers, maps, a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from sercourse.commands.options import Json, Seed, check_writable, console, write


def explore(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    layer: Annotated[str | None, typer.Option(help="Without it the first; all are listed.")] = None,
    method: Annotated[str, typer.Option(help="tsne, umap (takes half a minute to start) or pca.")] = "tsne",
    html: Annotated[Path | None, typer.Option(dir_okay=False, help="Write a page to click and listen in.")] = None,
    fold: Annotated[int, typer.Option(help="Which of the run's folds, from 0.", min=0)] = 0,
    side: Annotated[str, typer.Option(help="test, or all: also what the network learnt.")] = "test",
    colour: Annotated[
        str, typer.Option(help="emotion, predicted, judged, gender, speaker, language, noise or side.")
    ] = "emotion",
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """A map of what a run's network makes of its utterances: click a point, hear it."""
    from sercourse.explain.explore import run_explore

    check_writable(json)
    check_writable(html, "--html")
    asked = {"layer": layer, "method": method, "fold": fold, "side": side, "colour": colour, "seed": seed}
    write(json, run_explore(run, html=html, console=console, **asked))


def reproduce(
    artifact: Annotated[str | None, typer.Argument(help="CHAPTER/ARTIFACT; without it, the list.")] = None,
    corpus: Annotated[str | None, typer.Option("--corpus", help="Where an artifact lets you choose.")] = None,
    profile: Annotated[str, typer.Option(help="Of the networks: quick, course or paper.")] = "quick",
    repeats: Annotated[int, typer.Option(help="Seeds: protocols and networks are drawn so often.", min=1)] = 1,
    jobs: Annotated[int, typer.Option(help="Folds trained at a time.", min=1)] = 1,
    row: Annotated[list[str] | None, typer.Option("--rows", help="Train this row only; may be given again.")] = None,
    protocol: Annotated[
        list[str] | None, typer.Option(help="Of an artifact with several, only this one; may be given again.")
    ] = None,
    store: Annotated[bool, typer.Option("--store", help="Keep new cells under results/.")] = False,
    figure: Annotated[Path | None, typer.Option(dir_okay=False, help="Write the picture to this PNG.")] = None,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Tables and figures of the papers and chapters, measured anew beside the printed figure."""
    from sercourse.experiments import registry
    from sercourse.experiments.cells import Bench

    if artifact is None:
        table = Table("artifact", "what it shows", box=None, pad_edge=False)
        for name, experiment in registry.EXPERIMENTS.items():
            table.add_row(name, experiment.title)
        console.print(table)
        return
    check_writable(json)
    only = {"rows": tuple(row or ()), "protocol": tuple(protocol or ())}
    bench = Bench(corpus, profile, repeats, seed, jobs, store=store, figure=figure, console=console, **only)
    write(json, registry.run(artifact, bench))


def demo(
    html: Annotated[Path, typer.Option(dir_okay=False, help="The report to write.")] = Path("build/report.html"),
    seed: Seed = 0,
) -> None:
    """Make the default corpus, train the baseline and every chapter's network, write a report."""
    from sercourse.experiments.report import run_demo

    run_demo(html, seed=seed, console=console)
