"""The label space, quartiles of frequency and the columns of the paper's Figure 3."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imet.data.split import split_collection
from imet.data.tables import read_collection
from imet.labels import LabelSpace, quartile_of
from imet.report.figure_3 import quartile_picks

COUNTS = st.lists(st.integers(0, 20), min_size=0, max_size=60).map(np.array)


@pytest.fixture
def space() -> LabelSpace:
    return LabelSpace(
        np.array([4, 0, 9, 7]),
        ("culture::japan", "tag::men", "tag::a::b", "ohne Art, 物"),
    )


def test_columns_are_found_by_name_and_by_id(space):
    for k, (number, name) in enumerate(zip(space.ids, space.names)):
        assert space.column(name) == k
        assert space.column(int(number)) == k
        assert space.column(number) == k  # a NumPy integer


def test_an_id_is_no_column(space):
    assert space.column(0) == 1
    with pytest.raises(KeyError):
        space.column(1)


def test_an_unknown_label_names_close_ones(space):
    with pytest.raises(KeyError, match=r"tag::japan.*close: culture::japan"):
        space.column("tag::japan")
    with pytest.raises(KeyError):
        space.column("")


def test_kinds_and_short_names(space):
    assert space.is_culture.tolist() == [True, False, False, False]
    assert space.kinds.tolist() == ["culture", "tag", "tag", ""]
    assert [space.short(k) for k in range(len(space))] == ["japan", "men", "a::b", "ohne Art, 物"]


def test_selected_labels_keep_the_order_asked_for(space):
    chosen = space.select(np.array([3, 0]))
    assert chosen.names == ("ohne Art, 物", "culture::japan")
    assert chosen.ids.tolist() == [7, 4]
    assert chosen.column(7) == 0
    assert len(space.select(np.array([], int))) == 0


@given(COUNTS)
def test_quartiles_are_even_and_ordered(counts):
    quartiles = quartile_of(counts)
    assert len(quartiles) == len(counts)
    if not len(counts):
        return
    assert set(quartiles) <= {1, 2, 3, 4}
    sizes = np.bincount(quartiles, minlength=5)[1:]
    assert sizes.max() - sizes.min() <= 1
    for higher in range(2, 5):
        upper, lower = counts[quartiles == higher], counts[quartiles < higher]
        assert not len(upper) or not len(lower) or upper.min() >= lower.max()


@given(COUNTS)
def test_of_equal_counts_the_first_column_ranks_higher(counts):
    quartiles = quartile_of(counts)
    for value in set(counts.tolist()):
        tied = quartiles[counts == value]
        assert (np.diff(tied) <= 0).all()


@given(COUNTS.filter(lambda counts: len(counts) >= 8))
def test_picks_are_distinct_and_descend(counts):
    picks = quartile_picks(counts)
    assert len(set(picks.tolist())) == 8
    assert (np.diff(counts[picks]) <= 0).all()


def test_picks_are_the_ranks_of_the_authors_notebook():
    descending = np.arange(1103)[::-1]
    assert quartile_picks(descending).tolist() == [0, 1, 275, 276, 550, 551, 825, 826]
    ascending = np.arange(1103)
    assert quartile_picks(ascending).tolist() == [
        1102 - k for k in (0, 1, 275, 276, 550, 551, 825, 826)
    ]


def test_picks_need_eight_labels():
    assert sorted(quartile_picks(np.arange(8)).tolist()) == list(range(8))
    with pytest.raises(ValueError, match="8 labels, got 7"):
        quartile_picks(np.arange(7))


def test_picks_of_the_real_table_are_the_documents_up_to_ties(real_tables: Path):
    """Ids 813 and 1092, 871 and 688, 447 and 696, 841 and 67 in the paper's Figure 3."""
    collection = read_collection(real_tables)
    split = split_collection(collection)
    counts = collection.targets[split.train].sum(0)  # over all 1,103 columns, 26 of them zero
    assert (counts == 0).sum() == 26
    picks = quartile_picks(counts)
    ids = collection.labels.ids
    assert ids[picks[:4]].tolist() == [813, 1092, 871, 688]
    named = {int(i): int(counts[collection.labels.column(int(i))]) for i in (447, 696, 841, 67)}
    assert named == {447: 45, 696: 45, 841: 16, 67: 16}
    assert counts[picks[4:]].tolist() == [45, 45, 16, 16]
    assert collection.labels.names[collection.labels.column(67)] == "culture::caucasian"
    # Over the 1,077 kept columns the third quartile would be picked otherwise.
    kept = split.columns[quartile_picks(counts[split.columns])]
    assert set(ids[kept[2:4]].tolist()) != {871, 688}
