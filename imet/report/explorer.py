"""Scores and pictures of test works as files that a page's scripts read from disk."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.metrics import average_precision_score

from imet import metrics
from imet.data.images import read_image
from imet.data.parts import Part
from imet.inspection import Steps
from imet.labels import quartile_of
from imet.report.comparisons import require_same_works
from imet.report.tables import spoken
from imet.runs import Run
from imet.statistics import auc_interval
from imet.thresholds import threshold_grid, tune_exact, tune_per_kind
from imet.typing import Array

MOST_WORKS = 400
"""Works of a part that a page carries at most: its size stays bounded on large collections."""
GRID = threshold_grid(1.0)
""".01, .02, …, .99: where the sliders of a page can stand."""


def packed(scores: Array) -> str:
    """Scores as text: float32 in row order, since a rare label's scores would tie if rounded.

    Examples:
        >>> packed(np.array([[0.0, 1.0]]))
        'AAAAAAAAgD8='
    """
    return base64.b64encode(np.asarray(scores, "<f4").tobytes()).decode()


def explorer_data(trained: Mapping[str, Run]) -> dict[str, Any]:
    """What the explorers need of models of one collection and one split, JSON-serialisable.

    Labels have a name, a mark for cultures and a quartile; works, by part, the columns of their
    labels; models, by name, thresholds tuned on all validation works (`tuned_thresholds`), `packed`
    scores of both parts, the columns that their own rule gives to each test work, [AUC, low, high]
    by label on the test works taken, and `label_measures` on all test works.
    """
    first = next(iter(trained.values()))
    parts, space = first.parts, first.parts.labels
    taken = {name: slice(0, MOST_WORKS) for name in ("val", "test")}
    models = {}
    for name, run in trained.items():
        require_same_works(run, first)
        if run.parts.labels.names != space.names:
            raise ValueError(f"{name}: has other labels than the first model")
        scores, decided = run.scores("test"), run.predicted("test")
        few = scores[:MOST_WORKS], decided[:MOST_WORKS], parts.test.targets[:MOST_WORKS]
        models[name] = {
            "tuned": tuned_thresholds(run),
            "decided": _columns(few[1]),
            "auc": _rows(label_measures(*few)[:, :3]),
            "labels": _rows(label_measures(scores, decided, parts.test.targets)),
        } | {part: packed(run.scores(part)[rows]) for part, rows in taken.items()}
    return {
        "labels": [spoken(name) for name in space.names],
        "culture": space.is_culture.astype(int).tolist(),
        "quartile": quartile_of(parts.train.targets.sum(0)).tolist(),
        "works": {part: _columns(parts[part].targets[rows]) for part, rows in taken.items()},
        "models": models,
    }


def tuned_thresholds(run: Run) -> dict[str, list[float]]:
    """Thresholds with the best F2 on validation works, for each scope of a page's sliders.

    All labels: the exact best; kinds: the best pair of `GRID`; quartiles 4 to 1: `tune_quartiles`.
    """
    scores, targets, space = run.scores("val"), run.parts.val.targets, run.parts.labels
    one = tune_exact(scores, targets).threshold
    two = tune_per_kind(scores, targets, space.is_culture, GRID)
    four = tune_quartiles(scores, targets, quartile_of(run.parts.train.targets.sum(0)), one)
    return {"all": [one], "kinds": [two.culture, two.tag], "quartiles": four[::-1]}


def tune_quartiles(scores: Array, targets: Array, quartile: Array, start: float) -> list[float]:
    """Thresholds of labels in quartiles 1 to 4, from `GRID`, for F2 of the works given.

    All begin next to `start`. Each in turn, from quartile 4 on, moves to its best place while the
    others stay, until none moves. Scores (N, K), targets (N, K) bool, `quartile` (K,).
    """
    columns = [quartile == q for q in (1, 2, 3, 4)]
    counts = [metrics.counts_at_thresholds(scores[:, c], targets[:, c], GRID) for c in columns]
    positives, at, before = targets.sum(1)[:, None], [int(abs(GRID - start).argmin())] * 4, None
    while at != before:
        before = at.copy()
        for q in (3, 2, 1, 0):
            n, tp = (
                counts[q][i] + sum(counts[o][i][:, [at[o]]] for o in range(4) if o != q)
                for i in (0, 1)
            )  # (N, M) of all labels
            f2 = metrics.fbeta_of_counts(n, positives, tp).mean(0)
            at[q] = int(f2.argmax()) if f2.max() > f2[at[q]] else at[q]
    return GRID[at].tolist()


def label_measures(scores: Array, decided: Array, targets: Array) -> Array:
    """AUC, the ends of its interval, F2 and average precision of each label, to three digits.

    From (N, K) of some works; (K, 5), NaN for a label that all of these works have, or none.
    """
    rows = np.full((targets.shape[1], 5), np.nan)
    f2 = metrics.fbeta_per_work(decided.T, targets.T)  # of labels, each over its works
    for k, auc in enumerate(metrics.roc_auc_per_class(scores, targets)):
        if not np.isnan(auc):
            has = targets[:, k]
            interval = auc_interval(float(auc), int(has.sum()), int((~has).sum()))
            rows[k] = *interval, f2[k], average_precision_score(has, scores[:, k])
    return rows.round(3)


def _rows(measures: Array) -> list[list[float] | None]:
    return [None if np.isnan(row[0]) else row.tolist() for row in measures]


def _columns(decisions: Array) -> list[list[int]]:
    return [np.flatnonzero(row).tolist() for row in decisions]


def write_pictures(
    folder: Path, part: Part, works: Sequence[int] | Array, crops: Array, steps: Steps
) -> list[dict[str, Any]]:
    """Write small pictures of works; returns what a page draws over a chosen one.

    `folder` receives `NNN.jpg`, 240 pixels on the longer side; `crops` (n, 4) are boxes in pixels
    of the picture, `steps` those of an AttnCNN-RNN on the same works. For each work: its file, its
    crop as shares of the sides, and maps. These hold, for each label of the resized view in the
    order named, its column and the weights of the regions in percent of the largest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shown = []
    for i, work in enumerate(works):
        picture = Image.fromarray(read_image(part.collection.path(part.rows[int(work)])))
        sides = np.array([*picture.size] * 2)
        picture.thumbnail((240, 240))
        picture.save(folder / f"{int(work):03}.jpg", quality=80)
        maps = []
        for t in np.flatnonzero(steps.kept[i, 0]):
            weights = steps.attention[i, 0, t]
            percent = np.rint(100 * weights / weights.max()).astype(int)
            maps.append((int(steps.labels[i, 0, t]), percent.tolist()))
        crop = (np.asarray(crops[i]) / sides).round(3).tolist()
        shown.append({"work": int(work), "file": f"{int(work):03}.jpg", "crop": crop, "maps": maps})
    return shown
