"""Chapter 05: what a text alone tells of the emotion in the voice, by a linear probe on a frozen sentence encoder.

A sentence that is said in one emotion only can be learnt by heart from one speaker and recognised from another one. So
each row is judged twice: speakers apart, and sentences apart.

Source: Wen et al. 2023, section 5.3.1, whose IEMOCAP has free speech; EMO-DB has ten fixed sentences.
Notebook: 05_mtap.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from rich.table import Table
from sklearn.model_selection import StratifiedGroupKFold

from sercourse.errors import UserError
from sercourse.evaluation.bootstrap import bootstrap_interval
from sercourse.evaluation.probes import Probe, pooled, probe
from sercourse.experiments.cells import Bench
from sercourse.experiments.mtap import CHAPTER
from sercourse.experiments.mtap_part import utterances
from sercourse.features.store import FeatureStore
from sercourse.models.multitask import MAIN
from sercourse.training.modalities import MINILM, text_at_hand, text_vectors

FOLDS = 10
"""At most; with ten speakers or ten sentences each is left out in turn. There are no more than an emotion has sentences
of its own, for else the training side would lack the very emotions that are tested, and no more than the most frequent
emotion has utterances, which scikit-learn refuses to deal out."""

APART: dict[str, str] = {"speakers apart": "speaker", "sentences apart": "text"}
"""Name to the column whose values training and test never share."""


def text(bench: Bench) -> dict:
    """UA and WA of the emotion from text alone, speakers apart and sentences apart.

    Args:
        bench: how to measure; EMO-DB where no corpus is named.

    Returns:
        ``rows``: of all utterances, or where the corpus says which words suggest an emotion (``wording``) of the plain
        ones and of the others by language: ``utterances``, ``sentences``, and for each of :data:`APART` its ``folds``
        and, in percent, ``wa, ua, majority, chance, ua_interval``, with ``interval_over`` (what was drawn) and
        ``notice`` (why the interval is to be mistrusted, or nothing).

    Raises:
        UserError: the corpus has no transcripts, or the extra `text` is not installed.
    """
    bench = replace(bench, corpus=bench.corpus or "emodb")
    encoder = text_at_hand(MINILM)
    table = utterances(bench.corpus)
    table = table[table[MAIN].notna() & table["text"].fillna("").str.strip().astype(bool)]
    if table["text"].nunique() < 2:
        raise UserError(f"{bench.corpus}: has fewer than two sentences to tell apart; take emodb or synthetic.")
    vectors = text_vectors(table["text"], encoder, FeatureStore())
    rows = {}
    for name, part in parts(table).items():
        rows[name] = {"utterances": len(part), "sentences": int(part["text"].nunique())}
        rows[name] |= {way: judged(part, vectors, column, bench.seed) for way, column in APART.items()}
    if bench.console is not None:
        shown = Table(f"{bench.corpus}, {encoder}", *(f"{way}: UA [95 %]" for way in APART), "guessing", box=None)
        for name, row in rows.items():
            found = [row[way] for way in APART]
            chance = next((f"{one['chance']:.1f}" for one in found if one), "")
            shown.add_row(name, *map(_shown, found), chance)
        bench.console.print(shown)
        for sentence in notices(rows):
            bench.say(sentence)
    about = {"artifact": f"{CHAPTER}/text", "corpus": bench.corpus, "seed": bench.seed, "encoder": encoder}
    return about | {"rows": rows}


def parts(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of the table, by what their words can tell."""
    if "wording" not in table:
        return {"all utterances": table}
    loaded = table[table["wording"] != "neutral"]
    found = {"plain sentences": table[table["wording"] == "neutral"]}
    return found | {f"with feeling, {language}": part for language, part in loaded.groupby("language")}


def notices(rows: Mapping[str, Mapping]) -> list[str]:
    """Which intervals are to be mistrusted, and why; results that were stored before there was a ``notice`` have none.

    Args:
        rows: of a result of :func:`text`.
    """
    found = {(name, way): row[way].get("notice") for name, row in rows.items() for way in APART if row.get(way)}
    return [f"{name}, {way}: {notice}" for (name, way), notice in found.items() if notice]


def judged(table: pd.DataFrame, vectors: dict[str, np.ndarray], apart: str, seed: int = 0) -> dict | None:
    """A linear probe of the emotion over folds, pooled; ``None`` where there is nothing to set apart, or a training
    side would show one emotion alone.

    Args:
        table: utterances with a text.
        vectors: of the texts, by utterance id.
        apart: column whose values training and test never share.
        seed: of the interval, for which the values of ``apart`` are drawn: speakers, or sentences.
    """
    known = table[table[apart].notna()]
    if known.empty:
        return None
    apiece = known.groupby(MAIN)[apart].nunique().min() if apart == "text" else known[apart].nunique()
    folds = int(min(FOLDS, apiece, known[MAIN].value_counts().max()))
    if folds < 2:
        return None
    features = np.stack([vectors[i] for i in known.index])  # (N, D)
    labels, probes, order = known[MAIN].to_numpy(dtype=object), [], []
    for train, test in StratifiedGroupKFold(folds).split(features, labels, known[apart]):
        if len(set(labels[train])) < 2:
            return None
        probes.append(probe(features[train], labels[train], features[test], labels[test]))
        order.extend(test)
    found: Probe = pooled(probes)
    drawn = known[apart].iloc[order]
    interval = bootstrap_interval(found.truth, found.predicted, drawn, metric="ua", seed=seed)
    over, notice = interval.over, interval.notice
    if apart == "text":  # the bootstrap calls what it draws speakers
        over, notice = (told.replace("speaker", "sentence") for told in (over, notice))
    figures = {name: getattr(found, name) for name in ("wa", "ua", "majority", "chance")}
    interval = {"ua_interval": [interval.low, interval.high], "interval_over": over, "notice": notice}
    return {"folds": folds} | figures | interval


def _shown(found: dict | None) -> str:
    return "–" if found is None else "{:.1f} [{:.1f}, {:.1f}]".format(found["ua"], *found["ua_interval"])
