"""A corpus without the emotions that others lack, by name: ``emodb=four``.

Corpora that are to be compared or trained on together must show the same emotions, or the emotion tells the corpus. A
set comes before conditions of noise (``emodb=four+none+white@0``); several corpora each need their own
(``emodb=four,ravdess=four``), and so does a file of one's own (``csv:my.csv=four``).

Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

import re

import pandas as pd

from sercourse.corpora.corpus_names import parts
from sercourse.errors import CorpusError, did_you_mean

EMOTION_SETS: dict[str, tuple[str, ...]] = {
    "four": ("anger", "happiness", "neutral", "sadness"),
    "seven": ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"),
}
"""Name to emotions. EMO-DB, RAVDESS and nEMO all show the four; each of the seven is shown by two of them or more."""

_NAME = re.compile(r"(?P<base>.+)=(?P<set>[\w-]*)")  # a slash or a dot behind the last "=": part of a path


def parse(name: str) -> tuple[str, tuple[str, ...]] | None:
    """Corpus and emotions of a name; ``None`` for a name without a set.

    Raises:
        CorpusError: there is no such set.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    if found["set"] not in EMOTION_SETS:
        raise CorpusError(
            f"{name}: there is no set of emotions '{found['set']}'; choose among {', '.join(EMOTION_SETS)}."
            f"{did_you_mean(found['set'], EMOTION_SETS)}"
        )
    return found["base"], EMOTION_SETS[found["set"]]


def restrict(table: pd.DataFrame, emotions: tuple[str, ...], name: str) -> pd.DataFrame:
    """The utterances of a table that show one of some emotions; those without a label are dropped.

    Args:
        table: the utterance table.
        emotions: to be kept.
        name: of the corpus with its set, for the error.

    Raises:
        CorpusError: the table shows fewer than two of the emotions, so there is nothing to tell apart.
    """
    kept = table[table["emotion"].isin(emotions)]
    shown = sorted(kept["emotion"].unique())
    if len(shown) < 2:
        raise CorpusError(
            f"{name}: of {', '.join(emotions)} the corpus shows {shown[0] if shown else 'none'}, and two are needed;"
            " choose another set or leave it out."
        )
    return kept


def in_set(corpora: str, name: str) -> str:
    """The name of a corpus, or of several with commas, in a set: ``emodb=four,ravdess=four``.

    Args:
        corpora: names without conditions of noise; :func:`sercourse.corpora.noisy.in_conditions` comes after.
        name: one of :data:`EMOTION_SETS`.
    """
    return ",".join(f"{part}={name}" for part in parts(corpora))
