"""Slow, independent versions of what the package computes, written from the equations with loops.

One section a module; nothing here imports the package.
"""

from __future__ import annotations

import math

# === metrics ======================================================================================


def fbeta_of_work(predicted, targets, beta, zero_division):
    """Paper, Eq. 8, of one work, from its precision and recall."""
    hits = sum(1 for p, t in zip(predicted, targets) if p and t)
    n, positives = sum(map(bool, predicted)), sum(map(bool, targets))
    if n == 0 and positives == 0:
        return zero_division
    if hits == 0:
        return 0.0
    precision, recall = hits / n, hits / positives
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


def sample_fbeta(predicted, targets, beta=2, zero_division=0.0):
    values = [fbeta_of_work(p, t, beta, zero_division) for p, t in zip(predicted, targets)]
    return sum(values) / len(values)


def sample_precision(predicted, targets, zero_division=0.0):
    values = []
    for p, t in zip(predicted, targets):
        hits = [bool(b) for a, b in zip(p, t) if a]
        values.append(sum(hits) / len(hits) if hits else zero_division)
    return sum(values) / len(values)


def decide(scores, threshold):
    """`score >= threshold` of exact numbers: Python floats are doubles."""
    return [[float(s) >= float(threshold) for s in row] for row in scores]


def best_threshold_value(scores, targets, beta=2, zero_division=0.0):
    """Highest F-beta over every distinct score and over predicting nothing."""
    candidates = {float(s) for row in scores for s in row} | {math.inf}
    return max(sample_fbeta(decide(scores, t), targets, beta, zero_division) for t in candidates)


def auc_of_class(scores, targets):
    """Share of (positive, negative) pairs in the right order; a tie counts one half."""
    wins, pairs = 0.0, 0
    for i, positive in enumerate(targets):
        for j, other in enumerate(targets):
            if positive and not other:
                pairs += 1
                wins += 1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0
    return wins / pairs if pairs else math.nan


def floor_value(train_targets, targets, k, beta=2):
    counts = [sum(int(row[j]) for row in train_targets) for j in range(len(train_targets[0]))]
    chosen = sorted(range(len(counts)), key=lambda j: (-counts[j], j))[:k]
    predicted = [[j in chosen for j in range(len(counts))] for _ in targets]
    return sample_fbeta(predicted, targets, beta)
