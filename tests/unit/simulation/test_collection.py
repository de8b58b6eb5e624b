from __future__ import annotations

import csv
import json
import multiprocessing
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imet.data.tables import read_collection
from imet.io import InputError
from imet_simulation import Noise, draw_png, read_plans, simulate
from imet_simulation.catalogue import (
    FIGURE_LABELS,
    held_out,
    labels_of,
    plan_collection,
    vocabulary,
)


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(root)): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file() and not p.name.endswith(".lock")
    }


def lines(root: Path) -> list[dict]:
    return [json.loads(s) for s in (root / "truth.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("small")
    simulate(root, works=20, side=48, workers=1, progress=False)
    return root


def test_layout_is_kaggles(small):
    rows = list(csv.DictReader((small / "train.csv").open(encoding="utf-8")))
    table = {r["attribute_id"] for r in csv.DictReader((small / "labels.csv").open())}
    assert list(rows[0]) == ["id", "attribute_ids"]
    assert len(rows) == 20
    assert [r["id"] for r in rows] == sorted(r["id"] for r in rows)
    for row in rows:
        assert row["attribute_ids"]
        assert set(row["attribute_ids"].split()) <= table
        with Image.open(small / "train" / f"{row['id']}.png") as picture:
            assert picture.mode == "RGB"
            assert min(picture.size) == 48
    assert {p.name for p in small.iterdir()} - {".simulating.lock"} == {
        "train", "train.csv", "labels.csv", "truth.jsonl", "simulation.json"
    }  # fmt: skip


def test_truth_has_a_box_for_every_tag_inside_the_picture(small):
    for work in lines(small):
        tags = {k for k in work["labels"] if k.startswith("tag::")}
        assert set(work["boxes"]) == tags
        for boxes in work["boxes"].values():
            for left, top, right, bottom in boxes:
                assert 0 <= left < right <= work["width"]
                assert 0 <= top < bottom <= work["height"]


def test_same_bytes_for_any_number_of_workers(small, tmp_path):
    simulate(tmp_path, works=20, side=48, workers=2, progress=False)
    assert contents(tmp_path) == contents(small)


def test_other_seed_other_pictures(small, tmp_path):
    simulate(tmp_path, works=2, side=48, seed=1, workers=1, progress=False)
    assert not {p.name for p in (tmp_path / "train").iterdir()} & {
        p.name for p in (small / "train").iterdir()
    }


def test_finished_folder_is_left_alone_and_changed_parameters_are_not(small, tmp_path):
    simulate(tmp_path, works=2, side=48, workers=1, progress=False)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.png")}
    simulate(tmp_path, works=2, side=48, workers=1, progress=False)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.png")} == before
    simulate(tmp_path, works=3, side=48, workers=1, progress=False)
    assert len(lines(tmp_path)) == 3


def test_other_drawing_code_draws_anew(tmp_path):
    simulate(tmp_path, works=2, side=48, source="a", workers=1, progress=False)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.png")}
    simulate(tmp_path, works=2, side=48, source="b", workers=1, progress=False)
    assert all(p.stat().st_mtime_ns > before[p] for p in tmp_path.rglob("*.png"))


def test_plans_can_be_read_back_and_drawn_again(small, tmp_path):
    plans = read_plans(small)
    assert sorted(plans) == sorted(p.stem for p in (small / "train").iterdir())
    for work, plan in list(plans.items())[:4]:
        assert draw_png(plan, 0) == (small / "train" / f"{work}.png").read_bytes()


def test_plans_of_another_label_table_are_refused(tmp_path):
    (tmp_path / "labels.csv").write_text("attribute_id,attribute_name\n0,tag::a\n")
    simulate(tmp_path / "out", works=2, side=32, labels_from=tmp_path, workers=1, progress=False)
    with pytest.raises(InputError, match="labels-from"):
        read_plans(tmp_path / "out")


def test_lost_picture_is_drawn_again(tmp_path):
    simulate(tmp_path, works=2, side=48, workers=1, progress=False)
    whole = contents(tmp_path)
    next((tmp_path / "train").iterdir()).unlink()
    simulate(tmp_path, works=2, side=48, workers=1, progress=False)
    assert contents(tmp_path) == whole


def test_what_a_killed_drawing_left_half_written_goes(small, tmp_path):
    (tmp_path / "train").mkdir(parents=True)
    (tmp_path / ".begun.json").write_text("{}")
    half = tmp_path / "train" / ".0123.png.99.tmp"
    half.write_bytes(b"half")
    simulate(tmp_path, works=20, side=48, workers=1, progress=False)
    assert contents(tmp_path) == contents(small)


def test_killed_run_ends_in_the_same_bytes(small, tmp_path):
    code = (
        "from imet_simulation import simulate\n"
        f"simulate({str(tmp_path)!r}, works=20, side=48, workers=1, progress=False)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code])
    parts = tmp_path / ".parts"
    deadline = time.monotonic() + 120
    while not (parts.exists() and any(parts.glob("*.jsonl"))):
        assert time.monotonic() < deadline
        if child.poll() is not None:
            break
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()
    simulate(tmp_path, works=20, side=48, workers=1, progress=False)
    assert contents(tmp_path) == contents(small)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("works", [120, 600])
def test_figure_labels_have_positives_outside_training(works):
    plans = plan_collection(works, 0, 300, Noise())
    rows = [labels_of(p, 0, Noise(), vocabulary()) for p in plans]
    outside = held_out(rows)
    for label in FIGURE_LABELS:
        assert sum(label in rows[i] for i in outside) >= (3 if works >= 400 else 1), label


def test_noise_rates_are_met():
    noise = Noise(missing=0.2, missing_culture=0.1, confused=0.0, wrong=0.0)
    plans = plan_collection(600, 3, 300, Noise(0, 0, 0, 0))
    shown = sum(k.startswith("tag::") for p in plans for k in p.labels)
    kept = sum(k.startswith("tag::") for p in plans for k in labels_of(p, 3, noise, vocabulary()))
    assert abs(kept / shown - 0.8) < 0.04


def test_labels_from_another_table(tmp_path):
    table = tmp_path / "table"
    table.mkdir()
    (table / "labels.csv").write_text(
        "attribute_id,attribute_name\n7,culture::atlantis\n9,tag::teapots\n"
        "11,tag::portraits\n12,tag::saint nobody\n"
    )
    (table / "train.csv").write_text("id,attribute_ids\na,7 9\nb,9 11 12\n")
    simulate(tmp_path / "out", works=6, side=48, labels_from=table, workers=1, progress=False)
    rows = list(csv.DictReader((tmp_path / "out" / "train.csv").open()))
    assert {r["attribute_ids"] for r in rows} <= {"7 9", "9 11 12"}
    for work in lines(tmp_path / "out"):
        assert set(work["boxes"]) == {k for k in work["labels"] if k.startswith("tag::")}
    assert (tmp_path / "out" / "labels.csv").read_text() == (table / "labels.csv").read_text()


def test_labels_from_a_table_without_works(tmp_path):
    (tmp_path / "labels.csv").write_text("attribute_id,attribute_name\n0,tag::a\n1,tag::b\n")
    simulate(tmp_path / "out", works=3, side=32, labels_from=tmp_path, workers=1, progress=False)
    assert len(lines(tmp_path / "out")) == 3


def test_missing_table_is_named(tmp_path):
    with pytest.raises(InputError, match=r"labels\.csv"):
        simulate(tmp_path / "out", works=1, labels_from=tmp_path, progress=False)


def test_row_with_unknown_id_is_named(tmp_path):
    (tmp_path / "labels.csv").write_text("attribute_id,attribute_name\n0,tag::a\n")
    (tmp_path / "train.csv").write_text("id,attribute_ids\nx,0\ny,5\n")
    with pytest.raises(InputError, match="row 3"):
        simulate(tmp_path / "out", works=1, labels_from=tmp_path, progress=False)


def test_pictures_are_not_flat(small):
    for path in (small / "train").iterdir():
        with Image.open(path) as picture:
            assert np.asarray(picture, float).std() > 5


def test_works_planned_for_labels_show_them_and_are_no_works_of_the_collection(tmp_path):
    labels = ("tag::men", "culture::french", "tag::games")
    noise = Noise(0, 0, 0, 0)
    same = {"works": 9, "side": 48, "workers": 1, "progress": False, "noise": noise}
    simulate(tmp_path / "for", seed=1, planned_for=labels, **same)
    simulate(tmp_path / "plain", seed=0, **same)
    collection, plans = read_collection(tmp_path / "for"), read_plans(tmp_path / "for")
    for row, work in enumerate(collection.ids.tolist()):
        label = labels[plans[work].index % 3]
        assert collection.targets[row, collection.labels.names.index(label)]
    assert not set(collection.ids) & set(read_collection(tmp_path / "plain").ids)
