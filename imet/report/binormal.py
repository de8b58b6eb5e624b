"""The F2 that a given AUC allows under given base rates: the poster's .94 beside its .53."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit, ndtri

from imet import metrics
from imet.typing import Array


class BinormalResult(NamedTuple):
    """A simulated model's measures at its best global threshold."""

    auc: float
    f2: float
    precision: float
    recall: float
    threshold: float


def f2_at_auc(frequencies: Array, auc: float, works: int = 1000, seed: int = 0) -> BinormalResult:
    """F2 of a model that ranks works with the same given AUC for every label.

    Labels are drawn independently by their frequencies; a work's evidence for a label is normal,
    shifted by d = √2·Φ⁻¹(AUC) where the label is true (the equal-variance binormal model). Scores
    are the exact posterior probabilities, so nothing is lost to bad calibration. Frequencies (K,)
    and AUC lie in (0, 1). Returns the macro AUC as drawn on `works` simulated works, and F2,
    precision and recall at their best threshold.

    Examples:
        >>> result = f2_at_auc(np.full(20, 0.2), 0.9)
        >>> abs(result.auc - 0.9) < 0.02, result.f2 < 0.9
        (True, True)
    """
    f = np.asarray(frequencies, np.float64)
    if not ((f > 0) & (f < 1)).all() or not 0 < auc < 1:
        raise ValueError("frequencies and AUC lie in (0, 1)")
    rng = np.random.default_rng(seed)
    targets = rng.random((works, len(f))) < f  # (N, K)
    shift = np.sqrt(2) * ndtri(auc)
    evidence = rng.normal(0, 1, targets.shape) + shift * targets  # (N, K)
    scores = expit(logit(f) + shift * evidence - shift**2 / 2)  # (N, K)
    some = targets.any(1)  # every work of the collection has a label
    scores, targets = scores[some].astype(np.float32), targets[some]
    threshold, f2 = metrics.best_threshold(scores, targets)
    predicted = scores >= threshold
    precision = float(metrics.precision_per_work(predicted, targets).mean())
    recall = float(metrics.recall_per_work(predicted, targets).mean())
    area = metrics.mean_auc(metrics.roc_auc_per_class(scores, targets)).value
    return BinormalResult(area, f2, precision, recall, threshold)
