"""Shares of a difference against the average over all orders, one by one."""

from __future__ import annotations

from itertools import chain, combinations, permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imet.report import factorial, studies
from imet.report.factorial import PAPER, PAPER_AS_CODED, POSTER, POSTER_ON_SIX, Setting


def subsets(factors):
    return map(
        frozenset, chain.from_iterable(combinations(factors, n) for n in range(len(factors) + 1))
    )


@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_shares_are_means_over_all_orders_and_sum_to_the_difference(count, seed):
    factors = "abcd"[:count]
    rng = np.random.default_rng(seed)
    worth = {changed: rng.normal(size=3) for changed in subsets(factors)}
    values = factorial.shapley_values(worth)
    for factor in factors:
        gains = []
        for order in permutations(factors):
            before = frozenset(order[: order.index(factor)])
            gains.append(worth[before | {factor}] - worth[before])
        np.testing.assert_allclose(values[factor], np.mean(gains, axis=0), atol=1e-12)
    whole = worth[frozenset(factors)] - worth[frozenset()]
    np.testing.assert_allclose(sum(values.values()), whole, atol=1e-12)


@pytest.fixture
def works():
    """F2 that is a sum over the levels, and a focal loss that helps on the resized view alone."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.05, 50)
    gain = {"the resized view": 0.1, "judged on one": 0.02, "all labels": -0.01, "count": 0.03}
    cells = {}
    for levels in product(studies.TRAINED, studies.JUDGED, studies.LOSSES, studies.COLUMNS):
        both = {"the resized view", "focal"} <= set(levels)
        f2 = 0.4 + noise + sum(gain.get(level, 0) for level in levels) + 0.04 * both
        cells[", ".join(levels)] = dict.fromkeys(factorial.DECISIONS, f2)
        cells[", ".join(levels)] |= {"fixed number": f2 + 0.03, "score ≥ γ·f, no path": 0 * f2}
    return cells


def test_shares_of_known_effects(works):
    shares, whole = factorial.shares(works, PAPER, POSTER)
    assert {f: round(i.value, 6) for f, i in shares.items()} == {
        "trained": 0.12, "judged": 0.02, "loss": 0.02, "labels": -0.01
    }  # fmt: skip
    assert whole.value == pytest.approx(0.15)
    assert "labels" not in factorial.shares(works, PAPER_AS_CODED, POSTER)[0]


def test_mean_effects_are_over_all_cells(works):
    found = factorial.effects(works, "trained", "six as coded", ["the resized view"])
    assert found["the resized view"].value == pytest.approx(0.12)  # 0.1, and 0.04 in half of them
    found = factorial.effects(works, "decision", "one threshold", ["fixed number"])
    assert found["fixed number"].value == pytest.approx(0.03)


def test_both_documents_are_cells_of_the_recorded_study():
    for setting in (PAPER, PAPER_AS_CODED, POSTER, POSTER_ON_SIX):
        assert isinstance(setting, Setting)
        assert ", ".join(setting[:-1]) in studies.STUDIES["factorial"]
