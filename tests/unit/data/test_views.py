"""The six views: which, where, with which labels; the same for a work whoever draws them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imet.data.views import (
    crop_window,
    make_views,
    random_crop_windows,
    view_kinds,
    view_targets,
    work_rng,
)

SIX = ["resize"] + ["crop"] * 5


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("culture", "tag", "train", "kinds"),
    [
        (True, True, True, SIX),
        (False, True, True, ["resize"] * 6),
        (True, False, True, SIX),
        (True, True, False, SIX),
        (False, True, False, SIX),
        (True, False, False, SIX),
        (False, False, False, SIX),
    ],
)
def test_kinds_follow_the_paper(culture, tag, train, kinds):
    assert view_kinds(culture, tag, train) == kinds


def plain_targets(row, is_culture, kinds, train, crop_targets):
    """The rules one label at a time."""
    out = []
    for kind in kinds:
        view = []
        for carried, culture in zip(row, is_culture):
            keeps = True
            if train and kind == "crop":
                keeps = {"as_written": culture, "as_coded": False, "all": True}[crop_targets]
            view.append(bool(carried and keeps))
        out.append(view)
    return out


@settings(max_examples=80, deadline=None)
@given(
    labels=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12),
    train=st.booleans(),
    crop_targets=st.sampled_from(["as_written", "as_coded", "all"]),
)
def test_targets_follow_the_rules(labels, train, crop_targets):
    row, is_culture = (np.array(column) for column in zip(*labels))
    kinds = view_kinds(bool((row & is_culture).any()), bool((row & ~is_culture).any()), train)
    targets = view_targets(row, is_culture, kinds, train, crop_targets)
    assert targets.dtype == bool
    assert targets.shape == (6, len(row))
    assert targets.tolist() == plain_targets(row, is_culture, kinds, train, crop_targets)
    assert np.array_equal(targets[0], row)
    if not train:
        assert (targets == row).all()


def test_tag_only_works_train_with_all_labels_on_every_view():
    row, is_culture = np.array([False, True, True]), np.array([True, False, False])
    for crop_targets in ("as_written", "as_coded", "all"):
        kinds = view_kinds(False, True, train=True)
        targets = view_targets(row, is_culture, kinds, True, crop_targets)
        assert (targets == row).all()


def test_mistyped_words_raise():
    with pytest.raises(KeyError, match="as_writen"):
        view_targets(np.ones(1, bool), np.ones(1, bool), SIX, True, "as_writen")
    with pytest.raises(ValueError, match="rezise"):
        make_views(np.zeros((9, 9, 3), np.uint8), ["rezise"], rng())


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 500),
    width=st.integers(1, 500),
    size=st.sampled_from([1, 7, 64, 224]),
    seed=st.integers(0, 99),
)
def test_views_of_any_size(height, width, size, seed):
    image = rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    views = make_views(image, SIX, rng(seed), size)
    assert views.shape == (6, 3, size, size)
    assert views.dtype == torch.uint8
    assert views.is_contiguous(memory_format=torch.channels_last)
    low, high = image.min(), image.max()
    assert int(views.min()) >= low
    assert int(views.max()) <= high


@settings(max_examples=100, deadline=None)
@given(height=st.integers(1, 600), width=st.integers(1, 600), seed=st.integers(0, 999))
def test_crops_lie_inside(height, width, seed):
    for top, left, side in random_crop_windows(height, width, 5, rng(seed)):
        assert 1 <= side <= min(height, width)
        assert 0 <= top <= height - side
        assert 0 <= left <= width - side


def test_crops_reach_every_place():
    boxes = random_crop_windows(10, 12, 3000, rng())
    side = crop_window(10, 12)
    assert {top for top, _, _ in boxes} == set(range(10 - side + 1))
    assert {left for _, left, _ in boxes} == set(range(12 - side + 1))


def test_window_is_224_of_kaggles_300_pixels():
    assert crop_window(300, 4428) == crop_window(4428, 300) == 224


def test_crops_of_a_kaggle_picture_are_its_own_pixels():
    image = rng().integers(0, 256, (300, 420, 3), dtype=np.uint8)
    views = make_views(image, SIX, rng(3))
    for view, (top, left, side) in zip(views[1:], random_crop_windows(300, 420, 5, rng(3))):
        assert side == 224
        expected = image[top : top + 224, left : left + 224].transpose(2, 0, 1)
        assert np.array_equal(view.numpy(), expected)


@pytest.mark.parametrize("shape", [(300, 420), (423, 300), (300, 4428), (2000, 80), (120, 160)])
def test_resize_is_pillows_antialiased_bilinear(shape):
    smooth = np.add.outer(np.arange(shape[0]) % 251, np.arange(shape[1]) % 241) // 2
    image = np.stack([smooth, 255 - smooth, smooth // 2], axis=2).astype(np.uint8)
    view = make_views(image, ["resize"], rng())[0].permute(1, 2, 0).numpy()
    pillow = np.asarray(Image.fromarray(image).resize((224, 224), Image.Resampling.BILINEAR))
    assert np.abs(view.astype(int) - pillow).max() <= 1


def test_scaled_crops_are_scaled_windows():
    image = rng().integers(0, 256, (150, 200, 3), dtype=np.uint8)
    views = make_views(image, ["crop"] * 2, rng(5), 64)
    for view, (top, left, side) in zip(views, random_crop_windows(150, 200, 2, rng(5))):
        window = image[top : top + side, left : left + side]
        assert side == 112
        pillow = np.asarray(Image.fromarray(window).resize((64, 64), Image.Resampling.BILINEAR))
        assert np.abs(view.permute(1, 2, 0).numpy().astype(int) - pillow).max() <= 1


def test_resizes_of_one_work_are_the_same_and_not_shared():
    image = rng().integers(0, 256, (30, 40, 3), dtype=np.uint8)
    views = make_views(image, ["resize"] * 6, rng(), 24)
    assert (views == views[0]).all()
    views[0] = 0
    assert views[1].any()


def test_the_picture_is_left_as_it_was():
    image = rng().integers(0, 256, (224, 224, 3), dtype=np.uint8)
    before = image.copy()
    views = make_views(image, ["resize", "crop"], rng(), 224)
    views.zero_()
    assert np.array_equal(image, before)


def test_one_pixel_fills_every_view():
    views = make_views(np.array([[[10, 20, 30]]], np.uint8), SIX, rng())
    assert (views == torch.tensor([10, 20, 30], dtype=torch.uint8)[:, None, None]).all()


def test_work_rng_depends_on_work_seed_and_epoch_only():
    first = work_rng(0, "a").integers(0, 2**60, 4)
    work_rng(0, "b").integers(0, 2**60, 4)  # another work in between changes nothing
    assert np.array_equal(first, work_rng(0, "a", 0).integers(0, 2**60, 4))
    others = [work_rng(1, "a"), work_rng(0, "b"), work_rng(0, "a", 1), work_rng(0, "0a")]
    assert not any(np.array_equal(first, other.integers(0, 2**60, 4)) for other in others)


def test_work_rng_is_the_same_on_every_machine():
    drawn = work_rng(231, "1000483014d91860", 2).integers(0, 1000, 5)
    assert drawn.tolist() == [786, 937, 197, 704, 136]
