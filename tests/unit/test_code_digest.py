"""Which code a number depends on, read from imports; comments do not count."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from imet import code_digest, runs

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `imet` of its own: top imports middle inside a function, middle imports low."""
    root = tmp_path / "imet"
    files = {
        "__init__.py": '"""Package."""\n',
        "top.py": '"""Top."""\nimport numpy\n\ndef f():\n    from imet.sub import middle\n',
        "sub/__init__.py": "",
        "sub/middle.py": "from imet.low import g\n\n\ndef h():\n    return g() + 1\n",
        "low.py": 'def g():\n    """Say one."""\n    # one\n    return 1\n',
        "apart.py": "x = 1\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.setattr(code_digest, "PACKAGES", (root.name,))
    monkeypatch.setattr(code_digest, "ROOT", tmp_path)
    forget()
    yield root
    forget()


def forget() -> None:
    for cached in (code_digest._read, code_digest.source_digest):
        cached.cache_clear()


def digest_after(package: Path, name: str, old: str, new: str) -> tuple[str, str]:
    """Digest of `imet.top` before and after a change of a file."""
    before = code_digest.source_digest("imet.top")
    text = (package / name).read_text()
    assert old in text
    (package / name).write_text(text.replace(old, new))
    forget()
    return before, code_digest.source_digest("imet.top")


def names(package: Path, *starts: str | Path) -> list[str]:
    return [str(path.relative_to(package)) for path in code_digest.closure(*starts)]


def test_the_closure_holds_all_that_runs_and_nothing_else(package):
    assert names(package, "imet.top") == [
        "__init__.py",
        "low.py",
        "sub/__init__.py",
        "sub/middle.py",
        "top.py",
    ]
    assert names(package, "imet.low") == ["__init__.py", "low.py"]
    assert names(package, "numpy") == []


@pytest.mark.parametrize(
    "line",
    [
        "import imet.sub.middle",
        "import imet.sub.middle as m, os",
        "from imet.sub import middle",
        "from imet.sub.middle import h",
        "def f():\n    if True:\n        from imet.sub import middle as m",
    ],
)
def test_every_form_of_import_counts(package, tmp_path, line):
    script = tmp_path / "notebook.py"
    script.write_text(f"# %% [markdown]\n# text\n# %%\n{line}\n")
    found = {path.name for path in code_digest.closure(script)}
    assert {"notebook.py", "middle.py", "low.py"} <= found
    assert "apart.py" not in found


def test_imports_in_a_circle_end(package):
    (package / "low.py").write_text("import imet.top\n")
    assert "top.py" in names(package, "imet.low")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("low.py", "return 1", "return 2"),
        ("sub/middle.py", "g() + 1", "g() - 1"),
        ("sub/__init__.py", "", "y = 1\n"),
        ("__init__.py", "Package", 'x"""\ny = """y'),
        ("low.py", "def g():", "def g(x=1):"),
    ],
)
def test_code_of_a_dependency_changes_the_digest(package, name, old, new):
    before, after = digest_after(package, name, old, new)
    assert before != after


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("low.py", "# one", "# another"),
        ("low.py", "Say one.", "Say uno."),
        ("low.py", "    # one\n", "\n\n"),
        ("top.py", "Top.", "Above."),
        ("apart.py", "1", "2"),
    ],
)
def test_comments_docstrings_layout_and_strangers_do_not(package, name, old, new):
    before, after = digest_after(package, name, old, new)
    assert before == after


def test_a_new_dependency_changes_the_digest(package):
    before, after = digest_after(package, "low.py", "return 1", "import imet.apart\n    return 1")
    assert before != after


def test_the_make_rule_names_all_files_and_survives_their_removal(package):
    script = REPO / "notebooks" / "03_baseline.py"
    ran = subprocess.run(
        [sys.executable, "-P", REPO / "imet" / "code_digest.py", "$(BUILD)/x.ipynb", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=REPO,
    )
    rule, *empty = ran.stdout.splitlines()
    target, needs = rule.split(": ")
    assert target == "$(BUILD)/x.ipynb"
    assert {
        "notebooks/03_baseline.py",
        "imet/runs.py",
        "imet_simulation/collection.py",
    } <= {*needs.split()}
    assert [line.removesuffix(":") for line in empty] == needs.split()


def test_make_can_ask_before_anything_is_installed():
    """The module runs on the standard library alone, without the package around it."""
    code = f"import runpy, sys; sys.argv = ['s', 't', '{REPO}/imet/labels.py'];"
    code += f"runpy.run_path('{REPO}/imet/code_digest.py', run_name='__main__')"
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith("t: ")


def test_a_run_depends_on_all_code_that_its_numbers_pass_through():
    """What `imet.runs` imports is in a run's key, but for what only finds or describes data."""
    keyed = set(code_digest.closure(*runs.CODE))
    keyed.add(Path(runs.__file__).resolve())
    elsewhere = {  # the split and the simulation are in the key by their results, the data
        "imet/data/source.py",
        "imet/data/split.py",
        "imet_simulation/",
        "imet/provenance.py",
    }
    missing = {
        str(path.relative_to(REPO))
        for path in code_digest.closure("imet.runs")
        if path not in keyed
    }
    assert {m for m in missing if not m.startswith(tuple(elsewhere))} == set()
