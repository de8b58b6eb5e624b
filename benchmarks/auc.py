"""ROC AUC of each class, exact with ties; peer: scikit-learn's roc_auc_score, a call per class."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn
from sklearn.metrics import roc_auc_score

from benchmarks import interleaved
from benchmarks._works import WORKS, synthetic
from imet.metrics import roc_auc_per_class


def run(rounds: int = 5) -> dict[str, Any]:
    """Classes scored per second, both ways."""
    scores, targets = synthetic()
    both = targets.any(axis=0)  # the peer has no answer for the others
    scores, targets = scores[:, both], targets[:, both]
    value = {}

    def ours() -> None:
        value["ours"] = roc_auc_per_class(scores, targets)

    def peer() -> None:
        value["peer"] = [roc_auc_score(targets[:, k], scores[:, k]) for k in range(len(scores.T))]

    seconds = interleaved({"ours": ours, "peer": peer}, rounds)
    np.testing.assert_allclose(value["ours"], value["peer"], atol=1e-9)
    classes = scores.shape[1]
    return {
        "name": "auc",
        "what": f"ROC AUC of {classes:,} classes, {WORKS:,} works; peer: scikit-learn "
        f"{sklearn.__version__} roc_auc_score, a call per class",
        "ours": classes / seconds["ours"],
        "peer": classes / seconds["peer"],
        "ratio": seconds["peer"] / seconds["ours"],
        "unit": "classes/s",
    }
