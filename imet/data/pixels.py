"""Decoded pictures in one file: for machines whose few processors decode less than a GPU takes.

The file holds the RGB bytes of a part's works one after another, at their own size; `shapes.npy`
beside it says how large each is. Kaggle's 109,237 works take 41 GB. What is written survives being
killed: writing goes on behind the last work that `shapes.npy` knows.
"""

from __future__ import annotations

import os
import shutil
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from imet.data.images import read_image
from imet.data.parts import Part
from imet.io import InputError, atomic_path, file_lock
from imet.typing import Array

CHUNK = 256  # works that an interruption can cost


class Pixels:
    """The pictures of a part, decoded.

    Args:
        folder: holds `pixels.u8` and `shapes.npy`.
        works: N, of the part.
    """

    def __init__(self, folder: Path, works: int) -> None:
        self.folder, self.works = folder, works

    @property
    def complete(self) -> bool:
        """Whether every work is there."""
        return bool(self._shapes().all())

    def __getitem__(self, work: int) -> Array:
        """(H, W, 3) uint8 of a work, a copy."""
        height, width = self._known[work]
        start = self._starts[work]
        return np.array(self._bytes[start : start + 3 * height * width]).reshape(height, width, 3)

    def write(self, part: Part, workers: int) -> None:
        """Decode every picture that is not there yet.

        Raises:
            InputError: a picture that cannot be read, or a disk with too little room.
        """
        with file_lock(self.folder):
            shapes = self._shapes()
            done = int((shapes[:, 0] > 0).sum())
            if done == self.works:
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            rest = np.arange(done, self.works)
            self._require_room(part, rest)
            pictures: DataLoader[Tensor] = DataLoader(
                _Pictures(part), batch_size=None, sampler=rest.tolist(), num_workers=workers
            )
            with open(self.folder / "pixels.u8", "ab") as file:
                file.truncate(int(3 * shapes.prod(1, dtype=np.int64).sum()))  # of no half work
                bar = tqdm(pictures, "decoded", self.works, initial=done, unit="work", disable=None)
                for work, picture in zip(rest, bar):
                    file.write(picture.numpy().tobytes())
                    shapes[work] = picture.shape[:2]
                    if (work + 1) % CHUNK == 0 or work + 1 == self.works:
                        file.flush()
                        os.fsync(file.fileno())
                        with atomic_path(self.folder / "shapes.npy") as path, open(path, "wb") as f:
                            np.save(f, shapes)

    def _require_room(self, part: Part, rest: Array) -> None:
        some = rest[:: max(1, len(rest) // 16)]
        sizes = [read_image(part.collection.path(int(part.rows[work]))).nbytes for work in some]
        needed, free = np.mean(sizes) * len(rest), shutil.disk_usage(self.folder).free
        if needed > free:
            raise InputError(
                f"{self.folder}: decoded, the pictures of {part.name} take {needed / 1e9:,.1f} GB "
                f"more, and {free / 1e9:,.1f} GB are free; name a larger disk in IMET_HOME, or "
                "leave --cache-views out"
            )

    def _shapes(self) -> Array:
        """(N, 2) heights and widths; 0 for works that are not there yet."""
        try:
            shapes = np.load(self.folder / "shapes.npy")
            held = (self.folder / "pixels.u8").stat().st_size
        except (OSError, EOFError, ValueError):
            shapes, held = np.zeros((0, 2)), 0
        if len(shapes) != self.works or held < 3 * shapes.prod(1, dtype=np.int64).sum():
            return np.zeros((self.works, 2), np.int32)
        return shapes

    @cached_property
    def _known(self) -> Array:
        return self._shapes()

    @cached_property
    def _starts(self) -> Array:
        sizes = 3 * self._known.prod(1, dtype=np.int64)
        return np.concatenate([[0], sizes.cumsum()[:-1]])

    @cached_property
    def _bytes(self) -> Array:
        return np.memmap(self.folder / "pixels.u8", np.uint8, "r")


class _Pictures(Dataset[Tensor]):
    def __init__(self, part: Part) -> None:
        self.part = part

    def __len__(self) -> int:
        return len(self.part)

    def __getitem__(self, work: int) -> Tensor:
        path = self.part.collection.path(int(self.part.rows[work]))
        return torch.from_numpy(read_image(path))
