"""Intervals against their definitions, scipy's versions, and their promised coverage."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
import scipy.stats
from hypothesis import example, given
from hypothesis import strategies as st

from imet import metrics, statistics


def skewed(works=400, seed=0):
    return np.random.default_rng(seed).beta(0.5, 2, works)


# --- bootstrap over works ------------------------------------------------------------------------


def bootstrap_interval(values, **settings):
    return statistics.mean_interval(values, **settings)[1:]


def test_the_interval_equals_a_plain_loops():
    values = skewed(7)
    draws = np.random.default_rng(5).integers(0, 7, (200, 7))
    means = oracles.resampled_means(values, draws)
    expected = np.quantile(means, [0.025, 0.975])
    assert bootstrap_interval(values, n=200, seed=5) == pytest.approx(expected)


def test_interval_depends_on_the_seed_and_not_on_chunks(monkeypatch):
    values = skewed(101)
    first = bootstrap_interval(values, n=500, seed=3)
    assert first == bootstrap_interval(values, n=500, seed=3)
    assert first != bootstrap_interval(values, n=500, seed=4)
    monkeypatch.setattr(statistics, "CHUNK_DRAWS", 333)
    assert first == bootstrap_interval(values, n=500, seed=3)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(11)
    inside = 0
    for seed in range(300):
        low, high = bootstrap_interval(rng.beta(0.5, 2, 80), n=300, seed=seed)
        inside += low <= 0.2 <= high
    assert 0.88 <= inside / 300 <= 0.98


# --- families of comparisons ----------------------------------------------------------------------


def test_simultaneous_intervals_equal_a_plain_loops():
    values = np.stack([skewed(9, seed) - skewed(9, seed + 9) for seed in range(3)])
    draws = np.random.default_rng(4).multinomial(9, [1 / 9] * 9, 300)
    means, errors = values.mean(1), [scipy.stats.sem(row) for row in values]
    largest = []
    for counts in draws:
        resampled = [np.repeat(row, counts).mean() for row in values]
        largest.append(
            max(abs(r - m) / e for r, m, e in zip(resampled, means, errors, strict=True))
        )
    reach = np.quantile(largest, 0.95)
    intervals = statistics.simultaneous_intervals(values, n=300, seed=4)
    for interval, mean, error in zip(intervals, means, errors, strict=True):
        assert interval == pytest.approx((mean, mean - reach * error, mean + reach * error))


def test_a_family_without_effects_rarely_shows_one_and_single_intervals_often_do():
    rng = np.random.default_rng(6)
    family, single = 0, 0
    for seed in range(120):
        values = rng.normal(0, 1, (12, 60))
        family += any(i.low > 0 or i.high < 0 for i in statistics.simultaneous_intervals(values))
        alone = [statistics.mean_interval(row, n=300, seed=seed) for row in values]
        single += any(i.low > 0 or i.high < 0 for i in alone)
    assert family / 120 < 0.15 < 0.3 < single / 120


def test_a_difference_without_spread_is_certain():
    values = np.stack([np.zeros(20), skewed(20)])
    assert statistics.simultaneous_intervals(values)[0] == (0, 0, 0)


@pytest.mark.parametrize("values", [np.zeros(5), np.zeros((2, 1)), np.full((2, 4), np.nan)])
def test_simultaneous_intervals_refuse_what_is_no_family(values):
    with pytest.raises(ValueError, match="differences"):
        statistics.simultaneous_intervals(values)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9))
@example([0.0, 0.0])
@example([1.0, 1.0, 1.0])
def test_interval_lies_within_the_values(values):
    value, low, high = statistics.mean_interval(np.array(values), n=50)
    assert min(values) - 1e-12 <= low <= high + 1e-12 <= max(values) + 2e-12
    assert value == pytest.approx(np.mean(values))


def test_pairs_are_far_sharper_than_two_intervals():
    hard = skewed()
    a = np.clip(hard + 0.02, 0, 1)
    value, low, high = statistics.paired_difference(a, hard)
    assert 0 < low <= value <= high
    assert value == pytest.approx(np.mean(a - hard))
    mirrored = statistics.paired_difference(hard, a)
    np.testing.assert_allclose(mirrored, [-value, -high, -low], atol=1e-12)
    alone_low, alone_high = bootstrap_interval(a)
    assert high - low < (alone_high - alone_low) / 5


def test_statistic_of_works_resamples_rows_together():
    rng = np.random.default_rng(0)
    targets = rng.random((120, 3)) < 0.3
    scores = targets + rng.normal(0, 1, targets.shape)

    def macro(scores, targets):
        return metrics.mean_auc(metrics.roc_auc_per_class(scores, targets)).value

    value, low, high = statistics.bootstrap_statistic(macro, scores, targets, n=100, seed=1)
    assert value == macro(scores, targets)
    assert 0.5 < low < value < high < 1
    # Averaging rows is the plain bootstrap of the mean, draw by draw.
    values = skewed(50)
    same = statistics.bootstrap_statistic(np.mean, values, n=80, seed=9)
    assert same[1:] == pytest.approx(bootstrap_interval(values, n=80, seed=9))


def test_statistic_that_is_missing_on_some_resamples():
    scores, targets = np.array([0.1, 0.9, 0.4])[:, None], np.array([[False], [True], [False]])
    interval = statistics.bootstrap_statistic(metrics.micro_auc, scores, targets, n=60)
    assert interval == (1.0, 1.0, 1.0)
    nothing = statistics.bootstrap_statistic(metrics.micro_auc, scores, targets & False, n=5)
    assert np.isnan(nothing).all()


@pytest.mark.parametrize("values", [[0.5], [0.5, np.nan], [[0.1, 0.2]]])
def test_works_without_an_interval_are_refused(values):
    with pytest.raises(ValueError, match="finite value per work"):
        bootstrap_interval(np.array(values))


def test_other_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="same works"):
        statistics.paired_difference(np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match="same works"):
        statistics.bootstrap_statistic(np.mean, np.zeros(3), np.zeros(4))


# --- one AUC -------------------------------------------------------------------------------------

AREAS = st.floats(0, 1)
COUNTS = st.integers(1, 400)


@given(AREAS, COUNTS, COUNTS)
def test_standard_error_is_hanley_and_mcneils(auc, positives, negatives):
    ours = statistics.auc_standard_error(auc, positives, negatives)
    slow = oracles.hanley_mcneil_error(auc, positives, negatives)
    assert ours == pytest.approx(slow, abs=1e-9)


def test_standard_error_of_the_papers_own_example():
    # Hanley and McNeil 1982, Table II: area .893, 51 abnormal and 58 normal images, SE .032.
    assert statistics.auc_standard_error(0.893, 51, 58) == pytest.approx(0.032, abs=1e-3)


@given(AREAS, COUNTS, COUNTS)
@example(0.0, 3, 10_917)
@example(1.0, 3, 10_917)
def test_interval_holds_exactly_what_is_not_surprising(auc, positives, negatives):
    value, low, high = statistics.auc_interval(auc, positives, negatives)
    assert 0 <= low <= value <= high <= 1
    for trial in np.linspace(0, 1, 41):
        surprise = abs(auc - trial) - 1.959963985 * oracles.hanley_mcneil_error(
            trial, positives, negatives
        )
        if abs(surprise) > 1e-6:
            assert (low <= trial <= high) == (surprise < 0)


def test_three_positives_say_next_to_nothing():
    """Classes 841 and 67 of the paper's Figure 3: about ±.34 on their AUC."""
    reach = [
        max(high - auc, auc - low)
        for auc in np.linspace(0.5, 1, 26)
        for _, low, high in [statistics.auc_interval(auc, 3, 10_917)]
    ]
    assert max(1.96 * statistics.auc_standard_error(np.linspace(0, 1, 101), 3, 10_917)) == (
        pytest.approx(0.34, abs=0.005)
    )
    value, low, _ = statistics.auc_interval(0.95, 3, 10_917)
    assert value - low == pytest.approx(0.34, abs=0.005)
    assert 0.30 < max(reach) < 0.36
    wide = statistics.auc_interval(0.95, 2_000, 8_920)
    assert wide.high - wide.low < 0.02


