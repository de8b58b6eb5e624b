"""Looking into finished runs: the same numbers as the run's own, work by work."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from imet import inspection
from imet.batches import Batches
from imet.config import resolve
from imet.data.parts import load_parts
from imet.metrics import fbeta
from imet.models.registry import build_encoder
from imet.report import comparisons, pages, reported, tables
from imet.report.figure_3 import figure_3_columns, quartile_picks
from imet.runs import Run, run

SMALL = {
    "epochs": 1, "most_beams": 2, "rnn_width": 16, "attention_width": 16, "learning_rate": 0.01
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("looking")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMET_HOME", str(folder))
        yield folder


def make(name: str, data: Path, **changes) -> Run:
    return run(name, "tiny", device="cpu", data=data, overrides=SMALL | changes)


@pytest.fixture(scope="module")
def rnn(small_collection):
    return make("attn_cnn_rnn", small_collection)


def test_steps_are_those_of_the_run_s_greedy_paths(rnn):
    works = [3, 0]
    steps = inspection.steps_of(rnn, rnn.parts.test, works, "cpu")
    paths = rnn.paths("test", 1)
    assert np.array_equal(steps.labels, paths.labels[works])
    np.testing.assert_allclose(steps.probabilities, paths.probabilities[works], atol=1e-5)
    np.testing.assert_allclose(steps.attention.sum(-1), 1, atol=1e-5)
    assert (steps.totals >= steps.probabilities - 1e-6).all()
    assert steps.spatial.shape[:3] == (2, 6, steps.attention.shape[-1])
    greedy = dataclasses.replace(rnn.rule, beams=1)
    predicted = np.zeros((2, rnn.metrics["labels"]), bool)
    for i, v, t in zip(*np.nonzero(steps.kept)):
        predicted[i, steps.labels[i, v, t]] = True
    chosen = type(paths)(paths.labels[works], paths.probabilities[works])
    assert np.array_equal(predicted, greedy.predict(chosen))


def test_features_are_those_that_heads_read(rnn):
    part = rnn.parts.val
    spatial = inspection.features_of(rnn.recipe, rnn.parts, part, "spatial", [2, 1], "cpu")
    pooled = inspection.features_of(rnn.recipe, rnn.parts, part, "pooled", None, "cpu")
    np.testing.assert_allclose(spatial.mean(2), pooled[[2, 1]], atol=2e-3)
    assert pooled.shape[:2] == (len(part), 6)
    one = dataclasses.replace(rnn.recipe, views="one")
    first = inspection.features_of(one, rnn.parts, part, "pooled", None, "cpu")
    assert np.array_equal(first[:, 0], pooled[:, 0])


def test_without_recurrence_no_label_says_anything_about_another(small_collection, rnn):
    labels = np.arange(4)
    forgetful = make("ablation", small_collection, recurrent=False)
    nothing = inspection.influence(forgetful, rnn.parts.test, [0, 1], labels, "cpu")
    assert np.abs(nothing).max() < 1e-7  # rows of a batch may be rounded otherwise
    assert inspection.influence(rnn, rnn.parts.test, [0, 1], labels, "cpu").shape == (4, 4)
    assert inspection.influence(rnn, rnn.parts.test, [0, 1], labels, "cpu").max() > 1e-5


def test_views_are_the_evaluation_s(rnn):
    picture, views, kinds = inspection.view_pictures(rnn, rnn.parts.test, 1)
    assert picture.shape == (50, 40, 3)
    assert views.shape == (6, 64, 64, 3)
    assert kinds == ["resize"] + ["crop"] * 5
    again = inspection.view_pictures(rnn, rnn.parts.test, 1)[1]
    assert np.array_equal(views, again)


def test_weights_without_those_of_hog(small_collection):
    plain = inspection.head_weights(make("resnet50", small_collection))
    with_hog = inspection.head_weights(make("resnet50_hog", small_collection))
    assert plain.shape == with_hog.shape
    assert plain.shape[0] == 10


def test_figure_3_follows_the_rule_and_keeps_to_labels_in_use(small_collection, tmp_path):
    recipe = resolve("resnet50", "tiny")
    parts = load_parts(small_collection, recipe)
    found, who = figure_3_columns(parts)
    assert found.tolist() == quartile_picks(parts.train.targets.sum(0)).tolist()
    assert who == "the rule"
    folder = shutil.copytree(small_collection, tmp_path / "rare")
    text = (folder / "labels.csv").read_text(encoding="utf-8")
    more = "".join(f"{1000 + i},never {i}\n" for i in range(30))  # so the rule picks unused ones
    (folder / "labels.csv").write_text(text + more, encoding="utf-8")
    parts = load_parts(folder, recipe)
    assert len(parts.labels) < len(parts.collection.labels)
    assert (figure_3_columns(parts)[0] < len(parts.labels)).all()


def test_figure_3_of_the_real_table_is_the_paper_s(real_tables):
    parts = load_parts(real_tables, resolve("resnet50", "kaggle"))
    found, who = figure_3_columns(parts)
    assert who == "the paper"
    assert parts.labels.ids[found].tolist() == [813, 1092, 871, 688, 447, 696, 841, 67]


def test_the_recovered_test_part_has_as_many_men_as_the_paper_s_figure_6(real_tables):
    """156 + 1,730 works: the authors' own counts confirm the split."""
    parts = load_parts(real_tables, resolve("resnet50", "kaggle"))
    counts = {row["key"]: int(row["value"]) for row in reported.reported_numbers()
              if row["key"].startswith("code.confusion.")}  # fmt: skip
    men = parts.test.targets[:, parts.labels.column("tag::men")].sum()
    assert men == counts["code.confusion.fn"] + counts["code.confusion.tp"]
    assert len(parts.test) == sum(counts.values())


