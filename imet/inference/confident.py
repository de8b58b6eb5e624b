"""Confident learning for many labels: which annotations disagree with the scores too clearly.

Northcutt, Jiang and Chuang (2021), for each label by itself as its two classes. Scores must come
from models that have not seen the work (`imet.training.crossfit`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Array = np.ndarray


class Suspects(NamedTuple):
    """Annotations to look at again.

    Attributes:
        found: (N, K) bool, suspicious annotations, given or left out.
        doubt: (N, K) how sure the scores are of the opposite: the score of a label that was left
            out, one minus the score of a label that was given.
    """

    found: Array
    doubt: Array


def confident_errors(scores: Array, annotated: Array) -> Suspects:
    """Suspicious annotations by the confident joint.

    The threshold of an outcome is the mean probability that works annotated with it are given for
    it. An annotation is suspicious when the opposite outcome reaches its threshold and the
    annotated one does not reach its own; when both do, the more probable one counts (Eq. 2).

    Args:
        scores: (N, K) in [0, 1], out of sample.
        annotated: (N, K) bool.

    Returns:
        Suspects; a label without both outcomes has none.

    Examples:
        >>> scores = np.array([[0.9], [0.8], [0.88], [0.1], [0.2]])
        >>> given = np.array([[True], [True], [False], [False], [False]])
        >>> confident_errors(scores, given).found[:, 0].tolist()
        [False, False, True, False, False]
    """
    scores, annotated = np.asarray(scores, np.float64), np.asarray(annotated, bool)
    if scores.shape != annotated.shape or scores.ndim != 2:
        raise ValueError(f"need two (N, K) arrays, got {scores.shape} and {annotated.shape}")
    given, left_out = annotated.sum(0), (~annotated).sum(0)  # (K,)
    own = (scores * annotated).sum(0) / np.maximum(given, 1)  # (K,)
    other = ((1 - scores) * ~annotated).sum(0) / np.maximum(left_out, 1)  # (K,)
    yes, no = scores >= own, 1 - scores >= other  # (N, K)
    likely = scores > 0.5
    counted_yes, counted_no = yes & (~no | likely), no & (~yes | ~likely)
    found = np.where(annotated, counted_no, counted_yes) & (given > 0) & (left_out > 0)
    return Suspects(found, np.where(annotated, 1 - scores, scores))


def found_errors(found: Array, wrong: Array) -> dict[str, float]:
    """How well suspicions meet annotations that are really wrong.

    Args:
        found: bool, any shape.
        wrong: bool, the same.

    Returns:
        `precision` (0 without suspicions), `recall` (0 without errors), and counts `suspects`,
        `errors` and `hits`.

    Examples:
        >>> found_errors(np.array([True, True]), np.array([True, False]))["precision"]
        0.5
    """
    hits, suspects, errors = int((found & wrong).sum()), int(found.sum()), int(wrong.sum())
    return {
        "precision": hits / max(suspects, 1),
        "recall": hits / max(errors, 1),
        "suspects": suspects,
        "errors": errors,
        "hits": hits,
    }
