"""A card per corpus: what it is, whose it is, how to get it, and where it bites.

Cards are YAML files beside this module, checked when they are read. Counts in a card are those of the complete corpus.

Notebook: 00_start_here.ipynb
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from sercourse.corpora.corpus_names import CSV
from sercourse.corpora.table import EMOTIONS
from sercourse.errors import CorpusError

WAYS = {
    "fetch": "anybody may fetch it",
    "form": "its owners ask for a form or a registration",
    "made": "made on this machine at first use",
}
"""How a corpus is got, for a card's ``how``."""


@dataclass(frozen=True, kw_only=True)
class CardFile:
    """One file to fetch."""

    name: str
    """File name in the publisher's record."""
    size: int | None = None
    """Bytes; ``None`` where not published."""
    md5: str | None = None
    """Published checksum; ``None`` where there is none (then the record's own metadata decide)."""
    sha256: str | None = None
    """Published checksum; ``None`` where there is none."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """What there is to know about a corpus before it is used."""

    name: str
    """Name in sercourse, e.g. ``emodb``."""
    folder: str
    """Folder below ``SERCOURSE_DATA``."""
    title: str
    """Name in full."""
    languages: tuple[str, ...]
    """ISO 639-1 codes."""
    style: str
    """Acted, improvised, from talk shows, …"""
    female: int
    """Number of female speakers."""
    male: int
    """Number of male speakers."""
    utterances: int
    """In the complete corpus."""
    emotions: Mapping[str, int]
    """Utterances per emotion in the complete corpus, in sercourse's vocabulary."""
    sentences: int | None
    """Number of different sentences; ``None`` where it is not published or the wording is free."""
    sampling_rate: int
    """Hz, as published."""
    licence: str
    """Short name of the licence."""
    licence_url: str
    """Where the licence can be read."""
    redistribute: str
    """What may be passed on."""
    citation: str
    """How its authors want it cited."""
    url: str
    """Where it is got or asked for."""
    how: str
    """``fetch``, ``form`` or ``made``."""
    layout: str
    """Where its audio files lie below the folder."""
    traps: tuple[str, ...]
    """What gave wrong results to others."""
    files: tuple[CardFile, ...] = field(default=())
    """What to fetch."""

    def __post_init__(self) -> None:
        total = sum(self.emotions.values())
        unknown = [emotion for emotion in self.emotions if emotion not in EMOTIONS]
        checks = {
            "languages": all(len(code) in (2, 3) and code.islower() for code in self.languages) and self.languages,
            "emotions": not unknown and total == self.utterances,
            "how": self.how in WAYS,
            "url": self.url.startswith("https://") or self.url.startswith("http://"),
            "licence_url": self.licence_url.startswith("https://") or self.licence_url.startswith("http://"),
            "female": self.female >= 0,
            "male": self.male >= 0 and self.male + self.female > 0,
            "sampling_rate": 8000 <= self.sampling_rate <= 192_000,
        }
        for name, good in checks.items():
            if not good:
                hint = f" (unknown: {unknown}; sum {total}, utterances {self.utterances})" if name == "emotions" else ""
                raise CorpusError(f"card of {self.name}: {name} = {getattr(self, name)!r} is not allowed{hint}.")

    @property
    def speakers(self) -> int:
        """Number of speakers."""
        return self.female + self.male

    @property
    def way(self) -> str:
        """What to do to get the corpus, as half a sentence."""
        if self.how == "made":
            return "it is made at first use"
        if self.how == "form":
            return f"ask for it at {self.url} and unpack it there ({self.layout})"
        return f"fetch it with `python data_scripts/fetch.py {self.folder}`"

    def summary(self) -> str:
        """The card as text of about 100 columns, for ``sercourse corpora NAME``."""
        counts = ", ".join(f"{emotion} {count}" for emotion, count in self.emotions.items())
        sentences = f"; {self.sentences} sentences" if self.sentences else ""
        lines = {
            "what": f"{self.style}; {', '.join(self.languages)}{sentences}",
            "speakers": f"{self.speakers} ({self.female} female, {self.male} male)",
            "utterances": f"{self.utterances} when complete: {counts}",
            "audio": f"{self.layout}, published at {self.sampling_rate} Hz",
            "licence": f"{self.licence} ({self.licence_url}); {self.redistribute}",
            "get it": f"{self.way}; {self.url}",
            "cite": self.citation,
        }
        body = [_wrap(f"{label:<12}", text) for label, text in lines.items()]
        traps = [_wrap(f"{'traps' if i == 0 else '':<12}", f"- {trap}", 2) for i, trap in enumerate(self.traps)]
        return "\n".join([f"{self.name}: {self.title}", *body, *traps])


def _wrap(label: str, text: str, hang: int = 0) -> str:
    indent = " " * (len(label) + hang)
    return textwrap.fill(
        text, 100, initial_indent=label, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


@cache
def card(name: str) -> Card:
    """Read and check the card of a corpus.

    Args:
        name: one of :func:`card_names`.

    Raises:
        CorpusError: there is no such card, or its file has a missing, unknown or wrong field.
    """
    if name not in card_names():
        if name.startswith(CSV):
            raise CorpusError(f"{name}: one's own recordings have no card; give the name of a corpus.")
        raise CorpusError(f"there is no corpus '{name}'; there are {', '.join(card_names())}.")
    text = (files("sercourse.corpora") / "cards" / f"{name}.yaml").read_text("utf-8")
    return parse_card(text, f"{name}.yaml")


@cache
def card_names() -> tuple[str, ...]:
    """Names of all corpora that have a card, sorted."""
    folder = files("sercourse.corpora") / "cards"
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def parse_card(text: str, source: str) -> Card:
    """Turn YAML into a checked card.

    Args:
        text: the YAML.
        source: its file name, for errors; without its suffix it must equal the card's ``name``.

    Raises:
        CorpusError: not YAML, or a field is missing, unknown or wrong.
    """
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CorpusError(f"{source}: is not YAML ({' '.join(str(error).split())}).") from None
    values = _check_types(Card, raw, source)
    values["files"] = tuple(CardFile(**_check_types(CardFile, file, source)) for file in values.get("files", ()))
    made = Card(**values)
    if f"{made.name}.yaml" != source:
        raise CorpusError(f"{source}: name is '{made.name}'; it must equal the file's name.")
    return made


_TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "int | None": (int, type(None)),
    "str | None": (str, type(None)),
    "tuple[str, ...]": list,
    "tuple[CardFile, ...]": list,
    "Mapping[str, int]": dict,
}


def _check_types(kind: type, raw: Any, source: str) -> dict[str, Any]:
    """Check a mapping against a dataclass's fields; lists become tuples."""
    known = {f.name: f for f in fields(kind)}
    if not isinstance(raw, dict):
        raise CorpusError(f"{source}: {kind.__name__} must be a mapping of {', '.join(known)}.")
    for name in raw:
        if name not in known:
            raise CorpusError(f"{source}: there is no field '{name}'; there are {', '.join(known)}.")
    for name, spec in known.items():
        if name not in raw:
            if spec.default is MISSING:
                raise CorpusError(f"{source}: the field '{name}' is missing.")
            continue
        if not isinstance(raw[name], _TYPES[spec.type]) or isinstance(raw[name], bool):
            raise CorpusError(f"{source}: {name} = {raw[name]!r} should be {spec.type}.")
    return {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}
