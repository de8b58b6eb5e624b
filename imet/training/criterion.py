"""What training minimises: a recipe's loss of a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from imet.config import Recipe
from imet.io import InputError
from imet.losses import asymmetric_loss, focal_loss, pos_weight, soft_f2_loss, weighted_bce_loss
from imet.models.attn_cnn_rnn import label_path, sequence_loss, step_targets
from imet.models.registry import writes_labels

Criterion = Callable[[Tensor, Mapping[str, Tensor]], Tensor]


def make_criterion(recipe: Recipe, train_targets: np.ndarray, device: str) -> Criterion:
    """The recipe's loss of a batch of logits: (B·V, K), or (B·V, T, K) of models with T steps."""
    if recipe.label_order != "free" and not writes_labels(recipe):
        raise InputError(
            f"recipe {recipe.name}: label_order = {recipe.label_order!r} needs a model that writes "
            f"labels one at a time, and {recipe.model} gives them all at once; set it to free"
        )
    reduction = recipe.loss_reduction
    if recipe.loss in ("weighted_bce", "bce"):
        weights = None
        if recipe.loss == "weighted_bce":
            counts = train_targets.sum(0)
            weights = pos_weight(counts, len(train_targets), recipe.positive_weight_clip)
            weights = weights.to(device)
        if writes_labels(recipe):
            return _of_steps(weights, reduction)
        return lambda logits, batch: weighted_bce_loss(logits, batch["targets"], weights, reduction)
    if recipe.loss == "focal":
        gamma, alpha = recipe.focal_gamma, recipe.focal_alpha or None
        return _at_each_step(
            lambda logits, targets: focal_loss(logits, targets, gamma, alpha, reduction)
        )
    if recipe.loss == "asymmetric":
        return _at_each_step(
            lambda logits, targets: asymmetric_loss(logits, targets, reduction=reduction)
        )
    return _at_each_step(soft_f2_loss)


def _of_steps(weights: Tensor | None, reduction: str) -> Criterion:
    """Algorithm 2's loss; on a given path, what each step should say is its label alone."""

    def criterion(logits: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        targets = batch["targets"]  # (B·V, K)
        if "path" in batch:
            targets = step_targets(batch["path"], logits.shape[-1])  # (B·V, T, K)
        return sequence_loss(logits, targets, weights, reduction)

    return criterion


def _at_each_step(loss: Callable[[Tensor, Tensor], Tensor]) -> Criterion:
    def criterion(logits: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        targets = batch["targets"]
        if "path" in batch:
            targets = step_targets(batch["path"], logits.shape[-1]).float()  # (B·V, T, K)
        elif logits.ndim == 3:
            targets = targets[:, None].expand_as(logits)  # (B·V, T, K)
        return loss(logits, targets)

    return criterion


def with_teacher_path(
    batch: Mapping[str, Tensor], recipe: Recipe, counts: Tensor
) -> Mapping[str, Tensor]:
    """The batch with the path of true labels that a recipe with a label order trains along."""
    order = recipe.label_order
    steps = min(recipe.steps, len(counts))  # no more than there are labels
    path = label_path(batch["targets"].bool(), counts, order, steps)  # type: ignore[arg-type]
    return batch if path is None else {**batch, "path": path}


def label_counts(train_targets: np.ndarray, device: str) -> Tensor:
    """(K,) positives in training, on the device of the batches."""
    return torch.from_numpy(train_targets.sum(0)).to(device)
