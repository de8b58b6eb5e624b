"""Which works are for training, validation and test: the authors' split, id for id.

FIDELITY: labels seen fewer than three times are dropped together with every work that carries one;
the rest is divided 8:1:1 by scikit-learn's `train_test_split` on the ids in file order, first the
test part (`test_size=0.1`), then validation (`test_size=0.1/0.9`), both with `random_state=231`,
unstratified. On the real tables this gives exactly the parts that the paper's authors used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from imet.data.tables import Collection, read_collection
from imet.io import InputError, write_csv
from imet.typing import Array

PARTS = ("train", "val", "test")
SEED = 231
FEWEST_WORKS = 3  # one per part


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of a collection by part, int64 in ascending (file) order, and the columns kept."""

    train: Array
    val: Array
    test: Array
    dropped: Array  # works that carry a rare label; the four are a partition of all rows
    columns: Array  # (K',) int64 columns of the labels kept, ascending

    def rows(self, name: str) -> Array:
        """Rows of the part "train", "val", "test" or "dropped"."""
        return np.asarray(getattr(self, name))


def rare_columns(targets: Array, minimum: int = 3) -> Array:
    """(K,) bool: labels that fewer than `minimum` of the works (N, K) carry.

    Examples:
        >>> rare_columns(np.array([[1, 0], [1, 1], [1, 0]], bool)).tolist()
        [False, True]
    """
    return np.asarray(targets.sum(axis=0) < minimum)


def split_rows(n: int, seed: int = SEED) -> tuple[Array, Array, Array]:
    """Divide 0 … n-1, three rows at least, into 8:1:1 as scikit-learn does; each part ascending.

    Examples:
        >>> [len(part) for part in split_rows(109_200)]
        [87360, 10920, 10920]
    """
    if n < FEWEST_WORKS:
        raise InputError(
            f"{n} works cannot be split into train, val and test; a split needs at least "
            f"{FEWEST_WORKS}: add works"
        )
    rest, test = train_test_split(np.arange(n), test_size=0.1, random_state=seed)
    train, val = train_test_split(rest, test_size=0.1 / 0.9, random_state=seed)
    return np.sort(train), np.sort(val), np.sort(test)


def split_collection(collection: Collection, rare_below: int = 3, seed: int = SEED) -> Split:
    """Remove the rare labels and split the rest 8:1:1.

    Counts are taken once, before any work is dropped, as the authors did. Labels with fewer uses
    than `rare_below` are rare; 0 keeps every work and every label. `seed` is the `random_state` of
    both steps. InputError: too few works are left for three parts.
    """
    rare = rare_columns(collection.targets, rare_below)  # (K,)
    dropped = collection.targets[:, rare].any(axis=1)  # (N,)
    kept = np.flatnonzero(~dropped)
    try:
        train, val, test = split_rows(len(kept), seed)
    except InputError as error:
        cause = (
            f" ({dropped.sum()} of {len(collection)} works were dropped because they carry one of "
            f"{rare.sum()} labels seen fewer than {rare_below} times)"
            if dropped.any()
            else ""
        )
        raise InputError(f"{collection.root / 'train.csv'}: {error}{cause}") from None
    return Split(kept[train], kept[val], kept[test], np.flatnonzero(dropped), np.flatnonzero(~rare))


def subsample(split: Split, works: int, seed: int) -> Split:
    """Draw a seeded sample of `works` works from a split, at the same 8:1:1; the columns stay.

    Returns the split itself if it has no more works; rows left out count as dropped.
    """
    sizes = np.array([len(split.rows(name)) for name in PARTS])
    if works >= sizes.sum():
        return split
    if works < FEWEST_WORKS:
        raise InputError(f"a sample of {works} works has no three parts; ask for at least 3")
    val, test = (max(1, round(works * size / sizes.sum())) for size in sizes[1:])
    rng = np.random.default_rng(seed)
    train, val, test = (
        np.sort(rng.choice(split.rows(name), size, replace=False))
        for name, size in zip(PARTS, (works - val - test, val, test))
    )
    everything = np.concatenate([split.rows(name) for name in (*PARTS, "dropped")])
    left_out = np.setdiff1d(everything, np.concatenate([train, val, test]))
    return Split(train, val, test, left_out, split.columns)


def part_names(split: Split) -> Array:
    """(N,) part of each row, "train", "val", "test" or "dropped", in file order."""
    names = [*PARTS, "dropped"]
    rows = [split.rows(name) for name in names]
    return np.repeat(names, list(map(len, rows)))[np.argsort(np.concatenate(rows))]


def write_split(root: Path | str, out: Path | str) -> Split:
    """Write a folder's split as CSV, `id,split` in file order, and return it."""
    collection = read_collection(root)
    split = split_collection(collection)
    if Path(out).resolve() in (Path(root, name).resolve() for name in ("train.csv", "labels.csv")):
        raise InputError(f"{out} is a table of the collection itself; name another file")
    write_csv(out, ("id", "split"), zip(collection.ids.tolist(), part_names(split).tolist()))
    return split
