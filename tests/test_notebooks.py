"""Notebooks are thin and whole: py:percent pairs without functions, with the three parameters."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import jupytext
import pytest
from jupytext.compare import compare_notebooks

REPO = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((REPO / "notebooks").glob("*.py"))
PARAMETERS = {"profile": "sample", "seed": 0, "device": "auto"}

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code(path: Path) -> list[str]:
    """Source of the code cells; lines for IPython alone left out."""
    return [
        "\n".join(line for line in cell.source.splitlines() if not line.startswith(("%", "!")))
        for cell in jupytext.read(path).cells
        if cell.cell_type == "code"
    ]


def faults(source: str) -> list[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]


def nested(source: str) -> list[str]:
    """Comprehensions that make a dict by comprehension for each of their elements."""
    comprehensions = (ast.DictComp, ast.ListComp, ast.SetComp, ast.GeneratorExp)
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, comprehensions):
            made = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            if any(isinstance(part, ast.DictComp) for each in made for part in ast.walk(each)):
                found.append(ast.unparse(node))
    return found


def recorded(source: str) -> list[str]:
    """The values that a cell records in its page."""
    targets = [
        target
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assign)
        for whole in node.targets
        for target in ast.walk(whole)
    ]
    return [ast.unparse(t) for t in targets if ast.unparse(t).startswith("page[")]


def early(source: str) -> list[str]:
    """Names that a cell imports and does not use."""
    nodes = list(ast.walk(ast.parse(source)))
    used = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    imported = [
        (alias.asname or alias.name).partition(".")[0]
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    return [name for name in imported if name not in used]


def without_version(text: str) -> str:
    return re.sub("#       jupytext_version: .*\n", "", text)


def test_there_are_notebooks():
    assert [path.name[:3] for path in NOTEBOOKS[:3]] == ["00_", "01_", "02_"]
    assert not list((REPO / "notebooks").glob("Untitled*"))


def test_the_rule_finds_what_it_should():
    assert faults("x = 1\nif x:\n    class A:\n        def f(self): ...") == ["A", "f"]
    assert faults("f = sorted") == []
    inner = "{k: v for k, v in row}"
    assert nested(f"{{name: {inner} for name, row in rows}}\n[max({inner}) for row in rows]") == [
        f"{{name: {inner} for name, row in rows}}",
        f"[max({inner}) for row in rows]",
    ]
    recording = "page['a'], x = 1, 2\nfor k in x:\n    page[f'b.{k}'] = page.values['a']"
    assert recorded(recording) == ["page['a']", "page[f'b.{k}']"]
    assert recorded("x = page.values['a']\nx[page] = 1") == []
    assert early("import a.b\nfrom c import d as e, f, g\na.b(f'{g}')\nf = 1") == ["e", "f"]
    flat = f"x = {inner}\n[k for k in {inner}]\n{{name: [v for v in rows] for name in x}}"
    assert nested(flat) == []


@each
def test_round_trip_changes_nothing(path):
    text = path.read_text(encoding="utf-8")
    notebook = jupytext.reads(text, fmt="py:percent")
    assert without_version(jupytext.writes(notebook, fmt="py:percent")) == without_version(text)
    twin = jupytext.reads(jupytext.writes(notebook, fmt="ipynb"), fmt="ipynb")
    compare_notebooks(twin, notebook, fmt="ipynb")


@each
def test_pairing_is_in_the_header(path):
    settings = jupytext.read(path).metadata["jupytext"]
    assert settings["formats"] == "ipynb,py:percent"


@each
def test_no_function_or_class_is_defined(path):
    assert [name for cell in code(path) for name in faults(cell)] == []


@each
def test_comprehensions_are_read_at_sight(path):
    """A dict of dicts is filled in a loop, or is a table."""
    assert [found for cell in code(path) for found in nested(cell)] == []


@each
def test_one_cell_holds_the_parameters(path):
    tagged = [
        cell for cell in jupytext.read(path).cells if "parameters" in cell.metadata.get("tags", [])
    ]
    assert len(tagged) == 1
    found = {}
    for node in ast.parse(tagged[0].source).body:
        assert isinstance(node, ast.Assign), "the parameters cell holds plain assignments only"
        assert isinstance(node.targets[0], ast.Name)
        found[node.targets[0].id] = ast.literal_eval(node.value)
    assert PARAMETERS.items() <= found.items()


@each
def test_parameters_are_used_and_come_before_code(path):
    cells = code(path)
    first = next(cell for cell in cells if cell.strip())
    assert first.startswith("profile = "), "a cell before the parameters would ignore them"
    read = {
        node.id
        for cell in cells
        for node in ast.walk(ast.parse(cell))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    assert set(PARAMETERS) <= read


@each
def test_the_page_records_the_numbers_it_shows(path):
    joined = [cell.replace("\n    ", "") for cell in code(path)]
    assert any(f'Page("{path.stem}"' in cell for cell in joined)


@each
def test_code_is_short_and_can_be_read(path):
    """150 lines per chapter at most, half of them unfolded at least; all but the cover shown."""
    lines: dict[bool, int] = {True: 0, False: 0}
    for cell in jupytext.read(path).cells:
        tags = set(cell.metadata.get("tags", []))
        cover = cell.metadata.get("mystnb", {}).get("figure", {}).get("name") == "cover"
        hidden = {"hide-cell", "remove-cell", "remove-input", "remove-output"}
        assert cover or not tags & hidden, cell.source
        if cell.cell_type == "code" and not tags & {"parameters", "solution"}:
            lines[bool(tags & {"hide-input", "remove-cell"})] += sum(
                bool(line.strip()) for line in cell.source.splitlines()
            )
    assert sum(lines.values()) <= 150
    assert lines[False] >= lines[True]


@each
def test_a_folded_cell_records_nothing(path):
    """A reader sees how a value was made; a solution is unfolded with its exercise."""
    for cell in jupytext.read(path).cells:
        tags = set(cell.metadata.get("tags", []))
        if cell.cell_type == "code" and tags & {"hide-input", "hide-cell", "remove-cell"}:
            assert recorded(cell.source) == []


@each
def test_a_name_is_imported_where_it_is_first_used(path):
    for cell in jupytext.read(path).cells:
        if cell.cell_type == "code" and "solution" not in cell.metadata.get("tags", []):
            assert early(cell.source) == []


@each
def test_no_outputs_or_machine_paths(path):
    text = path.read_text(encoding="utf-8")
    for word in (str(REPO), "/home/", "/tmp/", "/Users/", "C:\\"):
        assert word not in text
