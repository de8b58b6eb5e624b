"""Decision rules against loops, their tuning against trying everything, and their JSON."""

from __future__ import annotations

import json

import numpy as np
import oracles
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from imet import metrics
from imet import thresholds as th
from imet.evaluation import Outputs
from imet.io import InputError

TIED = st.sampled_from([0.0, 0.05, 0.1, 0.25, 0.3, 0.5, 0.7, 1.0])


@st.composite
def works(draw):
    """Scores with ties, targets, kinds of labels, and training proportions with zeros."""
    n, k = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    scores = draw(hnp.arrays(np.float64, (n, k), elements=TIED)).astype(dtype)
    targets = draw(hnp.arrays(bool, (n, k)))
    is_culture = draw(hnp.arrays(bool, k))
    proportions = draw(hnp.arrays(float, k, elements=st.sampled_from([0, 0.01, 0.1, 0.5])))
    return scores, targets, is_culture, proportions


ALL_RIGHT = (np.ones((1, 1)), np.ones((1, 1), bool), np.ones(1, bool), np.ones(1))
NOTHING = (np.zeros((2, 3)), np.zeros((2, 3), bool), np.zeros(3, bool), np.zeros(3))


def synthetic(seed=0, n=200, k=30):
    rng = np.random.default_rng(seed)
    rate = 0.4 / np.arange(1, k + 1)
    targets = rng.random((n, k)) < rate
    logits = np.log(rate / (1 - rate)) + rng.normal(0, 1, (n, k)) + 2 * targets
    scores = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return scores, targets, np.arange(k) % 3 == 0, rate


# --- deciding ------------------------------------------------------------------------------------


@given(works(), TIED, TIED, st.sampled_from([0, 0.05, 1]), st.integers(0, 6))
@example(ALL_RIGHT, 1.0, 1.0, 1, 1)
@example(NOTHING, 0.0, 0.5, 1, 2)
def test_decisions_equal_the_loops(drawn, first, second, power, count):
    scores, _, is_culture, proportions = drawn
    kinds, shares = tuple(is_culture.tolist()), tuple(proportions.tolist())
    by_label = [first if c else second for c in kinds]
    for rule, slow in [
        (th.GlobalThreshold(first), oracles.decide(scores, first)),
        (th.PerKindThreshold(first, second, kinds), oracles.decide_per_label(scores, by_label)),
        (
            th.ProportionalThreshold(first, shares, power),
            oracles.decide_proportional(scores, first, shares, power),
        ),
        (th.RelativeToMax(first), oracles.decide_max_fraction(scores, first)),
        (th.TopK(count), oracles.decide_count(scores, count)),
    ]:
        predicted = rule.predict(scores)
        assert predicted.dtype == bool
        np.testing.assert_array_equal(predicted, slow, err_msg=rule.describe())


def test_low_precision_scores_meet_thresholds_in_double():
    scores = np.array([[0.7, 0.3]], np.float32)  # .69999999 and .30000001
    assert th.GlobalThreshold(0.7).predict(scores).tolist() == [[False, False]]
    assert th.PerKindThreshold(0.7, 0.3, (True, False)).predict(scores).tolist() == [[False, True]]


@pytest.mark.parametrize(
    "rule",
    [
        th.GlobalThreshold(0.5),
        th.PerKindThreshold(0.5, 0.4, (True, False)),
        th.ProportionalThreshold(2.0, (0.1, 0.2)),
        th.RelativeToMax(0.5),
        th.TopK(1),
    ],
)
def test_scores_that_are_no_probabilities_are_refused(rule):
    for wrong in (np.array([[np.nan, 0.1]]), np.array([[-1.0, 3.0]]), np.array([[0.0, 1.5]])):
        with pytest.raises(ValueError, match="probabilities"):
            rule.predict(wrong)
    with pytest.raises(ValueError, match="need"):
        rule.predict(np.array([0.5, 0.1]))


def test_rules_that_know_the_labels_refuse_other_label_counts():
    scores = np.full((1, 3), 0.5)
    for rule in (th.PerKindThreshold(0.1, 0.1, (True,)), th.ProportionalThreshold(1, (0.5,) * 2)):
        with pytest.raises(ValueError, match="need"):
            rule.predict(scores)


# --- tuning --------------------------------------------------------------------------------------


def value_of(rule, scores, targets):
    return oracles.sample_fbeta(rule.predict(scores), targets)


