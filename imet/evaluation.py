"""The one forward loop: batches in, outputs in the order of the works."""

from __future__ import annotations

import math
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
from imet.decoding import (
    BEAMS,
    PathRule,
    Paths,
    decode,
    greedy_validation,
    save_paths,
    tune_path_rule,
)
from imet.metrics import (
    best_threshold,
    fbeta_per_work,
    macro_auc,
    micro_auc,
    most_frequent,
    precision_per_work,
    recall_per_work,
    tune_frequency_baseline,
)
from imet.models.registry import writes_labels
from imet.statistics import mean_interval, paired_difference
from imet.thresholds import average_views, tune_exact, tune_grid, tune_proportional
from imet.training.criterion import Criterion
from imet.typing import Array

# --- The one forward loop


@torch.inference_mode()
def predict(network: nn.Module, batches: Iterable[Mapping[str, Tensor]], works: int) -> Array:
    """Run a network in evaluation mode over batches of works.

    Args:
        network: takes a batch, returns logits (B·V, …).
        batches: as `imet.data.dataset` makes them; together they hold each work once.
        works: N.

    Returns:
        (N, V, …) float32 logits, one row a work, in the order of the works.

    Raises:
        ValueError: a work is missing or came twice.
    """
    training = network.training
    network.eval()
    outputs: Array | None = None
    seen = np.zeros(works, np.int64)
    for batch in batches:
        rows = batch["works"].cpu().numpy()
        logits = network(batch).float().cpu().numpy()  # (B·V, …)
        logits = logits.reshape(len(rows), -1, *logits.shape[1:])  # (B, V, …)
        if outputs is None:
            outputs = np.empty((works, *logits.shape[1:]), np.float32)
        outputs[rows] = logits
        np.add.at(seen, rows, 1)
    network.train(training)
    if outputs is None or not (seen == 1).all():
        missing = int((seen == 0).sum())
        raise ValueError(f"{missing} of {works} works missing, {int((seen > 1).sum())} came twice")
    return outputs


# --- What a run is judged by


def threshold_grid(high: float = 0.5, step: float = 0.01) -> Array:
    """The paper's search grid: step, 2·step … below `high`, the open range (0, high).

    Examples:
        >>> threshold_grid(0.05, 0.01).tolist()
        [0.01, 0.02, 0.03, 0.04]
    """
    return np.round(np.arange(step, high - step / 2, step), 6)


def metrics_with_intervals(predicted: Array, targets: Array) -> dict[str, dict[str, float]]:
    """F2, F1, precision and recall averaged over works, each with a 95 % bootstrap interval.

    Args:
        predicted: (N, K) bool.
        targets: (N, K) bool.
    """
    per_work = {
        "f2": fbeta_per_work(predicted, targets, 2),
        "f1": fbeta_per_work(predicted, targets, 1),
        "precision": precision_per_work(predicted, targets),
        "recall": recall_per_work(predicted, targets),
    }
    return {name: mean_interval(values)._asdict() for name, values in per_work.items()}


def evaluate_scores(
    scores: Mapping[str, Array],
    targets: Mapping[str, Array],
    high: float = 0.5,
    step: float = 0.01,
    power: float = 0.0,
) -> dict[str, Any]:
    """Choose the threshold on validation, measure on validation and test, compare with the floor.

    Args:
        scores: (N, K) in [0, 1] of "val" and "test".
        targets: (N, K) bool of "train", "val" and "test".
        high, step: the grid of the search.
        power: above 0, thresholds are proportional to this power of the labels' training
            proportion (as coded for HOG), and the factor is the best there is.

    Returns:
        the rule, its threshold and whether that lies on the grid's edge, the exact optimum, and
        what `evaluate_predictions` gives for "val" and for "test".
    """
    rule: Any = tune_grid(scores["val"], targets["val"], threshold_grid(high, step))
    if power:
        rule = tune_proportional(scores["val"], targets["val"], targets["train"].mean(0), power)
    exact = tune_exact(scores["val"], targets["val"])
    found: dict[str, Any] = {
        "rule": rule.to_json(),
        "threshold": rule.gamma if power else rule.threshold,
        "threshold_at_edge": rule.at_edge,
        "exact_threshold": exact.threshold,
        "exact_f2": exact.f_beta,
    }
    predicted = {part: rule.predict(scores[part]) for part in ("val", "test")}
    return found | evaluate_predictions(predicted, scores, targets)


def evaluate_paths(
    rule: PathRule,
    paths: Mapping[str, Paths],
    scores: Mapping[str, Array],
    targets: Mapping[str, Array],
) -> dict[str, Any]:
    """The same of a model that writes labels, whose rule was tuned on validation.

    Args:
        rule: where paths stop and how views combine.
        paths: of "val" and "test".
        scores: (N, K) of "val" and "test", for AUC alone.
        targets: (N, K) bool of "train", "val" and "test".
    """
    found = {
        "rule": rule.to_json(),
        "gamma": rule.gamma,
        "gamma_at_edge": rule.at_edge,
        "beams": rule.beams,
    }
    predicted = {part: rule.predict(paths[part]) for part in ("val", "test")}
    return found | evaluate_predictions(predicted, scores, targets)


