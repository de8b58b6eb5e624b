"""Findings name cells that exist, and their verdicts are read from paired differences."""

from __future__ import annotations

import numpy as np
import pytest

from imet.io import REPO
from imet.report import findings, studies
from imet.report.comparisons import RULES
from imet.report.findings import Cell, Finding, read_findings


def test_every_cell_is_a_variant_of_a_study_under_a_rule():
    listed = read_findings()
    for finding in listed:
        for cell in (finding.more, finding.less):
            assert cell.variant in studies.STUDIES[cell.study]
            assert cell.rule in {"its own", *RULES.values()}
        assert (REPO / "notebooks" / f"{finding.chapter}.py").exists()
        assert finding.more != finding.less
        assert findings.reported_difference(finding)
    assert len({finding.key for finding in listed}) == len(listed) > 10


@pytest.fixture
def records(tmp_path, monkeypatch):
    monkeypatch.setattr(studies, "RESULTS", tmp_path)
    rng = np.random.default_rng(0)
    base = rng.uniform(0.2, 0.8, 100)
    f2 = {"a": base, "b": base + 0.1 + rng.normal(0, 0.02, 100), "c": base[::-1]}
    rules = {v: {"its own": x, "fixed number": x - 0.2} for v, x in f2.items()}
    studies.write_works(tmp_path / "one.npz", rules)
    (tmp_path / "met").mkdir()
    studies.write_works(tmp_path / "met" / "one.npz", rules)
    studies.write_works(tmp_path / "two.npz", {"d": rules["a"]})
    return f2


def test_verdicts_follow_the_paired_differences(records):
    claims = [
        Finding("k", "b beats a", "x", Cell("one", "b"), Cell("one", "a")),
        Finding("k", "a beats b", "x", Cell("one", "a"), Cell("one", "b")),
        Finding("k", "a beats a by less", "x", Cell("one", "a"), Cell("one", "a", "fixed number")),
        Finding("k", "c beats a", "x", Cell("one", "c"), Cell("one", "a")),
        Finding("k", "d beats b", "x", Cell("two", "d"), Cell("one", "b")),
    ]  # fmt: skip
    intervals = findings.differences(claims, "sample")
    assert intervals[0].value == pytest.approx((records["b"] - records["a"]).mean(), abs=1e-6)
    assert intervals[2].value == pytest.approx(0.2, abs=1e-6)
    assert [findings.verdict(i) for i in intervals] == [
        "holds", "does not hold", "holds", "cannot be told", "does not hold"
    ]  # fmt: skip


def test_only_what_is_recorded_everywhere_is_compared(records, monkeypatch):
    one = Finding("k", "b beats a", "x", Cell("one", "b"), Cell("one", "a"))
    two = one._replace(more=Cell("two", "d"))
    monkeypatch.setattr(findings, "read_findings", lambda: [one, two])
    assert findings.recorded_findings() == [one]
    assert findings.recorded_findings(["sample"]) == [one, two]
