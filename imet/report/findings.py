"""The documents' findings and ours, each as one difference in test F2, on drawings and photographs.

A finding names two cells of the recorded studies, each a study, a variant and a decision rule.
Whether it holds is read from the interval of their difference, and from nothing else.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from imet.io import REPO
from imet.report.reported import reported_value
from imet.report.studies import read_works, results_file
from imet.statistics import Interval, simultaneous_intervals


class Cell(NamedTuple):
    """A variant of a recorded study under one decision rule."""

    study: str
    variant: str
    rule: str = "its own"


class Finding(NamedTuple):
    """The claim that one cell has a higher F2 than another."""

    key: str
    claim: str  # “A over B” and “A added to B” claim a higher F2
    chapter: str  # the notebook that it comes from
    more: Cell
    less: Cell
    reported: tuple[str, str] = ("", "")  # keys of the documents' two numbers, if reported


def read_findings() -> list[Finding]:
    """Rows of `book/findings.csv`.

    Examples:
        >>> read_findings()[0].claim
        'AttnCNN-RNN over the baseline, equal length'
    """
    with open(REPO / "book" / "findings.csv", newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    findings = []
    for row in rows:
        more, less = (
            Cell(*(row[f"{side}_{name}"] for name in Cell._fields)) for side in ("more", "less")
        )
        reported = row["reported_more"], row["reported_less"]
        findings.append(Finding(row["key"], row["claim"], row["chapter"], more, less, reported))
    return findings


def recorded_findings(profiles: Sequence[str] = ("sample", "met")) -> list[Finding]:
    """Findings whose studies are recorded on all of these profiles."""

    def is_recorded(cell: Cell) -> bool:
        files = [results_file(cell.study, profile).with_suffix(".npz") for profile in profiles]
        return all(file.exists() for file in files)

    return [f for f in read_findings() if is_recorded(f.more) and is_recorded(f.less)]


def differences(findings: Sequence[Finding], profile: str) -> list[Interval]:
    """Each finding's difference in test F2 on a profile.

    The intervals hold all at once, since a table of findings invites readers to look for those
    that stand out.
    """
    studies = {cell.study for finding in findings for cell in (finding.more, finding.less)}
    works = {study: read_works(study, profile) for study in studies}
    per_work = [
        works[f.more.study][f.more.variant][f.more.rule]
        - works[f.less.study][f.less.variant][f.less.rule]
        for f in findings
    ]
    return simultaneous_intervals(np.stack(per_work))


def less(a: Interval, b: Interval) -> Interval:
    """a − b for estimates from different works: distances to their ends are added in quadrature.

    Examples:
        >>> f"{less(Interval(0.5, 0.2, 0.8), Interval(0.1, -0.3, 0.5)):.1f}"
        '0.4 [-0.1, 0.9]'
    """
    value = a.value - b.value
    below, above = (
        math.hypot(a.value - a.low, b.high - b.value),
        math.hypot(a.high - a.value, b.value - b.low),
    )
    return Interval(value, value - below, value + above)


def verdict(difference: Interval) -> str:
    """What an interval says about a claim.

    Examples:
        >>> [verdict(Interval(0.1, low, high)) for low, high in ((0.05, 0.2), (-0.1, 0.2))]
        ['holds', 'cannot be told']
        >>> verdict(Interval(-0.1, -0.2, -0.05))
        'does not hold'
    """
    if difference.low > 0:
        return "holds"
    return "does not hold" if difference.high < 0 else "cannot be told"


def reported_difference(finding: Finding) -> str:
    """The documents' difference if they report both numbers, else a dash.

    Examples:
        >>> reported_difference(read_findings()[0])
        '+0.064'
    """
    if not all(finding.reported):
        return "–"
    more, less = map(reported_value, finding.reported)
    return f"{more - less:+.3f}"
