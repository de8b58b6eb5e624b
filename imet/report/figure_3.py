"""The eight labels of the paper's Figure 3: two of each quartile of training frequency."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from imet.config import get_profile
from imet.data.parts import Part, Parts
from imet.data.source import drawn_for
from imet.typing import Array

FIGURE_3 = (813, 1092, 871, 688, 447, 696, 841, 67)
"""Ids of the labels in the paper's Figure 3; several labels have as many uses as the last four."""


def figure_3_columns(parts: Parts) -> tuple[Array, str]:
    """Columns of the paper's Figure 3 among the labels in use, and who picked them.

    The rule sorts all labels of the table, including dropped ones; if it picks a dropped label, as
    may happen in a small collection, it is applied to the labels in use instead. If its picks
    differ from the paper's only by ties, as on the real table, the paper's are taken.

    Returns:
        (8,) int64 columns, from the most frequent quartile to the rarest, and "the paper" or "the
        rule"; fewer than eight labels are all returned, picked by "the number of labels".
    """
    counts, ids = parts.collection.targets[parts.split.train].sum(0), parts.collection.labels.ids
    picks = quartile_picks(counts)
    if len(parts.labels) < 8:
        return np.argsort(-parts.train.targets.sum(0), kind="stable"), "the number of labels"
    if np.isin(FIGURE_3, ids).all():
        printed = np.array([parts.collection.labels.column(k) for k in FIGURE_3])
        if (counts[printed] == counts[picks]).all():
            return np.array([parts.labels.column(k) for k in FIGURE_3]), "the paper"
    if np.isin(ids[picks], parts.labels.ids).all():
        return np.array([parts.labels.column(int(k)) for k in ids[picks]]), "the rule"
    return quartile_picks(parts.train.targets.sum(0)), "the rule"


class MorePositives(NamedTuple):
    """Works that carry labels of the figure, in addition to the validation works.

    Attributes:
        part: the works.
        positive: (N, 8) bool, whether a work joins the positives of a label.
        source: what the works are, for the page.
    """

    part: Part
    positive: Array
    source: str


def more_positives(parts: Parts, columns: Array, profile: str) -> MorePositives:
    """Positives for readable curves: enough of each label, and none of them trained on.

    For a simulated collection, works are drawn for the labels, a fiftieth of its size for each
    label; for any other collection, the test works are taken.
    """
    settings = get_profile(profile)
    if settings.data != "simulated":
        return MorePositives(parts.test, parts.test.targets[:, columns], "the test works")
    names = [parts.labels.names[k] for k in columns]
    works, drawn_as = drawn_for(settings, names, max(1, settings.works // 50))
    part = Part(works, np.arange(len(works)), parts.val.columns, "test")
    positive = part.targets[:, columns] & (drawn_as[:, None] == np.arange(len(columns)))
    return MorePositives(part, positive, "works drawn for these labels alone")


def quartile_picks(counts: Array) -> Array:
    """Eight columns for the paper's Figure 3: the two most frequent of each quartile.

    As in the authors' notebook: columns are sorted by descending training proportion and taken at
    the two ranks from each multiple of ⌊K/4⌋; for K = 1,103, 0–1, 275–276, 550–551 and 825–826.
    Ties keep column order; the document's own picks among ties cannot be derived. Counts (K,) are
    uses in the training split, K ≥ 8; the fourth quartile (most frequent) comes first.
    """
    counts = np.asarray(counts)
    k = len(counts)
    if k < 8:
        raise ValueError(f"two labels from each of four quartiles need 8 labels, got {k}")
    order = np.argsort(-counts, kind="stable")
    return order[[quarter * (k // 4) + rank for quarter in range(4) for rank in (0, 1)]]
