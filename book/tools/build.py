"""Build the book from its pages and executed notebooks: a new book, or the old one untouched.

    python book/tools/build.py --notebooks DIR --results RUNS --out book/_build/html

A fresh source tree is put together from `book/`, the executed notebooks and the results files of
the profile, and built strictly (`-W -n --all`) into a fresh folder: an incremental strict build
hides faults. Only a book that was built and passed `check_html.py` is moved into place.
The address of the published book, for sitemap and previews, comes from the variable BOOK_URL.
"""

from __future__ import annotations

import argparse
import base64
import ctypes
import importlib.metadata
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import yaml
from own_code import require_own_code
from PIL import Image
from progress import seconds_of

from imet.config import get_profile, resolve
from imet.io import REPO, InputError, file_lock, write_json
from imet.report.reported import finished_runs, reported_beside_ours
from imet.report.tables import by_earlier_code
from imet.runs import Run, is_whole

BOOK = REPO / "book"
LEFT_OUT = shutil.ignore_patterns("_build", "__pycache__", ".*", "tools", "slides")
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
SHOWN = re.compile(r"_figures/([\w-]+)\.png")
DEFAULT_URL = "https://example.org/imet/"
# Energy is estimated, not measured: what a busy core draws at the plug with its share of memory,
# board and power supply (less in a laptop, more in an old workstation), at a household's price.
WATTS, PRICE = 15, 0.30  # W per core; US dollars per kilowatt-hour
SHOWN_VERSIONS = ("python", "torch", "torchvision", "timm", "numpy", "jupyter-book", "imet")


def chapters(toc: dict[str, Any]) -> list[str]:
    """Names of the notebooks that the table of contents lists."""
    files = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    return [name.removeprefix("notebooks/") for name in files if name.startswith("notebooks/")]


def only_existing(toc: dict[str, Any], notebooks: Path) -> dict[str, Any]:
    """The table of contents without chapters that were not executed (for previews and tests)."""
    for part in toc["parts"]:
        part["chapters"] = [
            c
            for c in part["chapters"]
            if not c["file"].startswith("notebooks/")
            or (notebooks / f"{Path(c['file']).name}.ipynb").is_file()
        ]
    toc["parts"] = [part for part in toc["parts"] if part["chapters"]]
    return toc


def number_chapters(toc: dict[str, Any], notebooks: Path) -> None:
    """Put a chapter's number before its title in the sidebar, as `CHAPTERS="03 05"` names it."""
    for chapter in (c for part in toc["parts"] for c in part["chapters"]):
        if chapter["file"].startswith("notebooks/"):
            path = notebooks / f"{Path(chapter['file']).name}.ipynb"
            cells = nbformat.read(path, as_version=4).cells
            prose = "\n".join(c.source for c in cells if c.cell_type == "markdown")
            title = TITLE.findall(prose)[0]
            chapter["title"] = numbered(path, title.replace("'", "’"))  # as Sphinx sets it


def numbered(path: Path, title: str) -> str:
    """A chapter's title with its number before it: `03 · The baseline`."""
    return f"{path.stem.partition('_')[0]} · {title}"


