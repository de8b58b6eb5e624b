"""References: every entry is met somewhere, under the name that the list has."""

from __future__ import annotations

import re

import imet_references
from pybtex.database import parse_file

from imet.io import REPO

CITED = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")
ENTRIES = parse_file(str(REPO / "book" / "references.bib")).entries


def test_every_reference_is_cited_and_every_citation_has_one() -> None:
    pages = [*(REPO / "book").glob("*.md"), *(REPO / "notebooks").glob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in pages]
    cited = {key for text in texts for keys in CITED.findall(text) for key in keys.split(",")}
    assert cited == set(ENTRIES)


def test_no_entry_has_authors_without_a_name() -> None:
    """The text would say "and others" where the list says "et al."."""
    assert [k for k, e in ENTRIES.items() if "others" in map(str, e.persons["author"])] == []


def test_labels_are_author_and_year_and_tell_entries_apart() -> None:
    labels = {key: imet_references.label(entry) for key, entry in ENTRIES.items()}
    assert len(set(labels.values())) == len(labels)
    assert labels["tang2019"] == "Tang et al., 2019"
    assert labels["sokolova2019"] == "Sokolova, 2019"
    assert labels["dalal2005"] == "Dalal and Triggs, 2005"
    assert labels["pedregosa2011"] == "Pedregosa et al., 2011"
    assert labels["redhen"] == "Red Hen Lab, n.d."
