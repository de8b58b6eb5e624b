"""The benchmarks' harness: medians of turns, and a results file of one machine."""

from __future__ import annotations

import json
import types

import pytest

import benchmarks
from benchmarks import __main__ as harness


@pytest.fixture
def two_benchmarks(monkeypatch, tmp_path):
    """Stand-ins named `quick` and `slow`, and a results file of their own."""

    def module(name, ours):
        result = {"name": name, "ours": ours, "peer": 1 / 3, "ratio": 3 * ours, "unit": "works/s"}
        return types.SimpleNamespace(run=lambda: result, __doc__=f"{name} against a peer\n\nmore")

    modules = {"benchmarks.quick": module("quick", 7.0), "benchmarks.slow": module("slow", 2.0)}
    monkeypatch.setattr(harness.importlib, "import_module", modules.__getitem__)
    monkeypatch.setattr(harness, "available", lambda: ["quick", "slow"])
    monkeypatch.setattr(harness, "RESULTS", tmp_path / "results.json")
    return tmp_path / "results.json"


def test_ways_take_turns_and_warm_up_is_not_counted(monkeypatch):
    turns, clock = [], iter(range(1000))
    monkeypatch.setattr(benchmarks.time, "perf_counter", lambda: next(clock))
    ways = {"a": lambda: turns.append("a"), "b": lambda: turns.append("b")}
    assert benchmarks.interleaved(ways, rounds=3, warm_up=1) == {"a": 1, "b": 1}
    assert turns == ["a", "b"] * 4


def test_results_name_the_machine_and_the_peer(two_benchmarks, capsys):
    harness.main([])
    results = json.loads(two_benchmarks.read_text())
    assert list(results) == ["machine", "quick", "slow"]
    assert results["quick"] == {
        "ours": 7.0,
        "peer": 0.3333,
        "ratio": 21.0,
        "unit": "works/s",
        "what": "quick against a peer",
    }
    assert "21.0×" in capsys.readouterr().out


def test_named_benchmarks_leave_the_others_alone(two_benchmarks):
    harness.main([])
    results = json.loads(two_benchmarks.read_text())
    results["slow"]["ours"] = 99.0
    two_benchmarks.write_text(json.dumps(results))
    harness.main(["quick"])
    assert json.loads(two_benchmarks.read_text())["slow"]["ours"] == 99.0


def test_results_of_two_machines_do_not_mix(two_benchmarks, monkeypatch, capsys):
    harness.main([])
    before = two_benchmarks.read_text()
    monkeypatch.setattr(harness, "device_name", lambda device: "another processor")
    harness.main(["quick"])
    assert two_benchmarks.read_text() == before
    assert "not kept" in capsys.readouterr().err
    harness.main([])
    assert json.loads(two_benchmarks.read_text())["machine"]["processor"] == "another processor"


def test_unknown_benchmarks_are_refused(two_benchmarks, capsys):
    with pytest.raises(SystemExit):
        harness.main(["hgo"])
    assert "no benchmark hgo" in capsys.readouterr().err


def test_committed_results_hold_what_readers_expect():
    if not harness.FOLDER.joinpath("results.json").exists():
        pytest.skip("benchmarks have not been run: python -m benchmarks")
    results = json.loads(harness.FOLDER.joinpath("results.json").read_text())
    assert "processor" in results.pop("machine")
    for name, result in results.items():
        assert {"ours", "peer", "ratio", "unit"} <= result.keys(), name
        assert result["ratio"] == pytest.approx(result["ours"] / result["peer"], rel=0.2)
