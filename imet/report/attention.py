"""Attention against boxes: how often a map's highest region lies on what the label names."""

from __future__ import annotations

import numpy as np
import pandas as pd

from imet.data.boxes import Boxes
from imet.data.parts import Part
from imet.inspection import (
    Steps,
    boxes_on_view,
    centre_prior,
    class_activation_map,
    pointing_game,
    upsample_attention,
)
from imet.typing import Array


def score_maps(
    part: Part, works: Array, steps: Steps, chosen: Array, known: Boxes, weights: Array,
    side: int,
) -> pd.DataFrame:  # fmt: skip
    """Score attention maps and their rivals on the resized view against boxes.

    `chosen` (n, T) marks the steps of works (n,) to score; steps whose label has no box in `known`,
    the boxes of the whole collection, are left out. The weights (K, D) of a linear head give class
    activation maps of a view of `side` pixels. One row per work, label and map, with hit, mass and
    area, the share of the view that the label's boxes cover; an even map's hit and mass equal it.
    """
    rows = []
    for i, t in np.argwhere(chosen):
        row, label = part.rows[works[i]], steps.labels[i, 0, t]
        boxes = known.boxes_of(row, part.columns[label])
        if not len(boxes):
            continue
        height, width = known.sizes[row]
        boxes = boxes_on_view(boxes, height, width, side)
        class_map = class_activation_map(steps.spatial[i, 0], weights[label])
        maps = {
            "attention": upsample_attention(steps.attention[i, 0, t], side),
            "Grad-CAM of the baseline": upsample_attention(class_map, side),
            "centre": centre_prior(side),
        }
        scores = {name: pointing_game(each, boxes) for name, each in maps.items()}
        area = scores["centre"]["area"]
        scores["even"] = {"hit": area, "mass": area, "area": area}
        rows += [{"work": works[i], "label": label, "map": m} | s for m, s in scores.items()]
    return pd.DataFrame(rows, columns=["work", "label", "map", "hit", "mass", "area"])


def median_size(known: Boxes, rows: Array, columns: Array) -> Array:
    """(K,) median over works of the largest box of each label, as a share of the picture.

    NaN for labels without a box. `rows` and `columns` index the whole collection.
    """
    sizes = np.full(len(columns), np.nan)
    for k, column in enumerate(columns):
        shares = [
            (boxes[:, 2:] - boxes[:, :2]).prod(1).max() / known.sizes[row].prod()
            for row in rows
            if len(boxes := known.boxes_of(row, column))
        ]
        if shares:
            sizes[k] = np.median(shares)
    return sizes
