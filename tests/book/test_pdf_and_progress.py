"""The book as one page for print, and what `make book` says of itself."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pdf
import progress
import pytest
import serve
from lxml import html

from imet.io import REPO, InputError

PAGE = """<!DOCTYPE html><html><head></head><body><div><article><section id="top"><h1>{title}</h1>
<h2 id="limits">Limits</h2><a href="{link}">x</a><img src="{picture}" alt="x"></section></article>
</div></body></html>"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    (tmp_path / "notebooks").mkdir()
    index = PAGE.format(title="Book", link="notebooks/03_baseline.html#limits", picture="_i/a.png")
    chapter = PAGE.format(title="Base", link="../index.html", picture="../_i/b.png")
    (tmp_path / "index.html").write_text(index)
    (tmp_path / "notebooks" / "03_baseline.html").write_text(chapter)
    return tmp_path


def test_links_between_pages_become_links_inside_the_one(book: Path) -> None:
    page = html.fromstring(pdf.one_page(book))
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    links = page.xpath("//a/@href")
    assert links == ["#1-limits", "#page-1", "#page-0"]  # of the text, the contents, the chapter
    assert {link[1:] for link in links} <= set(ids)
    assert page.xpath("//nav[@class='printed-contents']//a/text()") == ["03 · Base"]
    assert page.xpath("//img/@src") == ["_i/a.png", "_i/b.png"]


def test_a_machine_without_chromium_is_told_what_to_install(book: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(book))
    with pytest.raises(InputError, match="apt install chromium"):
        pdf.print_book(book, book / "out.pdf")
    assert not (book / "out.pdf").exists()


@pytest.fixture
def build(tmp_path: Path, monkeypatch) -> progress.Build:
    monkeypatch.setattr(progress, "REPO", tmp_path)
    folder = tmp_path / "build" / "tiny"
    for path in ("notebooks/01_a.py", "notebooks/02_b.py", "imet/x.py", "build/rules/01_a.mk"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("out.ipynb: imet/x.py\nimet/x.py:\n")
    (folder / "notebooks").mkdir(parents=True)
    (folder / "started").touch()
    return progress.Build(folder)


def test_a_chapter_is_due_until_it_is_newer_than_what_it_needs(build: progress.Build) -> None:
    assert build.due() == ["01_a", "02_b"]
    assert build.seconds_left() is None
    notebook = build.folder / "notebooks" / "01_a.ipynb"
    notebook.touch()
    notebook.with_suffix(".times").write_text("60.0 90.0\n")
    assert build.due() == ["02_b"]
    assert build.executed() == ["01_a"]
    assert build.position().startswith("chapter 2 of 2, 0:0")
    assert "left" in build.position()
    later = time.time() + 10
    os.utime(progress.REPO / "imet" / "x.py", (later, later))
    assert build.due() == ["01_a", "02_b"]
    assert "1 chapters executed in 1.5 processor minutes, 1 reused" in build.summary("x")


def test_chapters_that_are_not_asked_for_are_not_counted(build, monkeypatch) -> None:
    monkeypatch.setenv("CHAPTERS", "02_b")
    monkeypatch.setenv("IMET_HOME", str(build.folder / "home"))
    again = progress.Build(build.folder)
    assert again.due() == ["02_b"]
    assert again.position().startswith("chapter 1 of 1, ")
    assert again.runs == build.folder / "home" / "runs" / "tiny"


def test_time_left_is_shared_out_as_chapters_usually_need_it(build, monkeypatch) -> None:
    monkeypatch.setattr(progress, "USUAL", {"01_a": 10, "02_b": 40})
    notebook = build.folder / "notebooks" / "01_a.ipynb"
    notebook.touch()
    notebook.with_suffix(".times").write_text("20.0 30.0\n")  # twice as long as usual
    assert build.seconds_left() == 80
    monkeypatch.setenv("JOBS", "2")
    assert build.seconds_left() == 80  # one chapter does not end sooner because two could run
    (progress.REPO / "notebooks" / "03_c.py").touch()  # a new one is taken to need the mean
    monkeypatch.setattr(progress, "MEAN", 25)
    assert progress.Build(build.folder).seconds_left() == 80
    monkeypatch.setattr(progress, "MEAN", 60)
    assert progress.Build(build.folder).seconds_left() == 120  # 80 and 120, two at a time


def test_usual_times_are_of_chapters_that_there_are() -> None:
    assert set(progress.USUAL) <= {p.stem for p in (REPO / "notebooks").glob("*.py")}


def test_a_run_is_spoken_of_while_it_trains(build: progress.Build) -> None:
    run = progress.REPO / "runs" / "tiny" / "resnet50-abc"
    run.mkdir(parents=True)
    (run / "config.json").write_text(json.dumps({"name": "resnet50", "epochs": 15}))
    (run / "history.jsonl").write_text("{}\n{}\n")
    assert build.in_training() == "resnet50 2 of 15 epochs"
    (run / "metrics.json").touch()
    assert build.in_training() == ""
    said = build.summary("x")
    assert "0 chapters executed in 0.0 processor minutes, 2 reused; 1 runs trained, 0 were" in said
    assert said.endswith("there\nopen x")


def test_lengths_are_minutes_and_seconds() -> None:
    assert [progress.clock(s) for s in (0, 75, 3600)] == ["0:00", "1:15", "60:00"]


def test_a_change_makes_the_book_again_and_a_failure_keeps_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(serve, "REPO", tmp_path)
    page = tmp_path / "book" / "index.md"
    page.parent.mkdir()
    page.write_text("first")
    made = tmp_path / "made.txt"
    script = f"import pathlib, sys; p = pathlib.Path({str(made)!r}); p.open('a').write('x'); "
    script += f"sys.exit('bad' in pathlib.Path({str(page)!r}).read_text())"
    asleep = iter(["changed", "bad", "same", "changed again"])

    def sleep(seconds: float) -> None:  # in the place of time: what happens between two looks
        text = next(asleep, None)
        if text is None:
            raise KeyboardInterrupt
        if text != "same":
            page.write_text(text)
            stamp = serve.state()[page] + 10**9
            os.utime(page, ns=(stamp, stamp))

    monkeypatch.setattr(serve.time, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        serve.watch([sys.executable, "-c", script])
    assert made.read_text() == "xxx"


def test_hidden_and_built_files_are_not_watched(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(serve, "REPO", tmp_path)
    for name in ("book/_build/x.html", "book/.x.swp", "imet/__pycache__/x.pyc", "imet/x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list(serve.state()) == [tmp_path / "imet" / "x.py"]
