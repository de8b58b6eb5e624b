"""What a run is judged by: scores of works and their labels in, every reported measure out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from imet.auc import macro_auc, micro_auc
from imet.inference.thresholds import tune_exact, tune_grid
from imet.metrics import (
    best_floor,
    fbeta_per_work,
    most_frequent,
    precision_per_work,
    recall_per_work,
)
from imet.statistics import mean_interval, paired_difference

Array = np.ndarray


def threshold_grid(high: float = 0.5, step: float = 0.01) -> Array:
    """The paper's search grid: step, 2·step … below `high`, the open range (0, high).

    Examples:
        >>> threshold_grid(0.05, 0.01).tolist()
        [0.01, 0.02, 0.03, 0.04]
    """
    return np.round(np.arange(step, high - step / 2, step), 6)


def measures(predicted: Array, targets: Array) -> dict[str, dict[str, float]]:
    """F2, F1, precision and recall averaged over works, each with a 95 % bootstrap interval.

    Args:
        predicted: (N, K) bool.
        targets: (N, K) bool.
    """
    per_work = {
        "f2": fbeta_per_work(predicted, targets, 2),
        "f1": fbeta_per_work(predicted, targets, 1),
        "precision": precision_per_work(predicted, targets),
        "recall": recall_per_work(predicted, targets),
    }
    return {name: mean_interval(values)._asdict() for name, values in per_work.items()}


def evaluate(
    scores: Mapping[str, Array],
    targets: Mapping[str, Array],
    high: float = 0.5,
    step: float = 0.01,
) -> dict[str, Any]:
    """Choose the threshold on validation, measure on validation and test, compare with the floor.

    Args:
        scores: (N, K) in [0, 1] of "val" and "test".
        targets: (N, K) bool of "train", "val" and "test".
        high, step: the grid of the search.

    Returns:
        The rule, its threshold and whether that lies on the grid's edge, the exact optimum, and a
        dictionary for "val" and for "test": measures with intervals, macro AUC (over classes with
        both outcomes) and micro AUC (None where no class has), the floor's measures, and the
        paired difference of F2 from the floor.
    """
    rule = tune_grid(scores["val"], targets["val"], threshold_grid(high, step))
    exact = tune_exact(scores["val"], targets["val"])
    k, _ = best_floor(targets["train"], targets["val"])
    frequent = most_frequent(targets["train"], k)
    found: dict[str, Any] = {
        "rule": rule.to_json(),
        "threshold": rule.threshold,
        "threshold_at_edge": rule.at_edge,
        "exact_threshold": exact.threshold,
        "exact_f2": exact.f_beta,
        "floor_labels": k,
    }
    for part in ("val", "test"):
        predicted = rule.predict(scores[part])
        floor = np.zeros_like(predicted)
        floor[:, frequent] = True
        auc = macro_auc(scores[part], targets[part])
        found[part] = {
            **measures(predicted, targets[part]),
            "predicted_labels": float(predicted.sum(1).mean()),
            "auc_macro": _or_none(auc.value),
            "auc_classes": auc.classes,
            "auc_micro": _or_none(micro_auc(scores[part], targets[part])),
            "floor": measures(floor, targets[part]),
            "gain_over_floor": paired_difference(
                fbeta_per_work(predicted, targets[part]), fbeta_per_work(floor, targets[part])
            )._asdict(),
        }
    return found


def _or_none(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else value
