"""Write what the README shows from what was measured: the map of the chapters, tables, the picture.

    python data_scripts/readme.py            write README.md, docs/hub.md and docs/images/protocols.png
    python data_scripts/readme.py --check    say whether the pages are up to date; exit code 1 if not

Figures come from ``results/*.json``, which ``sercourse reproduce … --json`` writes; none is typed.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # started as a file: let the imports below find the repository
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from data_scripts.course import ROOT, build
from sercourse.corpora.cards import card
from sercourse.experiments.cells import stored_artifact
from sercourse.experiments.emotion_autoencoder import printed as autoencoder_printed
from sercourse.experiments.mtap import printed as mtap_printed
from sercourse.experiments.signal_preprocessing import reference_text

RESULTS = ROOT / "results"

PAGES: dict[str, tuple[str, ...]] = {"README.md": (), "docs/hub.md": ("memory",)}
"""Page to its blocks; none named: all of them."""


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


def network_table() -> str:
    """What the papers' networks reach here, as Markdown, from the stored artifacts of their chapters; figures that are
    not stored yet are left out."""
    lines = [
        "| network | corpus, protocol | measured | strongest SVM, same folds | printed, such a protocol |",
        "|---|---|---|---|---|",
    ]
    own = {
        protocol: value for who, protocol, value in autoencoder_printed()["peers"]["table14"]["rows"] if "Zhang" in who
    }
    smaller = "emotion autoencoder (a quarter of the printed width, half the epochs)"
    shown = (
        ("table4_emodb", "AE+EE,IN", smaller),
        ("table4_ravdess", "AE+EE,IN", smaller),
        ("steps_emodb", "all that helps", "three such, with ComParE and all that helps"),
        (
            "steps_emodb",
            "all that helps, read from the spectrum too",
            "three such, with the spectrum's mean and spread",
        ),
    )
    for artifact, row, name in shown:
        stored = stored_artifact("emotion_autoencoder", artifact)
        for protocol, cell in (stored or {"rows": {}})["rows"].get(row, {}).items():
            if cell:
                machine = max(cells[protocol]["wa"] for r, cells in stored["rows"].items() if r.endswith("+SVM"))
                known = stored["corpus"] == "emodb" and protocol in own
                claimed = f"WA {own[protocol]:.1f}" if known else "–"
                where = f"{card(stored['corpus']).title.partition(',')[0]}, {protocol}"
                lines.append(f"| {name} | {where} | WA {cell['wa']:.1f} | WA {machine:.1f} | {claimed} |")
    ablation = stored_artifact("asp_mtl", "table9_emodb") or {"rows": {}, "protocols": []}
    for protocol in ablation["protocols"]:
        machine = max(cells[protocol]["ua"] for r, cells in ablation["rows"].items() if r.endswith("+SVM"))
        for row in ("single task", "both models"):
            cell = ablation["rows"].get(row, {}).get(protocol)
            if cell:
                both = "ASP-MTL, both models (sizes of our own, with chapter 03's remedies)"
                name = both if row == "both models" else "ASP-MTL's LSTMs (sizes of our own), emotion alone"
                where = f"EMO-DB as recorded and in four noises at 0 dB, {protocol}"
                lines.append(f"| {name} | {where} | UA {cell['ua']:.1f} | UA {machine:.1f} | – |")
    return "\n".join([*lines, *_task_rows(), *_loss_rows(), *_language_rows()])


def _task_rows() -> list[str]:
    """Chapter 04's tasks on real speech, with the small encoder that ships."""
    stored = stored_artifact("mtlser", "tasks_emodb") or {"rows": {}, "machines": {}}
    machine = max((one["ua"] for one in stored["machines"].values()), default=0.0)
    return [
        f"| MTLSER with the shipped small encoder, {row} | EMO-DB, {stored['protocol']} | UA {cell['ua']:.1f}"
        f" | UA {machine:.1f} | – |"
        for row, cell in stored["rows"].items()
        if cell
    ]


def _loss_rows() -> list[str]:
    """Chapter 05's small network with each loss that is stored."""
    stored = stored_artifact("mtap", "table1_emodb") or {"rows": {}, "machines": {}}
    machine = max((one["wa"] for one in stored["machines"].values()), default=0.0)
    claimed = mtap_printed()["losses"]["table1"]["emodb"]
    found = [(name, stored["rows"].get(name.lower())) for name in ("softmax", "normalised", "ArcFace", "APFL")]
    printed = {
        name: f"WA {claimed[name.lower()]['wa'][0]:.1f} (DenseNet169)" for name, _ in found if name.lower() in claimed
    }
    told = {"normalised": "softmax of cosines, no margin"}
    return [
        f"| MTAP's image branch, small, with {told.get(name, name)} | EMO-DB, {stored['protocol']} | WA {row['wa']:.1f}"
        f" | WA {machine:.1f} | {printed.get(name, '–')} |"
        for name, row in found
        if row
    ]


