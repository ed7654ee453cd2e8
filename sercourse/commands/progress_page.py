"""How far a student is: checks of the notebooks' exercises, run locally."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sercourse.commands.options import Json, check_writable, console, write
from sercourse.notebooks import EXERCISE_SECONDS


def progress(
    notebooks: Annotated[
        list[Path] | None, typer.Argument(help="Notebooks; without them the chapters here or in notebooks/.")
    ] = None,
    html: Annotated[Path, typer.Option(dir_okay=False, help="The page to write.")] = Path("build/progress.html"),
    everything: Annotated[bool, typer.Option("--all", help="Run every chapter anew, begun or not.")] = False,
    seconds: Annotated[
        int, typer.Option(help="A cell that takes longer is stopped.", min=1, max=86_400)
    ] = EXERCISE_SECONDS,
    json: Json = None,
) -> None:
    """Which exercises of your notebooks are solved; what you have changed is run here, nothing leaves the machine."""
    from sercourse.explain import exercise_progress as checks
    from sercourse.explain.progress_page import write_progress
    from sercourse.progress import progress_bar

    check_writable(json)
    check_writable(html, "--html")
    chapters = []
    with progress_bar() as bar:
        for path in checks.find_notebooks(notebooks or []):
            task = bar.add_task(escape(checks.printable(path.stem)), total=None)
            chapters.append(
                checks.check_notebook(
                    path, everything=everything, seconds=seconds,
                    told=lambda done, cells, task=task: bar.update(task, completed=done, total=cells),
                )
            )  # fmt: skip
            bar.remove_task(task)
    for chapter in chapters:
        console.print(f"[bold]{escape(chapter.title)}[/]: {chapter.solved} of {len(chapter.exercises)} solved")
        for one in chapter.exercises:
            told = f": {one.message}" if one.message else ""
            console.print(f"  {one.state:<9}  {escape(one.title + told)}", soft_wrap=True)
    console.print(f"page: {write_progress(html, chapters)}", soft_wrap=True, markup=False)
    write(json, {"chapters": [{"name": c.name, "exercises": [vars(one) for one in c.exercises]} for c in chapters]})
