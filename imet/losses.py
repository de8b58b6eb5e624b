"""The losses of both documents and of their rivals, on logits, safe for any finite logit.

Every loss has a `reduction`, and no value of a loss is quoted without it, since it makes the
documents' values differ by a factor of K:

- `"sum_classes"`: sum over the K classes, mean over the rest (the poster's focal loss as we read
  it; Eq. 7 of the paper as written);
- `"mean"`: mean over everything (the paper as coded);
- `"none"`: no reduction, (…, K).

Logits (…, K) are real, targets (…, K) bool or 0/1. A loss is a scalar, or (…, K) for `"none"`, in
float32 or the logits' own wider type. ValueError: shapes differ, or an option is out of range.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize.elementwise import find_minimum
from torch import Tensor

from imet.typing import Array


def focal_loss(
    logits: Tensor,
    targets: Tensor,
    gamma: float = 2.0,
    alpha: float | None = None,
    reduction: str = "sum_classes",
) -> Tensor:
    """Focal loss (Lin et al. 2017, the poster's reference 3): −α_t (1 − p_t)^γ log p_t.

    p_t is the probability given to the right outcome. Everything is computed from log-sigmoids,
    so that neither value nor gradient overflows, even for γ < 1. γ = 0 gives binary cross-entropy;
    γ = 2 is our reading of the poster. Positives have weight α, negatives 1 − α; without α, both 1.

    Examples:
        >>> logits, targets = torch.zeros(1, 2), torch.tensor([[True, False]])
        >>> round(focal_loss(logits, targets).item(), 4)  # 2 · ½² · log 2
        0.3466
    """
    if gamma < 0:
        raise ValueError(f"gamma must not be negative, got {gamma}")
    logits, truth = _checked(logits, targets)
    toward = torch.where(truth, logits, -logits)  # (…, K), logit of the right outcome
    loss = -F.logsigmoid(toward) * torch.exp(gamma * F.logsigmoid(-toward))  # (…, K)
    if alpha is not None:
        loss = loss * torch.where(truth, alpha, 1 - alpha)
    return _reduce(loss, reduction)


def weighted_bce_loss(
    logits: Tensor, targets: Tensor, pos_weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """Class-weighted binary cross-entropy (paper, Eq. 7, with the parentheses it needs).

    L = −Σ_j [p_j·y_j·log s_j + (1 − y_j)·log(1 − s_j)], s the sigmoid of the logits. As written
    it sums over classes (`"sum_classes"`), as coded it takes their mean (`"mean"`). The weights
    p_j (K,) come from `pos_weight`; without them the loss is plain cross-entropy.

    Examples:
        >>> logits, targets = torch.zeros(1, 2), torch.tensor([[True, False]])
        >>> weight = torch.tensor([10.0, 10.0])
        >>> round(weighted_bce_loss(logits, targets, weight, "sum_classes").item(), 4)  # 11 · log 2
        7.6246
    """
    logits, truth = _checked(logits, targets)
    weight = None if pos_weight is None else pos_weight.to(logits)
    y = truth.to(logits.dtype)
    loss = F.binary_cross_entropy_with_logits(logits, y, pos_weight=weight, reduction="none")
    return _reduce(loss, reduction)


def pos_weight(counts: Array, n: int, clip: float = 10.0) -> Tensor:
    """Class weights of Eq. 7, (K,) float32: negatives over positives, at most `clip`.

    `counts` (K,) are the positives of each class among the n training works; a class without
    positives gets `clip`. On the real table a clip of 10 leaves only 4 classes under 10, so the
    weights are nearly uniform.

    Examples:
        >>> pos_weight(np.array([50, 1, 0]), 100)
        tensor([ 1., 10., 10.])
    """
    counts = np.asarray(counts, np.float64)
    if (counts < 0).any() or (counts > n).any():
        raise ValueError(f"counts must lie in 0 … {n}, the number of works")
    weights = np.minimum((n - counts) / np.maximum(counts, 1e-12), clip)
    return torch.from_numpy(weights.astype(np.float32))


def asymmetric_loss(
    logits: Tensor,
    targets: Tensor,
    gamma_neg: float = 4.0,
    gamma_pos: float = 1.0,
    clip: float = 0.05,
    reduction: str = "sum_classes",
) -> Tensor:
    """Asymmetric loss (Ridnik et al., arXiv 2009.14119, Eqs. 4–7).

    −(1 − p)^γ₊ log p for positives, −p_m^γ₋ log(1 − p_m) for negatives with the shifted
    probability p_m = max(p − m, 0): negatives below the margin are left alone. The gradient runs
    through the focusing weights too, as the equations say. `gamma_neg` is γ₋ ≥ 0, `gamma_pos` is
    γ₊ ≥ 0, and `clip` is m in [0, 1).

    Examples:
        >>> targets = torch.tensor([[True, False]])
        >>> round(asymmetric_loss(torch.zeros(1, 2), targets).item(), 4)
        0.3711
    """
    if min(gamma_neg, gamma_pos) < 0 or not 0 <= clip < 1:
        raise ValueError("focusing parameters must be ≥ 0 and the margin in [0, 1)")
    logits, truth = _checked(logits, targets)
    positive = -F.logsigmoid(logits) * torch.exp(gamma_pos * F.logsigmoid(-logits))
    if clip == 0:
        log_p, log_not = F.logsigmoid(logits), F.logsigmoid(-logits)
    else:
        shifted = torch.sigmoid(logits) - clip
        # Clamped before the logarithm: below the margin, the loss and its gradient are 0.
        log_p = torch.log(shifted.clamp_min(torch.finfo(logits.dtype).tiny))
        log_not = torch.log1p(-shifted.clamp_min(0))
    negative = -log_not * torch.exp(gamma_neg * log_p)
    return _reduce(torch.where(truth, positive, negative), reduction)


def soft_f2_loss(
    logits: Tensor, targets: Tensor, beta: float = 2.0, reduction: str = "mean"
) -> Tensor:
    """One minus the F-beta of each work, with probabilities in place of decisions.

    1 − (1 + β²)·Σ p·y / (β²·Σ y + Σ p), sums over classes: Eq. 8 with soft counts. A work without
    labels has F 0, as in `imet.metrics`, so its loss is 1 and it gives no gradient. The reduction
    is "mean" over works, or "none", (…,): the loss has no terms for single classes.

    Examples:
        >>> targets = torch.tensor([[True, False]])
        >>> round(soft_f2_loss(torch.tensor([[50.0, -50.0]]), targets).item(), 4)
        0.0
    """
    if reduction == "sum_classes":
        raise ValueError("soft F2 is one number per work: reduction must be mean or none")
    logits, truth = _checked(logits, targets)
    p, y = torch.sigmoid(logits), truth.to(logits.dtype)  # (…, K)
    whole = beta**2 * y.sum(-1) + p.sum(-1)  # (…,)
    hits = (p * y).sum(-1)  # (…,)
    tiny = torch.finfo(logits.dtype).tiny
    return _reduce(1 - (1 + beta**2) * hits / whole.clamp_min(tiny), reduction)


def constant_predictor_focal_loss(
    frequencies: Array, gamma: float = 2.0, alpha: float | None = None
) -> float:
    """Lowest focal loss, summed over classes, that one constant score per class can reach.

    A model that never looks at the pictures gets this loss. For each class the expected loss
    f·α(1 − p)^γ(−log p) + (1 − f)·(1 − α)p^γ(−log(1 − p)) is minimised over the logit of p. On
    the real label table: 4.988 for γ = 2 without α, 1.57 with α = .25, 2.85 with α = .75.
    `frequencies` (K,) are the shares of works that carry each label.

    Examples:
        >>> round(constant_predictor_focal_loss(np.array([0.5]), gamma=0), 4)  # log 2
        0.6931
    """
    f = np.asarray(frequencies, np.float64)
    if not ((f >= 0) & (f <= 1)).all():
        raise ValueError("frequencies are shares of works: they lie in [0, 1]")
    f = f[(f > 0) & (f < 1)]  # the others reach 0
    up, down = (1.0, 1.0) if alpha is None else (alpha, 1.0 - alpha)

    def expected(logit: Array, f: Array) -> Array:
        log_p, log_not = -np.logaddexp(0, -logit), -np.logaddexp(0, logit)
        return (
            f * up * np.exp(gamma * log_not) * -log_p
            + (1 - f) * down * np.exp(gamma * log_p) * -log_not
        )

    grid = np.linspace(-40, 40, 401)  # brackets each minimum
    middle = grid[np.argmin([expected(x, f) for x in grid], axis=0)]
    lowest = find_minimum(expected, (middle - 0.2, middle, middle + 0.2), args=(f,))
    return float(lowest.f_x.sum())


def _checked(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Logits in float32 at least, targets as bool."""
    if logits.shape != targets.shape or logits.ndim == 0:
        raise ValueError(
            f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} must be (…, K) alike"
        )
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    return logits, targets.bool()


def _reduce(loss: Tensor, reduction: str) -> Tensor:
    match reduction:
        case "sum_classes":
            return loss.sum(-1).mean()
        case "mean":
            return loss.mean()
        case "none":
            return loss
    raise ValueError(f"unknown reduction {reduction!r}: sum_classes, mean or none")