def _language_rows() -> list[str]:
    """Chapter 06's networks, mean over languages."""
    stored = stored_artifact("msfl", "languages_four")
    if stored is None:
        return []
    means = {name: row["mean"]["ua"] for name, row in stored["rows"].items()}
    machine = max(value for name, value in means.items() if name.endswith("+SVM"))
    where = f"EMO-DB, RAVDESS, nEMO, four emotions, {stored['protocol']}, mean of three languages"
    names = {
        "each language alone": "MSFL's network, each language alone",
        "pooled, emotion alone": "the same on all three, emotion alone",
        "MSFL, GradNorm": "MSFL: emotion and language, GradNorm",
    }
    return [
        f"| {name} | {where} | UA {means[row]:.1f} | UA {machine:.1f} | – |"
        for row, name in names.items()
        if row in means
    ]


def denoising_sentence() -> str:
    """How far model 1 is above the best classical method, in the stored cells of tables 5 to 8."""
    stored = [stored_artifact("asp_mtl", f"table{number}_emodb") for number in (5, 6, 7, 8)]
    gains = [cell for one in stored if one for cell in one["gain_over_classical"]]
    won = sum(cell["low"] > 0 for cell in gains)
    judged = "; ".join({f"{one['judged']} of {one['judged_of']} utterances" for one in stored if one})
    least, most = min(cell["mean"] for cell in gains), max(cell["mean"] for cell in gains)
    return (
        f"Noise removed by ASP-MTL's soft mask on EMO-DB (white, pink, babble and factory at −10 to 10 dB, speakers not"
        f" heard in training; {judged}): {least:.1f} to {most:.1f} dB above the best of the paper's classical methods;"
        f" the 95 % interval over speakers lies above 0 in {won} of {len(gains)} cells."
    )


def memory_table() -> str:
    """Peak memory and seconds of every notebook as Markdown, from ``results/notebooks_memory.json``."""
    measured = _measured("notebooks_memory", "benchmarks.notebooks")
    if isinstance(measured, str):
        return measured
    lines = ["| notebook, profile quick | peak memory | seconds |", "|---|---|---|"]
    for row in measured["rows"]:
        over = "" if row["peak_rss_mb"] <= measured["limit_mb"] else " ⚠"
        lines.append(f"| {row['name']} | {row['peak_rss_mb'] / 1e3:.2f} GB{over} | {row['seconds']:.0f} |")
    most, lab = max(row["peak_rss_mb"] for row in measured["rows"]), measured["lab_mb"]
    thirty = 30 * (most + lab) / 1e3
    return "\n".join(lines) + (
        f"\n\nResident memory of the kernel and all that it starts, with the settings of `binder/start` and nothing"
        f" computed beforehand; JupyterLab itself takes {lab / 1e3:.2f} GB more. Thirty people who all reach the"
        f" highest peak at the same moment need {thirty:.0f} GB. Seconds on {measured['cores']} cores."
    )


def points_table() -> str:
    """How many points the explorer stands as Markdown, from ``results/explorer_points.json``."""
    measured = _measured("explorer_points", "benchmarks explorer")
    if isinstance(measured, str):
        return measured
    head = ("points", "maps", "first picture", "lasso to table", "of it drawing", "kernel", "browser")
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for row in measured["explorer"]:
        figures = [f"{row['points']:,}", str(row["maps"]), f"{row['picture_s']:.1f} s"]
        figures += [f"{row[name]:.0f} ms" for name in ("lasso_ms", "drawing_ms")]
        figures += [f"{row[name] / 1e3:.1f} GB" for name in ("kernel_mb", "browser_mb")]
        lines.append(f"| {' | '.join(figures)} |")
    return "\n".join(lines)


def _measured(name: str, module: str) -> dict | str:
    """What ``results/NAME.json`` holds, or the sentence on how to measure it."""
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return f"Not measured yet: `python -m {module} --json results/{path.name}` does it."
    return json.loads(path.read_text("utf-8"))


def blocks() -> dict[str, str]:
    """What stands between ``<!-- NAME -->`` and ``<!-- /NAME -->`` in README.md."""
    return {
        "chapters": build.chapter_table("notebooks/{name}.ipynb"),
        "baselines": baseline_table(),
        "networks": network_table() + "\n\n" + denoising_sentence(),
        "memory": memory_table(),
        "points": points_table(),
    }


def fill(text: str, names: Sequence[str] = (), page: str = "README.md") -> str:
    """The text of a page with blocks replaced by what was measured.

    Args:
        text: of the page.
        names: of its blocks; none: all, as in the README.
        page: its name, for the error.
    """
    found = blocks()
    for name in names or found:
        content = found[name]
        pattern = re.compile(rf"(<!-- {name} -->\n)(?:.*?\n)??(<!-- /{name} -->)", re.DOTALL)
        text, times = pattern.subn(lambda match, c=content: match[1] + c + "\n" + match[2], text)
        if times != 1:
            raise ValueError(f"{page} must hold <!-- {name} --> … <!-- /{name} --> exactly once; found {times}.")
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
    stale = []
    for page, names in PAGES.items():
        path = ROOT / page
        text = path.read_text("utf-8")
        filled = fill(text, names, page)
        if "--check" in sys.argv[1:]:
            stale += [page] if filled != text else []
        else:
            path.write_text(filled, "utf-8")
    if stale:
        print(f"{', '.join(stale)}: differs from results/ or notebooks/course.yml; run: python data_scripts/readme.py")
    if "--check" in sys.argv[1:]:
        return int(bool(stale))
    draw_picture(ROOT / "docs" / "images" / "protocols.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
