"""The table of every reported number: ours and recorded ones stand in columns of their own."""

from __future__ import annotations

import json
from pathlib import Path

import imet_beside
import pytest
from imet_values import UnknownValue, Values, as_printed, read_reported

from imet.config import resolve
from imet.io import REPO
from imet.report.reported import reported_numbers, reported_value

ROW = {
    "key": "paper.x.val.f2", "document": "paper", "where": "Table 1", "model": "resnet50",
    "split": "val", "metric": "f2", "reported": "0.327", "status": "stated", "profile": "tiny",
    "ours": 0.5, "low": 0.4, "high": 0.6, "run": "runs/tiny/resnet50-1", "seed": 0,
    "device": "CPU", "commit": "abc",
}  # fmt: skip


def study(folder: Path) -> Path:
    estimate = {"value": 0.61, "low": 0.6, "high": 0.62}
    values = {
        "resnet50": {"recipe": "resnet50", "val": {"f2": estimate}, "test": {}},
        "other rule": {"recipe": "resnet50", "val": {"f2": {"value": 0.9}}, "test": {}},
    }
    content = {"provenance": {"profile": "sample", "seeds": [0, 1]}, "values": values}
    (folder / "rows.json").write_text(json.dumps(content))
    (folder / "numbers.json").write_text(json.dumps({"values": {"x": 3}}))
    return folder


def test_only_a_variant_that_carries_the_recipes_name_stands_for_it(tmp_path: Path) -> None:
    recorded = imet_beside.recorded_values(study(tmp_path), {})
    assert list(recorded) == [("resnet50", "val", "f2")]
    estimate, source = recorded["resnet50", "val", "f2"]
    assert estimate["value"] == 0.61
    link = '<a href="_static/results/rows.json">results/rows.json</a>'
    assert source == f"{link}, resnet50"
    marked = imet_beside.recorded_values(tmp_path, {"recorded/rows": ["resnet50"]})
    assert marked["resnet50", "val", "f2"][1].endswith(", resnet50 (earlier code)")


def test_the_newest_study_by_the_present_code_is_shown(tmp_path: Path) -> None:
    for name, date, value in (("a", "2026-01-02", 0.1), ("b", "2026-01-03", 0.2)):
        variant = {"recipe": "resnet50", "val": {"f2": {"value": value}}}
        content = {"provenance": {"date": date}, "values": {"resnet50": variant}}
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    shown = imet_beside.recorded_values(tmp_path, {})
    assert shown["resnet50", "val", "f2"][0]["value"] == 0.2
    shown = imet_beside.recorded_values(tmp_path, {"recorded/b": ["resnet50"]})
    assert shown["resnet50", "val", "f2"][0]["value"] == 0.1


@pytest.mark.parametrize("within", ["", "met/"])
def test_variants_of_other_names_are_the_rows_own_recipe_and_epochs(within: str) -> None:
    for (study_name, name), recipe in imet_beside.SAME_ROW.items():
        content = json.loads((REPO / "results" / f"{within}{study_name}.json").read_text())
        variant = content["values"][name]
        assert variant["recipe"] == recipe
        assert variant["changes"] == {"epochs": resolve(recipe, "kaggle").epochs}
        assert variant["changes"]["epochs"] == reported_value("code.rnn.epochs")


def test_each_row_of_the_paper_has_photographs_beside_drawings() -> None:
    for within in ("", "met/"):
        shown = imet_beside.recorded_values(REPO / "results", {}, within)
        for recipe in ("resnet50", "resnet50_hog", "attn_cnn_rnn", "attn_cnn_rnn_hog"):
            estimate, source = shown[recipe, "val", "f2"]
            assert estimate["low"] <= estimate["value"] <= estimate["high"]
            file = source.partition('"_static/')[2].partition('"')[0]
            assert file.startswith(f"results/{within}"), source
            assert (REPO / file).is_file()


def test_a_row_says_whose_each_number_is(tmp_path: Path) -> None:
    drawings = imet_beside.recorded_values(study(tmp_path), {})
    html = imet_beside.table([ROW], drawings, {}, {("resnet50", "val"): "03_baseline"}, {})
    assert '<td class="number reported">0.327</td>' in html
    assert '<td class="number ours">0.500<br><span class="interval">[0.400, 0.600]</span>' in html
    assert '<td class="number recorded">0.610<br>' in html
    chapter = '<a href="notebooks/03_baseline.html">chapter 03</a>'
    assert f"{chapter}: runs/tiny/resnet50-1, seed 0, CPU<br><a href=" in html


