"""Data flow one way: which module may import which, and how long a file may be.

Imports are read from the source, so that one inside a function counts too.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
PACKAGE = REPO / "imet"
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 400  # lines

LAYERS = (
    ("config", "io", "labels", "sources", "provenance"),
    ("metrics", "auc", "counting", "statistics", "losses", "transforms", "pixels", "features"),
    ("data", "models"),
    ("inference",),
    ("training",),
    ("experiments", "looking", "results", "plan", "studies"),
    ("cli",),
)
APART = {"data": {"models"}, "models": {"data"}}  # of one layer, and yet strangers
ANALYSIS_SEES = {"analysis", "labels", "metrics", "auc", "counting", "statistics"}
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def module_of(path: Path) -> str:
    parts = path.relative_to(REPO).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def unit(module: str) -> str:
    """The part of the package that a module belongs to: imet.data.split to data."""
    return module.partition(".")[2].partition(".")[0]


def is_module(name: str) -> bool:
    stem = REPO.joinpath(*name.split("."))
    return stem.with_suffix(".py").exists() or (stem / "__init__.py").exists()


def imports(source: str) -> set[str]:
    """Modules of the package that source code imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"a relative import in line {node.lineno}"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if is_module(name) else str(node.module) for name in names}
    return {name for name in found if name.split(".")[0] == "imet"}


def faults(module: str, imported: set[str]) -> list[str]:
    """What a module may not import, of what it imports."""
    mine = unit(module)
    seen = {unit(name) for name in imported} - {""}
    if mine == "":  # imet/__init__.py: importing it must import nothing
        return sorted(seen)
    if mine == "analysis":
        return sorted(seen - ANALYSIS_SEES)
    above = {name for name in seen if LEVEL.get(name, len(LAYERS)) > LEVEL[mine]}
    return sorted(above | (seen & APART.get(mine, set())))


def test_the_rule_finds_what_it_should():
    inside = "def f():\n    if True:\n        from imet import experiments\n        import imet.cli"
    assert imports(inside) == {"imet.experiments", "imet.cli"}
    assert imports("from imet.data import split, views") == {"imet.data.split", "imet.data.views"}
    assert imports("from imet.labels import LabelSpace\nimport numpy") == {"imet.labels"}
    with pytest.raises(AssertionError, match="relative"):
        imports("from . import io")
    assert faults("imet.data.split", {"imet.models", "imet.io", "imet.cli"}) == ["cli", "models"]
    assert faults("imet.models.encoder", {"imet.data.views"}) == ["data"]
    assert faults("imet.io", {"imet.labels", "imet.metrics"}) == ["metrics"]
    assert faults("imet.analysis.curves", {"imet.metrics", "imet.io"}) == ["io"]
    assert faults("imet.metrics", {"imet.analysis.style"}) == ["analysis"]
    assert faults("imet", {"imet.io"}) == ["io"]
    assert faults("imet.cli", {"imet.experiments", "imet.io"}) == []


def test_every_part_of_the_package_has_a_layer():
    assert {unit(module_of(path)) for path in FILES} - {"", "analysis"} <= set(LEVEL)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_modules_import_downwards_only(path):
    assert faults(module_of(path), imports(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_modules_say_what_they_are_and_stay_short(path):
    source = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(source)), f"{path.relative_to(REPO)} has no docstring"
    lines = len(source.splitlines())
    assert lines <= LONGEST, f"{path.relative_to(REPO)} has {lines} lines; split it"


def test_no_part_imports_itself_in_a_circle():
    """Modules form a graph without circles at import time (functions may import later)."""
    graph = {}
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        top = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
        graph[module_of(path)] = imports(ast.unparse(ast.Module(top, [])))
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name not in done:
            for needed in sorted(graph.get(name, ())):
                visit(needed, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_analysis_is_given_arrays_and_reads_no_file():
    """Arrays in, a Figure out: no path, no open(), except the style file beside the module."""
    for path in sorted((PACKAGE / "analysis").glob("*.py")):
        calls = {
            node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
        }
        assert not calls & {"open", "read_text", "read_bytes", "imread", "read_csv"}, path.name
