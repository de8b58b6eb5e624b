"""Optimisers and learning-rate schedules of the documents, stepped once an epoch."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, StepLR

from imet.config import Recipe


def make_optimizer(parameters: Iterable[nn.Parameter], recipe: Recipe) -> Optimizer:
    """Adam (the paper) or SGD with momentum (chosen for the poster), both with L2 decay."""
    trained = [p for p in parameters if p.requires_grad]
    if (
        recipe.optimizer == "adam"
    ):  # fused: one pass over the weights, an eighth of AttnCNN-RNN's time
        return torch.optim.Adam(
            trained, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
        )
    return torch.optim.SGD(
        trained,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
    )


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
