"""From transcripts to the characters that a network writes.

Notebook: 04_mtlser.ipynb
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import numpy as np
import pandas as pd

from sercourse.errors import UserError
from sercourse.losses.ctc import ENGLISH, SPACE, SPECIAL, UNKNOWN


def plain(text: str) -> str:
    """Small letters, digits and apostrophes with single spaces: what is spoken, without what is only written."""
    text = unicodedata.normalize("NFC", text).casefold().replace("’", "'")
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" or c == "'" else " " for c in text)
    return " ".join(kept.split())


def alphabet(table: pd.DataFrame, choice: str = "auto") -> list[str]:
    """The symbols for the transcripts of some utterances.

    Args:
        table: ``text`` and ``language`` of the training side.
        choice: english, corpus or auto; see :class:`~sercourse.models.mtlser_config.MtlserConfig`.

    Returns:
        :data:`~sercourse.losses.ctc.ENGLISH`, or the special symbols and every character of the texts; empty where
        there is no text.

    Raises:
        UserError: an English alphabet was asked for and a text has other characters.
    """
    texts = table["text"].dropna()
    if texts.empty:
        return []
    english = bool((table.loc[texts.index, "language"] == "en").all())
    if choice == "corpus" or (choice == "auto" and not english):
        return [*SPECIAL, *sorted(set("".join(map(plain, texts))) - {" "})]
    for utterance_id, text in texts.items():
        foreign = set(plain(text)) - set(ENGLISH) - {" "}
        if foreign:
            raise UserError(
                f"{utterance_id}: '{min(foreign)}' in its text is none of the {len(ENGLISH)} English symbols; spell it"
                " out or add --set alphabet=corpus."
            )
    return list(ENGLISH)


def spelt(text: str | None, symbols: Iterable[str]) -> np.ndarray:
    """Classes of a text's characters, int64 ``(L,)``; empty for a missing text. Foreign characters are unknown."""
    if not isinstance(text, str):
        return np.zeros(0, dtype=np.int64)
    numbers = {symbol: number for number, symbol in enumerate(symbols)} | {" ": SPACE}
    return np.array([numbers.get(character, UNKNOWN) for character in plain(text)], dtype=np.int64)
