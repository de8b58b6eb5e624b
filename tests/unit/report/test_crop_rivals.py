"""Baseline crops and the scores of crops."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imet import runs
from imet.config import resolve
from imet.data.boxes import SIDES
from imet.data.parts import load_parts
from imet.io import write_csv
from imet.report.crop_rivals import (
    centre_box,
    collection_with_boxes,
    covered,
    crop_scores,
    hull,
    otsu_box,
    spectral_residual,
    spectral_residual_box,
)
from imet_simulation import simulate

corner = st.integers(0, 12)
box = st.tuples(corner, corner, st.integers(1, 8), st.integers(1, 8)).map(
    lambda t: (t[0], t[1], t[0] + t[2], t[1] + t[3])
)


def cells(left, top, right, bottom):
    return {(x, y) for x in range(left, right) for y in range(top, bottom)}


@given(box, box)
def test_iou_counts_cells(a, b):
    both, whole = cells(*a) & cells(*b), cells(*a) | cells(*b)
    scores = crop_scores(np.array(a), np.array([b]), 20, 20)
    assert scores["iou"] == pytest.approx(len(both) / len(whole))
    assert scores["area"] == pytest.approx(len(cells(*a)) / 400)


@given(box, st.lists(box, min_size=1, max_size=4))
def test_covered_counts_each_cell_once(crop, boxes):
    under = set().union(*(cells(*b) for b in boxes))
    found = covered(np.array(crop), np.array(boxes))
    assert found == pytest.approx(len(under & cells(*crop)) / len(under))


@given(st.lists(box, min_size=1, max_size=4))
def test_the_hull_covers_everything(boxes):
    around = hull(np.array(boxes))
    assert covered(around, np.array(boxes)) == 1
    assert all(around.tolist()[k] in [b[k] for b in boxes] for k in range(4))


def test_scores_of_a_crop():
    found = crop_scores(np.array([0, 0, 5, 10]), np.array([[0, 0, 10, 10]]), 10, 20)
    assert found == {"iou": 0.5, "kept": 0.5, "area": 0.25}


@pytest.mark.parametrize("shape", [(300, 400), (1, 1), (3, 2000)])
def test_baselines_stay_inside(shape):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    for left, top, right, bottom in (
        centre_box(*shape), otsu_box(picture), spectral_residual_box(picture),
    ):  # fmt: skip
        assert 0 <= left < right <= shape[1]
        assert 0 <= top < bottom <= shape[0]


def test_baselines_find_a_dark_thing_on_a_plain_ground():
    picture = np.full((100, 160, 3), 200, np.uint8)
    picture[30:60, 40:90] = 20
    np.testing.assert_allclose(otsu_box(picture), [40, 30, 90, 60], atol=2)


def test_the_spectral_residual_peaks_at_what_stands_out():
    rng = np.random.default_rng(0)
    picture = rng.integers(190, 210, (128, 128, 3)).astype(np.uint8)  # no spectrum is exactly 0
    picture[80:92, 30:42] = 20
    y, x = np.unravel_index(spectral_residual(picture).argmax(), (64, 64))
    assert 36 <= y <= 50
    assert 11 <= x <= 25


def test_a_plain_picture_is_kept_whole():
    flat = np.full((20, 30, 3), 77, np.uint8)
    assert otsu_box(flat).tolist() == [0, 0, 30, 20]
    assert np.isfinite(spectral_residual(flat)).all()


@pytest.fixture
def folders(small_collection, tmp_path_factory, monkeypatch) -> Path:
    """Profile "own" is a folder of 60 works, twelve of them held out; "sample" is drawn."""
    root = tmp_path_factory.mktemp("folders")
    simulate(root / "sample", works=120, seed=1, workers=1)
    shutil.copytree(small_collection, root / "own")
    recipe = resolve("resnet50", "tiny")
    monkeypatch.setattr(runs, "load", lambda name: load_parts(root / name, recipe))
    monkeypatch.setenv("IMET_HOME", str(root))
    (root / "profiles").mkdir()
    own = f'data = "folder"\nfolder = "{root / "own"}"\nbased_on = "tiny"\n'
    (root / "profiles" / "own.toml").write_text(own)
    return root


@pytest.mark.parametrize(("works", "chosen"), [(0, "sample"), (9, "sample"), (10, "own")])
def test_crops_are_scored_on_a_folders_own_boxes_where_there_are_enough(folders, works, chosen):
    parts = runs.load("own")
    held_out = parts.collection.ids[[*parts.val.rows, *parts.test.rows]]
    assert len(held_out) == 12
    label = parts.collection.labels.names[0]
    rows = [(work, label, 1, 2, 30, 40) for work in held_out[:works]]
    write_csv(folders / "own" / "boxes.csv", ("id", "label", *SIDES), rows)
    name, parts, boxes = collection_with_boxes("own")
    assert name == chosen
    assert parts.collection.root == folders / chosen
    assert len(boxes.boxes) == len(parts.collection)
    assert boxes.source == ("the folder's boxes.csv" if works == 10 else "the drawing program")
