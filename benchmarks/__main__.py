"""Benchmarks, those named or the usual ones: ``python -m benchmarks [NAME …] [--json FILE]`` (``make bench``)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import balancing, explorer, features, memory, mtlser, networks, notebooks
from sercourse.errors import UserError
from sercourse.training.runs import check_writable, environment, write_json

USUAL: tuple[str, ...] = ("features", "memory", "networks", "balancing", "mtlser")
"""What runs where no benchmark is named."""

BY_NAME: tuple[str, ...] = ("explorer", "notebooks")
"""They take long, and need a browser or JupyterLab."""


def measure(name: str, console: Console) -> tuple[object, bool]:
    """Run one benchmark and print its table.

    Args:
        name: of :data:`USUAL` or :data:`BY_NAME`.
        console: where the table goes.

    Returns:
        The figures as JSON takes them, and whether our values are those of librosa or the published network.

    Raises:
        UserError: the benchmark needs what is not here.
    """
    if name == "features":
        speed = features.run()
        console.print(features.table(speed))
        console.print(features.agreement(speed))
        return speed, speed["frames"]["equal"] and speed["pitch"]["equal"]
    if name == "mtlser":
        steps = mtlser.run()
        console.print(mtlser.table(steps))
        console.print(mtlser.agreement(steps), highlight=False)
        return steps, steps["agreement"]["equal"]
    if name == "notebooks":
        peaks = list(notebooks.measure_all())
        console.print(notebooks.table(peaks))
        return notebooks.as_json(peaks, notebooks.lab_mb()), True
    module = {"memory": memory, "networks": networks, "balancing": balancing, "explorer": explorer}[name]
    measured = module.measure()
    console.print(module.table(measured))
    return module.as_json(measured), True


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line.

    Returns:
        The exit code: 2 where a benchmark could not run, else 1 where our values differ from librosa's or the published
        network's.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(USUAL)} (default: these), {', '.join(BY_NAME)}"
    )
    parser.add_argument("--json", type=Path, help="write the figures here, after each benchmark")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - {*USUAL, *BY_NAME}:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; choose of {', '.join((*USUAL, *BY_NAME))}")
    try:
        if options.json:
            check_writable(options.json)
    except UserError as error:
        parser.error(str(error))
    console = Console()
    figures: dict[str, object] = {}
    equal = ran = True
    for name in (*USUAL, *BY_NAME):
        if name not in (options.names or USUAL):
            continue
        try:
            figures[name], same = measure(name, console)
        except UserError as error:
            console.print(f"{name}: {error}", highlight=False, markup=False, soft_wrap=True)
            ran = False
            continue
        equal = equal and same
        if options.json:
            write_json(options.json, {"environment": environment(), **figures})
    return 2 if not ran else int(not equal)


if __name__ == "__main__":
    sys.exit(main())
