"""Features kept on disk: computed once for a part of the split, read as memory maps.

Extracting features costs minutes on a laptop and hours at full size, so a store survives being
killed: after each chunk of works the chunk's checksums are written, and only missing or damaged
chunks are computed again. Layout of a store's folder:

    store.json        the key it was made for, shapes, types, rows per chunk
    NAME.npy          one array each, (N, …)
    checksums.npy     (chunks, arrays) int64 CRC-32 of each chunk; -1: not computed yet
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from imet.code_digest import source_digest
from imet.config import Recipe
from imet.data.dataset import ViewLoader
from imet.data.layout import misplaced
from imet.data.parts import Part
from imet.data.pixels import Pixels
from imet.devices import half_precision
from imet.io import (
    InputError,
    atomic_path,
    clear_temporary,
    digest,
    file_lock,
    read_json,
    write_json,
)
from imet.models.encoder import Encoder, OpenVinoEncoder
from imet.models.registry import feature_shapes
from imet.typing import Array, IntArray

VERIFY_BYTES = 2 << 30
"""Stores up to this size are checked whole when opened; of larger ones, chunks spread evenly."""


class FeatureStore:
    """The arrays of one folder. It knows nothing of models.

    Args:
        folder: where it lies; made if missing.
        key: what the arrays depend on; a store with another key is discarded.
        arrays: name to (shape without the first axis, dtype).
        rows: N.
        chunk: rows computed at a time, the unit of work that an interruption can cost.
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

    def pending(self) -> list[int]:
        """Chunks that are not on disk as they were written."""
        recorded = self._recorded()
        known = np.flatnonzero((recorded >= 0).all(1))
        bytes_ = sum(
            int(np.prod(shape)) * np.dtype(kind).itemsize for shape, kind in self.arrays.values()
        )
        for chunk in known[:: max(1, -(-bytes_ // VERIFY_BYTES))]:
            if (self._checksums(chunk) != recorded[chunk]).any():
                recorded[chunk] = -1
        return np.flatnonzero((recorded < 0).any(1)).tolist()

    def fill(
        self,
        compute: Callable[[Array], Mapping[str, Array]],
        progress: bool = True,
        begin: Callable[[Array], None] = lambda rows: None,
    ) -> FeatureStore:
        """Compute every pending chunk; two processes that want the same store wait in turn.

        Args:
            compute: rows (n,) int64 to one array per name, each (n, …).
            begin: hears of all rows that will be asked for, in order, before the first.
            progress: show a bar on a terminal.
        """
        if not self.pending() and self._prepared():  # without a lock: its disk may be read-only
            return self
        with file_lock(self.folder):
            clear_temporary(self.folder)
            pending = self.pending()
            if not pending and self._prepared():
                return self
            self._prepare()
            recorded = self._recorded()
            recorded[pending] = -1
            maps = {n: np.load(self.folder / f"{n}.npy", mmap_mode="r+") for n in self.arrays}
            bar = tqdm(
                total=self.rows,
                initial=self.rows - sum(len(self._rows_of(c)) for c in pending),
                desc=f"features ({', '.join(self.arrays)})",
                unit="work",
                disable=None if progress else True,
            )
            begin(np.flatnonzero(np.isin(np.arange(self.rows) // self.chunk, pending)))
            with bar:
                for chunk in pending:
                    rows = self._rows_of(chunk)
                    values = compute(rows)
                    for name, target in maps.items():
                        shape = (len(rows), *target.shape[1:])
                        if np.shape(values[name]) != shape:  # NumPy would stretch some
                            raise ValueError(f"{name}: {np.shape(values[name])}, not {shape}")
                        target[rows] = values[name]
                        target.flush()  # no checksum of bytes that are not on disk
                    recorded[chunk] = self._checksums(chunk)
                    self._record(recorded)
                    bar.update(len(rows))
        return self

    def _rows_of(self, chunk: int) -> Array:
        return np.arange(chunk * self.chunk, min((chunk + 1) * self.chunk, self.rows))

    def _checksums(self, chunk: int) -> IntArray:
        rows = slice(chunk * self.chunk, (chunk + 1) * self.chunk)
        arrays = (np.ascontiguousarray(self[name][rows]) for name in self.arrays)
        return np.array([zlib.crc32(array.tobytes()) for array in arrays], np.int64)

    def _recorded(self) -> IntArray:
        """(chunks, arrays) checksums; -1 everywhere where the store is none of this key."""
        nothing = np.full((-(-self.rows // self.chunk), len(self.arrays)), -1, np.int64)
        if not self._prepared():
            return nothing
        try:
            recorded = np.load(self.folder / "checksums.npy")
        except (OSError, EOFError, ValueError):
            return nothing
        return recorded if recorded.shape == nothing.shape else nothing

    def _record(self, checksums: IntArray) -> None:
        with atomic_path(self.folder / "checksums.npy") as path, open(path, "wb") as file:
            np.save(file, checksums)

    def _prepared(self) -> bool:
        """Whether the folder holds arrays of this key, shape and type."""
        header = self.folder / "store.json"
        try:
            if not header.exists() or read_json(header) != self._header:
                return False
            on_disk = {name: (self[name].shape, self[name].dtype) for name in self.arrays}
        except (InputError, OSError, EOFError, ValueError):  # damaged: made again
            return False
        return on_disk == {name: (s, np.dtype(kind)) for name, (s, kind) in self.arrays.items()}

    def _prepare(self) -> None:
        if self._prepared():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for name, (shape, dtype) in self.arrays.items():
            np.lib.format.open_memmap(self.folder / f"{name}.npy", "w+", dtype, shape).flush()
            _reserve(self.folder / f"{name}.npy")
        write_json(self.folder / "store.json", self._header)  # last: only now is it prepared


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


# --- What a part of a collection holds: part of every key -----------------------------------------

SAMPLE = 4096
"""Bytes read from each end of a picture. A PNG ends in the checksums of its pixels, so any change
to a picture changes its last bytes, its first ones or its size; reading whole pictures would cost
minutes on the full collection."""


def pictures_fingerprint(part: Part) -> str:
    """Digest of a part's ids and pictures; `InputError` names a picture that is missing."""
    digests = []
    for row in part.rows:
        path = part.collection.path(int(row))
        try:
            with open(path, "rb") as handle:
                head = handle.read(SAMPLE)
                size = os.fstat(handle.fileno()).st_size
                handle.seek(max(0, size - SAMPLE))
                digests.append(digest(str(part.collection.ids[row]), size, head, handle.read()))
        except OSError as error:
            root = part.collection.root
            elsewhere = None if (root / "train").is_dir() else misplaced(root, "train")
            raise InputError(
                f"{path}: {error.strerror} (row {int(row) + 2} of train.csv names it)"
                + (f", but {elsewhere[0]}; {elsewhere[1]}, or" if elsewhere else ";")
                + f" run `imet data check {root}` for all problems of the folder"
            ) from error
    return digest(*digests)


def labels_fingerprint(part: Part) -> str:
    """Digest of a part's labels and their names."""
    names = [part.collection.labels.names[k] for k in part.columns]
    return digest(names, part.targets.tobytes())


# --- Features of a part ---------------------------------------------------------------------------

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
            "kinds": digest([part.kinds(work, recipe) for work in range(len(part))]),
            "view_seed": recipe.view_seed,
            "backbone": recipe.backbone,
            "weights": [backbone.weights.source, backbone.weights.digest],
            "normalisation": [self.encoder.mean.flatten().tolist(), self.encoder.std.tolist()],
            "precision": str(half_precision(recipe, self.device)),
            "source": source_digest(*MODULES),
        }


def extract_features(
    part: Part, spec: FeatureSpec, root: Path, chunk: int = 16, pixels: Pixels | None = None
) -> FeatureStore:
    """The store of a part's features, each (N, V, …) float16; computes what is missing.

    Args:
        part: train, val or test.
        spec: recipe, encoder and device.
        root: folder of all stores.
        chunk: works per chunk.
        pixels: decoded pictures to take instead of the files.
    """
    recipe, names = spec.recipe, spec.encoder.names
    key = spec.key(part)
    views = len(part.kinds(0, recipe))
    shapes = feature_shapes(spec.encoder.cpu(), recipe.input_size)
    arrays = {name: ((views, *shapes[name]), "float16") for name in names}
    folder = root / f"{part.name}-{recipe.backbone.replace('/', '-')}-{digest(key, sorted(names))}"
    store = FeatureStore(folder, key, arrays, len(part), chunk)

    @cache  # built when first needed: it is slow
    def encoder() -> Callable[[Tensor], dict[str, Tensor]]:
        return _encoder(spec, chunk * views, recipe.input_size)

    # A CPU has nothing left for processes that decode: its features take far longer.
    feeding = dataclasses.replace(recipe, workers=0) if spec.device == "cpu" else recipe
    all_views: Iterator[Tensor] = iter(())

    def begin(works: Array) -> None:
        nonlocal all_views
        all_views = ViewLoader(part, feeding, chunk, spec.device, pixels)(works)

    def compute(works: Array) -> dict[str, Array]:
        batch = next(all_views)
        with torch.inference_mode():
            features = encoder()(batch)
        return {
            name: value.reshape(len(works), views, *value.shape[1:]).half().cpu().numpy()
            for name, value in features.items()
        }

    return store.fill(compute, begin=begin)


def _encoder(spec: FeatureSpec, batch: int, size: int) -> Callable[[Tensor], dict[str, Tensor]]:
    if torch.device(spec.device).type == "cpu":
        return OpenVinoEncoder(spec.encoder.cpu(), batch, size)
    spec.encoder.computes_in = half_precision(spec.recipe, spec.device)
    spec.encoder.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return spec.encoder.to(spec.device).eval()
