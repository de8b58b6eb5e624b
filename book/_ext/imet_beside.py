"""The directive `beside-table`: every reported number beside ours, to filter and to sort.

Ours come from the newest runs of this code on the book's profile (`_results/_beside.json`, which
`build.py` writes), from what chapters record and recipes set, as `ours.csv` lists, and from
recorded studies; each says where it comes from.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from imet_num import IN_TEXT, resolve, values_of
from imet_reported import MODELS, NAMES, SPLITS
from imet_values import UnknownValue, Values, as_printed, lookup, read_reported, write
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from imet import config
from imet.report.reported import METRIC_IN_RUNS

logger = logging.getLogger(__name__)
METRIC_IN_STUDIES = {"auc": "auc_macro"}
STATUS = {"stated": "text or table", "as_coded": "published code", "context": "elsewhere"}
HEADINGS = ("Where", "What", "Reported", "This build", "Drawings", "Photographs", "Evidence")
# Variants of recorded studies that are a recipe's own row, epochs and all, under another name.
SAME_ROW = {
    ("equal_length", "AttnCNN-RNN"): "attn_cnn_rnn",
    ("equal_length", "AttnCNN-RNN + HOG"): "attn_cnn_rnn_hog",
}
SETTING = "setting"
FIELDS = config.Recipe.__dataclass_fields__
Own = tuple[str, str]  # text of this build's value, and its evidence
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


def of_recipe(reference: str, profile: str) -> Own:
    """What `recipe.field` is on a profile.

    Examples:
        >>> of_recipe("resnet50.weight_decay", "kaggle")[1]
        'recipe resnet50, weight_decay'
    """
    name, _, field = reference.partition(".")
    value = getattr(config.resolve(name, profile), field)
    spec = "g" if isinstance(value, float) else ",d" if type(value) is int else ""
    return escape(write(value, spec)), f"recipe {name}, {field}"


def of_chapter(reference: str, values: Values, pages: Iterable[str]) -> Own:
    """What a chapter records, with its format: `04_hog/hog.size:,d`."""
    page, rest = values.split(reference, "")
    value, _, spec = lookup(values.of(page), rest)
    text = cell(value, spec) if isinstance(value, dict) else escape(write(value, spec))
    number = page.partition("_")[0]
    return text, chapter(page) if f"notebooks/{page}" in pages else f"chapter {number}"


def is_setting(row: Mapping[str, Any]) -> bool:
    """Whether a reported number is a field of its row's own recipe.

    Examples:
        >>> is_setting({"model": "vgg16", "metric": "batch_size"})
        True
        >>> is_setting({"model": "resnet50", "metric": "precision"})
        False
    """
    measured = row["metric"] in METRIC_IN_RUNS  # precision is a field, too, of another meaning
    return bool(row["model"]) and not measured and row["metric"] in FIELDS


def cell(estimate: Any, spec: str = ".3f") -> str:
    """A value over its interval, as HTML; a dash for none."""
    if not isinstance(estimate, dict) or estimate.get("value") is None:
        return "–"
    text = write(float(estimate["value"]), spec)
    if estimate.get("low") is not None:
        low, high = (write(float(estimate[end]), spec) for end in ("low", "high"))
        text += f'<br><span class="interval">[{low}, {high}]</span>'
    return text


def table(
    rows: list[dict[str, Any]],
    drawings: Recorded,
    photographs: Recorded,
    chapters: Mapping[tuple[str, str], str],
    own: Mapping[str, Own],
) -> str:
    """The whole table as HTML; `chapters` record rows, by recipe and part.

    `own` are values of this build that are no run's, by the reported number's key.
    """
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
        text = cell({"value": row["ours"], "low": row["low"], "high": row["high"]})
        if row["ours"] is not None:
            run = escape(f"{row['run']}, seed {row['seed']}, {row['device']}")
            where = chapters.get((row["model"], row["split"]))
            evidence.append((f"{chapter(where)}: " if where else "") + run)
        elif row["key"] in own:
            text, source = own[row["key"]]
            evidence += [source] if source else []
        evidence += [source for _, source in recorded if source]
        reported = as_printed(row["reported"], row["metric"])
        cells = [
            f"<td>{escape(row['document'])}, {escape(row['where'])}"
            f"<br><small>{STATUS.get(row['status'], row['status'])}</small></td>",
            f"<td>{escape(', '.join(filter(None, what)))}</td>",
            f'<td class="number reported">{escape(reported)}</td>',
            f'<td class="number ours">{text}</td>',
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
        return table(rows, *both(results), chapters, self.own(rows))

    def own(self, rows: list[Any]) -> dict[str, Own]:
        """Values of this build that are no run's; warns on an unknown key."""
        source = Path(self.env.srcdir) / "ours.csv"
        self.env.note_dependency(str(source))
        profile = rows[0]["profile"]
        found = {
            row["key"]: of_recipe(f"{row['model']}.{row['metric']}", profile)
            for row in rows
            if is_setting(row)
        }
        for line in read_reported(source):
            kind, _, rest = line["value"].partition("/")
            if kind == SETTING:
                found[line["key"]] = (SETTING, "")
            elif kind == "recipe":
                found[line["key"]] = of_recipe(rest, profile)
            else:
                found[line["key"]] = self.of_chapter(line["value"])
            if line["note"]:
                text, evidence = found[line["key"]]
                note = IN_TEXT.sub(lambda m: self.number(m[1]), line["note"])
                found[line["key"]] = text, f"{evidence}, {escape(note)}"
        return found

    def of_chapter(self, reference: str) -> Own:
        """What a chapter records; warns on an unknown key."""
        values = values_of(self.env)
        self.env.note_dependency(str(values.file_of(values.split(reference, "")[0])))
        try:
            return of_chapter(reference, values, self.env.found_docs)
        except UnknownValue as error:
            at = self.get_location()
            logger.warning("ours.csv: `%s`: %s", reference, error, location=at, type="imet")
            return "–", ""

    def number(self, reference: str) -> str:
        """A bound number in a note."""
        return resolve(self.env, self.env.docname, reference, self.get_location())[0]


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
