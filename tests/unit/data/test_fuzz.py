"""Anything in place of a picture or table: the right result, or an error of ours.

A bounded sample; `make test-faults` takes 1,000 pictures and 2,000 tables (IMET_FUZZ=full).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import damaged
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imet.data.check import check
from imet.data.layout import composed
from imet.data.tables import read_collection, scan_tables
from imet.io import REPO, InputError

FULL = os.environ.get("IMET_FUZZ") == "full"
PICTURES = 1000 if FULL else 60
TABLES = 1000 if FULL else 40  # of each of two tests
MEGABYTES = 1500
OF_A_TABLE = {"megabytes": 50, "seconds": 10}
"""What one table of a few lines may take of memory and of a processor; all take far less."""
untroubled = settings(
    max_examples=TABLES, suppress_health_check=list(HealthCheck), derandomize=not FULL
)


def _too_long(*_: object) -> None:
    raise TimeoutError(f"more than {OF_A_TABLE['seconds']} seconds for one table")


@contextmanager
def within_limits() -> Iterator[None]:
    """Fail where the block takes more of memory or of a processor than a table may."""
    before = signal.signal(signal.SIGPROF, _too_long)
    tracemalloc.start()
    signal.setitimer(signal.ITIMER_PROF, OF_A_TABLE["seconds"])
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < OF_A_TABLE["megabytes"] * 1e6
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        tracemalloc.stop()


def test_the_limits_of_a_table_are_kept():
    with pytest.raises(AssertionError), within_limits():
        np.ones(10_000_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(OF_A_TABLE, "seconds", 0.05)
        with pytest.raises(TimeoutError), within_limits():
            sum(1 for _ in iter(int, 1))  # for ever


def test_damaged_pictures_are_read_or_refused_within_limits():
    ran = subprocess.run(
        [sys.executable, str(REPO / "tests" / "damaged.py"), str(PICTURES), "1"],
        capture_output=True,
        text=True,
        env=dict(os.environ) | {"PYTHONPATH": str(REPO), "OPENBLAS_NUM_THREADS": "1"},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    result = json.loads(ran.stdout)
    print(result)
    assert result["read"] + result["refused"] == PICTURES
    assert min(result["read"], result["refused"]) > PICTURES / 20
    assert result["megabytes"] < MEGABYTES


@untroubled
@given(damaged.tables())
def test_a_table_is_read_as_it_was_meant_however_it_is_written(table):
    content, labels, works = table
    with tempfile.TemporaryDirectory() as folder, within_limits():
        collection = read_collection(damaged.write_folder(Path(folder), labels, works))
    assert collection.ids.tolist() == content["ids"]
    assert collection.labels.ids.tolist() == content["numbers"]
    assert list(collection.labels.names) == [composed(name) for name in content["names"]]
    targets = [np.flatnonzero(row).tolist() for row in collection.targets]
    assert targets == content["labels"]


@untroubled
@given(damaged.tables(), st.integers(0, 2**32 - 1))
def test_a_damaged_table_is_read_or_refused(table, seed):
    _, *files = table
    rng = np.random.default_rng(seed)
    place = int(rng.integers(2))
    for _ in range(int(rng.integers(1, 4))):
        files[place] = damaged.damage(files[place] or b"\n", files[1 - place], rng)
    with tempfile.TemporaryDirectory() as folder, within_limits():
        root = damaged.write_folder(Path(folder), *files)
        collection, problems = scan_tables(root)
        try:
            read_collection(root)
        except InputError as error:
            assert problems
            assert str(root) in str(error)  # noqa: PT017
        else:
            assert not problems
        for problem in check(root, images=False):
            assert problem.remedy
    assert collection.targets.shape == (len(collection.ids), len(collection.labels))
    assert len(set(collection.ids.tolist())) == len(collection)
    assert problems or collection.targets.any(1).all()
