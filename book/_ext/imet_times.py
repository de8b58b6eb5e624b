"""The directive `chapter-times`: how long each chapter took to execute, read from the build.

A chapter that needs another one's run waits for it, and its waiting counts; where two chapters are
executed at a time, the sum is more than the clock says.
"""

from __future__ import annotations

import json
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def whole_seconds(times: dict[str, float]) -> list[tuple[str, int]]:
    """Chapters in order with whole seconds, and "all": the sum of the rows as they are printed.

    Examples:
        >>> whole_seconds({"02_b": 1.4, "01_a": 1.4})
        [('01_a', 1), ('02_b', 1), ('all', 2)]
    """
    rows = [(name, round(seconds)) for name, seconds in sorted(times.items())]
    return [*rows, ("all", sum(seconds for _, seconds in rows))]


class ChapterTimes(SphinxDirective):
    """A table of chapters and seconds, in the order of their names."""

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir) / "_results" / "_times.json"
        times: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))["seconds"]
        self.env.note_dependency(str(path))
        table, group = nodes.table(classes=["times"]), nodes.tgroup(cols=2)
        group += [nodes.colspec(colwidth=80), nodes.colspec(colwidth=20)]
        head = nodes.thead("", self.row(nodes.Text("chapter"), "seconds"))
        body = nodes.tbody()
        for name, seconds in whole_seconds(times):
            body += self.row(self.link(name) if name in times else nodes.Text(name), f"{seconds}")
        table += group
        group += [head, body]
        return [table]

    def link(self, name: str) -> pending_xref:
        """A link to a chapter, which shows its title."""
        return pending_xref(
            "",
            nodes.inline("", name),
            refdomain="std",
            reftype="doc",
            reftarget=f"/notebooks/{name}",
            refexplicit=False,
            refwarn=True,
            refdoc=self.env.docname,
        )

    def row(self, first: nodes.Node, second: str) -> nodes.row:
        """One table row."""
        return nodes.row(
            "",
            nodes.entry("", nodes.paragraph("", "", first)),
            nodes.entry("", nodes.paragraph("", second)),
        )


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("chapter-times", ChapterTimes)
    return {"parallel_read_safe": True}
