"""The command line: ``sercourse COMMAND``. Each command is a thin door to the library.

A user's mistake is one sentence on standard error and exit code 2; an interrupt is exit code 130.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sercourse import __version__
from sercourse.errors import UserError
from sercourse.training.settings import CHAPTERS, PEERS

app = typer.Typer(
    help="Multi-task speech emotion recognition: corpora, features, baselines, networks, experiments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
console = Console(highlight=False)

INTERRUPTED = 130
"""Exit code after Ctrl-C."""

Corpus = Annotated[
    str,
    typer.Option(
        "--corpus", help="NAME, NAME,NAME …, csv:FILE, or in noise NAME+none+white@0; `sercourse corpora` lists them."
    ),
]
FeatureSet = Annotated[str, typer.Option("--features", help="is09, is10, egemaps, compare, logmel, mfcc, prosody, …")]
ProtocolName = Annotated[
    str, typer.Option("--protocol", help="loso, session, language, group-K, kfold-K or holdout-PERCENT.")
]
Unit = Annotated[str, typer.Option(help="utterance, or crop (leaks; the protocol lesson).")]
Seed = Annotated[int, typer.Option(help="Seed of every random choice.", min=0, max=1_000_000_000)]
Workers = Annotated[int | None, typer.Option(help="Processes; default: one per core.", min=1)]
Json = Annotated[Path | None, typer.Option("--json", dir_okay=False, help="Write the figures to this file, too.")]


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False) -> None:
    if version:
        console.print(f"sercourse {__version__}")
        raise typer.Exit


@app.command()
def doctor(
    corpus: Annotated[
        str | None, typer.Option("--corpus", help="Decode every file of this corpus; default: of all corpora found.")
    ] = None,
    json: Json = None,
) -> None:
    """Versions, devices, corpora found, and every audio file that would fail later."""
    from sercourse import doctor as checks

    report = checks.examine(corpus)
    marks = {True: "[green]ok[/]", False: "[red]problem[/]", None: "–"}
    table = Table("", "", "", show_header=False, box=None, pad_edge=False)
    for finding in report.findings:
        table.add_row(marks[finding.ok], finding.topic, finding.text)
    console.print(table)
    for sentence in report.audio[:20]:
        console.print(f"[red]audio[/] {sentence}", soft_wrap=True)
    if len(report.audio) > 20:
        console.print(f"… and {len(report.audio) - 20} more; --json FILE writes all of them.")
    _write(json, report.to_json())
    if not report.healthy:
        raise typer.Exit(2)


@app.command()
def corpora(
    name: Annotated[str | None, typer.Argument(help="One corpus; without it, all of them.")] = None,
    json: Json = None,
) -> None:
    """The corpora: where they lie, counts, licence. Naming `synthetic` makes it if need be."""
    from sercourse import corpora as library
    from sercourse.doctor import print_corpora

    if name is None:
        states = [library.inspect(n) for n in library.names()]
        print_corpora(states, console)
        _write(json, {"corpora": [vars(s) | {"folder": str(s.folder or "")} for s in states]})
        return
    if name in library.names():
        console.print(library.card(name).summary(), soft_wrap=True)
    utterances = library.load(name)
    counts = utterances["emotion"].fillna("no label").value_counts().sort_index().to_dict()
    listed = ", ".join(f"{emotion} {count}" for emotion, count in counts.items())
    speakers = utterances["speaker"].nunique()
    console.print(f"found       {len(utterances)} utterances, {speakers} speakers: {listed}", soft_wrap=True)
    _write(json, {"corpus": name, "utterances": len(utterances), "emotions": counts})


@app.command()
def features(
    corpus: Annotated[str, typer.Argument(help="NAME, NAME,NAME … or csv:FILE.")],
    features: FeatureSet = "is10",
    workers: Workers = None,
    json: Json = None,
) -> None:
    """Compute features once and keep them in the store."""
    import time

    from sercourse import corpora as library
    from sercourse.features.extract import extract

    begun = time.perf_counter()
    result = extract(library.load(corpus), features, workers=workers)
    seconds = time.perf_counter() - begun
    shape = result[next(iter(result))].shape
    console.print(f"{features}: {len(result)} utterances in {seconds:.1f} s, the first of shape {shape}")
    console.print(f"kept in {result.store.root}", soft_wrap=True)
    asked, found = {"corpus": corpus, "features": features}, {"utterances": len(result), "skipped": result.skipped}
    _write(json, asked | found | {"seconds": seconds})


@app.command()
def baseline(
    corpus: Corpus = "synthetic",
    features: FeatureSet = "is10",
    protocol: ProtocolName = "loso",
    classifier: Annotated[str, typer.Option(help="linear, rbf or majority.")] = "linear",
    speaker_norm: Annotated[bool, typer.Option("--speaker-norm", help="z-scores per speaker (leaks; warns).")] = False,
    unit: Unit = "utterance",
    repeats: Annotated[
        int | None, typer.Option(help="Shufflings; default: 5 for kfold and holdout, else 1.", min=1, max=1000)
    ] = None,
    seed: Seed = 0,
    workers: Workers = None,
    json: Json = None,
) -> None:
    """openSMILE + SVM, and the majority class, under a protocol."""
    from sercourse.training.baseline import BaselineConfig, run_baseline
    from sercourse.training.summary import print_summary

    run = run_baseline(
        BaselineConfig(corpus, features, protocol, classifier, speaker_norm, unit, repeats, seed), workers=workers
    )
    print_summary(run.summary, console)
    _write(json, run.summary)


@app.command()
def train(
    chapter: Annotated[str, typer.Argument(help=" or ".join((*CHAPTERS, *PEERS)))],
    corpus: Corpus = "synthetic",
    protocol: ProtocolName = "loso",
    profile: Annotated[str, typer.Option(help="quick, course or paper.")] = "quick",
    change: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, on top of the profile; may be given again.")
    ] = None,
    unit: Unit = "utterance",
    repeats: Annotated[int, typer.Option(help="Times that protocol and networks are drawn anew.", min=1)] = 1,
    seed: Seed = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what an earlier, killed run left.")] = False,
    devices: Annotated[int, typer.Option(help="Processes that share each batch, one per GPU.", min=1)] = 1,
    jobs: Annotated[int, typer.Option(help="Folds trained at a time, each in a process of its own.", min=1)] = 1,
    workers: Workers = None,
    json: Json = None,
) -> None:
    """Train a chapter's networks, one per fold, under a protocol."""
    from sercourse.training.devices import is_leader
    from sercourse.training.networks import TrainingConfig
    from sercourse.training.networks import train as run_training
    from sercourse.training.summary import print_summary

    _check_writable(json)
    changes = (*(change or []), *([f"devices={devices}"] if devices > 1 else []))
    config = TrainingConfig(chapter, corpus, protocol, profile, changes, unit, repeats, seed)
    run = run_training(config, resume=resume, jobs=jobs, workers=workers)
    if is_leader():
        print_summary(run.summary, console)
        _write(json, run.summary)


