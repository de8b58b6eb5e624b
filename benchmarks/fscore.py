"""Sample-averaged F2 at 50 thresholds; peer: scikit-learn's fbeta_score, a call per threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn
from sklearn.metrics import fbeta_score

from benchmarks import interleaved
from benchmarks._works import CLASSES, WORKS, synthetic
from imet.metrics import fbeta_at_thresholds

GRID = np.arange(1, 51) / 100


def run(rounds: int = 3) -> dict[str, Any]:
    """Thresholds scored per second, both ways."""
    scores, targets = synthetic()
    value = {}

    def ours() -> None:
        value["ours"] = fbeta_at_thresholds(scores, targets, GRID)

    def peer() -> None:
        value["peer"] = [
            fbeta_score(targets, scores >= t, beta=2, average="samples", zero_division=0)
            for t in GRID
        ]

    ours()  # compile
    seconds = interleaved({"ours": ours, "peer": peer}, rounds, warm_up=0)
    np.testing.assert_allclose(value["ours"], value["peer"], atol=1e-12)
    return {
        "name": "fscore",
        "what": f"sample-averaged F2 at {len(GRID)} thresholds, {WORKS:,} works, {CLASSES:,} "
        f"classes; peer: scikit-learn {sklearn.__version__} fbeta_score, a call per threshold",
        "ours": len(GRID) / seconds["ours"],
        "peer": len(GRID) / seconds["peer"],
        "ratio": seconds["peer"] / seconds["ours"],
        "unit": "thresholds/s",
    }
