"""Anything in place of a picture or table: the right result, or an error of ours.

A bounded sample; `make test-faults` takes 1,000 pictures and 2,000 tables (IMET_FUZZ=full).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import damaged
import numpy as np
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
untroubled = settings(
    max_examples=TABLES, suppress_health_check=list(HealthCheck), derandomize=not FULL
)


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
    with tempfile.TemporaryDirectory() as folder:
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
    with tempfile.TemporaryDirectory() as folder:
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
