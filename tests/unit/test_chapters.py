"""What the chapters show is what `imet run --all` trains."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from imet import runs
from imet.cli import app
from imet.io import file_lock
from imet.report import chapters
from imet.report.chapters import Shown, shown_runs, states, train_all

NOTEBOOK = """\
# %% tags=["parameters"]
profile = "sample"
seed = 0
device = "auto"

# %%
from imet import runs
names = {"resnet50": "one", "resnet50_hog": "two"}
unneeded = 1 / 0
trained = {name: runs.run(name, profile, seed=seed, device=device) for name in names}
for name, run in trained.items():
    print(run.folder)

# %%
budget = {"epochs": 3}
budget |= {"batch_size": 8} if profile == "tiny" else {}
more = {}
for loss in ("bce", "focal"):
    more[loss] = runs.run("resnet50", profile, overrides=budget | {"loss": loss})
    more[loss].metrics["f2"] / 0
again = runs.run("resnet50", profile)
"""


def test_calls_are_read_with_what_they_need_and_nothing_else(tmp_path):
    file = tmp_path / "03_try.py"
    file.write_text(NOTEBOOK)
    (tmp_path / "04_more.py").write_text("# %%\nruns.run('resnet50_hog', profile)\n")
    shown = shown_runs("tiny", notebooks=tmp_path.glob("*.py"))
    assert shown == [
        Shown("resnet50", "tiny", {}),
        Shown("resnet50_hog", "tiny", {}),
        Shown("resnet50", "tiny", {"epochs": 3, "batch_size": 8, "loss": "bce"}),
        Shown("resnet50", "tiny", {"epochs": 3, "batch_size": 8, "loss": "focal"}),
    ]
    assert shown[1].chapters == ["03_try", "04_more"]
    assert "batch_size" not in shown_runs("kaggle", notebooks=[file])[2].overrides


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
    monkeypatch.setattr(chapters, "shown_runs", lambda *_: shown)
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
    caplog.clear()
    train_all("tiny", device="cpu")
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "runs of profile tiny: 1 done, 1 to do in about 0.0 h"
    assert sum("epoch 1 of 1" in line for line in lines) == 1
    assert all(state.done for state in states("tiny"))
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
