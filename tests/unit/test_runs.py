"""Runs: any folder, one key per number, atomic."""

from __future__ import annotations

import dataclasses
import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import draw_collection

from imet import batches, evaluation, metrics, runs
from imet.batches import uses_stored_features
from imet.config import resolve
from imet.devices import resolve_device
from imet.io import InputError, digest, read_json
from imet.losses import focal_loss, pos_weight, weighted_bce_loss
from imet.metrics import fbeta
from imet.models.backbones import Weights
from imet.runs import Run, run
from imet.thresholds import average_views
from imet.training import loop
from imet.training.loop import TrainingDiverged

SMALL = {
    "input_size": 32,
    "stored": "",
    "learning_rate": 0.05,
}  # a network small enough for a second
WITHOUT_TIME = ("seconds", "provenance", "digest")


@pytest.fixture
def folders(tmp_path, monkeypatch) -> Path:
    """Runs and features go to folders of the test's own."""
    monkeypatch.setenv("IMET_HOME", str(tmp_path))
    return tmp_path


def make(data: Path, seed: int = 0, **changes) -> Run:
    return run("resnet50", "tiny", seed=seed, device="cpu", data=data, overrides=SMALL | changes)


@pytest.fixture(scope="module")
def finished(small_collection, tmp_path_factory) -> Run:
    """One undisturbed run; tests must not write into its folder."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMET_HOME", str(folder))
        return make(small_collection)


def numbers(made: Run) -> dict:
    """metrics.json without the time it took and where."""
    found = json.loads((made.folder / "metrics.json").read_text())
    return {k: v for k, v in found.items() if k not in WITHOUT_TIME}


def test_other_labels_and_counts_are_learnt(finished):
    """Ten labels with names of their own; the three styles show in every view."""
    assert finished.metrics["labels"] == 10
    assert finished.metrics["works"] == {"train": 48, "val": 6, "test": 6}
    names = read_json(finished.folder / "labels.json")["names"]
    assert names[0] == "style::red"
    assert "thing 3, ünïcode 物" in names
    assert finished.parts.labels.ids.tolist() == [10 * i + 7 for i in range(10)]


def test_a_run_s_folder_holds_what_it_says(finished):
    names = {path.name for path in finished.folder.iterdir()}
    assert names == {
        "config.json",
        "key.json",
        "labels.json",
        "history.jsonl",
        "best.pt",
        "last.pt",
        "scores_val.npy",
        "scores_test.npy",
        "views_val.npy",
        "views_test.npy",
        "metrics.json",
    }
    config = read_json(finished.folder / "config.json")
    assert config == dataclasses.asdict(finished.recipe) | {"profile": "tiny"}
    key = read_json(finished.folder / "key.json")
    assert finished.folder.name == f"resnet50-{digest(key, size=6)}"
    assert len(finished.history) == finished.recipe.epochs


def test_scores_are_those_that_the_metrics_come_from(finished):
    for part in ("val", "test"):
        scores = finished.scores(part)
        targets = getattr(finished.parts, part).targets
        assert scores.shape == targets.shape
        assert scores.dtype == np.float32
        assert ((scores >= 0) & (scores <= 1)).all()
        f2 = fbeta(scores >= finished.metrics["threshold"], targets)
        assert finished.metrics[part]["f2"]["value"] == pytest.approx(f2)
        assert finished.metrics[part]["f2"]["low"] <= f2 <= finished.metrics[part]["f2"]["high"]


def test_the_best_epoch_is_the_one_evaluated(finished):
    values = [entry["val_f2"] for entry in finished.history]
    assert finished.metrics["best_epoch"] == int(np.argmax(values)) + 1
    assert finished.metrics["exact_f2"] == pytest.approx(max(values))


def test_provenance_stands_in_the_metrics(finished):
    found = finished.metrics["provenance"]
    assert (found["profile"], found["seed"]) == ("tiny", 0)
    assert found["device"].startswith("CPU")


def forbid_training(monkeypatch) -> None:
    def refuse(*_):
        raise AssertionError("it trains again")

    monkeypatch.setattr(runs, "train", refuse)


def adopt(finished: Run, folders: Path) -> None:
    """A copy of the finished run and its features for a test that goes on from it."""
    root = finished.folder.parents[2]
    shutil.copytree(root / "runs", folders / "runs")
    shutil.copytree(root / "features", folders / "features")


def test_the_same_key_is_loaded_and_not_trained(finished, folders, monkeypatch, small_collection):
    adopt(finished, folders)
    forbid_training(monkeypatch)
    again = make(small_collection)
    assert again.metrics == finished.metrics
    assert again.history == finished.history
    assert np.array_equal(again.scores("test"), finished.scores("test"))


def test_a_copy_of_the_data_elsewhere_is_the_same_data(
    finished, folders, monkeypatch, small_collection
):
    adopt(finished, folders)
    forbid_training(monkeypatch)
    copy = shutil.copytree(small_collection, folders / "copy")
    assert make(copy).folder.name == finished.folder.name


@pytest.mark.parametrize(
    "changes",
    [
        {"learning_rate": 0.06},
        {"epochs": 3},
        {"seed": 1},
        {"view_seed": 1},
        {"loss": "focal"},
        {"crop_targets": "as_coded"},
        {"threshold_high": 0.6},
        {"max_works": 30},
        {"labels": "all"},
    ],
)
def test_every_field_that_matters_changes_the_key(
    changes, finished, folders, monkeypatch, small_collection
):
    adopt(finished, folders)
    forbid_training(monkeypatch)
    with pytest.raises(AssertionError, match="trains again"):
        make(small_collection, **changes)


@pytest.mark.parametrize("changes", [{"workers": 2}, {"eval_batch_size": 1}])
def test_fields_of_the_machine_do_not(changes, finished, folders, monkeypatch, small_collection):
    adopt(finished, folders)
    forbid_training(monkeypatch)
    make(small_collection, **changes)


def test_changed_code_data_or_weights_change_the_key(
    finished, folders, monkeypatch, small_collection
):
    adopt(finished, folders)
    forbid_training(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(runs, "source_digest", lambda *_: "edited")
        with pytest.raises(AssertionError, match="trains again"):
            make(small_collection)
    real = runs.build_encoder

    def other_weights(recipe):
        encoder = real(recipe)
        encoder.backbone.weights = Weights("elsewhere", "0123")
        return encoder

    with monkeypatch.context() as patch:
        patch.setattr(runs, "build_encoder", other_weights)
        with pytest.raises(AssertionError, match="trains again"):
            make(small_collection)
    copy = shutil.copytree(small_collection, folders / "copy")
    text = (copy / "train.csv").read_text()
    (copy / "train.csv").write_text(text.replace("w0,7 37", "w0,7 37 47"))
    with pytest.raises(AssertionError, match="trains again"):
        make(copy)


class Interruption(KeyboardInterrupt):
    pass


def interrupted(monkeypatch, module, name: str, at: int):
    """Let the call number `at` of a function that a module uses end like Ctrl-C."""
    real, calls = getattr(module, name), []

    def counted(*args, **kwargs):
        calls.append(1)
        if len(calls) == at:
            raise Interruption
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, counted)


@pytest.mark.parametrize(
    ("module", "name", "at"),
    [
        (metrics, "best_threshold", 1),  # in the validation of the first epoch
        (metrics, "best_threshold", 2),  # of the second
        (evaluation, "tune_rule", 1),  # after training
        (batches, "extract_features", 2),  # between the features of two parts
    ],
)
def test_killed_anywhere_it_ends_in_the_same_numbers(
    module, name, at, finished, folders, monkeypatch, small_collection
):
    if name != "extract_features":
        shutil.copytree(finished.folder.parents[2] / "features", folders / "features")
    with monkeypatch.context() as patch:
        interrupted(patch, module, name, at)
        with pytest.raises(Interruption):
            make(small_collection)
    assert not list(folders.glob("runs/tiny/*/metrics.json"))
    resumed = make(small_collection)
    assert numbers(resumed) == numbers(finished)
    assert resumed.history == finished.history
    for part in ("val", "test"):
        assert np.array_equal(resumed.scores(part), finished.scores(part))


@pytest.mark.parametrize("at", [2, 6])
def test_killed_between_batches_of_pictures_it_ends_the_same(
    at, folders, monkeypatch, small_collection
):
    """Dropout, fresh views, a network that learns; in the first epoch and in the second."""
    changes = {"input_size": 32, "stored": "", "batch_size": 16, "epochs": 2, "jitter_hue": 0.05}

    def train() -> Run:
        return run("vgg16", "tiny", device="cpu", data=small_collection, overrides=changes)

    whole = train()
    shutil.move(whole.folder, folders / "whole")
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0)
    with monkeypatch.context() as patch:
        interrupted(patch, loop, "save_checkpoint", at + 1)
        with pytest.raises(Interruption):
            train()
    resumed = train()
    assert resumed.folder == whole.folder
    for name in ("best.pt", "last.pt"):
        ours, theirs = (torch.load(f / name)["model"] for f in (whole.folder, folders / "whole"))
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert resumed.history == [
        json.loads(line) for line in (folders / "whole" / "history.jsonl").open()
    ]
    assert np.array_equal(resumed.scores("test"), np.load(folders / "whole" / "scores_test.npy"))


def test_two_that_want_the_same_run_make_it_once(folders, monkeypatch, small_collection):
    real, made, errors = runs.train, [], []
    started = threading.Event()

    def counted(*args):
        made.append(1)
        started.set()
        real(*args)

    monkeypatch.setattr(runs, "train", counted)

    def want():
        try:
            make(small_collection, epochs=1)
        except Exception as error:
            errors.append(error)

    first = threading.Thread(target=want)
    first.start()
    assert started.wait(60)
    want()
    first.join()
    assert errors == []
    assert made == [1]


def test_pictures_and_stored_features_train_alike(folders, small_collection):
    """One epoch of fresh views sees what fixed views are: equal up to half precision."""
    still = {"epochs": 1, "loss_reduction": "mean"}
    fixed = make(small_collection, **still)
    fresh = make(small_collection, view_mode="fresh", **still)
    assert uses_stored_features(fixed.recipe)
    assert not uses_stored_features(fresh.recipe)
    for part in ("val", "test"):
        np.testing.assert_allclose(fresh.scores(part), fixed.scores(part), atol=5e-3)


def test_fine_tuning_moves_the_backbone(folders, small_collection):
    made = make(small_collection, frozen=False, epochs=1, max_works=20)
    assert not (folders / "features").exists()
    best = torch.load(made.folder / "best.pt", weights_only=True)["model"]
    start = runs.build_encoder(made.recipe).state_dict()
    moved = [n for n, v in start.items() if not torch.equal(best[f"encoder.{n}"], v)]
    assert any(".weight" in name for name in moved)


def test_fixed_views_stay_fixed_in_fine_tuning(folders, monkeypatch, small_collection):
    seen = []

    class Watched(batches.ViewLoader):
        def __call__(self, order, epoch):
            seen.append((self.part.name, epoch))
            return super().__call__(order, epoch)

    monkeypatch.setattr(batches, "ViewLoader", Watched)
    make(small_collection, frozen=False, max_works=20, epochs=2)
    assert {epoch for _, epoch in seen} == {0}
    seen.clear()
    make(small_collection, frozen=False, max_works=20, epochs=2, view_mode="fresh")
    assert [epoch for name, epoch in seen if name == "train"] == [0, 1]
    assert {epoch for name, epoch in seen if name != "train"} == {0}


def test_evaluation_batches_have_a_size_of_their_own(finished, folders, small_collection):
    """Another one changes nothing, since views do not see each other."""
    root = finished.folder.parents[2]
    shutil.copytree(root / "features", folders / "features")
    made = make(small_collection, eval_batch_size=4)
    ours, theirs = numbers(made), numbers(finished)
    assert ours["files"].pop("config.json") != theirs["files"].pop("config.json")  # holds the size
    assert ours == theirs


def test_a_diverging_run_says_so_and_leaves_no_metrics(folders, small_collection):
    with pytest.raises(TrainingDiverged, match="learning_rate"):
        make(small_collection, optimizer="sgd", learning_rate=1e30, epochs=3)
    assert not list(folders.glob("runs/tiny/*/metrics.json"))


@pytest.mark.parametrize("works", [3, 9])
def test_a_folder_too_small_for_intervals_is_refused(works, folders):
    folder = draw_collection(folders / "few", works)
    with pytest.raises(InputError, match=r"train\.csv.*(add works|needs at least 3)"):
        make(folder, drop_rare=False)


def test_a_part_without_positives_of_a_class_has_no_auc_and_no_nan(folders):
    """Twelve works of two labels that all carry: no class has both outcomes."""
    folder = draw_collection(folders / "plain", 24)
    rows = [f"w{i},7 17\n" for i in range(24)]
    (folder / "train.csv").write_text("id,attribute_ids\n" + "".join(rows))
    made = make(folder, epochs=1)
    assert made.metrics["labels"] == 2
    assert made.metrics["val"]["auc_macro"] is None
    assert made.metrics["val"]["f2"]["value"] == 1.0


def test_one_label_is_enough(folders):
    folder = draw_collection(folders / "one", 24)
    (folder / "train.csv").write_text(
        "id,attribute_ids\n" + "".join(f"w{i},27\n" for i in range(24))
    )
    assert make(folder, epochs=1).metrics["labels"] == 1


def test_missing_pictures_are_found_before_training(folders, small_collection):
    copy = shutil.copytree(small_collection, folders / "copy")
    (copy / "train" / "w5.png").unlink()
    with pytest.raises(InputError, match=r"w5\.png.*imet data check"):
        make(copy)
    assert not (folders / "runs").exists()


def test_a_damaged_picture_stops_with_its_name(folders, small_collection):
    copy = shutil.copytree(small_collection, folders / "copy")
    data = (copy / "train" / "w5.png").read_bytes()
    (copy / "train" / "w5.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"w5\.png.*truncated"):
        make(copy)


def test_devices_that_are_not_there_are_refused():
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") in ("cpu", "cuda")
    with pytest.raises(InputError, match="choose auto, cpu or cuda"):
        resolve_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="no CUDA device"):
            resolve_device("cuda:1")


def test_objectives_are_the_losses_that_recipes_name():
    targets = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 0]], bool)
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    batch = {"targets": torch.from_numpy(targets).float()}

    def loss(**changes):
        criterion = runs.make_criterion(resolve("resnet50", "tiny", changes), targets, "cpu")
        return criterion(logits, batch)

    y = batch["targets"]
    weights = pos_weight(targets.sum(0), 4, 10.0)
    assert torch.equal(loss(), weighted_bce_loss(logits, y, weights, "sum_classes"))
    assert torch.equal(loss(loss="bce"), weighted_bce_loss(logits, y, None, "sum_classes"))
    summed, mean = loss(), loss(loss_reduction="mean")
    torch.testing.assert_close(summed, 3 * mean)
    assert torch.equal(
        loss(loss="focal", focal_gamma=1.0), focal_loss(logits, y, 1.0, None, "sum_classes")
    )
    clipped = loss(positive_weight_clip=1.0)
    assert clipped < summed
    assert len({round(float(loss(loss=name)), 6) for name in ("bce", "asymmetric", "soft_f2")}) == 3


@pytest.mark.parametrize("how", ["mean_scores", "mean_logits"])
def test_views_are_reduced_as_the_recipe_says(how):
    logits = np.random.default_rng(0).normal(size=(3, 6, 4)).astype(np.float32)
    sigmoid = 1 / (1 + np.exp(-logits.astype(float)))
    wanted = sigmoid.mean(1) if how == "mean_scores" else 1 / (1 + np.exp(-logits.mean(1)))
    np.testing.assert_allclose(average_views(logits, how), wanted, rtol=1e-5)
