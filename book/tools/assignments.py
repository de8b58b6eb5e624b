"""Exercises without their solutions, as notebooks in nbgrader's format.

    python book/tools/assignments.py book/_build/html book/_build/assignments

Reads the notebooks to take home, whose prose is resolved. Each solution is replaced by a cell to
fill in, worth as many points as the exercise's level.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import nbformat

from imet.io import InputError, atomic_path

EXERCISE = re.compile(r"^\*\*Exercise\. Level (?P<level>\d)", re.MULTILINE)
SOLUTION = re.compile(r"<details><summary>Solution</summary>.*?</details>\n*", re.DOTALL)
TO_DO = "# YOUR CODE HERE\nraise NotImplementedError()"


def assignment(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """The notebook with empty cells in place of solutions, and without outputs.

    An exercise whose answer is prose gets a text cell.
    """
    cells: list[nbformat.NotebookNode] = []
    count, open_level = 0, 0

    def ask(code: bool) -> None:
        nonlocal count, open_level
        count += 1
        cell = (
            nbformat.v4.new_code_cell(TO_DO)
            if code
            else nbformat.v4.new_markdown_cell("YOUR ANSWER HERE")
        )
        cell.metadata["nbgrader"] = marks(f"{name}-{count}", open_level, cell.cell_type)
        cells.append(cell)
        open_level = 0

    for cell in notebook.cells:
        if "solution" in cell.metadata.get("tags", []):
            ask(code=True)
            continue
        if cell.cell_type == "code":
            cells.append(nbformat.v4.new_code_cell(cell.source))
            continue
        if open_level and SOLUTION.search(cell.source):
            ask(code=False)
        text = SOLUTION.sub("", cell.source).strip()
        if level := EXERCISE.search(text):
            open_level = int(level["level"])
        if text:
            cells.append(nbformat.v4.new_markdown_cell(text))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)


def marks(name: str, points: int, kind: str) -> dict[str, Any]:
    """nbgrader's metadata of a cell that is answered by hand and graded by a person."""
    return {
        "schema_version": 3,
        "cell_type": kind,
        "grade_id": name,
        "points": points or 1,
        "grade": True,
        "solution": True,
        "task": False,
        "locked": False,
    }


def main(arguments: list[str] | None = None) -> int:
    book, out = (Path(a) for a in (arguments or sys.argv[1:]))
    sources = sorted((book / "notebooks").glob("*.ipynb"))
    try:
        if not sources:
            raise InputError(f"{book}: no notebooks; run make book first")
        out.mkdir(parents=True, exist_ok=True)
        for source in sources:
            sheet = assignment(nbformat.read(source, as_version=4), source.stem)
            if any("nbgrader" in cell.metadata for cell in sheet.cells):
                with atomic_path(out / source.name) as temporary:
                    nbformat.write(sheet, temporary)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"open {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
