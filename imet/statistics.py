"""How certain a number is: intervals for means over works, differences, AUCs and proportions.

All intervals are two-sided and at 95 %. Bootstraps resample works with replacement, n times (the
percentile method), since a new collection would bring other works; they leave out the variation
between training runs, for which seeds are repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import binomtest, bootstrap, spearmanr

from imet.typing import Array

LEVEL = 0.95
TAILS = (1 - LEVEL) / 2, (1 + LEVEL) / 2
CHUNK_DRAWS = 2**22
"""Works drawn at once by a bootstrap: bounds its memory, changes nothing."""


class Interval(NamedTuple):
    """A value and the interval around it.

    Examples:
        >>> f"{Interval(0.5, 0.25, 0.75):.2f}"
        '0.50 [0.25, 0.75]'
    """

    value: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        return f"{self.value:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"


def mean_interval(per_work: Array, n: int = 2000, seed: int = 0) -> Interval:
    """The mean over works with its bootstrap interval.

    `per_work` (N,) has one finite value per work and at least two works, else ValueError.

    Examples:
        >>> value, low, high = mean_interval(np.array([0.0, 1.0] * 50))
        >>> value, 0.39 <= low <= 0.42 and 0.58 <= high <= 0.61
        (0.5, True)
    """
    values = np.asarray(per_work, np.float64)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError("need one finite value per work and two works at least")
    low, high = bootstrap(
        (values,),
        np.mean,
        n_resamples=n,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(seed),
        batch=max(1, CHUNK_DRAWS // len(values)),
    ).confidence_interval
    return Interval(float(values.mean()), float(low), float(high))


def paired_difference(a: Array, b: Array) -> Interval:
    """Mean of a − b over works with its paired bootstrap interval; see `mean_interval`.

    Both models, with (N,) values each, are scored on the same resampled works, so that what makes
    a work hard for both cancels out. An interval without 0 means that the choice of works does not
    explain the difference.

    Examples:
        >>> a = np.arange(100) / 100
        >>> round(paired_difference(a + 0.1, a).low, 3)
        0.1
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"pairs need the same works: {a.shape} and {b.shape}")
    return mean_interval(a - b)


def simultaneous_intervals(differences: Array, n: int = 2000, seed: int = 0) -> list[Interval]:
    """Intervals for a family of mean differences that all hold at once.

    Among twenty comparisons at 95 %, one is expected to look like an effect by chance alone. Here
    the largest studentised deviation of the family is bootstrapped over works (the max-|t| method
    of Romano and Wolf 2005), so that in 95 % of samples every interval covers its difference.
    `differences` (M, N) are M comparisons on the same N works.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> alone = paired_difference(noise := rng.normal(0.1, 1, 400), 0 * noise)
        >>> family = simultaneous_intervals(np.stack([noise, *rng.normal(0, 1, (9, 400))]))
        >>> family[0].low < alone.low < alone.high < family[0].high
        True
    """
    values = np.asarray(differences, np.float64)
    works = values.shape[-1]
    if values.ndim != 2 or works < 2 or not np.isfinite(values).all():
        raise ValueError("need (M, N) finite differences on two works at least")
    means, errors = values.mean(1), values.std(1, ddof=1) / np.sqrt(works)
    centred = values - means[:, None]
    centred[errors > 0] /= errors[errors > 0, None]  # a difference without any spread stays 0
    draws = np.random.default_rng(seed).multinomial(works, np.full(works, 1 / works), n)  # (n, N)
    reach = float(np.quantile(np.abs(draws @ centred.T / works).max(1), LEVEL))
    return [Interval(*map(float, (m, m - reach * e, m + reach * e))) for m, e in zip(means, errors)]


def bootstrap_statistic(
    statistic: Callable[..., float], *arrays: Array, n: int = 200, seed: int = 0
) -> Interval:
    """Bootstrap interval of any statistic of works, such as a macro AUC.

    `statistic` takes the arrays, each (N, …) of the same works, and returns a number. Resamples
    for which it is NaN are left out; if all are, both ends are NaN.
    """
    works = len(arrays[0])
    if works < 2 or any(len(array) != works for array in arrays):
        raise ValueError("need the same works, two at least, in every array")
    rng = np.random.default_rng(seed)
    resamples = (rng.integers(0, works, works) for _ in range(n))
    draws = np.array([statistic(*(array[rows] for array in arrays)) for rows in resamples])
    known = draws[~np.isnan(draws)]
    ends = np.quantile(known, TAILS) if len(known) else (np.nan, np.nan)
    return Interval(float(statistic(*arrays)), float(ends[0]), float(ends[1]))


def auc_standard_error(auc: float | Array, positives: int | Array, negatives: int | Array) -> Array:
    """Standard error of an AUC (Hanley and McNeil 1982, Eqs. 1–2), 0 at AUC 0 and 1.

    There must be at least one positive work, which has the label, and one negative work.
    """
    auc, positives = np.asarray(auc, np.float64), np.asarray(positives, np.float64)
    both_above = auc / (2 - auc)  # two positives above one negative
    above_both = 2 * auc**2 / (1 + auc)  # one positive above two negatives
    variance = (
        auc * (1 - auc)
        + (positives - 1) * (both_above - auc**2)
        + (np.asarray(negatives) - 1) * (above_both - auc**2)
    ) / (positives * negatives)
    return np.sqrt(np.maximum(variance, 0))


def auc_interval(auc: float, positives: int, negatives: int) -> Interval:
    """All values A of one class's AUC for which `auc` would not be surprising.

    |auc − A| ≤ z · SE(A) with Hanley and McNeil's standard error at A, solved for A: the score
    interval that Newcombe (2006) recommends. Unlike auc ± z · SE(auc) it stays inside [0, 1] and
    does not shrink to nothing at an AUC of 1; for few positives it errs on the wide side. With 3
    positives among 10,920 works it reaches about .34 to either side: such an AUC says next to
    nothing. All three values are NaN if `auc` is.

    Examples:
        >>> [round(x, 2) for x in auc_interval(1.0, 3, 10_917)]
        [1.0, 0.66, 1.0]
    """
    if np.isnan(auc):
        return Interval(float("nan"), float("nan"), float("nan"))
    if not 0 <= auc <= 1 or positives < 1 or negatives < 1:
        raise ValueError("an AUC lies in [0, 1] and needs positives and negatives")
    z = float(-ndtri(TAILS[0]))

    def excess(other: float) -> float:
        return abs(auc - other) - z * float(auc_standard_error(other, positives, negatives))

    inside = min(max(auc, 1e-12), 1 - 1e-12)  # at 0 and 1 the standard error is 0
    low, high = (brentq(excess, inside, end, xtol=1e-12) for end in (0.0, 1.0))
    return Interval(float(auc), float(low), float(high))


def wilson_interval(successes: int, trials: int) -> Interval:
    """Wilson's score interval for a proportion, sensible at 0 and at 1 too.

    Examples:
        >>> [round(x, 3) for x in wilson_interval(0, 10)]
        [0.0, 0.0, 0.278]
    """
    test = binomtest(int(successes), int(trials))
    low, high = test.proportion_ci(LEVEL, method="wilson")
    return Interval(float(test.statistic), float(low), float(high))


def spearman(a: Array, b: Array) -> float:
    """Spearman's rank correlation, ties sharing ranks; NaN when either side is constant.

    Examples:
        >>> round(spearman(np.array([1, 2, 3, 3]), np.array([9, 7, 5, 5])), 6)
        -1.0
    """
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")  # SciPy's value, without its warning
    return float(spearmanr(a, b).statistic)
