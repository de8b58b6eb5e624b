"""The facts of a folder: FIDELITY's table on the real one, sense on any other."""

from __future__ import annotations

import json

import numpy as np
import pytest

from imet.data.split import split_collection
from imet.data.summary import format_summary, summarise
from imet.data.views import view_kinds, view_targets

KEYS = [
    "rows",
    "labels",
    "culture",
    "tag",
    "mean_labels",
    "max_labels",
    "rare_labels",
    "kept_works",
    "kept_labels",
    "ids_not_16_characters",
    "split",
    "labels_present",
    "max_labels_per_split",
    "counts",
]


@pytest.fixture(scope="module")
def real_facts(real_tables):
    return summarise(real_tables)


def test_keys_are_exactly_the_contract(real_facts):
    assert list(real_facts) == KEYS
    assert json.loads(json.dumps(real_facts, allow_nan=False)) == real_facts


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rows", 109_237),
        ("labels", 1_103),
        ("culture", 398),
        ("tag", 705),
        ("mean_labels", 3.1731),
        ("max_labels", 11),
        ("rare_labels", 26),
        ("kept_works", 109_200),
        ("kept_labels", 1_077),
        ("ids_not_16_characters", 6_771),
        ("split", {"train": 87_360, "val": 10_920, "test": 10_920, "dropped": 37}),
        ("labels_present", {"train": 1_077, "val": 982, "test": 975}),
        ("max_labels_per_split", {"train": 11, "val": 10, "test": 9}),
    ],
)
def test_real_facts(real_facts, key, value):
    assert real_facts[key] == value


def test_real_counts_are_over_all_rows(real_facts):
    counts = real_facts["counts"]
    assert len(counts) == 1_103
    assert (counts["tag::men"], counts["tag::women"], counts["tag::trees"]) == (
        19_970,
        14_281,
        5_591,
    )
    assert min(counts.values()) == 1


def test_real_culture_ids_come_first(real_collection):
    labels = real_collection.labels
    assert labels.ids[labels.is_culture].tolist() == list(range(398))
    assert (labels.column("tag::men"), labels.column("tag::women")) == (813, 1092)


def test_real_largest_aspect_ratio(real_tables):
    sizes = np.loadtxt(real_tables / "sizes.csv", delimiter=",", skiprows=1, usecols=(1, 2))
    assert (sizes.max(1) / sizes.min(1)).max() == pytest.approx(25.1, abs=0.05)


def test_real_share_of_training_that_as_coded_crops_lose(real_collection):
    """FIDELITY: 74 % of training views and 53 % of positives."""
    collection = real_collection
    targets = collection.targets[split_collection(collection).train]
    is_culture = collection.labels.is_culture
    numbers = np.stack([targets[:, is_culture].sum(1), targets[:, ~is_culture].sum(1)], axis=1)
    empty = written = coded = 0
    for (culture, tag), works in zip(*np.unique(numbers, axis=0, return_counts=True)):
        row = np.ones(culture + tag, bool)  # all works with so many labels of each kind
        kinds = view_kinds(bool(culture), bool(tag), train=True)
        of_culture = np.arange(culture + tag) < culture
        as_coded = view_targets(row, of_culture, kinds, train=True, crop_targets="as_coded")
        empty += works * (~as_coded.any(1)).sum()
        coded += works * as_coded.sum()
        written += works * view_targets(row, of_culture, kinds, train=True).sum()
    assert empty / (6 * len(targets)) == pytest.approx(0.74, abs=0.005)
    assert 1 - coded / written == pytest.approx(0.53, abs=0.005)


def test_any_folder_without_pictures(make_folder):
    works = [(f"w{row}", "70 9" if row % 2 else "9 4000") for row in range(40)] + [
        ("sixteen-letters.", "5")
    ]
    labels = [
        (70, "medium::oil"),
        (9, "tag::men"),
        (4000, "culture::x"),
        (5, "tag::y"),
        (6, "tag::z"),
    ]
    found = summarise(make_folder(works, labels))
    assert (found["rows"], found["labels"], found["culture"], found["tag"]) == (41, 5, 1, 4)
    assert found["counts"] == {
        "medium::oil": 20,
        "tag::men": 40,
        "culture::x": 20,
        "tag::y": 1,
        "tag::z": 0,
    }
    assert found["rare_labels"] == 2
    assert (found["kept_works"], found["kept_labels"]) == (40, 3)
    assert found["split"] == {"train": 32, "val": 4, "test": 4, "dropped": 1}
    assert found["ids_not_16_characters"] == 40
    assert found["mean_labels"] == round(81 / 41, 4)


def test_folder_too_small_to_split(make_folder):
    found = summarise(make_folder([("a", "3 5"), ("b", "5")]))
    assert found["split"] == {"train": None, "val": None, "test": None, "dropped": 2}
    assert found["counts"]["tag::men"] == 2
    assert "too few works" in format_summary(found)


def test_text_for_people(real_facts):
    text = format_summary(real_facts)
    for piece in ("109,237", "398 culture + 705 tag", "3.1731", "train 87,360", "19,970  tag::men"):
        assert piece in text
