"""Arrays on disk, by name, filled in row chunks and read as memory maps.

Extracting features costs minutes on a laptop and hours at full size, so a store survives being
killed: each finished chunk is written to a journal with its checksum, and only missing or damaged
chunks are computed again. The store knows nothing of models.

Layout of a store's folder:

    store.json        the key it was made for, shapes, types, rows a chunk
    NAME.npy          one array each, (N, …)
    journal.jsonl     one line a finished chunk: {"chunk": 3, "crc": {"pooled": 123, …}}
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from imet.io import InputError, file_lock, read_json, write_json

Array = np.ndarray
VERIFY_BYTES = 2 << 30
"""Stores up to this size are checked whole when opened; of larger ones, chunks spread evenly."""


class FeatureStore:
    """The arrays of one folder.

    Args:
        folder: where it lives; made if missing.
        key: what the arrays depend on; a store with another key is discarded.
        arrays: name to (shape without the first axis, dtype).
        rows: N.
        chunk: rows computed and journalled at a time.
    """

    def __init__(
        self,
        folder: Path,
        key: Mapping[str, Any],
        arrays: Mapping[str, tuple[tuple[int, ...], str]],
        rows: int,
        chunk: int = 64,
    ) -> None:
        self.folder, self.rows, self.chunk = Path(folder), rows, chunk
        self.arrays = {name: ((rows, *shape), dtype) for name, (shape, dtype) in arrays.items()}
        header = {"key": dict(key), "arrays": self.arrays, "chunk": chunk}
        self._header = json.loads(json.dumps(header))  # as it reads back: tuples become lists

    def __getitem__(self, name: str) -> Array:
        """The array as a read-only memory map, (N, …)."""
        return np.load(self.folder / f"{name}.npy", mmap_mode="r")

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return -(-self.rows // self.chunk)

    def pending(self) -> list[int]:
        """Chunks that are not on disk as they were written, checked by their checksums."""
        if not self._prepared():
            return list(range(self.chunks))
        done = self._journal()
        for chunk in self._to_verify(sorted(done)):
            if self._checksums(chunk) != done[chunk]:
                del done[chunk]
        return [chunk for chunk in range(self.chunks) if chunk not in done]

    def fill(
        self, compute: Callable[[Array], Mapping[str, Array]], progress: bool = True
    ) -> FeatureStore:
        """Compute every pending chunk; two processes that want the same store wait in turn.

        Args:
            compute: rows (n,) int64 to one array a name, each (n, …).
            progress: show a bar on a terminal.
        """
        with file_lock(self.folder):
            pending = self.pending()
            if not pending and self._prepared():
                return self
            self._prepare()
            self._restart_journal(set(range(self.chunks)) - set(pending))
            maps = {n: np.load(self.folder / f"{n}.npy", mmap_mode="r+") for n in self.arrays}
            bar = tqdm(
                total=self.rows,
                initial=self.rows - sum(len(self._rows_of(c)) for c in pending),
                desc=f"features ({', '.join(self.arrays)})",
                unit="work",
                disable=None if progress else True,
            )
            with bar, open(self.folder / "journal.jsonl", "a", encoding="utf-8") as journal:
                for chunk in pending:
                    rows = self._rows_of(chunk)
                    values = compute(rows)
                    for name, target in maps.items():
                        wanted = (len(rows), *target.shape[1:])
                        if np.shape(values[name]) != wanted:  # NumPy would stretch some
                            found = np.shape(values[name])
                            raise ValueError(f"{name}: computed {found}, not {wanted}")
                        target[rows] = values[name]
                        target.flush()  # the journal never names bytes that are not on disk
                    line = {"chunk": chunk, "crc": self._checksums(chunk)}
                    journal.write(json.dumps(line) + "\n")
                    journal.flush()
                    os.fsync(journal.fileno())
                    bar.update(len(rows))
        return self

    def _rows_of(self, chunk: int) -> Array:
        return np.arange(chunk * self.chunk, min((chunk + 1) * self.chunk, self.rows))

    def _prepared(self) -> bool:
        """Whether the folder holds arrays of this key, shape and type."""
        header = self.folder / "store.json"
        try:
            if not header.exists() or read_json(header) != self._header:
                return False
        except InputError:  # damaged: made again
            return False
        for name, (shape, dtype) in self.arrays.items():
            try:
                found = np.load(self.folder / f"{name}.npy", mmap_mode="r")
            except (OSError, EOFError, ValueError):
                return False
            if found.shape != shape or found.dtype != np.dtype(dtype):
                return False
        return True

    def _prepare(self) -> None:
        if self._prepared():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for name, (shape, dtype) in self.arrays.items():
            np.lib.format.open_memmap(self.folder / f"{name}.npy", "w+", dtype, shape).flush()
            _reserve(self.folder / f"{name}.npy")
        write_json(self.folder / "store.json", self._header)  # last: only now is it prepared

    def _journal(self) -> dict[int, dict[str, int]]:
        path = self.folder / "journal.jsonl"
        done = {}
        for line in path.read_bytes().splitlines() if path.exists() else []:
            try:
                entry = json.loads(line)
                done[int(entry["chunk"])] = entry["crc"]
            except (ValueError, KeyError, TypeError):
                continue  # the line that was being written when the process died
        return {chunk: crc for chunk, crc in done.items() if 0 <= chunk < self.chunks}

    def _restart_journal(self, keep: set[int]) -> None:
        lines = [
            json.dumps({"chunk": chunk, "crc": crc}) + "\n"
            for chunk, crc in self._journal().items()
            if chunk in keep
        ]
        temporary = self.folder / "journal.tmp"
        temporary.write_text("".join(lines), encoding="utf-8")
        os.replace(temporary, self.folder / "journal.jsonl")

    def _checksums(self, chunk: int) -> dict[str, int]:
        rows = self._rows_of(chunk)
        return {
            name: zlib.crc32(np.ascontiguousarray(self[name][rows[0] : rows[-1] + 1]).tobytes())
            for name in self.arrays
        }

    def _to_verify(self, done: list[int]) -> list[int]:
        size = sum(
            int(np.prod(shape)) * np.dtype(dtype).itemsize for shape, dtype in self.arrays.values()
        )
        step = max(1, -(-size // VERIFY_BYTES))
        return done[::step]


def _reserve(path: Path) -> None:
    """Take the file's room on the disk now: a full one is an OSError here, but would kill a later
    write through a memory map."""
    if hasattr(os, "posix_fallocate"):  # not on every system
        with open(path, "rb+") as handle:
            size = os.fstat(handle.fileno()).st_size
            try:
                os.posix_fallocate(handle.fileno(), 0, size)
            except OSError as error:
                message = f"{error.strerror}; {size:,} bytes are needed"
                raise OSError(error.errno, message, str(path)) from error
