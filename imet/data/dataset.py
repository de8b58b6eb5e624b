"""Batches of works: as pictures cut into views, or as features computed before.

Both give the same dictionaries, so that one loop serves both:

    views     (B·V, 3, S, S) uint8   or   pooled (B·V, D), … from a feature store
    targets   (B·V, K) float
    works     (B,) rows into the list of works
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from imet.config import Recipe
from imet.data.augment import Jitter, apply_jitter, draw_jitter
from imet.data.images import read_image
from imet.data.tables import Collection
from imet.data.views import make_views, view_kinds, view_targets, work_rng
from imet.io import InputError
from imet.typing import Array

Batch = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Part:
    """One part of the split, as a recipe sees it.

    Attributes:
        collection: the whole collection.
        rows: (N,) its rows in this part.
        columns: (K,) its label columns in use.
        name: "train", "val" or "test".
        seen_as: (all works, all labels) bool, labels that decide the kinds of views where they are
            not those of the collection, so that works with other labels keep their views.
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

    def kinds(self, work: int, views: str) -> list[str]:
        """Kinds of the views of a work, "resize" or "crop"; one resize for `views="one"`."""
        if views == "one":
            return ["resize"]
        # What a work carries is judged on its whole row, whatever columns are in use.
        labels = self.collection.targets if self.view_labels is None else self.view_labels
        row = labels[self.rows[work]]
        is_culture = self.collection.labels.is_culture
        has_culture, has_tag = bool(row[is_culture].any()), bool(row[~is_culture].any())
        return list(view_kinds(has_culture, has_tag, self.training))

    def view_targets(self, recipe: Recipe) -> Array:
        """(N, V, K) bool, the labels each view trains on or is scored against."""
        is_culture = self.collection.labels.is_culture[self.columns]
        targets = self.targets
        return np.stack(
            [
                view_targets(
                    targets[work],
                    is_culture,
                    self.kinds(work, recipe.views),  # type: ignore[arg-type]
                    self.training,
                    recipe.crop_targets,  # type: ignore[arg-type]
                )
                for work in range(len(self))
            ]
        )


class WorkViews(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """The views of each work of a part, decoded once, uint8 (V, 3, S, S), and what augments them.

    Everything random comes from the work's own generator: the order of works, the number of
    processes and the batch size change nothing.
    """

    def __init__(self, part: Part, recipe: Recipe, epoch: int = 0) -> None:
        self.part, self.recipe, self.epoch = part, recipe, epoch

    def __len__(self) -> int:
        return len(self.part)

    def __getitem__(self, work: int) -> tuple[Tensor, dict[str, Tensor]]:
        part, recipe = self.part, self.recipe
        row = int(part.rows[work])
        rng = work_rng(recipe.view_seed, str(part.collection.ids[row]), self.epoch)
        image = read_image(part.collection.path(row))
        kinds = part.kinds(work, recipe.views)
        views = make_views(image, kinds, rng, recipe.input_size)  # type: ignore[arg-type]
        return views, draw_augmentation(len(kinds), recipe, rng) if part.training else {}


def draw_augmentation(count: int, recipe: Recipe, rng: np.random.Generator) -> dict[str, Tensor]:
    """Flips and colour jitter of a work's `count` views, (V,) each."""
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    mirrored = torch.rand(count, generator=generator) < (0.5 if recipe.flip else 0.0)
    jitter = draw_jitter(count, recipe.jitter_hue, recipe.jitter_saturation, generator=generator)
    return {"mirrored": mirrored, **vars(jitter)}


def augment(views: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
    """Flip and jitter views (B, 3, S, S) uint8 as drawn, (B,) each."""
    jitter = {name: value for name, value in drawn.items() if name != "mirrored"}
    return apply_jitter(views, Jitter(**jitter), drawn["mirrored"])


def view_batches(
    part: Part,
    recipe: Recipe,
    order: Sequence[int] | Array,
    batch_size: int,
    epoch: int = 0,
    device: torch.device | str = "cpu",
) -> Iterator[Tensor]:
    """Augmented views of the works in `order`, (B·V, 3, S, S) uint8, on `device`.

    Views are cut in parallel; flip and colour jitter follow a batch at a time on the device.
    """
    workers = recipe.workers if recipe.workers >= 0 else min(8, (os.cpu_count() or 1))
    workers = min(workers, len(order) // (4 * batch_size))  # not worth starting for a few batches
    loader: DataLoader[tuple[Tensor, dict[str, Tensor]]] = DataLoader(
        WorkViews(part, recipe, epoch),
        batch_size=batch_size,
        sampler=[int(i) for i in order],
        num_workers=workers,
        pin_memory=torch.device(device).type == "cuda",
    )
    for views, drawn in _without_worker_traceback(loader):
        views = views.to(device, non_blocking=True).flatten(0, 1)  # (B·V, 3, S, S)
        if drawn:
            views = augment(views, {key: value.flatten() for key, value in drawn.items()})
        yield views


def _without_worker_traceback(loader: DataLoader[Any]) -> Iterator[Any]:
    """The loader's batches; of bad input in another process its message, without the traceback."""
    try:
        yield from loader
    except InputError as error:
        raise InputError(str(error).rpartition("InputError: ")[2].strip()) from None


def image_batches(
    part: Part,
    recipe: Recipe,
    order: Array,
    batch_size: int,
    epoch: int = 0,
    device: torch.device | str = "cpu",
) -> Iterator[Batch]:
    """Batches that carry views, for networks that see pictures."""
    targets = part.view_targets(recipe)  # (N, V, K)
    starts = range(0, len(order), batch_size)
    for start, views in zip(
        starts, view_batches(part, recipe, order, batch_size, epoch, device), strict=True
    ):
        works = order[start : start + batch_size]
        yield {
            "views": views,
            "targets": torch.from_numpy(targets[works]).flatten(0, 1).float().to(device),
            "works": torch.from_numpy(works),
        }


def stored_batches(
    arrays: Mapping[str, Array],
    targets: Array,
    order: Array,
    batch_size: int,
    device: torch.device | str = "cpu",
) -> Iterator[Batch]:
    """Batches that carry features from memory maps.

    Args:
        arrays: name to (N, V, …).
        targets: (N, V, K) bool.
        order: works in the order they are seen.
        batch_size: works a batch.
        device: where the batches are wanted.
    """
    for start in range(0, len(order), batch_size):
        works = order[start : start + batch_size]
        batch = {
            name: torch.from_numpy(np.asarray(array[works])).flatten(0, 1).to(device).float()
            for name, array in arrays.items()
        }  # each (B·V, …)
        batch["targets"] = torch.from_numpy(targets[works]).flatten(0, 1).float().to(device)
        batch["works"] = torch.from_numpy(works)
        yield batch
