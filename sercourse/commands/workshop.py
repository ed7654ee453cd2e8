"""Before and in a workshop: everything made or packed beforehand, a spoilt notebook put right."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from sercourse.commands.options import Json, check_writable, console, write
from sercourse.errors import UserError


def prefetch(
    to: Annotated[Path | None, typer.Option("--to", dir_okay=False, help="Pack it: FILE.tar.gz or FILE.tar.")] = None,
    source: Annotated[
        Path | None, typer.Option("--from", dir_okay=False, help="Unpack such a file on a machine without network.")
    ] = None,
    corpus: Annotated[
        list[str] | None, typer.Option("--corpus", help="A further corpus as well; may be given again.")
    ] = None,
    notebooks: Annotated[
        Path | None, typer.Option(file_okay=False, help="Run the notebooks of this folder, for the runs they ask for.")
    ] = None,
    json: Json = None,
) -> None:
    """Make all that the course needs: corpora, features, a run per chapter; pack it, or unpack it elsewhere."""
    from sercourse.training import workshop
    from sercourse.training.workshop_pack import check_licence, check_place, pack
    from sercourse.training.workshop_unpack import unpack_here

    check_writable(json)
    if source is not None:
        if to or corpus or notebooks:
            raise UserError("--from: unpacks a file and makes nothing; give it alone.")
        packed = unpack_here(source)
    else:
        also = list(dict.fromkeys(corpus or []))
        if to is not None:
            check_place(to)
        for name in also:
            check_licence(name)
        workshop.prepare([name for name in also if name not in workshop.COURSE_CORPORA], notebooks=notebooks)
        packed = None
        if to is not None:
            packed = pack(to, list(dict.fromkeys((*workshop.COURSE_CORPORA, *also))))
    if packed is not None:
        where = f"packed into {to}" if to else f"unpacked from {source}"
        size = f"{packed.files} files, {packed.bytes / 1e6:.0f} MB"
        held = f"{', '.join(packed.corpora) or 'no corpus'}; {len(packed.runs)} runs; {size}"
        console.print(f"{where}: {held}", soft_wrap=True, markup=False)
    lacking = workshop.missing()
    console.print(
        f"not ready: {'; '.join(lacking)}" if lacking else "ready for the course", soft_wrap=True, markup=False
    )
    if not os.environ.get("SERCOURSE_RUNS"):
        console.print(
            f"Runs lie in {workshop.runs_dir()}; start JupyterLab with SERCOURSE_RUNS set to it, and the notebooks find"
            " them.",
            soft_wrap=True,
            markup=False,
        )
    figures = {"files": packed.files, "bytes": packed.bytes, "runs": list(packed.runs)} if packed else {}
    write(json, {"ready": not lacking, "missing": lacking, **figures})


def reset(
    notebook: Annotated[Path, typer.Argument(dir_okay=False, help="The notebook that shall be as it was.")],
    original: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="The untouched notebook; default: git's, or that of `sercourse prefetch`."),
    ] = None,
) -> None:
    """Put a spoilt notebook back, with your answers and your own cells; the spoilt one is kept beside it."""
    from sercourse.reset import reset_notebook

    done = reset_notebook(notebook, original)
    console.print(f"{notebook}: as it was ({done.source})", soft_wrap=True, markup=False)
    console.print(f"answers kept: {', '.join(done.answers) or 'none were given'}", soft_wrap=True, markup=False)
    if done.added:
        console.print(f"your own cells, now at the end: {done.added}")
    if done.backup:
        console.print(f"the notebook before: {done.backup}", soft_wrap=True, markup=False)
    console.print("If JupyterLab has it open: File > Reload Notebook from Disk.")
