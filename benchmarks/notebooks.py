"""Peak memory and seconds of every notebook in the quick profile, as Binder would see them.

    python -m benchmarks.notebooks [NN_name …] [--json FILE]

Each notebook runs in a fresh kernel under ``binder/start``, with the default corpora made but no features and no runs,
which is the most that it can need. The memory of the kernel and of all processes that it starts is read ten times a
second, and that of JupyterLab once. With ``--json`` each notebook is written down when it is done, and one that has not
changed since is not run again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from rich.console import Console
from rich.table import Table

from benchmarks.jupyterlab import running_lab
from benchmarks.watch import Watch, tree
from sercourse import corpora
from sercourse.corpora.registry import COURSE_CORPORA
from sercourse.notebooks import CELL_SECONDS, client, course_notebooks, read
from sercourse.training.runs import environment, write_json

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"

LIMIT_MB = 1800.0
"""Binder gives 2 GB; JupyterLab itself needs some of it."""


@dataclass(frozen=True)
class Peak:
    """One notebook's figures."""

    name: str
    peak_rss_mb: float
    """Highest sum of resident memory over kernel and children, in units of 1e6 bytes; shared pages count in each."""
    peak_pss_mb: float | None
    """The same with pages that several processes share divided among them; ``None`` where the system does not tell."""
    processes: int
    """Most processes at a time."""
    seconds: float
    digest: str
    """Of the code of all cells, and of ``binder/start``."""


def names() -> list[str]:
    """The notebooks of the course."""
    return [path.stem for path in course_notebooks(NOTEBOOKS)]


def measure_all(wanted: Sequence[str] = (), *, known: Mapping[str, Peak] | None = None) -> Iterator[Peak]:
    """One figure after the other.

    Args:
        wanted: names of notebooks; none: all.
        known: figures of an earlier call, taken over where the notebook's cells are still the same.
    """
    for name in wanted or names():
        notebook = read(NOTEBOOKS / f"{name}.ipynb")
        found = (known or {}).get(name)
        if found is not None and found.digest == digest(notebook):
            yield found
            continue
        with _cold() as folders:
            yield measure(name, notebook, folders)


def digest(notebook: NotebookNode) -> str:
    """What tells one measurement from another: the code of the cells, and how Binder starts."""
    code = (cell.source for cell in notebook.cells if cell.cell_type == "code")
    told = [(ROOT / "binder" / "start").read_text("utf-8"), *code]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:16]


def on_binder() -> dict[str, str]:
    """The environment variables that ``binder/start`` leaves."""
    shown = subprocess.run([ROOT / "binder" / "start", "env", "-0"], capture_output=True, text=True, check=True)
    return dict(line.split("=", 1) for line in shown.stdout.split("\0") if line)


def lab_mb() -> float:
    """Resident memory of a JupyterLab server that has sent its page once, in units of 1e6 bytes."""
    with (
        tempfile.TemporaryDirectory(prefix="sercourse-lab-") as folder,
        running_lab(NOTEBOOKS, Path(folder), environment=on_binder()) as lab,
        urllib.request.urlopen(f"{lab.url}/lab?token={lab.token}", timeout=60),
    ):
        return psutil.Process(lab.process.pid).memory_info().rss / 1e6


def measure(name: str, notebook: NotebookNode, folders: Mapping[str, str], *, timeout: float = CELL_SECONDS) -> Peak:
    """Run a notebook in a kernel of its own and watch its memory.

    Args:
        name: for the answer.
        notebook: is run in place; a cell that raises is passed over, as a stub of an exercise does.
        folders: environment variables of the kernel.
        timeout: seconds that one cell may take.
    """
    told, begun = digest(notebook), time.perf_counter()
    running = client(notebook, NOTEBOOKS, timeout)
    with running.setup_kernel(env=on_binder() | folders), Watch(tree(running.km.provisioner.pid)) as watch:
        try:
            for number, cell in enumerate(notebook.cells):
                running.execute_cell(cell, number)
        except CellExecutionError as error:
            raise RuntimeError(f"{name}: cell {number} failed, so its memory means nothing: {error}") from None
    (seen,) = watch.peaks
    return Peak(name, seen.rss / 1e6, seen.pss / 1e6 or None, seen.processes, time.perf_counter() - begun, told)


@contextmanager
def _cold() -> Iterator[dict[str, str]]:
    """Folders with the default corpora and nothing else."""
    with tempfile.TemporaryDirectory(prefix="sercourse-notebooks-") as folder:
        cache = Path(folder) / "cache"
        cache.mkdir()
        for corpus in COURSE_CORPORA:
            corpora.load(corpus)
            place = corpora.locate(corpus)
            (cache / place.name).symlink_to(place, target_is_directory=True)
        yield {"SERCOURSE_CACHE": str(cache), "SERCOURSE_RUNS": str(Path(folder) / "runs"), "SERCOURSE_DATA": ""}


def table(peaks: Sequence[Peak]) -> Table:
    """The measurements as a table."""
    shown = Table("notebook", "peak", "shared pages once", "seconds", title=f"Notebooks, limit {LIMIT_MB:.0f} MB")
    for peak in peaks:
        mark = "" if peak.peak_rss_mb <= LIMIT_MB else " [red]over[/]"
        once = "–" if peak.peak_pss_mb is None else f"{peak.peak_pss_mb:.0f} MB"
        shown.add_row(peak.name, f"{peak.peak_rss_mb:.0f} MB{mark}", once, f"{peak.seconds:.0f}")
    return shown


def as_json(peaks: Sequence[Peak], lab: float) -> dict:
    """The measurements as plain dictionaries; ``lab`` is JupyterLab's own memory in MB."""
    return {
        "profile": "quick",
        "limit_mb": LIMIT_MB,
        "lab_mb": lab,
        "cores": os.cpu_count(),
        "rows": [asdict(peak) for peak in peaks],
    }


def earlier(path: Path | None) -> dict[str, Peak]:
    """What an earlier call wrote down, by notebook."""
    if path is None or not path.exists():
        return {}
    return {row["name"]: Peak(**row) for row in json.loads(path.read_text("utf-8"))["rows"]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and, with ``--json``, write; 1 where a notebook is over the limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.notebooks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NN_name", help="notebooks (all)")
    parser.add_argument("--json", type=Path, help="write the figures here, and take over what it holds")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(names()):
        parser.error(f"there is no notebook {', '.join(sorted(unknown))}; choose of {', '.join(names())}")
    console, peaks, lab = Console(), earlier(options.json), lab_mb()
    console.print(f"JupyterLab itself: {lab:.0f} MB", highlight=False)
    for peak in measure_all(options.names, known=peaks):
        peaks[peak.name] = peak
        console.print(f"{peak.name}: {peak.peak_rss_mb:.0f} MB, {peak.seconds:.0f} s", highlight=False)
        if options.json:
            listed = [peaks[name] for name in sorted(peaks)]
            write_json(options.json, as_json(listed, lab) | {"environment": environment()})
    console.print(table([peaks[name] for name in sorted(peaks)]))
    return int(any(peak.peak_rss_mb > LIMIT_MB for peak in peaks.values()))


if __name__ == "__main__":
    raise SystemExit(main())
