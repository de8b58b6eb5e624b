"""What a recipe needs before it is started: views, operations, hours, disk and memory.

Operations are counted on networks without weights (torch's FlopCounterMode on the meta device), so
neither weights nor pictures are needed. Hours are operations divided by a rate; this machine's rate
is measured by one short probe per backbone, and that of a GPU that is not here is taken from
`RATES`. Fresh views are decoded in every epoch; stored ones once.
"""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from imet.batches import uses_stored_features
from imet.cache import VIEW_FIELDS
from imet.config import Profile, Recipe
from imet.data.parts import SPLIT, load_parts, split_alone
from imet.data.source import collection_folder
from imet.data.views import views_seen
from imet.devices import half_precision, processors
from imet.evaluation import beam_widths
from imet.hog import BLOCK, CELL, ORIENTATIONS, hog_blocks
from imet.io import InputError, digest, home
from imet.models.backbones import build_backbone
from imet.models.encoder import Encoder
from imet.models.registry import build_head, feature_shapes, model_spec

RATES = {"T4": (9.0, 12.0), "V100": (20.0, 35.0), "A100": (45.0, 100.0), "H100": (80.0, 230.0)}
"""Estimated, measured on none: TFLOP/s of a forward pass of ResNet50 and of training VGG16_bn in
half precision. From published rates in views per second times the operations per view."""
DECODED = 280.0
"""Works whose six views one processor cuts per second (`make bench`: 1,686 views)."""
COMPILED = 4.0
"""Views per second that OpenVINO stores on a CPU over those of PyTorch, at least (`make bench`)."""
SHAPED = ("pooled", "spatial", "grid")
KAGGLE = {"kept": (87_360, 10_920, 10_920, 1_077), "all": (87_360, 10_920, 10_920, 1_103)}
"""Works of train, val and test and labels of the real tables, for where they are not."""

Sizes = tuple[int, int, int, int]  # works of train, val and test, and labels


@dataclass(frozen=True)
class Cost:
    """What one recipe needs, with fresh views or with stored ones."""

    recipe: str  # its name, and what is changed
    stored: bool  # whether features are computed once
    views: int  # number that the network sees in all, in training and evaluation
    tflop: float  # operations in all, in 10¹²
    hours: float
    fed_by: str  # "device" or "processors", whichever takes longer
    disk: int  # bytes of features, checkpoints and scores, while it trains
    last: int  # of these bytes, the checkpoint to resume from, deleted once the run is done
    features: int  # of these bytes, stored features
    store: str  # digest of the stored features: recipes with the same digest share them
    memory: int  # bytes of device memory for a training batch
    host: int  # bytes of targets and outputs that evaluation holds at once


