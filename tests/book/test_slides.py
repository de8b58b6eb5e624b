"""Slides have the book's numbers and figures, or say what is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import slides
from imet_values import Values

from imet.io import REPO, InputError

DECKS = sorted((REPO / "book" / "slides").glob("*.md"))


def values(tmp_path: Path) -> Values:
    (tmp_path / "reported.csv").write_text("key,value\npaper.a.f2,0.327\n")
    return Values(tmp_path)


def test_slides_are_parted_numbered_and_bound(tmp_path: Path) -> None:
    (tmp_path / "fig-a.png").write_bytes(b"picture")
    text = "# F2 is {num}`reported/paper.a.f2:.2f`\n\n---\n\n![A curve](fig-a)\n"
    html = slides.deck(text, values(tmp_path), tmp_path, "tiny")
    assert html.count("<section>") == 2
    assert "F2 is 0.33" in html
    assert f'src="{tmp_path.name}/fig-a.png" alt="A curve"' in html
    assert "tiny · 2" in html


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{num}`reported/paper.b.f2:.2f`", r"paper\.b\.f2"),
        ("![A curve](fig-none)", "no figure fig-none"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        slides.deck(text, values(tmp_path), tmp_path, "tiny")


@pytest.mark.parametrize("path", DECKS, ids=lambda path: path.stem)
def test_a_decks_figures_are_those_of_chapters(path: Path) -> None:
    captions = "\n".join(p.read_text(encoding="utf-8") for p in (REPO / "notebooks").glob("*.py"))
    text = path.read_text(encoding="utf-8")
    figures = re.findall(r"\]\(([\w-]+)\)", text)
    assert figures
    for name in figures:
        assert f"{{caption}} {name}\n" in captions, name
    assert 6 <= text.count("\n---\n") <= 12


@pytest.mark.parametrize("path", DECKS, ids=lambda path: path.stem)
def test_the_page_for_instructors_says_what_a_deck_holds(path: Path) -> None:
    page = " ".join((REPO / "book" / "teaching.md").read_text(encoding="utf-8").split())
    slides_of = page.partition(f"- `{path.stem}.pdf`")[2].partition("`")[0]
    titles = re.findall(r"^## (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    places = [slides_of.find(title.rstrip("?")) for title in titles]
    assert -1 not in places, titles
    assert places == sorted(places)
