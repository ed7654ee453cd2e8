"""Baselines and networks: train, predict, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from sercourse.commands.options import (
    Corpus,
    FeatureSet,
    Json,
    ProtocolName,
    Seed,
    Unit,
    Workers,
    check_writable,
    console,
    write,
)
from sercourse.training.settings import CHAPTERS, PEERS


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
    learn_from: Annotated[
        str,
        typer.Option("--learn-from", help="development, or train: without validation."),
    ] = "development",
    workers: Workers = None,
    json: Json = None,
) -> None:
    """openSMILE + SVM, and the majority class, under a protocol."""
    from sercourse.training.baseline import BaselineConfig, run_baseline
    from sercourse.training.summary import print_summary

    run = run_baseline(
        BaselineConfig(corpus, features, protocol, classifier, speaker_norm, unit, repeats, seed, learn_from),
        workers=workers,
    )
    print_summary(run.summary, console)
    write(json, run.summary)


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

    check_writable(json)
    changes = (*(change or []), *([f"devices={devices}"] if devices > 1 else []))
    config = TrainingConfig(chapter, corpus, protocol, profile, changes, unit, repeats, seed)
    run = run_training(config, resume=resume, jobs=jobs, workers=workers)
    if is_leader():
        print_summary(run.summary, console)
        write(json, run.summary)


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
    write(json, {"run": run.name, "files": predicted.to_dict("records")})


def compare(
    first: Annotated[Path, typer.Argument(help="Run folder.")],
    second: Annotated[Path, typer.Argument(help="Run folder on the same test utterances.")],
    json: Json = None,
) -> None:
    """Second run against the first: effect, interval, significance; per class, per speaker, per gender."""
    from sercourse.training.compare import compare_runs, print_comparison

    comparison = compare_runs(first, second)
    print_comparison(comparison, console)
    write(json, comparison)
