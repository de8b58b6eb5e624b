"""Remove the roles of the bibliography: docutils calls it a list, but it has no list items."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

ROLES = {
    ' role="list" class="citation-list"': ' class="citation-list"',
    ' role="doc-biblioentry"': "",  # deprecated
}


def plain_citations(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Remove the roles from one page's text."""
    for role, plain in ROLES.items():
        context["body"] = context.get("body", "").replace(role, plain)


def setup(app: Sphinx) -> dict[str, Any]:
    """Run on every page."""
    app.connect("html-page-context", plain_citations)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
