"""Where prediction and annotation part, and who was right, where that is known."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def discrepancies(
    predicted: Array, annotated: Array, truth: Array | None = None
) -> dict[str, Array]:
    """Kinds of agreement and disagreement, as (N, K) masks that do not overlap.

    Args:
        predicted: (N, K) bool, the model's labels.
        annotated: (N, K) bool, the annotator's.
        truth: (N, K) bool, what is really shown, where it is known.

    Returns:
        Without truth: `agreed`, `only the model`, `only the annotator`. With it, either of the
        last two is divided by who was right.

    Examples:
        >>> found = discrepancies(np.array([[True, True]]), np.array([[True, False]]))
        >>> {kind: int(mask.sum()) for kind, mask in found.items()}
        {'agreed': 1, 'only the model': 1, 'only the annotator': 0}
    """
    predicted, annotated = np.asarray(predicted, bool), np.asarray(annotated, bool)
    more, less = predicted & ~annotated, annotated & ~predicted
    if truth is None:
        return {
            "agreed": predicted & annotated,
            "only the model": more,
            "only the annotator": less,
        }
    truth = np.asarray(truth, bool)
    return {
        "agreed, and shown": predicted & annotated & truth,
        "agreed, and not shown": predicted & annotated & ~truth,
        "only the model, which is right": more & truth,
        "only the model, which is wrong": more & ~truth,
        "only the annotator, who is right": less & truth,
        "only the annotator, who is wrong": less & ~truth,
    }
