"""Scores of a multi-label prediction: sample-averaged F-beta, ROC AUC, and the trivial floor.

Conventions, used everywhere in the project:

- **Averaging.** F2, F1, precision and recall are computed for each work and then averaged over
  works, as in both documents.
- **Nothing to divide by.** A work without predictions has no precision, one without labels no
  recall, one without either no F. Such a quantity counts as `zero_division`, 0 by default, which
  is scikit-learn's default for `average="samples"` too: a score has to be earned.
- **Thresholds.** A label is predicted when `score >= threshold`, both compared in double
  precision, so that float32 scores against the threshold 0.7 mean the same everywhere.
- **AUC.** A class without both outcomes has none (NaN) and is left out of the macro average;
  how many were left out is returned with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from imet._kernels import (
    checked,
    compiled,
    count_below,
    counts_at_thresholds,
    sweep,
    threshold_scores,
)
from imet.typing import Array

# --- Scores of a multi-label prediction


CHUNK_BYTES = 64 * 2**20
"""Working memory of the chunked computations, roughly."""


# --- F-beta, precision, recall of decisions ------------------------------------------------------


def fbeta_per_work(
    predicted: Array, targets: Array, beta: float = 2, zero_division: float = 0.0
) -> Array:
    """F-beta of each work (paper, Eq. 8): (1 + β²)·tp / (β²·P + n).

    P is the work's number of labels, n of predictions and tp of right ones; this is Eq. 8 with
    precision tp/n and recall tp/P put in.

    Args:
        predicted: (N, K) bool.
        targets: (N, K) bool.
        beta: weight of recall, 2 in both documents.
        zero_division: value for a work with neither predictions nor labels.

    Returns:
        (N,) float64 in [0, 1].

    Raises:
        ValueError: shapes differ, are not (N, K), or hold no work.

    Examples:
        >>> predicted = np.array([[True, True, False], [False, False, False]])
        >>> targets = np.array([[True, False, False], [False, True, False]])
        >>> fbeta_per_work(predicted, targets).round(4).tolist()
        [0.8333, 0.0]
    """
    n, positives, hits = _counts(predicted, targets)
    return _fbeta_of_counts(n, positives, hits, beta, zero_division)


def precision_per_work(predicted: Array, targets: Array, zero_division: float = 0.0) -> Array:
    """Share of each work's predictions that are right, (N,); see `fbeta_per_work`."""
    n, _, hits = _counts(predicted, targets)
    return _ratio(hits, n, zero_division)


def recall_per_work(predicted: Array, targets: Array, zero_division: float = 0.0) -> Array:
    """Share of each work's labels that are predicted, (N,); see `fbeta_per_work`."""
    _, positives, hits = _counts(predicted, targets)
    return _ratio(hits, positives, zero_division)


def fbeta(predicted: Array, targets: Array, beta: float = 2, zero_division: float = 0.0) -> float:
    """Sample-averaged F-beta; see `fbeta_per_work`.

    Examples:
        >>> fbeta(np.array([[True, False]]), np.array([[True, True]]))
        0.5555555555555556
    """
    return float(fbeta_per_work(predicted, targets, beta, zero_division).mean())


def f1(predicted: Array, targets: Array, zero_division: float = 0.0) -> float:
    """Sample-averaged F1; see `fbeta_per_work`."""
    return fbeta(predicted, targets, 1, zero_division)


def precision(predicted: Array, targets: Array, zero_division: float = 0.0) -> float:
    """Sample-averaged precision; a work without predictions counts `zero_division`."""
    return float(precision_per_work(predicted, targets, zero_division).mean())


def recall(predicted: Array, targets: Array, zero_division: float = 0.0) -> float:
    """Sample-averaged recall; a work without labels counts `zero_division`."""
    return float(recall_per_work(predicted, targets, zero_division).mean())


def summary(predicted: Array, targets: Array, zero_division: float = 0.0) -> dict[str, float]:
    """The four columns of the paper's tables: `f2`, `f1`, `precision`, `recall`.

    Examples:
        >>> summary(np.array([[True, True]]), np.array([[True, False]]))["precision"]
        0.5
    """
    return {
        "f2": fbeta(predicted, targets, 2, zero_division),
        "f1": f1(predicted, targets, zero_division),
        "precision": precision(predicted, targets, zero_division),
        "recall": recall(predicted, targets, zero_division),
    }


# --- F-beta of scores, over thresholds -----------------------------------------------------------


