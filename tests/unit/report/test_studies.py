"""Studies are recorded from a committed tree, and can be verified."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from imet.config import resolve
from imet.report import studies
from imet.runs import run

CHANGES = {"input_size": 32, "epochs": 1, "workers": 0, "stored": "", "max_works": 0}
runner = CliRunner()


@pytest.fixture
def recorded(small_collection, tmp_path, monkeypatch):
    monkeypatch.setenv("IMET_HOME", str(tmp_path))
    monkeypatch.setattr(studies, "SEEDS", (3,))
    monkeypatch.setattr(studies, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(studies, "run", lambda *a, **k: run(*a, **k | {"data": small_collection}))
    monkeypatch.setattr(
        studies, "STUDIES", {"short": {"one": ("resnet50", CHANGES), "two": ("ablation", CHANGES)}}
    )
    monkeypatch.setattr(studies, "changed_files", lambda: [])
    ended = command("short", "--profile", "tiny", "--device", "cpu")
    assert ended.exit_code == 0, ended.output
    return tmp_path / "results" / "short.json"


def command(*arguments: str):
    import typer

    app = typer.Typer()
    app.command()(studies.main)
    return runner.invoke(app, arguments)


def test_a_record_is_verified_and_a_changed_number_is_noticed(recorded):
    ended = command("--verify", "--device", "cpu")
    assert ended.exit_code == 0, ended.output
    assert ended.output.count("equal") == 2
    content = json.loads(recorded.read_text())
    content["values"]["two"]["rules"]["fixed number"]["seeds"][0] += 1e-4
    recorded.write_text(json.dumps(content))
    before = recorded.read_bytes()
    ended = command("--verify", "short:two", "--device", "cpu")
    assert ended.exit_code == 1
    assert "short: two: DIFFERS, largest difference 0.0001" in ended.output
    assert "one" not in ended.output
    assert recorded.read_bytes() == before
    assert command("--verify", "short:one", "--device", "cpu").exit_code == 0


def test_what_is_equal_is_noted_with_the_code_that_it_was_verified_with(recorded, monkeypatch):
    content = json.loads(recorded.read_text())
    for row in content["values"].values():
        row["code"] = ["earlier"]
    content["values"]["two"]["rules"]["fixed number"]["seeds"][0] += 1e-4
    recorded.write_text(json.dumps(content))
    before = recorded.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(studies, "changed_files", lambda: [" M imet/losses.py"])
        command("--verify", "--device", "cpu")
        assert recorded.read_bytes() == before
    command("--verify", "--device", "cpu")
    one, two = json.loads(recorded.read_text())["values"].values()
    assert one.pop("verified")["code"] == json.loads(json.dumps(studies.code_key()))
    assert one == content["values"]["one"]
    assert "verified" not in two


def test_numbers_of_changed_code_are_not_recorded(recorded, monkeypatch):
    before = recorded.read_bytes()
    monkeypatch.setattr(studies, "changed_files", lambda: [" M imet/losses.py"])
    ended = command("short", "--profile", "tiny", "--device", "cpu")
    assert ended.exit_code == 2
    assert "imet/losses.py" in ended.output
    assert recorded.read_bytes() == before


def test_unknown_studies_are_refused():
    assert command("nonsense").exit_code == 2


def test_a_number_missing_on_one_side_differs():
    assert studies._difference(None, float("nan")) == 0
    assert studies._difference(None, 0.5) == studies._difference(0.5, float("nan")) == float("inf")


def test_every_works_f2_is_recorded_beside_the_means(recorded):
    works = studies.read_works("short")
    values = json.loads(recorded.read_text())["values"]
    assert list(works) == list(values) == ["one", "two"]
    for variant, rules in works.items():
        for rule, f2 in rules.items():
            assert f2.mean() == pytest.approx(values[variant]["rules"][rule]["value"], abs=1e-6)
    difference = values["two"]["rules"]["one threshold"]["difference"]
    pairs = works["two"]["one threshold"] - works["one"]["one threshold"]
    assert difference["value"] == pytest.approx(pairs.mean(), abs=1e-6)


def test_photographs_are_recorded_apart_from_drawings():
    assert studies.results_file("steps", "sample") == studies.RESULTS / "steps.json"
    assert studies.results_file("steps", "met") == studies.RESULTS / "met" / "steps.json"


def test_every_variant_is_a_recipe():
    for variants in studies.STUDIES.values():
        for recipe, changes in variants.values():
            for profile in ("sample", "met", "tiny"):
                resolve(recipe, profile, changes)
    assert len(studies.STUDIES["factorial"]) == 4 * 2 * 2 * 2
