"""Decoded pictures in one file, for machines with too few processors to keep up with a GPU.

The file holds the RGB bytes of a part's works one after another, at their own size; `shapes.npy`
beside it says how large each picture is. Kaggle's 109,237 works take 41 GB. Writing can be killed
and started again: it goes on after the last work that `shapes.npy` knows.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from tqdm import tqdm

from imet.data.images import read_image
from imet.data.parts import Part
from imet.io import InputError, file_lock, write_npy
from imet.typing import Array

CHUNK = 64  # works held in memory, which an interruption can cost


@dataclass(eq=False)
class Pixels:
    """The pictures of a part, decoded."""

    folder: Path  # holds `pixels.u8` and `shapes.npy`
    part: Part

    @property
    def complete(self) -> bool:
        """Whether every work is there."""
        return bool(self.shapes.all())

    def __getitem__(self, work: int) -> Array:
        """A copy of a work's picture, (H, W, 3) uint8."""
        height, width = self.shapes[work]
        start = self._starts[work]
        return np.array(self._bytes[start : start + 3 * height * width]).reshape(height, width, 3)

    def write(self, workers: int) -> None:
        """Decode every picture that is not there yet, in `workers` threads.

        InputError: a picture that cannot be read, or a disk with too little room.
        """
        with file_lock(self.folder):
            done, works = int((self.shapes[:, 0] > 0).sum()), len(self.part)
            if done == works:
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            self._require_room(range(done, works))
            with (
                open(self.folder / "pixels.u8", "ab") as file,
                tqdm(None, "decoded", works, initial=done, unit="work", disable=None) as bar,
                ThreadPoolExecutor(max(1, workers)) as pool,
            ):
                file.truncate(int(3 * self.shapes.prod(1, dtype=np.int64).sum()))  # whole works
                for start in range(done, works, CHUNK):
                    chunk = range(start, min(start + CHUNK, works))
                    for work, picture in zip(chunk, pool.map(self._read, chunk)):
                        file.write(picture.tobytes())
                        self.shapes[work] = picture.shape[:2]
                    file.flush()
                    os.fsync(file.fileno())
                    write_npy(self.folder / "shapes.npy", self.shapes)
                    bar.update(len(chunk))

    def _read(self, work: int) -> Array:
        return read_image(self.part.collection.path(int(self.part.rows[work])))

    def _require_room(self, rest: range) -> None:
        sizes = [self._read(work).nbytes for work in rest[:: max(1, len(rest) // 16)]]
        needed, free = np.mean(sizes) * len(rest), shutil.disk_usage(self.folder).free
        if needed > free:
            raise InputError(
                f"{self.folder}: decoded, the pictures of {self.part.name} take "
                f"{needed / 1e9:,.1f} GB more, and {free / 1e9:,.1f} GB are free; name a larger "
                "disk in IMET_HOME, or leave --cache-views out"
            )

    @cached_property
    def shapes(self) -> Array:
        """(N, 2) heights and widths; 0 for works that are not there yet."""
        try:
            shapes = np.load(self.folder / "shapes.npy")
            held = (self.folder / "pixels.u8").stat().st_size
        except (OSError, EOFError, ValueError):
            shapes, held = np.zeros((0, 2)), 0
        if len(shapes) != len(self.part) or held < 3 * shapes.prod(1, dtype=np.int64).sum():
            return np.zeros((len(self.part), 2), np.int32)
        return shapes

    @cached_property
    def _starts(self) -> Array:
        """(N + 1,) where each work begins, and where the last one ends."""
        return np.append(0, 3 * self.shapes.prod(1, dtype=np.int64).cumsum())

    @cached_property
    def _bytes(self) -> Array:
        return np.memmap(self.folder / "pixels.u8", np.uint8, "r")
