"""Which source files a module or notebook depends on, read from its imports.

Two uses: a run's key holds the digest of the code it depends on, so that a number never stands
under code that did not make it; and Make reruns a notebook if a file it depends on has changed.
Only the standard library is used, so that Make can ask before anything is installed:

    python3 -P imet/code_digest.py TARGET NOTEBOOK.py     prints a Make rule
"""

from __future__ import annotations

import ast
import hashlib
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("imet", "imet_simulation")


def module_files(name: str) -> list[Path]:
    """Files that importing `name` runs: the module and the packages above it.

    Examples:
        >>> [path.name for path in module_files("imet.data.split")]
        ['__init__.py', '__init__.py', 'split.py']
    """
    parts = name.split(".")
    if parts[0] not in PACKAGES:
        return []
    files = []
    for depth in range(1, len(parts) + 1):
        stem = ROOT.joinpath(*parts[:depth])
        files += [p for p in (stem / "__init__.py", stem.with_suffix(".py")) if p.exists()][:1]
    return files


@cache
def _read(path: Path) -> tuple[tuple[Path, ...], str]:
    """Package files that a file imports, and the digest of its code without docstrings."""
    files, tree = list[Path](), ast.parse(path.read_text(encoding="utf-8"), str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                files += module_files(alias.name)
        elif isinstance(node, ast.ImportFrom):  # all imports here use absolute names
            files += module_files(str(node.module))
            for alias in node.names:  # `from imet.data import split` imports a module
                files += module_files(f"{node.module}.{alias.name}")
        match getattr(node, "body", None):
            case [ast.Expr(ast.Constant(str())), *_] as body:
                body[0] = ast.Pass()
    code = hashlib.blake2b(ast.dump(tree).encode(), digest_size=8)
    return tuple(dict.fromkeys(files)), code.hexdigest()


def closure(*starts: str | Path) -> list[Path]:
    """All package files that modules (by name) or scripts (by path) depend on, sorted.

    Examples:
        >>> sorted(path.name for path in closure("imet.labels"))
        ['__init__.py', 'labels.py', 'typing.py']
    """
    todo: list[Path] = []
    for start in starts:
        todo += module_files(start) if isinstance(start, str) else [start.resolve()]
    seen: set[Path] = set()
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += _read(path)[0]
    return sorted(seen)


@cache
def source_digest(*modules: str) -> str:
    """Digest of the code of modules and of all they import, without comments and docstrings.

    Examples:
        >>> source_digest("imet.labels") == source_digest("imet.io")
        False
    """
    state = hashlib.blake2b(digest_size=8)
    for path in closure(*modules):
        state.update(f"{path.relative_to(ROOT)} {file_digest(path)}\n".encode())
    return state.hexdigest()


def file_digest(path: Path) -> str:
    """Digest of one file's code, without comments, docstrings and layout."""
    return _read(path)[1]


if __name__ == "__main__":
    target, script = sys.argv[1:]
    needs = [path.relative_to(ROOT) for path in closure(Path(script))]
    print(f"{target}: {' '.join(str(path) for path in needs)}")
    print(*(f"{path}:" for path in needs), sep="\n")  # a deleted file is no error
