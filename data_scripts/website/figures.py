"""What hand-written pages may show of measured figures: ``{{name}}`` or ``{{name argument}}`` in a page of ``docs/``.

No figure is typed there. What was not measured says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from data_scripts import course, readme
from data_scripts.course import ROOT
from data_scripts.website import networks
from data_scripts.website.explorers import explorer_list
from data_scripts.website.markdown import NOT_RUN, table
from data_scripts.website.measured import stored
from data_scripts.website.notebooks import FOLDER
from data_scripts.website.papers import chapter_names
from sercourse.experiments.cells import RESULTS

WRITTEN: tuple[str, ...] = ("index.md", "believe.md", "explorers.md", "glossary.md", "models.md")
"""Pages of ``docs/`` that link to pages which are only made here."""

_PLACE = re.compile(r"\{\{(\w+)((?: [\w/,.+=@-]+)*)\}\}")


def fill(text: str, page: str) -> str:
    """A page with its figures.

    Args:
        text: Markdown.
        page: its name, for errors.

    Raises:
        ValueError: the page asks for something that :data:`PLACES` does not have.
    """

    def one(match: re.Match) -> str:
        if match[1] not in PLACES:
            raise ValueError(f"{page}: {match[0]} is unknown; known are {', '.join(PLACES)}.")
        return PLACES[match[1]](*match[2].split())

    return _PLACE.sub(one, text)


def introduction() -> str:
    """What the course is: the first paragraph of the README."""
    paragraphs = (ROOT / "README.md").read_text("utf-8").split("\n\n")
    return next(one for one in paragraphs if one.startswith("**sercourse**"))


def chapters() -> str:
    """The chapters with their times, and their pages of results where they have some."""
    results = set(chapter_names())
    rows = [
        (
            f"[{chapter['name']}]({FOLDER}/{chapter['name']}.ipynb)", chapter["what"], chapter["reading"],
            chapter["cpu"], f"[tables](results/{chapter['name'][3:]}.md)" if chapter["name"] in results else "",
        )
        for chapter in course.chapters().values()
    ]  # fmt: skip
    return table(("chapter", "what you build", "reading", "CPU (2 cores)", ""), rows)


def chapter_tree() -> str:
    """The chapters as Sphinx's table of contents."""
    return "\n".join(f"{FOLDER}/{name}" for name in course.chapters())


def other_tree() -> str:
    """The pages of ``docs/`` that no other table of contents lists; a folder's ``index`` comes first in it."""
    docs = ROOT / "docs"
    files = (file.relative_to(docs) for file in docs.rglob("*.md"))
    named = [file.with_suffix("").as_posix() for file in files if file.name not in WRITTEN or len(file.parts) > 1]
    return "\n".join(sorted(named, key=lambda name: name.removesuffix("index")))


def chapter(name: str) -> str:
    """A link to a chapter; without a page its name only.

    Args:
        name: its file name without the ending.
    """
    return f"[{name[:2]}]({FOLDER}/{name}.ipynb)" if name in course.chapters() else f"{name[:2]} (in the making)"


def ladder() -> str:
    """The protocol lesson: the same crops, features and classifier under three protocols."""
    found = stored("signal_preprocessing/protocols")
    if not found:
        return NOT_RUN
    rows = [
        (row["protocol"], row["wa"], row["ua"], f"{row['ua_low']:.1f} to {row['ua_high']:.1f}")
        for row in found[0]["rows"]
    ]
    return table(("protocol", "WA", "UA", "95 % interval of UA"), rows)


def ladder_gap() -> str:
    """Points of UA between the first rung of the ladder and the last."""
    found = stored("signal_preprocessing/protocols")
    return f"{found[0]['rows'][0]['ua'] - found[0]['rows'][-1]['ua']:.1f}" if found else NOT_RUN


