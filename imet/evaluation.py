"""How a run is judged: a model's outputs, the rule tuned on validation, every reported metric.

A model that scores labels has its scores thresholded; a model that writes paths of labels is
decoded and its paths are stopped. Both give `Outputs`, and both end in the same metrics.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter
from scipy.special import expit
from torch import Tensor, nn

from imet import metrics, thresholds
from imet.batches import Batches
from imet.config import Recipe
from imet.decoding import (
    BEAMS,
    Paths,
    decode,
    evaluation_mode,
    greedy_validation,
    in_work_order,
    save_paths,
    tune_path_rule,
)
from imet.io import write_npy
from imet.models.registry import model_spec
from imet.statistics import Interval, mean_interval, paired_difference
from imet.training.criterion import Criterion
from imet.typing import Array


@dataclass(frozen=True, eq=False)
class Outputs:
    """A model's outputs for N works.

    If the model writes labels, `paths` maps searches to paths: "1" is greedy and "5" has five
    beams, both (N, V, T); "mean" is one path per work, by the mean of its views, (N, T).
    """

    scores: Array  # (N, K) in [0, 1]
    view_scores: Array  # (N, V, K), of each view on its own
    paths: Mapping[str, Paths] = field(default_factory=dict)

    def save(self, folder: Path, part: str) -> None:
        """Write `scores_PART.npy`, `views_PART.npy` in half precision, and `paths_PART.npz`."""
        arrays = {"scores": self.scores, "views": self.view_scores.astype(np.float16)}
        for name, array in arrays.items():
            write_npy(folder / f"{name}_{part}.npy", array)
        if self.paths:
            save_paths(folder / f"paths_{part}.npz", self.paths)


@torch.inference_mode()
def compute_logits(
    network: nn.Module, batches: Iterable[Mapping[str, Tensor]], works: int
) -> Array:
    """Run a model that scores labels: logits (N, V, …) float32, in the order of the works.

    The network takes a batch and returns logits (B·V, …). Batches come from `imet.batches`; see
    `in_work_order`.
    """
    pieces = []
    with evaluation_mode(network):
        for batch in batches:
            rows = batch["works"].cpu().numpy()
            logits = network(batch).float().cpu().numpy()  # (B·V, …)
            pieces.append((rows, logits.reshape(len(rows), -1, *logits.shape[1:])))  # (B, V, …)
    return in_work_order(pieces, works)[0]


def compute_outputs(
    network: nn.Module,
    recipe: Recipe,
    batches: Callable[[], Iterable[Mapping[str, Tensor]]],
    works: int,
    searches: Iterable[str] | None = None,
) -> Outputs:
    """Scores of N works and, if the model writes labels, its paths.

    `batches` is called once for each search and gives the batches; `searches` are names as in
    `Outputs.paths`, by default all that the recipe tries.
    """
    if not model_spec(recipe).writes_paths:
        logits = compute_logits(network, batches(), works)  # (N, V, K)
        return Outputs(thresholds.average_views(logits, recipe.reduce_views), expit(logits))
    if searches is None:
        searches = ["mean", *map(str, beam_widths(recipe))]
    paths: dict[str, Paths] = {}
    scores: Any = None  # (N, V, K), only of the greedy search: all would fill the memory
    for name in dict.fromkeys(["1", *searches]):
        decoded = decode(network, batches(), works, name)
        scores = decoded.scores if name == "1" else scores
        paths[name] = Paths(decoded.labels, decoded.probabilities)
        del decoded  # before the next search
    return Outputs(scores.mean(1), scores, paths)


def beam_widths(recipe: Recipe) -> list[int]:
    """Widths of beam search that are tried on validation."""
    return [recipe.beams] if recipe.beams else [k for k in BEAMS if k <= recipe.most_beams]


def tune_rule(
    recipe: Recipe, validation: Outputs, targets: Mapping[str, Array]
) -> tuple[thresholds.Rule, dict[str, Any]]:
    """Find the decision rule with the best F2 on validation, searching as the recipe says.

    The recipe gives the grid of thresholds, or γ, K and how paths are stopped; targets (N, K) are
    those of "train" and "val". Returns the rule and what metrics.json reports about the search.
    """
    frequencies = targets["train"].mean(0)  # (K,) f
    if validation.paths:
        if recipe.combine == "mean":
            paths = {1: validation.paths["mean"]}
        else:
            paths = {k: validation.paths[str(k)] for k in beam_widths(recipe)}
        settings = path_settings(recipe)
        path_rule, tried = tune_path_rule(paths, targets["val"], frequencies, **settings)
        return path_rule, {
            "search": tried,
            "rule": path_rule.to_json(),
            "gamma": path_rule.gamma,
            "gamma_at_edge": path_rule.at_edge,
            "beams": path_rule.beams,
        }
    scores = validation.scores, targets["val"]
    rule: Any
    if recipe.threshold_power:  # as coded for HOG; its factor is the exact optimum
        rule = thresholds.tune_proportional(*scores, frequencies, recipe.threshold_power)
    else:
        rule = thresholds.tune_grid(
            *scores, thresholds.threshold_grid(recipe.threshold_high, recipe.threshold_step)
        )
    exact = thresholds.tune_exact(*scores)
    return rule, {
        "rule": rule.to_json(),
        "threshold": rule.gamma if recipe.threshold_power else rule.threshold,
        "threshold_at_edge": rule.at_edge,
        "exact_threshold": exact.threshold,
        "exact_f2": exact.f_beta,
    }


def path_settings(recipe: Recipe) -> dict[str, Any]:
    """How a recipe stops paths and combines views: arguments of `tune_path_rule`."""
    return {
        "gamma": recipe.gamma,
        "mode": recipe.stop_mode,
        "keep_first": recipe.keep_first,
        "combine": recipe.combine,
    }


def metrics_with_intervals(predicted: Array, targets: Array) -> dict[str, dict[str, float]]:
    """F2, F1, precision and recall averaged over works, each with a 95 % bootstrap interval."""
    per_work = {
        "f2": metrics.fbeta_per_work(predicted, targets, 2),
        "f1": metrics.fbeta_per_work(predicted, targets, 1),
        "precision": metrics.precision_per_work(predicted, targets),
        "recall": metrics.recall_per_work(predicted, targets),
    }
    return {name: mean_interval(values)._asdict() for name, values in per_work.items()}


@dataclass(frozen=True)
class Averages:
    """The four columns of the paper's tables, averaged over works."""

    f2: Interval
    f1: Interval
    precision: Interval
    recall: Interval


