"""What training minimises: a recipe's loss of a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from imet.config import Recipe
from imet.io import InputError
from imet.losses import (
    asymmetric_loss,
    focal_loss,
    pos_weight,
    soft_f2_loss,
    weighted_bce_loss,
)
from imet.models.attn_cnn_rnn import step_targets
from imet.models.registry import model_spec


@dataclass(frozen=True)
class Criterion:
    """The mean loss of a batch of logits (B·V, K), or (B·V, T, K) of a model with T steps.

    A model with steps is asked for all labels at each step (Algorithm 2); where the batch has a
    teacher's "path", step t is asked for its label alone.

    Attributes:
        loss: of logits and float targets of one shape.
    """

    loss: Callable[[Tensor, Tensor], Tensor]

    def __call__(self, logits: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """The loss, a scalar."""
        targets = batch["targets"]  # (B·V, K)
        if "path" in batch:
            targets = step_targets(batch["path"], logits.shape[-1]).float()  # (B·V, T, K)
        elif logits.ndim == 3:
            targets = targets[:, None].expand_as(logits)  # (B·V, T, K)
        return self.loss(logits, targets)


def make_criterion(recipe: Recipe, train_targets: np.ndarray, device: str) -> Criterion:
    """The loss that a recipe names.

    Args:
        recipe: its loss and the loss's settings.
        train_targets: (N, K) bool, whose frequencies weigh positives (Equation 7).
        device: where batches lie.

    Raises:
        InputError: a label order for a model that scores all labels at once.
    """
    if recipe.label_order != "free" and not model_spec(recipe).writes_paths:
        raise InputError(
            f"recipe {recipe.name}: label_order = {recipe.label_order!r} needs a model that writes "
            f"labels one at a time, and {recipe.model} gives them all at once; set it to free"
        )
    reduction = recipe.loss_reduction
    weights = None
    if recipe.loss == "weighted_bce":
        counts = train_targets.sum(0)
        weights = pos_weight(counts, len(train_targets), recipe.positive_weight_clip).to(device)
    losses: dict[str, Any] = {
        "weighted_bce": partial(weighted_bce_loss, pos_weight=weights, reduction=reduction),
        "bce": partial(weighted_bce_loss, reduction=reduction),
        "focal": partial(
            focal_loss,
            gamma=recipe.focal_gamma,
            alpha=recipe.focal_alpha or None,
            reduction=reduction,
        ),
        "asymmetric": partial(asymmetric_loss, reduction=reduction),
        "soft_f2": soft_f2_loss,
    }
    return Criterion(losses[recipe.loss])
