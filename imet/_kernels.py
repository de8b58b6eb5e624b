"""Counting what thresholds let through: the loops under `imet.metrics`, compiled.

A label is predicted when `score >= threshold`, both compared in double precision.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from imet.typing import Array


def threshold_scores(scores: Array, threshold: float | Array) -> Array:
    """`scores >= threshold` compared in double precision, bool of the scores' shape.

    NumPy compares a float32 array with a Python float in float32, where .7 is another number.

    Examples:
        >>> np.array([0.7], np.float32) >= 0.7, threshold_scores(np.array([0.7], np.float32), 0.7)
        (array([ True]), array([False]))
    """
    return np.asarray(scores) >= np.asarray(threshold, np.float64)[()]


def counts_at_thresholds(scores: Array, targets: Array, thresholds: Array) -> tuple[Array, Array]:
    """Predictions and right predictions of each work at each threshold.

    One pass: each score is filed under the last threshold it reaches, and sums from the right
    give the counts, so the cost hardly depends on the number of thresholds.

    Args:
        scores: (N, K) real.
        targets: (N, K) bool.
        thresholds: (M,) in ascending order.

    Returns:
        Two (N, M) int32 arrays: n and tp of `fbeta_per_work`.
    """
    scores, targets = checked(scores, targets)
    thresholds = np.asarray(thresholds, np.float64)
    if thresholds.ndim != 1 or not (np.diff(thresholds) >= 0).all() or np.isnan(thresholds).any():
        raise ValueError("thresholds must be one row of numbers in ascending order")
    n = np.zeros((len(scores), len(thresholds)), np.int32)  # (N, M)
    hits = np.zeros_like(n)  # (N, M)
    if n.size and not compiled(_file_scores)(
        scores, targets, _rounded_up(thresholds, scores.dtype), n, hits
    ):
        raise ValueError("scores hold NaN")
    return n, hits


def checked(scores: Array, targets: Array) -> tuple[Array, Array]:
    """Scores as contiguous float32 or float64, targets as bool, shapes verified."""
    scores, targets = np.asarray(scores), np.asarray(targets)
    if scores.ndim != 2 or scores.shape != targets.shape:
        raise ValueError(f"need two (N, K) arrays, got {scores.shape} and {targets.shape}")
    if len(scores) == 0:
        raise ValueError("no works: an average over none is undefined")
    if scores.dtype not in (np.float32, np.float64):
        scores = scores.astype(np.float32 if scores.dtype == np.float16 else np.float64)
    return np.ascontiguousarray(scores), np.ascontiguousarray(targets, dtype=bool)


def _rounded_up(thresholds: Array, dtype: Any) -> Array:
    """The smallest `dtype` numbers that are not below the thresholds.

    For a float32 score s, s >= t in double precision exactly when s >= t rounded up to float32.
    """
    with np.errstate(over="ignore"):
        near = thresholds.astype(dtype)
    return np.where(near < thresholds, np.nextafter(near, np.array(np.inf, dtype)), near)


@functools.cache
def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as machine code, kept on disk where the package's folder or home is writable.

    Compiled on first use, so that importing this module costs nothing.
    """
    import numba

    try:
        return numba.njit(cache=True)(function)
    except RuntimeError:  # nowhere to write the cache
        return numba.njit(function)


def _file_scores(scores: Array, targets: Array, thresholds: Array, n: Array, hits: Array) -> bool:
    """Fill n and hits, (N, M) zeros, with counts at ascending thresholds; False on NaN."""
    last = len(thresholds) - 1
    lowest, second = thresholds[0], thresholds[min(1, last)]
    for i in range(scores.shape[0]):
        # Most scores reach one threshold at most: these are only counted, which vectorises.
        count, right, missing = 0, 0, 0
        for j in range(scores.shape[1]):
            reached = scores[i, j] >= lowest
            count += reached
            right += reached & targets[i, j]
            missing += scores[i, j] != scores[i, j]
        if missing:
            return False
        if last > 0:
            for j in range(scores.shape[1]):
                if scores[i, j] >= second:
                    low, left = 1, last  # the last of thresholds[low : low + left] reached
                    while left > 1:
                        half = left // 2
                        low += half if thresholds[low + half] <= scores[i, j] else 0
                        left -= half
                    n[i, low] += 1
                    hits[i, low] += targets[i, j]
        for m in range(last - 1, 0, -1):
            n[i, m] += n[i, m + 1]
            hits[i, m] += hits[i, m + 1]
        n[i, 0], hits[i, 0] = count, right
    return True


def sweep(
    scores: Array,
    right: Array,
    work: Array,
    n: Array,
    positives: Array,
    hits: Array,
    beta2: float,
    zero_division: float,
) -> float:
    """Lower the threshold over descending scores; the one with the highest F-beta, or NaN.

    Entry e adds a prediction to `work[e]`, right or wrong; n and hits (N,) hold the counts before.
    NaN says that no step improved on the start.
    """
    total = 0.0  # change of the sum of F-beta over works since the start
    best, where = 0.0, np.nan
    for e in range(len(scores)):
        i = work[e]
        whole = beta2 * positives[i] + n[i]
        total -= (1 + beta2) * hits[i] / whole if whole > 0 else zero_division
        n[i] += 1
        hits[i] += right[e]
        total += (1 + beta2) * hits[i] / (whole + 1)
        if (e + 1 == len(scores) or scores[e + 1] < scores[e]) and total > best:
            best, where = total, scores[e]
    return where


def count_below(scores: Array, positives: Array) -> tuple[int, int]:
    """Pairs of a positive and any score with score < positive, and with score <= positive."""
    below, not_above = 0, 0
    for p in positives:
        for s in scores:
            below += s < p
            not_above += s <= p
    return below, not_above
