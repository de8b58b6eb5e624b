"""From a recipe to its numbers: `run` trains it, or loads the run that has the same key.

A run's key is the digest of its resolved configuration, its data, its weights and the source code
it depends on, so an edit never leaves an old number under new code. A run's folder:

    runs/<profile>/<recipe>-<key>/
        config.json     the resolved recipe          key.json      what the key is made of
        history.jsonl   one line per epoch           labels.json   the label columns
        best.pt last.pt checkpoints                  scores_val.npy scores_test.npy  (N, K)
        metrics.json    written last                 views_val.npy views_test.npy    (N, V, K)
        paths_val.npz paths_test.npz                 if the model writes labels one at a time
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from imet.batches import Batches, uses_stored_features
from imet.cache import labels_fingerprint, pictures_fingerprint
from imet.code_digest import file_digest, source_digest
from imet.config import Recipe, get_profile, resolve
from imet.data.parts import Parts, load_parts, split_alone
from imet.data.source import collection_folder
from imet.decoding import Paths, load_paths
from imet.devices import (
    describe_precision,
    explain_full_memory,
    half_precision,
    open_fabric,
    resolve_device,
)
from imet.evaluation import Outputs, PartMetrics, compute_outputs, evaluate, validate
from imet.io import (
    InputError,
    clear_temporary,
    digest,
    file_lock,
    file_sha256,
    home,
    read_json,
    write_json,
)
from imet.models.encoder import Encoder
from imet.models.heads import Network
from imet.models.registry import build_encoder, build_head, feature_shapes
from imet.provenance import provenance
from imet.thresholds import Rule, rule_from_json
from imet.training.checkpoint import load_checkpoint
from imet.training.criterion import make_criterion
from imet.training.loop import fit
from imet.typing import Array

CODE = ("imet.training.loop", "imet.evaluation")
"""What a run's numbers pass through, with all that these modules import."""
NOT_IN_KEY = ("workers", "eval_batch_size", "stored", "title", "document", "reported")


def run(
    name: str,
    profile: str = "sample",
    *,
    seed: int = 0,
    device: str = "auto",
    data: Path | str | None = None,
    overrides: Mapping[str, Any] | None = None,
    devices: int = 1,
    nodes: int = 1,
    cache_views: bool = False,
) -> Run:
    """Train a recipe, or load the run with the same key; an interrupted run is resumed.

    Args:
        name, profile, overrides: see `imet.config.resolve`.
        seed: seeds the initial weights, the order of works and dropout.
        device: "auto", "cpu" or "cuda".
        data: a folder in Kaggle's layout to use instead of the profile's collection.
        devices, nodes: numbers of devices per machine and of machines that share each batch;
            several devices need the command line, which starts a process for each.
        cache_views: decode every picture once and keep it, instead of decoding in every epoch.

    Raises:
        InputError: an unknown name or key, faulty data, missing weights.
        TrainingDiverged: the loss became NaN.
    """
    recipe = resolve(name, profile, {"seed": seed} | dict(overrides or {}))
    fabric = open_fabric(recipe, resolve_device(device), devices, nodes)
    with fabric.rank_zero_first():  # other ranks find the collection drawn, the weights loaded
        parts = load_parts(collection_folder(get_profile(profile), data), recipe)  # tables, split
        encoder = build_encoder(recipe)  # the network before the head, with its weights
    _require_two_works(parts)
    key = run_key(recipe, parts, encoder, "given" if data else collection_key(profile))
    folder = home() / "runs" / profile / f"{name}-{digest(key, size=6)}"
    if not fabric.broadcast(is_whole(folder)):  # finished runs need no lock: read-only disks work
        # A second process with the same key waits here, then finds the run finished.
        with file_lock(folder) if fabric.is_global_zero else nullcontext():
            if not fabric.broadcast(is_whole(folder)):
                if fabric.is_global_zero:
                    _make_ready(folder, key, recipe, profile, parts)
                with explain_full_memory(recipe, folder):
                    train(recipe, profile, parts, encoder, folder, fabric, cache_views)
    return Run(folder, recipe, profile, parts, read_metrics(folder))


