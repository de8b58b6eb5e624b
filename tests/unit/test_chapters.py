"""What the chapters show is what `imet run --all` trains."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from types import SimpleNamespace

import jupytext
import pytest
from typer.testing import CliRunner

from imet import runs
from imet.cli import app
from imet.config import resolve
from imet.io import REPO, InputError, file_lock
from imet.report import chapters
from imet.report.chapters import Shown, shown_runs, states, train_all

PROFILES = ("sample", "tiny", "small", "kaggle", "met")


def calls_of(source: str, profile: str) -> list[Shown]:
    """Calls of `runs.run` in a chapter: the statements that they need, executed with a spy."""
    calls = []

    def note(recipe: str, of_profile: str, *, overrides=None, **_) -> None:
        calls.append(Shown(recipe, of_profile, dict(overrides or {})))

    body = needed_for_runs(ast.parse(source).body, {"profile", "seed", "device", "runs"}, set())
    names = {"profile": profile, "seed": 0, "device": "auto", "runs": SimpleNamespace(run=note)}
    exec(compile(ast.Module(body, []), "chapter", "exec"), names)
    return calls


def needed_for_runs(
    statements: list[ast.stmt], given: set[str], needed: set[str]
) -> list[ast.stmt]:
    """Statements that call `runs.run` or bind a name that a later kept one reads; of loops, too."""
    kept: list[ast.stmt] = []
    for statement in reversed(statements):
        if isinstance(statement, ast.For):
            body = needed_for_runs(statement.body, given, needed)
            if not body:
                continue
            statement = ast.For(statement.target, statement.iter, body, [], lineno=0, col_offset=0)
        elif not calls_run(statement) and not (names_in(statement, ast.Store) - given) & needed:
            continue
        needed |= names_in(statement, ast.Load) - names_in(statement, ast.Store) | (
            names_in(statement, ast.Store) if isinstance(statement, ast.AugAssign) else set()
        )
        kept.insert(0, statement)
    return kept


def calls_run(statement: ast.AST) -> bool:
    calls = (node.func for node in ast.walk(statement) if isinstance(node, ast.Call))
    return any(ast.unparse(call) == "runs.run" for call in calls)


def names_in(statement: ast.AST, context: type) -> set[str]:
    names = {
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, context)
    }
    if context is ast.Store and isinstance(statement, ast.Import | ast.ImportFrom):
        names |= {alias.asname or alias.name for alias in statement.names}
    return names


def resolved(shown: list[Shown]) -> dict[tuple, str]:
    return {
        (run.profile, resolve(run.recipe, run.profile, run.overrides)): str(run) for run in shown
    }


@pytest.mark.parametrize("profile", PROFILES)
def test_the_list_is_what_the_chapters_ask_for(profile):
    asked: list[Shown] = []
    for path in sorted((REPO / "notebooks").glob("*.py")):
        cells = [cell.source for cell in jupytext.read(path).cells if cell.cell_type == "code"]
        lines = [line for line in "\n".join(cells).splitlines() if not line.startswith(("%", "!"))]
        asked += calls_of("\n".join(lines), profile)
    in_chapters, listed = resolved(asked), resolved(shown_runs(profile))
    assert len(in_chapters) > 25
    assert not {in_chapters[key] for key in in_chapters.keys() - listed.keys()}, "not in runs.toml"
    assert not {listed[key] for key in listed.keys() - in_chapters.keys()}, "in no chapter"


def test_each_chapter_s_own_runs_are_listed_under_its_number():
    for path in sorted((REPO / "notebooks").glob("*.py")):
        cells = [cell.source for cell in jupytext.read(path).cells if cell.cell_type == "code"]
        lines = [line for line in "\n".join(cells).splitlines() if not line.startswith(("%", "!"))]
        asked = resolved(calls_of("\n".join(lines), "kaggle"))
        assert set(asked) == set(resolved(shown_runs("kaggle", chapters=path.stem))), path.stem
    both = {str(run) for run in shown_runs("kaggle", chapters="02b 07_decoding")}
    assert both == {"resnet50 (views=one)", "attn_cnn_rnn"}
    with pytest.raises(InputError, match="no chapter 3, 99"):
        shown_runs("kaggle", chapters="03 3 99")


def test_calls_are_read_with_what_they_need_and_nothing_else():
    source = """
names = {"resnet50": "one", "resnet50_hog": "two"}
unneeded = 1 / 0
trained = {name: runs.run(name, profile, seed=seed, device=device) for name in names}
for name, run in trained.items():
    print(run.folder)
budget = {"epochs": 3}
budget |= {"batch_size": 8} if profile == "tiny" else {}
for loss in ("bce", "focal"):
    more = runs.run("resnet50", profile, overrides=budget | {"loss": loss})
    more.metrics["f2"] / 0