@app.command()
def predict(
    files: Annotated[list[Path], typer.Argument(help="wav or flac, any rate, channels and length.")],
    run: Annotated[Path, typer.Option("--run", help="Folder of a run that `sercourse train` wrote.")],
    json: Json = None,
) -> None:
    """The emotion of recordings, by all networks of a run together."""
    from sercourse.training.predict import predict_files

    predicted = predict_files(files, run, progress=True)
    emotions = [column[2:] for column in predicted if column.startswith("p_")]
    table = Table("file", "emotion", *(emotion[:5] for emotion in emotions), box=None, pad_edge=False)
    for _, row in predicted.iterrows():
        shares = (f"{100 * row[f'p_{emotion}']:.0f} %" for emotion in emotions)
        table.add_row(escape(row["path"]), row["predicted"], *shares)
    console.print(table)
    for column in [each for each in ("speaker", "text") if each in predicted]:
        for _, row in predicted.iterrows():
            console.print(f"{escape(row['path'])}  {column}: {escape(row[column]) or '(nothing)'}", soft_wrap=True)
    _write(json, {"run": run.name, "files": predicted.to_dict("records")})


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="Run folder.")],
    second: Annotated[Path, typer.Argument(help="Run folder on the same test utterances.")],
    json: Json = None,
) -> None:
    """Second run against the first: effect, interval, significance; per class, per speaker, per gender."""
    from sercourse.training.compare import compare_runs, print_comparison

    comparison = compare_runs(first, second)
    print_comparison(comparison, console)
    _write(json, comparison)


