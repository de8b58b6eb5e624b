"""A chapter about a reader's folder shows any name of a label as text, and never as markup.

Executing a chapter takes a minute, so this is part of `make test-faults`.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from lxml import html
from PIL import Image

from imet.io import REPO
from imet.report.plots.style import short

NAMES = [
    "tag::$a$ and $b$",
    "tag::a $$ b",
    "tag::\\frac{1}{2}",
    "tag::_x_ <b>|`{y}`</b>",
    "tag::<script>alert(1)</script>",
    "tag::<img src=x onerror=alert(1)>",
    "tag::a & b &lt; c",
    "culture::{num}`facts.rows`",
    "culture::**a** | b",
    "culture::" + "very long " * 17 + "tail",
    "no kind",
]
pytestmark = pytest.mark.slow


def awkward_folder(folder: Path, works: int = 66) -> Path:
    """A folder whose works carry these labels, some more often than others."""
    rng = np.random.default_rng(0)
    (folder / "train").mkdir(parents=True)
    rows = []
    for work in range(works):
        shape = (40, 30 + work % 20, 3)
        Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(folder / f"train/w{work}.png")
        rows.append([f"w{work}", f"{work % len(NAMES)} {(work * work + 1) % len(NAMES)}"])
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as table:
        csv.writer(table).writerows([["attribute_id", "attribute_name"], *enumerate(NAMES)])
    with (folder / "train.csv").open("w", newline="", encoding="utf-8") as table:
        csv.writer(table).writerows([["id", "attribute_ids"], *rows])
    return folder


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The first chapter about that folder, and the home it was made in."""
    home = tmp_path_factory.mktemp("home")
    folder = awkward_folder(home / "folder")
    (home / "profiles").mkdir()
    profile = f'data = "folder"\nfolder = {json.dumps(str(folder))}\nbased_on = "tiny"\n'
    (home / "profiles" / "awkward.toml").write_text(profile, encoding="utf-8")
    out = home / "build" / "notebooks" / "01_data_exploration.ipynb"
    source = REPO / "notebooks" / "01_data_exploration.py"
    command = [sys.executable, REPO / "book" / "tools" / "execute.py", source, "--out", out]
    ran = subprocess.run(
        [*command, "-p", "profile=awkward", "-p", "seed=0", "-p", "device=cpu"],
        env=os.environ | {"IMET_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return out, home


def test_outputs_hold_the_names_as_text_and_no_markup(executed: tuple[Path, Path]) -> None:
    outputs = [
        output
        for cell in nbformat.read(executed[0], as_version=4).cells
        for output in cell.get("outputs", [])
    ]
    tables = [html.fromstring(o["data"]["text/html"]) for o in outputs if "text/html" in o["data"]]
    assert tables
    shown = " ".join(cell.text_content() for table in tables for cell in table.xpath("//td|//th"))
    # pandas cuts a cell with a long name and its share once more
    assert not [name for name in NAMES if short(name)[:40].rstrip("…") not in shown]
    for table in tables:
        assert not table.xpath("//b | //script | //img | //em | //strong | //code")
    figures = sum("image/png" in o["data"] or "image/jpeg" in o["data"] for o in outputs)
    assert figures > 5
    assert not any(o["output_type"] == "error" for o in outputs)


def test_values_of_the_page_hold_the_names_as_they_are(executed: tuple[Path, Path]) -> None:
    page = executed[1] / "runs" / "awkward" / "pages" / "01_data_exploration.json"
    values = json.loads(page.read_text(encoding="utf-8"))["values"]
    names = {name.split("::", 1)[-1].strip() for name in NAMES}
    assert {values["lift"]["culture"], values["lift"]["tag"]} <= names
