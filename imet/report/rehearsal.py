"""What the recorded rehearsal says of more works: each stage's growth as a straight line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Points = tuple[list[int], list[float]]

PANELS = {
    "seconds, once": "cpu",
    "seconds an epoch": "epoch",
    "seconds to decode and judge": "decision",
    "MB held": "held_mb",
}
"""What is drawn of a stage, by the name of its axis; of rows their parts, not the whole."""


def growth(record: Mapping[str, Any], measure: str) -> dict[str, Points]:
    """A measure of `PANELS` by works, ascending, for each stage that has two sizes at least.

    `record` are the values of `results/rehearsal.json`: size to stage to measures.

    Examples:
        >>> record = {str(n): {"draw": {"works": n, "cpu": n / 10}} for n in (20, 10)}
        >>> growth(record, "cpu"), round(at(growth(record, "cpu")["draw"], 40), 6)
        ({'draw': ([10, 20], [1.0, 2.0])}, 4.0)
    """
    found: dict[str, Points] = {}
    for size in sorted((size for size in record if size != "full"), key=int):
        for stage, each in record[size].items():
            if measure in each and not (measure == "cpu" and "epoch" in each):
                value = each[measure]
                works, values = found.setdefault(stage, ([], []))
                works.append(each["works"])
                values.append(value["cpu"] if isinstance(value, dict) else value)
    return {stage: points for stage, points in found.items() if len(points[0]) > 1}


def at(points: Points, works: int) -> float:
    """The straight line through some points (least squares) at another number of works."""
    return float(np.polyval(np.polyfit(*points, 1), works))
