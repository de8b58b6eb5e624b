"""The object label of every page: where its numbers come from.

A page with results of its own shows their provenance, any other page that of the build. A note says
which pictures its numbers were made on, and that those of small backbones reproduce nothing.
"""

from __future__ import annotations

import json
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from imet_values import page_of
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

NOTES = {
    "simulated": (
        "Simulated collection.",
        "were made on drawn pictures, with a small backbone. None of them is a reproduction of a "
        "reported number; reported numbers have columns of their own.",
    ),
    "recorded": (
        "Drawings and photographs.",
        "are of drawn pictures or of photographs, as each table and sentence says, with a small "
        "backbone: recorded ones of both, those of this build of the pictures that it was made "
        "on. None of them is a reproduction of a reported number.",
    ),
    "counted": (
        "Counted, not trained.",
        "are needs of the documents' own networks on their whole collection, counted or "
        "estimated; those that were measured say so.",
    ),
    "tiny": (
        "Test build.",
        "were made on a handful of drawn pictures with random weights: they show that the code "
        "runs, and mean nothing else.",
    ),
    "met": (
        "Photographs.",
        "were made on photographs of the Metropolitan Museum's works that are in the public "
        "domain, with a small backbone. They are no fair sample of the museum, and no number is a "
        "reproduction of a reported one.",
    ),
    "folder": (
        "Pictures of your own.",
        "were made on the pictures of a reader's folder, with a small backbone. None of them is a "
        "reproduction of a reported number.",
    ),
    "small": (
        "A seeded sample of the real collection.",
        "are near the documents' setting, which is larger.",
    ),
}
FIELDS = ("profile", "seed", "device", "commit", "date")


def long_date(text: str) -> str:
    """An ISO date or time as `21 November 2026`; other text stays as it is."""
    try:
        day = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{day.day} {day:%B %Y}"


def html(provenance: dict[str, Any], own: bool, notebook: str = "") -> str:
    """The label as HTML: facts, note, the page's notebook, and versions behind a disclosure."""
    facts = []
    for field in (*FIELDS, "models", "networks"):
        value = provenance.get(field)
        if value is None:
            continue
        text = str(value)
        if field == "date":
            text = long_date(text)
        if field == "commit":
            text = text[:12] + "+" * ("+" in text) if "-" not in text[:12] else text
        name = "models made at" if field == "models" else field
        facts.append(f'<div class="fact {field}"><dt>{name}</dt><dd>{escape(text)}</dd></div>')
    profile, pictures = str(provenance.get("profile")), str(provenance.get("pictures"))
    note = NOTES.get(profile) if pictures != "simulated" or profile == "tiny" else None
    note = note or NOTES.get(pictures)
    if profile != "tiny":
        note = NOTES.get(str(provenance.get("numbers"))) or note
    of_what = "Numbers on this page" if own else "Numbers of this build"
    shown_elsewhere = (*FIELDS, "models", "networks", "versions", "pictures", "numbers")
    rest = {k: v for k, v in provenance.items() if k not in shown_elsewhere}
    rows = [*rest.items(), *sorted(dict(provenance.get("versions", {})).items())]
    versions = "".join(
        f"<tr><th scope='row'>{escape(str(name))}</th><td>{escape(str(value))}</td></tr>"
        for name, value in rows
        if not isinstance(value, dict | list)
    )
    heading = "Numbers on this page" if own else "This book"
    kind = "simulated" if pictures == "simulated" else "real"
    parts = [
        f'<aside class="provenance {kind}" aria-label="Where the numbers come from">',
        f'<p class="provenance-title">{heading}</p>',
        f"<dl>{''.join(facts)}</dl>",
        f'<p class="provenance-note"><strong>{note[0]}</strong> {of_what} {escape(note[1])}</p>'
        if note
        else "",
        f'<p class="take-home"><a href="{notebook}.ipynb" download>Take this page home</a> as an '
        "executed notebook.</p>"
        if notebook
        else "",
        f"<details><summary>Versions</summary><table>{versions}</table></details>"
        if versions
        else "",
        "</aside>",
    ]
    return "".join(parts)


def add_label(app: Sphinx, doctree: nodes.document) -> None:
    """Put the label under the page's title."""
    env = app.env
    results = Path(env.srcdir) / "_results"
    own = results / f"{page_of(env.docname)}.json"
    path = own if own.is_file() else results / "_build.json"
    env.note_dependency(str(path))
    if not path.is_file():
        logger.warning("no provenance for this page (%s)", path.name, location=env.docname)
        return
    if env.docname.startswith("notebooks/") and path != own:
        logger.warning("this notebook recorded no results (%s)", own.name, location=env.docname)
    provenance = json.loads(path.read_text(encoding="utf-8"))["provenance"]
    missing = [f for f in (*FIELDS, "versions") if provenance.get(f) in (None, "", {})]
    if missing:
        logger.warning("provenance lacks %s", ", ".join(missing), location=env.docname)
    notebook = page_of(env.docname) if env.docname.startswith("notebooks/") else ""
    label = nodes.raw("", html(provenance, path == own, notebook), format="html")
    section = next(iter(doctree.findall(nodes.section)), None)
    if section is None:
        doctree.insert(0, label)
    else:
        section.insert(1, label)


def setup(app: Sphinx) -> dict[str, Any]:
    """Label every page once it is read."""
    app.connect("doctree-read", add_label)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
