"""Scores of a multi-label prediction: sample-averaged F-beta, ROC AUC, and the trivial floor.

Conventions, used everywhere in the project:

- **Averaging.** F2, F1, precision and recall are computed for each work and then averaged over
  works, as in both documents.
- **Nothing to divide by.** A work without predictions has no precision, one without labels no
  recall, one without either no F. Such a quantity counts as 0, which is scikit-learn's default for
  `average="samples"` too: a score has to be earned.
- **Thresholds.** A label is predicted when `score >= threshold`, both compared in double
  precision, so that comparing float32 scores with 0.7 gives the same result everywhere.
- **AUC.** A class without both outcomes has no AUC (NaN) and is left out of the macro average;
  the number of classes left out is returned with it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from imet.typing import Array, BoolArray, IntArray

CELLS = 2**18
"""Scores that are sorted at once, where there are not many more: bounds the memory."""

# --- Decisions -----------------------------------------------------------------------------------


def fbeta_per_work(predicted: Array, targets: Array, beta: float = 2) -> Array:
    """F-beta of each work (paper, Eq. 8): (1 + β²)·tp / (β²·P + n), (N,) float64 in [0, 1].

    A work has P labels and n predictions, of which tp are right; this is Eq. 8 with precision tp/n
    and recall tp/P inserted. `predicted` and `targets` are (N, K) bool; ValueError if their shapes
    differ or they hold no work.

    Examples:
        >>> predicted = np.array([[True, True, False], [False, False, False]])
        >>> targets = np.array([[True, False, False], [False, True, False]])
        >>> fbeta_per_work(predicted, targets).round(4).tolist()
        [0.8333, 0.0]
    """
    return fbeta_of_counts(*_counts(predicted, targets), beta)


def precision_per_work(predicted: Array, targets: Array) -> Array:
    """Share of each work's predictions that are right, (N,); see `fbeta_per_work`."""
    n, _, tp = _counts(predicted, targets)
    return tp / np.maximum(n, 1)


def recall_per_work(predicted: Array, targets: Array) -> Array:
    """Share of each work's labels that are predicted, (N,); see `fbeta_per_work`."""
    return precision_per_work(targets, predicted)


def fbeta(predicted: Array, targets: Array, beta: float = 2) -> float:
    """Sample-averaged F-beta: the mean of `fbeta_per_work`."""
    return float(fbeta_per_work(predicted, targets, beta).mean())


# --- Scores, over thresholds ---------------------------------------------------------------------


def threshold_scores(scores: Array, threshold: float | Array) -> BoolArray:
    """`scores >= threshold` compared in double precision, bool of the scores' shape.

    NumPy compares a float32 array with a Python float in float32, where .7 is another number.

    Examples:
        >>> np.array([0.7], np.float32) >= 0.7, threshold_scores(np.array([0.7], np.float32), 0.7)
        (array([ True]), array([False]))
    """
    return np.asarray(scores) >= np.asarray(threshold, np.float64)[()]


def counts_at_thresholds(
    scores: Array, targets: Array, thresholds: Array
) -> tuple[IntArray, IntArray]:
    """Predictions n and right predictions tp of each work at each of M ascending thresholds.

    Each score is filed under the last threshold that it reaches; sums from the right give the
    counts, (N, M) int64 each, so the cost hardly depends on the number of thresholds.
    """
    scores, targets = _checked(scores, targets)
    thresholds = np.asarray(thresholds, np.float64)
    if thresholds.ndim != 1 or not (np.diff(thresholds) >= 0).all() or np.isnan(thresholds).any():
        raise ValueError("thresholds must be one row of numbers in ascending order")
    works, bins = len(scores), len(thresholds) + 1
    reached = np.searchsorted(thresholds, scores.ravel(), "right")  # (N·K,), 0: none of them
    reached += np.repeat(np.arange(works) * bins, scores.shape[1])
    counts = [
        np.bincount(places, minlength=works * bins).reshape(works, bins)
        for places in (reached, reached[targets.ravel()])
    ]
    n, tp = (np.cumsum(c[:, :0:-1], axis=1)[:, ::-1] for c in counts)
    return n, tp


def fbeta_at_thresholds(scores: Array, targets: Array, thresholds: Array, beta: float = 2) -> Array:
    """Sample-averaged F-beta of `scores >= t` for every threshold t at once, (M,) float64.

    Thresholds (M,) may be in any order; scores are compared with them in double precision.
    ValueError: shapes do not fit, no work, or NaN among scores or thresholds.

    Examples:
        >>> scores, targets = np.array([[0.9, 0.4, 0.1]]), np.array([[True, True, False]])
        >>> fbeta_at_thresholds(scores, targets, np.array([0.0, 0.4, 0.95])).round(4).tolist()
        [0.9091, 1.0, 0.0]
    """
    distinct, where = np.unique(np.asarray(thresholds, np.float64), return_inverse=True)
    n, tp = counts_at_thresholds(scores, targets, distinct)  # (N, M) each
    positives = np.asarray(targets, bool).sum(axis=1)[:, None]  # (N, 1)
    return fbeta_of_counts(n, positives, tp, beta).mean(axis=0)[where.reshape(-1)]


