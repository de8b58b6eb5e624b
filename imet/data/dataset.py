"""The views of works, cut from their pictures by processes and augmented one batch at a time."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from imet.config import Recipe
from imet.data.augment import augment, draw_augmentation
from imet.data.images import read_image
from imet.data.parts import Part
from imet.data.pixels import Pixels
from imet.data.views import make_views, work_rng
from imet.devices import processors
from imet.io import InputError
from imet.typing import Array

SHARED_MEMORY = "/dev/shm"  # 64 MB in many containers


@dataclass(eq=False)
class WorkViews(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """The views of each work of a part, uint8 (V, 3, S, S), and how to augment them.

    Everything random comes from the work's own generator: the order of works, the number of
    processes and the batch size change nothing. Items are indexed by work and epoch.
    """

    part: Part
    settings: Recipe
    pixels: Pixels | None = None

    def __getitem__(self, item: tuple[int, int]) -> tuple[Tensor, dict[str, Tensor]]:
        work, epoch = item
        part, settings = self.part, self.settings
        row = int(part.rows[work])
        rng = work_rng(settings.view_seed, str(part.collection.ids[row]), epoch)
        image = self.pixels[work] if self.pixels else read_image(part.collection.path(row))
        kinds = part.kinds(work, settings)
        views = make_views(image, kinds, rng, settings.input_size)
        if not part.training:
            return views, {}
        jitter = settings.jitter_hue, settings.jitter_saturation
        return views, draw_augmentation(len(kinds), settings.flip, *jitter, rng)


class ViewLoader:
    """Augmented views of a part's works in batches, by processes that are kept between epochs.

    Views are cut in parallel; flip and colour jitter follow one batch at a time on the device.
    `batch_size` is in works; `pixels` are decoded pictures to read instead of the files.
    """

    def __init__(
        self,
        part: Part,
        settings: Recipe,
        batch_size: int,
        device: torch.device | str = "cpu",
        pixels: Pixels | None = None,
    ) -> None:
        self.part, self.settings = part, settings
        self.batch_size, self.device = batch_size, torch.device(device)
        self._order: list[tuple[int, int]] = []  # the loader's sampler: (work, epoch)
        views = len(part.kinds(0, settings))
        workers = loader_workers(settings.workers, batch_size * views * 3 * settings.input_size**2)
        workers = min(workers, len(part) // (4 * batch_size))  # not worth starting for few batches
        self._loader: DataLoader[tuple[Tensor, dict[str, Tensor]]] = DataLoader(
            WorkViews(part, settings, pixels),
            batch_size=batch_size,
            sampler=self._order,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=self.device.type == "cuda",
            generator=torch.Generator(),
        )

    def __call__(self, order: Sequence[int] | Array, epoch: int = 0) -> Iterator[Tensor]:
        """Views of the works in `order`, (B·V, 3, S, S) uint8."""
        torch.empty((), dtype=torch.int64).random_()  # as a loader of its own for each pass would
        self._order[:] = [(int(work), epoch) for work in order]
        try:
            for views, drawn in self._loader:
                views = views.to(self.device, non_blocking=True).flatten(0, 1)  # (B·V, 3, S, S)
                if drawn:
                    views = augment(views, {key: value.flatten() for key, value in drawn.items()})
                yield views
        except InputError as error:  # from another process: its message without the traceback
            raise InputError(str(error).rpartition("InputError: ")[2].strip()) from None


def loader_workers(asked: int, batch_bytes: int) -> int:
    """Number of processes that cut views: as asked, or one for each processor, 16 at most.

    Each hands over two batches in shared memory and builds a third; if there is too little shared
    memory, fewer processes are started.
    """
    here = int(os.environ.get("LOCAL_WORLD_SIZE", 1))  # processes that train on this machine
    workers = asked if asked >= 0 else min(16, processors() // here)
    if workers and os.path.isdir(SHARED_MEMORY):
        free = shutil.disk_usage(SHARED_MEMORY).free
        fitting = free // max(1, 4 * batch_bytes * here)
        if fitting < workers:
            warnings.warn(
                f"/dev/shm has {free / 1e6:,.0f} MB, enough for {fitting} of {workers} processes "
                f"that cut views: start the container with --shm-size={workers * here}g, or "
                "--ipc=host",
                stacklevel=2,
            )
        workers = min(workers, fitting)
    return workers
