"""Goals, quizzes, exercises and what instructors get of them."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import assignments
import imet_lessons
import jupytext
import nbformat
import pytest
from docutils import nodes

from imet.io import REPO

CHAPTERS = sorted((REPO / "notebooks").glob("*.py"))
LEVEL = re.compile(r"\{exercise\} Level (\d)")
QUIZ = re.compile(r"```\{quiz\}\n(.*?)\n```", re.DOTALL)

each = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def prose(path: Path) -> str:
    cells = jupytext.read(path).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def test_there_are_chapters() -> None:
    assert len(CHAPTERS) >= 24


@each
def test_every_chapter_opens_with_goals(path: Path) -> None:
    assert prose(path).count("```{goals}\n") == 1


@each
def test_a_chapter_ends_with_four_exercises_on_three_levels_and_a_quiz(path: Path) -> None:
    text = prose(path)
    assert "## Summary" in text
    levels = LEVEL.findall(text)
    assert len(levels) + text.count("{exercise}\n") >= 4
    assert set(levels) == {"1", "2", "3"}
    labels = re.findall(r":label: (ex-[\w-]+)", text)
    assert labels == re.findall(r"\{solution\} (ex-[\w-]+)", text)
    questions = QUIZ.findall(text)
    assert len(questions) >= 2
    for question in questions:
        imet_lessons.parse_quiz(question)


@each
def test_solutions_are_code_that_runs_with_the_chapter(path: Path) -> None:
    cells = [c for c in jupytext.read(path).cells if "solution" in c.metadata.get("tags", [])]
    assert len(cells) >= 3
    assert any("assert " in cell.source for cell in cells)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("What?\n- [x] a :: yes", "two answers"),
        ("What?\n- [ ] a :: no\n- [ ] b :: no", "one of them right"),
        ("What?\n- [x] a :: yes\n- [ ] b", "reason"),
    ],
)
def test_a_quiz_without_a_right_answer_or_a_reason_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        imet_lessons.parse_quiz(text)


def test_the_blackboard_computes_what_it_says() -> None:
    failed, tried = doctest.testfile(str(REPO / "book" / "blackboard.md"), module_relative=False)
    assert failed == 0
    assert tried >= 20


def test_the_time_for_exercises_goes_by_their_levels() -> None:
    page = nodes.section()
    for title in ("Level 1: recall", "Level 3: go on", "without a level"):
        page += nodes.admonition("", nodes.title("", title), classes=["exercise"])
    page += nodes.admonition("", nodes.title("", "Level 3: recall"), classes=["solution"])
    levels = imet_lessons.levels_of(page)
    assert levels == ["1", "3", "2"]
    assert sum(imet_lessons.EXERCISE_MINUTES[level] for level in levels) == 35


def test_an_assignment_has_no_solutions(tmp_path: Path) -> None:
    solution = nbformat.v4.new_code_cell("secret = 1", metadata={"tags": ["solution"]})
    text = "**Exercise. Level 2: find it** Where?"
    told = "<details><summary>Solution</summary>\n\nThere.\n\n</details>"
    cells = [
        nbformat.v4.new_markdown_cell(text),
        solution,
        nbformat.v4.new_markdown_cell(told),
        nbformat.v4.new_markdown_cell("**Exercise. Level 3: think** Why?"),
        nbformat.v4.new_markdown_cell(told),
    ]
    (tmp_path / "notebooks").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "notebooks" / "03_x.ipynb")
    assert assignments.main([str(tmp_path), str(tmp_path / "out")]) == 0
    made = nbformat.read(tmp_path / "out" / "03_x.ipynb", as_version=4)
    nbformat.validate(made)
    whole = "\n".join(cell.source for cell in made.cells)
    assert "secret" not in whole
    assert "There." not in whole
    asked = [cell for cell in made.cells if "nbgrader" in cell.metadata]
    assert [(c.cell_type, c.metadata.nbgrader["points"]) for c in asked] == [
        ("code", 2),
        ("markdown", 3),
    ]
    assert all(cell.metadata.nbgrader["grade_id"].startswith("03_x-") for cell in asked)


def test_assignments_without_a_book_say_what_to_run(tmp_path: Path, capsys) -> None:
    assert assignments.main([str(tmp_path), str(tmp_path / "out")]) == 1
    assert "run make book first" in capsys.readouterr().err


def test_the_graph_has_every_chapter_below_what_it_needs() -> None:
    needs = {"01_a": [], "02_b": ["01_a"], "03_c": ["01_a", "02_b"], "00_d": []}
    needs["03_c"].append("00_d")
    names = {name: f"Title of {name}, and more" for name in needs}
    links = {n: f"{n}.html" for n in needs}
    svg = imet_lessons.graph_svg(needs, names, links)
    assert svg.count("<rect") == 4
    assert svg.count("<path") == 3, "01 is needed by 02 already"
    assert svg.count('marker id="needs"') == 1
    assert 'href="03_c.html"' in svg
    assert "and more" not in svg
    assert imet_lessons.depths(needs) == {"01_a": 0, "02_b": 1, "03_c": 2, "00_d": 1}
    told = imet_lessons.graph_list(needs, names, links)
    assert told.count("<li>") == 4
    assert "03 Title of 03_c</a> needs <a" in told
    assert told.count("00_d.html") == 2
    assert told.count("01_a.html") == 2, "in words, too, 03 needs it by way of 02"


@each
def test_needs_are_named_one_by_one(path: Path) -> None:
    """A range would hide those between its ends from the graph."""
    goals = re.search(r"```\{goals\}\n(.*?)```", prose(path), re.DOTALL)
    assert goals
    assert "` to {doc}`" not in " ".join(goals[1].split())


def test_boxes_of_the_graph_stand_apart_and_inside_it() -> None:
    path = REPO / "notebooks"
    needs = {p.stem: imet_lessons.NEEDED.findall(prose(p)) for p in sorted(path.glob("*.py"))}
    many = {name: [b for b in before if b < name] for name, before in needs.items()}
    svg = imet_lessons.graph_svg(many, dict.fromkeys(many, "A title"), dict.fromkeys(many, ""))
    wide, high = map(float, re.findall(r'viewBox="0 0 (\d+) (\d+)"', svg)[0])
    boxes = [
        [float(n) for n in box]
        for box in re.findall(r'<rect x="([-\d]+)" y="([-\d]+)" width="(\d+)" height="(\d+)"', svg)
    ]
    assert len(boxes) == len(many)
    for x, y, w, h in boxes:
        assert 0 <= x <= wide - w
        assert 0 <= y <= high - h
        assert sum(abs(x - other[0]) < w and abs(y - other[1]) < h for other in boxes) == 1
    upright = re.findall(r" (\d+) (\d+)V(\d+)", svg)
    assert upright, "no arrow goes past a row: nothing is tested"
    for at, top, bottom in (map(float, line) for line in upright):
        passed = [(x, y) for x, y, w, h in boxes if x <= at <= x + w and y < bottom and y + h > top]
        assert passed == [], "an arrow runs behind a box"