@settings(max_examples=40)
@given(works())
@example(ALL_RIGHT)
@example(NOTHING)
def test_tuned_rules_are_the_best_of_their_kind(drawn):
    scores, targets, is_culture, shares = drawn
    kinds, given_shares = tuple(is_culture.tolist()), tuple(shares.tolist())
    grid = np.arange(0, 6) / 5
    rules = th.tune_all(scores, targets, is_culture, shares, grid)

    distinct = {float(s) for s in scores.ravel()} | {1.1}
    ratios = {float(s) / f for row in scores for s, f in zip(row, shares) if f > 0} | {0.0, 1e9}
    parts = {float(s) / float(max(row)) for row in scores for s in row if max(row) > 0} | {0.0, 1.1}
    rivals = {
        "grid": [th.GlobalThreshold(t) for t in grid],
        "exact": [th.GlobalThreshold(t) for t in distinct],
        "per_type": [th.PerKindThreshold(a, b, kinds) for a in grid for b in grid],
        "proportional": [th.ProportionalThreshold(g, given_shares) for g in ratios],
        "max_fraction": [th.RelativeToMax(p) for p in parts],
        "count": [th.TopK(c) for c in range(1, scores.shape[1] + 1)],
    }
    assert rivals.keys() == rules.keys()
    for name, rule in rules.items():
        best = max(value_of(rival, scores, targets) for rival in rivals[name])
        assert rule.f_beta == pytest.approx(best), name
        assert value_of(rule, scores, targets) == pytest.approx(best), name


def test_more_freedom_is_never_worse_where_tuned():
    scores, targets, is_culture, rate = synthetic()
    rules = th.tune_all(scores, targets, is_culture, rate)
    value = {name: rule.f_beta for name, rule in rules.items()}
    assert value["exact"] >= value["grid"]
    assert value["per_type"] >= value["grid"]
    for name, rule in rules.items():
        scored = metrics.fbeta(rule.predict(scores), targets)
        assert scored == pytest.approx(value[name], abs=1e-12)
        assert not rule.at_edge


def test_power_zero_is_the_global_threshold():
    scores, targets, _, rate = synthetic()
    flat = th.tune_proportional(scores, targets, rate, power=0)
    assert flat.gamma == th.tune_exact(scores, targets).threshold
    gentle = th.tune_proportional(scores, targets, rate, power=0.05)
    assert gentle.describe().startswith(f"score ≥ {gentle.gamma:.4g}·f^0.05")


def test_optimum_at_the_edge_is_flagged():
    scores, targets, is_culture, _ = synthetic()
    inside = th.tune_grid(scores, targets)
    assert not inside.at_edge
    for grid in (
        np.arange(1, 6) / 100 * inside.threshold,
        inside.threshold + np.arange(1, 6) / 20,
    ):
        rule = th.tune_grid(scores, targets, grid)
        assert rule.at_edge
        assert rule.threshold in (grid[0], grid[-1])
        assert "edge" in rule.describe()
        assert th.tune_per_kind(scores, targets, is_culture, grid).at_edge
    assert th.tune_top_k(scores, targets, most=2).at_edge
    assert not th.tune_top_k(scores[:, :2], targets[:, :2], most=2).at_edge


def test_collections_of_one_kind_of_label_are_not_flagged():
    scores, targets, _, _ = synthetic()
    for is_culture in (np.ones(30, bool), np.zeros(30, bool)):
        rule = th.tune_per_kind(scores, targets, is_culture)
        assert not rule.at_edge
        assert rule.f_beta == pytest.approx(th.tune_grid(scores, targets).f_beta)


def test_ties_between_settings_go_to_fewer_labels():
    scores, targets = np.array([[0.9, 0.2]]), np.array([[True, False]])
    assert th.tune_grid(scores, targets).threshold == 0.5
    assert th.tune_exact(scores, targets).threshold == 0.9
    assert th.tune_relative_to_max(scores, targets).fraction == 1.0


def test_grids_are_the_documents():
    assert (len(th.POSTER_GRID), th.POSTER_GRID[0], th.POSTER_GRID[-1]) == (51, 0, 0.5)
    assert np.array_equal(th.threshold_grid(), np.arange(1, 50) / 100)
    assert np.array_equal(th.threshold_grid(1.0), np.arange(1, 100) / 100)


# --- JSON ----------------------------------------------------------------------------------------


