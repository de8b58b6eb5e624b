"""Print a finished book as a PDF, with an outline and a contents page whose links lead.

    python book/tools/pdf.py book/_build/html book/_build/imet.pdf

It is printed by this machine's Chromium, driven by Playwright.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from html import escape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from build import numbered
from lxml import html

from imet.io import REPO, InputError, atomic_path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

LINKED = {"href", "src", "srcset", "data"}


def chapters() -> list[str]:
    """Pages in the order of the table of contents, without file extensions."""
    toc = yaml.safe_load((REPO / "book" / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(c["file"] for part in toc["parts"] for c in part["chapters"])]


def one_page(book: Path) -> str:
    """The finished book as one page of HTML, whose links lead inside it.

    Ids repeat from page to page ("limits"), so each gets its page's number in front. Titles of
    chapters get their numbers.
    """
    names = [name for name in chapters() if (book / f"{name}.html").is_file()]
    number = {(book / f"{name}.html").resolve(): n for n, name in enumerate(names)}
    whole = html.fromstring((book / f"{names[0]}.html").read_bytes())
    articles, titles = [], []
    for n, name in enumerate(names):
        path = (book / f"{name}.html").resolve()
        page = html.fromstring(path.read_bytes())
        article = page.xpath("//article")[0]
        article.set("id", f"page-{n}")
        title = article.xpath("(.//h1)[1]")[0]
        if name.startswith("notebooks/"):  # the number that the sidebar shows
            title.text = numbered(path, title.text)
        titles.append(" ".join(title.xpath("string()").split()).rstrip("#"))
        for element in article.iter():
            for key, value in element.attrib.items():
                if key == "id" and element is not article:
                    element.set(key, f"{n}-{value}")
                elif key in LINKED:
                    element.set(key, _inside(value, path, n, number, book.resolve()))
        articles.append(article)
    for theme in whole.xpath("//*[@id='jb-print-docs-body']"):  # the theme's title and contents
        theme.getparent().remove(theme)
    first = whole.xpath("//article")[0]
    items = "".join(
        f'<li><a href="#page-{n}">{escape(t)}</a></li>' for n, t in enumerate(titles) if n
    )
    contents = f'<nav class="printed-contents"><p>Contents</p><ol>{items}</ol></nav>'
    box = first.getparent()
    box.remove(first)
    box.extend([articles[0], html.fromstring(contents), *articles[1:]])
    return html.tostring(whole, encoding="unicode", doctype="<!DOCTYPE html>")


def _inside(address: str, path: Path, n: int, number: dict[Path, int], root: Path) -> str:
    """An address as seen from the one page, in which the book's pages are places."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or address.startswith("data:"):
        return address
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target in number:
        return (
            f"#{number[target]}-{parts.fragment}" if parts.fragment else f"#page-{number[target]}"
        )
    return Path(os.path.relpath(target, root)).as_posix()


def browser_here() -> str:
    """Path of this machine's Chromium."""
    path = next((p for name in BROWSERS if (p := shutil.which(name))), None)
    if path is None:
        raise InputError("no Chromium here, which prints the book: apt install chromium")
    return path


def print_book(book: Path, out: Path) -> None:
    """Print a finished book."""
    browser_path = browser_here()
    from playwright.sync_api import sync_playwright

    page = book / ".whole.html"
    page.write_text(one_page(book), encoding="utf-8")
    try:
        with sync_playwright() as driver, atomic_path(out) as temporary:
            browser = driver.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
            tab = browser.new_page(color_scheme="light")
            tab.goto(page.resolve().as_uri(), wait_until="load", timeout=300_000)
            tab.evaluate("window.MathJax ? MathJax.startup.promise.then(() => 1) : 1")
            tab.pdf(
                path=temporary,
                format="A4",
                margin={"top": "18mm", "bottom": "18mm", "left": "16mm", "right": "16mm"},
                print_background=True,
                outline=True,
                tagged=True,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template="<div style='width:100%;text-align:center;font-size:8px'>"
                "<span class='pageNumber'></span></div>",
            )
            browser.close()
    finally:
        page.unlink()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("book", type=Path, help="folder of a finished book")
    parser.add_argument("out", type=Path, help="the PDF to make")
    o = parser.parse_args()
    try:
        print_book(o.book, o.out.absolute())
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"open {o.out} ({o.out.stat().st_size / 1e6:.0f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
