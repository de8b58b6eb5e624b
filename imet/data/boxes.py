"""Where things are in the pictures of a collection: `boxes.csv` in its folder.

Its columns are `id,label,left,top,right,bottom`, with one row per box. The label is a name in
`labels.csv`. Sides are whole pixels of the picture as `read_image` gives it, upright: `right` and
`bottom` are the first column and row outside.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from imet.data.images import read_image
from imet.data.layout import composed
from imet.data.tables import (
    INVISIBLE,
    Collection,
    Problem,
    grouped,
    raise_first,
    read_columns,
    whole_number,
)
from imet.io import InputError
from imet.typing import Array

SIDES = ("left", "top", "right", "bottom")


@dataclass(frozen=True, eq=False)
class Boxes:
    """Boxes of N works in the collection's order."""

    boxes: tuple[Array, ...]  # (M, 4) int64 left, top, right, bottom; none where nothing is marked
    tags: tuple[Array, ...]  # (M,) int64, the label column of each box
    sizes: Array  # (N, 2) int64 height and width of the picture; 0 where nothing is marked
    source: str = "the folder's boxes.csv"  # where the boxes come from

    def boxes_of(self, row: int, label: int) -> Array:
        """(M, 4) boxes of one label on one work."""
        return self.boxes[row][self.tags[row] == label]


def read_boxes(collection: Collection) -> Boxes:
    """Read `boxes.csv`.

    InputError: it is missing or faulty; gives the first fault's file, row and remedy.
    """
    boxes, problems = scan_boxes(collection)
    raise_first(problems)
    return boxes


def scan_boxes(collection: Collection, images: bool = True) -> tuple[Boxes, list[Problem]]:
    """Read the boxes and every problem in them; faulty rows are left out.

    With `images`, boxes are also compared with the pictures' sizes. A picture that cannot be read
    is skipped here: it is a problem of its own.
    """
    path = collection.root / "boxes.csv"
    rows, problems = read_columns(path, ("id", "label", *SIDES))
    row_of = {composed(str(work)): row for row, work in enumerate(collection.ids)}
    column_of = {name: k for k, name in enumerate(collection.labels.names)}
    marked: dict[int, list[list[int]]] = {}  # row to column and sides of its boxes
    sizes = np.zeros((len(collection), 2), np.int64)
    for line, (work, label, *texts) in rows:
        row = row_of.get(composed(work.strip(INVISIBLE)), -1)
        column = column_of.get(composed(label.strip().strip(INVISIBLE)), -1)
        if images and row >= 0 and not sizes[row].any():
            with suppress(InputError):
                sizes[row] = read_image(collection.path(row)).shape[:2]
        sides = [-1 if (side := whole_number(text)) is None else side for text in texts]
        fault: tuple[str, str] | None
        if row < 0:
            fault = f"id {work!r} is not in train.csv", "use the id of a work there"
        elif column < 0:
            fault = f"label {label!r} is not in labels.csv", "use a name there, such as tag::men"
        elif -1 in sides:
            text = texts[sides.index(-1)]
            fault = f"{text!r} is no whole number of pixels", "write each side as one, from 0 on"
        else:
            fault = _misplaced(sides, *sizes[row].tolist())
        if fault:
            problems.append(Problem(path, line, *fault))
        else:
            marked.setdefault(row, []).append([column, *sides])
    each = [np.array(marked.get(row, []), np.int64).reshape(-1, 5) for row in range(len(sizes))]
    boxes = Boxes(tuple(e[:, 1:] for e in each), tuple(e[:, 0] for e in each), sizes)
    return boxes, grouped(problems)


def _misplaced(sides: list[int], height: int, width: int) -> tuple[str, str] | None:
    """What is wrong with a box on a picture, whose size is unknown if it is 0."""
    left, top, right, bottom = sides
    if left >= right or top >= bottom:
        message = f"the box from {left}, {top} to {right}, {bottom} is empty"
        return message, "left must be less than right, top less than bottom; or take the row out"
    if height and (right > width or bottom > height):
        message = f"the box ends at {right}, {bottom}, outside the picture, {width} × {height}"
        return message, "count in pixels of the picture as it is stored, turned upright"
    return None
