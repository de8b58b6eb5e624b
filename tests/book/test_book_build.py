"""The strict build: a new book, or the old one untouched."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import build as tool
import nbformat
import pytest
from build import put_in_place
from lxml import html

from imet.io import REPO

StandIns = Callable[..., tuple[Path, Path]]
pytestmark = pytest.mark.slow


def build(notebooks: Path, results: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, REPO / "book" / "tools" / "build.py", "--notebooks", notebooks]
    command += ["--results", results, "--out", out, "--profile", "tiny", "--quiet"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_a_strict_book_is_built_with_provenance_on_every_page(
    stand_ins: StandIns, tmp_path: Path
) -> None:
    out = tmp_path / "html"
    extra = "F2 is {num}`f2:.3f`.\n\n$$\\sum_i \\alpha_i = 1$$\n"
    made = build(*stand_ins(extra), out)
    assert made.returncode == 0, made.stdout + made.stderr
    pages = [p for p in out.rglob("*.html") if "_static" not in p.parts]
    pages = [p for p in pages if p.name not in {"search.html", "genindex.html"}]
    assert len(pages) >= 8
    for page in pages:
        tree = html.fromstring(page.read_bytes())
        label = tree.xpath("//aside[contains(@class, 'provenance')]")
        assert len(label) == 1, page
        facts = " ".join(label[0].itertext())
        for word in ("tiny", "seed", "cpu", "commit", "Test build."):
            assert word in facts, (page, word)
    first = next(p for p in pages if "00_" in p.name)
    assert "F2 is <span" in first.read_text()
    assert ">0.412<" in first.read_text()
    assert not [p for p in tmp_path.iterdir() if ".html." in p.name]
    kept = [f"_static/results/met/equal_length.{ending}" for ending in ("json", "npz")]
    for name in ("sitemap.xml", "_static/favicon.svg", "_static/mathjax/tex-svg.js", *kept):
        assert (out / name).is_file(), name
    index = (out / "index.html").read_text()
    assert 'property="og:title"' in index
    assert "thebe" not in index


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "page.html")


@pytest.mark.parametrize("place", ["assemble", "move"])
def test_a_full_disk_is_one_sentence_and_the_old_book_stays(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, made = tmp_path / "html", tmp_path / "made"
    for folder, words in ((out, "old"), (made, "new")):
        folder.mkdir()
        (folder / "index.html").write_text(words)
    if place == "assemble":
        monkeypatch.setattr(tool, "assemble", full)
    else:  # onto another disk: copied file by file, of which the last has no place

        def half(new: Path, staged: Path) -> None:
            shutil.copytree(new, staged)
            raise shutil.Error([("a", "b", "[Errno 28] No space left on device: 'page.html'")])

        monkeypatch.setattr(shutil, "move", half)
        monkeypatch.setattr(tool, "build", lambda *_: put_in_place(made, out))
    wanted = ["--notebooks", str(tmp_path), "--results", str(tmp_path), "--out", str(out)]
    assert tool.main(wanted) == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith(f"error: {out} is as it was, no new book was made: [Errno 28] No s")
    assert (out / "index.html").read_text() == "old"
    assert not list(tmp_path.glob(".html.*.new"))


def test_files_of_a_page_go_with_the_book_and_links_to_them_are_checked(
    stand_ins: StandIns, tmp_path: Path
) -> None:
    link = '<a href="../_static/pages/00_collection/sheet.jpg">a sheet</a>'
    notebooks, results = stand_ins(link)
    files = results / "tiny" / "pages" / "00_collection"
    made = build(notebooks, results, tmp_path / "html")
    assert made.returncode != 0
    assert "no such file" in made.stdout + made.stderr
    files.mkdir()
    (files / "sheet.jpg").write_bytes(b"picture")
    made = build(notebooks, results, tmp_path / "html")
    assert made.returncode == 0, made.stdout + made.stderr
    copied = tmp_path / "html" / "_static" / "pages" / "00_collection" / "sheet.jpg"
    assert copied.read_bytes() == b"picture"


TAKEN_HOME = """\
(a-label)=
## A section

F2 is {num}`f2:.3f`, the paper's {num}`reported/paper.resnet50.val.f2`; see
{doc}`02_split_and_views`, {ref}`here <a-label>`, {numref}`cover` and
[deviations](../deviations.md). {cite:t}`lin2017` defines it
{cite}`lin2017,otsu1979`.

```{quote-doc} paper
:where: §3.1
We only trained
the last FC layer.
```

````{exercise}
:label: ex-one
How many?
````

````{solution} ex-one
:class: dropdown
As many as {num}`f2:.1f`.
````

Culture
: A manner of drawing.

