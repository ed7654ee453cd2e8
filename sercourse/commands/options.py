"""What the commands share: options of one name and meaning, and the file of ``--json``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

console = Console(highlight=False)

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


def check_writable(path: Path | None, option: str = "--json") -> None:
    """Say before hours of work that a file cannot be written after them."""
    if path is not None:
        from sercourse.training import runs

        runs.check_writable(path, option)


def write(path: Path | None, content: dict) -> None:
    if path is not None:
        from sercourse.training.runs import write_json

        write_json(path, content)
