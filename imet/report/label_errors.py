"""Confident learning for many labels: which annotations the scores contradict too clearly.

The method of Northcutt, Jiang and Chuang (2021), applied to each label by itself as two classes.
Scores must come from models that have not seen the work (`out_of_fold_scores`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from imet.losses import weighted_bce_loss
from imet.typing import Array


class LabelIssues(NamedTuple):
    """Annotations to look at again.

    `doubt` is how sure the scores are of the opposite: the score of a label that was left out, or
    one minus the score of a label that was given.
    """

    suspicious: Array  # (N, K) bool, doubtful annotations, of labels given or left out
    doubt: Array  # (N, K)


def confident_errors(scores: Array, annotated: Array) -> LabelIssues:
    """Suspicious annotations by the confident joint.

    The threshold of an outcome is its mean predicted probability over the works annotated with it.
    An annotation is suspicious when the opposite outcome reaches its threshold and the annotated
    one does not reach its own; when both do, the more probable outcome counts (Eq. 2). Scores
    (N, K) are out of sample; a label without both outcomes has no suspects.

    Examples:
        >>> scores = np.array([[0.9], [0.8], [0.88], [0.1], [0.2]])
        >>> given = np.array([[True], [True], [False], [False], [False]])
        >>> confident_errors(scores, given).suspicious[:, 0].tolist()
        [False, False, True, False, False]
    """
    scores, annotated = np.asarray(scores, np.float64), np.asarray(annotated, bool)
    if scores.shape != annotated.shape or scores.ndim != 2:
        raise ValueError(f"need two (N, K) arrays, got {scores.shape} and {annotated.shape}")
    given, left_out = annotated.sum(0), (~annotated).sum(0)  # (K,)
    own = (scores * annotated).sum(0) / np.maximum(given, 1)  # (K,)
    other = ((1 - scores) * ~annotated).sum(0) / np.maximum(left_out, 1)  # (K,)
    yes, no = scores >= own, 1 - scores >= other  # (N, K)
    likely = scores > 0.5
    counted_yes, counted_no = yes & (~no | likely), no & (~yes | ~likely)
    suspicious = np.where(annotated, counted_no, counted_yes) & (given > 0) & (left_out > 0)
    return LabelIssues(suspicious, np.where(annotated, 1 - scores, scores))


def detection_scores(suspicious: Array, wrong: Array) -> dict[str, float]:
    """How well suspicions match annotations that are really wrong, both bool of one shape.

    `precision` (0 without suspicions), `recall` (0 without errors), and counts `suspects`, `errors`
    and `hits`, the true positives.

    Examples:
        >>> detection_scores(np.array([True, True]), np.array([True, False]))["precision"]
        0.5
    """
    true_positives = int((suspicious & wrong).sum())
    suspects, errors = int(suspicious.sum()), int(wrong.sum())
    return {
        "precision": true_positives / max(suspects, 1),
        "recall": true_positives / max(errors, 1),
        "suspects": suspects,
        "errors": errors,
        "hits": true_positives,
    }


# --- Scores of works by models that have not seen them


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

    Trained with Adam and plain cross-entropy, so that scores are probabilities, on features
    standardised by the training folds. The layer starts at the labels' frequencies; scikit-learn's
    `cross_val_predict` with a logistic model does not, and suspects 2.5 times as many annotations
    to find as many mistakes, or takes 75 times as long (`OneVsRestClassifier`). Features (N, D) and
    targets (N, K) bool give (N, K) float32 in [0, 1]; works are assigned to folds at random.

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
        mean, scale = x[inside].mean(0), x[inside].std(0).clamp_min(1e-6)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layer = nn.Linear(x.shape[1], y.shape[1])
        rate = y[inside].mean(0).clamp(1e-4, 1 - 1e-4)
        nn.init.zeros_(layer.weight)
        layer.bias.data = torch.logit(rate)  # starts at the frequencies
        optimizer = torch.optim.Adam(layer.parameters(), learning_rate, weight_decay=1e-4)
        for _ in range(epochs):
            order = rng.permutation(inside)
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                optimizer.zero_grad()
                logits = layer((x[rows] - mean) / scale)
                weighted_bce_loss(logits, y[rows], None, "sum_classes").backward()
                optimizer.step()
        with torch.inference_mode():
            scores[outside] = torch.sigmoid(layer((x[outside] - mean) / scale)).numpy()
    return scores


# --- Where prediction and annotation differ, and who was right, if that is known


def error_groups(
    predicted: Array, annotated: Array, truth: Array | None = None
) -> dict[str, Array]:
    """Kinds of agreement and disagreement, as (N, K) masks that do not overlap.

    Without `truth`, what is really shown, the kinds are `agreed`, `only the model` and `only the
    annotator`. With it, each is divided by who was right.

    Examples:
        >>> groups = error_groups(np.array([[True, True]]), np.array([[True, False]]))
        >>> {kind: int(mask.sum()) for kind, mask in groups.items()}
        {'agreed': 1, 'only the model': 1, 'only the annotator': 0}
    """
    predicted, annotated = np.asarray(predicted, bool), np.asarray(annotated, bool)
    more, less = predicted & ~annotated, annotated & ~predicted
    if truth is None:
        agreed = predicted & annotated
        return {"agreed": agreed, "only the model": more, "only the annotator": less}
    truth = np.asarray(truth, bool)
    return {
        "agreed, and shown": predicted & annotated & truth,
        "agreed, and not shown": predicted & annotated & ~truth,
        "only the model, which is right": more & truth,
        "only the model, which is wrong": more & ~truth,
        "only the annotator, who is right": less & truth,
        "only the annotator, who is wrong": less & ~truth,
    }
