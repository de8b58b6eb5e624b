"""The directive `chapter-times`: how long each chapter took to execute, read from the build.

A chapter that needs another chapter's run waits for it, and the wait counts as time by the clock,
not as processor time; with two chapters at a time, the sum exceeds the time that passed.
"""

from __future__ import annotations

import json
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def whole_seconds(times: dict[str, tuple[float, float]]) -> list[tuple[str, int, int]]:
    """Chapters in order, with whole seconds by the clock and of processors.

    The last row, "all", is the sum of the rows as they are printed.

    Examples:
        >>> whole_seconds({"02_b": (1.4, 2.0), "01_a": (1.4, 0.5)})
        [('01_a', 1, 0), ('02_b', 1, 2), ('all', 2, 2)]
    """
    rows = [(name, round(clock), round(busy)) for name, (clock, busy) in sorted(times.items())]
    return [*rows, ("all", sum(row[1] for row in rows), sum(row[2] for row in rows))]


class ChapterTimes(SphinxDirective):
    """A table of chapters in order of name, with seconds by the clock and of processors."""

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir) / "_results" / "_times.json"
        times: dict[str, tuple[float, float]] = json.loads(path.read_text())["seconds"]
        self.env.note_dependency(str(path))
        table, group = nodes.table(classes=["times"]), nodes.tgroup(cols=3)
        group += [nodes.colspec(colwidth=width) for width in (60, 20, 20)]
        head = nodes.thead("", self.row(nodes.Text("chapter"), "seconds", "processor seconds"))
        body = nodes.tbody()
        for name, *seconds in whole_seconds(times):
            first = self.link(name) if name in times else nodes.Text(name)
            body += self.row(first, *map(str, seconds))
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

    def row(self, first: nodes.Node, *others: str) -> nodes.row:
        """One table row."""
        cells = [nodes.paragraph("", "", first), *(nodes.paragraph("", text) for text in others)]
        return nodes.row("", *(nodes.entry("", cell) for cell in cells))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("chapter-times", ChapterTimes)
    return {"parallel_read_safe": True}
