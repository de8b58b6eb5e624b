"""Bound numbers: keys are found, formats applied, and what is unknown says so."""

from __future__ import annotations

import csv
import json
from html import unescape
from pathlib import Path

import imet_provenance
import imet_values
import pytest
from imet_values import UnknownValue, Values, find, lookup, write

from imet.io import REPO

NESTED = {
    "test": {"f2": 0.41234, "interval": [0.4, 0.425]},
    "counts": {"tag::men": 19970, "a.b": {"c": 1}},
    "rows": [{"x": 5}],
    "lost": None,
}


def book(tmp_path: Path) -> Values:
    (tmp_path / "_results" / "recorded").mkdir(parents=True)
    page = {"provenance": {}, "values": NESTED}
    (tmp_path / "_results" / "01_a.json").write_text(json.dumps(page))
    (tmp_path / "_results" / "recorded" / "long.json").write_text(json.dumps({"f2": 0.5}))
    (tmp_path / "reported.csv").write_text("key,value\npaper.a.f2,0.327\npaper.note,a few\n")
    return Values(tmp_path)


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("test.f2:.3f", "0.412"),
        ("01_a/test.f2:.1%", "41.2\N{NO-BREAK SPACE}%"),
        ("counts.tag::men", "19970"),
        ("counts.tag::men:,d", "19,970"),
        ("counts.a.b.c", "1"),
        ("rows.0.x", "5"),
        ("test.interval:.2f", "[0.40, 0.42]"),
        ("recorded/long/f2:.2f", "0.50"),
        ("reported/paper.a.f2:.3f", "0.327"),
        ("reported/paper.note", "a few"),
    ],
)
def test_a_reference_is_printed(tmp_path: Path, reference: str, text: str) -> None:
    assert book(tmp_path).text(reference, "01_a")[0] == text


@pytest.mark.parametrize(
    ("reference", "complaint"),
    [
        ("test.f3:.3f", "no value `test.f3`; here are|no value"),
        ("02_b/test.f2", "no results file for `02_b`"),
        ("rows.7.x", "no value"),
        ("lost:.3f", "null"),
        ("test:.3f", "group of values"),
        ("test.f2:d", "not whole"),
        ("test.f2:nonsense", "no value"),
        ("reported/paper.b.f2", "no value"),
    ],
)
def test_an_unknown_or_unfit_value_says_so(tmp_path: Path, reference: str, complaint: str) -> None:
    with pytest.raises(UnknownValue, match=complaint):
        book(tmp_path).text(reference, "01_a")


def test_find_takes_the_longest_name_that_fits() -> None:
    assert find({"a": {"b": 1}, "a.b": 2}, "a.b") == 2
    with pytest.raises(UnknownValue, match="here are: test, counts"):
        find(NESTED, "tests")


def test_lookup_names_the_key_without_its_format() -> None:
    with pytest.raises(UnknownValue, match=r"no value `test\.f3`"):
        lookup({"test.x": 1}, "test.f3:.3f")


def test_minus_signs_are_real_and_signs_can_be_asked_for() -> None:
    assert write(-0.05, "+.2f") == "\N{MINUS SIGN}0.05"
    assert write(0.05, "+.2f") == "+0.05"
    assert write(1e-05, "") == "1×10⁻⁵"
    assert write(-1.5e12, ".1e") == "\N{MINUS SIGN}1.5×10¹²"


@pytest.mark.parametrize(
    ("text", "what", "printed"),
    [
        ("1500000", "", "1,500,000"),
        ("1092", "class id of women", "1092"),
        ("5e-05", "", "5×10⁻⁵"),
        ("0.60", "", "0.60"),
        ("-0.60", "", "\N{MINUS SIGN}0.60"),
        ("–", "", "–"),
    ],
)
def test_a_reported_value_keeps_its_digits(text: str, what: str, printed: str) -> None:
    assert imet_values.as_printed(text, what) == printed


def test_notes_of_reported_numbers_have_labels_as_readers_say_them() -> None:
    assert "::" not in (REPO / "book" / "reported.csv").read_text(encoding="utf-8")


def test_reported_csv_is_whole() -> None:
    with open(REPO / "book" / "reported.csv", newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    keys = [row["key"] for row in rows]
    assert len(set(keys)) == len(keys)
    assert {row["status"] for row in rows} == {"stated", "as_coded", "context"}
    assert {row["document"] for row in rows} == {"paper", "poster", "context"}
    value = {row["key"]: imet_values.number(row["value"]) for row in rows}
    assert [value[f"paper.attn_cnn_rnn.test.{m}"] for m in ("f2", "f1", "precision", "recall")] == [
        0.393, 0.264, 0.175, 0.622
    ]  # fmt: skip
    assert value["paper.hog.size"] == 12 * 12 * 3 * 3 * 8
    assert sum(value[f"paper.split.{s}"] for s in ("train", "val", "test")) == 109_200
    tp, fn, tn, fp = (value[f"code.confusion.{k}"] for k in ("tp", "fn", "tn", "fp"))
    assert round(tp / (tp + fn), 2) == value["paper.confusion.tpr"]
    assert round(tn / (tn + fp), 2) == value["paper.confusion.tnr"]
    assert round((tp + fn) / (tp + fn + tn + fp), 2) == value["paper.confusion.prevalence"]
    for metric in ("auc", "f2", "loss", "batch_size", "learning_rate", "step_factor"):
        rows_with = [k for k in keys if k.startswith("poster.vgg16") and k.endswith(metric)]
        assert len(rows_with) == 4, metric


def test_every_quote_of_the_pages_names_its_place() -> None:
    for page in (REPO / "book").glob("*.md"):
        lines = page.read_text(encoding="utf-8").splitlines()
        for i, line in enumerate(lines):
            if line.startswith("```{quote-doc}"):
                assert lines[i + 1].startswith(":where:"), (page.name, i)


@pytest.mark.parametrize(
    ("profile", "pictures", "words", "kind"),
    [
        ("sample", "simulated", "made on drawn pictures", "simulated"),
        ("tiny", "simulated", "mean nothing else", "simulated"),
        ("met", "folder", "made on photographs", "real"),
        ("mine-1", "folder", "pictures of a reader's folder", "real"),
        ("mine-1", "simulated", "made on drawn pictures", "simulated"),
        ("met", "simulated", "made on drawn pictures", "simulated"),
    ],
)
def test_the_label_says_which_pictures_the_numbers_come_from(profile, pictures, words, kind):
    label = unescape(imet_provenance.html({"profile": profile, "pictures": pictures}, own=True))
    assert words in label
    assert f'class="provenance {kind}"' in label


def test_the_label_marks_a_changed_tree():
    label = imet_provenance.html({"profile": "sample", "commit": "0123456789ab+changes"}, own=True)
    assert ">0123456789ab+<" in label


def test_a_number_of_a_run_by_earlier_code_is_told_from_others(tmp_path: Path) -> None:
    values = book(tmp_path)
    assert not values.is_earlier("recorded/long", "T = 5.f2")
    names = {"recorded/long": ["T = 5"]}
    (tmp_path / "_results" / "_earlier.json").write_text(json.dumps(names))
    values = Values(tmp_path)
    assert values.is_earlier("recorded/long", "T = 5.test.f2")
    assert not values.is_earlier("recorded/long", "T = 50.f2")
    assert not values.is_earlier("recorded/other", "T = 5.f2")
