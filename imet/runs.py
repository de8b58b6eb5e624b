"""Recipes made real: `run` trains a recipe, or loads the run that has the same key.

A run's key is the digest of its resolved configuration, its data, its weights and the source code
it depends on, so an edit never leaves an old number under new code. Its folder:

    runs/<profile>/<recipe>-<key>/
        config.json     the resolved recipe          key.json      what the key is made of
        history.jsonl   one line an epoch            labels.json   the label columns
        best.pt last.pt checkpoints                  scores_val.npy scores_test.npy  (N, K)
        metrics.json    written last                 views_val.npy views_test.npy    (N, V, K)
        paths_val.npz paths_test.npz                 of models that write labels one at a time
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from imet.cache import (
    FeatureSpec,
    FeatureStore,
    extract_features,
    labels_fingerprint,
    pictures_fingerprint,
)
from imet.code_digest import file_digest, source_digest
from imet.config import Recipe, get_profile, resolve
from imet.data.dataset import Part, image_batches, stored_batches
from imet.data.source import Parts, collection_folder, load_parts
from imet.decoding import PathRule, Paths, load_paths, read_rule
from imet.evaluation import make_evaluator
from imet.io import InputError, digest, file_lock, home, read_json, write_json
from imet.models.encoder import Encoder
from imet.models.heads import Network
from imet.models.registry import FEATURES as READS
from imet.models.registry import MODULES, build_encoder, build_head, feature_shapes
from imet.provenance import provenance
from imet.thresholds import Rule
from imet.training.checkpoint import load_checkpoint
from imet.training.criterion import label_counts, make_criterion, with_teacher_path
from imet.training.loop import fit, write_history
from imet.typing import Array

CODE = (
    "imet.training.loop",
    "imet.evaluation",
    "imet.training.criterion",
    "imet.cache",
)
NOT_IN_KEY = ("workers", "eval_batch_size", "stored", "title", "document", "reported")


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run.

    Attributes:
        folder: its directory.
        recipe: the resolved recipe.
        profile: the profile's name.
        parts: the split collection it was made on.
        metrics: content of metrics.json.
    """

    folder: Path
    recipe: Recipe
    profile: str
    parts: Parts
    metrics: dict[str, Any]

    @cached_property
    def history(self) -> list[dict[str, float]]:
        """One dictionary an epoch."""
        lines = (self.folder / "history.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def scores(self, part: str) -> Array:
        """(N, K) float32 scores of "val" or "test", in the order of the part's works."""
        return np.load(self.folder / f"scores_{part}.npy")

    def view_scores(self, part: str) -> Array:
        """(N, V, K) float16 scores of each view by itself."""
        return np.load(self.folder / f"views_{part}.npy")

    def paths(self, part: str, beams: int | str = 1) -> Paths:
        """Paths (N, V, T) of a model that writes labels, whole: nothing is stopped yet.

        `beams` is a width of the search, or "mean" for one path (N, T) by the mean of the views.
        """
        return load_paths(self.folder / f"paths_{part}.npz", str(beams), self.metrics["labels"])

    @cached_property
    def rule(self) -> Rule | PathRule:
        """What turns scores or paths into labels, tuned on validation."""
        return read_rule(self.metrics["rule"])

    def predicted(self, part: str) -> Array:
        """(N, K) bool, the labels of "val" or "test"."""
        if isinstance(self.rule, PathRule):
            mean = self.rule.combine == "mean"
            return self.rule.predict(self.paths(part, "mean" if mean else self.rule.beams))
        return self.rule.predict(self.scores(part))


def resolve_device(device: str = "auto") -> str:
    """ "cpu" or "cuda" for "auto"; a device that is not there raises.

    Examples:
        >>> resolve_device("cpu")
        'cpu'
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(f"device {device!r}: torch sees no CUDA device here; use auto or cpu")
    if device.split(":")[0] not in ("cpu", "cuda"):
        raise InputError(f"device {device!r}; choose auto, cpu or cuda")
    return device


def load(
    profile: str = "sample", recipe: str = "resnet50", data: Path | str | None = None
) -> Parts:
    """A profile's collection, split as a recipe asks; simulated first where it should be."""
    return load_parts(collection_folder(get_profile(profile), data), resolve(recipe, profile))


def run(
    name: str,
    profile: str = "sample",
    *,
    seed: int = 0,
    device: str = "auto",
    data: Path | str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Run:
    """Train a recipe, or load the run with the same key; an interrupted one goes on.

    Args:
        name: a recipe; see `imet recipes`.
        profile: sample, tiny, small or kaggle.
        seed: of the initial weights, the order of works and dropout.
        device: "auto", "cpu" or "cuda".
        data: a folder in Kaggle's layout to take instead of the profile's.
        overrides: recipe fields to change.

    Raises:
        InputError: an unknown name or key, faulty data, missing weights.
        TrainingDiverged: the loss became NaN.
    """
    device = resolve_device(device)
    recipe = resolve(name, profile, {"seed": seed} | dict(overrides or {}))
    parts = load_parts(collection_folder(get_profile(profile), data), recipe)
    for part in (parts.val, parts.test):
        if len(part) < 2:
            raise InputError(
                f"{parts.collection.root / 'train.csv'}: the split 8:1:1 leaves {len(part)} work "
                f"for {part.name}, and intervals need two; add works (20 are enough)"
            )
    encoder = build_encoder(recipe)
    collection = "given" if data else collection_key(profile)
    key = {"collection": collection} | run_key(recipe, parts, encoder)
    folder = home() / "runs" / profile / f"{name}-{digest(key, size=6)}"
    with file_lock(folder):  # a second process waits here, then finds the run done
        if not (folder / "metrics.json").exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / "key.json", key)
            write_json(folder / "config.json", dataclasses.asdict(recipe) | {"profile": profile})
            write_json(
                folder / "labels.json",
                {"ids": parts.labels.ids.tolist(), "names": list(parts.labels.names)},
            )
            _train_and_evaluate(recipe, profile, parts, encoder, folder, device)
    return Run(folder, recipe, profile, parts, read_json(folder / "metrics.json"))


def collection_key(profile: str) -> str:
    """What a profile's own collection is: the code that draws it, or "kaggle"."""
    if get_profile(profile).data == "simulated":
        return source_digest("imet_simulation")
    return "kaggle"


def run_key(recipe: Recipe, parts: Parts, encoder: Encoder) -> dict[str, Any]:
    """Everything a run depends on, JSON-able."""
    weights = encoder.backbone.weights
    config = {k: v for k, v in dataclasses.asdict(recipe).items() if k not in NOT_IN_KEY}
    return {
        "config": config,
        "data": [
            [pictures_fingerprint(part), labels_fingerprint(part)]
            for part in (parts.train, parts.val, parts.test)
        ],
        "weights": None if weights is None else [weights.source, weights.digest],
        "source": code_key(recipe),
    }


def code_key(recipe: Recipe) -> list[str]:
    """Digests of the source code that a run of this recipe depends on."""
    return [file_digest(Path(__file__).resolve()), source_digest(*CODE, MODULES[recipe.model])]


def _train_and_evaluate(
    recipe: Recipe, profile: str, parts: Parts, encoder: Encoder, folder: Path, device: str
) -> None:
    started = time.perf_counter()
    precision: Any = recipe.precision
    if precision == "auto":
        precision = "bf16-mixed" if device.startswith("cuda") else "32-true"
    fabric = Fabric(accelerator=device.split(":")[0], devices=1, precision=precision)
    shapes = feature_shapes(encoder, recipe.input_size)
    head = build_head(recipe, shapes, len(parts.labels), encoder.backbone)
    batches = batch_source(recipe, parts, encoder, device)
    network = Network(head, None if is_cached(recipe) else encoder)
    criterion = make_criterion(recipe, parts.train.targets, device)
    counts = label_counts(parts.train.targets, device)

    def training_batches(epoch: int) -> Iterable[Mapping[str, Tensor]]:
        order = np.random.default_rng([recipe.seed, epoch]).permutation(len(parts.train))
        return (
            with_teacher_path(batch, recipe, counts) for batch in batches(parts.train, order, epoch)
        )

    def all_batches(part: Part) -> Iterable[Mapping[str, Tensor]]:
        return batches(part, np.arange(len(part)), 0)

    evaluator = make_evaluator(recipe, parts, all_batches, criterion, device)
    network.to(fabric.device)
    if network.encoder is not None:
        network.encoder.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    history = fit(network, training_batches, criterion, evaluator.validate, recipe, folder, fabric)
    write_history(folder / "history.jsonl", history)
    best = load_checkpoint(folder / "best.pt")
    network.load_state_dict(best["model"])
    metrics = evaluator.measure(network, folder)
    metrics["val"]["loss"] = history[best["epoch"] - 1]["val_loss"]
    write_json(
        folder / "metrics.json",
        {
            "recipe": recipe.name,
            "best_epoch": best["epoch"],
            "labels": len(parts.labels),
            "works": {part.name: len(part) for part in (parts.train, parts.val, parts.test)},
            "seconds": round(time.perf_counter() - started, 1),
            **metrics,
            "provenance": provenance(profile, recipe.seed, device),
        },
    )


def is_cached(recipe: Recipe) -> bool:
    """Whether features can be computed once: nothing before the head changes, views are fixed."""
    return recipe.frozen and recipe.batch_norm == "evaluation" and recipe.view_mode == "fixed"


def batch_source(
    recipe: Recipe, parts: Parts, encoder: Encoder, device: str
) -> Callable[[Part, Array, int], Iterable[Mapping[str, Tensor]]]:
    """How to get batches of a part's works in an order, in an epoch: from a store or pictures."""

    def batch_size_of(part: Part) -> int:
        return recipe.batch_size if part.training else recipe.eval_batch_size

    if not is_cached(recipe):
        fresh = recipe.view_mode == "fresh"
        return lambda part, order, epoch: image_batches(
            part, recipe, order, batch_size_of(part), epoch if fresh else 0, device
        )
    stores = _stores(recipe, parts, encoder, device)
    targets = {
        p.name: p.view_targets(recipe) for p in (parts.train, parts.val, parts.test)
    }  # (N, V, K) each

    def stored(part: Part, order: Array, epoch: int) -> Iterable[Mapping[str, Tensor]]:
        views = targets[part.name].shape[1]
        arrays = {name: stores[part.name][name][:, :views] for name in READS[recipe.model]}
        return stored_batches(arrays, targets[part.name], order, batch_size_of(part), device)

    return stored


def _stores(recipe: Recipe, parts: Parts, encoder: Encoder, device: str) -> dict[str, FeatureStore]:
    """Stores hold all six views; a recipe of one view reads the first."""
    protocol = FeatureSpec(dataclasses.replace(recipe, views="six"), encoder, device)
    return {
        p.name: extract_features(p, protocol, home() / "features")
        for p in (parts.train, parts.val, parts.test)
    }


def pooled_features(made: Run, device: str = "auto") -> dict[str, Array]:
    """Pooled features (N, D) of the whole picture, by part, that a run's frozen network gives.

    Raises:
        InputError: the run trained its network, so that none are stored.
    """
    if not is_cached(made.recipe):
        raise InputError(f"{made.folder}: its network was trained, so no features are stored")
    encoder = build_encoder(made.recipe)
    stores = _stores(made.recipe, made.parts, encoder, resolve_device(device))
    return {name: np.asarray(store["pooled"][:, 0], np.float32) for name, store in stores.items()}
