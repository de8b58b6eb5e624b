"""A book's inputs without running a notebook: small chapters that carry what the pages ask for."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from PIL import Image

from imet.io import REPO

BOOK = REPO / "book"
for folder in (BOOK / "_ext", BOOK / "tools"):
    sys.path.insert(0, str(folder))

OWN = re.compile(r"\{num\}`(?:([^`/]+(?:/[^`/]+)?)/)?([^`/]+)`")
OF_CHAPTER = re.compile(r'^[\w.]+,"?(\d\w+)/([^",\n]+(?:,d)?)"?,', re.MULTILINE)  # in ours.csv
PROVENANCE = {
    "profile": "tiny",
    "seed": 0,
    "device": "cpu",
    "commit": "0123456789abcdef",
    "date": "2026-01-31T10:00:00+00:00",
    "versions": {"python": "3.11.7", "torch": "2.12.1"},
}

FIGURE = r"_figures/([\w-]+)\.png|\{numref\}`([\w-]+)`"


def chapters() -> list[str]:
    toc = yaml.safe_load((BOOK / "_toc.yml").read_text(encoding="utf-8"))
    files = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    return [Path(name).name for name in files if name.startswith("notebooks/")]


def put(values: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for name in parents:
        values = values.setdefault(name, {})
    values[last] = value


def asked_for() -> dict[str, dict[str, Any]]:
    """Values that the book's own pages take from chapters, by chapter, at any format."""
    pages: dict[str, dict[str, Any]] = {name: {} for name in chapters()}
    for page in [*BOOK.glob("*.md"), BOOK / "ours.csv"]:
        text = page.read_text(encoding="utf-8")
        for chapter, reference in OWN.findall(text) + OF_CHAPTER.findall(text):
            if chapter in pages:
                key, _, spec = reference.rpartition(":")
                interval = key.endswith("interval")
                value = [0.25, 0.5] if interval else 60 if spec.endswith("d") else 0.25
                put(pages[chapter], key or reference, value)
    return pages


def figures_asked_for() -> list[str]:
    """Names of chapters' figures that the book's own pages show or refer to."""
    text = "\n".join(p.read_text(encoding="utf-8") for p in BOOK.glob("*.md"))
    return sorted({a or b for a, b in re.findall(FIGURE, text)})


def labels_asked_for() -> list[str]:
    """Sections and exercises of chapters that the book's own pages refer to."""
    text = "\n".join(p.read_text(encoding="utf-8") for p in BOOK.glob("*.md"))
    targets = set(re.findall(r"\{ref\}`(?:[^`<]*<)?([\w-]+)>?`", text))
    return sorted(targets - set(re.findall(r"^\(([\w-]+)\)=", text, re.MULTILINE)))


def picture() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (1320, 800), "white").save(buffer, "png")
    return base64.b64encode(buffer.getvalue()).decode()


def figure_cell(name: str) -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell("figure")
    cell.metadata["mystnb"] = {
        "figure": {"name": name, "caption": "A figure."},
        "image": {"alt": "A white picture"},
    }
    size = {"image/png": {"width": 660, "height": 400}}  # as a notebook writes it
    data = {"image/png": picture()}
    cell.outputs = [nbformat.v4.new_output("display_data", data, metadata=size)]
    return cell


def write_stand_ins(folder: Path, extra: str = "") -> tuple[Path, Path]:
    """Write stand-in chapters and results under `folder`; returns their two folders.

    `extra` is markdown that is added to the first chapter.
    """
    notebooks, results = folder / "notebooks", folder / "runs"
    pages = results / "tiny" / "pages"
    notebooks.mkdir(parents=True, exist_ok=True)
    pages.mkdir(parents=True, exist_ok=True)
    for i, (name, values) in enumerate(asked_for().items()):
        cells = [nbformat.v4.new_markdown_cell(f"# {name}\n\n{extra if i == 0 else ''}")]
        if i == 0:
            cells += [figure_cell(figure) for figure in figures_asked_for()]
            sections = [f"({label})=\n## {label}\n" for label in labels_asked_for()]
            cells.append(nbformat.v4.new_markdown_cell("\n".join(sections)))
        notebook = nbformat.v4.new_notebook(cells=cells)
        notebook.metadata["language_info"] = {"name": "ipython3"}
        nbformat.write(notebook, notebooks / f"{name}.ipynb")
        put(values, "f2", 0.41234)
        content = {"provenance": PROVENANCE, "values": values}
        (pages / f"{name}.json").write_text(json.dumps(content))
    return notebooks, results


@pytest.fixture
def stand_ins(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """`write_stand_ins` in this test's folder."""
    return partial(write_stand_ins, tmp_path)
