"""The rehearsal: stages on a small table, what is watched of them, what is kept and done again."""

from __future__ import annotations

import json
import sys

import pytest

from benchmarks import rehearsal
from imet.config import get_profile

WORKS = 24


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Thirty rows of four labels, each on seven of them at least."""
    folder = tmp_path_factory.mktemp("tables")
    names = ("culture::french", "culture::greek", "tag::men", "tag::trees")
    lines = [f"{k},{name}\n" for k, name in enumerate(names)]
    (folder / "labels.csv").write_text("attribute_id,attribute_name\n" + "".join(lines))
    rows = [f"{k:016x},{k % 2} {2 + k // 2 % 2}\n" for k in range(30)]
    (folder / "train.csv").write_text("id,attribute_ids\n" + "".join(rows))
    return folder


@pytest.fixture(scope="module")
def drawn(tables, tmp_path_factory):
    """A folder that the stages without a network have been through, and their record."""
    out = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as patch:
        stages = {name: rehearsal.DRAWN[name] for name in ("draw", "check", "split")}
        patch.setattr(rehearsal, "DRAWN", stages)
        patch.setattr(rehearsal, "RESULTS", out / "rehearsal.json")
        rehearsal.rehearse(tables, out, WORKS)
        yield out


@pytest.fixture
def small(monkeypatch):
    """The tiny profile's network in place of the package's."""
    tiny = get_profile("tiny")
    changes = rehearsal.changes() | tiny.recipe | {"backbone": tiny.backbones["resnet50"]}
    monkeypatch.setattr(rehearsal, "changes", lambda: changes)


def test_stages_are_kept_and_a_missing_one_is_done_again(tables, drawn):
    file = drawn / "rehearsal.json"
    kept = json.loads(file.read_text())["values"][str(WORKS)]
    assert list(kept) == ["draw", "check", "split"]
    for stage in kept.values():
        assert stage["works"] == WORKS
        assert stage["wall"] > 0 < stage["cpu"]
        assert stage["peak_mb"] > 20
    assert kept["split"]["training_works"] == 18
    record = json.loads(file.read_text())
    record["values"][str(WORKS)]["draw"]["cpu"] = -1.0  # would be replaced if it were done again
    del record["values"][str(WORKS)]["split"]
    file.write_text(json.dumps(record))
    rehearsal.rehearse(tables, drawn, WORKS)
    again = json.loads(file.read_text())["values"][str(WORKS)]
    assert again["draw"]["cpu"] == -1
    assert again["split"]["labels"] == 4


def test_stages_of_one_size_are_of_one_machine(tables, drawn, monkeypatch):
    file = drawn / "rehearsal.json"
    before = file.read_text()
    monkeypatch.setattr(rehearsal, "device_name", lambda _: "CPU, another, 64 cores")
    with pytest.raises(SystemExit, match=f"{WORKS} was begun on CPU, "):
        rehearsal.rehearse(tables, drawn, WORKS)
    assert file.read_text() == before


def test_a_row_says_what_an_epoch_takes_and_what_follows_the_last(
    small, tables, drawn, monkeypatch
):
    home = drawn / str(WORKS)
    monkeypatch.setenv("IMET_HOME", str(home))
    assert rehearsal.features(tables, home, WORKS)["disk_mb"] > 0.1
    found = rehearsal.row("attn_cnn_rnn")(tables, home, WORKS)
    for part in ("epoch", "decision"):
        assert 0 < found[part]["wall"] < 60
        assert found[part]["cpu"] > 0


@pytest.mark.parametrize("name", list(rehearsal.FULL))
def test_stages_without_pictures_see_every_row(name, small, tables, tmp_path):
    assert rehearsal.FULL[name](tables, tmp_path, 0)["works"] == (24 if name == "targets" else 30)


def test_scores_know_something_of_the_labels(tables):
    scores, targets = rehearsal.scored(tables)
    assert scores.shape == targets.shape == (30, 4)
    assert ((scores > 0) & (scores < 1)).all()
    assert scores[targets].mean() > scores[~targets].mean() + 0.2


def test_memory_of_a_process_and_its_child_is_seen(tmp_path):
    child = "import time; x = bytearray(b'1') * 150_000_000; time.sleep(1.5)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    seen = rehearsal.watched([sys.executable, "-c", f"{parent}; print('{{}}')"], tmp_path)
    assert 150 < seen["held_mb"] < 400
    assert seen["peak_mb"] > 150  # the process that starts a stage counts, and this one is large
    assert seen["wall"] > 1.4


def test_a_stage_that_fails_and_a_changed_tree_are_not_recorded(tables, tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match="ended with 3"):
        rehearsal.watched([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)
    monkeypatch.setattr(rehearsal, "changed_files", lambda: ["M imet/io.py"])
    with pytest.raises(SystemExit, match="commit these first"):
        rehearsal.main([str(tables), str(tmp_path), "--works", "5"])
    assert not list(tmp_path.iterdir())
