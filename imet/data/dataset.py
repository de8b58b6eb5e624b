"""Batches of works: as pictures cut into views, or as features computed before.

Both give the same dictionaries, so that one loop serves both:

    views     (B·V, 3, S, S) uint8   or   pooled (B·V, D), … from a feature store
    targets   (B·V, K) float
    works     (B,) rows into the list of works
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import joblib
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from imet.config import Recipe
from imet.data.augment import augment, draw_augmentation
from imet.data.images import read_image
from imet.data.parts import Part
from imet.data.views import make_views, work_rng
from imet.io import InputError
from imet.typing import Array

Batch = dict[str, Tensor]
SHARED_MEMORY = "/dev/shm"  # 64 MB in many a container


class WorkViews(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """The views of each work of a part, decoded once, uint8 (V, 3, S, S), and what augments them.

    Everything random comes from the work's own generator: the order of works, the number of
    processes and the batch size change nothing.
    """

    def __init__(self, part: Part, settings: Recipe, epoch: int = 0) -> None:
        self.part, self.settings, self.epoch = part, settings, epoch

    def __len__(self) -> int:
        return len(self.part)

    def __getitem__(self, work: int) -> tuple[Tensor, dict[str, Tensor]]:
        part, settings = self.part, self.settings
        row = int(part.rows[work])
        rng = work_rng(settings.view_seed, str(part.collection.ids[row]), self.epoch)
        image = read_image(part.collection.path(row))
        kinds = part.kinds(work, settings)
        views = make_views(image, kinds, rng, settings.input_size)
        if not part.training:
            return views, {}
        jitter = settings.jitter_hue, settings.jitter_saturation
        return views, draw_augmentation(len(kinds), settings.flip, *jitter, rng)


def view_batches(
    part: Part,
    settings: Recipe,
    order: Sequence[int] | Array,
    batch_size: int,
    epoch: int = 0,
    device: torch.device | str = "cpu",
) -> Iterator[Tensor]:
    """Augmented views of the works in `order`, (B·V, 3, S, S) uint8, on `device`.

    Views are cut in parallel; flip and colour jitter follow a batch at a time on the device.
    """
    workers = settings.workers if settings.workers >= 0 else min(8, joblib.cpu_count())
    workers = min(workers, len(order) // (4 * batch_size))  # not worth starting for a few batches
    if workers and os.path.isdir(
        SHARED_MEMORY
    ):  # each worker hands two batches over in it, and builds a third
        work = len(part.kinds(int(order[0]), settings)) * 3 * settings.input_size**2  # bytes
        workers = min(workers, shutil.disk_usage(SHARED_MEMORY).free // (4 * batch_size * work))
    loader: DataLoader[tuple[Tensor, dict[str, Tensor]]] = DataLoader(
        WorkViews(part, settings, epoch),
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
    settings: Recipe,
    order: Array,
    batch_size: int,
    epoch: int = 0,
    device: torch.device | str = "cpu",
) -> Iterator[Batch]:
    """Batches that carry views, for networks that see pictures."""
    targets = part.view_targets(settings)  # (N, V, K)
    starts = range(0, len(order), batch_size)
    for start, views in zip(
        starts, view_batches(part, settings, order, batch_size, epoch, device), strict=True
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
        batch_size: works per batch.
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
