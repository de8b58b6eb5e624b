"""A bibliography labelled by author and year, as the text cites, and sorted by author.

BibTeX's styles number the list or abbreviate names: a reader of "Lin et al., 2017" would have to
search it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pybtex.database import Entry
from pybtex.plugin import register_plugin
from pybtex.style.formatting.plain import Style as ByAuthor
from pybtex.style.labels import BaseLabelStyle
from sphinx.application import Sphinx


def author_year(entry: Entry) -> tuple[str, str]:
    """How the text cites an entry: one author or two by name, more as "et al.", and the year."""
    names = [" ".join(map(str, person.rich_last_names)) for person in entry.persons["author"]]
    who = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
    return who, entry.fields.get("year", "n.d.")


def label(entry: Entry) -> str:
    """Author and year as one text."""
    return ", ".join(author_year(entry))


class AuthorYear(BaseLabelStyle):
    """Author-year labels of a list of references."""

    def format_labels(self, sorted_entries: Iterable[Entry]) -> Iterator[str]:
        """One label per entry, in their order."""
        return map(label, sorted_entries)


class Style(ByAuthor):
    """The plain style with author-year labels."""

    default_label_style = AuthorYear


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the style known by its name, `author_year`."""
    register_plugin("pybtex.style.formatting", "author_year", Style)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
