"""Make the default corpus: ``python data_scripts/make_synthetic.py [--to FOLDER] [--utterances N] [--seed N]``.

It is made by itself at its first use; this command makes it somewhere else, larger, or with another seed, and prints
what it did and how long it took. ``data_scripts/check_synthetic.py`` measures what it is like.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # started as a file: let the imports below find the repository
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sercourse.corpora import locate, synthetic
from sercourse.corpora.synthetic.stored import read_manifest
from sercourse.errors import UserError


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit code: 0 done, 2 not done (one sentence says why), 130 interrupted."""
    parser = argparse.ArgumentParser(prog="make_synthetic.py", description="Make the synthetic corpus.")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="its folder (default: where sercourse looks for it)")
    parser.add_argument("--utterances", type=int, default=synthetic.UTTERANCES, metavar="N", help="a multiple of 70")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="0 or more")
    parser.add_argument("--workers", type=int, metavar="N", help="processes at one time (default: all processors)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args(arguments)
    try:
        folder = options.to or locate("synthetic")
        there = synthetic.is_intact(folder, utterances=options.utterances, seed=options.seed)
        begun = time.perf_counter()
        synthetic.make(folder, utterances=options.utterances, seed=options.seed, workers=options.workers)
        seconds = time.perf_counter() - begun
        manifest = read_manifest(folder)
        table = synthetic.load(folder)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; nothing was left behind.", file=sys.stderr)
        return 130
    figures = {
        "folder": str(folder),
        "utterances": manifest["utterances"],
        "seed": manifest["seed"],
        "speakers": int(table["speaker"].nunique()),
        "languages": sorted(table["language"].unique()),
        "emotions": table["emotion"].value_counts().sort_index().to_dict(),
        "audio_minutes": round(manifest["seconds"] / 60, 1),
        "megabytes": round(sum(manifest["files"].values()) / 1e6, 1),
        "espeak_ng": manifest["espeak_ng"],
        "sha256": manifest["sha256"],
        "seconds": None if there else round(seconds, 1),
    }
    did = "already there" if there else f"made in {seconds:.1f} s"
    print(
        f"{figures['utterances']} utterances, {figures['speakers']} speakers, {', '.join(figures['languages'])},"
        f" {figures['audio_minutes']} minutes of speech, {figures['megabytes']} MB: {did}, in {folder}."
    )
    print(f"seed {figures['seed']}, espeak-ng {figures['espeak_ng']}, sha256 of the audio {figures['sha256']}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
