"""Corpora and features: what is here, what is missing."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from sercourse.commands.options import FeatureSet, Json, Workers, console, write


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
    write(json, report.to_json())
    if not report.healthy:
        raise typer.Exit(2)


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
        write(json, {"corpora": [vars(s) | {"folder": str(s.folder or "")} for s in states]})
        return
    if name in library.names():
        console.print(library.card(name).summary(), soft_wrap=True)
    utterances = library.load(name)
    counts = utterances["emotion"].fillna("no label").value_counts().sort_index().to_dict()
    listed = ", ".join(f"{emotion} {count}" for emotion, count in counts.items())
    speakers = utterances["speaker"].nunique()
    console.print(f"found       {len(utterances)} utterances, {speakers} speakers: {listed}", soft_wrap=True)
    write(json, {"corpus": name, "utterances": len(utterances), "emotions": counts})


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
    write(json, asked | found | {"seconds": seconds})
