"""Scores and labels, for as many works and classes as the validation split has."""

from __future__ import annotations

import numpy as np

WORKS, CLASSES = 10_920, 1_077


def synthetic(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Long-tailed labels, about 3 per work, and scores that carry some information about them.

    Returns:
        (N, K) float32 scores, of which about 7 % are above .01, and (N, K) bool targets.
    """
    rng = np.random.default_rng(seed)
    rate = np.minimum(0.18, 0.3 / np.arange(1, CLASSES + 1) ** 0.9)
    targets = rng.random((WORKS, CLASSES)) < rate
    logits = np.log(rate / (1 - rate)) + rng.normal(0, 1, targets.shape) + 2.5 * targets
    return (1 / (1 + np.exp(-logits))).astype(np.float32), targets
