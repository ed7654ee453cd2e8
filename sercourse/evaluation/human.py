"""What people hear: the human ceiling from EMO-DB's perception test.

Twenty listeners named the emotion of each recording. What the figure is: the mean share of listeners who named the
emotion that the actor was asked for. What it is not:

* a bound that a machine cannot pass: a machine is trained on the labels and the sentences, the listeners were not;
* unbiased: of 816 recordings heard, the usual 535 were chosen because at least 80 % of the listeners recognised them,
  so their mean (93.5) says as much about the choice as about people. Over all 816 it is 85.2;
* the WA of a listener: only shares are published, not who said what.

Source: Burkhardt, Paeschke, Rolfes, Sendlmeier and Weiss, A database of German emotional speech, Interspeech 2005,
and the files ``erklaerung.txt`` (the rule of choice) and ``erkennung.txt`` of the corpus.
Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

CAVEAT = (
    "Biased upward: these recordings were chosen because at least 80 % of 20 listeners recognised them, so this is"
    " neither a limit for machines nor what people reach on speech that nobody chose."
)
"""The sentence that belongs beside the figure wherever it is shown."""


@dataclass(frozen=True)
class HumanCeiling:
    """How often listeners named the intended emotion; percent."""

    wa: float
    """Mean over recordings, comparable with WA."""
    ua: float
    """Mean over emotions of their recordings' mean, comparable with UA."""
    n: int
    """Recordings that the perception test covers."""
    uncovered: int
    """Recordings of the corpus without a perception result; left out."""
    wa_all: float
    """Mean over all recordings of the perception test, chosen or not: free of that bias."""
    ua_all: float
    """Mean over emotions of all recordings of the perception test."""
    n_all: int
    """Recordings of the perception test."""
    per_emotion: pd.DataFrame
    """Indexed by emotion: ``recognised`` and ``natural`` (mean percent of listeners), ``n`` recordings."""
    caveat: str = CAVEAT


def human_ceiling(perception: pd.DataFrame, emotions: pd.Series) -> HumanCeiling:
    """Join a perception test to a corpus by utterance id and average.

    Args:
        perception: indexed by utterance id, columns ``emotion``, ``recognised`` and ``natural`` (percent of the
            listeners), as ``sercourse.corpora.emodb.perception_test`` gives; recordings that are not in the corpus
            enter ``wa_all`` and ``ua_all`` only.
        emotions: intended emotion, indexed by utterance id; missing ones are left out.

    Raises:
        ValueError: no utterance of the corpus is in the perception test.
    """
    emotions = emotions.dropna()
    heard = perception.reindex(emotions.index).dropna(subset=["recognised"])
    if heard.empty:
        raise ValueError("no utterance of the corpus is in the perception test; check the utterance ids")
    groups = heard.groupby(emotions.loc[heard.index].rename("emotion"))
    per_emotion = groups[["recognised", "natural"]].mean().assign(n=groups.size())
    return HumanCeiling(
        wa=float(heard["recognised"].mean()),
        ua=float(per_emotion["recognised"].mean()),
        n=len(heard),
        uncovered=len(emotions) - len(heard),
        wa_all=float(perception["recognised"].mean()),
        ua_all=float(perception.groupby("emotion")["recognised"].mean().mean()),
        n_all=int(perception["recognised"].count()),
        per_emotion=per_emotion,
    )