"""
    budget = {"epochs": 3, "batch_size": 8}
    assert calls_of(source, "tiny") == [
        Shown("resnet50", "tiny", {}),
        Shown("resnet50_hog", "tiny", {}),
        Shown("resnet50", "tiny", budget | {"loss": "bce"}),
        Shown("resnet50", "tiny", budget | {"loss": "focal"}),
    ]
    assert "batch_size" not in calls_of(source, "kaggle")[2].overrides


def test_a_line_with_lists_is_all_their_combinations(tmp_path):
    file = tmp_path / "runs.toml"
    file.write_text('[[runs]]\nrecipe = "resnet50"\nflip = [true, false]\nloss = ["bce", "focal"]\n'
                    '[[runs]]\nrecipe = "resnet50_hog"\npictures = "drawn"\n')  # fmt: skip
    shown = shown_runs("met", file)
    assert [(run.profile, run.overrides) for run in shown] == [
        ("met", {"flip": True, "loss": "bce"}),
        ("met", {"flip": True, "loss": "focal"}),
        ("met", {"flip": False, "loss": "bce"}),
        ("met", {"flip": False, "loss": "focal"}),
        ("sample", {}),
    ]


def test_every_row_of_both_tables_is_among_them():
    shown = {run.recipe for run in shown_runs("kaggle") if not run.overrides}
    assert {"resnet50", "resnet50_hog", "attn_cnn_rnn", "attn_cnn_rnn_hog"} <= shown
    assert {"vgg16", "vgg16_bn_step10", "vgg16_bn_step15", "vgg16_bn_6000"} <= shown


@pytest.fixture
def two_chapters(tmp_path, monkeypatch, small_collection):
    """Two short runs to train, and a folder of their own."""
    monkeypatch.setenv("IMET_HOME", str(tmp_path))
    monkeypatch.setattr(runs, "collection_folder", lambda *_: small_collection)
    short = {"input_size": 32, "stored": "", "epochs": 1}
    shown = [Shown("resnet50", "tiny", short | {"loss": loss}) for loss in ("bce", "focal")]
    monkeypatch.setattr(chapters, "shown_runs", lambda *_, **__: shown)
    return shown


def test_all_are_trained_once_and_the_list_says_how_far_they_are(two_chapters, monkeypatch, caplog):
    caplog.set_level("INFO", "imet")
    assert [state.words() for state in states("tiny")] == ["to do", "to do"]
    real = runs.train

    def dies(recipe, *rest):
        if recipe.loss == "focal":
            raise KeyboardInterrupt
        real(recipe, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(runs, "train", dies)
        with pytest.raises(KeyboardInterrupt):
            train_all("tiny", device="cpu")
    assert [state.done for state in states("tiny")] == [True, False]
    assert not list(chapters.runs.home().glob("runs/tiny/*/last.pt"))
    (states("tiny")[0].folder / "last.pt").touch()  # of a session that died in between
    caplog.clear()
    train_all("tiny", device="cpu")
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "runs of profile tiny: 1 done, 1 to do in about 0.0 h"
    assert sum("epoch 1 of 1" in line for line in lines) == 1
    assert all(state.done for state in states("tiny"))
    assert len(list(chapters.runs.home().glob("runs/tiny/*/best.pt"))) == 2
    assert not list(chapters.runs.home().glob("runs/tiny/*/last.pt"))
    monkeypatch.setattr(runs, "train", lambda *_: pytest.fail("it trains again"))
    train_all("tiny", device="cpu")
    listed = CliRunner().invoke(app, ["run", "--list", "--profile", "tiny"])
    assert listed.output.count("done, ") == 2


def test_a_run_of_another_process_is_said_to_be_running(two_chapters):
    state = states("tiny")[0]
    state.folder.mkdir(parents=True)
    with file_lock(state.folder):
        assert state.words() == "running"
        (state.folder / "last.pt").touch()
        (state.folder / "config.json").write_text(json.dumps({"epochs": 4}))
        (state.folder / "history.jsonl").write_text("{}\n{}\n")
        assert state.words() == "running, 2 of 4 epochs"
    assert state.words() == "stopped, 2 of 4 epochs"


@pytest.mark.parametrize("arguments", [[], ["resnet50", "--all"], ["--all", "--set", "epochs=1"]])
def test_a_recipe_or_all_of_them(arguments: list[str], tmp_path: Path):
    result = CliRunner().invoke(app, ["run", *arguments, "--profile", "tiny"])
    assert result.exit_code == 2
    assert "name a recipe, or take --all" in result.output
