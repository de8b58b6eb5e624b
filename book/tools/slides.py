"""Two decks of slides as PDF, from `book/slides/*.md`, with the book's own numbers and figures.

    python book/tools/slides.py --notebooks build/sample/notebooks --results runs --profile sample \
        --out book/_build/slides

Slides are separated by `---`. A number is bound as on a page, with the page's name before a slash;
a picture `![what it shows](fig-name)` is the figure of that name from an executed chapter.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from html import escape
from pathlib import Path
from shutil import copy

from build import BOOK, copy_notebooks, copy_results
from markdown_it import MarkdownIt
from pdf import browser_here

sys.path.insert(0, str(BOOK / "_ext"))
from imet_values import UnknownValue, Values

from imet.io import InputError, atomic_path

NUMBER = re.compile(r"\{num\}`([^`]+)`")
STYLE = """
@page { size: 254mm 143mm; margin: 0; }
* { box-sizing: border-box; }
body { margin: 0; font: 15pt/1.45 "Noto Sans", "Liberation Sans", sans-serif; color: #211f1c; }
section { width: 254mm; height: 143mm; padding: 12mm 16mm; break-after: page; overflow: hidden;
  background: #fcfaf6; display: flex; flex-direction: column; }
h1, h2 { font-family: "Noto Serif", Georgia, serif; font-weight: 600; margin: 0 0 5mm; }
h1 { font-size: 30pt; margin-top: auto; } h1 + p { margin-bottom: auto; }
h2 { font-size: 21pt; color: #6d2320; }
p, ul, table { margin: 0 0 4mm; } li { margin: 1.5mm 0; }
img { max-width: 100%; max-height: 100%; object-fit: contain; }
p:has(img) { flex: 1 1 0; min-height: 0; display: flex; justify-content: center; }
table { border-collapse: collapse; } td, th { padding: 1.5mm 5mm 1.5mm 0; text-align: left;
  border-bottom: 1px solid #ddd6c8; }
footer { margin-top: auto; padding-top: 3mm; font-size: 9pt; color: #5b564e; }
"""


def deck(text: str, values: Values, figures: Path, note: str) -> str:
    """One deck as HTML; an unknown number or figure raises InputError that names it."""

    def bound(match: re.Match[str]) -> str:
        try:
            return values.text(match[1], "")[0]
        except UnknownValue as error:
            raise InputError(f"slides: {match[0]}: {error}") from error

    def figure(match: re.Match[str]) -> str:
        path = figures / f"{match[2]}.png"
        if not path.is_file():
            raise InputError(f"slides: no figure {match[2]} in the executed chapters")
        return f"![{match[1]}]({figures.name}/{path.name})"  # beside the page

    text = re.sub(r"!\[([^\]]*)\]\(([\w-]+)\)", figure, NUMBER.sub(bound, text))
    markdown = MarkdownIt("commonmark").enable("table")
    slides = [markdown.render(part) for part in re.split(r"^---$", text, flags=re.MULTILINE)]
    body = "".join(
        f"<section>{slide}<footer>{escape(note)} · {n}</footer></section>"
        for n, slide in enumerate(slides, 1)
    )
    return (
        f"<!DOCTYPE html><html lang='en'><meta charset='utf-8'><style>{STYLE}</style>{body}</html>"
    )


def make(notebooks: Path, results: Path, profile: str, out: Path) -> list[Path]:
    """Print every deck; returns the PDFs."""
    browser_path = browser_here()
    from playwright.sync_api import sync_playwright

    decks = []
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="imet-slides-") as name, sync_playwright() as driver:
        tree = Path(name)
        copy(BOOK / "reported.csv", tree)
        copy_results(results, profile, tree)
        copy_notebooks(notebooks, sorted(p.stem for p in notebooks.glob("*.ipynb")), tree)
        values = Values(tree)
        browser = driver.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for source in sorted((BOOK / "slides").glob("*.md")):
            note = f"made on the profile {profile}; no number of ours is a reproduction"
            note = note if profile != "kaggle" else "made on the profile kaggle"
            page = tree / f"{source.stem}.html"
            text = source.read_text(encoding="utf-8")
            page.write_text(deck(text, values, tree / "_figures", note), encoding="utf-8")
            tab = browser.new_page()
            tab.goto(page.as_uri(), wait_until="load")
            with atomic_path(out / f"{source.stem}.pdf") as temporary:
                tab.pdf(
                    path=temporary, prefer_css_page_size=True, print_background=True, outline=True
                )
            decks.append(out / f"{source.stem}.pdf")
        browser.close()
    return decks


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--notebooks", type=Path, required=True, help="executed .ipynb files")
    parser.add_argument("--results", type=Path, required=True, help="holds PROFILE/pages/*.json")
    parser.add_argument("--profile", default="sample")
    parser.add_argument("--out", type=Path, required=True, help="folder of the PDFs")
    o = parser.parse_args()
    try:
        decks = make(o.notebooks, o.results, o.profile, o.out)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("open " + " ".join(map(str, decks)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