def read_metrics(folder: Path, files: Iterable[str] = ()) -> dict[str, Any]:
    """Read a finished run's metrics.json; `InputError` if it or one of `files` has changed."""
    metrics = read_json(folder / "metrics.json")
    checksum = metrics.pop("digest", "") if isinstance(metrics, dict) else None
    if checksum != digest(metrics):
        raise InputError(f"{folder}/metrics.json: damaged; run the recipe again")
    for file in files:
        checksum = file_sha256(folder / file)
        if metrics["files"].get(file, checksum) != checksum:  # an older version named fewer files
            raise InputError(f"{folder / file}: damaged; run the recipe again")
    return metrics


def is_whole(folder: Path) -> bool:
    """Whether a run is finished and its files have not changed since they were written."""
    try:
        read_metrics(folder, read_metrics(folder)["files"])
    except (OSError, InputError):
        return False
    return True


def train(
    recipe: Recipe,
    profile: str,
    parts: Parts,
    encoder: Encoder,
    folder: Path,
    fabric: Fabric,
    cache_views: bool = False,
) -> None:
    """Prepare features or views, fit, tune the rule, measure; `metrics.json` is written last.

    With several processes, each sees its share of every batch, and only the first one writes.
    """
    began, device = time.perf_counter(), str(fabric.device)
    encoder.computes_in = half_precision(recipe, device)
    shapes = feature_shapes(encoder, recipe.input_size)
    head = build_head(recipe, shapes, len(parts.labels), encoder.backbone)
    network: nn.Module = Network(head, None if uses_stored_features(recipe) else encoder)
    if fabric.world_size > 1 and fabric.device.type == "cuda":  # SyncBatchNorm is for CUDA only
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
    network.to(fabric.device)
    if not uses_stored_features(recipe):
        encoder.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    batches = Batches(recipe, parts, encoder, device, fabric.global_rank, fabric.world_size)
    with fabric.rank_zero_first():  # other ranks find the features stored
        batches.prepare(cache_views)
    criterion = make_criterion(recipe, parts.train.targets, device)
    judge = partial(validate, batches, criterion)
    history, earlier = fit(network, batches.training, criterion, judge, recipe, folder, fabric)
    best = load_checkpoint(folder / "best.pt")
    network.load_state_dict(best["model"])

    outputs = {  # scores, label paths
        part.name: compute_outputs(network, recipe, partial(batches.evaluation, part), len(part))
        for part in (parts.val, parts.test)
    }
    if fabric.is_global_zero:
        for part, each in outputs.items():
            each.save(folder, part)
        targets = {name: part.targets for name, part in parts.items()}
        metrics = evaluate(recipe, outputs, targets)
        metrics["val"]["loss"] = history[best["epoch"] - 1]["val_loss"]
        described = ("config.json", "labels.json", "history.jsonl", "best.pt")
        files = [*folder.glob("*.np[yz]"), *map(folder.joinpath, described)]
        content = {
            "recipe": recipe.name,
            "best_epoch": best["epoch"],
            "labels": len(parts.labels),
            "works": {name: len(part) for name, part in parts.items()},
            "precision": describe_precision(recipe, device),
            "devices": fabric.world_size,
            "seconds": round(earlier + time.perf_counter() - began, 1),
            **metrics,
            "provenance": provenance(profile, recipe.seed, device),
            "files": {file.name: file_sha256(file) for file in sorted(files)},
        }
        content = json.loads(json.dumps(content))  # as it reads back
        write_json(folder / "metrics.json", content | {"digest": digest(content)})
    fabric.barrier()


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run."""

    folder: Path
    recipe: Recipe
    profile: str
    parts: Parts  # the split collection that it was trained on
    metrics: dict[str, Any]  # content of metrics.json

    @cached_property
    def val(self) -> PartMetrics:
        """Metrics on validation works, for example `run.val.f2.value`."""
        return PartMetrics.from_json(self.metrics["val"])

    @cached_property
    def test(self) -> PartMetrics:
        """Metrics on test works, for example `run.test.f2.value`."""
        return PartMetrics.from_json(self.metrics["test"])

    @cached_property
    def history(self) -> list[dict[str, float]]:
        """One dictionary per epoch."""
        lines = (self.folder / "history.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    @cached_property
    def rule(self) -> Rule:
        """The rule that turns scores or paths into labels, tuned on validation."""
        return rule_from_json(self.metrics["rule"])

    def scores(self, part: str) -> Array:
        """(N, K) float32 scores of "val" or "test", in the order of the part's works."""
        return np.load(self.folder / f"scores_{part}.npy")

    def view_scores(self, part: str) -> Array:
        """(N, V, K) float16 scores of each view on its own."""
        return np.load(self.folder / f"views_{part}.npy")

    def paths(self, part: str, search: int | str = 1) -> Paths:
        """Full paths (N, V, T) of a model that writes labels, before any rule stops them.

        `search` is the number of beams, or "mean" for one path (N, T) by the mean of the views.
        """
        return load_paths(self.folder / f"paths_{part}.npz")[str(search)]

    def outputs(self, part: str) -> Outputs:
        """The model's outputs for the works of "val" or "test"."""
        file = self.folder / f"paths_{part}.npz"
        paths = load_paths(file) if file.exists() else {}
        return Outputs(self.scores(part), self.view_scores(part), paths)

    def predicted(self, part: str) -> Array:
        """(N, K) bool, the labels predicted for "val" or "test"."""
        return self.rule.decide(self.outputs(part))


