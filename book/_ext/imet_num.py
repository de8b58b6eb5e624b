"""The role `num`: a number in prose that is read from a results file, never typed.

`` {num}`test.f2:.3f` `` reads the page's own file, `` {num}`03_baseline/test.f2:.3f` `` another's.
An unknown key is a warning, so a strict build fails. The same pattern works in alt texts.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from imet_values import UnknownValue, Values, page_of
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

logger = logging.getLogger(__name__)
IN_TEXT = re.compile(r"\{num\}`([^`]+)`")


def values_of(env: Any) -> Values:
    """The book's values, shared by everything that reads them in this process."""
    if not hasattr(env.app, "imet_values"):
        env.app.imet_values = Values(Path(env.srcdir))
    return env.app.imet_values


def resolve(env: Any, docname: str, reference: str, location: Any) -> tuple[str, str]:
    """Text to print and where it came from; warns on an unknown key."""
    values, page = values_of(env), page_of(docname)
    env.note_dependency(str(values.file_of(values.split(reference, page)[0])))
    try:
        text, page, key = values.text(reference, page)
    except UnknownValue as error:
        logger.warning("num `%s`: %s", reference, error, location=location, type="imet")
        return "?", reference
    mark = " (earlier code)" if values.is_earlier(page, key) else ""
    return text, f"{page} · {key}{mark}"


class bound_number(nodes.inline):
    """A number read from a results file; `source_key` says where it comes from."""


class Num(SphinxRole):
    """Inline role: prints a bound number, with its source in the tooltip."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        text, source = resolve(self.env, self.env.docname, self.text, self.get_location())
        node = bound_number(self.rawtext, text, classes=["num"], source_key=source)
        return [node], []


class NumbersInAltTexts(SphinxTransform):
    """Fill the same pattern in the alt texts of pictures, where roles do not reach."""

    default_priority = 900

    def apply(self, **kwargs: Any) -> None:
        docname = self.env.docname
        for image in self.document.findall(nodes.image):
            if "{num}" in image.get("alt", ""):
                image["alt"] = IN_TEXT.sub(
                    lambda m, at=image: resolve(self.env, docname, m[1], at)[0], image["alt"]
                )


class NumbersInTables(SphinxTransform):
    """Mark cells of tables that hold bound numbers and nothing else, to be aligned as numbers."""

    default_priority = 900

    def apply(self, **kwargs: Any) -> None:
        for cell in self.document.findall(nodes.entry):
            numbers = "".join(n.astext() for n in cell.findall(bound_number))
            if numbers and numbers.replace(" ", "") == cell.astext().replace(" ", ""):
                cell["classes"].append("number")


def visit_bound_number(translator: Any, node: bound_number) -> None:
    """Open a span whose tooltip is the number's source."""
    translator.body.append(translator.starttag(node, "span", "", title=node["source_key"]))


def depart_bound_number(translator: Any, node: bound_number) -> None:
    """Close the span."""
    translator.body.append("</span>")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the role."""
    app.add_role("num", Num())
    app.add_transform(NumbersInAltTexts)
    app.add_transform(NumbersInTables)
    app.add_node(bound_number, html=(visit_bound_number, depart_bound_number))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
