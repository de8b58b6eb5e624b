"""The loop: exact resume, the first best epoch, no number that is not one."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from imet.config import Recipe, resolve
from imet.io import InputError
from imet.training import loop
from imet.training.checkpoint import load_checkpoint, save_checkpoint
from imet.training.loop import TrainingDiverged, fit, make_optimizer

WORKS, WIDTH, LABELS = 24, 6, 4


def recipe(**changes) -> Recipe:
    return resolve("resnet50", "tiny", {"learning_rate": 0.05, "batch_size": 8} | changes)


class Problem:
    """A small network with dropout and batch norm, data drawn once, and ways to interrupt."""

    def __init__(self, folder, **changes):
        self.folder, self.recipe = folder, recipe(**changes)
        self.folder.mkdir(exist_ok=True)
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(WORKS, WIDTH, generator=generator)
        self.y = (self.x[:, :LABELS] > 0).float()
        torch.manual_seed(5)
        self.model = nn.Sequential(
            nn.Linear(WIDTH, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, LABELS)
        )
        self.scores: list[float] | None = None
        self.poison: tuple[int, int] | None = None
        self.killed_before: tuple[int, int] | None = None
        self.stop_after = math.inf
        self.orders: list[list[int]] = []
        self.earlier = 0.0

    def batches(self, epoch, start=0):
        torch.rand(1)  # as a data loader does
        order = np.random.default_rng([self.recipe.seed, epoch]).permutation(WORKS)
        self.orders.append(order.tolist())
        size = self.recipe.batch_size
        for step in range(start, WORKS // size):
            if (epoch, step) == self.killed_before:
                raise KeyboardInterrupt
            rows = order[size * step : size * (step + 1)]
            x = self.x[rows].clone()
            if (epoch, step) == self.poison:
                x[0, 0] = float("nan")
            yield {"x": x, "targets": self.y[rows]}

    def criterion(self, logits, batch):
        return nn.functional.binary_cross_entropy_with_logits(logits, batch["targets"])

    def validate(self, model):
        epoch = len(self.orders) - 1 + self.done_before
        if epoch >= self.stop_after:
            raise KeyboardInterrupt
        model.eval()
        with torch.no_grad():
            loss = self.criterion(model(self.x), {"targets": self.y})
        value = -float(loss) if self.scores is None else self.scores[epoch]
        return {"val_loss": float(loss), "val_f2": value}

    done_before = 0

    def fit(self):
        history, self.earlier = fit(
            Wrapped(self.model),
            self.batches,
            self.criterion,
            self.validate,
            self.recipe,
            self.folder,
            Fabric(accelerator="cpu", devices=1),
        )
        return history


class Wrapped(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, batch):
        return self.model(batch["x"] if isinstance(batch, dict) else batch)


def everything(folder) -> dict:
    """Both checkpoints, less the time that they took."""
    kept = {name: load_checkpoint(folder / f"{name}.pt") for name in ("last", "best")}
    assert kept["last"].pop("seconds") > 0
    return kept


def assert_same(a, b, trail="") -> None:
    """Equal to the last bit, whatever the nesting."""
    assert type(a) is type(b), trail
    if isinstance(a, dict):
        assert a.keys() == b.keys(), trail
        for key in a:
            assert_same(a[key], b[key], f"{trail}/{key}")
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), trail
        for i, (x, y) in enumerate(zip(a, b)):
            assert_same(x, y, f"{trail}/{i}")
    elif isinstance(a, torch.Tensor):
        assert torch.equal(a, b), trail
    else:
        assert a == b, trail


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("schedule", ["cosine", "step"])
def test_two_epochs_equal_one_and_a_resumed_one(tmp_path, optimizer, schedule):
    changes = {"optimizer": optimizer, "schedule": schedule, "step_epochs": 1, "epochs": 2}
    whole = Problem(tmp_path / "whole", **changes)
    history = whole.fit()

    first = Problem(tmp_path / "parts", **changes)
    first.stop_after = 1  # killed in the validation of the second epoch
    with pytest.raises(KeyboardInterrupt):
        first.fit()
    assert len(load_checkpoint(tmp_path / "parts" / "last.pt")["history"]) == 1
    torch.rand(100)  # what another process does in between
    second = Problem(tmp_path / "parts", **changes)
    second.done_before = 1
    assert second.fit() == history
    assert second.orders == whole.orders[1:]
    assert_same(everything(tmp_path / "parts"), everything(tmp_path / "whole"))
    texts = [(tmp_path / n / "history.jsonl").read_text() for n in ("whole", "parts")]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("moment", [(0, 1), (0, 2), (1, 1), (1, 2)])
def test_killed_between_batches_it_ends_the_same(tmp_path, monkeypatch, optimizer, moment):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0)
    changes = {"optimizer": optimizer, "epochs": 2}
    whole = Problem(tmp_path / "whole", **changes)
    history = whole.fit()
    first = Problem(tmp_path / "parts", **changes)
    first.killed_before = moment
    with pytest.raises(KeyboardInterrupt):
        first.fit()
    kept = load_checkpoint(tmp_path / "parts" / "last.pt")
    assert (len(kept["history"]), kept["steps"]) == moment
    torch.rand(100)
    second = Problem(tmp_path / "parts", **changes)
    second.done_before = moment[0]
    assert second.fit() == history
    assert_same(everything(tmp_path / "parts"), everything(tmp_path / "whole"))


def test_killed_in_validation_behind_the_last_batch(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0)
    history = Problem(tmp_path / "whole", epochs=2).fit()
    first = Problem(tmp_path / "parts", epochs=2)
    first.stop_after = 1
    with pytest.raises(KeyboardInterrupt):
        first.fit()
    assert load_checkpoint(tmp_path / "parts" / "last.pt")["steps"] == WORKS // 8
    second = Problem(tmp_path / "parts", epochs=2)
    second.done_before = 1
    assert second.fit() == history
    assert_same(everything(tmp_path / "parts"), everything(tmp_path / "whole"))


def test_a_log_line_an_epoch_says_what_is_left(tmp_path, caplog):
    caplog.set_level("INFO", "imet.training.loop")
    Problem(tmp_path / "run", epochs=2).fit()
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert lines[0].startswith("resnet50: epoch 1 of 2: train_loss ")
    assert lines[1].endswith("; 0 s left")


def test_seconds_of_all_sessions_are_summed(tmp_path, monkeypatch):
    class Clock:
        now = 0.0

        def __call__(self):
            self.now += 1
            return self.now

    monkeypatch.setattr(loop.time, "monotonic", clock := Clock())
    first = Problem(tmp_path / "run", epochs=3)
    first.stop_after = 1
    with pytest.raises(KeyboardInterrupt):
        first.fit()
    assert first.earlier == 0
    after_one = load_checkpoint(tmp_path / "run" / "last.pt")["seconds"]
    assert 0 < after_one < clock.now
    clock.now += 1000  # between two sessions
    second = Problem(tmp_path / "run", epochs=3)
    second.done_before, second.stop_after = 1, 2
    with pytest.raises(KeyboardInterrupt):
        second.fit()
    after_two = load_checkpoint(tmp_path / "run" / "last.pt")["seconds"]
    assert after_one < after_two < 1000
    third = Problem(tmp_path / "run", epochs=3)
    third.done_before = 2
    third.fit()
    assert third.earlier == after_two


def test_dropout_matters_to_that(tmp_path):
    """The resume above would fail if the generator's state were not restored."""
    Problem(tmp_path / "a", epochs=2).fit()
    Problem(tmp_path / "b", epochs=2, seed=1).fit()
    weights = [everything(tmp_path / n)["last"]["model"]["model.0.weight"] for n in "ab"]
    assert not torch.equal(*weights)


