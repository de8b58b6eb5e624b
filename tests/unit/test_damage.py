"""Damage on the disk: whatever a run reads is checked, and what is not whole is made again."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import torch

from imet import runs
from imet.config import resolve
from imet.io import InputError, digest, write_json
from imet.predict import load_network
from imet.runs import Run, run
from imet.training import loop
from imet.training.checkpoint import load_checkpoint, save_checkpoint
from imet_simulation import simulate

SMALL = {"input_size": 32, "stored": "", "epochs": 2, "max_works": 30, "batch_size": 8}


def make(data: Path, **changes) -> Run:
    return run("resnet50", "tiny", device="cpu", data=data, overrides=SMALL | changes)


@pytest.fixture(scope="module")
def finished(small_collection, tmp_path_factory) -> tuple[Path, Run]:
    home = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMET_HOME", str(home))
        return home, make(small_collection)


@pytest.fixture
def home(finished, tmp_path, monkeypatch) -> Path:
    """A copy of the finished run's home."""
    monkeypatch.setenv("IMET_HOME", str(tmp_path / "home"))
    return shutil.copytree(finished[0], tmp_path / "home")


def flip(path: Path, seed: int = 0, anywhere: bool = False) -> None:
    """Turn one bit of a file around; of a checkpoint, in a tensor and not in padding."""
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    first, count = 0, len(data)
    if path.suffix == ".pt" and not anywhere:
        with ZipFile(path) as archive:
            largest = archive.read(max(archive.infolist(), key=lambda record: record.file_size))
        first, count = data.index(largest), len(largest)
    data[first + rng.integers(count)] ^= 1 << rng.integers(8)
    path.write_bytes(data)


def measured(made: Run) -> dict:
    aside = ("seconds", "provenance")
    return {key: value for key, value in made.metrics.items() if key not in aside}


@pytest.mark.parametrize(
    "name",
    [
        "scores_val.npy", "scores_test.npy", "views_test.npy", "history.jsonl", "metrics.json",
        "labels.json", "config.json", "best.pt",
    ],
)  # fmt: skip
@pytest.mark.parametrize("seed", range(3))
def test_a_flipped_bit_of_a_finished_run_is_found_and_mended(
    name, seed, finished, home, small_collection
):
    (folder,) = home.glob("runs/tiny/*/")
    flip(folder / name, seed)
    assert not runs.is_whole(folder)
    mended = make(small_collection)
    assert runs.is_whole(folder)
    assert measured(mended) == measured(finished[1])
    assert mended.history == finished[1].history
    for part in ("val", "test"):
        assert np.array_equal(mended.scores(part), finished[1].scores(part))


LOST = ["scores_val.npy", "views_val.npy", "history.jsonl", "labels.json", "config.json", "best.pt"]


@pytest.mark.parametrize("name", LOST)
def test_a_lost_file_of_a_finished_run_is_mended(name, finished, home, small_collection):
    (folder,) = home.glob("runs/tiny/*/")
    (folder / name).unlink()
    assert measured(make(small_collection)) == measured(finished[1])
    assert (folder / name).exists()


@pytest.mark.parametrize("name", ["labels.json", "config.json", "best.pt"])
def test_nothing_is_predicted_from_a_changed_file(name, home):
    """A changed name of a label, still valid JSON, and a network with other numbers."""
    (folder,) = home.glob("runs/tiny/*/")
    assert len(load_network(folder)) == 4
    path = folder / name
    if name == "best.pt":
        state = load_checkpoint(path)
        next(iter(state["model"].values())).add_(1)
        save_checkpoint(path, state)
    else:
        word = {"labels.json": ("style::red", "style::green"), "config.json": ('": 32,', '": 64,')}
        path.write_text(path.read_text(encoding="utf-8").replace(*word[name]), encoding="utf-8")
    assert not runs.is_whole(folder)
    with pytest.raises(InputError) as caught:
        load_network(folder)
    assert str(caught.value) == f"{path}: damaged; run the recipe again"


def test_predicting_needs_no_scores(home):
    (folder,) = home.glob("runs/tiny/*/")
    (folder / "scores_val.npy").unlink()
    assert len(load_network(folder)) == 4


