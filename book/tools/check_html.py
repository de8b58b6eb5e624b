"""Check a finished book.

    python book/tools/check_html.py book/_build/html

Links and anchors must resolve, nothing may be loaded from elsewhere, pictures must have alternative
texts, and notebooks to take home no markup that Jupyter would show raw; pages and notebooks stay
small enough to be fetched and read. Prints one line per fault; the exit code is 1 if there is any.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lxml import html

# What a page loads by itself, unlike `a href`, which a reader has to follow.
LOADED = {
    "script": ["src"],
    "img": ["src", "srcset"],
    "iframe": ["src"],
    "embed": ["src"],
    "object": ["data"],
    "source": ["src", "srcset"],
    "video": ["src", "poster"],
    "audio": ["src"],
    "track": ["src"],
    "image": ["href"],
    "use": ["href"],
}
LOADING_RELS = {"stylesheet", "preload", "icon", "shortcut", "apple-touch-icon", "manifest"}
LOADING_RELS |= {"preconnect", "dns-prefetch", "prefetch", "modulepreload", "search"}
IN_CSS = re.compile(r"url\(\s*['\"]?([^'\")]+)['\"]?\s*\)|@import\s+['\"]([^'\"]+)['\"]")
RAW_ROLE = re.compile(r"\{[\w:-]+\}`[^`\n]*")
RAW_DIRECTIVE = re.compile(r"^(?:`{3,}|:{3,})\{.*|^\([\w-]+\)=$", re.MULTILINE)
MOST = {"pages": 60e6, "notebooks to take home": 40e6}  # bytes
PICTURE_NAME = re.compile(r"\.(png|jpe?g|gif|svg|webp)$", re.IGNORECASE)


def is_external(address: str) -> bool:
    """Whether an address leads out of the book (`data:` does not)."""
    parts = urlsplit(address.strip())
    return bool(parts.netloc) or parts.scheme in {"http", "https", "ftp", "ws", "wss"}


@cache
def parsed(path: Path) -> html.HtmlElement:
    """One page, parsed once."""
    return html.fromstring(path.read_bytes())


@cache
def anchors(path: Path) -> frozenset[str]:
    """Every id and anchor name of a page."""
    return frozenset(parsed(path).xpath("//@id")) | frozenset(parsed(path).xpath("//a/@name"))


def resolve(page: Path, address: str, root: Path) -> str | None:
    """Say what is wrong with an internal address; None if nothing is."""
    parts = urlsplit(address.strip())
    target = page if not parts.path else (page.parent / unquote(parts.path)).resolve()
    if parts.path.startswith("/"):
        return f"address from the server's root: {address}"
    if root not in target.parents and target != root:
        return f"leads out of the book: {address}"
    if target.is_dir():
        target = target / "index.html"
    if not target.is_file():
        return f"no such file: {address}"
    fragment = unquote(parts.fragment)
    if fragment and target.suffix == ".html" and fragment not in anchors(target):
        return f"no such anchor: {address}"
    return None


def loaded_addresses(element: html.HtmlElement) -> list[str]:
    """Addresses that one element makes a browser load."""
    addresses: list[str] = []
    for name in LOADED.get(str(element.tag), []):
        value = element.get(name)
        if value and name == "srcset":
            addresses += [part.split()[0] for part in value.split(",") if part.strip()]
        elif value:
            addresses.append(value)
    rels = set((element.get("rel") or "").lower().split())
    if element.tag == "link" and rels & LOADING_RELS:
        addresses.append(element.get("href") or "")
    css = (element.get("style") or "") + ((element.text or "") if element.tag == "style" else "")
    return addresses + ["".join(pair) for pair in IN_CSS.findall(css)]


def check_page(page: Path, root: Path) -> list[str]:
    """Faults of one page."""
    faults = []
    for element in parsed(page).iter():
        if not isinstance(element.tag, str):
            continue
        for address in loaded_addresses(element):
            if is_external(address):
                faults.append(f"external resource: <{element.tag}> {address}")
            elif not address.startswith(("data:", "#", "about:")):
                faults.append(resolve(page, address, root))
        if element.tag == "img":
            alt = (element.get("alt") or "").strip()
            source = Path(urlsplit(element.get("src") or "").path).name
            if not alt:
                faults.append(f"picture without alt text: {source}")
            elif PICTURE_NAME.search(alt) or alt == source:
                faults.append(f"alt text is a file name: {alt}")
        if element.tag == "a" and (address := element.get("href")):
            scheme = urlsplit(address).scheme
            if not scheme and not address.startswith("//"):
                faults.append(resolve(page, address, root))
            elif scheme not in {"http", "https", "mailto"}:
                faults.append(f"address of an odd kind: {address}")
    return [fault for fault in faults if fault]


def check_stylesheet(path: Path, root: Path) -> list[str]:
    """External resources of one stylesheet."""
    text = path.read_text(encoding="utf-8", errors="replace")
    addresses = ["".join(pair) for pair in IN_CSS.findall(text)]
    return [f"external resource: {a}" for a in addresses if is_external(a)]


def check_notebook(path: Path) -> list[str]:
    """MyST left in a notebook to take home, where Jupyter would show it raw."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    prose = [cell["source"] for cell in cells if cell["cell_type"] == "markdown"]
    text = "\n\n".join("".join(source) for source in prose)
    raw = [f"raw role: {match[0]}" for match in RAW_ROLE.finditer(text)]
    return raw + [f"raw directive: {match[0]}" for match in RAW_DIRECTIVE.finditer(text)]


def sizes(root: Path) -> dict[str, dict[Path, int]]:
    """Bytes of every file of a book, those of pages apart from notebooks to take home."""
    groups: dict[str, dict[Path, int]] = {name: {} for name in MOST}
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        group = "notebooks to take home" if path.suffix == ".ipynb" else "pages"
        groups[group][path.relative_to(root)] = path.stat().st_size
    return groups


def check_sizes(groups: dict[str, dict[Path, int]]) -> list[str]:
    """Which of the two groups is too large, and its five largest files."""
    faults = []
    for name, files in groups.items():
        if (total := sum(files.values())) > MOST[name]:
            largest = sorted(files.items(), key=lambda item: -item[1])[:5]
            listed = ", ".join(f"{path} {size / 1e6:.1f}" for path, size in largest)
            limit = MOST[name] / 1e6
            faults.append(f"{name}: {total / 1e6:.1f} MB, at most {limit:.0f}; largest: {listed}")
    return faults


def check(root: Path) -> list[str]:
    """Every fault of a book, as `page: fault`."""
    root = root.resolve()
    pages = sorted(p for p in root.rglob("*.html") if "_static" not in p.parts)
    if not (root / "index.html").is_file():
        return [f"{root}: no index.html; build the book first"]
    faults = []
    for page in pages:
        faults += [f"{page.relative_to(root)}: {fault}" for fault in check_page(page, root)]
    for path in sorted(root.rglob("*.css")):
        faults += [f"{path.relative_to(root)}: {f}" for f in check_stylesheet(path, root)]
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        faults += [f"{path.relative_to(root)}: {fault}" for fault in check_notebook(path)]
    return faults + check_sizes(sizes(root))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("root", type=Path, help="folder of the finished HTML")
    root = parser.parse_args(arguments).root
    faults = check(root)
    print(
        "\n".join(faults) if faults else "every link, anchor, resource, alt text and size is sound"
    )
    totals = {name: sum(files.values()) / 1e6 for name, files in sizes(root).items()}
    print(", ".join(f"{name} {total:.0f} MB" for name, total in totals.items()))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
