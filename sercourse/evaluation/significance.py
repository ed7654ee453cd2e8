"""Is B better than A, by how much, and could we have seen it at all?

The folds of a cross-validation share most of their training data, so fold differences are no independent
measurements and the plain t-test is far too sure of itself. Nadeau and Bengio widen its standard error from
sqrt(1/n) to sqrt(1/n + n_test/n_train), in units of the standard deviation of the n fold differences.

The effect and its interval are the result. A p-value above .05 says that this experiment could not tell, and the
smallest detectable difference says what it could have told.

Source: Nadeau and Bengio, Inference for the generalization error, Machine Learning 52, 2003; repeated
cross-validation: Bouckaert and Frank, Evaluating the replicability of significance tests for comparing learning
algorithms, PAKDD 2004.
Notebook: 01_signal_preprocessing.ipynb
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import nctdtrinc


@dataclass(frozen=True)
class MeanDifference:
    """A t-test of a difference in means; in the unit of what was compared (points of WA or UA)."""

    effect: float
    """Mean difference, B minus A."""
    low: float
    high: float
    """Ends of the interval at ``level``."""
    level: float
    p: float
    """Two-sided; NaN where a single value allows no test."""
    t: float
    df: float
    """Degrees of freedom."""


def welch(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> MeanDifference:
    """Welch's t-test for independent runs, as two papers' results over different seeds: variances may differ.

    Not for two systems on the same folds, whose pairing it wastes, and not for the folds of one cross-validation,
    which are not independent: see :func:`corrected_ttest`.

    Args:
        a: results of system A, shape ``(n,)``, n ≥ 2.
        b: results of system B, shape ``(m,)``, m ≥ 2.
        level: of the interval.

    Raises:
        ValueError: fewer than two results on a side.

    Source: Welch, The generalization of Student's problem, Biometrika 34, 1947.
    """
    a, b = _flat(a), _flat(b)
    if min(len(a), len(b)) < 2:
        raise ValueError(f"Welch's test needs two results on each side, found {len(a)} and {len(b)}")
    effect = float(b.mean() - a.mean())
    if a.std() == 0 and b.std() == 0:
        return _without_spread(effect, level, len(a) + len(b) - 2)
    result = stats.ttest_ind(b, a, equal_var=False)
    low, high = result.confidence_interval(level)
    return MeanDifference(
        effect, float(low), float(high), level, float(result.pvalue), float(result.statistic), result.df
    )


def corrected_ttest(differences: ArrayLike, ratio: float, *, level: float = 0.95) -> MeanDifference:
    """The corrected resampled t-test for two systems on the same folds.

    t = mean / (sd · sqrt(1/n + ratio)) with n - 1 degrees of freedom, sd with n - 1 in the denominator.

    Args:
        differences: B minus A for every fold, shape ``(n,)``. Repeats that draw new folds (kfold-K with several
            seeds) each count as further values. Repeats on the SAME folds (loso with several seeds) do not: take
            :func:`average_repeats` first, seeds do not add folds.
        ratio: test utterances / utterances learnt from, as ``Protocol.test_train_ratio``; 1/(K-1) for K folds. 0 gives
            the plain paired t-test.
        level: of the interval.

    Raises:
        ValueError: fewer than two differences, or a negative ratio.
    """
    differences = _flat(differences)
    if len(differences) < 2:
        raise ValueError(f"the test needs the differences of two folds or more, found {len(differences)}")
    effect, sd, df = float(differences.mean()), float(differences.std(ddof=1)), len(differences) - 1
    if sd < 1e-12 * max(1.0, abs(effect)):
        return _without_spread(effect, level, df)
    error = _standard_error(sd, len(differences), ratio)
    half = float(stats.t.ppf((1 + level) / 2, df)) * error
    p = float(2 * stats.t.sf(abs(effect) / error, df))
    return MeanDifference(effect, effect - half, effect + half, level, p, effect / error, df)


def average_repeats(values: ArrayLike) -> np.ndarray:
    """Mean over repeats on the same folds: ``(repeats, folds)`` to ``(folds,)``."""
    values = np.asarray(values, dtype=float)
    if values.ndim != 2:
        raise ValueError(f"values have shape {values.shape}, expected (repeats, folds)")
    return values.mean(axis=0)


def detectable_difference(
    sd: float, folds: int, ratio: float, *, alpha: float = 0.05, power: float | None = 0.8
) -> float:
    """The smallest true difference that the corrected t-test would find, in the unit of ``sd``.

    With ``power=None`` it is the smallest OBSERVED difference that reaches p = alpha: the critical t times the standard
    error. A true difference of that size would be found only about every second time. With a power, it is the true
    difference found, with its right sign, with that probability (noncentral t); about 1.4 times as large.

    For sd 5: 9.3 points with 5 folds, 5.2 with 10, 6.0 with three differently drawn 5-folds at ``power=None``; 12.6,
    7.2 and 8.5 with power .8.

    Args:
        sd: standard deviation of the fold differences.
        folds: number of fold differences, 2 or more (15 for three differently drawn 5-folds).
        ratio: as for :func:`corrected_ttest`.
        alpha: two-sided level.
        power: probability of finding it, above alpha and below 1; ``None``: see above.

    Raises:
        ValueError: fewer than two folds, or a power outside its range.
    """
    if folds < 2:
        raise ValueError(f"nothing can be detected with {folds} fold")
    df, error = folds - 1, _standard_error(sd, folds, ratio)
    critical = float(stats.t.ppf(1 - alpha / 2, df))
    if power is None or sd == 0:
        return critical * error
    if not alpha < power < 1:
        raise ValueError(f"power {power} must lie between alpha ({alpha}) and 1")

    return float(nctdtrinc(df, 1 - power, critical)) * error


def cohens_d_paired(differences: ArrayLike) -> float:
    """Effect size of paired results: mean difference / sd of the differences (Cohen's d_z). 0 where there is none.

    Infinite where all differences are equal and not 0. Source: Lakens, Frontiers in Psychology 4, 2013, equation 6.
    """
    differences = _flat(differences)
    effect, sd = float(differences.mean()), float(differences.std(ddof=1))
    if sd < 1e-12 * max(1.0, abs(effect)):
        return 0.0 if abs(effect) < 1e-12 else float(np.copysign(np.inf, effect))
    return effect / sd


def hedges_g(a: ArrayLike, b: ArrayLike) -> float:
    """Effect size of independent results: (mean of B - mean of A) / pooled sd, times 1 - 3 / (4 (n + m) - 9).

    The factor takes out most of the upward bias that Cohen's d has with few results.

    Source: Hedges, Journal of Educational Statistics 6, 1981.
    """
    a, b = _flat(a), _flat(b)
    n, m = len(a), len(b)
    pooled = np.sqrt(((n - 1) * a.var(ddof=1) + (m - 1) * b.var(ddof=1)) / (n + m - 2))
    return float((b.mean() - a.mean()) / pooled * (1 - 3 / (4 * (n + m) - 9)))


def _flat(values: ArrayLike) -> np.ndarray:
    return np.asarray(values, dtype=float).ravel()


def _standard_error(sd: float, folds: int, ratio: float) -> float:
    if ratio < 0:
        raise ValueError(f"the ratio of test to train is {ratio}; it cannot be negative")
    return sd * float(np.sqrt(1 / folds + ratio))


def _without_spread(effect: float, level: float, df: float) -> MeanDifference:
    """All differences are equal: certain, if they are not 0, that there is one."""
    nothing = abs(effect) < 1e-12
    t = 0.0 if nothing else float(np.copysign(np.inf, effect))
    return MeanDifference(effect, effect, effect, level, 1.0 if nothing else 0.0, t, df)
