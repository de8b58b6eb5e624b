"""A collection's train, validation and test parts, as a recipe sees them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from imet.config import Recipe
from imet.data.source import add_label_noise
from imet.data.split import PARTS, Split, split_collection, subsample
from imet.data.tables import Collection, read_collection
from imet.data.views import Kind, view_kinds, view_targets, views_seen
from imet.io import InputError
from imet.labels import LabelSpace
from imet.typing import Array


@dataclass(frozen=True, eq=False)
class Part:
    """One part of the split, as a recipe sees it.

    `view_labels`, (all works, all labels) bool, decide resize or crop when label noise has replaced
    the collection's own labels.
    """

    collection: Collection  # the whole collection
    rows: Array  # (N,) the collection's rows in this part
    columns: Array  # (K,) the collection's label columns in use
    name: str  # "train", "val" or "test"
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

    def kinds(self, work: int, settings: Recipe) -> list[Kind]:
        """Kinds of the views of a work, "resize" or "crop"; one resize for `views="one"`."""
        if views_seen(settings, self.training) == "one":
            return ["resize"]
        # What a work carries is judged on its whole row, whatever columns are in use.
        labels = self.collection.targets if self.view_labels is None else self.view_labels
        row = labels[self.rows[work]]
        is_culture = self.collection.labels.is_culture
        has_culture, has_tag = bool(row[is_culture].any()), bool(row[~is_culture].any())
        return view_kinds(has_culture, has_tag, self.training)

    def view_targets(self, settings: Recipe) -> Array:
        """(N, V, K) bool, the labels each view trains on or is scored against."""
        is_culture = self.collection.labels.is_culture[self.columns]
        how, targets = (self.training, settings.crop_targets), self.targets
        views = len(self.kinds(0, settings))
        of_views = np.empty((len(self), views, len(self.columns)), bool)  # filled in place: large
        for work, row in enumerate(targets):
            of_views[work] = view_targets(row, is_culture, self.kinds(work, settings), *how)
        return of_views


@dataclass(frozen=True, eq=False)
class Parts:
    """A collection split as a recipe asks."""

    collection: Collection  # all works
    split: Split  # rows of train, val, test and dropped works
    labels: LabelSpace  # the K labels in use
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


SPLIT = "drop_rare rare_below split_seed max_works labels culture_kinds label_noise"


def split_alone(recipe: Recipe) -> Recipe:
    """A recipe that splits a collection as this one does, and is otherwise the default."""
    return Recipe("", **{name: getattr(recipe, name) for name in SPLIT.split()})


def with_culture_kinds(collection: Collection, kinds: str) -> Collection:
    """The collection with its kinds of labels taken for culture or tag as asked.

    `kinds`, such as "culture" or "culture,country", are taken for culture, all others for tags.
    InputError: a kind that no label has; a table without any culture label is no error.
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


def load_parts(root: Path | str, settings: Recipe) -> Parts:
    """Read a collection and split it as a recipe asks."""
    collection = with_culture_kinds(read_collection(root), settings.culture_kinds)
    rare_below, seed = settings.rare_below if settings.drop_rare else 0, settings.split_seed
    split = split_collection(collection, rare_below, seed)
    if settings.max_works:
        split = subsample(split, settings.max_works, seed)
    view_labels = None
    if settings.label_noise >= 0:  # other labels on the same works in the same parts and views
        view_labels = collection.targets
        collection = add_label_noise(collection, settings.label_noise)
    columns = split.columns if settings.labels == "kept" else np.arange(len(collection.labels))
    parts = {name: Part(collection, split.rows(name), columns, name, view_labels) for name in PARTS}
    return Parts(collection, split, collection.labels.select(columns), **parts)
