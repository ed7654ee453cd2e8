"""Sentences from a matrix of words, spoken by many synthetic voices: speech to learn writing from.

Each sentence has one of ten words in each of five places ("Nina lost four green cups."), which makes 100 000
sentences from 50 words. A fifth of everybody's utterances are sentences of a common pool, the others are said once in
the whole corpus. So a speaker-independent protocol tests unseen speakers on unseen sentences, and on seen ones beside
them; every word of theirs has been heard in another sentence. (The synthesiser has some fifty voices for the hundred
speakers: a speaker who is tested may share its voice, at another pitch and rate, with one who was learnt from.)

Source: matrix sentence tests of audiology: Hagerman, "Sentences for testing speech intelligibility in noise",
Scandinavian Audiology 11 (1982). The words are ours.
Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sercourse.corpora.synthetic.crowd import LANGUAGES, Script, draw_voice, make_crowd
from sercourse.corpora.table import make_table

WORDS: tuple[tuple[str, ...], ...] = (
    ("Nina", "Oscar", "Ruth", "Kevin", "Alice", "Peter", "Hannah", "Victor", "Julie", "Simon"),
    ("lost", "bought", "sees", "gave", "kept", "wants", "found", "sold", "draws", "washed"),
    ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve"),
    ("green", "old", "cheap", "large", "thin", "brown", "pretty", "heavy", "white", "small"),
    ("cups", "chairs", "rings", "boats", "knives", "flowers", "desks", "shoes", "toys", "maps"),
)
"""Ten words for each place."""

POOL = 20
"""Sentences that everybody may say."""

POOLED = 0.2
"""Share of utterances that are such."""

VOICES, EACH = 100, 40
"""Speakers, and utterances of each."""

PRETRAINED = 300
"""Voices of that crowd."""

_STRIDE = 61_803
"""Has no factor in common with 100 000: counting on by it visits every sentence once, in an order that looks drawn."""


def sentence(number: int) -> str:
    """One of the 100 000 sentences; different numbers below that give different ones."""
    place = number * _STRIDE % 10 ** len(WORDS)
    digits = f"{place:0{len(WORDS)}d}"
    return " ".join(words[int(digit)] for words, digit in zip(WORDS, digits, strict=True)) + "."


def _drawn(number: int, rng: np.random.Generator) -> str:
    """The text of an utterance: of the pool, or its own."""
    if rng.random() < POOLED:
        return sentence(int(rng.integers(POOL)))
    return sentence(POOL + number)


def _heard_before() -> frozenset[str]:
    """Voices of the crowd that the small encoder was pretrained on."""
    return frozenset(draw_voice(n, LANGUAGES, np.random.default_rng([0, 5, n])).voice for n in range(PRETRAINED))


SCRIPT = Script("matrix", ("en", "en-us", "en-gb-x-rp", "en-gb-scotland"), _drawn, stream=(7,), without=_heard_before())
"""Nobody here is one of those whom the small encoder has heard."""


def load(folder: Path) -> pd.DataFrame:
    """Read it as an utterance table, making it where it is not there yet."""
    table = make_crowd(folder, script=SCRIPT, voices=VOICES, utterances=EACH).reset_index()
    table = table.drop(columns=["start", "end"])
    table["language"], table["noise"] = "en", "none"
    return make_table(table, "matrix")