def test_a_run_that_an_older_version_finished_is_still_whole(home):
    """It has checksums of fewer files."""
    (folder,) = home.glob("runs/tiny/*/")
    metrics = runs.read_metrics(folder)
    for name in ("labels.json", "config.json", "best.pt"):
        del metrics["files"][name]
    write_json(folder / "metrics.json", metrics | {"digest": digest(metrics)})
    assert runs.is_whole(folder)
    assert len(load_network(folder)) == 4


@pytest.mark.parametrize("name", ["last.pt", "best.pt"])
def test_a_damaged_checkpoint_of_an_unfinished_run_is_trained_again(
    name, finished, home, small_collection, capsys
):
    (folder,) = home.glob("runs/tiny/*/")
    (folder / "metrics.json").unlink()
    flip(folder / name, 7)
    assert measured(make(small_collection)) == measured(finished[1])
    assert f"{name}: not a readable checkpoint" in capsys.readouterr().err


@pytest.mark.parametrize("seed", range(20))
def test_no_flipped_bit_of_a_checkpoint_is_read_as_another_number(finished, tmp_path, seed):
    """Either it is refused, or the bit lies where nothing depends on it."""
    path = Path(shutil.copy(finished[1].folder / "best.pt", tmp_path))
    right = load_checkpoint(path)
    flip(path, seed, anywhere=True)
    try:
        read = load_checkpoint(path)
    except InputError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert read["epoch"] == right["epoch"]
        assert all(torch.equal(read["model"][k], v) for k, v in right["model"].items())


def test_a_checkpoint_of_another_recipe_is_refused_with_the_difference(
    finished, home, small_collection
):
    (folder,) = home.glob("runs/tiny/*/")
    (folder / "metrics.json").unlink()
    state = load_checkpoint(folder / "last.pt")
    state["recipe"] |= {"learning_rate": 0.5, "loss": "focal"}
    save_checkpoint(folder / "last.pt", state)
    with pytest.raises(InputError, match=r"learning_rate 0\.5 there.*loss focal there.*delete"):
        make(small_collection)
    del state["recipe"]  # as an older version wrote it
    save_checkpoint(folder / "last.pt", state)
    with pytest.raises(InputError, match="another recipe or version"):
        make(small_collection)


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("pwned"),))


def test_no_file_of_a_run_runs_code(home, small_collection, tmp_path, monkeypatch):
    """Pickles in place of checkpoints and arrays are refused, and the run is made again."""
    monkeypatch.chdir(tmp_path)
    (folder,) = home.glob("runs/tiny/*/")
    bad = pickle.dumps(Evil())
    for name in ("last.pt", "best.pt", "scores_val.npy", "scores_test.npy", "views_val.npy"):
        (folder / name).write_bytes(bad)
    for store in (home / "features").glob("*/"):
        for path in store.glob("*.npy"):
            path.write_bytes(bad)
    make(small_collection)
    np.save(folder / "scores_val.npy", np.array([Evil()], object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        np.load(folder / "scores_val.npy")
    make(small_collection)
    assert not (tmp_path / "pwned").exists()


def test_a_gpu_without_memory_is_one_sentence(finished, home, small_collection, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB")

    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_checkpoint", full)
        with pytest.raises(InputError, match=r"memory does not hold 8 works.*batch_size"):
            make(small_collection, seed=1)
    make(small_collection, seed=1)


@pytest.mark.parametrize("name", ["train.csv", "labels.csv", "truth.jsonl"])
def test_a_flipped_bit_of_a_simulated_table_is_found_and_mended(name, tmp_path):
    simulate(tmp_path, works=3, side=16, workers=1, progress=False)
    right = (tmp_path / name).read_bytes()
    flip(tmp_path / name)
    simulate(tmp_path, works=3, side=16, workers=1, progress=False)
    assert (tmp_path / name).read_bytes() == right


def test_a_recipe_s_machine_fields_may_differ_when_it_goes_on(home, small_collection):
    (folder,) = home.glob("runs/tiny/*/")
    (folder / "metrics.json").unlink()
    make(small_collection, eval_batch_size=4)
    assert resolve("resnet50", "tiny").eval_batch_size != 4
    assert json.loads((folder / "metrics.json").read_text())["files"]
