"""Words do not claim more than the numbers beside them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jupytext
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imet_times import whole_seconds
from imet_values import find

from imet.io import REPO

# What says that one thing is above another; "differs by" and "changes by" do not.
CLAIM = re.compile(
    r"(?<!without a )\b(better|worse|helps?|beats?|outperforms?|wins?|loses?|improves?|harms?"
    r"|is worth|gains|leads by|costs|adds)\b",
    re.IGNORECASE,
)
DIFFERENCE = re.compile(r"\{num\}`([^`]*interval):\+\.\d[f%]`")
# An interval without signs behind a difference that has one: it would escape the rule below.
UNSIGNED = re.compile(r"\{num\}`[^`]*:\+\.\d[f%]` \{num\}`([^`]*interval):\.\d[f%]`")
SENTENCE = re.compile(r"(?<=[.?:;])\s+")

PAGES = sorted([*(REPO / "notebooks").glob("*.py"), *(REPO / "book").glob("*.md")])


def prose(path: Path) -> list[str]:
    if path.suffix == ".md":
        cells = [path.read_text(encoding="utf-8")]
    else:
        cells = [c.source for c in jupytext.read(path).cells if c.cell_type == "markdown"]
    blocks = [block for cell in cells for block in re.split(r"\n\s*\n|^```.*$", cell, flags=re.M)]
    return [s for block in blocks for s in SENTENCE.split(" ".join(block.split()))]


def contains_zero(reference: str) -> bool | None:
    """Whether a recorded interval contains zero; None where a build decides."""
    if not reference.startswith("recorded/"):
        return None
    _, study, key = reference.split("/", 2)
    values = json.loads((REPO / "results" / f"{study}.json").read_text(encoding="utf-8"))["values"]
    estimate = find(values, key.removesuffix(".interval"))
    return estimate["low"] <= 0 <= estimate["high"]


def overclaims(sentence: str) -> list[str]:
    """Intervals of differences that a sentence's claim does not wait for."""
    if not CLAIM.search(re.sub(r"\{num\}`[^`]*`", "", sentence)) or ":verdict`" in sentence:
        return []
    return [r for r in DIFFERENCE.findall(sentence) if contains_zero(r) is not False]


def test_a_claim_beside_an_interval_that_contains_zero_is_seen() -> None:
    hog = "recorded/equal_length/ResNet50 + HOG.difference.interval"
    rnn = "recorded/equal_length/AttnCNN-RNN.difference.interval"
    assert overclaims(f"It is better by {{num}}`{hog}:+.3f`.") == [hog]
    assert overclaims("HOG helps: {num}`gain.interval:+.3f`.") == ["gain.interval"]
    assert overclaims(f"It is better by {{num}}`{rnn}:+.3f`.") == []
    assert overclaims(f"HOG is worth {{num}}`{hog}:+.3f`.") == [hog]
    assert overclaims(f"It differs by {{num}}`{hog}:+.3f`.") == []
    assert overclaims("It is {num}`g.interval:+.3f`, {num}`g.interval:verdict`: better?") == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_sentence_claims_what_its_interval_does_not_hold(path: Path) -> None:
    """Where a build decides, the sentence takes its word from the interval: `:verdict`."""
    assert {s: r for s in prose(path) if (r := overclaims(s))} == {}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_interval_of_a_difference_has_signs_as_the_difference_has(path: Path) -> None:
    assert [reference for s in prose(path) for reference in UNSIGNED.findall(s)] == []


SECONDS = st.floats(0, 900)


@given(st.dictionaries(st.text("abc", min_size=1), st.tuples(SECONDS, SECONDS), max_size=30))
def test_the_totals_of_the_times_are_sums_of_rows(times: dict[str, tuple[float, float]]) -> None:
    *rows, (name, *totals) = whole_seconds(times)
    assert name == "all"
    assert totals == [sum(row[column] for row in rows) for column in (1, 2)]
    assert len(rows) == len(times)