def test_a_chapter_that_the_book_lacks_is_no_evidence(tmp_path: Path) -> None:
    for name in ("03_a", "05_b"):
        row = {"rows": {"resnet50": {"val": {}}}}
        (tmp_path / f"{name}.json").write_text(json.dumps({"values": row}))
    both = {"notebooks/03_a", "notebooks/05_b"}
    assert imet_beside.chapters_of_rows(tmp_path, both) == {("resnet50", "val"): "03_a"}
    assert imet_beside.chapters_of_rows(tmp_path, ["notebooks/05_b"]) == {
        ("resnet50", "val"): "05_b"
    }


def test_studies_are_listed_with_device_and_commit_if_the_table_shows_them(tmp_path: Path) -> None:
    for name in ("a", "b"):
        about = {"profile": "met", "seeds": [0, 1], "device": "a <GPU>", "commit": f"of-{name}"}
        (tmp_path / f"{name}.json").write_text(json.dumps({"provenance": about}))
    html = imet_beside.studies(tmp_path, [imet_beside.recording("b.json") + ", resnet50"])
    assert "<td>met</td><td>0, 1</td><td>a &lt;GPU&gt;</td><td>of-b</td>" in html
    assert "of-a" not in html


def test_numbers_for_context_that_are_called_alike_are_told_apart_by_their_notes() -> None:
    row = ROW | {"document": "context", "metric": "loss", "model": "", "split": ""}
    html = imet_beside.table([row | {"note": "α = .25"}, row | {"note": "α = .75"}], {}, {}, {}, {})
    assert "<td>Loss, α = .25</td>" in html
    assert "<td>Loss, α = .75</td>" in html


def lines_of_ours() -> list[dict[str, str]]:
    return read_reported(REPO / "book" / "ours.csv")


def test_the_list_of_our_own_values_names_reported_numbers_once_each() -> None:
    keys = [line["key"] for line in lines_of_ours()]
    assert len(keys) == len(set(keys)) > 90
    rows = {row["key"]: row for row in reported_numbers()}
    assert set(keys) <= set(rows)
    assert not [key for key in keys if imet_beside.is_setting(rows[key])], "these need no line"


@pytest.mark.parametrize("profile", ["sample", "met", "kaggle"])
def test_settings_are_read_from_recipes_and_equal_the_documents_at_full_size(profile: str) -> None:
    reported = {row["key"]: row["value"] for row in reported_numbers()}
    named = {
        line["key"]: line["value"].removeprefix("recipe/")
        for line in lines_of_ours()
        if line["value"].startswith("recipe/")
    }
    named |= {
        row["key"]: f"{row['model']}.{row['metric']}"
        for row in reported_numbers()
        if imet_beside.is_setting(row)
    }
    assert len(named) > 40
    for key, reference in named.items():
        text, evidence = imet_beside.of_recipe(reference, profile)
        assert evidence == "recipe " + reference.replace(".", ", ")
        if profile == "kaggle" and text != "six":
            assert text in (as_printed(reported[key]), reported[key]), key


def test_a_value_of_a_chapter_is_shown_with_its_interval_and_a_link(tmp_path: Path) -> None:
    (tmp_path / "_results").mkdir()
    values = {"hog": {"size": 10368}, "gain": {"value": -0.01, "low": -0.02, "high": 0.0}}
    (tmp_path / "_results" / "04_hog.json").write_text(json.dumps({"values": values}))
    book = Values(tmp_path)
    linked = imet_beside.of_chapter("04_hog/hog.size:,d", book, ["notebooks/04_hog"])
    assert linked == ("10,368", '<a href="notebooks/04_hog.html">chapter 04</a>')
    text, evidence = imet_beside.of_chapter("04_hog/gain:.2f", book, [])
    assert text == '−0.01<br><span class="interval">[−0.02, 0.00]</span>'
    assert evidence == "chapter 04"
    with pytest.raises(UnknownValue, match="no value"):
        imet_beside.of_chapter("04_hog/width:.2f", book, [])


def test_our_own_value_stands_where_no_run_made_the_number() -> None:
    without = ROW | {"ours": None, "low": None, "high": None, "run": None}
    own = {ROW["key"]: ("10,368", "chapter 04")}
    html = imet_beside.table([without], {}, {}, {}, own)
    assert '<td class="number ours">10,368</td>' in html
    assert "<small>chapter 04</small>" in html
    assert "10,368" not in imet_beside.table([ROW], {}, {}, {}, own), "a run goes first"
    html = imet_beside.table([without], {}, {}, {}, {ROW["key"]: (imet_beside.SETTING, "")})
    assert '<td class="number ours">setting</td>' in html


def test_what_no_run_made_is_a_dash() -> None:
    row = ROW | {"ours": None, "low": None, "high": None, "run": None}
    html = imet_beside.table([row], {}, {}, {}, {})
    assert html.count("–") == 4
