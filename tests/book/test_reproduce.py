"""What `make reproduce` compares, and that a difference is seen."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import reproduce

from imet.io import write_json


def report(folder: Path, f2: float = 0.5, score: float = 0.25, seconds: float = 1.0) -> Path:
    """A folder as a run of the report leaves it."""
    runs = folder / "runs" / "tiny"
    values = {"test": {"f2": f2, "seconds": seconds}, "names": ["a", "b"]}
    write_json(runs / "pages" / "01.json", {"provenance": {"date": seconds}, "values": values})
    write_json(runs / "resnet50-1" / "metrics.json", {"f2": f2, "digest": str(seconds)})
    np.save(runs / "resnet50-1" / "scores_val.npy", np.full((2, 3), score, np.float32))
    return folder


def test_times_and_places_do_not_count(tmp_path):
    one = reproduce.numbers(report(tmp_path / "1"), "tiny")
    other = reproduce.numbers(report(tmp_path / "2", seconds=2.0), "tiny")
    assert len(one) == 5
    assert reproduce.differences(one, other) == {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"f2": 0.75}, {"pages/01.json values test f2": 0.25, "resnet50-1/metrics.json f2": 0.25}),
        ({"score": 0.5}, {"resnet50-1/scores_val.npy": 0.25}),
    ],
)
def test_every_other_number_does(change, expected, tmp_path):
    one = reproduce.numbers(report(tmp_path / "1"), "tiny")
    other = reproduce.numbers(report(tmp_path / "2", **change), "tiny")
    assert reproduce.differences(one, other) == expected


def test_what_is_missing_or_of_another_kind_differs_without_bound(tmp_path):
    one = reproduce.numbers(report(tmp_path / "1"), "tiny")
    other = {name: value for name, value in one.items() if "scores" not in name}
    assert reproduce.differences(one, other) == {"resnet50-1/scores_val.npy": math.inf}
    assert reproduce.differences({"a": 1}, {"a": None}) == {"a": math.inf}
    assert reproduce.differences({"a": np.zeros(2)}, {"a": np.zeros(3)}) == {"a": math.inf}


@pytest.mark.parametrize(
    ("changes", "code"), [((0, 0), 0), ((1, 0), 1), ((0, 1e-4), 0), ((0, 1), 1)]
)
def test_the_exit_code_says_whether_they_agree(changes, code, tmp_path, monkeypatch, capsys):
    """The second time must be equal, the third may differ a little."""

    def run(command, cwd, **_):
        report(cwd, f2=0.5 + dict(zip("123", (0, *changes)))[cwd.name])

    monkeypatch.setattr(reproduce, "checkout", lambda folder: folder)
    monkeypatch.setattr(reproduce.subprocess, "run", run)
    assert reproduce.main(["--keep", str(tmp_path)]) == code
    assert ("equal, bit for bit" in capsys.readouterr().out) == (0 in changes)
