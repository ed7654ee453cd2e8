"""All benchmarks in one run, or those named: ``python -m benchmarks [NAME …] [--json FILE]`` (``make bench``)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import balancing, explorer, features, memory, mtlser, networks, notebooks
from sercourse.training.runs import environment, write_json

NAMES: tuple[str, ...] = ("features", "memory", "networks", "balancing", "mtlser", "explorer", "notebooks")


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code: 1 where our values differ from librosa's or the published network's."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)} (all)")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; choose of {', '.join(NAMES)}")
    wanted = options.names or NAMES
    console = Console()
    figures: dict[str, object] = {}
    equal = True
    if "features" in wanted:
        figures["features"] = speed = features.run()
        console.print(features.table(speed))
        console.print(features.agreement(speed))
        equal = speed["frames"]["equal"] and speed["pitch"]["equal"]
    if "memory" in wanted:
        peaks = memory.measure()
        console.print(memory.table(peaks))
        figures["memory"] = memory.as_json(peaks)
    if "networks" in wanted:
        costs = networks.measure()
        console.print(networks.table(costs))
        figures["networks"] = networks.as_json(costs)
    if "balancing" in wanted:
        pulls = balancing.measure()
        console.print(balancing.table(pulls))
        figures["balancing"] = balancing.as_json(pulls)
    if "explorer" in wanted:
        opened = explorer.measure()
        console.print(explorer.table(opened))
        figures["explorer"] = explorer.as_json(opened)
    if "mtlser" in wanted:
        figures["mtlser"] = steps = mtlser.run()
        console.print(mtlser.table(steps))
        console.print(mtlser.agreement(steps), highlight=False)
        equal = equal and steps["agreement"]["equal"]
    if "notebooks" in wanted:
        needed = list(notebooks.measure_all())
        console.print(notebooks.table(needed))
        figures["notebooks"] = notebooks.as_json(needed, notebooks.lab_mb())
    if options.json:
        write_json(options.json, {"environment": environment(), **figures})
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
