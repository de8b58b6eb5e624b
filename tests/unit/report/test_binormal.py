"""F2 at a given AUC, and kinds of discrepancy."""

from __future__ import annotations

import numpy as np
import pytest

from imet.report.binormal import f2_at_auc
from imet.report.label_errors import error_groups


def test_the_auc_is_the_one_asked_for():
    for auc in (0.6, 0.8, 0.94):
        assert f2_at_auc(np.full(40, 0.2), auc, works=1500).auc == pytest.approx(auc, abs=0.01)


def test_rarer_labels_and_lower_aucs_mean_a_lower_f2():
    rare = [f2_at_auc(np.full(200, 0.01), auc).f2 for auc in (0.7, 0.9, 0.97)]
    common = [f2_at_auc(np.full(200, 0.2), auc).f2 for auc in (0.7, 0.9, 0.97)]
    assert rare == sorted(rare)
    assert common == sorted(common)
    assert all(a < b for a, b in zip(rare, common))


def test_the_poster_s_two_numbers_go_together_on_the_real_frequencies():
    from imet.io import REPO, read_json

    real = read_json(REPO / "results" / "imet2019.json")["values"]
    found = f2_at_auc(np.array(real["frequency"]) / real["works"], 0.94)
    assert 0.4 < found.f2 < 0.6


@pytest.mark.parametrize("bad", [(np.array([0.0]), 0.9), (np.array([0.5]), 1.0)])
def test_impossible_requests_are_refused(bad):
    with pytest.raises(ValueError, match="lie in"):
        f2_at_auc(*bad)


def test_kinds_of_discrepancy_cover_everything_once():
    cube = np.array(np.meshgrid([False, True], [False, True], [False, True])).reshape(3, 1, 8)
    predicted, annotated, truth = cube
    with_truth = error_groups(predicted, annotated, truth)
    without = error_groups(predicted, annotated)
    for found in (with_truth, without):
        total = sum(mask.astype(int) for mask in found.values())
        assert (total == (predicted | annotated)).all()
    right = with_truth["only the model, which is right"]
    assert (right == (predicted & ~annotated & truth)).all()
