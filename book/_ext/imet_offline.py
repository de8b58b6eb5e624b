"""Remove from pages what would contact another server, and what they would load twice.

Jupyter Book always adds the thebe extension, whose script names a content network even when its
button is off; nothing here uses it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def drop_thebe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Remove thebe's files from one page."""
    for name in ("script_files", "css_files"):
        context[name] = [
            entry
            for entry in context.get(name, [])
            if "thebe" not in str(getattr(entry, "filename", entry))
            and "thebe" not in str(getattr(entry, "attributes", {}).get("body", ""))
        ]


def drop_automatic_scripts(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Remove the copies of every script below `_static` that Jupyter Book adds.

    Extensions add theirs with `defer`; a page that needs others, such as Plotly, names them itself.
    """
    own = {path.name for path in (Path(app.srcdir) / "_static").rglob("*.js")} - {"tex-svg.js"}
    context["script_files"] = [
        entry
        for entry in context.get("script_files", [])
        if Path(str(getattr(entry, "filename", None) or "")).name.partition("?")[0] not in own
        or "defer" in getattr(entry, "attributes", {})
    ]


def load_mathjax_once(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Keep only the deferred one of two copies: MathJax throws when loaded twice."""
    scripts = context.get("script_files", [])
    copies = [e for e in scripts if "mathjax" in str(getattr(e, "filename", "") or "")]
    if len(copies) > 1:
        keep = next((e for e in copies if "defer" in getattr(e, "attributes", {})), copies[0])
        context["script_files"] = [e for e in scripts if e not in copies or e is keep]


def drop_thebe_nodes(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Remove thebe's settings from one page's text."""
    for node in list(doctree.findall(nodes.raw)):
        if "thebe" in node.astext() or node.astext().startswith("<script>kernelName"):
            node.parent.remove(node)


def setup(app: Sphinx) -> dict[str, Any]:
    """Run after every other extension has added its files."""
    app.connect("doctree-resolved", drop_thebe_nodes, priority=999)
    app.connect("html-page-context", drop_thebe, priority=999)
    app.connect("html-page-context", drop_automatic_scripts, priority=999)
    app.connect("html-page-context", load_mathjax_once, priority=999)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
