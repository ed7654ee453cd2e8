"""All benchmarks in one run: ``python -m benchmarks [--json FILE]`` (``make bench``)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from benchmarks import features, memory, networks
from sercourse.training.runs import environment, write_json


def main() -> int:
    """Command line; returns the exit code: 1 where our values differ from librosa's."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    console = Console()
    speed = features.run()
    console.print(features.table(speed))
    console.print(features.agreement(speed))
    peaks = memory.measure()
    console.print(memory.table(peaks))
    costs = networks.measure()
    console.print(networks.table(costs))
    if options.json:
        figures = {"features": speed, "memory": memory.as_json(peaks), "networks": networks.as_json(costs)}
        write_json(options.json, {"environment": environment(), **figures})
    return 0 if speed["frames"]["equal"] and speed["pitch"]["equal"] else 1


if __name__ == "__main__":
    sys.exit(main())
