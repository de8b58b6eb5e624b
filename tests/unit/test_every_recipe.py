"""Every recipe trains on a folder of other labels, labels pictures, and survives being killed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import draw_collection

from imet import evaluation, runs
from imet.config import recipe_names
from imet.decoding import stop_paths, tune_path_rule
from imet.predict import label_pictures
from imet.runs import Run, run

SHORT = {"epochs": 1, "most_beams": 2, "rnn_width": 16, "attention_width": 16}


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """Runs and features of this module: recipes share features as they do in the book."""
    folder = tmp_path_factory.mktemp("recipes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMET_HOME", str(folder))
        yield folder


def make(name: str, data: Path, **changes) -> Run:
    return run(name, "tiny", device="cpu", data=data, overrides=SHORT | changes)


@pytest.mark.parametrize("name", recipe_names())
def test_it_runs_on_other_labels_and_labels_pictures(name, small_collection):
    made = make(name, small_collection)
    for part in ("val", "test"):
        targets = getattr(made.parts, part).targets
        scores, predicted = made.scores(part), made.predicted(part)
        assert scores.shape == predicted.shape == targets.shape
        assert ((scores >= 0) & (scores <= 1)).all()
        hits = (predicted & targets).sum(1)
        f2 = 5 * hits / (4 * targets.sum(1) + predicted.sum(1))  # every work has labels
        assert made.metrics[part]["f2"]["value"] == pytest.approx(f2.mean())
    json.dumps(made.metrics, allow_nan=False)
    row = int(made.parts.test.rows[0])
    works = made.parts.collection
    (found,), _ = label_pictures([works.path(row)], made.folder, work_ids=[str(works.ids[row])])
    by_name = {label["name"]: label for label in found["labels"]}
    assert set(by_name) == set(made.parts.labels.names)
    scores = [by_name[name]["score"] for name in made.parts.labels.names]
    np.testing.assert_allclose(scores, made.scores("test")[0], atol=5e-3)


def test_recipes_share_the_features_they_read_alike(tmp_path, small_collection, monkeypatch):
    """One pass over the pictures serves all recipes with the same pictures and views."""
    monkeypatch.setenv("IMET_HOME", str(tmp_path))
    for name in ("resnet50", "resnet50_hog", "attn_cnn_rnn", "attn_cnn_rnn_hog"):
        make(name, small_collection)
    stores = [p for p in (tmp_path / "features").iterdir() if p.is_dir()]
    assert len(stores) == 3  # one per part


def test_gamma_and_beams_come_from_validation_and_f_from_training(small_collection):
    made = make("attn_cnn_rnn", small_collection)
    paths = {int(k): made.paths("val", k) for k in made.metrics["search"]}
    wanted, _ = tune_path_rule(paths, made.parts.val.targets, made.parts.train.targets.mean(0))
    assert made.rule == wanted


@pytest.mark.parametrize("combine", ["vote", "mean"])
def test_views_go_together_as_the_recipe_says(combine, small_collection):
    made = make("attn_cnn_rnn", small_collection, combine=combine)
    f, rule = made.parts.train.targets.mean(0), made.rule
    paths = made.paths("test", "mean" if combine == "mean" else rule.beams)
    views = stop_paths(paths, rule.gamma, f)
    wanted = views if combine == "mean" else 2 * views.sum(1) >= views.shape[1]
    assert views.ndim == (2 if combine == "mean" else 3)
    assert (made.predicted("test") == wanted).all()


def test_test_labels_decide_nothing(small_collection, monkeypatch):
    """With other labels on the test works the rules, epochs and weights stay what they were."""
    real = runs.load_parts

    def scrambled(*args, **kwargs):
        parts = real(*args, **kwargs)
        targets = parts.collection.targets.copy()
        targets[parts.test.rows] ^= True
        collection = dataclasses.replace(parts.collection, targets=targets)
        return dataclasses.replace(
            parts, collection=collection,
            **{n: dataclasses.replace(getattr(parts, n), collection=collection)
               for n in ("train", "val", "test")},
        )  # fmt: skip

    for name in ("resnet50", "attn_cnn_rnn"):
        plain = make(name, small_collection)
        with monkeypatch.context() as patch:
            patch.setattr(runs, "load_parts", scrambled)
            other = make(name, small_collection)
        assert other.rule == plain.rule
        assert other.history == plain.history
        assert other.metrics["test"]["f2"] != plain.metrics["test"]["f2"]


class Killed(KeyboardInterrupt):
    pass


@pytest.mark.parametrize("at", [2, 3])
def test_a_killed_rnn_ends_in_the_same_numbers(at, home, small_collection, monkeypatch):
    """Killed in the validation of the second epoch, or when the rule is tuned."""
    whole = make("attn_cnn_rnn", small_collection, epochs=2)
    real, calls = evaluation.tune_path_rule, []

    def dying(*args, **kwargs):
        calls.append(1)
        if len(calls) == at:
            raise Killed
        return real(*args, **kwargs)

    monkeypatch.setenv("IMET_HOME", str(home / f"killed{at}"))
    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "tune_path_rule", dying)
        with pytest.raises(Killed):
            make("attn_cnn_rnn", small_collection, epochs=2)
    resumed = make("attn_cnn_rnn", small_collection, epochs=2)
    assert resumed.history == whole.history
    left_out = ("seconds", "provenance")
    for a, b in [(resumed.metrics, whole.metrics)]:
        assert {k: v for k, v in a.items() if k not in left_out} == {
            k: v for k, v in b.items() if k not in left_out
        }
    assert np.array_equal(resumed.scores("test"), whole.scores("test"))


@pytest.fixture(scope="module")
def four_labels(tmp_path_factory) -> Path:
    """Fewer labels than the RNN has steps."""
    folder = draw_collection(tmp_path_factory.mktemp("few") / "few", 30)
    rows = [f"w{i},{7 + 10 * (i % 2)} {27 + 10 * (i % 2)}\n" for i in range(30)]
    (folder / "train.csv").write_text("id,attribute_ids\n" + "".join(rows))
    return folder


@pytest.mark.parametrize("order", ["free", "frequent_first", "rare_first"])
def test_fewer_labels_than_steps(order, four_labels):
    made = make("attn_cnn_rnn", four_labels, label_order=order, stored="")
    assert made.metrics["labels"] == 4
    assert made.predicted("test").any()