def test_gains_and_tables_are_those_of_the_runs(small_collection, rnn):
    baseline = make("resnet50", small_collection)
    difference = comparisons.paired_gain(rnn, baseline)
    targets = rnn.parts.test.targets
    wanted = fbeta(rnn.predicted("test"), targets) - fbeta(baseline.predicted("test"), targets)
    assert difference.value == pytest.approx(wanted)
    assert comparisons.paired_gain(rnn, rnn).low == 0
    elsewhere = run("resnet50", "tiny", device="cpu", data=small_collection,
                    overrides={"epochs": 1, "split_seed": 5})  # fmt: skip
    with pytest.raises(ValueError, match="nothing to pair"):
        comparisons.paired_gain(rnn, elsewhere)
    rows = tables.table_rows(rnn)
    assert rows == {
        part: {m: rnn.metrics[part][m] for m in ("f2", "f1", "precision", "recall")}
        for part in ("val", "test")
    }
    table = tables.metrics_table({"a": rnn.metrics["test"], "floor": rnn.metrics["test"]["floor"]})
    assert table.loc["a", "F1"] == f"{rnn.metrics['test']['f1']['value']:.3f}"
    assert table.loc["floor", "labels per work"] == "–"


def test_a_study_compares_every_variant_with_the_first(small_collection, monkeypatch, rnn):
    from imet.report import studies

    monkeypatch.setattr(studies, "SEEDS", (0, 1))
    monkeypatch.setattr(studies, "run", lambda *a, **k: run(*a, **k | {"data": small_collection}))
    monkeypatch.setitem(
        studies.STUDIES,
        "short",
        {"whole": ("ablation", SMALL), "no memory": ("ablation", SMALL | {"recurrent": False})},
    )
    found, per_work = studies.study("short", "tiny", "cpu")
    assert list(found) == list(per_work) == ["whole", "no memory"]
    assert "difference" not in found["whole"]
    both = found["no memory"]["test"]["f2"]["value"] - found["whole"]["test"]["f2"]["value"]
    assert found["no memory"]["difference"]["value"] == pytest.approx(both)
    assert len(found["whole"]["val"]["f2"]["seeds"]) == 2
    own = found["no memory"]["rules"]["its own"]
    assert own["value"] == pytest.approx(found["no memory"]["test"]["f2"]["value"])
    assert own["difference"] == found["no memory"]["difference"]
    assert set(found["whole"]["rules"]) == {"its own", *comparisons.RULES.values()}


def test_f2_by_rule_tunes_on_validation_and_judges_test(rnn):
    found = comparisons.f2_by_rule(rnn)
    targets = {part: getattr(rnn.parts, part).targets for part in ("val", "test")}
    best = max(range(1, 51), key=lambda n: (fbeta(most(rnn.scores("val"), n), targets["val"]), -n))
    by_hand = fbeta(most(rnn.scores("test"), best), targets["test"])
    assert found["fixed number"].mean() == pytest.approx(by_hand)
    assert all(len(f2) == len(targets["test"]) for f2 in found.values())


