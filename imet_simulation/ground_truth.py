"""What only a simulated collection knows: the labels before annotators' mistakes, and boxes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from imet.io import InputError

Array = np.ndarray


class Labels(Protocol):
    """Label columns, as `imet.labels.LabelSpace` has them."""

    def __len__(self) -> int:
        """K."""

    @property
    def names(self) -> tuple[str, ...]:
        """K full names."""


class Collection(Protocol):
    """Tables of a folder in Kaggle's layout, as `imet.data.tables.Collection` has them."""

    @property
    def root(self) -> Path:
        """The folder."""

    @property
    def ids(self) -> Array:
        """(N,) names of works."""

    @property
    def labels(self) -> Labels:
        """The K label columns."""

    @property
    def targets(self) -> Array:
        """(N, K) bool."""

    def path(self, row: int) -> Path:
        """The picture of a row."""

    def __len__(self) -> int:
        """N."""


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """What is really shown, with rows in the collection's order.

    Attributes:
        targets: (N, K) bool, what is really shown.
        boxes: N arrays (M, 4) int64 left, top, right, bottom of the visible part of everything that
            carries a tag; no rows where nothing does.
        composition: N names of the kind of picture.
        tags: N arrays (M,) int64, the label column of each box; -1 if the table lacks its label.
        sizes: (N, 2) int64 height and width of the picture.
    """

    targets: Array
    boxes: tuple[Array, ...]
    composition: tuple[str, ...]
    tags: tuple[Array, ...]
    sizes: Array

    def boxes_of(self, row: int, label: int) -> Array:
        """(M, 4) boxes of one label on one work; none if it is a culture or is not shown."""
        return self.boxes[row][self.tags[row] == label]


def has_ground_truth(root: Path) -> bool:
    """Whether a folder is a simulated collection."""
    return (Path(root) / "truth.jsonl").exists()


def read_ground_truth(collection: Collection) -> GroundTruth:
    """Read `truth.jsonl`; labels that the table does not have are left out.

    Raises:
        InputError: the file is missing, has a faulty line, or lacks a work.
    """
    path = collection.root / "truth.jsonl"
    if not path.exists():
        raise InputError(
            f"{path} is missing: only a simulated collection (imet data simulate) has it"
        )
    column = {name: k for k, name in enumerate(collection.labels.names)}
    row_of = {str(work): row for row, work in enumerate(collection.ids)}
    targets = np.zeros(collection.targets.shape, bool)
    boxes: list[Any] = [None] * len(collection)
    tags: list[Any] = [None] * len(collection)
    sizes = np.zeros((len(collection), 2), np.int64)
    composition = [""] * len(collection)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            entry = json.loads(line)
            row = row_of.get(entry["id"])
            if row is None:
                continue
            targets[row, [column[name] for name in entry["labels"] if name in column]] = True
            of_tag = entry["boxes"].items()
            every = [box for _, several in of_tag for box in several]
            boxes[row] = np.array(every, np.int64).reshape(-1, 4)
            columns = [column.get(tag, -1) for tag, several in of_tag for _ in several]
            tags[row] = np.array(columns, np.int64)
            sizes[row] = entry["height"], entry["width"]
            composition[row] = str(entry["composition"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path}, line {number}: not a line of a simulation ({error!r}); simulate again"
            ) from error
    missing = [str(collection.ids[row]) for row, box in enumerate(boxes) if box is None]
    if missing:
        raise InputError(
            f"{path}: {len(missing)} works missing, {missing[0]} first; simulate again"
        )
    return GroundTruth(targets, tuple(boxes), tuple(composition), tuple(tags), sizes)
