"""Slow, independent versions of the paper's methods, for comparison."""

from __future__ import annotations

import numpy as np

# --- imet.features.hog ---------------------------------------------------------------------------


def skimage_hog(image: np.ndarray, cells: bool = False) -> np.ndarray:
    """scikit-image's HOG with the paper's parameters; with `cells`, before normalisation."""
    from skimage.feature import hog
    from skimage.feature._hog import _hog_channel_gradient
    from skimage.feature._hoghistogram import hog_histograms

    if not cells:
        return hog(image, 8, (16, 16), (3, 3), channel_axis=-1)
    row, column = _hog_channel_gradient(image[..., 0].astype(float))  # equal channels only
    height, width = row.shape
    out = np.zeros((height // 16, width // 16, 8))
    hog_histograms(column, row, 16, 16, width, height, width // 16, height // 16, 8, out)
    return out
