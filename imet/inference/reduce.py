"""From views to works: one score a label from the scores of the six views."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

Array = np.ndarray


def reduce_views(logits: Array, how: str = "mean_scores") -> Array:
    """Scores of works from the logits of their views.

    Args:
        logits: (N, V, K).
        how: "mean_scores", the mean probability, as the paper writes (section 3.1), or
            "mean_logits", the probability of the mean logit, as its authors' code has it.

    Returns:
        (N, K) float32 in [0, 1].

    Examples:
        >>> logits = np.array([[[0.0], [4.0]]])
        >>> round(float(reduce_views(logits)[0, 0]), 3)
        0.741
        >>> round(float(reduce_views(logits, "mean_logits")[0, 0]), 3)
        0.881
    """
    logits = np.asarray(logits, np.float32)
    if how == "mean_scores":
        return expit(logits).mean(1, dtype=np.float32)  # (N, K)
    if how == "mean_logits":
        return expit(logits.mean(1, dtype=np.float32))  # (N, K)
    raise ValueError(f"how is mean_scores or mean_logits, not {how!r}")