def cost(recipe: Recipe, sizes: Sizes, device: str, devices: int = 1, cpus: int = 0) -> Cost:
    """What a recipe needs on a collection of these `sizes`; its view_mode decides what is stored.

    `device` is "cpu", "cuda" or a GPU in `RATES`; `devices` of them share each batch; `cpus` is the
    number of processors that decode, by default all of this machine.
    """
    train, val, test, labels = sizes
    count = {"six": 6, "one": 1}
    views, judged = (count[views_seen(recipe, training)] for training in (True, False))
    net = _network(recipe, labels)
    stored = uses_stored_features(recipe)
    searches = len(beam_widths(recipe)) + 1 if model_spec(recipe).writes_paths else 1
    evaluated = (recipe.epochs * val + searches * (val + test)) * judged
    trained = recipe.epochs * train * views
    seen = 6 * (train + val + test) if stored else trained + evaluated
    forward = net["forward"] * (seen if stored or recipe.frozen else evaluated)
    backward = 0 if recipe.frozen else 3 * net["forward"] * trained
    head = net["head"] * (3 * trained + evaluated)
    inferring, training = rates(recipe.backbone, recipe.input_size, device, compiled=stored)
    extracting = 1 if stored else devices  # one process fills a store
    computing = forward / inferring / extracting + (backward + head) / training / devices
    works = train + val + test if stored else trained / views + evaluated / judged
    feeding = works / (DECODED * (cpus or processors()))
    outputs = (val + test) * labels * (4 + 2 * judged)
    features = 2 * 6 * (train + val + test) * net["features"] if stored else 0
    weights = net["parameters"] * 4
    last = weights + net["trained"] * 8
    halved = device in RATES or half_precision(recipe, device) is not None
    activations = net["kept"] * views * -(-recipe.batch_size // devices) // (1 + halved)
    return Cost(
        recipe=recipe.name,
        stored=stored,
        views=seen,
        tflop=(forward + backward + head) / 1e12,
        hours=max(computing, feeding) / 3600,
        fed_by="device" if computing >= feeding else "processors",
        disk=features + outputs + weights + last,
        last=last,
        features=features,
        store=_store(recipe, sizes) if stored else "",
        memory=weights + net["trained"] * 12 + activations,
        host=labels * ((train + val + test) + views * train + judged * 3 * 4 * val),
    )


def _store(recipe: Recipe, sizes: Sizes) -> str:
    """A digest that tells a recipe's stored features from others, as `imet.cache` does."""
    names = {*model_spec(recipe).features, *recipe.stored.split()} - {"hog"}
    works = {*SPLIT.split()} - {"labels", "label_noise"}  # these two change none of the pictures
    views = {*VIEW_FIELDS, "view_seed"} - {"views", "view_mode"}  # six are stored, and fixed
    fields = sorted(works | views | {"backbone", "weights", "normalisation", "precision"})
    return digest([getattr(recipe, name) for name in fields], sorted(names), sizes[:3])


def disk(costs: Iterable[Cost]) -> int:
    """Bytes that runs take together, one after another.

    Features that several runs read are stored once, and only the run in training has a checkpoint
    to resume from.
    """
    costs = list(costs)
    kept = sum(each.disk - each.features - each.last for each in costs)
    return kept + _features(costs) + max((each.last for each in costs), default=0)


def _features(costs: Iterable[Cost]) -> int:
    return sum({each.store: each.features for each in costs}.values())


@cache
def _backbone(name: str, side: int, frozen: bool) -> tuple[Encoder, dict[str, Any], int, int]:
    """A backbone on the meta device; for one view, feature shapes, operations and kept bytes."""
    with torch.device("meta"):
        encoder = Encoder(
            build_backbone(name, "random"), [0.5] * 3, [0.5] * 3, SHAPED, frozen=frozen
        )
        views = torch.zeros(1, 3, side, side, dtype=torch.uint8)
        with FlopCounterMode(display=False) as counter:
            kept = _kept(encoder, views)
        shapes: dict[str, Any] = feature_shapes(encoder, side)
    return encoder, shapes, counter.get_total_flops(), kept


def _network(recipe: Recipe, labels: int) -> dict[str, int]:
    """What one view needs from backbone and head, and how many parameters they have."""
    side = recipe.input_size
    encoder, shapes, forward, kept = _backbone(recipe.backbone, side, recipe.frozen)
    if side >= CELL * BLOCK:
        shapes = shapes | {"hog_cells": (side // CELL, side // CELL, ORIENTATIONS)}
    names = {*model_spec(recipe).features, *recipe.stored.split()}
    shapes = {name: shape for name, shape in shapes.items() if name in names}
    with torch.device("meta"):
        head = build_head(recipe, shapes, labels).eval()
        batch = {name: torch.zeros(1, *shape) for name, shape in shapes.items()}
        if "hog_cells" in batch:
            batch["hog"] = hog_blocks(batch["hog_cells"])
        with FlopCounterMode(display=False) as counter:
            kept += _kept(head, batch)
    trained = [*head.parameters(), *([] if recipe.frozen else encoder.parameters())]
    return {
        "forward": forward,  # operations of the backbone
        "head": counter.get_total_flops(),
        "features": sum(math.prod(shape) for shape in shapes.values()),  # numbers to store
        "kept": kept,  # bytes for the backward pass
        "parameters": sum(p.numel() for m in (encoder, head) for p in m.parameters()),
        "trained": sum(p.numel() for p in trained),
    }


def _kept(network: torch.nn.Module, batch: Any) -> int:
    """Bytes that a forward pass keeps for the backward pass, without the weights."""
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage()._cdata] = tensor.untyped_storage()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        network(batch)
    for weight in network.parameters():
        kept.pop(weight.untyped_storage()._cdata, None)
    return sum(storage.nbytes() for storage in kept.values())


@cache
def rates(backbone: str, side: int, device: str, compiled: bool = False) -> tuple[float, float]:
    """Operations per second of a backbone's forward pass and of training.

    This machine's are measured in a few seconds, without weights, which change nothing; both are
    taken to be equal. On a CPU, the network that stores features is `compiled`.
    """
    if device in RATES:
        return RATES[device][0] * 1e12, RATES[device][1] * 1e12
    with torch.device("meta"):
        encoder = Encoder(build_backbone(backbone, "random"), [0.5] * 3, [0.5] * 3)
    encoder = encoder.to_empty(device=device).eval()
    for weights in encoder.state_dict().values():
        weights.fill_(0.01)
    encoder.computes_in = half_precision(Recipe(""), device)
    batch = 2 if device == "cpu" else 64
    views = torch.zeros(batch, 3, side, side, dtype=torch.uint8, device=device)
    with torch.inference_mode():
        with FlopCounterMode(display=False) as counter:
            encoder(views)
        began, rounds = time.perf_counter(), 0
        while not rounds or (time.perf_counter() - began < 1 and rounds < 100):
            encoder(views)
            rounds += 1
            if device != "cpu":
                torch.cuda.synchronize(device)
    rate = rounds * counter.get_total_flops() / (time.perf_counter() - began)
    return rate * (COMPILED if compiled and device == "cpu" else 1), rate


def sizes_of(profile: Profile, recipe: Recipe) -> tuple[Sizes, str]:
    """The sizes of a profile's collection as a recipe splits it, and where they come from.

    If the collection would have to be drawn first, they are estimated; the real ones are known.
    """
    folder = home() / "data" / profile.name
    if profile.data == "simulated" and not (folder / "train.csv").exists():
        tenth = profile.works // 10
        return (8 * tenth, tenth, tenth, profile.works // 6), "estimated"
    try:
        return _counted(collection_folder(profile), split_alone(recipe)), "counted"
    except InputError:
        if profile.data != "kaggle":
            raise
    *works, labels = KAGGLE[recipe.labels]
    share = min(1.0, (recipe.max_works or sum(works)) / sum(works))
    train, val, test = (round(share * count) for count in works)
    return (train, val, test, labels), "recorded of the real tables"


@cache
def _counted(folder: Path, recipe: Recipe) -> Sizes:
    parts = load_parts(folder, recipe)
    return len(parts.train), len(parts.val), len(parts.test), len(parts.labels)


def require(costs: Iterable[Cost], device: str, hours: float = 0.0) -> None:
    """Raise `InputError`, with a remedy, if disk, memory or hours (0: any) do not suffice."""
    costs = list(costs)
    there = _bytes(home() / "features")
    free = _free(there + _bytes(home() / "runs"))
    if (needed := disk(costs) - min(there, _features(costs))) > free:
        largest = max(costs, key=lambda each: each.disk)
        raise InputError(
            f"the runs need {needed / 1e9:,.1f} GB on the disk of {home()}, which has "
            f"{free / 1e9:,.1f} GB; {largest.recipe} alone takes {largest.disk / 1e9:,.1f}. Name a "
            "larger disk in IMET_HOME, or keep that recipe's views fresh (view_mode = fresh)"
        )
    if device.startswith("cuda"):
        memory = torch.cuda.get_device_properties(device).total_memory
        for each in costs:
            if each.memory > memory:
                raise InputError(
                    f"{each.recipe} needs about {each.memory / 1e9:,.1f} GB of a GPU's memory for "
                    f"a batch, and there are {memory / 1e9:,.1f} GB; share the batch between "
                    f"--devices {-(-each.memory // memory)} or more, or take a smaller batch_size"
                )
    if hours and (total := sum(each.hours for each in costs)) > hours:
        raise InputError(
            f"the runs need about {total:,.1f} hours here, and --hours {hours:g} are given. "
            "Start them without it, since they go on when started again; or take PROFILE=stored, "
            "which computes frozen networks' features once, PROFILE=small with 5,000 works, more "
            "--devices, or one recipe: "
            + ", ".join(f"{each.recipe} {each.hours:,.1f}" for each in costs)
        )


def _free(used: int) -> float:
    """Bytes left on the disk, or of a quota that the system does not report: IMET_DISK, in GB."""
    free = shutil.disk_usage(next(p for p in (home(), *home().parents) if p.exists())).free
    if not (quota := os.environ.get("IMET_DISK")):
        return free
    try:
        return min(free, float(quota) * 1e9 - used)
    except ValueError:
        raise InputError(f"IMET_DISK={quota}: write a number of GB") from None


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def table(pairs: Iterable[tuple[Cost, Cost | None]]) -> list[str]:
    """Lines of a table: each recipe with fresh views and, where possible, with stored ones."""
    head = f"{'views':>11}{'Tflop':>9}{'hours':>9}{'fed by':>12}{'disk GB':>9}{'GPU GB':>8}"
    lines = [f"{head}{'host GB':>9}{'stored: hours':>15}{'disk GB':>9}  recipe"]
    for fresh, stored in pairs:
        line = f"{fresh.views:11,}{fresh.tflop:9,.0f}{fresh.hours:9,.1f}{fresh.fed_by:>12}"
        line += f"{fresh.disk / 1e9:9,.1f}{fresh.memory / 1e9:8,.1f}{fresh.host / 1e9:9,.1f}"
        line += f"{stored.hours:15,.1f}{stored.disk / 1e9:9,.1f}" if stored else " " * 24
        lines.append(f"{line}  {fresh.recipe}")
    return lines
