"""What crops show: their windows are those of the views, and AUC taken apart adds up again."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from imet.config import resolve
from imet.data.images import read_image
from imet.data.parts import load_parts
from imet.data.views import make_views, work_rng
from imet.metrics import roc_auc_per_class
from imet.report.datasheet import crop_windows, macro_interval, macro_mean, placement_values
from imet_simulation import GroundTruth, covered_share, visible_share, visible_shares


def test_windows_are_the_crops_that_views_show(small_collection):
    recipe = resolve("resnet50", "tiny", {"input_size": 30})
    parts = load_parts(small_collection, recipe)
    works = parts.collection
    sizes = np.array([read_image(works.path(row)).shape[:2] for row in range(len(works))])
    windows = crop_windows(parts.test, recipe, sizes)
    for work, row in enumerate(parts.test.rows.tolist()):
        picture = read_image(works.path(row))
        rng = work_rng(recipe.view_seed, str(works.ids[row]))
        views = make_views(picture, ["resize", *["crop"] * 5], rng, 30).permute(0, 2, 3, 1).numpy()
        for (left, top, right, bottom), view in zip(windows[work].tolist(), views[1:]):
            assert right - left == bottom - top == 30
            np.testing.assert_array_equal(view, picture[top:bottom, left:right])


def test_shares_follow_the_boxes(small_collection):
    recipe = resolve("resnet50", "tiny", {})
    parts = load_parts(small_collection, recipe)
    count, part = len(parts.collection), parts.test
    box, none = np.array([[0, 0, 10, 10], [20, 0, 30, 10]]), np.empty((0, 4), int)
    row, column = int(part.rows[0]), int(part.columns[1])
    truth = GroundTruth(
        parts.collection.targets,
        tuple(box if r == row else none for r in range(count)),
        ("",) * count,
        tuple(np.full(2 if r == row else 0, column) for r in range(count)),
        np.full((count, 2), 50),
    )
    windows = np.tile([[0, 0, 15, 15], [0, 0, 15, 5], [40, 40, 50, 50]], (len(part), 1, 1))
    shares = visible_shares(truth, part.rows, part.columns, windows)
    assert shares[0, :, 1].tolist() == [0.5, 0.25, 0.0]
    assert np.isfinite(shares).sum() == 3
    assert covered_share(truth, column).tolist() == [200 / 2500]


def test_no_boxes_have_no_share():
    assert np.isnan(visible_share(np.empty((0, 4)), np.array([[0, 0, 5, 5]]))).all()


def test_placement_values_average_to_the_auc():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, (60, 8)).astype(float)  # many ties
    targets = rng.random((60, 8)) < np.linspace(0, 1, 8)
    shares = placement_values(scores, targets)
    auc = roc_auc_per_class(scores, targets)
    known = np.isfinite(auc)
    np.testing.assert_allclose(np.nanmean(shares[:, known], 0), auc[known])
    assert np.isnan(shares[:, ~known]).all()
    assert macro_mean(shares) == pytest.approx(auc[known].mean())


def test_intervals_hold_the_mean_and_widen_with_fewer_works():
    rng = np.random.default_rng(0)
    values = np.where(rng.random((400, 3, 5)) < 0.3, rng.random((400, 3, 5)), np.nan)
    many, few = macro_interval(values), macro_interval(values[:40])
    assert many.low < many.value == macro_mean(values) < many.high
    assert many.high - many.low < few.high - few.low
    assert np.isnan(macro_interval(np.full((4, 2), np.nan))).all()


def test_rare_bad_labels_do_not_lift_the_interval_above_the_mean():
    values = np.full((100, 80), np.nan)
    values[:50, :40] = 1.0
    values[np.arange(50, 90), np.arange(40, 80)] = 0.0  # one work each: many resamples lack it
    interval = macro_interval(values)
    assert interval.value == 0.5
    assert (interval.low + interval.high) / 2 == pytest.approx(0.5, abs=0.01)
    assert 0.15 < interval.high - interval.low < 0.3


def test_pictures_of_the_fixture_are_read_as_written(small_collection):
    path = next((small_collection / "train").iterdir())
    np.testing.assert_array_equal(read_image(path), np.asarray(Image.open(path)))