def best_threshold(scores: Array, targets: Array, beta: float = 2) -> tuple[float, float]:
    """Find the threshold with the highest sample-averaged F-beta among all possible ones.

    Only the distinct scores matter as thresholds, and one above them all. Lowering the threshold
    past a score adds one prediction to one work; the change in that work's F-beta is the score's
    gain. In the order of the scores, the running sum of gains over N is the F-beta at each.

    Scores (N, K) are finite, or −∞ for labels never to be predicted, else ValueError. Returns the
    threshold and its F-beta. The threshold is one of the scores, or the next number above them all
    if predicting nothing is best; among equally good ones the highest, up to rounding.

    Besides the scores and targets, it keeps the gains and sorts the scores band by band: about
    13 bytes per cell (N·K), or 48 if nearly all scores are equal.

    Examples:
        >>> best_threshold(np.array([[0.9, 0.4, 0.1]]), np.array([[True, True, False]]))
        (0.4, 1.0)
    """
    scores, targets = _checked(scores, targets)
    if scores.size == 0:
        raise ValueError("scores hold no label")
    top = float(scores.max())
    if not top < np.inf:
        raise ValueError("scores must be finite, or −∞ for what is never predicted")
    works, labels = scores.shape
    gains = np.empty(scores.shape)  # (N, K)
    step = max(1, CELLS // labels)  # works whose scores are sorted together
    for some in (slice(start, start + step) for start in range(0, works, step)):
        order = np.argsort(-scores[some], axis=1, kind="stable")
        order += labels * np.arange(len(order))[:, None]  # places in the flattened works
        value = fbeta_of_first(targets[some].take(order), targets[some], beta)
        gains[some].put(order, np.diff(value, axis=1, prepend=0.0))
    flat, gain = scores.ravel(), gains.ravel()
    threshold, best, total, above = float(np.nextafter(top, np.inf)), 0.0, 0.0, np.inf
    for edge in _edges(flat):
        band = np.flatnonzero((flat > edge) & (flat <= above))
        falling, above = -flat[band], edge
        if not len(band):
            continue
        order = np.argsort(falling, kind="stable")
        falling, totals = falling[order], gain[band][order]
        totals[0] += total
        total = np.cumsum(totals, out=totals)[-1]
        ends = np.flatnonzero(np.append(falling[1:] > falling[:-1], True))  # of ties
        highest = ends[totals[ends].argmax()]
        if totals[highest] > best:
            best, threshold = totals[highest], -float(falling[highest])
    return threshold, fbeta(threshold_scores(scores, threshold), targets, beta)


def _edges(scores: Array) -> Array:
    """Lower ends of the bands that `best_threshold` sorts, descending; the last one is −∞."""
    bands = min(16, -(-scores.size // CELLS))
    sample = np.sort(scores[:: max(1, scores.size // 2**14)])
    inner = sample[np.arange(1, bands) * len(sample) // bands]
    return np.append(np.unique(inner)[::-1], -np.inf)


# --- The frequency baseline ----------------------------------------------------------------------


def most_frequent(train_targets: Array, k: int) -> Array:
    """(k,) int64 columns of the most frequent labels of (N, K) training targets, ties by column."""
    counts = np.asarray(train_targets).sum(axis=0, dtype=np.int64)
    if not 0 <= k <= len(counts):
        raise ValueError(f"k must lie in 0 … {len(counts)}, got {k}")
    return np.argsort(-counts, kind="stable")[:k]


def tune_frequency_baseline(train_targets: Array, val_targets: Array) -> tuple[int, float]:
    """How many of the most frequent training labels, up to 100, to give every work for the best F2.

    A model must beat this to have looked at the pictures. Returns k, the smallest among equals, and
    its F2 on validation. On the real table 16 labels give .2076, 15 give .2075.

    Examples:
        >>> train = np.array([[True, False], [True, True]])
        >>> tune_frequency_baseline(train, np.array([[True, False]]))
        (1, 1.0)
    """
    order = most_frequent(train_targets, min(100, train_targets.shape[1]))
    value = fbeta_of_first(val_targets[:, order], val_targets).mean(axis=0)
    best = int(value.argmax())
    return best + 1, float(value[best])


# --- Area under the ROC curve --------------------------------------------------------------------


class MacroAUC(NamedTuple):
    """Mean AUC over `classes` classes; `left_out` classes lack positives or negatives."""

    value: float
    classes: int
    left_out: int


def roc_auc_per_class(scores: Array, targets: Array) -> Array:
    """Area under each class's ROC curve: P(positive above negative) + ½ P(they tie).

    This is exact: among the sorted scores of a class, a positive's rank is the mean of the first
    and last place where its score fits, so that ties share ranks (Mann-Whitney). Scores (N, K) real
    and targets (N, K) bool give (K,) float64 in [0, 1], NaN for a class without positives or
    without negatives. ValueError: shapes do not fit, no work, or NaN among the scores.

    Examples:
        >>> scores = np.array([[0.9, 0.5], [0.4, 0.5], [0.4, 0.1]])
        >>> targets = np.array([[True, False], [True, False], [False, False]])
        >>> roc_auc_per_class(scores, targets).tolist()
        [0.75, nan]
    """
    scores, targets = _checked(scores, targets)
    ascending = np.sort(scores.T, axis=1)  # (K, N)
    columns = zip(ascending, scores.T, targets.T)
    return np.array([_auc(ordered, column[has]) for ordered, column, has in columns])


def mean_auc(area: Array) -> MacroAUC:
    """Mean of the areas of the classes that have one; its value is NaN if none has.

    `area` (K,) is from `roc_auc_per_class`, or part of it: `area[quartile_of(counts) == 4]`.

    Examples:
        >>> mean_auc(np.array([0.5, 1.0, np.nan]))
        MacroAUC(value=0.75, classes=2, left_out=1)
    """
    known = area[~np.isnan(area)]
    value = float(known.mean()) if len(known) else float("nan")
    return MacroAUC(value, len(known), len(area) - len(known))


def micro_auc(scores: Array, targets: Array) -> float:
    """AUC of all (work, class) pairs taken as one class; NaN without both outcomes."""
    scores, targets = _checked(scores, targets)
    return _auc(np.sort(scores, axis=None), scores[targets])


def _auc(ascending: Array, positives: Array) -> float:
    """AUC from all scores of a class in ascending order, (N,), and those of its positives, (P,)."""
    p, n = len(positives), len(ascending) - len(positives)
    if p == 0 or n == 0:
        return float("nan")
    # The sums count pairs of a positive with a score below it, and with a score not above it;
    # in both together, pairs of two positives add up to p², whatever the ties.
    below = np.searchsorted(ascending, positives, "left").sum(dtype=np.int64)
    not_above = np.searchsorted(ascending, positives, "right").sum(dtype=np.int64)
    return float((int(below) + int(not_above) - p * p) / (2 * p * n))


# --- Shared parts --------------------------------------------------------------------------------


def _checked(scores: Array, targets: Array) -> tuple[Array, BoolArray]:
    """Scores as real numbers and targets as bool, both (N, K) with at least one work."""
    scores, targets = _alike(scores, targets)
    if scores.dtype not in (np.float32, np.float64):
        scores = scores.astype(np.float32 if scores.dtype == np.float16 else np.float64)
    if scores.size and np.isnan(scores.max()):
        raise ValueError("scores hold NaN")
    return scores, targets.astype(bool, copy=False)


def _counts(predicted: Array, targets: Array) -> tuple[IntArray, IntArray, IntArray]:
    """Predictions n, labels P and right predictions tp of each work, (N,) each."""
    predicted, targets = (each.astype(bool, copy=False) for each in _alike(predicted, targets))
    return predicted.sum(axis=1), targets.sum(axis=1), (predicted & targets).sum(axis=1)


def _alike(first: Array, targets: Array) -> tuple[Array, Array]:
    first, targets = np.asarray(first), np.asarray(targets)
    if first.ndim != 2 or first.shape != targets.shape:
        raise ValueError(f"need two (N, K) arrays, got {first.shape} and {targets.shape}")
    if len(first) == 0:
        raise ValueError("no works: an average over none is undefined")
    return first, targets


def fbeta_of_first(hits: Array, targets: Array, beta: float = 2) -> Array:
    """F-beta of each work when given the first 1, 2, …, M of the labels, (N, M).

    `hits` (N, M) bool are the targets of these labels, in the order in which they are given.
    """
    n, positives = np.arange(1, hits.shape[1] + 1), targets.sum(axis=1)[:, None]
    return fbeta_of_counts(n, positives, np.cumsum(hits, axis=1), beta)


def fbeta_of_counts(n: Array, positives: Array, tp: Array, beta: float = 2) -> Array:
    """F-beta of works with n predictions, tp of them right, and `positives` labels."""
    return (1 + beta**2) * tp / np.maximum(beta**2 * positives + n, 1e-300)  # 0 / 0 is 0
