"""What training minimises: a recipe's loss on a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from imet import losses
from imet.config import Recipe
from imet.io import InputError
from imet.models.attn_cnn_rnn import step_targets
from imet.models.registry import model_spec


@dataclass(frozen=True)
class Criterion:
    """The mean loss of a batch of logits (B·V, K), or (B·V, T, K) of a model with T steps.

    A model with steps is asked for all labels at each step (Algorithm 2); if the batch has a
    "path" for teacher forcing, step t is asked for its own label only.

    Examples:
        >>> import torch
        >>> criterion = Criterion(partial(losses.weighted_bce_loss, reduction="sum_classes"))
        >>> round(float(criterion(torch.zeros(2, 3, 4), {"targets": torch.ones(2, 4)})), 4)
        2.7726
    """

    loss: Callable[[Tensor, Tensor], Tensor]  # of logits and float targets of one shape

    def __call__(self, logits: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """The loss, a scalar."""
        targets = batch["targets"]  # (B·V, K)
        if "path" in batch:
            targets = step_targets(batch["path"], logits.shape[-1]).float()  # (B·V, T, K)
        elif logits.ndim == 3:
            targets = targets[:, None].expand_as(logits)  # (B·V, T, K)
        return self.loss(logits, targets)


def make_criterion(recipe: Recipe, train_targets: np.ndarray, device: str) -> Criterion:
    """The loss that a recipe names, for batches on a device.

    Label frequencies in the training targets (N, K) give the weights of positives (Equation 7).
    InputError: a label order for a model that scores all labels at once.
    """
    if recipe.label_order != "free" and not model_spec(recipe).writes_paths:
        raise InputError(
            f"recipe {recipe.name}: label_order = {recipe.label_order!r} needs a model that writes "
            f"labels one at a time, and {recipe.model} gives them all at once; set it to free"
        )
    how: dict[str, Any] = {"reduction": recipe.loss_reduction}
    match recipe.loss:
        case "weighted_bce":
            counts, clip = train_targets.sum(0), recipe.positive_weight_clip
            weights = losses.pos_weight(counts, len(train_targets), clip).to(device)
            return Criterion(partial(losses.weighted_bce_loss, pos_weight=weights, **how))
        case "bce":
            return Criterion(partial(losses.weighted_bce_loss, **how))
        case "focal":
            gamma, alpha = recipe.focal_gamma, recipe.focal_alpha or None
            return Criterion(partial(losses.focal_loss, gamma=gamma, alpha=alpha, **how))
        case "asymmetric":
            return Criterion(partial(losses.asymmetric_loss, **how))
        case "soft_f2":
            return Criterion(losses.soft_f2_loss)
