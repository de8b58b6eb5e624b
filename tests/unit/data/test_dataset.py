"""Batches of works: the same views whatever the order, the batch or the number of processes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from imet.batches import Batches
from imet.config import Recipe, resolve
from imet.data.augment import augment, draw_augmentation
from imet.data.dataset import ViewLoader, WorkViews
from imet.data.images import read_image
from imet.data.parts import Part, Parts, load_parts
from imet.data.tables import Collection
from imet.data.views import make_views, work_rng
from imet.io import InputError
from imet.labels import LabelSpace


def recipe(**changes) -> Recipe:
    return resolve("resnet50", "tiny", {"input_size": 32} | changes)


@pytest.fixture(scope="module")
def parts(small_collection) -> Parts:
    return load_parts(small_collection, recipe())


def all_views(
    part: Part, order, batch_size: int, epoch: int = 0, **changes
) -> dict[int, torch.Tensor]:
    """Work to its (V, 3, S, S) views."""
    r = recipe(**changes)
    batches = list(ViewLoader(part, r, batch_size)(order, epoch))
    views = torch.cat(batches).unflatten(0, (len(order), -1))  # (N, V, 3, S, S)
    return dict(zip([int(i) for i in order], views))


@pytest.mark.parametrize("name", ["train", "val"])
def test_order_batch_size_and_processes_change_nothing(parts, name):
    part = getattr(parts, name)
    n = len(part)
    reference = all_views(part, np.arange(n), n)
    shuffled = np.random.default_rng(1).permutation(n)
    for order, size, workers in [
        (np.arange(n), 1, 0),
        (shuffled, 5, 0),
        (shuffled, 1, 2),
        (shuffled[:3], 2, 0),
    ]:
        found = all_views(part, order, size, workers=workers)
        assert list(found) == order.tolist()
        for work, views in found.items():
            assert torch.equal(views, reference[work]), (work, size, workers)


def test_torch_s_and_numpy_s_global_generators_do_not_matter(parts):
    first = all_views(parts.train, np.arange(4), 2)
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002
    again = all_views(parts.train, np.arange(4), 2)
    assert all(torch.equal(first[work], again[work]) for work in first)


def test_training_views_change_with_the_epoch_and_the_view_seed_only(parts):
    order = np.arange(6)
    first = all_views(parts.train, order, 6)
    same = all_views(parts.train, order, 6, seed=5)  # the run's seed moves no picture
    assert all(torch.equal(first[w], same[w]) for w in first)
    for changed in (
        all_views(parts.train, order, 6, epoch=1),
        all_views(parts.train, order, 6, view_seed=1),
    ):
        assert all(not torch.equal(first[w], changed[w]) for w in first)


def test_evaluation_is_never_augmented(parts):
    """Its views are those cut from the picture, byte for byte."""
    part = parts.val
    found = all_views(part, np.arange(len(part)), 4, flip=True, jitter_hue=0.5, jitter_saturation=1)
    for work, views in found.items():
        row = int(part.rows[work])
        rng = work_rng(0, str(part.collection.ids[row]))
        picture = read_image(part.collection.path(row))
        cut = make_views(picture, ["resize"] + ["crop"] * 5, rng, 32)
        assert torch.equal(views, cut)


def test_augmentation_flips_and_jitters_as_drawn(parts):
    part, r = parts.train, recipe()
    raw, drawn = WorkViews(part, r)[0, 0]
    views = all_views(part, [0], 1)[0]
    for view in range(6):
        wanted = raw[view : view + 1]
        if drawn["mirrored"][view]:
            wanted = wanted.flip(-1)
        one = {name: values[view : view + 1] for name, values in drawn.items()}
        one["mirrored"] = torch.tensor([False])
        assert torch.equal(views[view], augment(wanted, one)[0])


def test_switched_off_augmentation_changes_no_byte(parts):
    still = {"flip": False, "jitter_hue": 0.0, "jitter_saturation": 0.0}
    raw, drawn = WorkViews(parts.train, recipe(**still))[0, 0]
    assert not drawn["mirrored"].any()
    assert torch.equal(augment(raw, drawn), raw)


def test_about_half_the_views_are_flipped():
    drawn = draw_augmentation(2000, True, 0.05, 0.05, np.random.default_rng(0))
    assert 900 < drawn["mirrored"].sum() < 1100
    assert drawn["hue"].abs().max() <= 0.05
    assert (drawn["saturation"] - 1).abs().max() <= 0.05


@pytest.fixture
def labelled(tmp_path) -> Collection:
    """Three works: culture and tag, tag only, culture only; columns culture, tag, tag."""
    labels = LabelSpace(np.arange(3), ("culture::a", "tag::b", "tag::c"))
    targets = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 0]], bool)
    return Collection(tmp_path, np.array(["x", "y", "z"]), labels, targets)


def targets_of(collection, name, columns=(0, 1, 2), **changes) -> list:
    part = Part(collection, np.arange(3), np.array(columns), name)
    return part.view_targets(recipe(**changes)).astype(int).tolist()


def test_crops_train_on_cultures_as_written(labelled):
    assert targets_of(labelled, "train") == [
        [[1, 1, 0], *[[1, 0, 0]] * 5],
        [[0, 1, 1]] * 6,  # tags only: six resizes
        [[1, 0, 0]] * 6,
    ]


def test_crops_train_on_nothing_as_coded(labelled):
    assert targets_of(labelled, "train", crop_targets="as_coded") == [
        [[1, 1, 0], *[[0, 0, 0]] * 5],
        [[0, 1, 1]] * 6,
        [[1, 0, 0], *[[0, 0, 0]] * 5],
    ]


@pytest.mark.parametrize("crop_targets", ["as_written", "as_coded", "all"])
@pytest.mark.parametrize("name", ["val", "test"])
def test_evaluation_has_all_labels_on_every_view(labelled, name, crop_targets):
    assert targets_of(labelled, name, crop_targets=crop_targets) == [
        [row] * 6 for row in [[1, 1, 0], [0, 1, 1], [1, 0, 0]]
    ]


def test_one_view_is_the_resize_with_all_labels(labelled):
    assert targets_of(labelled, "train", views="one") == [[[1, 1, 0]], [[0, 1, 1]], [[1, 0, 0]]]


def test_evaluation_may_have_other_views_than_training(labelled):
    def views(name, **changes):
        return [len(work) for work in targets_of(labelled, name, **changes)]

    assert views("train", views="one", eval_views="six") == [1, 1, 1]
    assert views("val", views="one", eval_views="six") == [6, 6, 6]
    assert views("train", views="six", eval_views="one") == [6, 6, 6]
    assert views("test", views="six", eval_views="one") == [1, 1, 1]


def test_kinds_do_not_depend_on_the_columns_in_use(labelled):
    """A work whose culture label is not among them still has one: its crops stay crops."""
    part = Part(labelled, np.arange(3), np.array([1, 2]), "train")
    assert part.kinds(0, Recipe("")) == ["resize"] + ["crop"] * 5
    assert part.kinds(1, Recipe("")) == ["resize"] * 6
    assert part.kinds(2, Recipe("")) == ["resize"] + ["crop"] * 5
    assert part.view_targets(recipe())[0].astype(int).tolist() == [[1, 0], *[[0, 0]] * 5]


def rare(folder: Path) -> Path:
    """12 works, two of which alone carry label 9."""
    folder.mkdir()
    (folder / "labels.csv").write_text("attribute_id,attribute_name\n4,tag::a\n9,tag::rare\n5,b\n")
    rows = [f"w{i},{'4 9' if i < 2 else '4 5'}\n" for i in range(12)]
    (folder / "train.csv").write_text("id,attribute_ids\n" + "".join(rows))
    return folder


def test_kept_and_all_labels_differ_by_the_rare_columns(tmp_path):
    folder = rare(tmp_path / "c")
    kept, every = (load_parts(folder, recipe(labels=which)) for which in ("kept", "all"))
    assert kept.labels.names == ("tag::a", "b")
    assert every.labels.names == ("tag::a", "tag::rare", "b")
    for name in ("train", "val", "test"):
        a, b = getattr(kept, name), getattr(every, name)
        assert np.array_equal(a.rows, b.rows)  # the same works either way
        assert np.array_equal(a.targets, b.targets[:, [0, 2]])
        assert not b.targets[:, 1].any()


def test_rare_labels_stay_if_asked_for(tmp_path):
    found = load_parts(rare(tmp_path / "c"), recipe(drop_rare=False))
    assert len(found.labels) == 3
    assert sum(len(p) for p in (found.train, found.val, found.test)) == 12


def test_a_sample_keeps_the_split(small_collection, parts):
    sampled = load_parts(small_collection, recipe(max_works=20))
    assert [len(p) for p in (sampled.train, sampled.val, sampled.test)] == [16, 2, 2]
    for name in ("train", "val", "test"):
        assert set(getattr(sampled, name).rows) <= set(getattr(parts, name).rows)


def test_batches_of_pictures_hold_views_targets_and_works_in_step(parts):
    part, r = parts.train, recipe(view_mode="fresh")
    order = np.random.default_rng(2).permutation(len(part))[:7]
    batches = list(Batches(r, parts, None, "cpu").of(part, order, size=3))
    assert [len(b["works"]) for b in batches] == [3, 3, 1]
    works = torch.cat([b["works"] for b in batches])
    assert works.tolist() == order.tolist()
    targets = torch.cat([b["targets"] for b in batches]).unflatten(0, (7, -1))  # (7, V, K)
    assert targets.dtype == torch.float32
    wanted = part.view_targets(r)[order]
    assert np.array_equal(targets.numpy().astype(bool), wanted)
    views = torch.cat([b["views"] for b in batches]).unflatten(0, (7, -1))
    reference = all_views(part, order, 7)
    assert all(torch.equal(v, reference[int(w)]) for v, w in zip(views, works))


def test_batches_of_stored_features_have_the_same_works_and_targets(parts):
    part, r = parts.train, resolve("attn_cnn_rnn", "tiny", {"input_size": 32})
    n = len(part)
    pooled = np.random.default_rng(0).random((n, 6, 4)).astype(np.float16)
    spatial = np.random.default_rng(1).random((n, 6, 9, 4)).astype(np.float16)
    stored = Batches(r, parts, None, "cpu")
    stored.__dict__["stores"] = {"train": {"pooled": pooled, "spatial": spatial}}
    targets = part.view_targets(r)
    order = np.random.default_rng(3).permutation(n)
    works = []
    for batch in stored.of(part, order, size=5):
        rows = batch["works"].numpy()
        assert batch["pooled"].dtype == batch["spatial"].dtype == torch.float32
        assert batch["spatial"].shape == (6 * len(rows), 9, 4)
        assert np.array_equal(batch["pooled"].numpy(), pooled[rows].reshape(-1, 4))
        wanted = targets[rows].reshape(len(rows) * 6, -1)
        assert np.array_equal(batch["targets"].numpy(), wanted)
        works += rows.tolist()
    assert works == order.tolist()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_picture_is_named_without_a_traceback(small_collection, tmp_path, workers):
    """From a loading process too, whose errors torch wraps in their traceback."""
    folder = shutil.copytree(small_collection, tmp_path / "copy")
    part = load_parts(folder, recipe()).train
    picture = part.collection.path(int(part.rows[3]))
    picture.write_bytes(b"no picture")
    with pytest.raises(InputError) as caught:
        list(ViewLoader(part, recipe(workers=workers), 1)(np.arange(8)))
    assert str(caught.value).startswith(f"{picture}: not a picture")
    assert "\n" not in str(caught.value)
