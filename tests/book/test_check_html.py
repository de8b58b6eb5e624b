"""The checker finds each fault that is planted, and nothing in a sound page."""

from __future__ import annotations

import json
from pathlib import Path

import check_html
import pytest

SOUND = """<!DOCTYPE html><html><head>
<link rel="stylesheet" href="_static/a.css"><link rel="canonical" href="https://example.org/">
<script src="_static/a.js?v=1"></script></head><body>
<h1 id="top">Title</h1><a href="#top">up</a> <a href="sub/other.html#there">on</a>
<a href="https://example.org/">away</a> <a href="mailto:a@example.org">write</a>
<img src="_static/p.png" alt="A vessel"><img src="data:image/gif;base64,R0" alt="A dot">
{}</body></html>"""


def book(root: Path, fault: str = "", css: str = "body { background: url('p.png') }") -> Path:
    (root / "_static").mkdir()
    (root / "sub").mkdir()
    (root / "_static" / "a.css").write_text(css)
    (root / "_static" / "a.js").write_text("")
    (root / "_static" / "p.png").write_bytes(b"")
    (root / "sub" / "other.html").write_text("<p id='there'>Here</p><a href='../index.html'>b</a>")
    (root / "index.html").write_text(SOUND.format(fault))
    return root


def test_a_sound_book_has_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_html.check(book(tmp_path)) == []
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "a.ipynb").write_text(f'{{"cells": [], "x": "{"y" * 2_000_000}"}}')
    assert check_html.main([str(tmp_path)]) == 0
    assert "pages 0 MB, notebooks to take home 2 MB" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ('<a href="gone.html">x</a>', "no such file: gone.html"),
        ('<a href="#gone">x</a>', "no such anchor: #gone"),
        ('<a href="sub/other.html#gone">x</a>', "no such anchor: sub/other.html#gone"),
        ('<a href="../outside.html">x</a>', "leads out of the book"),
        ('<a href="/index.html">x</a>', "from the server's root"),
        ('<a href="file:///etc/passwd">x</a>', "odd kind"),
        ('<script src="https://cdn.example.org/x.js"></script>', "external resource: <script>"),
        ('<script src="//cdn.example.org/x.js"></script>', "external resource: <script>"),
        ('<link rel="stylesheet" href="https://x.org/x.css">', "external resource: <link>"),
        ('<link rel="preconnect" href="https://x.org">', "external resource: <link>"),
        ('<img src="https://x.org/x.png" alt="A cat">', "external resource: <img>"),
        ('<img src="p.png" srcset="https://x.org/x.png 2x" alt="A cat">', "external resource"),
        ('<iframe src="https://x.org/"></iframe>', "external resource: <iframe>"),
        ("<style>@import 'https://x.org/x.css';</style>", "external resource: <style>"),
        ('<p style="background: url(https://x.org/x.png)">x</p>', "external resource: <p>"),
        ('<video poster="https://x.org/x.png"></video>', "external resource: <video>"),
        ('<img src="_static/gone.png" alt="A cat">', "no such file: _static/gone.png"),
        ('<img src="_static/p.png">', "without alt text"),
        ('<img src="_static/p.png" alt=" ">', "without alt text"),
        ('<img src="_static/p.png" alt="_static/p.png">', "alt text is a file name"),
    ],
)
def test_a_planted_fault_is_found(tmp_path: Path, fault: str, complaint: str) -> None:
    faults = check_html.check(book(tmp_path, fault))
    assert any(complaint in line and line.startswith("index.html: ") for line in faults), faults
    assert check_html.main([str(tmp_path)]) == 1


def test_a_font_from_elsewhere_in_a_stylesheet_is_found(tmp_path: Path) -> None:
    css = "@font-face { src: url(https://fonts.example.org/a.woff2) }"
    assert "external resource" in check_html.check(book(tmp_path, css=css))[0]


def test_a_folder_without_a_book_is_a_fault(tmp_path: Path) -> None:
    assert "no index.html" in check_html.check(tmp_path)[0]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("F2 is {num}`test.f2:.3f`.", "raw role: {num}`test.f2:.3f"),
        ("see\n```{quote-doc} paper\nWords.\n```", "raw directive: ```{quote-doc} paper"),
        (":::{note}\nx\n:::", "raw directive: :::{note}"),
        ("(a-label)=\n## Title", "raw directive: (a-label)="),
    ],
)
def test_markup_left_in_a_notebook_is_found(tmp_path: Path, source: str, complaint: str) -> None:
    root = book(tmp_path)
    (root / "notebooks").mkdir()
    cells = [
        {"cell_type": "code", "source": ["print('{num}`in code is fine`')"]},
        {"cell_type": "markdown", "source": [line + "\n" for line in source.split("\n")]},
    ]
    (root / "notebooks" / "01_x.ipynb").write_text(json.dumps({"cells": cells}))
    assert check_html.check(root) == [f"notebooks/01_x.ipynb: {complaint}"]


def test_a_book_too_large_names_its_largest_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = book(tmp_path)
    (root / "notebooks").mkdir()
    (root / "notebooks" / "a.ipynb").write_text('{"cells": []}' + " " * 300_000)
    for i in range(8):
        (root / "_static" / f"{i}.png").write_bytes(b"x" * 100_000 * i)
    assert check_html.check(root) == []
    monkeypatch.setattr(check_html, "MOST", {"pages": 2e6, "notebooks to take home": 0.2e6})
    pages, notebooks = check_html.check(root)
    assert pages.startswith("pages: 2.8 MB, at most 2; largest: _static/7.png 0.7, ")
    assert "_static/3.png" in pages
    assert "_static/2.png" not in pages
    assert notebooks == (
        "notebooks to take home: 0.3 MB, at most 0; largest: notebooks/a.ipynb 0.3"
    )
    assert check_html.main([str(root)]) == 1
    assert pages in capsys.readouterr().out
