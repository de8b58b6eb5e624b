"""Features kept on disk: computed once for a part of the split, read as memory maps.

Extracting features takes minutes on a laptop and hours at full size, so a store survives being
killed: after each chunk of works, the chunk's checksum is written, and only missing or damaged
chunks are computed again. Layout of a store's folder:

    store.json        the key it was made for, shapes, types, rows per chunk
    NAME.npy          one array each, (N, …)
    checksums.npy     (chunks,) int64 CRC-32 of each chunk; -1 if it is not computed yet
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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
    clear_temporary,
    digest,
    file_lock,
    read_json,
    write_json,
    write_npy,
)
from imet.models.encoder import Encoder, OpenVinoEncoder
from imet.models.registry import feature_shapes
from imet.typing import Array, IntArray

VERIFY_BYTES = 2 << 30
"""Stores up to this size are checked whole when opened; of larger ones, chunks spread evenly."""

_CHECKED: set[frozenset[tuple[str, int]]] = set()  # arrays as this process found them sound


class FeatureStore:
    """The arrays of one folder, with N `rows` each. It knows nothing about models.

    `key` is what the arrays depend on: a store with another one is discarded. `arrays` maps names
    to (shape without the first axis, dtype); `chunk` is the rows that an interruption can cost.
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
        self._chunks = [range(i, min(i + chunk, rows)) for i in range(0, rows, chunk)]

    def __getitem__(self, name: str) -> Array:
        """The array as a read-only memory map, (N, …)."""
        return np.load(self.folder / f"{name}.npy", mmap_mode="r")

    def pending(self) -> list[int]:
        """Chunks that are missing on disk or not as they were written."""
        recorded = self._recorded()
        state = frozenset((str(p), p.stat().st_mtime_ns) for p in self.folder.glob("*.npy"))
        if state in _CHECKED and (recorded >= 0).all():
            return []
        known = np.flatnonzero(recorded >= 0)
        bytes_ = sum(
            math.prod(shape) * np.dtype(kind).itemsize for shape, kind in self.arrays.values()
        )
        for chunk in known[:: max(1, -(-bytes_ // VERIFY_BYTES))]:
            if self._checksum(chunk) != recorded[chunk]:
                recorded[chunk] = -1
        if (recorded >= 0).all():
            _CHECKED.add(state)
        return np.flatnonzero(recorded < 0).tolist()

    def fill(self, compute: Callable[[Array], Iterable[Mapping[str, Array]]]) -> FeatureStore:
        """Compute every pending chunk; a second process that wants the same store waits.

        `compute` is called once with all missing rows, int64, and gives one array per name, each
        (n, …), for each chunk of them in turn.
        """
        if not self.pending():  # without a lock: its disk may be read-only
            return self
        with file_lock(self.folder):
            clear_temporary(self.folder)
            pending = self.pending()
            if len(pending) == len(self._chunks):
                self._prepare()
            recorded = self._recorded()
            recorded[pending] = -1
            chunks = [self._chunks[chunk] for chunk in pending]
            missing = np.concatenate([np.empty(0, np.int64), *chunks])
            with tqdm(
                total=self.rows,
                initial=self.rows - len(missing),
                desc=f"features ({', '.join(self.arrays)})",
                unit="work",
                disable=None,
            ) as bar:
                for chunk, rows, values in zip(pending, chunks, compute(missing)):
                    self._write(rows, values)
                    recorded[chunk] = self._checksum(chunk)
                    write_npy(self.folder / "checksums.npy", recorded)
                    bar.update(len(rows))
        return self

    def _write(self, rows: range, values: Mapping[str, Array]) -> None:
        for name in self.arrays:
            target = np.load(self.folder / f"{name}.npy", mmap_mode="r+")
            shape = (len(rows), *target.shape[1:])
            if np.shape(values[name]) != shape:  # NumPy would broadcast some
                raise ValueError(f"{name}: {np.shape(values[name])}, not {shape}")
            target[rows.start : rows.stop] = values[name]
            target.flush()  # no checksum of bytes that are not on disk

    def _checksum(self, chunk: int) -> int:
        rows, checksum = self._chunks[chunk], 0
        for name in self.arrays:
            checksum = zlib.crc32(self[name][rows.start : rows.stop].tobytes(), checksum)
        return checksum

    def _recorded(self) -> IntArray:
        """(chunks,) checksums; all are -1 if the folder holds no arrays with this key."""
        nothing = np.full(len(self._chunks), -1, np.int64)
        try:
            if read_json(self.folder / "store.json") != self._header:
                return nothing
            recorded = np.load(self.folder / "checksums.npy")
            on_disk = {name: (self[name].shape, self[name].dtype) for name in self.arrays}
        except (InputError, OSError, EOFError, ValueError):  # damaged or missing: made again
            return nothing
        whole = on_disk == {name: (s, np.dtype(kind)) for name, (s, kind) in self.arrays.items()}
        return recorded if whole and recorded.shape == nothing.shape else nothing

    def _prepare(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for name, (shape, dtype) in self.arrays.items():
            np.lib.format.open_memmap(self.folder / f"{name}.npy", "w+", dtype, shape).flush()
            _reserve(self.folder / f"{name}.npy")
        write_npy(self.folder / "checksums.npy", np.full(len(self._chunks), -1, np.int64))
        write_json(self.folder / "store.json", self._header)  # last: only now is it prepared


def _reserve(path: Path) -> None:
    """Reserve the file's disk space now: a full disk raises OSError here, but would kill a later
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
    compiled: dict[int, Callable[[Tensor], dict[str, Tensor]]] = field(default_factory=dict)
    """The encoder for batches of a size, once for all parts: compiling takes seconds."""

    def key(self, part: Part) -> dict[str, object]:
        """JSON-serialisable key; two parts with equal keys have equal features."""
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

    `root` is the folder of all stores and `chunk` a number of works; `pixels` are decoded pictures
    to read instead of the files.
    """
    recipe, names = spec.recipe, spec.encoder.names
    key, views = spec.key(part), len(part.kinds(0, recipe))
    shapes = feature_shapes(spec.encoder.cpu(), recipe.input_size)
    arrays = {name: ((views, *shapes[name]), "float16") for name in names}
    folder = root / f"{part.name}-{recipe.backbone.replace('/', '-')}-{digest(key, sorted(names))}"
    # A CPU has no time left for processes that decode: computing features takes far longer.
    feeding = dataclasses.replace(recipe, workers=0) if spec.device == "cpu" else recipe

    def compute(works: Array) -> Iterator[dict[str, Array]]:
        if (size := chunk * views) not in spec.compiled:
            spec.compiled[size] = _encoder(spec, size, recipe.input_size)
        for batch in ViewLoader(part, feeding, chunk, spec.device, pixels)(works):
            with torch.inference_mode():
                features = spec.compiled[size](batch)
            yield {
                name: value.unflatten(0, (-1, views)).half().cpu().numpy()
                for name, value in features.items()
            }

    return FeatureStore(folder, key, arrays, len(part), chunk).fill(compute)


def _encoder(spec: FeatureSpec, batch: int, size: int) -> Callable[[Tensor], dict[str, Tensor]]:
    if torch.device(spec.device).type == "cpu":
        return OpenVinoEncoder(spec.encoder.cpu(), batch, size)
    spec.encoder.computes_in = half_precision(spec.recipe, spec.device)
    spec.encoder.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return spec.encoder.to(spec.device).eval()
