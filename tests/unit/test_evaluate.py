"""Thresholds from validation only, measures with intervals, and the floor beside them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from imet.config import resolve
from imet.evaluation import Outputs, evaluate, metrics_with_intervals
from imet.metrics import fbeta
from imet.thresholds import threshold_grid


def made(seed: int = 0, works: int = 60, labels: int = 8):
    rng = np.random.default_rng(seed)
    targets = {p: rng.random((works, labels)) < 0.3 for p in ("train", "val", "test")}
    scores = {
        p: np.clip(0.25 * targets[p] + 0.3 * rng.random((works, labels)), 0, 1).astype(np.float32)
        for p in ("val", "test")
    }
    return scores, targets


def evaluate_scores(scores, targets, power=0.0):
    recipe = resolve("resnet50", "tiny", {"threshold_high": 0.5, "threshold_power": power})
    outputs = {part: Outputs(s, s[:, None]) for part, s in scores.items()}
    return evaluate(recipe, outputs, targets)


def test_the_grid_is_the_open_range():
    grid = threshold_grid(0.5, 0.01)
    assert grid.tolist() == [round(0.01 * k, 2) for k in range(1, 50)]
    assert threshold_grid(1.0, 0.25).tolist() == [0.25, 0.5, 0.75]
    assert threshold_grid(0.02, 0.01).tolist() == [0.01]


def test_the_threshold_is_the_best_on_validation_by_a_plain_loop():
    scores, targets = made()
    found = evaluate_scores(scores, targets)
    values = [fbeta(scores["val"] >= t, targets["val"]) for t in threshold_grid()]
    assert found["threshold"] == threshold_grid()[int(np.argmax(values))]
    assert found["val"]["f2"]["value"] == pytest.approx(max(values))
    assert found["exact_f2"] >= max(values) - 1e-12
    assert found["exact_f2"] == pytest.approx(
        fbeta(scores["val"] >= found["exact_threshold"], targets["val"])
    )


def test_the_test_split_decides_nothing():
    scores, targets = made()
    found = evaluate_scores(scores, targets)
    other = {**scores, "test": scores["test"][::-1].copy()}
    flipped = evaluate_scores(other, {**targets, "test": ~targets["test"]})
    same = ("threshold", "exact_threshold", "exact_f2", "floor_labels", "threshold_at_edge", "val")
    assert {k: found[k] for k in same} == {k: flipped[k] for k in same}
    assert found["test"] != flipped["test"]


@pytest.mark.parametrize(("scale", "edge"), [(1.0, False), (0.001, True), (20.0, True)])
def test_an_optimum_at_the_edge_is_said(scale, edge):
    scores, targets = made()
    scores = {p: np.minimum(s * scale, 1) for p, s in scores.items()}
    if scale > 1:
        scores = {p: np.where(targets[p], 0.999, 0.6).astype(np.float32) for p in scores}
    assert evaluate_scores(scores, targets)["threshold_at_edge"] is edge


def test_the_floor_is_the_most_frequent_training_labels():
    scores, targets = made()
    found = evaluate_scores(scores, targets)
    order = np.argsort(-targets["train"].sum(0), kind="stable")
    values = []
    for k in range(1, 9):
        predicted = np.zeros_like(targets["val"])
        predicted[:, order[:k]] = True
        values.append(fbeta(predicted, targets["val"]))
    assert found["floor_labels"] == int(np.argmax(values)) + 1
    assert found["val"]["floor"]["f2"]["value"] == pytest.approx(max(values))


def test_the_gain_over_the_floor_is_the_difference():
    scores, targets = made()
    for part in ("val", "test"):
        found = evaluate_scores(scores, targets)[part]
        gain = found["gain_over_floor"]
        assert gain["value"] == pytest.approx(found["f2"]["value"] - found["floor"]["f2"]["value"])
        assert gain["low"] < gain["value"] < gain["high"]
        predicted = scores[part] >= evaluate_scores(scores, targets)["threshold"]
        assert found["predicted_labels"] == pytest.approx(predicted.sum(1).mean())


def test_it_fits_json_whatever_the_labels():
    for case in range(4):
        scores, targets = made(case, works=5, labels=3)
        if case == 1:  # nothing to find
            targets = {p: np.zeros_like(t) for p, t in targets.items()}
        if case == 2:  # everything there
            targets = {p: np.ones_like(t) for p, t in targets.items()}
        if case == 3:  # one score for all
            scores = {p: np.full_like(s, 0.3) for p, s in scores.items()}
        found = evaluate_scores(scores, targets)
        assert json.loads(json.dumps(found, allow_nan=False)) == found
        if case in (1, 2):
            assert found["val"]["auc_macro"] is None
            assert found["val"]["auc_micro"] is None
            assert found["val"]["auc_classes"] == 0


def test_measures_of_a_perfect_prediction_are_one():
    targets = np.eye(4, dtype=bool)
    found = metrics_with_intervals(targets, targets)
    assert set(found) == {"f2", "f1", "precision", "recall"}
    assert all(m == {"value": 1.0, "low": 1.0, "high": 1.0} for m in found.values())


def test_a_power_scales_thresholds_with_the_labels_proportions():
    scores, targets = made()
    found = evaluate_scores(scores, targets, power=0.5)
    f = targets["train"].mean(0)
    best = max(
        fbeta(scores["val"] >= gamma * f**0.5, targets["val"])
        for gamma in np.unique(scores["val"] / np.maximum(f**0.5, 1e-12))
    )
    assert found["val"]["f2"]["value"] == pytest.approx(best)