def git_commit() -> str:
    """The commit, with a plus sign where tracked files differ from it."""
    try:
        command = ["git", "-C", str(REPO)]
        commit = subprocess.run(
            [*command, "rev-parse", "--short=12", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        changed = subprocess.run(
            [*command, "status", "--porcelain", "--untracked-files=no"],
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "no git"
    return commit + ("+" if changed else "")


def build_provenance(profile: str, pages: list[dict[str, Any]]) -> dict[str, Any]:
    """Provenance of the book as a whole: what its chapters agree on, and this build's own facts."""

    def common(field: str) -> str:
        values = sorted({str(p["provenance"].get(field)) for p in pages})
        return values[0] if len(values) == 1 else ", ".join(values) or "none"

    versions = {"python": platform.python_version()}
    for name in SHOWN_VERSIONS[1:]:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "profile": profile,
        "pictures": get_profile(profile).data,
        "seed": common("seed"),
        "device": common("device"),
        "commit": git_commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": versions,
    }


def copy_results(results: Path, profile: str, tree: Path) -> None:
    """Put the results files of pages and of recorded studies where the book's roles look.

    A folder `pages/<name>/` holds files that the page of that name links to; the book has them as
    `_static/pages/<name>/`. Recorded studies and their arrays are `_static/results/` for readers.
    """
    target = tree / "_results"
    target.mkdir()
    pages = []
    for path in sorted((results / profile / "pages").glob("*.json")):
        shutil.copy(path, target / path.name)
        pages.append(json.loads(path.read_text(encoding="utf-8")))
        if path.with_suffix("").is_dir():
            shutil.copytree(path.with_suffix(""), tree / "_static" / "pages" / path.stem)
    earlier = {}
    for path in sorted((REPO / "results").rglob("*.json")):
        name = path.relative_to(REPO / "results").with_suffix("")
        copy = target / "recorded" / f"{name}.json"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
        rows = json.loads(path.read_text(encoding="utf-8")).get("values", {})
        earlier[f"recorded/{name}"] = [v for v in rows if by_earlier_code(rows[v])]
        for each in (path, path.with_suffix(".npz")):
            if each.is_file():
                shown = tree / "_static" / each.relative_to(REPO)
                shown.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(each, shown)
    write_json(target / "_earlier.json", earlier)
    write_json(target / "_build.json", {"provenance": build_provenance(profile, pages)})
    write_json(target / "_beside.json", reported_beside_ours(profile))
    write_json(target / "_cards.json", model_cards(profile))


def model_cards(profile: str) -> dict[str, Any]:
    """What the cards of models say, by recipe: settings, metrics, and the labels that are given."""
    cards = {}
    for name, (folder, metrics) in finished_runs(profile).items():
        if not is_whole(folder):
            continue
        recipe = resolve(name, profile)
        run = Run(folder, recipe, profile, None, metrics)  # type: ignore[arg-type]  # parts unused
        predicted = run.predicted("test")
        cards[name] = {
            "recipe": asdict(recipe),
            "documents_backbone": resolve(name, "kaggle").backbone,
            "profile": profile,
            "pictures": get_profile(profile).data,
            "run": folder.name,
            "metrics": metrics,
            "rule": run.rule.describe().partition(";")[0],
            "given": {
                "never": int((~predicted.any(0)).sum()),
                "half": int((predicted.mean(0) > 0.5).sum()),
                "empty": int((~predicted.any(1)).sum()),
            },
        }
    return cards


def copy_notebooks(
    notebooks: Path, names: list[str], tree: Path, shown: set[str] | None = None
) -> None:
    """Copy executed notebooks, and the figures `shown` on other pages as PNG; all if it is None."""
    missing = [name for name in names if not (notebooks / f"{name}.ipynb").is_file()]
    if missing:
        raise InputError(
            f"{notebooks}: {', '.join(missing)} not executed; run `make notebooks`, "
            "or pass --preview"
        )
    (tree / "notebooks").mkdir()
    (tree / "_figures").mkdir()
    seconds = {}
    for name in names:
        path = notebooks / f"{name}.ipynb"
        if path.with_suffix(".times").is_file():
            seconds[name] = seconds_of(path)
        shutil.copy(path, tree / "notebooks")
        for cell in nbformat.read(path, as_version=4).cells:
            figure = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
            for output in cell.get("outputs", []):
                pictures = output.get("data", {})
                target = tree / "_figures" / f"{figure}.png"
                if not figure or (shown is not None and figure not in shown):
                    continue
                if "image/png" in pictures:
                    target.write_bytes(base64.b64decode(pictures["image/png"]))
                elif "image/jpeg" in pictures:  # pages name a PNG, whatever it was
                    data = io.BytesIO(base64.b64decode(pictures["image/jpeg"]))
                    Image.open(data).save(target)
    hours = sum(of_processors for _, of_processors in seconds.values()) / 3600
    reckoned = {
        "watts": WATTS,
        "price": PRICE,
        "processor_minutes": 60 * hours,
        "watt_hours": hours * WATTS,
        "cents": hours * WATTS / 1000 * PRICE * 100,
    }
    write_json(tree / "_results" / "_times.json", {"values": reckoned, "seconds": seconds})


def copy_mathjax(tree: Path) -> None:
    """Copy MathJax's one self-contained file from its package: no page asks the network for it."""
    files = importlib.metadata.files("sphinx-mathjax-offline") or []
    source = next(Path(str(f.locate())) for f in files if f.name == "tex-svg.js")
    target = tree / "_static" / "mathjax"
    target.mkdir(parents=True)
    shutil.copy(source, target)


def copy_plotly(tree: Path) -> None:
    """Copy Plotly's one file from its package; only the page of the explorers loads it."""
    files = importlib.metadata.files("plotly") or []
    source = next(Path(str(f.locate())) for f in files if f.name == "plotly.min.js")
    (tree / "_static" / "plotly").mkdir()
    shutil.copy(source, tree / "_static" / "plotly")


def assemble(tree: Path, notebooks: Path, results: Path, profile: str, preview: bool) -> None:
    """Put the whole source of the book together in `tree`."""
    shutil.copytree(BOOK, tree, ignore=LEFT_OUT)
    toc = yaml.safe_load((tree / "_toc.yml").read_text(encoding="utf-8"))
    if preview:
        toc = only_existing(toc, notebooks)
    config = yaml.safe_load((tree / "_config.yml").read_text(encoding="utf-8"))
    url = os.environ.get("BOOK_URL", DEFAULT_URL).rstrip("/") + "/"
    config["html"]["baseurl"] = url
    config["sphinx"]["config"].update(html_baseurl=url, ogp_site_url=url)
    (tree / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")

    copy_results(results, profile, tree)
    for name in ("CHANGELOG.md", "CITATION.cff"):  # shown on the page of releases
        shutil.copy(REPO / name, tree / "_results")
    pages = "".join(page.read_text(encoding="utf-8") for page in tree.glob("*.md"))
    copy_notebooks(notebooks, chapters(toc), tree, set(SHOWN.findall(pages)))
    number_chapters(toc, notebooks)
    (tree / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
    copy_mathjax(tree)
    copy_plotly(tree)


def put_in_place(new: Path, out: Path) -> None:
    """Move a finished folder to `out`, swapped in one step where the system can do that."""
    with file_lock(out):
        _put_in_place(new, out)


def _put_in_place(new: Path, out: Path) -> None:
    for left in out.parent.glob(f".{out.name}.*.new"), out.parent.glob(f".{out.name}.*.old"):
        for folder in left:  # by a killed build
            shutil.rmtree(folder, ignore_errors=True)
    staged = out.with_name(f".{out.name}.{os.getpid()}.new")
    shutil.rmtree(staged, ignore_errors=True)
    try:
        shutil.move(new, staged)
    except BaseException:  # a full disk: what was copied so far would keep it full
        shutil.rmtree(staged, ignore_errors=True)
        raise
    if out.exists():
        if not _exchange(staged, out):
            old = out.with_name(f".{out.name}.{os.getpid()}.old")
            out.rename(old)
            staged.rename(out)
            staged = old
        shutil.rmtree(staged)
    else:
        staged.rename(out)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders atomically (Linux's renameat2); False where that is not available."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    here, exchange = -100, 2
    return rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0


def build(
    notebooks: Path, results: Path, out: Path, profile: str, preview: bool, quiet: bool
) -> None:
    """Build the book at `out`, or raise and leave what is there unchanged."""
    with tempfile.TemporaryDirectory(prefix="imet-book-") as name:
        tree = Path(name) / "book"
        assemble(tree, notebooks, results, profile, preview)
        command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
        command += ["build", str(tree)]
        command += ["--all", "--path-output", str(Path(name) / "made")]
        if not preview:
            command += ["-W", "-n", "--keep-going"]
        if quiet:
            command.append("-q")
        environment = {**os.environ, "PYTHONPATH": str(tree / "_ext"), "JUPYTER_NO_CONFIG": "1"}
        if subprocess.run(command, env=environment).returncode:
            raise InputError("the book was not built: mend the warnings above")
        html = Path(name) / "made" / "_build" / "html"
        for left_over in (".doctrees", ".buildinfo", "_sources"):
            path = html / left_over
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        (html / ".nojekyll").touch()
        checker = [sys.executable, str(BOOK / "tools" / "check_html.py"), str(html)]
        if subprocess.run(checker).returncode and not preview:
            raise InputError("the book was built with the faults above")
        put_in_place(html, out.absolute())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--notebooks", type=Path, required=True, help="executed .ipynb files")
    parser.add_argument("--results", type=Path, required=True, help="holds PROFILE/pages/*.json")
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished HTML")
    parser.add_argument("--profile", default="sample")
    parser.add_argument(
        "--preview", action="store_true", help="without chapters not executed, and not strict"
    )
    parser.add_argument("--quiet", action="store_true", help="print warnings only")
    o = parser.parse_args(arguments)
    try:
        require_own_code()
        build(o.notebooks, o.results, o.out, o.profile, o.preview, o.quiet)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # a full disk
        of_copies = isinstance(error, shutil.Error)
        reason = error.args[0][0][-1] if of_copies else error
        print(f"error: {o.out} is as it was, no new book was made: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
