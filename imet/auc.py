"""Area under the ROC curve, per class and averaged, exact with ties.

A class without both outcomes has no ROC curve: its area is NaN, and the macro average leaves it
out and says how many it left out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from imet.counting import checked, compiled, count_below

Array = np.ndarray

FEW = 16
"""Positives up to which comparing each with all scores is faster than sorting them."""


class MacroAUC(NamedTuple):
    """Mean AUC over `classes` classes; `left_out` classes lack positives or negatives."""

    value: float
    classes: int
    left_out: int


def roc_auc_per_class(scores: Array, targets: Array) -> Array:
    """Area under each class's ROC curve: P(positive above negative) + ½ P(they tie).

    Exact: with all scores of a class sorted, the mean of the first and last place where a
    positive's score could stand is its rank, ties shared (Mann-Whitney). Classes with few
    positives, most of them, are counted without sorting.

    Args:
        scores: (N, K) real.
        targets: (N, K) bool.

    Returns:
        (K,) float64 in [0, 1]; NaN for a class without positives or without negatives.

    Raises:
        ValueError: shapes do not fit, no work, or NaN among the scores.

    Examples:
        >>> scores = np.array([[0.9, 0.5], [0.4, 0.5], [0.4, 0.1]])
        >>> targets = np.array([[True, False], [True, False], [False, False]])
        >>> roc_auc_per_class(scores, targets).tolist()
        [0.75, nan]
    """
    scores, targets = checked(scores, targets)
    _refuse_nan(scores)
    n_classes = scores.shape[1]
    flat = np.flatnonzero(targets)  # far faster than nonzero() in two dimensions
    flat = flat[np.argsort(flat % n_classes, kind="stable")]  # by class
    ends = np.cumsum(np.bincount(flat % n_classes, minlength=n_classes))
    positives = np.split(scores.ravel()[flat], ends[:-1]) if n_classes else []
    area = np.full(n_classes, np.nan)
    for start in range(0, n_classes, 64):
        by_class = _transposed(scores[:, start : start + 64])  # (64, N)
        for k, row in enumerate(by_class, start):
            area[k] = _auc(row, positives[k])
    return area


def mean_auc(area: Array) -> MacroAUC:
    """Mean of areas by class over those that exist, for all classes or for a group of them.

    Args:
        area: (K,) from `roc_auc_per_class`; pass `area[quartile_of(counts) == 4]` for a group.

    Returns:
        NaN as the value where no class of the group has an area.

    Examples:
        >>> mean_auc(np.array([0.5, 1.0, np.nan]))
        MacroAUC(value=0.75, classes=2, left_out=1)
    """
    known = area[~np.isnan(area)]
    value = float(known.mean()) if len(known) else float("nan")
    return MacroAUC(value, len(known), len(area) - len(known))


def macro_auc(scores: Array, targets: Array) -> MacroAUC:
    """Mean of `roc_auc_per_class` over the classes that have both outcomes.

    Examples:
        >>> scores = np.array([[0.9, 0.5], [0.4, 0.5]])
        >>> macro_auc(scores, np.array([[True, False], [False, False]]))
        MacroAUC(value=1.0, classes=1, left_out=1)
    """
    return mean_auc(roc_auc_per_class(scores, targets))


def micro_auc(scores: Array, targets: Array) -> float:
    """AUC of all (work, class) pairs taken as one class; NaN without both outcomes."""
    scores, targets = checked(scores, targets)
    _refuse_nan(scores)
    return _auc(scores.ravel(), scores[targets])


def _auc(scores: Array, positives: Array) -> float:
    """AUC from all scores of a class, (N,), and those of its positives, (P,)."""
    p, n = len(positives), len(scores) - len(positives)
    if p == 0 or n == 0:
        return float("nan")
    if p <= FEW:
        below, not_above = compiled(count_below)(scores, positives)
    else:
        ordered = np.sort(scores)
        below = np.searchsorted(ordered, positives, "left").sum(dtype=np.int64)
        not_above = np.searchsorted(ordered, positives, "right").sum(dtype=np.int64)
    # Each sum counts, over pairs of a positive with any score, those below (or not above) it;
    # pairs of two positives add up to p² whatever the ties.
    return float((int(below) + int(not_above) - p * p) / (2 * p * n))


def _transposed(block: Array) -> Array:
    """A copy with rows and columns swapped, in tiles that fit the processor's caches."""
    out = np.empty(block.shape[::-1], block.dtype)
    for row in range(0, len(block), 256):
        out[:, row : row + 256] = block[row : row + 256].T
    return out


def _refuse_nan(scores: Array) -> None:
    if scores.size and np.isnan(scores.max()):
        raise ValueError("scores hold NaN")
