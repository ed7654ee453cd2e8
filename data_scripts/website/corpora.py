"""The corpus cards as a page."""

from __future__ import annotations

from data_scripts.website.markdown import section, table
from sercourse.corpora.cards import WAYS, Card, card, card_names


def card_section(found: Card) -> str:
    """One corpus: its facts, its traps, its citation."""
    emotions = ", ".join(f"{emotion} {count}" for emotion, count in found.emotions.items())
    facts = [
        ("what", f"{found.style}; {', '.join(found.languages)}"),
        ("speakers", f"{found.speakers} ({found.female} female, {found.male} male)"),
        ("utterances", f"{found.utterances}: {emotions}"),
        ("sentences", found.sentences or "free, or not published"),
        ("audio", f"`{found.layout}`, published at {found.sampling_rate} Hz"),
        ("licence", f"[{found.licence}]({found.licence_url}); {found.redistribute}"),
        ("get it", f"[{WAYS[found.how]}]({found.url}): {_linked(found.way)}"),
        ("cite", found.citation),
    ]
    traps = "\n".join(f"- {' '.join(trap.split())}" for trap in found.traps)
    return section(
        f"{found.name}: {found.title}", table(("", ""), facts), "**Traps**", traps, label=f"corpus-{found.name}"
    )


def corpora_page() -> str:
    """The overview, and a section per card."""
    cards = [card(name) for name in card_names()]
    rows = [
        (
            f"[{one.name}](#corpus-{one.name})", ", ".join(one.languages), one.speakers, one.utterances,
            len(one.emotions), one.licence, WAYS[one.how],
        )
        for one in cards
    ]  # fmt: skip
    intro = (
        "What there is to know about a corpus before it is used; `sercourse corpora NAME` says the same, and counts"
        " what is there on your machine. Counts are those of the complete corpus."
    )
    heads = ("corpus", "languages", "speakers", "utterances", "emotions", "licence", "how to get it")
    return section("Corpus cards", intro, table(heads, rows), *map(card_section, cards), level=1)


def _linked(way: str) -> str:
    return " ".join(f"<{word}>" if word.startswith("http") else word for word in way.split())
