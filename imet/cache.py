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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from imet.code_digest import source_digest
from imet.config import Recipe
from imet.data.dataset import view_batches
from imet.data.parts import Part
from imet.io import InputError, digest, file_lock, read_json, write_json
from imet.models.encoder import Encoder, OpenVinoEncoder
from imet.models.registry import feature_shapes
from imet.typing import Array

# --- Arrays on disk, by name, filled in row chunks and read as memory maps

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


# --- What a part of a collection holds, as a short digest

SAMPLE = 4096
"""Bytes read from each end of a picture. A PNG ends in the checksums of its pixels, so any change
to a picture changes its last bytes, its first ones or its size; reading whole pictures would cost
minutes on the full collection."""


def pictures_fingerprint(part: Part) -> str:
    """Digest of a part's ids and pictures; `InputError` names a picture that is missing."""
    found = []
    for row in part.rows:
        path = part.collection.path(int(row))
        try:
            with open(path, "rb") as handle:
                head = handle.read(SAMPLE)
                size = os.fstat(handle.fileno()).st_size
                handle.seek(max(0, size - SAMPLE))
                found.append(digest(str(part.collection.ids[row]), size, head, handle.read()))
        except OSError as error:
            raise InputError(
                f"{path}: {error.strerror} (row {int(row) + 2} of train.csv names it); run "
                f"`imet data check {part.collection.root}` for all problems of the folder"
            ) from error
    return digest(*found)


def labels_fingerprint(part: Part) -> str:
    """Digest of a part's labels and their names."""
    names = [part.collection.labels.names[k] for k in part.columns]
    return digest(names, part.targets.tobytes())


# --- Features of a part of the split, computed once and kept in a store


VIEW_FIELDS = ("views", "view_mode", "flip", "jitter_hue", "jitter_saturation", "input_size")
MODULES = ("imet.data.dataset", "imet.models.encoder")


@dataclass(frozen=True)
class FeatureSpec:
    """What the features of a part depend on, apart from the part itself."""

    recipe: Recipe
    encoder: Encoder
    device: str

    def key(self, part: Part) -> dict[str, object]:
        """JSON-able; two parts with equal keys have equal features."""
        recipe, backbone = self.recipe, self.encoder.backbone
        fields = VIEW_FIELDS if part.training else ("views", "input_size")
        assert backbone.weights is not None
        return {
            "part": "train" if part.training else "evaluation",
            "pictures": pictures_fingerprint(part),
            "views": {name: getattr(recipe, name) for name in fields},
            "kinds": digest([part.kinds(work, recipe.views) for work in range(len(part))]),
            "view_seed": recipe.view_seed,
            "backbone": recipe.backbone,
            "weights": [backbone.weights.source, backbone.weights.digest],
            "normalisation": [self.encoder.mean.flatten().tolist(), self.encoder.std.tolist()],
            "source": source_digest(*MODULES),
        }


def extract_features(
    part: Part, protocol: FeatureSpec, root: Path, chunk: int = 16
) -> FeatureStore:
    """The store of a part's features, each (N, V, …) float16; computes what is missing.

    Args:
        part: train, val or test.
        protocol: recipe, encoder and device.
        root: folder of all stores.
        chunk: works a chunk: the unit of work that an interruption can cost.
    """
    recipe, names = protocol.recipe, protocol.encoder.names
    key = protocol.key(part)
    views = len(part.kinds(0, recipe.views))
    shapes = feature_shapes(protocol.encoder.cpu(), recipe.input_size)
    arrays = {name: ((views, *shapes[name]), "float16") for name in names}
    folder = root / f"{part.name}-{recipe.backbone.replace('/', '-')}-{digest(key, sorted(names))}"
    store = FeatureStore(folder, key, arrays, len(part), chunk)

    encode: list[Callable[[Tensor], dict[str, Tensor]]] = []  # made when first needed: it is slow

    def compute(works: Array) -> dict[str, Array]:
        if not encode:
            encode.append(_encoder(protocol, chunk * views, recipe.input_size))
        batch = next(view_batches(part, recipe, works, chunk, device=protocol.device))
        with torch.inference_mode():
            found = encode[0](batch)
        return {
            name: value.reshape(len(works), views, *value.shape[1:]).half().cpu().numpy()
            for name, value in found.items()
        }

    return store.fill(compute)


def _encoder(protocol: FeatureSpec, batch: int, size: int) -> Callable[[Tensor], dict[str, Tensor]]:
    if torch.device(protocol.device).type == "cpu":
        return OpenVinoEncoder(protocol.encoder.cpu(), batch, size)
    return protocol.encoder.to(protocol.device).eval()
