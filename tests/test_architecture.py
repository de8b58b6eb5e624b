"""Data flow one way: which module may import which, and how long a file may be.

`LAYERS` is the documentation too: CONTRIBUTING.md holds it as a table, and
`python tests/test_architecture.py` writes that table anew. Imports are read from the source, so
that one inside a function counts too.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
PACKAGES = ("imet", "imet_simulation")
FILES = sorted(path for name in PACKAGES for path in (REPO / name).rglob("*.py"))
LONGEST = 600  # lines
MOST = {"imet": 8_360, "imet/report": 4_050, "imet/download": 1_000}  # `imet`: less the others

LAYERS = (
    ("`typing` `io` `compiled` `code_digest` `provenance` `config`",
     "plain values and files: atomic writes, where a number came from, recipes and profiles"),
    ("`devices`", "what the machine has: devices, precision, processes"),
    ("`labels` `metrics` `statistics` `losses` `hog`",
     "arrays in, arrays or numbers out"),
    ("`data/` `models/`", "collections, split, views; backbones, heads and their registry"),
    ("`thresholds` `decoding` `cache` `batches`",
     "from scores or label paths to decisions; stored features; what a network reads"),
    ("`training/` `evaluation`",
     "the loop and what it minimises; validation and final metrics of a model"),
    ("`runs` `predict` `plan`",
     "a recipe from tables to numbers; labels of any picture; what a recipe needs"),
    ("`inspection` `crop`", "what a finished network looks at, and crops made from it"),
    ("`report/`",
     "what only the book needs: plots, tables, pages, recorded studies; only `cli` imports it"),
    ("`download/`", "collections from where they are published"),
    ("`cli`", "the command line"),
)  # fmt: skip
LEVEL = {
    name.strip("`/"): level for level, (names, _) in enumerate(LAYERS) for name in names.split()
}
APART = {"data": {"models"}, "models": {"data"}}  # of one layer, and yet strangers
SEE_REPORT = {"report", "cli"}  # the book is made from the rest, which works without it
PLOTS_SEE = {"report.plots", "typing", "labels", "metrics", "statistics"}
DOOR = "imet_simulation"
DOOR_NAMES = {  # `annotate` is a module's name too
    f"{DOOR}.{name}"
    for node in ast.parse((REPO / DOOR / "__init__.py").read_text(encoding="utf-8")).body
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    for name in ast.literal_eval(node.value)
}
THE_ONE_CALLER = "imet.data.source"
TABLE = ("<!-- layers -->", "<!-- /layers -->")


def module_of(path: Path) -> str:
    parts = path.relative_to(REPO).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def unit(module: str) -> str:
    """The part of the package that a module belongs to: imet.data.split to data."""
    name = module.removeprefix("imet").removeprefix(".")
    return "report.plots" if name.startswith("report.plots") else name.partition(".")[0]


def is_module(name: str) -> bool:
    stem = REPO.joinpath(*name.split("."))
    return stem.with_suffix(".py").exists() or (stem / "__init__.py").exists()


def imports(source: str) -> set[str]:
    """Modules of the packages that source code imports, anywhere in it."""
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"a relative import in line {node.lineno}"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            modules |= {
                n if is_module(n) and n not in DOOR_NAMES else str(node.module) for n in names
            }
    return {name for name in modules if name.split(".")[0] in PACKAGES}


def faults(module: str, imported: set[str]) -> list[str]:
    """What a module may not import, of what it imports."""
    if module.split(".")[0] == DOOR:  # the drawing program sees itself and files
        return sorted(n for n in imported if n.split(".")[0] != DOOR and n != "imet.io")
    inside = {name for name in imported if name.split(".")[0] == "imet"}
    door = {n for n in imported - inside if n != DOOR or module != THE_ONE_CALLER}
    mine = unit(module)
    seen = {unit(name) for name in inside} - {""}
    if mine == "":  # imet/__init__.py: importing it must import nothing
        return sorted(seen | door)
    if mine == "report.plots":
        return sorted((seen - PLOTS_SEE) | door)
    mine, seen = mine.split(".")[0], {name.split(".")[0] for name in seen}
    above = {name for name in seen if LEVEL.get(name, len(LAYERS)) > LEVEL[mine]}
    apart = APART.get(mine, set()) | ({"report"} if mine not in SEE_REPORT else set())
    return sorted(above | (seen & apart) | door)


def imports_at_once(source: str) -> set[str]:
    """Modules of the packages that importing source code imports: not those inside functions."""
    top = [n for n in ast.parse(source).body if isinstance(n, ast.Import | ast.ImportFrom)]
    return imports(ast.unparse(ast.Module(top, [])))


def layer_table() -> str:
    """`LAYERS` as the table of CONTRIBUTING.md."""
    rows = [f"| {n} | {names} | {what} |" for n, (names, what) in enumerate(LAYERS, 1)]
    return "\n".join(["| layer | modules | what they are |", "|---|---|---|", *rows])


def test_the_rule_finds_what_it_should():
    inside = "def f():\n    if True:\n        from imet import runs\n        import imet.cli"
    assert imports(inside) == {"imet.runs", "imet.cli"}
    assert imports("from imet.data import split, views") == {"imet.data.split", "imet.data.views"}
    assert imports("from imet.labels import LabelSpace\nimport numpy") == {"imet.labels"}
    with pytest.raises(AssertionError, match="relative"):
        imports("from . import io")
    models = {"imet.models.registry", "imet.io", "imet.cli"}
    assert faults("imet.data.split", models) == ["cli", "models"]
    assert faults("imet.models.encoder", {"imet.data.views"}) == ["data"]
    assert faults("imet.io", {"imet.labels", "imet.metrics"}) == ["labels", "metrics"]
    assert faults("imet.report.plots.curves", {"imet.metrics", "imet.io"}) == ["io"]
    assert faults("imet.metrics", {"imet.report.plots.style"}) == ["report"]
    assert faults("imet", {"imet.io"}) == ["io"]
    assert faults("imet.cli", {"imet.runs", "imet.io", "imet.report.results"}) == []
    assert faults("imet.report.pages", {"imet.report.tables"}) == []
    assert faults("imet.download.met", {"imet.report.tables", "imet.io"}) == ["report"]
    assert imports_at_once(f"import imet.io\n{inside}") == {"imet.io"}
    assert faults("imet_simulation.pen", {"imet.io", "imet.labels"}) == ["imet.labels"]
    assert faults("imet.data.source", {"imet_simulation"}) == []
    assert faults("imet.runs", {"imet_simulation"}) == ["imet_simulation"]
    assert faults("imet.report.datasheet", {"imet_simulation"}) == ["imet_simulation"]
    assert faults("imet.data.source", {"imet_simulation.pen"}) == ["imet_simulation.pen"]


def test_every_part_of_the_package_has_a_layer():
    parts = {
        unit(module_of(path)).split(".")[0] for path in FILES if path.is_relative_to(REPO / "imet")
    }
    assert parts - {""} == set(LEVEL)


def test_contributing_holds_the_table():
    text = (REPO / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert text.partition(TABLE[0])[2].partition(TABLE[1])[0].strip() == layer_table()


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_modules_import_downwards_only(path):
    assert faults(module_of(path), imports(path.read_text(encoding="utf-8"))) == []


def test_only_commands_of_the_report_import_it():
    """`imet.cli` imports it inside functions, so that other commands do not wait for it."""
    cli = imports_at_once((REPO / "imet" / "cli.py").read_text(encoding="utf-8"))
    assert {unit(name).split(".")[0] for name in cli} & {"report"} == set()


def outside() -> list[Path]:
    """Python files that are not of the drawing program."""
    folders = ("notebooks", "benchmarks", "book", "tests")
    files = [path for name in folders for path in (REPO / name).rglob("*.py")]
    return [p for p in files if not p.is_relative_to(REPO / "tests" / "unit" / "simulation")]


def test_the_drawing_program_has_one_door():
    """Others import what its `__all__` names and nothing from inside; its own tests may look in."""
    import imet_simulation

    for path in outside():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(DOOR):
                assert node.module == DOOR, f"{path}: {node.module}"
                assert {alias.name for alias in node.names} <= set(imet_simulation.__all__), path
            if isinstance(node, ast.Import):
                assert not [a for a in node.names if a.name.startswith(f"{DOOR}.")], path


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_modules_say_what_they_are_and_stay_short(path):
    source = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(source)), f"{path.relative_to(REPO)} has no docstring"
    lines = len(source.splitlines())
    assert lines <= LONGEST, f"{path.relative_to(REPO)} has {lines} lines; split it"


@pytest.mark.parametrize("part", MOST)
def test_the_package_stays_small(part):
    """It is to be read in an evening: delete before you add (CONTRIBUTING says what it is now)."""
    apart = [name for name in MOST if name != part and name.startswith(part)]
    files = [path.relative_to(REPO).as_posix() for path in FILES]
    mine = [name for name in files if name.startswith(f"{part}/")]
    mine = [name for name in mine if not any(name.startswith(f"{other}/") for other in apart)]
    lines = sum(len((REPO / name).read_text(encoding="utf-8").splitlines()) for name in mine)
    assert MOST[part] * 0.8 < lines <= MOST[part]


def test_no_part_imports_itself_in_a_circle():
    """Modules form a graph without circles at import time (functions may import later)."""
    graph = {}
    for path in FILES:
        graph[module_of(path)] = imports_at_once(path.read_text(encoding="utf-8"))
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name not in done:
            for needed in sorted(graph.get(name, ())):
                visit(needed, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_plots_are_given_arrays_and_read_no_file():
    """Arrays in, a Figure out: no path, no open(), except the style file beside the module."""
    for path in sorted((REPO / "imet" / "report" / "plots").glob("*.py")):
        calls = {
            node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
        }
        assert not calls & {"open", "read_text", "read_bytes", "imread", "read_csv"}, path.name


if __name__ == "__main__":
    file = REPO / "CONTRIBUTING.md"
    before, _, rest = file.read_text(encoding="utf-8").partition(TABLE[0])
    after = rest.partition(TABLE[1])[2]
    file.write_text(f"{before}{TABLE[0]}\n\n{layer_table()}\n\n{TABLE[1]}{after}", encoding="utf-8")


def test_names_of_tables_are_had_without_pytorch() -> None:
    """Sphinx reads them for every book, and PyTorch takes seconds to import."""
    program = "import sys, imet.report.reported; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=REPO, check=False).returncode == 0