```{reported-table} paper Table 1
:ours: 00_collection/rows.{model}.{split}.{metric}
:metrics: f2
```
"""


def test_a_page_can_be_taken_home_as_a_notebook(stand_ins: StandIns, tmp_path: Path) -> None:
    notebooks, results = stand_ins(TAKEN_HOME)
    path = results / "tiny" / "pages" / "00_collection.json"
    content = json.loads(path.read_text())
    content["values"]["rows"] = {
        "resnet50": {"val": {"f2": {"value": 0.5, "low": 0.25, "high": 0.75}}}
    }
    path.write_text(json.dumps(content))
    made = build(notebooks, results, tmp_path / "html")
    assert made.returncode == 0, made.stdout + made.stderr
    folder = tmp_path / "html" / "notebooks"
    assert {p.stem for p in folder.glob("*.ipynb")} == {p.stem for p in folder.glob("*.html")}
    page = html.fromstring((folder / "00_collection.html").read_bytes())
    assert page.xpath("//p[@class='take-home']/a/@href") == ["00_collection.ipynb"]
    cells = nbformat.read(folder / "00_collection.ipynb", as_version=4).cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for words in (
        "F2 is 0.412, the paper's 0.327; see",
        "[02_split_and_views](02_split_and_views.ipynb), here,",
        "Figure 1 and\n[deviations](https://example.org/imet/deviations.html).",
        "Lin et al. (2017)",
        "(Lin et al., 2017; Otsu, 1979)",
        "> **The paper says**\n>\n> We only trained\n> the last FC layer.\n>\n> — Tang",
        "**Exercise.** How many?",
        "<details><summary>Solution</summary>\n\nAs many as 0.4.\n\n</details>",
        "**Culture**: A manner of drawing.",
        "| Model, split | F2, reported | F2, this build |\n| --- | --- | --- |\n"
        "| Baseline, validation | 0.327 | 0.500<br>[0.250, 0.750] |",
        "**Figure 1.** A figure.",
        "## References\n\n- Tsung",
        "profile tiny, seed 0, device cpu, commit 0123456789abcdef",
    ):
        assert words in text, words
    assert "(a-label)=" not in text


FAULTS = {
    "{num}`f3:.3f`": "no value `f3`",
    "{num}`09_nothing/f2`": "no results file for `09_nothing`",
    "{num}`reported/paper.resnet50.val.f9`": "no value `paper.resnet50.val.f9`",
    "[gone](no-such-label)": "no-such-label",
    "{cite}`nobody1900`": "nobody1900",
    "{numref}`fig-none`": "fig-none",
    "{term}`no such term`": "no such term",
    "{nosuchrole}`x`": "nosuchrole",
    "![A picture](gone.png)": "gone.png",
    "```{quote-doc} leaflet\nWords.\n```": "leaflet",
    "```{reported-table} paper Table 9\n```": "Table 9",
    "```{reported-table} paper Table 1\n:ours: 03_baseline/none.{model}\n```": "no value for",
}


def test_planted_faults_are_all_named_and_the_old_book_stays(
    stand_ins: StandIns, tmp_path: Path
) -> None:
    out = tmp_path / "html"
    out.mkdir()
    (out / "old.html").write_text("the old book")
    made = build(*stand_ins("\n\n".join(FAULTS)), out)
    assert made.returncode != 0
    missed = [fault for fault, words in FAULTS.items() if words not in made.stdout + made.stderr]
    assert missed == []
    assert [p.name for p in out.iterdir()] == ["old.html"]


def test_one_unknown_number_is_enough_to_fail(stand_ins: StandIns, tmp_path: Path) -> None:
    made = build(*stand_ins("{num}`f3:.3f`"), tmp_path / "html")
    assert made.returncode != 0
    assert not (tmp_path / "html").exists()


def test_a_chapter_that_was_not_executed_is_named(stand_ins: StandIns, tmp_path: Path) -> None:
    notebooks, results = stand_ins()
    (notebooks / "02_split_and_views.ipynb").unlink()
    made = build(notebooks, results, tmp_path / "html")
    assert made.returncode != 0
    assert "02_split_and_views not executed" in made.stderr


def test_a_chapter_without_results_fails(stand_ins: StandIns, tmp_path: Path) -> None:
    notebooks, results = stand_ins()
    (results / "tiny" / "pages" / "02_split_and_views.json").unlink()
    made = build(notebooks, results, tmp_path / "html")
    assert made.returncode != 0
    assert "recorded no results" in made.stdout + made.stderr


def test_a_picture_without_alt_text_fails(stand_ins: StandIns, tmp_path: Path) -> None:
    notebooks, results = stand_ins()
    path = next(notebooks.glob("00_*.ipynb"))
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].metadata["mystnb"].pop("image")
    nbformat.write(notebook, path)
    made = build(notebooks, results, tmp_path / "html")
    assert made.returncode != 0
    assert "alt text" in made.stdout + made.stderr


def test_books_that_are_put_in_place_at_once_leave_one_whole_book(tmp_path: Path) -> None:
    """And nothing of builds that were killed while they did so."""
    out = tmp_path / "html"
    (tmp_path / ".html.1.new").mkdir()
    (tmp_path / ".html.2.old").mkdir()
    for k in range(8):
        (tmp_path / str(k)).mkdir()
        for name in "abc":
            (tmp_path / str(k) / name).write_text(str(k))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: put_in_place(tmp_path / str(k), out), range(8)))
    assert len({path.read_text() for path in out.iterdir()}) == 1
    assert sorted(path.name for path in out.iterdir()) == ["a", "b", "c"]
    assert {path.name for path in tmp_path.iterdir()} <= {"html", "html.lock"}
