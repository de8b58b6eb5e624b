"""What a view shows of a thing, and how far a label is recognised on it.

A culture should show in every crop of a work and a tag only where its thing is: that is why the
paper cuts six views. With the boxes of a simulated collection both can be looked at.
"""

from __future__ import annotations

import numpy as np

from imet.config import Recipe
from imet.data.parts import Part
from imet.data.views import VIEWS, random_crop_windows, work_rng
from imet.statistics import Interval
from imet.typing import Array
from imet_simulation import GroundTruth


def crop_windows(part: Part, recipe: Recipe, sizes: Array) -> Array:
    """(N, 5, 4) int64 left, top, right, bottom of the crops that evaluation cuts from each work.

    Args:
        part: "val" or "test"; in training crops differ by kind of work.
        recipe: its `view_seed` places the crops.
        sizes: (all works, 2) height and width.
    """
    found = np.empty((len(part), VIEWS - 1, 4), np.int64)
    for work, row in enumerate(part.rows.tolist()):
        rng = work_rng(recipe.view_seed, str(part.collection.ids[row]))
        height, width = sizes[row].tolist()
        for crop, (top, left, side) in enumerate(
            random_crop_windows(height, width, VIEWS - 1, rng)
        ):
            found[work, crop] = left, top, left + side, top + side
    return found


def visible_share(boxes: Array, windows: Array) -> Array:
    """How much of boxes lies in each window, by area.

    Args:
        boxes: (M, 4) left, top, right, bottom.
        windows: (C, 4).

    Returns:
        (C,) in [0, 1]; NaN without boxes.

    Examples:
        >>> windows = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 0, 30, 10]])
        >>> visible_share(np.array([[0, 0, 10, 4]]), windows).tolist()
        [1.0, 0.5, 0.0]
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1).sum()
    if not area:
        return np.full(len(windows), np.nan)
    low = np.maximum(boxes[:, None, :2], windows[None, :, :2])  # (M, C, 2)
    high = np.minimum(boxes[:, None, 2:], windows[None, :, 2:])
    return np.maximum(high - low, 0).prod(2).sum(0) / area


def shares_of_part(part: Part, truth: GroundTruth, windows: Array) -> Array:
    """(N, C, K) how much of what carries each label lies in each window; NaN where nothing does."""
    found = np.full((*windows.shape[:2], len(part.columns)), np.nan)
    for work, row in enumerate(part.rows.tolist()):
        for k, column in enumerate(part.columns.tolist()):
            boxes = truth.boxes_of(row, column)
            if len(boxes):
                found[work, :, k] = visible_share(boxes, windows[work])
    return found


def covered_share(truth: GroundTruth, rows: Array, column: int) -> Array:
    """(n,) share of the picture that a label's boxes cover, of the rows that have any."""
    found = []
    for row in np.asarray(rows).tolist():
        boxes = truth.boxes_of(row, column)
        if len(boxes):
            area = (boxes[:, 2:] - boxes[:, :2]).prod(1).sum()
            found.append(min(1.0, area / truth.sizes[row].prod()))
    return np.array(found)


def placements(scores: Array, targets: Array) -> Array:
    """Share of a label's negative works that each of its positive works is ranked above.

    Ties count half. A label's mean over its positives is its AUC, so that an AUC can be taken
    apart by what its positives look like.

    Args:
        scores: (N, K) real.
        targets: (N, K) bool.

    Returns:
        (N, K) in [0, 1]; NaN where the work has not the label, or every work has it.

    Examples:
        >>> scores, targets = np.array([[3.0], [1.0], [2.0]]), np.array([[True], [True], [False]])
        >>> placements(scores, targets).ravel().tolist()
        [1.0, 0.0, nan]
    """
    found = np.full(targets.shape, np.nan)
    for k in range(targets.shape[1]):
        has = targets[:, k]
        negatives = np.sort(scores[~has, k])
        if len(negatives):
            below = np.searchsorted(negatives, scores[has, k], "left")
            not_above = np.searchsorted(negatives, scores[has, k], "right")
            found[has, k] = (below + not_above) / (2 * len(negatives))
    return found


def macro_mean(values: Array) -> float:
    """Mean over labels of their means over works and views; NaN are left out.

    Args:
        values: (N, …, K).

    Examples:
        >>> macro_mean(np.array([[1.0, 0.0], [np.nan, 0.0], [np.nan, 1.0], [np.nan, 1.0]]))
        0.75
    """
    flat = values.reshape(-1, values.shape[-1])
    known = ~np.isnan(flat)
    count = known.sum(0)
    total = np.where(known, flat, 0.0).sum(0)
    return float((total[count > 0] / count[count > 0]).mean()) if count.any() else float("nan")


def macro_interval(values: Array, n: int = 400, seed: int = 0, level: float = 0.95) -> Interval:
    """`macro_mean` with an interval over works and labels, by the Bayesian bootstrap (Rubin 1981).

    Works get random weights instead of being drawn with replacement, so that no rare label drops
    out of a draw: labels with one work, often the worst, would else be missing from many draws,
    which would lie above the value itself. Labels get weights too, since a label with one work
    shows its spread only beside other labels; that makes the interval rather wide than narrow.

    Args:
        values: (N, …, K) with NaN where a label is not.
        n: draws.
        seed: of the weights.
        level: share of draws inside.

    Returns:
        All NaN where no label has a value.

    Examples:
        >>> found = macro_interval(np.array([[0.0], [1.0]] * 50))
        >>> found.value, 0.35 < found.low < 0.45, 0.55 < found.high < 0.65
        (0.5, True, True)
    """
    works, labels = len(values), values.shape[-1]
    by_work = values.reshape(works, -1, labels)  # (N, V, K)
    known = ~np.isnan(by_work)
    total, count = np.where(known, by_work, 0.0).sum(1), known.sum(1)  # (N, K)
    used = count.any(0)
    if not used.any():
        return Interval(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    weights = rng.standard_exponential((n, works))
    means = weights @ total[:, used] / (weights @ count[:, used])  # (n, K)
    of_label = rng.standard_exponential(means.shape)
    draws = (of_label * means).sum(1) / of_label.sum(1)  # (n,)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(macro_mean(values), float(low), float(high))
