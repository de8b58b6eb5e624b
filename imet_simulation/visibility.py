"""How much of a thing can be seen in a picture, and in a window cut from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from imet_simulation.ground_truth import GroundTruth

Array = np.ndarray


def visible_share(boxes: Array, windows: Array) -> Array:
    """Share of the boxes' area that lies in each window.

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
    area = _areas(boxes).sum()
    if not area:
        return np.full(len(windows), np.nan)
    low = np.maximum(boxes[:, None, :2], windows[None, :, :2])  # (M, C, 2)
    high = np.minimum(boxes[:, None, 2:], windows[None, :, 2:])
    return np.maximum(high - low, 0).prod(2).sum(0) / area


def visible_shares(
    truth: GroundTruth, rows: Sequence[int], columns: Sequence[int], windows: Array
) -> Array:
    """`visible_share` of every label's things on every work.

    Args:
        truth: ground truth of the collection.
        rows, columns: N works and K labels of the collection.
        windows: (N, C, 4) left, top, right, bottom, C per work.

    Returns:
        (N, C, K) in [0, 1]; NaN where a label has no box on the work.
    """
    shares = np.full((*windows.shape[:2], len(columns)), np.nan)
    for n, row in enumerate(rows):
        for k, column in enumerate(columns):
            shares[n, :, k] = visible_share(truth.boxes_of(row, column), windows[n])
    return shares


def covered_share(truth: GroundTruth, column: int) -> Array:
    """(n,) share of the picture that a label's boxes cover, for each work that has any."""
    works = [(truth.boxes_of(row, column), truth.sizes[row]) for row in range(len(truth.boxes))]
    return np.array(
        [min(1.0, _areas(boxes).sum() / size.prod()) for boxes, size in works if len(boxes)]
    )


def _areas(boxes: Array) -> Array:
    return (boxes[:, 2:] - boxes[:, :2]).prod(1)
