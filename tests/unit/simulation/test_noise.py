"""Mistakes of annotators at a chosen rate."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from imet.config import Recipe, resolve
from imet.data.parts import load_parts
from imet.data.source import add_label_noise
from imet.data.tables import read_collection
from imet.io import InputError


@pytest.fixture(scope="module")
def collection(small_collection, tmp_path_factory):
    """A label table whose truth is that every work also shows the next label."""
    folder = tmp_path_factory.mktemp("noisy")
    for name in ("train.csv", "labels.csv"):
        shutil.copy(small_collection / name, folder / name)
    found = read_collection(folder)
    shown = found.targets | np.roll(found.targets, 1, axis=1)
    lines = [
        json.dumps(
            {
                "id": str(work),
                "labels": [found.labels.names[k] for k in np.flatnonzero(row)],
                "boxes": {},
                "composition": "x",
                "height": 50,
                "width": 40,
            }
        )
        for work, row in zip(found.ids, shown)
    ]
    (folder / "truth.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return found, shown


def test_without_mistakes_the_truth_is_left(collection):
    found, shown = collection
    np.testing.assert_array_equal(add_label_noise(found, 0).targets, shown)


def test_more_noise_leaves_out_more_of_the_same(collection):
    found, shown = collection
    some, many = (add_label_noise(found, factor).targets for factor in (2, 8))
    assert (shown & ~some).sum() > 0
    assert (shown & ~many).sum() > (shown & ~some).sum()
    assert ((shown & ~many) >= (shown & ~some)).mean() > 0.98
    assert many.any(1).all()
    np.testing.assert_array_equal(many, add_label_noise(found, 8).targets)


def test_a_recipe_s_noise_changes_labels_and_not_the_split(collection):
    found, shown = collection
    given = load_parts(found.root, resolve("vgg16", "tiny"))
    truth = load_parts(found.root, resolve("vgg16", "tiny", {"label_noise": 0.0}))
    for a, b in ((given.train, truth.train), (given.test, truth.test)):
        np.testing.assert_array_equal(a.rows, b.rows)
        np.testing.assert_array_equal(b.targets, shown[b.rows])
        assert (a.targets != b.targets).any()
        for work in range(len(a)):
            assert a.kinds(work, Recipe("")) == b.kinds(work, Recipe(""))


def test_only_simulated_collections_know_the_truth(small_collection):
    with pytest.raises(InputError, match=r"truth\.jsonl"):
        load_parts(small_collection, resolve("vgg16", "tiny", {"label_noise": 1.0}))
