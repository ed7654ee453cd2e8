"""Which features matter? What the attention says, what other methods say, and whether any of them is right.

Attention is a number between the layers of a network; that it explains a judgement is a claim, to be tested as any
other: take away what it ranks first, and see whether the judgement falls more than without as many random features.

Source: Ma and Wang 2022 (the ranking); Samek et al. 2017 (deletion); Sundararajan et al. 2017 (integrated gradients);
Jain and Wallace 2019 (attention is not explanation); Adebayo et al. 2018 (random labels).
Notebook: 06_msfl.ipynb
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from sercourse.errors import UserError
from sercourse.evaluation.metrics import ua
from sercourse.features.names import parts
from sercourse.models.multitask import MAIN, MultiTaskModel

TOP = 10
"""Features at the head of a ranking that the paper compares."""


@dataclass(frozen=True)
class Reader:
    """A network over vectors of functionals, asked without labels.

    Attributes:
        network: takes ``functionals (B, D)`` and has a ``scale``.
    """

    network: MultiTaskModel

    @torch.inference_mode()
    def output(self, functionals: np.ndarray, name: str) -> np.ndarray:
        """One of the network's outputs for rows of functionals ``(N, D)``."""
        self.network.eval()
        return self.network({"functionals": torch.tensor(functionals)})[name].float().numpy()

    def judged(self, functionals: np.ndarray) -> np.ndarray:
        """The emotions by name, ``(N,)``."""
        return np.array(self.network.classes[MAIN])[self.output(functionals, MAIN).argmax(1)]

    @property
    def neutral(self) -> np.ndarray:
        """What stands in for a feature that is taken away: its mean over the training utterances, ``(D,)``."""
        return self.network.scale.mean.numpy()


def permutation_importance(
    reader: Reader, functionals: np.ndarray, emotions: Sequence[str], *, seed: int = 0
) -> np.ndarray:
    """Points of UA that are lost when one feature is shuffled among the utterances, ``(D,)``.

    Args:
        reader: the network.
        functionals: ``(N, D)``.
        emotions: true ones, ``(N,)``.
        seed: of the shuffling, the same for all features.

    Source: Breiman 2001.
    """
    order = np.random.default_rng(seed).permutation(len(functionals))
    whole = ua(emotions, reader.judged(functionals))
    lost = np.empty(functionals.shape[1])
    for feature in range(functionals.shape[1]):
        changed = functionals.copy()
        changed[:, feature] = functionals[order, feature]
        lost[feature] = whole - ua(emotions, reader.judged(changed))
    return lost


