"""Scores of works by models that have not seen them: cross-fitting of a linear layer."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from imet.losses import weighted_bce

Array = np.ndarray


def out_of_fold_scores(
    features: Array,
    targets: Array,
    folds: int = 5,
    epochs: int = 20,
    learning_rate: float = 3e-3,
    batch_size: int = 64,
    seed: int = 0,
) -> Array:
    """Scores of each work from a linear layer trained on the other folds.

    Plain cross-entropy, which scores are probabilities under; Adam; features standardised by the
    training folds.

    Args:
        features: (N, D).
        targets: (N, K) bool.
        folds: works are dealt into so many, at random.
        epochs, learning_rate, batch_size: of each fold.
        seed: of folds, weights and order.

    Returns:
        (N, K) float32 in [0, 1].

    Raises:
        ValueError: fewer works than folds, or fewer folds than two.

    Examples:
        >>> x = np.array([[-1.0], [1.0]] * 20)
        >>> scores = out_of_fold_scores(x, x > 0, epochs=50, learning_rate=0.1)
        >>> bool((scores[x > 0] > 0.5).all()), scores.shape
        (True, (40, 1))
    """
    if not 2 <= folds <= len(features):
        raise ValueError(f"{folds} folds of {len(features)} works: need two works and folds")
    rng = np.random.default_rng(seed)
    fold = rng.permutation(np.arange(len(features)) % folds)  # (N,)
    x = torch.from_numpy(np.asarray(features, np.float32))  # (N, D)
    y = torch.from_numpy(np.asarray(targets, np.float32))  # (N, K)
    scores = np.empty(y.shape, np.float32)
    for held_out in range(folds):
        inside, outside = np.flatnonzero(fold != held_out), np.flatnonzero(fold == held_out)
        mean, deviation = x[inside].mean(0), x[inside].std(0).clamp_min(1e-6)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layer = nn.Linear(x.shape[1], y.shape[1])
        rate = y[inside].mean(0).clamp(1e-4, 1 - 1e-4)
        nn.init.zeros_(layer.weight)
        layer.bias.data = torch.logit(rate)  # starts as the frequencies
        optimizer = torch.optim.Adam(layer.parameters(), learning_rate, weight_decay=1e-4)
        for _ in range(epochs):
            order = rng.permutation(inside)
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                optimizer.zero_grad()
                logits = layer((x[rows] - mean) / deviation)
                weighted_bce(logits, y[rows], None, "sum_classes").backward()
                optimizer.step()
        with torch.inference_mode():
            scores[outside] = torch.sigmoid(layer((x[outside] - mean) / deviation)).numpy()
    return scores
