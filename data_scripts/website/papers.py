"""Pages with the papers' tables: what is printed beside what was measured, and what was not run yet."""

from __future__ import annotations

import re
from pathlib import Path

from data_scripts.course import chapters
from data_scripts.website.markdown import NOT_RUN, section, table, write
from data_scripts.website.measured import conditions, corpora_of, rows_of, stored
from data_scripts.website.printed import Printed, Rows, printed_tables
from sercourse.experiments.registry import EXPERIMENTS

FOLDER = "results"

ALIASES: dict[str, str] = {"model 2 alone": "ASP-MTL", "both models": "ASP-MTL", "ASP-MTL, soft mask": "ASP-MTL"}
"""Rows of ours that stand for a row of a paper under another name; the first that a table has is taken."""


def beside(printed: Rows, measured: Rows, *, missing: str = NOT_RUN) -> str:
    """One table: the printed columns, then the measured ones; rows are the same where their names are.

    A row of a paper that was not measured says so (``missing``); a row of ours of which nothing is printed has dashes.
    """
    left = list(dict.fromkeys(column for row in printed.values() for column in row))
    right = list(dict.fromkeys(column for row in measured.values() for column in row))
    partner = {name: own for own in measured for name in printed if _same(name, own, measured)}
    heads = [*(f"{column}, printed" for column in left), *(f"{column}, measured" for column in right or ["all"])]
    rows = []
    for name, figures in printed.items():
        own = partner.get(name)
        title = name if own is None or own.lower() == name.lower() else f"{name} ({own})"
        here = [measured[own].get(column, "–") for column in right] if own else [missing, *[""] * (len(right) - 1)]
        rows.append([title, *(figures.get(column, "–") for column in left), *here])
    for own, figures in measured.items():
        if own not in partner.values():
            rows.append([own, *["–"] * len(left), *(figures.get(column, "–") for column in right)])
    return table(["", *heads], rows)


def _same(name: str, own: str, measured: Rows) -> bool:
    tag = re.search(r"\[\d+\]", name)
    if own in ALIASES:
        first = next(one for one in measured if ALIASES.get(one) == ALIASES[own]) if name == ALIASES[own] else None
        return first == own
    return own.lower() == name.lower() or bool(tag and tag[0] == name and tag[0] in own)


def artifact_section(artifact: str, printed: Printed | None) -> str:
    """One table or figure: both sides, their conditions, the command that measures it."""
    found = stored(artifact)
    title = EXPERIMENTS[artifact].title
    name = artifact.partition("/")[2]
    parts = []
    if printed:
        parts.append(f"**Printed**: {printed.where}." + (f" {printed.note}" if printed.note else ""))
    if not found:
        parts.append(f"**Measured**: {NOT_RUN}.")
        parts.append(beside(printed.rows, {}) if printed and printed.rows else "")
    for number, one in enumerate(found):
        parts.append(f"**Measured**: {conditions(one)}.")
        missing = "*quoted*" if "quoted" in one else NOT_RUN  # other people's systems are not run here
        parts.append(beside(printed.rows if printed and not number else {}, rows_of(one), missing=missing))
        parts += [f"*{note}*" for note in one.get("notes", ())]
    parts.append(f"`sercourse reproduce {artifact}`")
    return section(f"{name}: {title}", *parts, label=f"artifact-{artifact.replace('/', '-')}")


def chapter_page(number: str, chapter: str) -> str:
    """All artifacts of a chapter.

    Args:
        number: of the chapter, two digits.
        chapter: its name without the number.
    """
    printed = printed_tables(chapter)
    own = [artifact for artifact in EXPERIMENTS if artifact.startswith(f"{chapter}/")]
    intro = (
        f"Every table and figure of [chapter {number}](../chapters/{number}_{chapter}.ipynb): what the paper prints"
        " beside what was measured here. Compare figures only where corpus, protocol and emotions are the same; they"
        " stand above each table. Rows without a measured figure were not run yet."
    )
    sections = [artifact_section(artifact, printed.get(artifact.partition("/")[2])) for artifact in own]
    return section(f"{number} {chapter}: printed and measured", intro, *sections, level=1)


def overview() -> str:
    """A row per artifact: what it shows, and whether it was measured."""
    rows = []
    for artifact, experiment in EXPERIMENTS.items():
        states = "; ".join(corpora_of(one) for one in stored(artifact))
        chapter, _, name = artifact.partition("/")
        page = next((one for one in chapter_names() if one.endswith(chapter)), None)
        link = f"[`{artifact}`](#artifact-{chapter}-{name})" if page else f"`{artifact}`"
        rows.append((link, experiment.title, states or NOT_RUN))
    return table(("artifact", "what it shows", "measured on"), rows)


def chapter_names() -> list[str]:
    """Ready chapters that have artifacts, with their numbers."""
    known = {artifact.partition("/")[0] for artifact in EXPERIMENTS}
    return [name for name in chapters() if name[3:] in known]


def write_papers(target: Path) -> int:
    """Write the pages; returns the number of artifacts that were measured.

    Args:
        target: the site's source folder.
    """
    names = chapter_names()
    for name in names:
        write(target / FOLDER / f"{name[3:]}.md", chapter_page(name[:2], name[3:]))
    done = sum(bool(stored(artifact)) for artifact in EXPERIMENTS)
    intro = (
        f"{done} of {len(EXPERIMENTS)} artifacts are measured so far. Each one has a command, `sercourse reproduce"
        " CHAPTER/ARTIFACT`, that measures it anew, on your corpora and in the profile of your choice; figures come"
        " from `results/` alone, and none is typed."
    )
    tree = "\n".join(["```{toctree}", ":hidden:", "", *(name[3:] for name in names), "```"])
    write(
        target / FOLDER / "index.md",
        section("The papers' tables, printed and measured", intro, overview(), tree, level=1),
    )
    return done
