"""Out-of-fold scores never come from a model that saw the work."""

from __future__ import annotations

import numpy as np
import pytest

from imet.report.label_errors import out_of_fold_scores


def test_learnable_labels_are_learnt():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    y = x[:, :2] > 0
    scores = out_of_fold_scores(x, y, epochs=30, learning_rate=0.03)
    assert ((scores > 0.5) == y).mean() > 0.93


def test_a_work_s_own_label_does_not_reach_its_score():
    """Random labels cannot be known out of sample, however long one trains."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(120, 60)), rng.random((120, 3)) < 0.5
    scores = out_of_fold_scores(x, y, epochs=60, learning_rate=0.02)
    assert abs(((scores > 0.5) == y).mean() - 0.5) < 0.12
    one = y.copy()
    one[7] = ~one[7]
    changed = out_of_fold_scores(x, one, epochs=2) != out_of_fold_scores(x, y, epochs=2)
    assert not changed[7].any()
    assert changed.any()


def test_the_seed_decides_and_bad_folds_are_refused():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(30, 3)), rng.random((30, 2)) < 0.4
    np.testing.assert_array_equal(
        out_of_fold_scores(x, y, epochs=1), out_of_fold_scores(x, y, epochs=1)
    )
    for folds in (1, 31):
        with pytest.raises(ValueError, match="folds"):
            out_of_fold_scores(x, y, folds=folds)