def load(profile: str = "sample", recipe: str = "resnet50") -> Parts:
    """Load a profile's collection, split as a recipe asks; a simulated one is drawn first."""
    return load_parts(collection_folder(get_profile(profile)), resolve(recipe, profile))


def collection_key(profile: str) -> str:
    """What a profile's collection is: digest of the code that draws it, "kaggle" or "folder"."""
    data = get_profile(profile).data
    return source_digest("imet_simulation") if data == "simulated" else data


def run_folder(
    name: str, profile: str = "sample", seed: int = 0, overrides: Mapping[str, Any] | None = None
) -> Path:
    """The folder in which `run` with these arguments keeps its files, finished or not."""
    recipe = resolve(name, profile, {"seed": seed} | dict(overrides or {}))
    parts = _parts(collection_folder(get_profile(profile)), split_alone(recipe))
    key = run_key(recipe, parts, build_encoder(recipe), collection_key(profile))
    return home() / "runs" / profile / f"{name}-{digest(key, size=6)}"


_parts = lru_cache(2)(load_parts)  # reading 109,237 works takes seconds


def run_key(recipe: Recipe, parts: Parts, encoder: Encoder, collection: str) -> dict[str, Any]:
    """Everything that a run depends on, JSON-serialisable."""
    weights = encoder.backbone.weights
    config = {k: v for k, v in dataclasses.asdict(recipe).items() if k not in NOT_IN_KEY}
    return {
        "collection": collection,
        "config": config,
        "data": [[pictures_fingerprint(part), labels_fingerprint(part)] for part in parts.values()],
        "weights": None if weights is None else [weights.source, weights.digest],
        "source": code_key(),
    }


def code_key() -> list[str]:
    """Digests of the source code that a run depends on."""
    return [file_digest(Path(__file__).resolve()), source_digest(*CODE)]


def _require_two_works(parts: Parts) -> None:
    for part in (parts.val, parts.test):
        if len(part) < 2:
            raise InputError(
                f"{parts.collection.root / 'train.csv'}: the split 8:1:1 leaves {len(part)} work "
                f"for {part.name}, and intervals need two; add works (20 are enough)"
            )


def _make_ready(
    folder: Path, key: dict[str, Any], recipe: Recipe, profile: str, parts: Parts
) -> None:
    """Delete what a killed run left damaged, and describe the run in files before training."""
    clear_temporary(folder)
    last = folder / "last.pt"
    try:
        if last.exists() and load_checkpoint(last).get("history"):
            load_checkpoint(folder / "best.pt")
    except InputError as error:  # train again even if only the best is lost: any epoch may be it
        print(f"{error}: it is trained from the start", file=sys.stderr)
        last.unlink()
    write_json(folder / "key.json", key)
    write_json(folder / "config.json", dataclasses.asdict(recipe) | {"profile": profile})
    names = {"ids": parts.labels.ids.tolist(), "names": list(parts.labels.names)}
    write_json(folder / "labels.json", names)