def fbeta_at_thresholds(
    scores: Array,
    targets: Array,
    thresholds: Array,
    beta: float = 2,
    zero_division: float = 0.0,
) -> Array:
    """Sample-averaged F-beta of `scores >= t` for every threshold t at once.

    Args:
        scores: (N, K) real; float32 scores meet float64 thresholds in double precision.
        targets: (N, K) bool.
        thresholds: (M,) in any order.
        beta: weight of recall.
        zero_division: value for a work with neither predictions nor labels.

    Returns:
        (M,) float64, in the order of `thresholds`.

    Raises:
        ValueError: shapes do not fit, no work, or NaN among scores or thresholds.

    Examples:
        >>> scores, targets = np.array([[0.9, 0.4, 0.1]]), np.array([[True, True, False]])
        >>> fbeta_at_thresholds(scores, targets, np.array([0.0, 0.4, 0.95])).round(4).tolist()
        [0.9091, 1.0, 0.0]
    """
    scores, targets = checked(scores, targets)
    thresholds = np.asarray(thresholds, np.float64)
    distinct, where = np.unique(thresholds, return_inverse=True)
    positives = targets.sum(axis=1)  # (N,)
    total = np.zeros(len(distinct))
    for rows in _chunks(len(scores), 16 * max(len(distinct), 1)):
        n, hits = counts_at_thresholds(scores[rows], targets[rows], distinct)
        total += _fbeta_of_counts(n, positives[rows, None], hits, beta, zero_division).sum(axis=0)
    return total[where.reshape(-1)] / len(scores)


def best_threshold(
    scores: Array, targets: Array, beta: float = 2, zero_division: float = 0.0
) -> tuple[float, float]:
    """The threshold with the highest sample-averaged F-beta among all there are.

    Only the distinct scores matter as thresholds (and one above them all). Between two thresholds
    a < b, tp is at most that at a and n at least that at b, which bounds F in between; a coarse
    grid with these bounds leaves few scores that could be optimal, and those are swept one by one.
    The result is that of trying every distinct score.

    Args:
        scores: (N, K) finite, or −∞ for what shall never be predicted.
        targets: (N, K) bool.
        beta: weight of recall.
        zero_division: value for a work with neither predictions nor labels.

    Returns:
        The threshold (a score that occurs, or the next number above all scores when predicting
        nothing is best; the highest one among equals, up to rounding) and its F-beta.

    Raises:
        ValueError: shapes do not fit, no work, or scores are +∞ or NaN.

    Examples:
        >>> best_threshold(np.array([[0.9, 0.4, 0.1]]), np.array([[True, True, False]]))
        (0.4, 1.0)
    """
    scores, targets = checked(scores, targets)
    if scores.size == 0:
        raise ValueError("scores hold no label")
    top = float(scores.max())
    if not top < np.inf:
        raise ValueError("scores must be finite, or −∞ for what is never predicted")
    possible = scores > -np.inf  # (N, K)
    positives = targets.sum(axis=1)  # (N,)

    # F-beta on a grid of scores, finer towards the top, and its bound between neighbours.
    grid = _coarse_grid(scores)  # (M,)
    edges = np.concatenate([[-np.inf], grid, [np.inf]])  # (M + 2,)
    positives = targets.sum(axis=1)  # (N,)
    value, bound = np.zeros(len(edges)), np.zeros(len(edges) - 1)
    for rows in _chunks(len(scores), 64 * len(edges)):
        n, hits = counts_at_thresholds(scores[rows], targets[rows], grid)
        n = np.pad(n, ((0, 0), (1, 1)))  # (rows, M + 2)
        hits = np.pad(hits, ((0, 0), (1, 1)))  # (rows, M + 2)
        n[:, 0], hits[:, 0] = possible[rows].sum(axis=1), (possible & targets)[rows].sum(axis=1)
        p = positives[rows, None]
        value += _fbeta_of_counts(n, p, hits, beta, zero_division).sum(axis=0)
        fewest, most = np.maximum(n[:, 1:], hits[:, :-1]), hits[:, :-1]
        bound += _fbeta_of_counts(fewest, p, most, beta, zero_division).sum(axis=0)
    open_bins = np.flatnonzero(bound >= value.max() * (1 - 1e-9))
    low, high = edges[open_bins[0]], edges[open_bins[-1] + 1]

    # The scores of the bins left open, from the highest down.
    start = threshold_scores(scores, high)  # (N, K)
    flat = np.flatnonzero(threshold_scores(scores, low) & possible & ~start)
    flat = flat[np.argsort(-scores.ravel()[flat], kind="stable")]
    swept = compiled(sweep)(
        scores.ravel()[flat].astype(np.float64),
        targets.ravel()[flat],
        flat // scores.shape[1],
        start.sum(axis=1),
        positives,
        (start & targets).sum(axis=1),
        float(beta) ** 2,
        float(zero_division),
    )
    threshold = float(high) if np.isnan(swept) else float(swept)
    if np.isinf(threshold):
        threshold = float(np.nextafter(top, np.inf))
    return threshold, fbeta(threshold_scores(scores, threshold), targets, beta, zero_division)


