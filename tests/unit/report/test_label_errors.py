"""Confident learning against the rule written with loops, and on planted errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from imet.report.label_errors import confident_errors, detection_scores


def slow(scores, annotated):
    """Northcutt et al. 2021, Eqs. 1 and 2, for one label with the classes 1 and 0."""
    given = [i for i, a in enumerate(annotated) if a]
    left_out = [i for i, a in enumerate(annotated) if not a]
    if not given or not left_out:
        return [False] * len(scores)
    threshold = {
        1: sum(scores[i] for i in given) / len(given),
        0: sum(1 - scores[i] for i in left_out) / len(left_out),
    }
    found = []
    for score, label in zip(scores, annotated):
        probability = {1: score, 0: 1 - score}
        reached = [c for c in (0, 1) if probability[c] >= threshold[c] - 1e-12]
        likely = max(reached, key=lambda c: (probability[c], -c)) if reached else int(label)
        found.append(likely != int(label))
    return found


scores = arrays(np.float64, (9, 2), elements=st.floats(0, 1, width=16))
labels = arrays(bool, (9, 2))


@settings(deadline=None)
@given(scores, labels)
def test_it_is_the_rule_of_the_paper(scores, annotated):
    found = confident_errors(scores, annotated)
    for k in range(2):
        wanted = slow(scores[:, k].tolist(), annotated[:, k].tolist())
        near = np.zeros(9, bool)  # ties of a threshold with a score may fall either way
        for side in (annotated[:, k], ~annotated[:, k]):
            if side.any():
                p = scores[:, k] if side is annotated[:, k] else 1 - scores[:, k]
                near |= np.isclose(p, p[side].mean(), atol=1e-9)
        own = annotated[:, k]
        if own.any():
            near |= np.isclose(scores[:, k], scores[own, k].mean(), atol=1e-9)
        if (~own).any():
            near |= np.isclose(1 - scores[:, k], (1 - scores[~own, k]).mean(), atol=1e-9)
        near |= np.isclose(scores[:, k], 0.5)
        assert (found.suspicious[:, k] == wanted)[~near].all()
    np.testing.assert_allclose(found.doubt, np.where(annotated, 1 - scores, scores))


def test_planted_errors_are_found():
    rng = np.random.default_rng(0)
    truth = rng.random((400, 5)) < 0.3
    annotated = truth ^ (rng.random(truth.shape) < 0.05)
    scores = np.clip(np.where(truth, 0.85, 0.1) + rng.normal(0, 0.08, truth.shape), 0, 1)
    found = detection_scores(confident_errors(scores, annotated).suspicious, truth != annotated)
    assert found["precision"] > 0.95
    assert found["recall"] > 0.45  # half of the scores on the other side reach its mean


def test_counts_and_empty_cases():
    none = np.zeros((3, 2), bool)
    assert detection_scores(none, none)["precision"] == 0
    found = detection_scores(np.array([True, True, False]), np.array([True, False, True]))
    assert found == {"precision": 0.5, "recall": 0.5, "suspects": 2, "errors": 2, "hits": 1}
    assert not confident_errors(np.ones((3, 1)), np.ones((3, 1), bool)).suspicious.any()
    with pytest.raises(ValueError, match="N, K"):
        confident_errors(np.ones(3), np.ones(3, bool))