def most(scores, n):
    """The n highest of every row, ties to the first."""
    rank = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1)
    return rank < n


def test_studies_keep_counts_and_rules_of_paths(small_collection, monkeypatch, rnn):
    from imet.report import studies

    monkeypatch.setattr(studies, "SEEDS", (0,))
    monkeypatch.setattr(studies, "run", lambda *a, **k: run(*a, **k | {"data": small_collection}))
    monkeypatch.setitem(studies.STUDIES, "short", {"whole": ("ablation", SMALL)})
    found = studies.study("short", "tiny", "cpu")[0]["whole"]
    made = run("ablation", "tiny", seed=0, device="cpu", data=small_collection, overrides=SMALL)
    assert found["gamma"] == [made.metrics["gamma"]]
    count = made.predicted("test").sum(1).mean()
    assert found["test"]["predicted_labels"]["value"] == pytest.approx(count)


def test_recorded_variants_of_other_code_say_so(tmp_path, monkeypatch):
    name = "steps"
    content = json.loads((tables.REPO / "results" / f"{name}.json").read_text())
    content["values"]["T = 1"]["code"] = ["edited"]
    content["values"]["T = 2"] |= {"code": ["edited"], "verified": {"code": tables.code_key()}}
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / f"{name}.json").write_text(json.dumps(content))
    monkeypatch.setattr(tables, "REPO", tmp_path)
    rows = [variant for _, variant in tables.recorded_table({name: "steps"}).index]
    assert "T = 1 (earlier code)" in rows
    assert "T = 2" in rows


def test_a_page_names_the_commits_of_its_runs(monkeypatch, tmp_path, rnn):
    monkeypatch.setenv("IMET_HOME", str(tmp_path))
    page = pages.Page("page", "tiny", device="cpu", models=[rnn])
    assert "models" not in json.loads(page.path.read_text())["provenance"]
    source = rnn.metrics["provenance"] | {"commit": "0123456789ab"}
    older = dataclasses.replace(rnn, metrics=rnn.metrics | {"provenance": source})
    page = pages.Page("page", "tiny", device="cpu", models=[rnn, older])
    assert json.loads(page.path.read_text())["provenance"]["models"] == "0123456789ab"


def test_recorded_studies_name_recipes_and_fields_that_exist():
    from imet.report.studies import STUDIES

    for variants in STUDIES.values():
        for recipe, changes in variants.values():
            resolve(recipe, "sample", changes)


@pytest.mark.parametrize("name", ["resnet50_hog", "attn_cnn_rnn"])
def test_outputs_of_a_part_are_the_run_s_own(small_collection, name):
    finished = make(name, small_collection)
    again = inspection.outputs_of(finished, finished.parts.test, "cpu")
    np.testing.assert_allclose(again.scores, finished.scores("test"), atol=1e-5)
    shifted = dataclasses.replace(finished.parts.test, rows=finished.parts.test.rows[::-1])
    turned = inspection.outputs_of(finished, shifted, "cpu")
    np.testing.assert_allclose(turned.scores, again.scores[::-1], atol=1e-5)
    if name == "attn_cnn_rnn":
        steps = inspection.steps_of(finished, shifted, [0], "cpu")
        last = inspection.steps_of(finished, finished.parts.test, [len(shifted) - 1], "cpu")
        np.testing.assert_allclose(steps.attention, last.attention, atol=1e-5)
    with pytest.raises(ValueError, match="of these parts alone"):
        next(
            Batches(finished.recipe, finished.parts, build_encoder(finished.recipe), "cpu").of(
                shifted
            )
        )


def test_positives_that_are_added_carry_the_label_and_were_not_trained_on(home):
    from imet.report.figure_3 import more_positives
    from imet.runs import load

    parts = load("tiny")
    columns, _ = figure_3_columns(parts)
    more = more_positives(parts, columns, "tiny")
    assert more.positive.shape == (len(more.part), len(columns))
    assert more.positive.any(0).sum() >= 6  # two per label, of which the annotator overlooks some
    assert not (more.positive & ~more.part.targets[:, columns]).any()
    assert more.positive.sum(1).max() == 1
    ids = more.part.collection.ids[more.part.rows]
    assert not set(ids) & set(parts.collection.ids)
