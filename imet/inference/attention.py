"""Where a model looks: attention maps on the view, Grad-CAM beside them, and how often they hit.

Boxes are left, top, right, bottom, right and bottom exclusive, as everywhere.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

Array = np.ndarray

SIGMA = 50.0
"""Pixels by which the paper's overlays are smoothed, as coded."""


def on_view(weights: Array, side: int, sigma: float = 0.0) -> Array:
    """Weights of square regions as a map of a view's pixels.

    Args:
        weights: (..., P), P = r·r regions in rows.
        side: S, pixels of the view.
        sigma: standard deviation of the smoothing in pixels; 0 shows the regions as they are.

    Returns:
        (..., S, S) float64 with the same sum: a region's weight is shared by its pixels.

    Examples:
        >>> on_view(np.eye(4)[0], 4)[0].tolist()
        [0.25, 0.25, 0.0, 0.0]
    """
    weights = np.asarray(weights, np.float64)
    rows = round(weights.shape[-1] ** 0.5)
    if rows * rows != weights.shape[-1]:
        raise ValueError(f"{weights.shape[-1]} regions are no square")
    grid = weights.reshape(*weights.shape[:-1], rows, rows)
    place = np.arange(side) * rows // side  # (S,) the region a pixel lies in
    pixels = np.bincount(place, minlength=rows)  # (r,) pixels of a region
    share = grid / (pixels[:, None] * pixels)  # (..., r, r) weight of one pixel
    found = share[..., place[:, None], place]  # (..., S, S)
    if sigma:
        found = gaussian_filter(found, (0,) * (found.ndim - 2) + (sigma, sigma), mode="reflect")
    return found


def entropy(weights: Array) -> Array:
    """Entropy of attention over P regions as a share of the largest possible, (..., P) to (...).

    1 looks everywhere alike, 0 at one region only; log 0 counts as 0.

    Examples:
        >>> entropy(np.array([[0.5, 0.5], [1.0, 0.0]])).tolist()
        [1.0, 0.0]
    """
    p = np.asarray(weights, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log(p), 0.0)
    return np.abs(terms.sum(-1)) / np.log(max(p.shape[-1], 2))


def boxes_on_view(boxes: Array, height: int, width: int, side: int) -> Array:
    """Boxes (M, 4) in a picture's pixels to those of its resized view: each axis is squeezed.

    Examples:
        >>> boxes_on_view(np.array([[0, 0, 200, 50]]), 100, 400, 100).tolist()
        [[0.0, 0.0, 50.0, 50.0]]
    """
    scale = np.array([side / width, side / height, side / width, side / height])
    return np.asarray(boxes, np.float64).reshape(-1, 4) * scale


def inside(boxes: Array, side: int) -> Array:
    """(S, S) bool, the pixels whose centre lies in one of the boxes (M, 4)."""
    centre = np.arange(side) + 0.5
    found = np.zeros((side, side), bool)
    for left, top, right, bottom in np.asarray(boxes, float).reshape(-1, 4):
        rows, columns = (centre >= top) & (centre < bottom), (centre >= left) & (centre < right)
        found |= rows[:, None] & columns
    return found


def scores_of_map(weights: Array, boxes: Array) -> dict[str, float]:
    """How well a map finds boxes.

    Args:
        weights: (S, S), not negative.
        boxes: (M, 4) in the map's pixels.

    Returns:
        `hit`: share of the map's highest pixels that lie in a box, so 1 or 0 where a single region
        is highest (the pointing game); `mass`: share of all weight in the boxes; `area`: share of
        the pixels in them, which is what an even map gets for both.

    Examples:
        >>> scores_of_map(np.eye(2), np.array([[0, 0, 1, 1]]))
        {'hit': 0.5, 'mass': 0.5, 'area': 0.25}
    """
    weights = np.asarray(weights, np.float64)
    mask = inside(boxes, weights.shape[0])
    top = weights >= weights.max() * (1 - 1e-9)
    total = weights.sum()
    mass = weights[mask].sum() / total if total > 0 else mask.mean()
    return {"hit": float(mask[top].mean()), "mass": float(mass), "area": float(mask.mean())}


def centre_prior(side: int, spread: float = 0.25) -> Array:
    """A Gaussian in the middle of the view, (S, S): where things tend to be, without looking.

    Args:
        side: S.
        spread: standard deviation as a share of the side.
    """
    along = np.exp(-0.5 * ((np.arange(side) + 0.5) / side - 0.5) ** 2 / spread**2)
    found = np.outer(along, along)
    return found / found.sum()


def grad_cam(spatial: Array, weights: Array) -> Array:
    """Grad-CAM of a linear layer on mean features, which is its class activation map.

    The gradient of logit k by a feature at any position is w_k / P, so Grad-CAM's weights are w_k.

    Args:
        spatial: (P, D) features of the regions.
        weights: (D,) of the label in the linear layer.

    Returns:
        (P,) positive evidence of each region; all alike where there is none.
    """
    evidence = np.maximum(np.asarray(spatial, np.float64) @ np.asarray(weights, np.float64), 0)
    return evidence if evidence.any() else np.ones_like(evidence)