def test_a_finished_run_trains_no_more(tmp_path):
    Problem(tmp_path / "run", epochs=2).fit()
    before = everything(tmp_path / "run")
    again = Problem(tmp_path / "run", epochs=2)
    history = again.fit()
    assert len(history) == 2
    assert again.orders == []
    assert_same(everything(tmp_path / "run"), before)


def test_it_learns(tmp_path):
    history = Problem(tmp_path / "run", epochs=30).fit()
    assert history[-1]["val_loss"] < 0.5 * history[0]["val_loss"]
    assert [entry["epoch"] for entry in history] == list(range(1, 31))


def test_the_history_is_one_json_line_an_epoch(tmp_path):
    history = Problem(tmp_path / "run", epochs=3).fit()
    lines = (tmp_path / "run" / "history.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == history
    assert list(history[0]) == ["epoch", "train_loss", "learning_rate", "val_loss", "val_f2"]


def test_the_best_checkpoint_is_the_first_of_the_best(tmp_path):
    problem = Problem(tmp_path / "run", epochs=5)
    problem.scores = [0.1, 0.3, 0.2, 0.3, 0.25]
    problem.fit()
    found = everything(tmp_path / "run")
    assert found["best"]["epoch"] == 2
    assert not torch.equal(
        found["best"]["model"]["model.0.weight"], found["last"]["model"]["model.0.weight"]
    )


def test_a_run_whose_first_epoch_is_best_keeps_it(tmp_path):
    problem = Problem(tmp_path / "run", epochs=2)
    problem.scores = [0.0, 0.0]
    problem.fit()
    assert everything(tmp_path / "run")["best"]["epoch"] == 1


def test_nan_stops_and_keeps_the_last_whole_epoch(tmp_path):
    problem = Problem(tmp_path / "run", epochs=3)
    problem.poison = (1, 2)
    with pytest.raises(TrainingDiverged) as caught:
        problem.fit()
    message = str(caught.value)
    for part in ("resnet50", "nan", "step 2 of epoch 1", "learning_rate", "last.pt"):
        assert part in message
    kept = everything(tmp_path / "run")
    assert len(kept["last"]["history"]) == 1
    assert all(torch.isfinite(v).all() for v in kept["last"]["model"].values())
    # Without the cause it goes on from there, as if nothing had happened.
    again = Problem(tmp_path / "run", epochs=3)
    again.done_before = 1
    undisturbed = Problem(tmp_path / "other", epochs=3)
    assert again.fit() == undisturbed.fit()


def test_a_loss_that_explodes_in_the_last_step_is_noticed_too(tmp_path):
    """The step after which the weights are no numbers; validation alone can see it."""
    problem = Problem(tmp_path / "run", epochs=1, batch_size=WORKS)

    class Exploding(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            return grad * float("inf")

    criterion = problem.criterion
    problem.criterion = lambda logits, batch: criterion(Exploding.apply(logits), batch)
    with pytest.raises(TrainingDiverged, match="epoch 0"):
        problem.fit()
    assert not (tmp_path / "run" / "last.pt").exists()


def test_a_validation_without_a_number_is_not_kept(tmp_path):
    problem = Problem(tmp_path / "run", epochs=2)
    problem.scores = [0.5, float("nan")]
    with pytest.raises(TrainingDiverged, match=r"after epoch 1.*val_f2"):
        problem.fit()
    assert len(load_checkpoint(tmp_path / "run" / "last.pt")["history"]) == 1


def test_gradients_are_clipped(tmp_path):
    norms = []
    for clip in (0.0, 0.01):
        problem = Problem(tmp_path / f"run{clip}", epochs=1, gradient_clip=clip, optimizer="sgd")
        before = [p.clone() for p in problem.model.parameters()]
        problem.fit()
        moved = sum(
            float((p - q).detach().norm()) ** 2 for p, q in zip(problem.model.parameters(), before)
        )
        norms.append(math.sqrt(moved))
    steps, rate, momentum = WORKS // 8, 0.05, 0.9
    bound = rate * 0.01 * sum(sum(momentum**i for i in range(s + 1)) for s in range(steps))
    assert norms[1] <= bound + 1e-3 < norms[0]


def test_only_what_requires_gradients_is_trained(tmp_path):
    problem = Problem(tmp_path / "run", epochs=1)
    problem.model[0].requires_grad_(False)
    before = problem.model[0].weight.clone()
    problem.fit()
    assert torch.equal(problem.model[0].weight, before)
    optimizer = make_optimizer(problem.model.parameters(), problem.recipe)
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 4


def test_a_damaged_checkpoint_is_named(tmp_path):
    Problem(tmp_path / "run", epochs=1).fit()
    last = tmp_path / "run" / "last.pt"
    for content in (last.read_bytes()[:100], b"", b"\0" * 1000):
        last.write_bytes(content)
        with pytest.raises(InputError, match=r"last\.pt: not a readable checkpoint.*delete it"):
            Problem(tmp_path / "run", epochs=2).fit()


def test_checkpoints_run_no_code(tmp_path):
    """A pickle that would call something when loaded is refused."""

    class Trap:
        def __reduce__(self):
            return (print, ("executed",))

    torch.save({"model": Trap()}, tmp_path / "a.pt")
    with pytest.raises(InputError, match="not a readable checkpoint"):
        load_checkpoint(tmp_path / "a.pt")


def test_a_killed_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"epoch": 1})

    def half(state, target):
        target.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr("imet.training.checkpoint.torch.save", half)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(path, {"epoch": 2})
    assert load_checkpoint(path) == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_said_to_be_one(tmp_path, monkeypatch):
    def full(*_):
        raise RuntimeError("basic_ios::clear: iostream error")

    monkeypatch.setattr("imet.training.checkpoint.torch.save", full)
    with pytest.raises(OSError, match=r"last\.pt cannot be written .*is the disk full"):
        save_checkpoint(tmp_path / "last.pt", {})


def test_equal_checkpoints_are_equal_files(tmp_path):
    """Whatever they are called, so that checksums of equal runs are equal."""
    for name in ("one.pt", "another.pt"):
        save_checkpoint(tmp_path / name, {"epoch": 1, "model": {"w": torch.arange(3)}})
    assert (tmp_path / "one.pt").read_bytes() == (tmp_path / "another.pt").read_bytes()
