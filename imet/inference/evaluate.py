"""What a run is judged by: scores of works and their labels in, every reported measure out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from imet.auc import macro_auc, micro_auc
from imet.inference.pathrule import PathRule
from imet.inference.paths import Paths
from imet.inference.thresholds import tune_exact, tune_grid, tune_proportional
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
    power: float = 0.0,
) -> dict[str, Any]:
    """Choose the threshold on validation, measure on validation and test, compare with the floor.

    Args:
        scores: (N, K) in [0, 1] of "val" and "test".
        targets: (N, K) bool of "train", "val" and "test".
        high, step: the grid of the search.
        power: above 0, thresholds are proportional to this power of the labels' training
            proportion (as coded for HOG), and the factor is the best there is.

    Returns:
        the rule, its threshold and whether that lies on the grid's edge, the exact optimum, and
        what `judged` gives for "val" and for "test".
    """
    rule: Any = tune_grid(scores["val"], targets["val"], threshold_grid(high, step))
    if power:
        rule = tune_proportional(scores["val"], targets["val"], targets["train"].mean(0), power)
    exact = tune_exact(scores["val"], targets["val"])
    found: dict[str, Any] = {
        "rule": rule.to_json(),
        "threshold": rule.gamma if power else rule.threshold,
        "threshold_at_edge": rule.at_edge,
        "exact_threshold": exact.threshold,
        "exact_f2": exact.f_beta,
    }
    predicted = {part: rule.predict(scores[part]) for part in ("val", "test")}
    return found | judged(predicted, scores, targets)


def evaluate_paths(
    rule: PathRule,
    paths: Mapping[str, Paths],
    scores: Mapping[str, Array],
    targets: Mapping[str, Array],
) -> dict[str, Any]:
    """The same of a model that writes labels, whose rule was tuned on validation.

    Args:
        rule: where paths stop and how views combine.
        paths: of "val" and "test".
        scores: (N, K) of "val" and "test", for AUC alone.
        targets: (N, K) bool of "train", "val" and "test".
    """
    found = {
        "rule": rule.to_json(),
        "gamma": rule.gamma,
        "gamma_at_edge": rule.at_edge,
        "beams": rule.beams,
    }
    predicted = {part: rule.predict(paths[part]) for part in ("val", "test")}
    return found | judged(predicted, scores, targets)


def judged(
    predicted: Mapping[str, Array], scores: Mapping[str, Array], targets: Mapping[str, Array]
) -> dict[str, Any]:
    """Decisions and scores of validation and test, measured.

    Returns:
        how many labels the floor gives, and a dictionary for "val" and for "test": measures with
        intervals, macro AUC (over classes with both outcomes) and micro AUC (None where no class
        has), the floor's measures, and the paired difference of F2 from the floor.
    """
    k, _ = best_floor(targets["train"], targets["val"])
    frequent = most_frequent(targets["train"], k)
    found: dict[str, Any] = {"floor_labels": k}
    for part in ("val", "test"):
        floor = np.zeros_like(predicted[part])
        floor[:, frequent] = True
        auc = macro_auc(scores[part], targets[part])
        found[part] = {
            **measures(predicted[part], targets[part]),
            "predicted_labels": float(predicted[part].sum(1).mean()),
            "auc_macro": _or_none(auc.value),
            "auc_classes": auc.classes,
            "auc_micro": _or_none(micro_auc(scores[part], targets[part])),
            "floor": measures(floor, targets[part]),
            "gain_over_floor": paired_difference(
                fbeta_per_work(predicted[part], targets[part]), fbeta_per_work(floor, targets[part])
            )._asdict(),
        }
    return found


def _or_none(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else value