def test_interval_covers_a_known_auc():
    rng = np.random.default_rng(2)
    truth = scipy.stats.norm.cdf(1.5 / np.sqrt(2))
    inside = 0
    for _ in range(400):
        scores = np.concatenate([rng.normal(1.5, 1, 6), rng.normal(0, 1, 200)])[:, None]
        auc = metrics.micro_auc(scores, np.arange(206)[:, None] < 6)
        _, low, high = statistics.auc_interval(auc, 6, 200)
        inside += low <= truth <= high
    assert inside / 400 >= 0.93  # cautious: Hanley and McNeil's error is too large here


def test_missing_auc_has_a_missing_interval_and_nonsense_is_refused():
    assert np.isnan(statistics.auc_interval(float("nan"), 0, 9)).all()
    for wrong in [(0.5, 0, 9), (0.5, 9, 0), (1.5, 3, 9)]:
        with pytest.raises(ValueError, match="AUC lies"):
            statistics.auc_interval(*wrong)


# --- proportions and ranks -----------------------------------------------------------------------


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipys(pair):
    value, low, high = statistics.wilson_interval(*pair)
    theirs = scipy.stats.binomtest(*pair).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert 0 <= low <= value <= high <= 1


@pytest.mark.parametrize("pair", [(0, 10), (3, 11), (10, 10)])
def test_wilson_is_its_definition(pair):
    found = oracles.wilson_by_search(*pair, z=1.959963985)
    assert statistics.wilson_interval(*pair)[1:] == pytest.approx(found, abs=2e-5)


def test_wilson_wants_possible_counts():
    for wrong in [(0, 0), (5, 4), (-1, 4)]:
        with pytest.raises(ValueError, match=r"must be|must not"):
            statistics.wilson_interval(*wrong)


def test_spearman_shares_ranks_and_admits_ignorance():
    a, b = np.array([1, 2, 2, 3]), np.array([4, 5, 6, 6])
    ranks = scipy.stats.rankdata(a), scipy.stats.rankdata(b)
    assert statistics.spearman(a, b) == pytest.approx(np.corrcoef(*ranks)[0, 1])
    assert np.isnan(statistics.spearman(a, np.ones(4)))
    with pytest.raises(ValueError, match=r"must match|same"):
        statistics.spearman(a, b[:2])
