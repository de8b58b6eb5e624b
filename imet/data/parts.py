"""A collection's train, validation and test parts, as a recipe sees them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from imet.config import Recipe
from imet.data.source import add_label_noise
from imet.data.split import PARTS, Split, split_collection, subsample
from imet.data.tables import Collection, read_collection
from imet.data.view_targets import Kind, view_kinds, view_targets
from imet.data.views import ViewSettings
from imet.io import InputError
from imet.labels import LabelSpace
from imet.typing import Array


@dataclass(frozen=True, eq=False)
class Part:
    """One part of the split, as a recipe sees it.

    Attributes:
        collection: the whole collection.
        rows: (N,) its rows in this part.
        columns: (K,) its label columns in use.
        name: "train", "val" or "test".
        view_labels: (all works, all labels) bool, labels that decide resize or crop when label
            noise has replaced the collection's own.
    """

    collection: Collection
    rows: Array
    columns: Array
    name: str
    view_labels: Array | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def training(self) -> bool:
        """Whether works are seen as in training."""
        return self.name == "train"

    @property
    def targets(self) -> Array:
        """(N, K) bool, the labels in use."""
        return self.collection.targets[np.ix_(self.rows, self.columns)]

    def kinds(self, work: int, settings: ViewSettings | Recipe) -> list[Kind]:
        """Kinds of the views of a work, "resize" or "crop"; one resize for `views="one"`."""
        same = self.training or settings.eval_views == "same"
        if (settings.views if same else settings.eval_views) == "one":
            return ["resize"]
        # What a work carries is judged on its whole row, whatever columns are in use.
        labels = self.collection.targets if self.view_labels is None else self.view_labels
        row = labels[self.rows[work]]
        is_culture = self.collection.labels.is_culture
        has_culture, has_tag = bool(row[is_culture].any()), bool(row[~is_culture].any())
        return view_kinds(has_culture, has_tag, self.training)

    def view_targets(self, settings: ViewSettings | Recipe) -> Array:
        """(N, V, K) bool, the labels each view trains on or is scored against."""
        is_culture = self.collection.labels.is_culture[self.columns]
        targets = self.targets
        return np.stack(
            [
                view_targets(
                    targets[work],
                    is_culture,
                    self.kinds(work, settings),
                    self.training,
                    settings.crop_targets,
                )
                for work in range(len(self))
            ]
        )


@dataclass(frozen=True, eq=False)
class Parts:
    """A collection split as a recipe asks.

    Attributes:
        collection: all works.
        split: rows of train, val, test and dropped works.
        labels: the K labels in use.
        train, val, test: the parts.
    """

    collection: Collection
    split: Split
    labels: LabelSpace
    train: Part
    val: Part
    test: Part

    def __getitem__(self, name: str) -> Part:
        """The part called "train", "val" or "test"."""
        return {"train": self.train, "val": self.val, "test": self.test}[name]

    def values(self) -> list[Part]:
        """Train, val and test."""
        return [self.train, self.val, self.test]

    def items(self) -> list[tuple[str, Part]]:
        """Name and part of train, val and test."""
        return [(part.name, part) for part in self.values()]


@dataclass(frozen=True)
class SplitSettings:
    """What the parts depend on, apart from the tables; a recipe has these fields too.

    Attributes:
        drop_rare: leave out labels of fewer than `rare_below` works, and the works that carry one.
        split_seed: of the random split 8:1:1.
        max_works: a seeded sample of so many works; 0 for all.
        labels: columns in use, those "kept" or "all".
        culture_kinds: kinds of labels that are taken for culture, separated by commas.
        label_noise: on a simulated collection, times the annotator's rates of mistakes; below 0 for
            the labels as they are.
    """

    drop_rare: bool = True
    rare_below: int = 3
    split_seed: int = 231
    max_works: int = 0
    labels: str = "kept"
    culture_kinds: str = "culture"
    label_noise: float = -1.0


def with_culture_kinds(collection: Collection, kinds: str) -> Collection:
    """The collection with its kinds of labels taken for culture or tag as asked.

    Args:
        collection: of any kinds of labels.
        kinds: taken for culture, "culture" or "culture,country"; all others are taken for tags.

    Raises:
        InputError: a kind that no label has; a table without any culture is no error.
    """
    chosen = tuple(kind.strip() for kind in kinds.split(",") if kind.strip())
    there = dict.fromkeys(collection.labels.kinds.tolist())
    unknown = [kind for kind in chosen if kind not in there and kind != "culture"]
    if unknown:
        raise InputError(
            f"culture_kinds = {kinds}: {collection.root / 'labels.csv'} has no label of the kind "
            f"{', '.join(unknown)}; its kinds are {', '.join(there)}"
        )
    return replace(collection, labels=replace(collection.labels, culture_kinds=chosen))


def load_parts(root: Path | str, settings: SplitSettings | Recipe = SplitSettings()) -> Parts:
    """Read a collection and split it."""
    collection = with_culture_kinds(read_collection(root), settings.culture_kinds)
    split = split_collection(
        collection,
        drop_rare=settings.drop_rare,
        minimum=settings.rare_below,
        seed=settings.split_seed,
    )
    if settings.max_works:
        split = subsample(split, settings.max_works, settings.split_seed)
    view_labels = None
    if settings.label_noise >= 0:  # other labels on the same works in the same parts and views
        view_labels = collection.targets
        collection = add_label_noise(collection, settings.label_noise)
    columns = split.columns if settings.labels == "kept" else np.arange(len(collection.labels))
    parts = {name: Part(collection, split.rows(name), columns, name, view_labels) for name in PARTS}
    return Parts(collection, split, collection.labels.select(columns), **parts)
