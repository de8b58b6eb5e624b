"""The rule of models that write labels: what it predicts, how it is tuned, that it keeps."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles_paper import combined_views

from imet.decoding import (
    GAMMAS,
    PathRule,
    Paths,
    stop_paths,
    tune_path_rule,
)
from imet.metrics import fbeta
from imet.thresholds import TopK, rule_from_json

LABELS = 6


def draw(seed: int, works: int = 8, views: int = 3, steps: int = 4) -> Paths:
    rng = np.random.default_rng(seed)
    labels = np.array(
        [[rng.permutation(LABELS)[:steps] for _ in range(views)] for _ in range(works)]
    )
    return Paths(labels, rng.random(labels.shape), np.zeros((works, views, LABELS)))


def truth(seed: int, works: int = 8) -> np.ndarray:
    found = np.random.default_rng(seed + 1).random((works, LABELS)) < 0.4
    found[:, 0] = True
    return found


F = np.linspace(0.05, 0.3, LABELS)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from(["terminate", "mask"]),
    st.booleans(),
    st.sampled_from(["union", "vote"]),
)
def test_tuning_finds_the_best_of_every_width_and_gamma(seed, mode, keep_first, combine):
    paths, targets = {1: draw(seed), 3: draw(seed + 7)}, truth(seed)
    rule, tried = tune_path_rule(
        paths, targets, F, mode=mode, keep_first=keep_first, combine=combine
    )
    best = {}
    for beams, each in paths.items():
        values = [
            fbeta(
                combined_views(stop_paths(each, g, F, mode, keep_first=keep_first), combine),
                targets,
            )
            for g in GAMMAS
        ]
        best[beams] = max(values)
        assert tried[str(beams)]["f2"] == pytest.approx(max(values))
        assert tried[str(beams)]["gamma"] == GAMMAS[int(np.argmax(values))]
    assert rule.f_beta == pytest.approx(max(best.values()))
    assert rule.beams == (1 if best[1] >= best[3] else 3)  # ties go to the narrower search
    assert fbeta(rule.predict(paths[rule.beams]), targets) == pytest.approx(rule.f_beta)


def test_a_fixed_gamma_is_not_tuned():
    rule, tried = tune_path_rule({5: draw(0)}, truth(0), F, gamma=2.5)
    assert (rule.gamma, rule.beams, rule.at_edge) == (2.5, 5, False)
    assert list(tried) == ["5"]


def test_an_optimum_on_the_edge_is_flagged():
    paths = draw(0)
    everything = np.zeros((8, LABELS), bool)
    for work in range(8):
        everything[work, paths.labels[work].ravel()] = True
    rule, _ = tune_path_rule({1: paths}, everything, F)
    assert rule.gamma == GAMMAS[0]
    assert rule.at_edge


def test_only_the_last_gamma_is_the_upper_edge():
    """Label 0 is right and label 1 is wrong; a path of both is cut after label 0, or before it."""
    before, near, last = GAMMAS[-3:]
    f = 1e-5  # so that even the last γ lets a sure label pass
    for first, mean_of_both, best in (
        (1.0, (near + last) / 2 * f, last),
        ((near + last) / 2 * f, (before + near) / 2 * f, near),
    ):
        probabilities = np.array([[[first, mean_of_both**2 / first]]])
        rule, _ = tune_path_rule(
            {1: Paths(np.array([[[0, 1]]]), probabilities)},
            np.array([[True, False]]),
            np.array([f, f]),
        )
        assert (rule.gamma, rule.at_edge) == (best, best == last)


def test_one_path_a_work_needs_no_union():
    paths = draw(0)
    single = Paths(paths.labels[:, 0], paths.probabilities[:, 0], paths.scores[:, 0])
    rule = PathRule(gamma=1.0, proportions=tuple(F), combine="mean")
    assert np.array_equal(rule.predict(single), stop_paths(single, 1.0, F))


def test_a_rule_survives_json_and_scores_keep_their_own():
    rule = PathRule(gamma=1.5, proportions=tuple(F), beams=3, mode="mask", f_beta=0.25)
    assert rule_from_json(json.loads(json.dumps(rule.to_json()))) == rule
    count = TopK(3, f_beta=0.5)
    assert rule_from_json(json.loads(json.dumps(count.to_json()))) == count
    assert "3 beams" in rule.describe()
    assert "greedy" in PathRule(gamma=1.0, proportions=()).describe()


def test_a_rule_is_described_by_its_search_and_by_how_it_stops():
    rule = PathRule(gamma=2.5, proportions=(0.1,), beams=3, mode="mask", combine="vote")
    assert rule.describe() == "best of 3 beams, masked where P < 2.5·f, vote of the views"
    greedy = PathRule(gamma=2.5, proportions=(0.1,))
    assert greedy.describe() == "greedy paths, ending where P < 2.5·f, union of the views"


def test_a_rule_decides_by_the_paths_of_its_own_search():
    one, two = (Paths(np.array([[[label]]]), np.ones((1, 1, 1))) for label in (0, 1))
    said = SimpleNamespace(paths={"1": one, "2": two})
    rules = [PathRule(gamma=1.0, proportions=(0.1, 0.1), beams=beams) for beams in (1, 2)]
    assert [rule.decide(said).tolist() for rule in rules] == [[[True, False]], [[False, True]]]