def test_rules_survive_a_run_directory():
    scores, targets, is_culture, rate = synthetic()
    for rule in th.tune_all(scores, targets, is_culture, rate).values():
        text = json.dumps(rule.to_json(), allow_nan=False)
        again = th.rule_from_json(json.loads(text))
        assert again == rule
        assert again.describe() == rule.describe()
        np.testing.assert_array_equal(again.predict(scores), rule.predict(scores))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"rule": "oracle"}, "unknown decision rule 'oracle'; known are .*global, "),
        ({}, "unknown decision rule None"),
        ([], "unknown decision rule None"),
        ({"rule": "global", "treshold": 0.5}, "another version.*treshold"),
        ({"rule": "global"}, "another version.*missing"),
    ],
)
def test_broken_json_is_explained(value, message):
    with pytest.raises(InputError, match=message):
        th.rule_from_json(value)


def test_descriptions_name_the_numbers():
    assert (
        th.GlobalThreshold(0.12, f_beta=0.4567).describe() == "score ≥ 0.12; F2 0.457 where tuned"
    )
    assert "≥ 0.2 for culture" in th.PerKindThreshold(0.2, 0.1, (True,)).describe()
    assert "2.5·f," in th.ProportionalThreshold(2.5, (0.1,)).describe()
    assert "0.5 of the work's highest" in th.RelativeToMax(0.5).describe()
    assert th.TopK(3).describe().startswith("the 3 labels")


def test_a_description_ends_with_the_warning_of_an_edge():
    rule = th.GlobalThreshold(0.5, f_beta=0.25, at_edge=True)
    assert rule.describe() == (
        "score ≥ 0.5; F2 0.250 where tuned; the optimum is at the edge of the search"
    )


def test_thresholds_scale_with_the_proportion_itself_unless_told_otherwise():
    rng = np.random.default_rng(0)
    scores, targets = rng.random((30, 4)), rng.random((30, 4)) < 0.3
    f = np.array([0.5, 0.3, 0.1, 0.05])
    assert th.tune_proportional(scores, targets, f) == th.tune_proportional(scores, targets, f, 1.0)
    assert th.tune_proportional(scores, targets, f) != th.tune_proportional(scores, targets, f, 2.0)


@pytest.mark.parametrize("how", ["mean_scores", "mean_logits"])
@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_views_are_averaged_in_single_precision(how, dtype):
    logits = np.random.default_rng(0).normal(size=(4, 6, 5)).astype(dtype)
    average = th.average_views(logits, how)
    assert average.dtype == np.float32
    assert np.array_equal(average, th.average_views(logits.astype(np.float32), how))


def test_scores_are_divided_by_the_proportion_itself_unless_told_otherwise():
    scores, f = np.array([[0.2, 0.1]]), np.array([0.4, 0.05])
    assert np.array_equal(th.divide_by_prior(scores, f), th.divide_by_prior(scores, f, 1.0))
    assert not np.array_equal(th.divide_by_prior(scores, f), th.divide_by_prior(scores, f, 2.0))


def test_a_fixed_number_takes_ties_by_column_and_is_sought_up_to_fifty():
    scores = np.full((1, 60), 0.5, np.float32)
    assert np.flatnonzero(th.TopK(3).predict(scores)).tolist() == [0, 1, 2]
    assert th.tune_top_k(scores, np.ones((1, 60), bool)).count == 50
    first = np.arange(60)[None] < 3
    assert th.tune_top_k(scores, first).count == 3


def test_a_rule_decides_by_the_scores_among_the_outputs():
    scores = np.array([[0.9, 0.1]], np.float32)
    outputs = Outputs(scores, scores[:, None], {})
    assert th.GlobalThreshold(0.5).decide(outputs).tolist() == [[True, False]]


def test_views_are_averaged_as_scores_or_as_logits_and_in_no_other_way():
    logits = np.array([[[4.0, -1.0], [-2.0, 0.5]]], np.float32)  # (1, 2, 2)
    one_by_one = 1 / (1 + np.exp(-logits.astype(float)))
    np.testing.assert_allclose(
        th.average_views(logits, "mean_scores"), one_by_one.mean(1), rtol=1e-6
    )
    of_mean = 1 / (1 + np.exp(-logits.astype(float).mean(1)))
    np.testing.assert_allclose(th.average_views(logits, "mean_logits"), of_mean, rtol=1e-6)
    assert np.array_equal(th.average_views(logits), th.average_views(logits, "mean_scores"))
    with pytest.raises(ValueError, match="how is mean_scores or mean_logits, not 'median'"):
        th.average_views(logits, "median")
