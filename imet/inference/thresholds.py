"""Tuning of decision rules by sample-averaged F-beta, on validation works and nothing else.

Among equally good settings the one that predicts fewer labels is taken. An optimum that sits on
the edge of a searched grid is flagged (`at_edge`): the true one may lie outside.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from imet.inference.rules import (
    FixedCount,
    GlobalThreshold,
    MaxFraction,
    ProportionalThreshold,
    Rule,
    TypeThresholds,
    checked,
    in_proportion,
    of_highest,
    rule_from_json,
)
from imet.metrics import best_threshold, counts_at_thresholds, fbeta, fbeta_at_thresholds

__all__ = [
    "AS_CODED_GRID",
    "PAPER_GRID",
    "POSTER_GRID",
    "FixedCount",
    "GlobalThreshold",
    "MaxFraction",
    "ProportionalThreshold",
    "Rule",
    "TypeThresholds",
    "rule_from_json",
    "tune_all",
    "tune_count",
    "tune_exact",
    "tune_grid",
    "tune_max_fraction",
    "tune_per_type",
    "tune_proportional",
]

Array = np.ndarray

POSTER_GRID = np.arange(51) / 100
"""0, .01, …, .5: the poster's search as we read it."""
PAPER_GRID = np.arange(1, 50) / 100
"""The paper's open range (0, .5) in steps of .01; the step is ours."""
AS_CODED_GRID = np.arange(1, 100) / 100
"""(0, 1), the range that the paper's code searches."""


def tune_grid(
    scores: Array, targets: Array, grid: Array = POSTER_GRID, beta: float = 2
) -> GlobalThreshold:
    """The best global threshold of a grid (both documents' search).

    Args:
        scores: (N, K) validation scores.
        targets: (N, K) bool.
        grid: (M,) thresholds, ascending.
        beta: weight of recall.
    """
    value = fbeta_at_thresholds(scores, targets, grid, beta)
    best = _last_best(value)
    return GlobalThreshold(
        float(grid[best]), f_beta=float(value[best]), beta=beta, at_edge=_on_edge(best, grid)
    )


def tune_exact(scores: Array, targets: Array, beta: float = 2) -> GlobalThreshold:
    """The best global threshold there is; see `imet.metrics.best_threshold`."""
    threshold, value = best_threshold(scores, targets, beta)
    return GlobalThreshold(threshold, f_beta=value, beta=beta)


def tune_per_type(
    scores: Array,
    targets: Array,
    is_culture: Array,
    grid: Array = POSTER_GRID,
    beta: float = 2,
) -> TypeThresholds:
    """The best pair of thresholds of a grid, all pairs tried together.

    Args:
        scores: (N, K) validation scores.
        targets: (N, K) bool.
        is_culture: (K,) bool.
        grid: (M,) thresholds, ascending.
        beta: weight of recall.
    """
    scores, targets = checked(scores), np.asarray(targets, bool)
    is_culture = np.asarray(is_culture, bool)
    positives = targets.sum(axis=1)[:, None]  # (N, 1)
    culture = counts_at_thresholds(scores[:, is_culture], targets[:, is_culture], grid)
    tag = counts_at_thresholds(scores[:, ~is_culture], targets[:, ~is_culture], grid)
    value = np.empty((len(grid), len(grid)))
    for i in range(len(grid)):
        n = culture[0][:, i, None] + tag[0]  # (N, M)
        hits = culture[1][:, i, None] + tag[1]  # (N, M)
        whole = np.maximum(beta**2 * positives + n, 1)  # without any, hits are 0 and so is F
        value[i] = ((1 + beta**2) * hits / whole).mean(axis=0)
    i, j = divmod(_last_best(value.ravel()), len(grid))
    edge = (is_culture.any() and _on_edge(i, grid)) or (not is_culture.all() and _on_edge(j, grid))
    return TypeThresholds(
        float(grid[i]),
        float(grid[j]),
        tuple(is_culture.tolist()),
        f_beta=float(value[i, j]),
        beta=beta,
        at_edge=bool(edge),
    )


def tune_proportional(
    scores: Array, targets: Array, proportions: Array, power: float = 1.0, beta: float = 2
) -> ProportionalThreshold:
    """The best γ of γ·f^power there is.

    Args:
        scores: (N, K) validation scores.
        targets: (N, K) bool.
        proportions: (K,) f, shares of *training* works.
        power: exponent of f.
        beta: weight of recall.
    """
    ratio = in_proportion(checked(scores, len(proportions)), np.asarray(proportions), power)
    gamma, _ = best_threshold(ratio, targets, beta)
    rule = ProportionalThreshold(
        max(gamma, 0.0), tuple(np.asarray(proportions, float).tolist()), power
    )
    return _with_value(rule, scores, targets, beta)


def tune_max_fraction(scores: Array, targets: Array, beta: float = 2) -> MaxFraction:
    """The best fraction of the highest score there is."""
    fraction, _ = best_threshold(of_highest(checked(scores)), targets, beta)
    return _with_value(MaxFraction(fraction), scores, targets, beta)


def tune_count(scores: Array, targets: Array, most: int = 50, beta: float = 2) -> FixedCount:
    """The best number of labels a work, from 1 to `most`."""
    scores, targets = checked(scores), np.asarray(targets, bool)
    most = min(most, scores.shape[1])
    chosen = np.nonzero(FixedCount(most).predict(scores))[1].reshape(len(scores), most)
    order = np.argsort(-np.take_along_axis(scores, chosen, axis=1), axis=1, kind="stable")
    chosen = np.take_along_axis(chosen, order, axis=1)  # (N, most), highest score first
    hits = np.cumsum(np.take_along_axis(targets, chosen, axis=1), axis=1)  # (N, most)
    whole = beta**2 * targets.sum(axis=1)[:, None] + np.arange(1, most + 1)  # (N, most)
    value = ((1 + beta**2) * hits / whole).mean(axis=0)
    best = int(value.argmax())
    edge = best + 1 == most < scores.shape[1]
    return FixedCount(best + 1, f_beta=float(value[best]), beta=beta, at_edge=edge)


def tune_all(
    scores: Array,
    targets: Array,
    is_culture: Array,
    proportions: Array,
    grid: Array = POSTER_GRID,
    beta: float = 2,
) -> dict[str, Rule]:
    """Every rule tuned on the same validation works, by name, for tables that compare them.

    Args:
        scores: (N, K) validation scores.
        targets: (N, K) bool.
        is_culture: (K,) bool.
        proportions: (K,) shares of training works.
        grid: for the rules that search one.
        beta: weight of recall.

    Returns:
        Rules named `grid`, `exact`, `per_type`, `proportional`, `max_fraction`, `count`.
    """
    return {
        "grid": tune_grid(scores, targets, grid, beta),
        "exact": tune_exact(scores, targets, beta),
        "per_type": tune_per_type(scores, targets, is_culture, grid, beta),
        "proportional": tune_proportional(scores, targets, proportions, beta=beta),
        "max_fraction": tune_max_fraction(scores, targets, beta),
        "count": tune_count(scores, targets, beta=beta),
    }


def _with_value(rule: Any, scores: Array, targets: Array, beta: float) -> Any:
    value = fbeta(rule.predict(scores), targets, beta)
    return replace(rule, f_beta=value, beta=beta)


def _last_best(value: Array) -> int:
    return len(value) - 1 - int(value[::-1].argmax())


def _on_edge(index: int, grid: Array) -> bool:
    return bool(index in (0, len(grid) - 1))
