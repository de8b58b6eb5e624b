"""Simpler rivals of the content-aware crop, scores of a crop, and the works to score it on."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, uniform_filter
from skimage.color import rgb2gray
from skimage.filters import threshold_otsu
from skimage.transform import resize
from torchvision.ops import box_area, box_iou

from imet import runs
from imet.config import get_profile
from imet.crop import boxes_from_saliency, to_pixels
from imet.data.boxes import Boxes
from imet.data.parts import Parts
from imet.data.source import known_boxes
from imet.data.views import crop_window
from imet.typing import Array

SMALL = 64
"""Side at which the spectral residual is taken, as its authors do."""
ENOUGH = 10
"""Held-out works with boxes that crops are scored on."""


def collection_with_boxes(profile: str) -> tuple[str, Parts, Boxes]:
    """A profile's own collection where enough boxes are known, else the drawn one of `sample`.

    Returns the profile that the collection belongs to, its parts, and the boxes of all its works.
    """
    parts = runs.load(profile)
    boxes = known_boxes(parts.collection)
    held_out = [*parts.val.rows, *parts.test.rows]
    if boxes is not None:
        enough = sum(len(boxes.boxes[row]) > 0 for row in held_out) >= ENOUGH
        if enough or get_profile(profile).data == "simulated":
            return profile, parts, boxes
    return collection_with_boxes("sample")


def centre_box(height: int, width: int) -> Array:
    """The square in the middle, as large as the paper's crops: 224/300 of the shorter side.

    Examples:
        >>> centre_box(300, 400).tolist()
        [88, 38, 312, 262]
    """
    side = crop_window(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    return np.array([left, top, left + side, top + side])


def otsu_box(picture: Array) -> Array:
    """Box around what Otsu's threshold separates from the ground (the frame's median grey)."""
    grey = rgb2gray(picture)  # (H, W)
    frame = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    distance = np.abs(grey - np.median(frame))  # (H, W)
    if np.ptp(distance) < 1e-9:
        return np.array([0, 0, picture.shape[1], picture.shape[0]])
    apart = (distance > threshold_otsu(distance)).astype(float)
    return to_pixels(boxes_from_saliency(apart[None])[0], *picture.shape[:2])


def spectral_residual(picture: Array) -> Array:
    """Saliency of a picture without any training (Hou and Zhang 2007), (64, 64).

    The log amplitude of the spectrum less its local mean, transformed back, squared and smoothed.
    """
    grey = resize(rgb2gray(picture), (SMALL, SMALL), anti_aliasing=True)  # (64, 64)
    spectrum = np.fft.fft2(grey)
    log_amplitude = np.log(np.abs(spectrum) + 1e-9)
    residual = log_amplitude - uniform_filter(log_amplitude, 3, mode="wrap")
    back = np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))
    return gaussian_filter(np.abs(back) ** 2, SMALL / 25)


def spectral_residual_box(picture: Array) -> Array:
    """Box around the spectral residual's saliency, by the rule of the content-aware crop."""
    return to_pixels(boxes_from_saliency(spectral_residual(picture)[None])[0], *picture.shape[:2])


def hull(boxes: Array) -> Array:
    """The smallest box around all of (M, 4), M ≥ 1.

    Examples:
        >>> hull(np.array([[1, 2, 3, 4], [0, 3, 2, 9]])).tolist()
        [0, 2, 3, 9]
    """
    boxes = np.asarray(boxes)
    return np.concatenate([boxes[:, :2].min(0), boxes[:, 2:].max(0)])


def covered(crop: Array, boxes: Array) -> float:
    """Share of the area under boxes (M, 4) that a crop keeps; overlaps of boxes count once.

    Examples:
        >>> covered(np.array([0, 0, 2, 9]), np.array([[0, 0, 4, 1], [0, 0, 4, 1]]))
        0.5
    """
    boxes = np.asarray(boxes, np.int64)
    under = np.zeros((boxes[:, 3].max(), boxes[:, 2].max()), bool)
    for left, top, right, bottom in boxes:
        under[top:bottom, left:right] = True
    left, top, right, bottom = np.asarray(crop, np.int64)
    return float(under[top:bottom, left:right].sum() / max(under.sum(), 1))


def crop_scores(crop: Array, boxes: Array, height: int, width: int) -> dict[str, float]:
    """Scores of a crop (4,) of a picture, given the boxes (M, 4) of everything the tags name.

    `iou` is that with the hull of the boxes, `kept` the share of the boxes' area inside the crop,
    and `area` the share of the picture inside the crop.
    """
    both = torch.from_numpy(np.stack([crop, hull(boxes)])).double()  # (2, 4)
    return {
        "iou": float(box_iou(both[:1], both[1:])),
        "kept": covered(crop, boxes),
        "area": float(box_area(both[:1])) / (height * width),
    }
