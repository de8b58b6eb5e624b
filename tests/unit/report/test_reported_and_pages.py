"""Reported numbers beside ours: every row, only runs that this code would make."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from imet import runs
from imet.config import recipe_names
from imet.io import InputError, read_json, write_json
from imet.report import reported
from imet.report.pages import Page
from imet.report.reported import finished_runs, reported_beside_ours, reported_numbers
from imet.runs import run
from imet.statistics import Interval

KEYS = {
    "key", "document", "where", "model", "split", "metric", "note", "reported", "status", "profile",
    "ours", "low", "high", "run", "seed", "device", "commit",
}  # fmt: skip


@pytest.fixture(scope="module")
def made(small_collection, tmp_path_factory):
    """A run as the profile makes it: on its own collection, which the small one stands in for."""
    folder = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMET_HOME", str(folder))
        patch.setattr(runs, "collection_folder", lambda *_: small_collection)
        run("resnet50", "tiny", device="cpu")
    return folder


@pytest.fixture
def runs_folder(made, tmp_path, monkeypatch) -> Path:
    """A copy of that run's folder that a test may change."""
    shutil.copytree(made / "runs", tmp_path / "runs")
    monkeypatch.setenv("IMET_HOME", str(tmp_path))
    return tmp_path / "runs"


def folder_of(runs: Path) -> Path:
    (path,) = runs.glob("tiny/resnet50-*/metrics.json")
    return path.parent


def ours(profile="tiny") -> dict[str, dict]:
    return {row["key"]: row for row in reported_beside_ours(profile) if row["ours"] is not None}


def test_every_reported_number_appears_with_all_keys(runs_folder):
    with open(reported.REPORTED, newline="", encoding="utf-8") as handle:
        printed = list(csv.DictReader(handle))
    rows = reported_beside_ours("tiny")
    assert [(r["key"], r["reported"]) for r in rows] == [(r["key"], r["value"]) for r in printed]
    assert len({row["key"] for row in rows}) == len(rows) > 150
    assert all(set(row) == KEYS for row in rows)
    json.dumps(rows, allow_nan=False)


def test_ours_stands_beside_the_baselines_rows(runs_folder):
    found = ours()
    metrics = read_json(folder_of(runs_folder) / "metrics.json")
    assert set(found) == {f"paper.resnet50.val.{m}" for m in ("f2", "f1", "precision", "recall")}
    for metric in ("f2", "f1", "precision", "recall"):
        row = found[f"paper.resnet50.val.{metric}"]
        wanted = metrics["val"][metric]
        assert [row["ours"], row["low"], row["high"]] == [*wanted.values()]
        assert row["run"].endswith(folder_of(runs_folder).name)
        assert row["seed"] == 0
        assert row["device"].startswith("CPU")
        assert row["commit"]
        assert row["profile"] == "tiny"


def test_another_profile_shows_nothing_of_it(runs_folder):
    assert ours("sample") == {}


def change(path: Path, key: str, value) -> None:
    content = read_json(path)
    content[key] = value
    write_json(path, content)


def test_a_run_on_a_folder_of_the_readers_never_shows(runs_folder):
    change(folder_of(runs_folder) / "key.json", "collection", "given")
    assert ours() == {}


def test_a_run_of_other_code_never_shows(runs_folder, monkeypatch):
    change(folder_of(runs_folder) / "key.json", "source", ["old", "code"])
    assert ours() == {}


def test_a_run_of_a_changed_recipe_never_shows(runs_folder):
    path = folder_of(runs_folder) / "key.json"
    change(path, "config", read_json(path)["config"] | {"epochs": 99})
    assert ours() == {}


def test_an_unfinished_run_never_shows(runs_folder):
    (folder_of(runs_folder) / "metrics.json").unlink()
    assert ours() == {}


def test_the_newest_of_several_seeds_shows(runs_folder):
    first = folder_of(runs_folder)
    second = shutil.copytree(first, first.with_name("resnet50-ffffffffffff"))
    key = read_json(second / "key.json")
    change(second / "key.json", "config", key["config"] | {"seed": 1})
    metrics = read_json(second / "metrics.json")
    later = metrics["provenance"] | {"seed": 1, "date": "2999-01-01T00:00:00+00:00"}
    change(second / "metrics.json", "provenance", later)
    assert {row["seed"] for row in ours().values()} == {1}
    assert finished_runs("tiny")["resnet50"][0] == second


def test_reported_rows_name_recipes_or_nothing_we_run():
    models = {row["model"] for row in reported_numbers()} - {""}
    assert set(recipe_names()) & models
    numbers = [row for row in reported_numbers() if row["metric"] in reported.METRIC_IN_RUNS]
    assert all(0 <= float(r["value"]) <= (5 if r["metric"] == "loss" else 1) for r in numbers)


def test_reported_numbers_that_are_gone_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(reported, "REPORTED", tmp_path / "reported.csv")
    with pytest.raises(InputError, match=r"reported\.csv is missing"):
        reported_numbers()


def test_an_unknown_profile_is_refused():
    with pytest.raises(InputError, match="no profile"):
        reported_beside_ours("nonsense")


def test_a_page_s_numbers_are_plain_and_say_where_they_come_from(runs_folder):
    values = {
        "f2": np.float32(0.5),
        "counts": np.arange(3),
        "nested": {"pair": (np.int64(1), None), 7: "x"},
        "flag": np.bool_(True),
    }
    page = Page("03_baseline", "tiny", seed=2, device="cpu")
    for key, value in values.items():
        page[key] = value
    assert page.path == runs_folder / "tiny" / "pages" / "03_baseline.json"
    found = read_json(page.path)
    assert found["values"] == {
        "f2": 0.5,
        "counts": [0, 1, 2],
        "nested": {"pair": [1, None], "7": "x"},
        "flag": True,
    }
    assert (found["provenance"]["profile"], found["provenance"]["seed"]) == ("tiny", 2)


@pytest.mark.parametrize("value", [float("nan"), np.float64("nan"), np.array([1.0, np.inf])])
def test_a_page_never_shows_what_is_not_a_number(runs_folder, value):
    page = Page("page", "tiny")
    page["x"] = 1.0
    with pytest.raises(ValueError, match="JSON"):
        page["x"] = {"y": value}
    assert read_json(page.path)["values"] == page.values == {"x": 1.0}  # what was there stays


def test_a_page_takes_values_one_by_one_and_starts_anew(runs_folder):
    page = Page("page", "tiny")
    page["threshold.grid"] = 0.1
    page["threshold"] = {"exact": 0.125}
    page["test"] = Interval(0.5, 0.4, 0.6)
    expected = {
        "threshold": {"grid": 0.1, "exact": 0.125},
        "test": {"value": 0.5, "low": 0.4, "high": 0.6, "interval": [0.4, 0.6]},
    }
    assert read_json(page.path)["values"] == expected
    assert read_json(Page("page", "tiny").path)["values"] == {}
