"""The directive `beside-table`: every reported number beside ours, to filter and to sort.

Ours come from the newest runs of this code on the book's profile (`_results/_beside.json`, which
`build.py` writes) and from recorded studies; each says where it comes from.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from imet_reported import MODELS, NAMES, SPLITS
from imet_values import write
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

METRIC_IN_STUDIES = {"auc": "auc_macro"}
STATUS = {"stated": "text or table", "as_coded": "published code", "context": "elsewhere"}
HEADINGS = ("Where", "What", "Reported", "This build", "Drawings", "Photographs", "Evidence")
# Variants of recorded studies that are a recipe's own row, epochs and all, under another name.
SAME_ROW = {
    ("equal_length", "AttnCNN-RNN"): "attn_cnn_rnn",
    ("equal_length", "AttnCNN-RNN + HOG"): "attn_cnn_rnn_hog",
}
Recorded = dict[tuple[str, str, str], tuple[dict[str, Any], str]]


def recorded_values(folder: Path, earlier: dict[str, list[str]], within: str = "") -> Recorded:
    """Estimates of recorded studies by (recipe, part, measure), for variants that change no rule.

    A variant stands for a recipe if it carries the recipe's name or is listed in `SAME_ROW`. Of
    several, one by the present code goes first, then the newest. `within` is `"met/"` for
    photographs.
    """
    found = []
    for path in sorted((folder / within).glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        variants = content.get("values", {})
        date = content.get("provenance", {}).get("date", "")
        for name, variant in variants.items() if isinstance(variants, dict) else ():
            recipe = SAME_ROW.get((path.stem, name), name)
            if not isinstance(variant, dict) or variant.get("recipe") != recipe:
                continue
            old = name in earlier.get(f"recorded/{within}{path.stem}", [])
            source = recording(within + path.name) + f", {escape(name)}" + " (earlier code)" * old
            found.append((not old, date, recipe, variant, source))
    values: Recorded = {}
    for *_, recipe, variant, source in sorted(found, key=lambda each: each[:2], reverse=True):
        for part in ("val", "test"):
            for measure, estimate in variant.get(part, {}).items():
                values.setdefault((recipe, part, measure), (estimate, source))
    return values


def link(address: str, text: str) -> str:
    """A link as HTML."""
    return f'<a href="{escape(address)}">{escape(text)}</a>'


def recording(name: str) -> str:
    """A link to the file of a recorded study; `name` is relative to `results/`."""
    return link(f"_static/results/{name}", f"results/{name}")


def studies(folder: Path, sources: Iterable[str]) -> str:
    """The files that some of `sources` name, with the provenance of each, as an HTML table."""
    body = []
    for path in sorted(folder.rglob("*.json")):
        name = path.relative_to(folder).as_posix()
        if any(source.startswith(recording(name)) for source in sources):
            about = json.loads(path.read_text(encoding="utf-8"))["provenance"]
            seeds = ", ".join(map(str, about.get("seeds", [])))
            cells = about.get("profile"), seeds, about.get("device"), about.get("commit")
            cells = [recording(name), *(escape(str(each or "–")) for each in cells)]
            body.append(f"<tr><td>{'</td><td>'.join(cells)}</td></tr>")
    head = "".join(
        f'<th scope="col">{each}</th>' for each in ("File", "Profile", "Seeds", "Device", "Commit")
    )
    return (
        '<div class="table-scroll"><table class="table beside-studies"><thead><tr>'
        f"{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def chapters_of_rows(results: Path, pages: Iterable[str]) -> dict[tuple[str, str], str]:
    """The first chapter, of the book's `pages`, that records a recipe's row: by recipe and part."""
    found: dict[tuple[str, str], str] = {}
    for path in sorted(results.glob("[0-9]*.json")):
        if f"notebooks/{path.stem}" not in pages:
            continue
        rows = json.loads(path.read_text(encoding="utf-8"))["values"].get("rows", {})
        for recipe, row in rows.items():
            for part in {"val", "test"} & set(row):
                found.setdefault((recipe, part), path.stem)
    return found


def chapter(name: str) -> str:
    """A link to a chapter, by its number."""
    return link(f"notebooks/{name}.html", f"chapter {name.partition('_')[0]}")


def place(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """Recipe, part and measure of a reported number."""
    return row["model"], row["split"], METRIC_IN_STUDIES.get(row["metric"], row["metric"])


def cell(estimate: Any) -> str:
    """A value over its interval, as HTML; a dash for none."""
    if not isinstance(estimate, dict) or estimate.get("value") is None:
        return "–"
    text = write(float(estimate["value"]), ".3f")
    if estimate.get("low") is not None:
        low, high = (write(float(estimate[end]), ".3f") for end in ("low", "high"))
        text += f'<br><span class="interval">[{low}, {high}]</span>'
    return text


def table(
    rows: list[dict[str, Any]],
    drawings: Recorded,
    photographs: Recorded,
    chapters: Mapping[tuple[str, str], str],
) -> str:
    """The whole table as HTML; `chapters` record rows, by recipe and part."""
    head = "".join(f'<th scope="col">{name}</th>' for name in HEADINGS)
    body = []
    names = Counter(
        (r["metric"], r["model"], r["split"]) for r in rows if r["document"] == "context"
    )
    for row in rows:
        recorded = [each.get(place(row), (None, "")) for each in (drawings, photographs)]
        what = [NAMES.get(row["metric"], row["metric"]), MODELS.get(row["model"], row["model"])]
        what.append(SPLITS.get(row["split"], row["split"]))
        if row["document"] == "context" and names[row["metric"], row["model"], row["split"]] > 1:
            what.append(row["note"].partition(";")[0])
        evidence = []
        if row["ours"] is not None:
            text = escape(f"{row['run']}, seed {row['seed']}, {row['device']}")
            where = chapters.get((row["model"], row["split"]))
            evidence.append((f"{chapter(where)}: " if where else "") + text)
        evidence += [source for _, source in recorded if source]
        ours = {"value": row["ours"], "low": row["low"], "high": row["high"]}
        cells = [
            f"<td>{escape(row['document'])}, {escape(row['where'])}"
            f"<br><small>{STATUS.get(row['status'], row['status'])}</small></td>",
            f"<td>{escape(', '.join(filter(None, what)))}</td>",
            f'<td class="number reported">{escape(row["reported"])}</td>',
            f'<td class="number ours">{cell(ours)}</td>',
            *[f'<td class="number recorded">{cell(estimate)}</td>' for estimate, _ in recorded],
            f"<td><small>{'<br>'.join(evidence) or '–'}</small></td>",
        ]
        body.append(f'<tr id="{escape(row["key"])}">{"".join(cells)}</tr>')
    return (
        '<div class="table-scroll"><table class="table beside sortable" '
        'data-filter="Filter rows"><thead><tr>'
        f"{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


class BesideTable(SphinxDirective):
    """Every reported number, ours, and where ours comes from."""

    def run(self) -> list[nodes.Node]:
        results = Path(self.env.srcdir) / "_results"
        path = results / "_beside.json"
        self.env.note_dependency(str(path))
        rows = json.loads(path.read_text(encoding="utf-8"))
        chapters = chapters_of_rows(results, self.env.found_docs)
        return [nodes.raw("", self.html(results, rows, chapters), format="html")]

    def html(self, results: Path, rows: list[Any], chapters: Mapping[Any, str]) -> str:
        """What stands in the directive's place."""
        return table(rows, *both(results), chapters)


class BesideStudies(BesideTable):
    """The recorded studies whose numbers stand in the table."""

    def html(self, results: Path, rows: list[Any], chapters: Mapping[Any, str]) -> str:
        """What stands in the directive's place."""
        shown = {place(row) for row in rows}
        sources = [s for each in both(results) for at, (_, s) in each.items() if at in shown]
        return studies(results / "recorded", sources)


def both(results: Path) -> tuple[Recorded, Recorded]:
    """What was recorded on drawings and on photographs."""
    earlier = json.loads((results / "_earlier.json").read_text(encoding="utf-8"))
    folder = results / "recorded"
    return recorded_values(folder, earlier), recorded_values(folder, earlier, "met/")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives and the script that sorts tables."""
    app.add_directive("beside-table", BesideTable)
    app.add_directive("beside-studies", BesideStudies)
    app.add_js_file("tables.js", loading_method="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
