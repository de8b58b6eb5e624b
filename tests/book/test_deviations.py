"""The page on deviations has a row for every switch that departs from a document."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re

from imet import config
from imet.config import Recipe, recipe_names, resolve
from imet.crop import CropMethod
from imet.io import REPO

PAGE = (REPO / "book" / "deviations.md").read_text(encoding="utf-8")
FIELDS = {field.name: str(field.type) for field in dataclasses.fields(Recipe)}
NO_DEPARTURE = {"precision"}  # of the machine
MEASURED = re.compile(r"\{num\}`([^`]+)\.(?:value|difference):\+\.3f` \{num\}`\1\.interval:\+\.3f`")
SWITCHES, _, CROP = (
    PAGE.partition("(switches)=")[2].partition("## Errors")[0].partition("### The crop")
)


def rows(table: str = SWITCHES) -> list[list[str]]:
    """Cells of the table on what each choice is worth, without its head."""
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def named() -> set[str]:
    return {name for cells in rows() for name in re.findall(r"`(\w+)`", cells[0])}


def said_to_be_coded() -> set[str]:
    """Fields of `Recipe` whose comment says that the authors' code decides."""
    found = set()
    lines = inspect.getsource(config).splitlines()
    for node in ast.walk(ast.parse(inspect.getsource(config))):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            above = lines[node.lineno - 2].strip()
            comment = lines[node.lineno - 1] + (above if above.startswith("#") else "")
            if "as coded" in comment and node.target.id in FIELDS:
                found.add(node.target.id)
    return found


def test_every_switch_that_departs_from_a_document_has_a_row() -> None:
    choices = {name for name, kind in FIELDS.items() if kind == "bool" or "Literal" in kind}
    coded = {
        name
        for recipe in recipe_names()
        if recipe.endswith("_as_coded")
        for name in FIELDS
        if getattr(resolve(recipe, "kaggle"), name)
        != getattr(resolve(recipe.removesuffix("_as_coded"), "kaggle"), name)
    } - {"name", "title", "reported"}
    assert {"crop_targets", "gamma"} <= coded
    assert {"gate", "jitter_hue", "crop_targets"} <= said_to_be_coded()
    assert (choices | coded | said_to_be_coded()) - NO_DEPARTURE - named() == set()


def test_what_no_row_as_coded_does_is_said_once_and_named_where_rows_are_read() -> None:
    exceptions = " ".join(PAGE.partition("(not-as-coded)=")[2].partition("(switches)=")[0].split())
    for what in ("batch norm", "colour channels", "checkpoint", "clipped", "exact optimum", "beam"):
        assert what in exceptions, what
    on_sample = resolve("attn_cnn_rnn_as_coded", "sample")
    assert (on_sample.batch_norm, on_sample.normalisation) == ("evaluation", "backbone")
    assert resolve("resnet50_as_coded", "kaggle").gradient_clip == 0
    as_coded = [cells[0] for cells in rows() if cells[0].startswith("all as coded")]
    assert len(as_coded) == 3
    assert all("{ref}`the exceptions <not-as-coded>`" in cell for cell in as_coded)
    for chapter in ("05_resnet50_hog", "12_paper_results"):
        text = (REPO / "notebooks" / f"{chapter}.py").read_text(encoding="utf-8")
        assert "{ref}`the exceptions <not-as-coded>`" in text, chapter


def test_a_row_names_fields_and_has_a_measured_difference_or_says_that_it_has_none() -> None:
    assert named() <= set(FIELDS)
    for cells in rows():
        assert len(cells) == 4, cells
        assert (cells[2] == "not measured") != bool(MEASURED.fullmatch(cells[2])), cells


def test_the_switches_of_the_crop_have_rows_in_iou_that_end_at_the_default() -> None:
    fields = {field.name: field for field in dataclasses.fields(CropMethod)}
    choices = {name for name, field in fields.items() if "Literal" in str(field.type)}
    assert {cells[0].strip("`") for cells in rows(CROP)} == choices == {"reading", "leave_out"}
    assert "difference in IoU" in CROP
    for cells in rows(CROP):
        assert MEASURED.fullmatch(cells[2]), cells
        default = fields[cells[0].strip("`")].default
        assert cells[1].partition(" → ")[2].endswith(f"{default}, the default"), cells


def test_what_the_crop_is_compared_with_is_subtracted_from_it() -> None:
    chapter = (REPO / "notebooks" / "16_content_aware_crop.py").read_text(encoding="utf-8")
    assert 'paired_difference(iou["content-aware crop"], iou[name])' in chapter
    assert 'keys = ("ours", "modules", "layers",' in chapter
