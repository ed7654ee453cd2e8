"""Write what the README shows from what was measured: the map of the chapters, the table of baselines, the picture.

    python data_scripts/readme.py            write README.md and docs/images/protocols.png
    python data_scripts/readme.py --check    say whether README.md is up to date; exit code 1 if not

Figures come from ``results/*.json``, which ``sercourse reproduce … --json`` writes; none is typed.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "notebooks" / "source"))

from build import chapter_table  # noqa: E402  (the notebooks' own builder knows the chapters)
from sercourse.experiments.signal_preprocessing import reference_text  # noqa: E402

RESULTS = ROOT / "results"


def baseline_table() -> str:
    """The reference baselines as Markdown, from ``results/signal_preprocessing_baselines.json``."""
    rows = json.loads((RESULTS / "signal_preprocessing_baselines.json").read_text("utf-8"))["rows"]
    lines = [
        "| corpus | features and classifier | protocol | WA | UA | 95 % interval of UA | reference WA / UA |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        norm = ", z-scores per speaker ⚠" if row["speaker_norm"] else ""
        interval = f"{row['ua_interval']['low']:.1f} to {row['ua_interval']['high']:.1f}"
        protocol = row["protocol"] + (f" ({row['repeats']} shufflings)" if row["repeats"] > 1 else "")
        lines.append(
            f"| {row['corpus']} | {row['features']}, {row['classifier']} SVM{norm} | {protocol}"
            f" | {row['wa']:.1f} | {row['ua']:.1f} | {interval} | {reference_text(row)} |"
        )
    return "\n".join(lines)


def blocks() -> dict[str, str]:
    """What stands between ``<!-- NAME -->`` and ``<!-- /NAME -->`` in README.md."""
    return {"chapters": chapter_table("notebooks/{name}.ipynb"), "baselines": baseline_table()}


def fill(text: str) -> str:
    """README text with every block replaced by what was measured."""
    for name, content in blocks().items():
        pattern = re.compile(rf"(<!-- {name} -->\n)(?:.*?\n)??(<!-- /{name} -->)", re.DOTALL)
        text, times = pattern.subn(lambda match, c=content: match[1] + c + "\n" + match[2], text)
        if times != 1:
            raise ValueError(f"README.md must hold <!-- {name} --> … <!-- /{name} --> exactly once; found {times}.")
    return text


def draw_picture(path: Path) -> None:
    """The protocol lesson on EMO-DB as a picture, from ``results/signal_preprocessing_protocols_emodb.json``."""
    import matplotlib.pyplot as plt

    from sercourse.explain import plots

    rows = json.loads((RESULTS / "signal_preprocessing_protocols_emodb.json").read_text("utf-8"))["rows"]
    plots.course_style()
    figure, ax = plt.subplots(figsize=(8, 2.8))
    intervals = [(row["ua_low"], row["ua_high"]) for row in rows]
    plots.bars_with_intervals(
        [row["protocol"] for row in rows],
        [row["ua"] for row in rows],
        intervals,
        ax,
        xlabel="UA (%), mean recall over seven emotions",
        title="EMO-DB, the same crops of 1 s, features and classifier",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


def main() -> int:
    """Command line; returns the exit code."""
    readme = ROOT / "README.md"
    text = readme.read_text("utf-8")
    filled = fill(text)
    if "--check" in sys.argv[1:]:
        if filled != text:
            print("README.md differs from results/ or notebooks/course.yml; run: python data_scripts/readme.py")
        return int(filled != text)
    readme.write_text(filled, "utf-8")
    draw_picture(ROOT / "docs" / "images" / "protocols.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
