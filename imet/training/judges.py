"""How a recipe's model is watched while it trains and measured afterwards.

Models that give scores are thresholded; models that write labels one at a time are decoded, and
their paths stopped. Both kinds end in the same metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from imet.config import Recipe
from imet.data.dataset import Part
from imet.data.source import Parts
from imet.inference.decode import decode, save_paths, watch
from imet.inference.evaluate import evaluate, evaluate_paths
from imet.inference.pathrule import BEAMS, tune_path_rule
from imet.inference.paths import Paths
from imet.inference.predict import predict
from imet.inference.reduce import reduce_views
from imet.metrics import best_threshold
from imet.models import writes_labels
from imet.training.objectives import Objective

Array = np.ndarray
BatchesOf = Callable[[Part], Iterable[Mapping[str, Tensor]]]


@dataclass(frozen=True, eq=False)
class Judge:
    """`validate` a model after an epoch; `measure` the best one and write its outputs."""

    validate: Callable[[nn.Module], dict[str, float]]
    measure: Callable[[nn.Module, Path], dict[str, Any]]


def make_judge(
    recipe: Recipe, parts: Parts, batches: BatchesOf, objective: Objective, device: str
) -> Judge:
    """The judge of a recipe's kind of model.

    Args:
        recipe: its model and how it is evaluated.
        parts: the split collection.
        batches: a part's batches, every work once.
        objective: the loss that training minimises.
        device: where batches lie.
    """
    kind = _judge_of_labels if writes_labels(recipe) else _judge_of_scores
    return kind(recipe, parts, batches, objective, device)


def _judge_of_scores(
    recipe: Recipe, parts: Parts, batches: BatchesOf, objective: Objective, device: str
) -> Judge:
    val_targets = parts.val.targets

    def logits_of(model: nn.Module, part: Part) -> Array:
        return predict(model, batches(part), len(part))  # (N, V, K)

    def validate(model: nn.Module) -> dict[str, float]:
        logits = logits_of(model, parts.val)
        targets = torch.from_numpy(np.repeat(val_targets[:, None], logits.shape[1], 1)).float()
        batch = {"targets": targets.flatten(0, 1).to(device)}
        loss = objective(torch.from_numpy(logits).flatten(0, 1).to(device), batch)
        threshold, value = best_threshold(reduce_views(logits, recipe.reduce_views), val_targets)
        return {"val_loss": float(loss), "val_f2": value, "val_threshold": threshold}

    def measure(model: nn.Module, folder: Path) -> dict[str, Any]:
        scores = {}
        for part in (parts.val, parts.test):
            logits = logits_of(model, part)
            scores[part.name] = reduce_views(logits, recipe.reduce_views)
            save_scores(folder, part.name, scores[part.name], reduce_each(logits))
        return evaluate(
            scores, _targets(parts), recipe.threshold_high, recipe.threshold_step,
            recipe.threshold_power,
        )  # fmt: skip

    return Judge(validate, measure)


def _judge_of_labels(
    recipe: Recipe, parts: Parts, batches: BatchesOf, objective: Objective, device: str
) -> Judge:
    targets = _targets(parts)
    proportions = targets["train"].mean(0)  # (K,) f
    how: dict[str, Any] = {
        "gamma": recipe.gamma,
        "mode": recipe.stop_mode,
        "keep_first": recipe.keep_first,
        "combine": recipe.combine,
    }

    def validate(model: nn.Module) -> dict[str, float]:
        """Greedy paths, which the views of a work do not share: beams would cost too much."""
        paths, loss = watch(model, batches(parts.val), len(parts.val), objective)
        rule, _ = tune_path_rule({1: paths}, targets["val"], proportions, **how)
        assert rule.f_beta is not None
        return {"val_loss": loss, "val_f2": rule.f_beta, "val_gamma": rule.gamma}

    def measure(model: nn.Module, folder: Path) -> dict[str, Any]:
        widths = [recipe.beams] if recipe.beams else [k for k in BEAMS if k <= recipe.most_beams]
        paths: dict[str, dict[str, Paths]] = {}
        scores = {}
        for part in (parts.val, parts.test):
            greedy = decode(model, batches(part), len(part))
            found = {"1": greedy, "mean": decode(model, batches(part), len(part), shared=True)}
            for beams in widths:
                if beams > 1:
                    found[str(beams)] = decode(model, batches(part), len(part), beams)
            paths[part.name] = found
            scores[part.name] = greedy.scores.mean(1)  # (N, K)
            save_scores(folder, part.name, scores[part.name], greedy.scores)
            save_paths(folder / f"paths_{part.name}.npz", found)
        if recipe.combine == "mean":
            candidates = {1: paths["val"]["mean"]}
        else:
            candidates = {beams: paths["val"][str(beams)] for beams in widths}
        rule, tried = tune_path_rule(candidates, targets["val"], proportions, **how)
        chosen = {
            name: found["mean" if recipe.combine == "mean" else str(rule.beams)]
            for name, found in paths.items()
        }
        return {"search": tried} | evaluate_paths(rule, chosen, scores, targets)

    return Judge(validate, measure)


def reduce_each(logits: Array) -> Array:
    """Scores of each view by itself, (N, V, K) to (N, V, K)."""
    return np.stack([reduce_views(logits[:, v : v + 1]) for v in range(logits.shape[1])], 1)


def save_scores(folder: Path, part: str, scores: Array, views: Array) -> None:
    """Write scores of works (N, K), and in half precision those of their views (N, V, K)."""
    np.save(folder / f"scores_{part}.npy", scores)
    np.save(folder / f"views_{part}.npy", views.astype(np.float16))


def _targets(parts: Parts) -> dict[str, Array]:
    return {part.name: part.targets for part in (parts.train, parts.val, parts.test)}
