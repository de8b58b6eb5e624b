"""Label paths: the stopping rule, the views' union, γ."""

from __future__ import annotations

import csv
import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles_paper import combined_views, stopped_labels

from imet.data.split import split_collection
from imet.data.tables import read_collection
from imet.decoding import (
    PathRule,
    Paths,
    path_probability,
    path_threshold,
    steps_before_stop,
    stop_paths,
    tune_gamma,
)
from imet.metrics import fbeta

MODES = ["terminate", "terminate_after", "mask"]


def random_paths(seed: int, shape: tuple[int, ...], steps: int = 5, labels: int = 9) -> Paths:
    rng = np.random.default_rng(seed)
    order = rng.permuted(np.broadcast_to(np.arange(labels), (*shape, labels)), axis=-1)
    scores = rng.random((*shape, labels), dtype=np.float32)
    return Paths(order[..., :steps].copy(), rng.random((*shape, steps), dtype=np.float32), scores)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.floats(0, 5),
    st.sampled_from(MODES),
    st.booleans(),
    st.sampled_from([(1,), (4,), (2, 3)]),
)
def test_stop_equals_loops(seed, gamma, mode, keep_first, shape) -> None:
    paths = random_paths(seed, shape)
    f = np.random.default_rng(seed).uniform(0.01, 0.6, 9)
    predicted = stop_paths(paths, gamma, f, mode, keep_first)
    assert predicted.shape == (*shape, 9)
    for where in np.ndindex(shape):
        labels, p = paths.labels[where].tolist(), paths.probabilities[where].astype(float).tolist()
        expected = stopped_labels(labels, p, gamma, f, mode, keep_first)
        assert set(np.flatnonzero(predicted[where]).tolist()) == expected


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["terminate", "mask"]))
def test_a_larger_gamma_never_adds_a_label(seed, mode) -> None:
    paths, f = random_paths(seed, (5,)), np.full(9, 0.2)
    counts = [stop_paths(paths, gamma, f, mode) for gamma in (0, 0.5, 1, 2, 4, 10)]
    assert all((more | less == more).all() for more, less in itertools.pairwise(counts))
    assert counts[0].sum() == 5 * 5  # γ = 0 keeps every step
    assert counts[-1].sum() == 0  # a threshold of 2 keeps none


def test_first_label_survives_any_threshold_and_ends_the_path() -> None:
    paths = Paths(np.array([[4, 1, 0]]), np.array([[0.1, 0.9, 0.9]]), np.zeros((1, 6)))
    f = np.full(6, 0.5)
    assert np.flatnonzero(stop_paths(paths, 1.0, f, keep_first=True)).tolist() == [4]
    assert not stop_paths(paths, 1.0, f).any()
    assert np.flatnonzero(stop_paths(paths, 1.0, f, "terminate_after")).tolist() == [4]
    # masked, the geometric means .1, .3, .433 all fail
    assert np.flatnonzero(stop_paths(paths, 1.0, f, "mask", True)).tolist() == [4]
    assert np.flatnonzero(stop_paths(paths, 0.8, f, "mask", True)).tolist() == [0, 4]


def test_label_without_training_works_and_zero_probability() -> None:
    paths = Paths(np.array([[0, 1]]), np.array([[0.0, 0.5]]), np.zeros((1, 2)))
    assert steps_before_stop(paths, 2.5, np.array([0.0, 0.3])).tolist() == [
        [True, True]
    ]  # 0 < 0 is false
    assert steps_before_stop(paths, 2.5, np.array([0.3, 0.3])).tolist() == [[False, False]]


def test_path_probability_and_threshold_are_geometric_means() -> None:
    rng = np.random.default_rng(0)
    p = rng.random((3, 4))
    expected = [[np.prod(row[: t + 1]) ** (1 / (t + 1)) for t in range(4)] for row in p]
    np.testing.assert_allclose(path_probability(p), expected)
    labels, f = rng.integers(0, 7, (3, 4)), rng.random(7)
    np.testing.assert_allclose(path_threshold(labels, 2.5, f), path_probability(2.5 * f[labels]))
    tiny = np.full(400, 1e-30)
    np.testing.assert_allclose(path_probability(tiny), tiny)  # the plain product underflows


def test_threshold_from_the_real_training_counts(real_tables: Path) -> None:
    collection = read_collection(real_tables)
    split = split_collection(collection)
    targets = collection.targets[split.train][:, split.columns]
    f = targets.mean(0)
    men, women = (
        int(np.flatnonzero(collection.labels.ids[split.columns] == i)[0]) for i in (813, 1092)
    )
    with open(real_tables / "train.csv", newline="") as file:  # counted anew, row by row
        carried = [set(row["attribute_ids"].split()) for row in csv.DictReader(file)]
    counts = [sum(label in carried[row] for row in split.train) for label in ("813", "1092")]
    threshold = path_threshold(np.array([men, women]), 2.5, f)
    shares = 2.5 * np.array(counts) / 87360
    np.testing.assert_allclose(threshold, [shares[0], np.sqrt(shares[0] * shares[1])])


@pytest.mark.parametrize("how", ["union", "vote"])
def test_union_and_vote(how) -> None:
    paths, f = random_paths(0, (5, 6), labels=7), np.full(7, 0.4)
    predicted = stop_paths(paths, 1.0, f)
    found = PathRule(gamma=1.0, proportions=tuple(f), combine=how).predict(paths)
    for n in range(5):
        for k in range(7):
            least = 1 if how == "union" else 3
            assert found[n, k] == (predicted[n, :, k].sum() >= least)
    assert 0 < found.sum() < found.size


@pytest.mark.parametrize("how", ["union", "vote"])
@pytest.mark.parametrize("mode", MODES)
def test_tuned_gamma_is_the_best_of_the_grid(how, mode) -> None:
    paths, f = random_paths(0, (8, 6)), np.linspace(0.05, 0.5, 9)
    targets = np.random.default_rng(1).random((8, 9)) < 0.3
    gammas = np.linspace(0, 4, 17)

    gamma, values = tune_gamma(paths, f, targets, gammas, mode=mode, combine=how, keep_first=True)
    expected = [
        fbeta(combined_views(stop_paths(paths, g, f, mode, True), how), targets) for g in gammas
    ]
    np.testing.assert_allclose(values, expected)
    assert gamma == gammas[np.argmax(expected)]
    assert len(set(expected)) > 2  # γ matters here


def test_proportions_of_any_type_are_compared_in_double() -> None:
    paths, f = random_paths(3, (5,)), np.linspace(0.05, 0.5, 9, dtype=np.float32)
    assert np.array_equal(
        path_threshold(paths.labels, 1.3, f), path_threshold(paths.labels, 1.3, f.astype(float))
    )
    # a step's probability that equals its threshold in double passes; in single it may not
    exact = Paths(np.array([[0]]), 1.3 * np.float64(np.float32([0.1]))[None])
    assert steps_before_stop(exact, 1.3, np.float32([0.1])).tolist() == [[True]]


def test_a_probability_of_zero_stops_a_path_without_a_warning() -> None:
    paths = Paths(np.array([[0, 1]]), np.array([[0.5, 0.0]]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert steps_before_stop(paths, 1.0, np.array([0.1, 0.1])).tolist() == [[True, False]]


def test_unknown_mode_is_refused() -> None:
    modes = "^mode is one of terminate, terminate_after, mask; not 'halt'$"
    with pytest.raises(ValueError, match=modes):
        stop_paths(random_paths(0, (2,)), 1.0, np.ones(9), "halt")  # type: ignore[arg-type]
