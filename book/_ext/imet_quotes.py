"""The directive `quote-doc`: the documents' own words, visibly marked as theirs.

```{quote-doc} paper
:where: §3.1
We only trained the last FC layer …
```
"""

from __future__ import annotations

from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

DOCUMENTS = {
    "paper": ("The paper says", "Tang, Chen and Zhao", "tang2019"),
    "poster": ("The poster says", "Sokolova", "sokolova2019"),
}


class QuoteDoc(SphinxDirective):
    """A block quotation of one of the two documents, with its citation."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"where": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        document = self.arguments[0].strip()
        if document not in DOCUMENTS:
            raise self.error(f"quote-doc: `{document}` is not one of {', '.join(DOCUMENTS)}")
        self.assert_has_content()
        heading, authors, key = DOCUMENTS[document]
        box = nodes.container(classes=["doc-quote", document])
        box += nodes.paragraph("", heading, classes=["doc-quote-who"])
        quote = nodes.block_quote(classes=["doc-quote-words"])
        self.state.nested_parse(self.content, self.content_offset, quote)
        box += quote
        where = self.options.get("where", "")
        source = nodes.container(classes=["doc-quote-source"])
        line = ", ".join(filter(None, [authors, where])) + f" {{cite}}`{key}`"
        self.state.nested_parse(StringList([line], self.get_location()), self.lineno, source)
        box += source
        return [box]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("quote-doc", QuoteDoc)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