@app.command()
def explore(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    layer: Annotated[str | None, typer.Option(help="Without it the first; all are listed.")] = None,
    method: Annotated[str, typer.Option(help="tsne, umap (takes half a minute to start) or pca.")] = "tsne",
    html: Annotated[Path | None, typer.Option(dir_okay=False, help="Write a page to click and listen in.")] = None,
    fold: Annotated[int, typer.Option(help="Which of the run's folds, from 0.", min=0)] = 0,
    side: Annotated[str, typer.Option(help="test, or all: also what the network learnt.")] = "test",
    colour: Annotated[str, typer.Option(help="emotion, predicted, judged, gender, speaker or language.")] = "emotion",
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """A map of what a run's network makes of its utterances: click a point, hear it."""
    from sercourse.explain.explore import run_explore

    asked = {"layer": layer, "method": method, "fold": fold, "side": side, "colour": colour, "seed": seed}
    _write(json, run_explore(run, html=html, console=console, **asked))


@app.command()
def reproduce(
    artifact: Annotated[str | None, typer.Argument(help="CHAPTER/ARTIFACT; without it, the list.")] = None,
    corpus: Annotated[str | None, typer.Option("--corpus", help="Where an artifact lets you choose.")] = None,
    profile: Annotated[str, typer.Option(help="Of the networks: quick, course or paper.")] = "quick",
    repeats: Annotated[int, typer.Option(help="Seeds: protocols and networks are drawn so often.", min=1)] = 1,
    jobs: Annotated[int, typer.Option(help="Folds trained at a time.", min=1)] = 1,
    row: Annotated[list[str] | None, typer.Option("--rows", help="Train this row only; may be given again.")] = None,
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
    _check_writable(json)
    result = registry.run(
        artifact, Bench(corpus, profile, repeats, seed, jobs, tuple(row or ()), store, figure, console)
    )
    _write(json, result)


@app.command()
def demo(
    html: Annotated[Path, typer.Option(dir_okay=False, help="The report to write.")] = Path("build/report.html"),
    seed: Seed = 0,
) -> None:
    """Make the default corpus, train the baseline and every chapter's network, write a report."""
    from sercourse.experiments.report import run_demo

    run_demo(html, seed=seed, console=console)


def _check_writable(path: Path | None) -> None:
    """Say before hours of work that a file cannot be written after them."""
    if path is not None:
        from sercourse.training.runs import check_writable

        check_writable(path)


def _write(path: Path | None, content: dict) -> None:
    if path is not None:
        from sercourse.training.runs import write_json

        write_json(path, content)


def _show_warning(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    if issubclass(category, UserWarning):
        print(f"Warning: {message}", file=sys.stderr)


def main() -> None:
    """Entry point of the command ``sercourse``."""
    warnings.showwarning = _show_warning
    try:
        app()
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except SystemExit as left:
        if left.code == INTERRUPTED:
            print("Interrupted; what was computed is kept.", file=sys.stderr)
            print("To go on, start the same command again (`train`: with --resume).", file=sys.stderr)
        raise


if __name__ == "__main__":
    main()
