"""Two systems on the same test utterances: effect, interval, p-value, and what could have been detected.

Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from sercourse.errors import UserError
from sercourse.evaluation import metrics
from sercourse.evaluation.bootstrap import bootstrap_difference
from sercourse.evaluation.significance import (
    average_repeats,
    cohens_d_paired,
    corrected_ttest,
    detectable_difference,
)


@dataclass(frozen=True)
class Comparison:
    """B against A; percent and points. The effect and its interval are the result."""

    a: str
    b: str
    metric: str
    """"wa" or "ua"."""
    value_a: float
    """Pooled over all test utterances."""
    value_b: float
    effect: float
    """B minus A in points, pooled."""
    low: float
    high: float
    """Interval of the effect by bootstrap over speakers."""
    level: float
    over: str
    """What the bootstrap drew: "10 speakers"."""
    p: float
    """Of the corrected resampled t-test over fold differences; NaN where no test is possible."""
    detectable: float
    """Points: the true difference that this test would find four times in five; NaN where no test is possible."""
    effect_size: float
    """Cohen's d_z of the fold differences; NaN where no test is possible."""
    folds: int
    """Fold differences that entered the test."""
    notices: tuple[str, ...] = ()

    def sentence(self) -> str:
        """The result in plain English."""
        name = self.metric.upper()
        better = "better" if self.effect > 0 else "worse"
        if round(abs(self.effect), 1) == 0:
            opening = f"{self.b} and {self.a} have the same {name}, {self.value_b:.1f} %"
        else:
            opening = (
                f"{self.b} is {abs(self.effect):.1f} points of {name} {better} than {self.a}"
                f" ({self.value_b:.1f} against {self.value_a:.1f} %)"
            )
        interval = f"{self.level:.0%} interval {self.low:+.1f} to {self.high:+.1f} over {self.over}"
        if np.isnan(self.p):
            why = "A single fold allows" if self.folds < 2 else "The folds all differ by the same amount, which allows"
            return f"{opening}; {interval}. {why} no test."
        shown = "p < .001" if self.p < 0.001 else f"p = {self.p:.3f}".replace("0.", ".")
        test = f"{shown} in the corrected t-test over {self.folds} folds"
        return (
            f"{opening}; {interval}; {test}, which finds a difference of {self.detectable:.1f} points"
            " four times in five."
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON: as the fields, NaN and infinity as ``None``, with the sentence."""
        fields = {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in asdict(self).items()}
        return fields | {"notices": list(self.notices), "sentence": self.sentence()}


def compare(
    a: pd.DataFrame,
    b: pd.DataFrame,
    *,
    names: tuple[str, str] = ("A", "B"),
    metric: str = "ua",
    ratio: float | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare two systems on the same utterances in the same folds; predictions are joined by id, never by position.

    Repeats on the same folds (loso with several seeds) are averaged within each fold before the test, for seeds add no
    folds; repeats that drew new folds (kfold with several seeds) count as further folds. A system that was run once
    is set beside every repeat of the other.

    Args:
        a: predictions of system A: ``utterance_id`` (column or index), ``emotion, predicted, fold`` and, where
            present, ``repeat, speaker``.
        b: predictions of system B.
        names: what the sentence calls them.
        metric: "wa" or "ua".
        ratio: ``Protocol.test_train_ratio``; ``None``: each fold's tested utterances over all others, mean. So a
            validation side counts as learnt from, for it chooses the epoch; without it, p would be a little larger.
        level: of the interval.
        seed: of the bootstrap.

    Raises:
        UserError: the two tested different utterances, with other labels or in other folds.
    """
    a, b = _aligned(a, b, names)
    speakers = a.get("speaker")
    interval = bootstrap_difference(
        a["emotion"], a["predicted"], b["predicted"], speakers, metric=metric, level=level, seed=seed
    )
    measure = {"wa": metrics.wa, "ua": metrics.ua}[metric]
    differences, sizes = _fold_differences(a, b, measure)
    notices = [interval.notice] if interval.notice else []
    p = detectable = size = float("nan")
    if len(differences) > 1 and not np.allclose(differences, differences[0]):
        used = float(np.mean(sizes / (a["utterance_id"].nunique() - sizes))) if ratio is None else ratio
        p = corrected_ttest(differences, used).p
        detectable = detectable_difference(float(differences.std(ddof=1)), len(differences), used)
        size = cohens_d_paired(differences)
    return Comparison(
        a=names[0],
        b=names[1],
        metric=metric,
        value_a=measure(a["emotion"], a["predicted"]),
        value_b=measure(b["emotion"], b["predicted"]),
        effect=interval.value,
        low=interval.low,
        high=interval.high,
        level=level,
        over=interval.over,
        p=p,
        detectable=detectable,
        effect_size=size,
        folds=len(differences),
        notices=tuple(notices),
    )


def _aligned(a: pd.DataFrame, b: pd.DataFrame, names: tuple[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both with one row per repeat and utterance, in the same order."""
    a, b = (t if "utterance_id" in t else t.rename_axis("utterance_id").reset_index() for t in (a, b))
    a, b = (t.assign(repeat=t.get("repeat", 0), utterance_id=t["utterance_id"].astype(str)) for t in (a, b))
    if a["repeat"].nunique() == 1 < b["repeat"].nunique():
        a = pd.concat([a.assign(repeat=number) for number in b["repeat"].unique()])
    elif b["repeat"].nunique() == 1 < a["repeat"].nunique():
        b = pd.concat([b.assign(repeat=number) for number in a["repeat"].unique()])
    keys = ["repeat", "utterance_id"]
    a, b = (t.sort_values(keys, ignore_index=True) for t in (a, b))
    both = f"{names[0]} and {names[1]}"
    if not a[keys].equals(b[keys]):
        apart = set(a["utterance_id"]) ^ set(b["utterance_id"])
        culprit = f"'{min(apart)}' was tested by one alone" if apart else "their repeats differ"
        raise UserError(f"{both} cannot be compared: {culprit}; run both on the same corpus with the same protocol.")
    for column in ("emotion", "fold"):
        differs = a[column].astype(str) != b[column].astype(str)
        if differs.any():
            raise UserError(
                f"{both} cannot be compared: '{a.loc[differs, 'utterance_id'].iloc[0]}' has another {column} in each;"
                " run both on the same corpus with the same protocol and seed."
            )
    return a, b


def _fold_differences(a: pd.DataFrame, b: pd.DataFrame, measure: Callable[..., float]) -> tuple[np.ndarray, np.ndarray]:
    """B minus A for every fold, and how many utterances each tested."""
    keys = [a["repeat"], a["fold"].astype(str)]
    values = pd.Series({k: measure(t["emotion"], t["predicted"]) for k, t in b.groupby(keys)}) - pd.Series(
        {k: measure(t["emotion"], t["predicted"]) for k, t in a.groupby(keys)}
    )
    contents = a.groupby(keys)["utterance_id"].agg(frozenset)
    sizes = contents.map(len)
    drawn = contents.groupby(level=0).agg(frozenset)  # the fold lists of each repeat
    if drawn.nunique() == 1:
        shape = (len(drawn), -1)
        return average_repeats(values.to_numpy().reshape(shape)), sizes.to_numpy().reshape(shape)[0]
    return values.to_numpy(), sizes.to_numpy()