def integrated_gradients(reader: Reader, functionals: np.ndarray, *, steps: int = 32) -> np.ndarray:
    """Mean size of each feature's share in the winning emotion's logit, from the neutral vector on, ``(D,)``.

    Args:
        reader: the network.
        functionals: ``(N, D)``.
        steps: of the path's integral.
    """
    from captum.attr import IntegratedGradients  # here: it takes a second to import

    class Emotion(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return reader.network({"functionals": x})[MAIN]

    reader.network.eval()
    inputs = torch.tensor(functionals)
    winners = torch.from_numpy(reader.output(functionals, MAIN).argmax(1))
    baseline = torch.from_numpy(reader.neutral)[None]
    found = IntegratedGradients(Emotion()).attribute(
        inputs, baselines=baseline, target=winners, n_steps=steps, internal_batch_size=4096
    )
    return found.abs().mean(0).numpy()


def deletion_curve(
    reader: Reader, functionals: np.ndarray, emotions: Sequence[str], order: Sequence[int], counts: Sequence[int]
) -> list[float]:
    """UA (percent) with the first so many features of an order taken away.

    Args:
        reader: the network.
        functionals: ``(N, D)``.
        emotions: true ones, ``(N,)``.
        order: features, the most important one first.
        counts: how many are taken away, each 0 to ``D``.
    """
    curve = []
    for count in counts:
        left = functionals.copy()
        gone = np.asarray(order[:count], dtype=int)
        left[:, gone] = reader.neutral[gone]
        curve.append(ua(emotions, reader.judged(left)))
    return curve


def ranked(scores: np.ndarray) -> np.ndarray:
    """Features by falling score; equal scores in the order of the features."""
    return np.argsort(-np.asarray(scores), kind="stable")


def grouped(scores: np.ndarray, columns: Sequence[str], by: str = "descriptor") -> pd.Series:
    """Scores summed over the features of one descriptor, or of one functional; the largest first.

    Args:
        scores: ``(D,)``.
        columns: openSMILE's names, ``(D,)``.
        by: "descriptor" or "functional".
    """
    keys = [parts(name)[0 if by == "descriptor" else 1] or "(itself)" for name in columns]
    return pd.Series(np.asarray(scores), index=keys).groupby(level=0).sum().sort_values(ascending=False)


def agreement(a: np.ndarray, b: np.ndarray, top: int = TOP) -> dict[str, float]:
    """How far two rankings agree.

    Args:
        a, b: scores, ``(D,)``.
        top: features at the head.

    Returns:
        ``overlap``: features that both have among their first ``top``; ``jaccard`` of these two sets, 0 to 1;
        ``spearman`` of all scores, -1 to 1 (0 where one of them is constant).

    Raises:
        UserError: the rankings are of different features.
    """
    if len(a) != len(b):
        raise UserError(f"rankings of {len(a)} and of {len(b)} features cannot be compared; take one feature set.")
    heads = [set(ranked(scores)[:top].tolist()) for scores in (a, b)]
    shared = len(heads[0] & heads[1])
    flat = np.ptp(a) == 0 or np.ptp(b) == 0
    correlation = 0.0 if flat else float(spearmanr(a, b).statistic)
    return {"overlap": shared, "jaccard": shared / len(heads[0] | heads[1]), "spearman": correlation}


def agreement_by_chance(features: int, top: int = TOP) -> float:
    """Features that two random rankings have among their first ``top`` on average."""
    return min(top, features) ** 2 / features


def agreement_interval(
    a: np.ndarray, b: np.ndarray, *, top: int = TOP, draws: int = 1000, level: float = 0.95, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Agreement of two mean rankings, with intervals by bootstrap over the networks that they are means of.

    A draw takes some networks twice and leaves others out, and means of fewer networks agree less. Where the draws lie
    below the value on average, the percentiles are moved up by as much, within the figure's range. Networks of one seed
    or one fold have much in common and are drawn as if they had not: the intervals are rather too narrow.

    Args:
        a: scores of each network of one kind, ``(R, D)``; ``R`` are folds and seeds.
        b: likewise of another kind, in the same order of folds and seeds, which are drawn together.
        top: features at the head.
        draws: of the bootstrap.
        level: of the intervals.
        seed: of the draws.

    Returns:
        For each figure of :func:`agreement`: ``value, low, high``.
    """
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, len(a), size=(draws, len(a)))
    drawn = pd.DataFrame([agreement(a[picked].mean(0), b[picked].mean(0), top) for picked in rows])
    value = agreement(a.mean(0), b.mean(0), top)
    tails = drawn.quantile([(1 - level) / 2, (1 + level) / 2])
    moved = tails + (pd.Series(value) - drawn.mean()).clip(lower=0)
    most = {"overlap": top, "jaccard": 1, "spearman": 1}
    found = {}
    for name, one in value.items():
        low, high = moved[name].clip(upper=most[name])
        found[name] = {"value": one, "low": min(float(low), one), "high": max(float(high), one)}
    return found


def among_themselves(rows: np.ndarray) -> dict[str, float]:
    """Mean agreement of every two networks of one kind: what another fold or seed alone changes.

    Args:
        rows: scores, ``(R, D)``, R ≥ 2.
    """
    pairs = [agreement(rows[i], rows[j]) for i in range(len(rows)) for j in range(i)]
    return {name: float(np.mean([pair[name] for pair in pairs])) for name in pairs[0]}
