"""The finished book in a real browser: rendered, quiet, legible in the dark and on a phone."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from imet.io import REPO

HERE = Path(__file__).resolve().parent


def _load(name: str, path: Path):  # type: ignore[no-untyped-def]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


chrome = _load("chrome", HERE / "chrome.py")

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
if chrome.executable() is None:
    if os.environ.get("IMET_REQUIRE_BROWSER"):
        raise RuntimeError("IMET_REQUIRE_BROWSER is set and there is no Chromium on this machine")
    pytestmark.append(
        pytest.mark.skip(reason="no Chromium here: install it (Debian: apt install chromium)")
    )

MATHS = "Inline $\\sum_i \\alpha_i = 1$ and\n\n$$\\int_0^1 x \\, dx = \\tfrac12$$\n"
WIDE = "| " + " | ".join(["a wide column"] * 14) + " |\n|" + "---|" * 14 + "\n"
WIDE += "| " + " | ".join(["unbreakable"] * 14) + " |\n"
QUOTE = "\n```{quote-doc} paper\n:where: §3.1\nWe only trained the last FC layer.\n```\n"

# Contrast of text with what is behind it (WCAG 2), for every element that holds text.
CONTRAST = """
(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = colour => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1); const d = canvas.getImageData(0, 0, 1, 1).data;
    return [d[0], d[1], d[2], d[3] / 255]; };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
  const light = c => { const [r, g, b] = c.map(v => { v /= 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = e => { const layers = []; for (let n = e; n; n = n.parentElement) {
      const c = rgba(getComputedStyle(n).backgroundColor); layers.push(c); if (c[3] === 1) break; }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]); };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    const box = e.getBoundingClientRect();
    if (!own || !box.width || !box.height || !e.checkVisibility({opacityProperty: true,
        visibilityProperty: true})) continue;
    if (e.closest('script, style, .headerlink, mjx-container, svg, .skip-link, .copybtn')) continue;
    const ground = behind(e), ink = over(rgba(getComputedStyle(e).color), ground);
    const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${e.tagName}.${e.className} ${ratio.toFixed(2)} ` +
      e.textContent.trim().slice(0, 40));
  }
  return poor;
})()
"""
OVERFLOW = """
(() => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide <= 0) return [];
  return [`page: ${wide} px too wide`, ...[...document.querySelectorAll('main *')]
    .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .slice(0, 6).map(e => `${e.tagName}.${e.className}`)];
})()
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A strictly built book: the folder named by IMET_BOOK_HTML, or one on stand-in chapters."""
    if os.environ.get("IMET_BOOK_HTML"):
        return Path(os.environ["IMET_BOOK_HTML"]).resolve()
    folder = tmp_path_factory.mktemp("book")
    helper = _load("stand_ins", REPO / "tests" / "book" / "conftest.py")
    notebooks, results = helper.write_stand_ins(folder, MATHS + "\n" + WIDE + QUOTE)
    command = [sys.executable, REPO / "book" / "tools" / "build.py", "--notebooks", notebooks]
    command += ["--results", results, "--out", folder / "html", "--profile", "tiny", "--quiet"]
    made = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def pages(book: Path) -> list[Path]:
    """Every page of the book."""
    found = sorted(p for p in book.rglob("*.html") if "_static" not in p.parts)
    assert len(found) >= 9
    return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator:  # type: ignore[type-arg]
    """One browser for all tests of this file."""
    started = chrome.Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


def test_pages_render_without_errors_and_ask_no_other_server(browser, pages) -> None:  # type: ignore[no-untyped-def]
    browser.view(1300)
    for page in pages:
        browser.open(page.as_uri())
        assert browser.errors() == [], page.name
        elsewhere = [a for a in browser.requests() if not a.startswith(("file:", "data:"))]
        assert elsewhere == [], page.name
        assert browser.evaluate("document.querySelectorAll('h1').length") >= 1, page.name
        broken = browser.evaluate(
            "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
        )
        assert broken == [], page.name


def test_mathematics_is_set(browser, pages) -> None:  # type: ignore[no-untyped-def]
    browser.view(1300)
    seen = 0
    for page in pages:
        browser.open(page.as_uri())
        asked = browser.evaluate("document.querySelectorAll('.math').length")
        made = browser.evaluate("document.querySelectorAll('mjx-container svg').length")
        wrong = browser.evaluate("document.querySelectorAll('mjx-merror, [data-mjx-error]').length")
        assert made >= asked, page.name
        assert wrong == 0, page.name
        seen += made
    assert seen >= 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_legible(browser, pages, scheme: str) -> None:  # type: ignore[no-untyped-def]
    browser.view(1300, scheme=scheme)
    for page in pages:
        browser.open(page.as_uri())
        assert browser.evaluate("document.documentElement.dataset.theme") == scheme
        assert browser.evaluate(CONTRAST) == [], f"{page.name} in {scheme} mode"


def test_figures_stand_on_a_white_card_in_the_dark(browser, pages) -> None:  # type: ignore[no-untyped-def]
    browser.view(1300, scheme="dark")
    seen = 0
    for page in pages:
        browser.open(page.as_uri())
        grounds = browser.evaluate(
            "[...document.querySelectorAll('main figure img, main .cell_output img')]"
            ".map(i => getComputedStyle(i).backgroundColor)"
        )
        assert set(grounds) <= {"rgb(255, 255, 255)"}, page.name
        seen += len(grounds)
    assert seen >= 1


def test_no_page_is_wider_than_a_phone(browser, pages) -> None:  # type: ignore[no-untyped-def]
    browser.view(390, 844)
    for page in pages:
        browser.open(page.as_uri())
        assert browser.evaluate(OVERFLOW) == [], page.name


@pytest.mark.parametrize("width", [390, 1300])
def test_pictures_keep_their_aspect_ratio(browser, pages, width: int) -> None:  # type: ignore[no-untyped-def]
    browser.view(width)
    for page in pages:
        browser.open(page.as_uri())
        bent = browser.evaluate(
            """[...document.querySelectorAll('main img')].filter(i => i.naturalWidth > 99)
            .map(i => { const s = getComputedStyle(i), n = v => parseFloat(v) || 0;
              const w = i.clientWidth - n(s.paddingLeft) - n(s.paddingRight);
              const h = i.clientHeight - n(s.paddingTop) - n(s.paddingBottom);
              return [i.src, w / h / (i.naturalWidth / i.naturalHeight)]; })
            .filter(([, q]) => Math.abs(q - 1) > 0.02)"""
        )
        assert bent == [], page.name


def test_the_theme_can_be_switched(browser, book) -> None:  # type: ignore[no-untyped-def]
    browser.view(1300, scheme="light")
    browser.open((book / "index.html").as_uri())
    before = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    for _ in range(2):
        browser.evaluate("document.querySelector('.theme-switch-button').click()")
        if browser.evaluate("document.documentElement.dataset.theme") == "dark":
            break
    assert browser.evaluate("document.documentElement.dataset.theme") == "dark"
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") != before
    browser.evaluate("localStorage.clear()")


def test_search_finds_a_word_without_a_server(browser, book) -> None:  # type: ignore[no-untyped-def]
    browser.view(1300)
    browser.open((book / "search.html").as_uri() + "?q=floor")
    found = browser.evaluate(
        """new Promise(done => { let n = 0; const look = () => {
             const hits = document.querySelectorAll('#search-results li').length;
             if (hits || n++ > 100) done(hits); else setTimeout(look, 50); }; look(); })"""
    )
    assert found >= 1
