"""Label paths: when to stop them, and what the views of a work say together (section 3.3).

The labels and probabilities of a path do not depend on the threshold, so a path is decoded once, to
its T steps, and stopped afterwards; tuning γ costs no forward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Mode = Literal["terminate", "mask"]


@dataclass(frozen=True, eq=False)
class Paths:
    """T chosen labels for every view, or for every work; leading axes are free.

    Attributes:
        labels: int64 (..., T), no label twice in a path.
        probabilities: float32 (..., T), p_t of the label chosen at step t.
        scores: float32 (..., K), every label's largest p_t over the steps: what a ROC curve needs
            and the paper says the model lacks. A label may score high at a step that chose another.
    """

    labels: Ints
    probabilities: Floats
    scores: Floats

    def views(self, count: int) -> Paths:
        """Split the first axis into works and their `count` views: (N·V, …) to (N, V, …)."""

        works = (-1, count)
        return Paths(
            self.labels.reshape(*works, self.labels.shape[-1]),
            self.probabilities.reshape(*works, self.probabilities.shape[-1]),
            self.scores.reshape(*works, self.scores.shape[-1]),
        )

    @staticmethod
    def concatenate(parts: list[Paths]) -> Paths:
        """Join batches along the first axis."""
        return Paths(
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.probabilities for part in parts]),
            np.concatenate([part.scores for part in parts]),
        )


def path_probability(probabilities: Floats) -> Floats:
    """Normalised path probability P_t, Equation 6: the geometric mean of the first t.

    (..., T) to (..., T). A product of independent sigmoids, so a score and not a probability.

    Examples:
        >>> path_probability(np.array([0.5, 0.125])).round(3).tolist()
        [0.5, 0.25]
    """
    return np.exp(_running_mean(_log(probabilities)))


def path_threshold(labels: Ints, gamma: float, f: Floats) -> Floats:
    """Geometric mean of γ f over the labels of a path so far, (..., T) to (..., T).

    f (K,) are the labels' proportions in training. A label without a training work (f = 0) makes
    the threshold 0 from its step on, as the formula has it.

    Examples:
        >>> path_threshold(np.array([0, 1]), 2.5, np.array([0.2, 0.05])).round(3).tolist()
        [0.5, 0.25]
    """
    return np.exp(_running_mean(_log(gamma * np.asarray(f, np.float64)[labels])))


def kept_steps(
    paths: Paths,
    gamma: float,
    f: Floats,
    mode: Mode = "terminate",
    *,
    keep_first: bool = True,
    keep_failing: bool = False,
) -> Bools:
    """Which steps' labels are output, (..., T).

    Args:
        gamma, f: a step fails where P_t < `path_threshold`.
        mode: "terminate" ends at the first step that fails (the paper); "mask" drops the failing
            steps one by one and lets a later one in again (as coded).
        keep_first: a path outputs its first label even if it fails (as coded).
        keep_failing: the step that ends the path is output too, which "terminate at the end of time
            step t" may also mean; only with "terminate".

    Examples:
        >>> paths = Paths(np.array([0, 1, 2]), np.array([0.9, 0.1, 0.9]), np.zeros(3))
        >>> kept_steps(paths, 1.0, np.full(3, 0.4)).tolist()
        [True, False, False]
        >>> kept_steps(paths, 1.0, np.full(3, 0.4), "mask").tolist()
        [True, False, True]
    """
    if mode not in ("terminate", "mask"):
        raise ValueError(f'mode is "terminate" or "mask", not {mode!r}')
    p = _running_mean(_log(paths.probabilities))  # compared as logarithms: nothing underflows
    passed = p >= _running_mean(_log(gamma * np.asarray(f, np.float64)[paths.labels]))  # (..., T)
    if mode == "terminate":
        passed = np.logical_and.accumulate(passed, axis=-1)
        if keep_failing:
            passed[..., 1:] |= passed[..., :-1].copy()
    if keep_first or (keep_failing and mode == "terminate"):
        passed[..., 0] = True
    return passed


def stop(
    paths: Paths,
    gamma: float,
    f: Floats,
    mode: Mode = "terminate",
    *,
    keep_first: bool = True,
    keep_failing: bool = False,
) -> Bools:
    """Decisions of each path, bool (..., K): the labels of `kept_steps`."""
    kept = kept_steps(paths, gamma, f, mode, keep_first=keep_first, keep_failing=keep_failing)
    return _multi_hot(paths.labels, kept, paths.scores.shape[-1])


def combine_views(predicted: Bools, how: Literal["union", "vote"] = "union") -> Bools:
    """A work's decisions from its views', (N, V, K) to (N, K): any of them, or at least half.

    Examples:
        >>> views = np.array([[[True, True, False], [False, True, False], [False, False, False]]])
        >>> combine_views(views).tolist(), combine_views(views, "vote").tolist()
        ([[True, True, False]], [[False, True, False]])
    """
    if how == "union":
        return np.asarray(predicted.any(1))
    if how == "vote":
        return np.asarray(2 * predicted.sum(1) >= predicted.shape[1])
    raise ValueError(f'views combine by "union" or "vote", not {how!r}')


def tune_gamma(
    paths: Paths,
    f: Floats,
    targets: Bools,
    gammas: Floats,
    metric: Callable[[Bools, Bools], float],
    mode: Mode = "terminate",
    *,
    how: Literal["union", "vote"] = "union",
    keep_first: bool = True,
    keep_failing: bool = False,
) -> tuple[float, Floats]:
    """The γ with the best metric on validation works, and the metric of each γ.

    Args:
        paths: with axes (N, V, T), or (N, T) for one path a work.
        targets: bool (N, K).
        gammas: (M,) candidates; the first one wins ties.
        metric: of (predicted, targets), the larger the better, `imet.metrics.fbeta` for instance.

    Examples:
        >>> paths = Paths(np.array([[0, 1]]), np.array([[0.9, 0.1]]), np.zeros((1, 2)))
        >>> truth, agreement = np.array([[True, False]]), lambda a, b: float((a == b).mean())
        >>> tune_gamma(paths, np.full(2, 0.4), truth, np.array([0.1, 1.0]), agreement)
        (1.0, array([0.5, 1. ]))
    """
    values = np.empty(len(gammas))
    labels = paths.scores.shape[-1]
    for m, gamma in enumerate(gammas):
        kept = kept_steps(
            paths, float(gamma), f, mode, keep_first=keep_first, keep_failing=keep_failing
        )
        if paths.labels.ndim == 3 and how == "union":  # straight to works: (N, V·T)
            n = len(kept)
            predicted = _multi_hot(paths.labels.reshape(n, -1), kept.reshape(n, -1), labels)
        else:
            predicted = _multi_hot(paths.labels, kept, labels)
            if predicted.ndim == 3:
                predicted = combine_views(predicted, how)
        values[m] = metric(predicted, targets)
    return float(gammas[values.argmax()]), values


def _multi_hot(labels: Ints, kept: Bools, count: int) -> Bools:
    predicted = np.zeros((*labels.shape[:-1], count), bool)
    where = np.nonzero(kept)
    predicted[(*where[:-1], labels[where])] = True
    return predicted


def _log(x: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log(np.asarray(x, np.float64))


def _running_mean(x: Floats) -> Floats:
    return x.cumsum(-1) / np.arange(1, x.shape[-1] + 1)