@dataclass(frozen=True)
class PartMetrics(Averages):
    """Metrics of a run on one part of the split; None if a metric does not exist there."""

    predicted_labels: float  # per work
    auc_macro: float | None  # mean AUC over the labels that have both outcomes
    auc_classes: int  # number of these labels
    auc_micro: float | None  # AUC over all pairs of work and label
    floor: Averages  # reached by giving every work the most frequent labels
    gain_over_floor: Interval  # paired difference of F2
    loss: float | None = None  # on validation, at the epoch that was kept

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> PartMetrics:
        """Read a part's entry of metrics.json."""
        return TypeAdapter(PartMetrics).validate_python(values)


def evaluate(
    recipe: Recipe, outputs: Mapping[str, Outputs], targets: Mapping[str, Array]
) -> dict[str, Any]:
    """Tune the rule on validation, measure validation and test; return metrics.json's content.

    `outputs` has "val" and "test", `targets` (N, K) also "train". The content is what `tune_rule`
    reports, the metrics of each part, which `PartMetrics` reads, and "floor_labels", the number of
    labels that the frequency baseline gives, chosen on validation from the counts of "train".
    """
    rule, content = tune_rule(recipe, outputs["val"], targets)
    k, _ = metrics.tune_frequency_baseline(targets["train"], targets["val"])
    content["floor_labels"] = k
    for part, each in outputs.items():
        truth, predicted, floor = targets[part], rule.decide(each), np.zeros_like(targets[part])
        floor[:, metrics.most_frequent(targets["train"], k)] = True
        auc = metrics.mean_auc(metrics.roc_auc_per_class(each.scores, truth))
        micro = metrics.micro_auc(each.scores, truth)
        ours, theirs = (metrics.fbeta_per_work(labels, truth) for labels in (predicted, floor))
        content[part] = {
            **metrics_with_intervals(predicted, truth),
            "predicted_labels": float(predicted.sum(1).mean()),
            "auc_macro": None if math.isnan(auc.value) else auc.value,
            "auc_classes": auc.classes,
            "auc_micro": None if math.isnan(micro) else micro,
            "floor": metrics_with_intervals(floor, truth),
            "gain_over_floor": paired_difference(ours, theirs)._asdict(),
        }
    return content


def validate(batches: Batches, criterion: Criterion, network: nn.Module) -> dict[str, float]:
    """Loss and best F2 on validation works, with the threshold or γ that gives it.

    `criterion` is the loss that training minimises. Paths are greedy, and each view of a work has
    its own: beams would cost too much.
    """
    recipe, train, val = batches.recipe, batches.parts.train, batches.parts.val
    if model_spec(recipe).writes_paths:
        paths, loss = greedy_validation(network, batches.evaluation(val), len(val), criterion)
        frequencies = train.targets.mean(0)  # (K,) f
        _, tried = tune_path_rule({1: paths}, val.targets, frequencies, **path_settings(recipe))
        return {"val_loss": loss, "val_f2": tried["1"]["f2"], "val_gamma": tried["1"]["gamma"]}
    logits = compute_logits(network, batches.evaluation(val), len(val))  # (N, V, K)
    targets = torch.from_numpy(np.repeat(val.targets[:, None], logits.shape[1], 1)).float()
    batch = {"targets": targets.flatten(0, 1).to(batches.device)}
    loss = float(criterion(torch.from_numpy(logits).flatten(0, 1).to(batches.device), batch))
    scores = thresholds.average_views(logits, recipe.reduce_views)
    threshold, f2 = metrics.best_threshold(scores, val.targets)
    return {"val_loss": loss, "val_f2": f2, "val_threshold": threshold}
