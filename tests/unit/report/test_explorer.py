"""What the explorers of a page read: scores that survive packing, curves whose areas are known."""

from __future__ import annotations

import base64
import dataclasses
import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import fbeta_score

from imet import runs
from imet.inspection import Steps
from imet.labels import quartile_of
from imet.metrics import fbeta_per_work, roc_auc_per_class
from imet.report import explorer
from imet.report.explorer import (
    GRID,
    explorer_data,
    label_measures,
    packed,
    tune_quartiles,
    write_pictures,
)
from imet.report.pages import networks_of
from imet.runs import run
from imet.thresholds import tune_per_kind


@given(arrays(np.float32, (3, 4), elements=st.floats(0, 1, width=32)))
def test_packed_scores_are_the_scores(scores):
    read = np.frombuffer(base64.b64decode(packed(scores)), "<f4").reshape(3, 4)
    np.testing.assert_array_equal(read, scores)


@pytest.fixture(scope="module")
def trained(small_collection, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMET_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr(runs, "collection_folder", lambda *_: small_collection)
        yield {"baseline": run("resnet50", "tiny", device="cpu")}


def test_data_are_those_of_the_run(trained):
    data, first = explorer_data(trained), trained["baseline"]
    json.dumps(data, allow_nan=False)
    targets = first.parts.test.targets
    assert [sorted(row) for row in data["works"]["test"]] == [
        np.flatnonzero(row).tolist() for row in targets
    ]
    model = data["models"]["baseline"]
    decided = first.predicted("test")
    assert model["decided"] == [np.flatnonzero(row).tolist() for row in decided]
    auc = roc_auc_per_class(first.scores("test"), targets)
    for area, packed_area in zip(auc, model["auc"]):
        if np.isnan(area):
            assert packed_area is None
        else:
            assert packed_area[0] == pytest.approx(area, abs=1e-3)
            assert packed_area[1] <= packed_area[0] <= packed_area[2]
    assert not any("::" in name for name in data["labels"])


def test_tuned_thresholds_are_the_best_of_their_scope_on_validation_works(trained):
    run = trained["baseline"]
    tuned = explorer_data(trained)["models"]["baseline"]["tuned"]
    scores, targets = run.scores("val"), run.parts.val.targets
    quartile = quartile_of(run.parts.train.targets.sum(0))

    def f2(limits):
        return fbeta_per_work(scores >= limits, targets).mean()

    assert f2(tuned["all"]) >= max(f2(t) for t in GRID)
    is_culture = run.parts.labels.is_culture
    pair = f2(np.where(is_culture, *tuned["kinds"]))
    assert pair == pytest.approx(tune_per_kind(scores, targets, is_culture, GRID).f_beta)
    four = np.array(tuned["quartiles"][::-1])  # of quartiles 1 to 4
    best = f2(four[quartile - 1])
    for q, t in product(range(4), GRID):
        moved = np.where(np.arange(4) == q, t, four)
        assert f2(moved[quartile - 1]) <= best + 1e-12


def test_quartiles_are_tuned_each_for_its_labels():
    rng = np.random.default_rng(0)
    targets = rng.random((200, 4)) < 0.5
    limits = np.array([0.2, 0.4, 0.6, 0.8])  # above which a label is there
    scores = np.where(targets, limits + 0.03, limits - 0.03)
    found = tune_quartiles(scores, targets, np.array([1, 2, 3, 4]), 0.5)
    assert (np.abs(found - limits) <= 0.03).all()


def test_measures_of_labels_are_those_of_scikit_learn(trained):
    run = trained["baseline"]
    scores, decided, targets = run.scores("test"), run.predicted("test"), run.parts.test.targets
    rows = label_measures(scores, decided, targets)
    assert rows.shape == (targets.shape[1], 5)
    for k, (auc, low, high, f2, precision) in enumerate(rows):
        if 0 < targets[:, k].sum() < len(targets):
            assert low <= auc <= high
            assert f2 == pytest.approx(
                fbeta_score(targets[:, k], decided[:, k], beta=2, zero_division=0), abs=6e-4
            )
            has, score = targets[:, k], scores[:, k]
            above = [has[score >= s].mean() for s in score[has]]  # no ties, or shared
            assert precision == pytest.approx(np.mean(above), abs=6e-4)
        else:
            assert np.isnan([auc, low, high, f2, precision]).all()


def test_areas_are_those_of_the_works_that_a_page_carries(trained, monkeypatch):
    first = trained["baseline"]
    monkeypatch.setattr(explorer, "MOST_WORKS", 4)
    data = explorer_data(trained)
    assert len(data["works"]["test"]) == 4 < len(first.parts.test)
    auc = roc_auc_per_class(first.scores("test")[:4], first.parts.test.targets[:4])
    for area, packed_area in zip(auc, data["models"]["baseline"]["auc"], strict=True):
        assert (packed_area is None) == bool(np.isnan(area))
        assert packed_area is None or packed_area[0] == pytest.approx(area, abs=1e-3)


def test_maps_stand_in_the_order_in_which_labels_were_named(trained, tmp_path):
    part = trained["baseline"].parts.test
    kept = np.array([[[True, True, False]], [[False] * 3]])
    steps = Steps(
        labels=np.array([[[5, 2, 1]], [[5, 2, 1]]]),
        probabilities=np.full((2, 1, 3), 0.5),
        attention=np.array([[[[0.1, 0.2, 0.3, 0.4]] * 3]] * 2),
        kept=kept,
        spatial=np.zeros((2, 1, 4, 1)),
        totals=np.ones((2, 1, 3)),
    )
    shown = write_pictures(tmp_path, part, [0, 3], np.array([[0, 0, 9, 9]] * 2), steps)
    assert [label for label, _ in shown[0]["maps"]] == [5, 2]
    assert shown[0]["maps"][0][1] == [25, 50, 75, 100]
    assert shown[1]["maps"] == []
    assert (tmp_path / shown[1]["file"]).is_file()


def test_a_page_says_which_network_ran_under_a_documents_name(trained):
    first = trained["baseline"]
    assert networks_of([first]) == f"{first.recipe.backbone} in place of resnet50"
    own = dataclasses.replace(first, recipe=dataclasses.replace(first.recipe, backbone="resnet50"))
    assert networks_of([own]) == ""
