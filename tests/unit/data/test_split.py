"""The split: FIDELITY's facts on the real tables, sense on small ones."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from imet.data.split import (
    part_names,
    rare_columns,
    split_collection,
    split_rows,
    subsample,
    write_split,
)
from imet.data.tables import Collection, read_collection
from imet.io import InputError
from imet.labels import LabelSpace

EVERY_PART = ("train", "val", "test", "dropped")


@pytest.fixture(name="real")
def _real(real_collection):
    return real_collection


def make_collection(targets: np.ndarray, tmp_path) -> Collection:
    n, k = targets.shape
    labels = LabelSpace(np.arange(k), tuple(f"tag::{column}" for column in range(k)))
    return Collection(tmp_path, np.array([f"w{row}" for row in range(n)]), labels, targets)


def test_real_sizes(real):
    split = split_collection(real)
    sizes = {name: len(split.rows(name)) for name in EVERY_PART}
    assert sizes == {"train": 87_360, "val": 10_920, "test": 10_920, "dropped": 37}
    assert len(split.columns) == 1_077
    assert (real.targets[:, split.columns].sum(0) >= 3).all()


def test_real_assignment_is_the_authors_id_for_id(real):
    counts = real.targets.sum(0)
    kept = [
        work
        for work, row in zip(real.ids.tolist(), real.targets)
        if (counts[np.flatnonzero(row)] >= 3).all()
    ]
    rest, test = train_test_split(kept, test_size=0.1, random_state=231)
    train, val = train_test_split(rest, test_size=0.1 / 0.9, random_state=231)
    split = split_collection(real)
    for name, ids in (("train", train), ("val", val), ("test", test)):
        assert set(real.ids[split.rows(name)].tolist()) == set(ids)


def test_real_labels_in_each_part(real):
    split = split_collection(real)
    parts = [real.targets[split.rows(name)] for name in ("train", "val", "test")]
    assert [int(part.any(0).sum()) for part in parts] == [1_077, 982, 975]
    assert [int(part.sum(1).max()) for part in parts] == [11, 10, 9]


def test_real_rare_labels(real):
    counts = real.targets.sum(0)
    assert rare_columns(real.targets).sum() == 26
    assert ((counts == 1).sum(), (counts == 2).sum()) == (15, 11)


def test_keeping_rare_labels_keeps_every_work_and_column(real):
    split = split_collection(real, 0)
    assert len(split.dropped) == 0
    assert len(split.columns) == 1_103
    assert sum(len(split.rows(name)) for name in EVERY_PART) == 109_237


def test_written_file(real_tables, real, tmp_path):
    out = tmp_path / "new" / "split.csv"
    split = write_split(real_tables, out)
    with open(out, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["id", "split"]
    assert [row[0] for row in rows[1:]] == real.ids.tolist()
    assert rows[1 + split.test[0]][1] == "test"
    assert sum(row[1] == "val" for row in rows) == 10_920


@settings(max_examples=60, deadline=None)
@given(n=st.integers(3, 400), seed=st.integers(0, 2**32 - 1))
def test_split_rows_is_a_partition_with_every_part(n, seed):
    parts = split_rows(n, seed)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(n))
    assert all(len(part) for part in parts)
    assert all((np.diff(part) > 0).all() for part in parts)
    train, val, test = map(len, parts)
    assert abs(val - n / 10) <= 1
    assert abs(test - n / 10) <= 1
    assert train >= max(val, test)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 60),
    k=st.integers(1, 12),
    density=st.floats(0.02, 0.9),
    seed=st.integers(0, 2**32 - 1),
)
def test_split_of_any_collection_is_a_partition_without_rare_labels(
    n, k, density, seed, tmp_path_factory
):
    targets = np.random.default_rng(seed).random((n, k)) < density
    collection = make_collection(targets, tmp_path_factory.getbasetemp())
    dropped = [bool(row[targets.sum(0) < 3].any()) for row in targets]
    if n - sum(dropped) < 3:
        with pytest.raises(InputError, match="at least 3"):
            split_collection(collection)
        return
    split = split_collection(collection)
    rows = np.concatenate([split.rows(name) for name in EVERY_PART])
    assert np.array_equal(np.sort(rows), np.arange(n))
    kept = np.concatenate([split.train, split.val, split.test])
    unkept = np.setdiff1d(np.arange(k), split.columns)
    assert not targets[np.ix_(kept, unkept)].any()
    assert set(part_names(split).tolist()) <= set(EVERY_PART)


def test_counts_are_taken_once_before_dropping(tmp_path):
    # Dropping work 0 (its label 1 is rare) leaves label 0 with two uses: it stays all the same.
    targets = np.array([[1, 1, 1], [1, 0, 1], [1, 0, 1], [0, 0, 1], [0, 0, 1]], bool)
    split = split_collection(make_collection(targets, tmp_path))
    assert split.dropped.tolist() == [0]
    assert split.columns.tolist() == [0, 2]


def test_too_small_says_what_was_dropped(make_folder):
    root = make_folder([("a", "3"), ("b", "3"), ("c", "5"), ("d", "8")])
    with pytest.raises(InputError, match=r"train\.csv: 0 works .*4 of 4 works were dropped"):
        split_collection(read_collection(root))
    sizes = [len(part) for part in split_rows(4)]
    split = split_collection(read_collection(root), 0)
    assert [len(split.train), len(split.val), len(split.test)] == sizes == [2, 1, 1]


def test_another_seed_gives_another_split():
    assert not np.array_equal(split_rows(1000, 1)[2], split_rows(1000, 2)[2])


def test_subsample_keeps_ratios_parts_and_seed(real):
    split = split_collection(real)
    small = subsample(split, 5_000, seed=0)
    assert [len(small.rows(name)) for name in ("train", "val", "test")] == [4_000, 500, 500]
    for name in ("train", "val", "test"):
        assert np.isin(small.rows(name), split.rows(name)).all()
    every = np.concatenate([small.rows(name) for name in EVERY_PART])
    assert np.array_equal(np.sort(every), np.arange(109_237))
    assert np.array_equal(small.val, subsample(split, 5_000, seed=0).val)
    assert not np.array_equal(small.val, subsample(split, 5_000, seed=1).val)
    assert subsample(split, 10**9, seed=0) is split


@pytest.mark.parametrize("works", [3, 4, 10, 29])
def test_small_subsample_keeps_every_part(make_folder, works):
    split = split_collection(read_collection(make_folder([(str(i), "3") for i in range(30)])))
    small = subsample(split, works, seed=0)
    sizes = [len(small.rows(name)) for name in ("train", "val", "test")]
    assert sum(sizes) == works
    assert min(sizes) >= 1


def test_subsample_of_two_works_is_refused(make_folder):
    split = split_collection(read_collection(make_folder([(str(i), "3") for i in range(30)])))
    with pytest.raises(InputError, match="at least 3"):
        subsample(split, 2, seed=0)