def baseline(corpus: str, features: str, classifier: str, protocol: str, figure: str, norm: str = "plain") -> str:
    """One figure of the reference baselines.

    Args:
        corpus, features, classifier, protocol: which row.
        figure: wa, ua, interval (of the UA), speakers (over which it was drawn), worst or best (UA of a speaker).
        norm: plain, or speaker: with z-scores per speaker.
    """
    wanted = (corpus, features, classifier, protocol, norm == "speaker")
    for row in (row for one in stored("signal_preprocessing/baselines") for row in one["rows"]):
        if tuple(row[k] for k in ("corpus", "features", "classifier", "protocol", "speaker_norm")) == wanted:
            interval, gap = row["ua_interval"], row["gaps"]["speaker"]
            return {
                "wa": f"{row['wa']:.1f}",
                "ua": f"{row['ua']:.1f}",
                "interval": f"{interval['low']:.1f} to {interval['high']:.1f}",
                "speakers": interval["over"],
                "worst": f"{gap['groups'][gap['worst']]['ua']:.1f}",
                "best": f"{gap['groups'][gap['best']]['ua']:.1f}",
            }[figure]
    return NOT_RUN


def epochs() -> str:
    """Networks whose test figures were kept after every epoch: the epoch of validation, and the one of test."""
    rows = []
    for file in sorted(RESULTS.glob("*/cells/*.json")):
        cell = json.loads(file.read_text("utf-8"))
        if cell.get("wa_epoch_of_test") is not None:
            honest, peeked = cell["wa_epoch_of_validation"], cell["wa_epoch_of_test"]
            rows.append((f"`{cell['run']}`", cell["protocol"], honest, peeked, f"{peeked - honest:+.1f}"))
    heads = ("run", "protocol", "WA, epoch of validation", "WA, epoch of test", "bought by looking")
    return table(heads, rows) if rows else NOT_RUN


def effect(artifact: str, row: str, reference: str) -> str:
    """A stored comparison as its sentence: effect, interval, p-value, and what could have been detected.

    Args:
        artifact: ``CHAPTER/NAME``; of several corpora the first.
        row: of the table.
        reference: what it is compared with, underscores for spaces.
    """
    found = stored(artifact)
    row_found = (found[0]["rows"].get(row) or {}) if found else {}
    compared = row_found.get("above", {}).get(reference.replace("_", " "))
    return compared["sentence"] if compared else NOT_RUN


def silence(amount: str, channel: str, part: str) -> str:
    """UA of telling the language, from speech or from what is not speech.

    Args:
        amount: all, or 50ms.
        channel: recorded or telephone.
        part: silence or speech.
    """
    wanted = (amount.replace("50ms", "50 ms"), channel.replace("recorded", "as recorded"), part)
    for row in (row for one in stored("msfl/silence") for row in one["rows"]):
        if (row["amount"], row["channel"], row["part"]) == wanted:
            return f"{row['ua']:.0f}"
    return NOT_RUN


def shipped_encoder() -> str:
    """The card of the encoder that ships with the library, one heading down."""
    text = (ROOT / "sercourse/weights/mini_wav2vec2/README.md").read_text("utf-8")
    return re.sub(r"^(#+) ", r"#\1 ", text, flags=re.MULTILINE)


def pretraining() -> str:
    """What the shipped encoder is worth on recordings of people."""
    rows = [
        (one["corpus"], one["protocol"], name, row["wa"], row["ua"])
        for one in stored("mtlser/pretraining")
        for name, row in one["rows"].items()
    ]
    return table(("corpus", "protocol", "what the linear machine hears", "WA", "UA"), rows) if rows else NOT_RUN


PLACES: dict[str, Callable[..., str]] = {
    "introduction": introduction,
    "chapters": chapters,
    "chapter_tree": chapter_tree,
    "other_tree": other_tree,
    "chapter": chapter,
    "baselines": readme.baseline_table,
    "networks": readme.network_table,
    "baseline": baseline,
    "ladder": ladder,
    "ladder_gap": ladder_gap,
    "epochs": epochs,
    "effect": effect,
    "silence": silence,
    "sizes": networks.sizes,
    "measured": networks.measured,
    "shipped_encoder": shipped_encoder,
    "pretraining": pretraining,
    "explorers": explorer_list,
}
"""What may stand between the braces."""