# --- The trivial floor ---------------------------------------------------------------------------


def most_frequent(train_targets: Array, k: int) -> Array:
    """Columns of the k most frequent training labels, most frequent first, ties by column.

    Args:
        train_targets: (N, K) bool.
        k: 0 … K.

    Returns:
        (k,) int64 columns.
    """
    counts = np.asarray(train_targets).sum(axis=0, dtype=np.int64)
    if not 0 <= k <= len(counts):
        raise ValueError(f"k must lie in 0 … {len(counts)}, got {k}")
    return np.argsort(-counts, kind="stable")[:k]


def frequency_baseline(train_targets: Array, targets: Array, k: int, beta: float = 2) -> float:
    """F-beta of predicting the k most frequent training labels for every work.

    What a model must beat to have looked at the pictures.

    Args:
        train_targets: (N_train, K) bool.
        targets: (N, K) bool, the works to score on.
        k: number of labels predicted.
        beta: weight of recall.

    Examples:
        >>> train = np.array([[True, False], [True, True]])
        >>> frequency_baseline(train, np.array([[True, False]]), 1)
        1.0
    """
    predicted = np.zeros(np.asarray(targets).shape, bool)
    predicted[:, most_frequent(train_targets, k)] = True
    return fbeta(predicted, targets, beta)


def tune_frequency_baseline(
    train_targets: Array, val_targets: Array, beta: float = 2, k_max: int = 100
) -> tuple[int, float]:
    """The k ≤ k_max whose floor is highest on validation, the smallest among equals.

    Returns:
        k and its F-beta on validation. On the real table 16 labels give F2 .2076, 15 give .2075.
    """
    order = most_frequent(train_targets, min(k_max, np.asarray(train_targets).shape[1]))
    targets = np.asarray(val_targets, bool)
    hits = np.cumsum(targets[:, order], axis=1)  # (N, k_max)
    n = np.arange(1, len(order) + 1)
    value = _fbeta_of_counts(n[None, :], targets.sum(axis=1)[:, None], hits, beta, 0.0).mean(axis=0)
    best = int(value.argmax())
    return best + 1, float(value[best])


# --- Shared parts --------------------------------------------------------------------------------


def _counts(predicted: Array, targets: Array) -> tuple[Array, Array, Array]:
    """Predictions n, labels P and right predictions tp of each work, (N,) each."""
    predicted, targets = np.asarray(predicted), np.asarray(targets)
    if predicted.ndim != 2 or predicted.shape != targets.shape:
        raise ValueError(f"need two (N, K) arrays, got {predicted.shape} and {targets.shape}")
    if len(predicted) == 0:
        raise ValueError("no works: an average over none is undefined")
    predicted, targets = predicted.astype(bool, copy=False), targets.astype(bool, copy=False)
    return predicted.sum(axis=1), targets.sum(axis=1), (predicted & targets).sum(axis=1)


def _ratio(part: Array, whole: Array, zero_division: float) -> Array:
    return np.where(whole > 0, part / np.maximum(whole, 1), zero_division)


def _fbeta_of_counts(
    n: Array, positives: Array, hits: Array, beta: float, zero_division: float
) -> Array:
    whole = beta**2 * positives + n
    return np.where(whole > 0, (1 + beta**2) * hits / np.maximum(whole, 1e-300), zero_division)


def _chunks(length: int, bytes_each: int) -> Iterator[slice]:
    """Slices of 0 … length that take about `CHUNK_BYTES` each."""
    step = max(1, CHUNK_BYTES // bytes_each)
    return (slice(i, min(i + step, length)) for i in range(0, length, step))


def _coarse_grid(scores: Array, size: int = 128) -> Array:
    """At most `size` of the scores, ascending, finer towards the top.

    Geometric ranks in a random sample, from the highest score to about 128 predictions a work.
    """
    drawn = np.random.default_rng(0).integers(0, scores.size, min(scores.size, 2**16))
    sample = -np.sort(-scores.ravel()[drawn])
    sample = sample[sample > -np.inf]
    if not len(sample):
        return np.empty(0)
    last = len(sample) * min(1.0, 128 / scores.shape[1])
    ranks = np.geomspace(1, max(last, 1), size).astype(np.int64) - 1
    return np.unique(sample[ranks].astype(np.float64))


# --- Area under the ROC curve, per class and averaged, exact with ties


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
