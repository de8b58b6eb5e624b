"""Pairs of labels: counts and lifts by the definition, and nothing where a kind is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imet.data.tables import Collection
from imet.labels import LabelSpace
from imet.report.collection_statistics import frequent_pairs

NAMES = ("culture::a", "culture::b", "tag::x", "tag::y", "tag::z")


def collection(targets: np.ndarray, names: tuple[str, ...] = NAMES) -> Collection:
    ids = np.array([f"w{i}" for i in range(len(targets))])
    return Collection(Path(), ids, LabelSpace(np.arange(len(names)), names), targets)


def test_pairs_are_counted_as_the_definition_says():
    targets = np.random.default_rng(0).random((200, 5)) < [0.5, 0.3, 0.4, 0.2, 0.0]
    found = frequent_pairs(collection(targets))
    assert [p[2] for p in found] == sorted((p[2] for p in found), reverse=True)
    assert len(found) == 4  # z is never used
    for culture, tag, works, lift in found:
        a, b = targets[:, NAMES.index(culture)], targets[:, NAMES.index(tag)]
        assert works == (a & b).sum()
        assert lift == pytest.approx((a & b).mean() / a.mean() / b.mean(), abs=0.001)
    assert frequent_pairs(collection(targets), most=1) == found[:1]


def test_a_collection_of_one_kind_has_no_pairs():
    assert frequent_pairs(collection(np.ones((3, 2), bool), NAMES[:2])) == []
