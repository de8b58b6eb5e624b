"""Slow, independent versions of what the package computes, written from the equations with loops.

One section a module; nothing here imports the package.
"""

from __future__ import annotations

import math

# === metrics ======================================================================================


def fbeta_of_work(predicted, targets, beta):
    """Paper, Eq. 8, of one work, from its precision and recall."""
    hits = sum(1 for p, t in zip(predicted, targets) if p and t)
    n, positives = sum(map(bool, predicted)), sum(map(bool, targets))
    if hits == 0:
        return 0.0
    precision, recall = hits / n, hits / positives
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


def sample_fbeta(predicted, targets, beta=2):
    values = [fbeta_of_work(p, t, beta) for p, t in zip(predicted, targets)]
    return sum(values) / len(values)


def sample_precision(predicted, targets):
    values = []
    for p, t in zip(predicted, targets):
        hits = [bool(b) for a, b in zip(p, t) if a]
        values.append(sum(hits) / len(hits) if hits else 0.0)
    return sum(values) / len(values)


def decide(scores, threshold):
    """`score >= threshold` of exact numbers: Python floats are doubles."""
    return [[float(s) >= float(threshold) for s in row] for row in scores]


def best_threshold_value(scores, targets, beta=2):
    """Highest F-beta over every distinct score and over predicting nothing."""
    candidates = {float(s) for row in scores for s in row} | {math.inf}
    return max(sample_fbeta(decide(scores, t), targets, beta) for t in candidates)


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


# === losses =======================================================================================


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def focal_element(logit, target, gamma, alpha):
    """Lin et al. 2017, Eq. 5 (α-balanced) and Eq. 4."""
    p = sigmoid(logit)
    p_t = p if target else 1 - p
    weight = 1 if alpha is None else alpha if target else 1 - alpha
    return -weight * (1 - p_t) ** gamma * math.log(p_t)


def weighted_bce_element(logit, target, weight):
    """Paper, Eq. 7, one term of the sum."""
    p = sigmoid(logit)
    return -(weight * math.log(p) if target else math.log(1 - p))


def asymmetric_element(logit, target, gamma_neg, gamma_pos, clip):
    """arXiv 2009.14119, Eq. 7 with the shifted probability of Eq. 5."""
    p = sigmoid(logit)
    if target:
        return -((1 - p) ** gamma_pos) * math.log(p)
    shifted = max(p - clip, 0)
    return -(shifted**gamma_neg) * math.log(1 - shifted)


def soft_fbeta_of_work(logits, targets, beta):
    p = [sigmoid(x) for x in logits]
    hits = sum(a for a, t in zip(p, targets) if t)
    return (1 + beta**2) * hits / (beta**2 * sum(map(bool, targets)) + sum(p))


def constant_predictor_focal_loss(frequencies, gamma, alpha):
    """Every probability on a fine grid is tried for every class."""
    total = 0.0
    for f in frequencies:
        best = math.inf
        for i in range(1, 4000):
            logit = -20 + i / 100
            best = min(
                best,
                f * focal_element(logit, True, gamma, alpha)
                + (1 - f) * focal_element(logit, False, gamma, alpha),
            )
        total += best if 0 < f < 1 else 0.0
    return total


# === statistics ===================================================================================


def resampled_means(values, draws):
    """Means of resamples given as rows of indices."""
    return [sum(values[i] for i in row) / len(row) for row in draws]


def hanley_mcneil_error(auc, positives, negatives):
    """Hanley and McNeil 1982, Eqs. 1 and 2."""
    q1 = auc / (2 - auc)
    q2 = 2 * auc * auc / (1 + auc)
    variance = auc * (1 - auc) + (positives - 1) * (q1 - auc**2) + (negatives - 1) * (q2 - auc**2)
    return math.sqrt(max(variance, 0) / (positives * negatives))


def wilson_by_search(successes, trials, z, steps=200_000):
    """All proportions p with |successes/trials − p| ≤ z·sqrt(p(1 − p)/trials), by trying many."""
    share = successes / trials
    inside = [
        i / steps
        for i in range(steps + 1)
        if abs(share - i / steps) <= z * math.sqrt(i / steps * (1 - i / steps) / trials) + 1e-12
    ]
    return inside[0], inside[-1]


# === inference.thresholds =========================================================================


def decide_per_label(scores, thresholds):
    return [[float(s) >= t for s, t in zip(row, thresholds)] for row in scores]


def decide_proportional(scores, gamma, proportions, power):
    """score / f^power ≥ γ; never for labels without training works."""
    return [
        [f > 0 and float(s) / f**power >= gamma for s, f in zip(row, proportions)] for row in scores
    ]


def decide_max_fraction(scores, fraction):
    """score / highest ≥ fraction; the share is 0 where the highest score is."""
    return [
        [(float(s) / float(max(row)) if max(row) > 0 else 0.0) >= fraction for s in row]
        for row in scores
    ]


def decide_count(scores, count):
    decided = []
    for row in scores:
        best = sorted(range(len(row)), key=lambda k: (-row[k], k))[:count]
        decided.append([k in best for k in range(len(row))])
    return decided


# === inference.crops ==============================================================================


def crop_saliency(layers, size, cutoff, rim):
    """Saliency (size, size) of one picture from its layers' maps, nested lists (C, h, w)."""
    total = [[0.0] * size for _ in range(size)]
    for maps in layers:
        height, width = len(maps[0]), len(maps[0][0])
        top, left = (
            min(round(rim * side + 0.499) if rim else 0, (side - 1) // 2)
            for side in (height, width)
        )
        rows, columns = range(top, height - top), range(left, width - left)
        everything = [m[y][x] for m in maps for y in rows for x in columns]
        spread = _deviation(everything)
        used = []
        for m in maps:
            values = [m[y][x] for y in rows for x in columns]
            if _deviation(values) < cutoff * max(spread, 1e-12):
                continue
            frame = [m[y][x] for y in (rows[0], rows[-1]) for x in columns]
            frame += [m[y][x] for x in (columns[0], columns[-1]) for y in rows]
            ground = sorted(frame)[(len(frame) - 1) // 2]
            used.append([[abs(m[y][x] - ground) / spread for x in columns] for y in rows])
        mean = [
            [sum(m[y][x] for m in used) / len(used) if used else 0.0 for x in range(len(columns))]
            for y in range(len(rows))
        ]
        low, high = min(map(min, mean)), max(map(max, mean))
        for y in range(size):
            for x in range(size):
                i = min(max(y * height // size - top, 0), len(rows) - 1)
                j = min(max(x * width // size - left, 0), len(columns) - 1)
                if high > low:
                    total[y][x] += (mean[i][j] - low) / (high - low) / len(layers)
    return total


def _deviation(values):
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))


def crop_box(saliency, tail):
    """left, top, right, bottom in cells: outer lines go while they hold ≤ tail of all cells."""
    cells = [value for row in saliency for value in row]
    mean = sum(cells) / len(cells)
    above = [[value > mean + 1e-9 for value in row] for row in saliency]
    count = sum(map(sum, above))
    if not count:
        return 0, 0, len(saliency[0]), len(saliency)

    def first(lines):
        seen = 0
        for i, line in enumerate(lines):
            seen += sum(line)
            if seen > tail * count:
                return i
        raise AssertionError

    columns = [list(column) for column in zip(*above)]
    return (
        first(columns),
        first(above),
        len(columns) - first(columns[::-1]),
        len(above) - first(above[::-1]),
    )
