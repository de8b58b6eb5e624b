"""The training loop. It reads from top to bottom; nothing is hidden in callbacks."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric, seed_everything
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, StepLR
from tqdm import tqdm

from imet.config import Recipe
from imet.devices import gathered
from imet.io import InputError, atomic_path
from imet.training.checkpoint import load_checkpoint, rng_states, save_checkpoint, set_rng_states

# --- Optimisers and learning-rate schedules of the documents, stepped once per epoch


def make_optimizer(parameters: Iterable[nn.Parameter], recipe: Recipe) -> Optimizer:
    """Adam (the paper) or SGD with momentum (chosen for the poster), both with L2 decay."""
    trained = [p for p in parameters if p.requires_grad]
    numbers: dict[str, Any] = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(trained, momentum=recipe.momentum, **numbers)
    # Fused: one pass over the weights; the other forms take an eighth of AttnCNN-RNN's time.
    return torch.optim.Adam(trained, fused=True, **numbers)


def make_schedule(optimizer: Optimizer, recipe: Recipe) -> LRScheduler:
    """Cosine annealing to zero (the paper), or × step_factor every step_epochs (the poster).

    Examples:
        >>> from imet.config import resolve
        >>> recipe = resolve("resnet50", "kaggle", {"epochs": 2})
        >>> optimizer = make_optimizer([nn.Parameter(torch.zeros(1))], recipe)
        >>> schedule = make_schedule(optimizer, recipe)
        >>> optimizer.step(); schedule.step()
        >>> round(schedule.get_last_lr()[0], 7)
        5e-05
    """
    if recipe.schedule == "cosine":
        return CosineAnnealingLR(optimizer, T_max=recipe.epochs)
    return StepLR(optimizer, recipe.step_epochs, recipe.step_factor)


# --- The training loop

Batches = Callable[[int, int], Iterable[Mapping[str, Tensor]]]  # epoch, number of batches to skip
Criterion = Callable[[Tensor, Mapping[str, Tensor]], Tensor]  # logits and batch to a loss
Validate = Callable[[nn.Module], dict[str, float]]

CHECKPOINT_SECONDS = 300
"""Within an epoch a checkpoint is written so often; after each epoch, always."""
log = logging.getLogger(__name__)


OF_THE_MACHINE = ("workers", "eval_batch_size", "stored")
"""Fields that may differ between the two halves of an interrupted run."""


class TrainingDiverged(ArithmeticError):
    """The loss is no longer a finite number."""


def fit(
    model: nn.Module,
    batches: Batches,
    criterion: Criterion,
    validate: Validate,
    recipe: Recipe,
    folder: Path,
    fabric: Fabric,
) -> tuple[list[dict[str, float]], float]:
    """Train a model for `recipe.epochs` epochs, or for those left of an interrupted run.

    On a CPU, training that was stopped after an epoch, or killed between batches, and resumed gives
    the same bits as training in one go. The folder gets `last.pt` (all that resuming needs),
    `best.pt` (at the highest val_f2, the first of ties) and `history.jsonl` (one line per epoch).

    Args:
        model: gives logits of a batch; only its parameters that require gradients are trained.
        batches: gives the training batches of an epoch, from a given one on.
        criterion: gives the mean loss of a batch.
        validate: gives the metrics of a model, val_f2 among them.
        recipe: epochs, optimiser, schedule, gradient clip, seed.
        fabric: device, precision and processes.

    Returns:
        One dictionary per epoch: epoch (from 1), train_loss, learning_rate, what `validate` gives.
        And the seconds of earlier sessions whose work an interrupted run kept, 0 for one in one go.

    Raises:
        TrainingDiverged: the loss became NaN or infinite; the message says where and what to try.
    """
    optimizer = make_optimizer(model.parameters(), recipe)
    schedule = make_schedule(optimizer, recipe)
    history: list[dict[str, float]] = []
    steps, total = 0, 0.0  # batches of the epoch that are done, and the sum of their losses
    began, earlier = time.monotonic(), 0.0  # this session's start, seconds of those before it
    last = folder / "last.pt"
    asked = {k: v for k, v in dataclasses.asdict(recipe).items() if k not in OF_THE_MACHINE}
    resumed: dict[str, Any] | None = load_checkpoint(last) if last.exists() else None
    if resumed:
        _require_same_recipe(last, resumed.get("recipe", {}), asked)
        model.load_state_dict(resumed["model"])
        optimizer.load_state_dict(resumed["optimizer"])
        schedule.load_state_dict(resumed["schedule"])
        history, steps, total = resumed["history"], resumed["steps"], resumed["total"]
        earlier = resumed["seconds"]
        fabric.strategy.precision.load_state_dict(resumed["scaler"])
    wrapped, optimizer = fabric.setup(model, optimizer)  # for precision and several devices
    seed_everything((recipe.seed + fabric.global_rank) % 2**32, verbose=False)
    rng = rng_states()
    if resumed:
        if len(resumed["rng"]) == fabric.world_size:  # else dropout starts anew
            rng = resumed["rng"][fabric.global_rank]
        set_rng_states(rng)
        if fabric.is_global_zero:
            _write_history(folder, history)  # the run may have died before writing it

    def save() -> float:
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        state |= {"schedule": schedule.state_dict(), "history": history, "recipe": asked}
        state |= {"scaler": fabric.strategy.precision.state_dict(), "rng": gathered([rng_states()])}
        if fabric.is_global_zero:
            state |= {"steps": steps, "total": total}
            state["seconds"] = earlier + time.monotonic() - began
            save_checkpoint(last, state)
            _write_history(folder, history)
        return time.monotonic()

    saved = time.monotonic()
    epochs = range(len(history), recipe.epochs)
    bar = tqdm(epochs, desc=recipe.name, unit="epoch", disable=None if fabric.is_global_zero else 1)
    for epoch in bar:
        epoch_began, done_before = time.monotonic(), steps
        wrapped.train()
        stream = batches(epoch, steps)
        for batch in _restored(stream, rng) if steps else stream:
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(wrapped(batch), batch)
            if "share" in batch:
                loss = loss * batch["share"]  # so that the mean over processes is the batch's
            late = time.monotonic() - saved >= CHECKPOINT_SECONDS
            told = torch.stack([loss.detach(), loss.new_tensor(float(late))])
            both: Any = fabric.all_reduce(told, reduce_op="mean")
            value, late_anywhere = both.tolist()
            if not math.isfinite(value):
                fault = f"the loss is {value} in step {steps} of epoch {epoch}"
                raise _diverged(recipe, fault, last)
            fabric.backward(loss)
            if recipe.gradient_clip:
                fabric.clip_gradients(wrapped, optimizer, max_norm=recipe.gradient_clip)
            optimizer.step()
            total, steps = total + value, steps + 1
            if late_anywhere:
                saved = save()
        if not all(bool(p.isfinite().all()) for p in model.parameters() if p.requires_grad):
            raise _diverged(recipe, f"weights are not finite after epoch {epoch}", last)
        entry = {
            "epoch": epoch + 1,
            "train_loss": total / steps,
            "learning_rate": schedule.get_last_lr()[0],
            **validate(model),
        }
        if not all(math.isfinite(value) for value in entry.values()):
            raise _diverged(recipe, f"a number is not finite after epoch {epoch}: {entry}", last)
        entry = fabric.broadcast(entry)
        schedule.step()
        history.append(entry)
        seconds = (time.monotonic() - epoch_began) * steps / max(1, steps - done_before)
        steps, total = 0, 0.0
        if fabric.is_global_zero:
            log.info(
                f"{recipe.name}: epoch {epoch + 1} of {recipe.epochs}: train_loss "
                f"{entry['train_loss']:.4f}, val_f2 {entry['val_f2']:.4f}, {seconds:.0f} s; "
                f"{in_words(seconds * (recipe.epochs - epoch - 1))} left"
            )
        bar.set_postfix({key: f"{entry[key]:.3f}" for key in ("train_loss", "val_f2")})
        best = entry["val_f2"] > max((old["val_f2"] for old in history[:-1]), default=-math.inf)
        if best and fabric.is_global_zero:
            save_checkpoint(folder / "best.pt", {"model": model.state_dict(), "epoch": epoch + 1})
        saved = save()
        fabric.barrier()
    return history, earlier


def _require_same_recipe(path: Path, there: dict[str, Any], asked: dict[str, Any]) -> None:
    """Raise `InputError` with the differences if a checkpoint belongs to another recipe."""
    names = [name for name in (there | asked) if there.get(name) != asked.get(name)]
    if names:
        values = ", ".join(f"{n} {there.get(n)} there, {asked.get(n)} here" for n in names[:5])
        raise InputError(f"{path}: of another recipe or version ({values}); delete {path.parent}")


def _restored(batches: Iterable[Mapping[str, Tensor]], rng: Any) -> Iterator[Mapping[str, Tensor]]:
    """The batches; random states are restored after the loader's start, which draws from them."""
    stream = iter(batches)
    first = list(islice(stream, 1))
    set_rng_states(rng)
    yield from chain(first, stream)


def _write_history(folder: Path, history: list[dict[str, float]]) -> None:
    with atomic_path(folder / "history.jsonl") as temporary:
        lines = [json.dumps(entry, allow_nan=False) + "\n" for entry in history]
        temporary.write_text("".join(lines), encoding="utf-8")


def in_words(seconds: float) -> str:
    """A waiting time in words, rounded for reading.

    Examples:
        >>> in_words(50), in_words(600), in_words(9000)
        ('50 s', '10 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _diverged(recipe: Recipe, what: str, last: Path) -> TrainingDiverged:
    return TrainingDiverged(
        f"{recipe.name}: {what}; lower learning_rate ({recipe.learning_rate:g}) or set "
        f"gradient_clip. {last} keeps the last checkpoint"
    )
