"""Timetables of a workshop and its check-in questions, as Markdown.

The minutes of a chapter are those that ``notebooks/course.yml`` states.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import yaml

from data_scripts.course import ROOT, build, chapters

TEACHING = ROOT / "docs" / "teaching"

_HEAD = """\
# Timetables

Written by `make kit` from `timetables.yml`. The minutes of a chapter are its reading and computing time in
`notebooks/course.yml`; each chapter begins with its [check-in question](check_in.md).

Late? Leave out exercises first, then the last chapter of the day, never the protocol lesson of chapter 01: without it
no figure of the later chapters can be judged. Early? The quiz at the end of each chapter is made for pairs.
"""

_CHECKIN_HEAD = """\
# Check-in questions

One per chapter, for its first five minutes: read it out, let everybody write an answer down alone, then compare in
pairs. No notebook is needed. Answers, and the misconception that each question uncovers, are in the answer key only.
"""


@dataclass(frozen=True)
class Row:
    """One line of a day."""

    begin: datetime
    what: str
    minutes: int
    detail: str = ""


@dataclass(frozen=True)
class Day:
    """One day of a timetable; ``limit``: minutes that it may last."""

    rows: tuple[Row, ...]
    limit: int

    @property
    def minutes(self) -> int:
        """From the first row's beginning to the last one's end."""
        return sum(row.minutes for row in self.rows)


def minutes(stated: str) -> int:
    """Minutes of an entry of ``course.yml`` such as ``15 min``; ``< 1 min`` counts as 1."""
    found = re.fullmatch(r"(?:< )?(\d+) min", stated)
    if found is None:
        raise ValueError(f"course.yml: {stated!r} is no time in minutes; write for instance '15 min'.")
    return int(found[1])


def timetables() -> dict[str, tuple[str, list[Day]]]:
    """Name of a timetable to its aim and its days."""
    stated = yaml.safe_load((TEACHING / "timetables.yml").read_text("utf-8"))
    made = {}
    for one in stated["timetables"]:
        days = [_day(day, one["limit"], stated["check_in_minutes"]) for day in one["days"]]
        made[one["name"]] = one["aim"], days
    return made


def _day(stated: dict, limit: int, check_in: int) -> Day:
    begin, rows = datetime.strptime(stated["begin"], "%H:%M"), []
    for item in stated["items"]:
        if (row := _row(begin, item, check_in)) is not None:
            rows.append(row)
            begin += timedelta(minutes=row.minutes)
    return Day(tuple(rows), limit)


def _row(begin: datetime, item: dict, check_in: int) -> Row | None:
    """A row; ``None`` where its chapter is not ready."""
    if "what" in item:
        return Row(begin, item["what"], item["minutes"])
    ((kind, name),) = item.items()
    if name not in {chapter["name"] for chapter in build.course()}:
        raise ValueError(f"timetables.yml: {name} is no chapter of course.yml.")
    chapter = chapters().get(name)
    if chapter is None:
        return None
    if kind == "check_in":
        return Row(begin, f"Check-in {name[:2]}", check_in)
    reading, computing = minutes(chapter["reading"]), minutes(chapter["cpu"])
    detail = f"reading {reading}, computing {computing}"
    return Row(begin, f"**{name}**: {chapter['what']}", reading + computing, detail)


def timetables_page() -> str:
    """``docs/teaching/timetables.md``."""
    parts = [_HEAD]
    for name, (aim, days) in timetables().items():
        parts.append(f"## {name}\n\n{aim}\n")
        for number, day in enumerate(days, 1):
            if len(days) > 1:
                parts.append(f"### {name}: day {number}\n")
            parts.append("\n".join([*_table(day), ""]))
    return "\n".join(parts)


def _table(day: Day) -> Iterator[str]:
    yield "| from | what | minutes |"
    yield "|---|---|---|"
    for row in day.rows:
        detail = f" ({row.detail})" if row.detail else ""
        yield f"| {row.begin:%H:%M} | {row.what}{detail} | {row.minutes} |"
    end = day.rows[-1].begin + timedelta(minutes=day.rows[-1].minutes)
    yield f"| {end:%H:%M} | end; minutes in all | {day.minutes} |"


@cache
def check_ins() -> dict[str, dict[str, str]]:
    """Chapter to ``question``, ``misconception`` and ``answer``, of the chapters that are ready."""
    stated = yaml.safe_load((TEACHING / "check_in.yml").read_text("utf-8"))
    return {name: {key: text.strip() for key, text in stated[name].items()} for name in chapters()}


def check_in_page() -> str:
    """``docs/teaching/check_in.md``: the questions without their answers."""
    return "\n".join([_CHECKIN_HEAD, *(f"## {name}\n\n{one['question']}\n" for name, one in check_ins().items())])


def written() -> dict[str, str]:
    """Name of each page that is written from here to its text."""
    return {"timetables.md": timetables_page(), "check_in.md": check_in_page()}
