"""A map as one HTML file: look, click, listen, without a kernel, a server or a network.

Colours, labels, sound and spectrograms are all inside. Sound is there only where the corpus may be passed on: whoever
has the file has the recordings. The page itself is ``page.html`` beside this module; what is filled in is JSON.

Notebook: 07_explorer.ipynb
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

from sercourse.corpora.cards import Card, card, card_names
from sercourse.corpora.corpus_names import CSV, base_name, parts
from sercourse.errors import AudioError
from sercourse.explain.colourings import COLOURINGS, check_colour, classes_of, short_speakers, told_by
from sercourse.explain.own_page import filled, write_html
from sercourse.explain.players import mp3
from sercourse.explain.projections import Projection
from sercourse.explain.thumbnail import picture
from sercourse.signal.audio import read_audio

PICTURES, SOUNDS = 300, 2000
"""Utterances up to which a page has spectrograms, and sound: 3 kB and 10 kB each."""

_FREE = re.compile(r"CC0|CC BY \d")  # not CC BY-NC, -ND, -SA: a page is changed and may be sold


def write_page(
    file: Path,
    projection: Projection,
    table: pd.DataFrame,
    *,
    corpus: str,
    title: str,
    colour: str = "emotion",
    notes: Sequence[str] = (),
    audio: bool = True,
) -> Path:
    """Write the page.

    Args:
        file: where to; its folder is made.
        projection: the points.
        table: a row per point, as :func:`~sercourse.explain.layers.vectors_of` gives it; ``path, start, end`` say
            where the sound is. Columns that are absent or empty are left out.
        corpus: where the utterances are from: its card decides whether they may be heard.
        title: in the heading.
        colour: what colours the points at first, one of :data:`COLOURINGS`.
        notes: sentences below the heading.
        audio: False: no sound and no spectrograms, whatever the card says.

    Raises:
        UserError: no such colouring, or the file cannot be written.
        ValueError: another number of rows than of points.
    """
    if len(table) != len(projection.points):
        raise ValueError(f"{len(projection.points)} points and {len(table)} rows: give one row per point")
    table = table.assign(speaker=short_speakers(table["speaker"]))
    colourings = {name: classes_of(table[name]) for name in told_by(table)}
    check_colour(colour, tuple(colourings))
    silent = silent_because(corpus, len(table)) if audio else "This page was made without sound."
    spread = np.ptp(projection.points, axis=0)
    found = {
        "title": title,
        "notes": [*notes, _projected(projection)],
        "credits": sources(corpus, heard=not silent),
        "colour": colour,
        "colourings": {name: {"label": COLOURINGS[name], "classes": one} for name, one in colourings.items()},
        "silent": silent,
        "proportion": float(spread[0] / spread[1]) if projection.method == "pca" and spread.all() else None,
        "rows": list(
            _rows(projection, table if _told(corpus) else table.assign(text=None), colourings, heard=not silent)
        ),
    }
    template = (files("sercourse.explain") / "page.html").read_text("utf-8")
    return write_html(file, filled(template, title=html.escape(title), data=for_script(found)))


def silent_because(corpus: str, utterances: int = 0) -> str:
    """Why a page of a corpus has no sound; "" where it may have some.

    Args:
        corpus: as :func:`sercourse.corpora.load` takes it; of several all must allow it.
        utterances: on the page.
    """
    if utterances > SOUNDS:
        return f"No sound: {utterances} recordings are too many for one page."
    for name, found in _cards(corpus):
        if found is None:
            return f"No sound: {name} has no card that says whether its recordings may be passed on."
        if not _FREE.match(found.licence):
            told = f"{found.title} is under “{found.licence}” ({found.redistribute})"
            return f"No sound: {told}, and whoever has this page would have the recordings."
    return ""


def sources(corpus: str, *, heard: bool) -> list[str]:
    """What a page must say about a corpus: its source, and what may be done with the page."""
    known = [found for _, found in _cards(corpus) if found is not None]
    told = [f"Utterances: {found.citation.strip()} Licence: {found.licence}, {found.licence_url}." for found in known]
    if not heard:
        what = "Labels and transcripts" if _told(corpus) else "Labels"
        told += [f"{what}: {found.title}, {found.redistribute}." for found in known]
    return told


def without_folders(corpus: str) -> str:
    """A corpus's name as others may read it: of ``csv:`` only the file's own name."""
    named = (CSV + Path(part.removeprefix(CSV)).name if part.startswith(CSV) else part for part in parts(corpus))
    return ",".join(named)


def for_script(content: dict) -> str:
    """JSON that may stand inside ``<script>``: no text in it can end the element or begin a comment."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _cards(corpus: str) -> Iterator[tuple[str, Card | None]]:
    """Name and card of every corpus in a name; ``None`` where there is no card."""
    for part in parts(corpus):
        name = base_name(part)
        yield without_folders(part), card(name) if name in card_names() else None


def _told(corpus: str) -> bool:
    """Whether what was said may stand on a page that others get: as with sound, the cards decide."""
    return all(found and found.redistribute.startswith("may be passed on") for _, found in _cards(corpus))


def _projected(projection: Projection) -> str:
    """The projection in a sentence."""
    far = "what is far apart on the map is far apart there, too"
    kept = far if projection.method == "pca" else "sizes of islands and distances between them say little"
    return f"{projection.describe()}: how far neighbours on the map are neighbours in the layer, 1 at best; {kept}."


def _rows(projection: Projection, table: pd.DataFrame, colourings: dict[str, list], *, heard: bool) -> Iterator[dict]:
    """One utterance after the other as the page knows it."""
    low, spread = projection.points.min(0), np.ptp(projection.points, axis=0)
    places = (projection.points - low) / np.where(spread > 0, spread, 1)
    numbers = {name: {one["name"]: k for k, one in enumerate(classes)} for name, classes in colourings.items()}
    for (utterance, row), (x, y) in zip(table.iterrows(), places):
        told = {name: None if pd.isna(row.get(name)) else str(row[name]) for name in (*COLOURINGS, "text")}
        sure = row.get("confidence")
        classes = {name: known.get(told[name], len(known) - 1) for name, known in numbers.items()}
        one = {"id": str(utterance), "x": round(float(x), 4), "y": round(float(y), 4), "classes": classes, **told}
        one["confidence"] = None if pd.isna(sure) else round(float(sure), 3)
        yield one | (_sound(row, pictured=len(table) <= PICTURES) if heard else {})


def _sound(row: pd.Series, *, pictured: bool) -> dict[str, str]:
    """An utterance's recording and spectrogram, or why there is none."""
    try:
        waveform = read_audio(row["path"], row.get("start", 0.0), row.get("end"))
    except AudioError as error:
        return {"silent": str(error).removeprefix(f"{row['path']}: ")}  # a path is nobody else's business
    found = {"sound": base64.b64encode(mp3(waveform)).decode()}
    return found | ({"picture": base64.b64encode(picture(waveform)).decode()} if pictured else {})