def evaluate_predictions(
    predicted: Mapping[str, Array], scores: Mapping[str, Array], targets: Mapping[str, Array]
) -> dict[str, Any]:
    """Decisions and scores of validation and test, measured.

    Returns:
        how many labels the floor gives, and a dictionary for "val" and for "test": measures with
        intervals, macro AUC (over classes with both outcomes) and micro AUC (None where no class
        has), the floor's measures, and the paired difference of F2 from the floor.
    """
    k, _ = tune_frequency_baseline(targets["train"], targets["val"])
    frequent = most_frequent(targets["train"], k)
    found: dict[str, Any] = {"floor_labels": k}
    for part in ("val", "test"):
        floor = np.zeros_like(predicted[part])
        floor[:, frequent] = True
        auc = macro_auc(scores[part], targets[part])
        found[part] = {
            **metrics_with_intervals(predicted[part], targets[part]),
            "predicted_labels": float(predicted[part].sum(1).mean()),
            "auc_macro": _or_none(auc.value),
            "auc_classes": auc.classes,
            "auc_micro": _or_none(micro_auc(scores[part], targets[part])),
            "floor": metrics_with_intervals(floor, targets[part]),
            "gain_over_floor": paired_difference(
                fbeta_per_work(predicted[part], targets[part]), fbeta_per_work(floor, targets[part])
            )._asdict(),
        }
    return found


def _or_none(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else value


# --- How a recipe's model is watched while it trains and measured afterwards

BatchesOf = Callable[[Part], Iterable[Mapping[str, Tensor]]]


@dataclass(frozen=True, eq=False)
class Evaluator:
    """`validate` a model after an epoch; `measure` the best one and write its outputs."""

    validate: Callable[[nn.Module], dict[str, float]]
    measure: Callable[[nn.Module, Path], dict[str, Any]]


def make_evaluator(
    recipe: Recipe, parts: Parts, batches: BatchesOf, criterion: Criterion, device: str
) -> Evaluator:
    """The judge of a recipe's kind of model.

    Args:
        recipe: its model and how it is evaluated.
        parts: the split collection.
        batches: a part's batches, every work once.
        objective: the loss that training minimises.
        device: where batches lie.
    """
    kind = _judge_of_labels if writes_labels(recipe) else _judge_of_scores
    return kind(recipe, parts, batches, criterion, device)


def _judge_of_scores(
    recipe: Recipe, parts: Parts, batches: BatchesOf, criterion: Criterion, device: str
) -> Evaluator:
    val_targets = parts.val.targets

    def logits_of(model: nn.Module, part: Part) -> Array:
        return predict(model, batches(part), len(part))  # (N, V, K)

    def validate(model: nn.Module) -> dict[str, float]:
        logits = logits_of(model, parts.val)
        targets = torch.from_numpy(np.repeat(val_targets[:, None], logits.shape[1], 1)).float()
        batch = {"targets": targets.flatten(0, 1).to(device)}
        loss = criterion(torch.from_numpy(logits).flatten(0, 1).to(device), batch)
        threshold, value = best_threshold(average_views(logits, recipe.reduce_views), val_targets)
        return {"val_loss": float(loss), "val_f2": value, "val_threshold": threshold}

    def measure(model: nn.Module, folder: Path) -> dict[str, Any]:
        scores = {}
        for part in (parts.val, parts.test):
            logits = logits_of(model, part)
            scores[part.name] = average_views(logits, recipe.reduce_views)
            save_scores(folder, part.name, scores[part.name], view_scores(logits))
        return evaluate_scores(
            scores, _targets(parts), recipe.threshold_high, recipe.threshold_step,
            recipe.threshold_power,
        )  # fmt: skip

    return Evaluator(validate, measure)


def _judge_of_labels(
    recipe: Recipe, parts: Parts, batches: BatchesOf, criterion: Criterion, device: str
) -> Evaluator:
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
        paths, loss = greedy_validation(model, batches(parts.val), len(parts.val), criterion)
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

    return Evaluator(validate, measure)


def view_scores(logits: Array) -> Array:
    """Scores of each view by itself, (N, V, K) to (N, V, K)."""
    return np.stack([average_views(logits[:, v : v + 1]) for v in range(logits.shape[1])], 1)


def save_scores(folder: Path, part: str, scores: Array, views: Array) -> None:
    """Write scores of works (N, K), and in half precision those of their views (N, V, K)."""
    np.save(folder / f"scores_{part}.npy", scores)
    np.save(folder / f"views_{part}.npy", views.astype(np.float16))


def _targets(parts: Parts) -> dict[str, Array]:
    return {part.name: part.targets for part in (parts.train, parts.val, parts.test)}
