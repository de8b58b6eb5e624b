"""Scores and pictures of test works as files that a page's scripts read from disk."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imet.data.images import read_image
from imet.data.parts import Part
from imet.inspection import Steps
from imet.labels import quartile_of
from imet.metrics import roc_auc_per_class
from imet.report.comparisons import require_same_works
from imet.report.tables import spoken
from imet.runs import Run
from imet.statistics import auc_interval
from imet.thresholds import tune_exact
from imet.typing import Array

MOST_WORKS = 400
"""Works of a part that a page carries at most: its size stays bounded on large collections."""


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
    labels; models, by name, a tuned threshold, `packed` scores of both parts, the columns that
    their own rule gives to each test work, and [AUC, low, high] by label on the test works taken.
    """
    first = next(iter(trained.values()))
    parts, space = first.parts, first.parts.labels
    taken = {name: slice(0, MOST_WORKS) for name in ("val", "test")}
    models, targets = {}, parts.test.targets[taken["test"]]
    for name, run in trained.items():
        require_same_works(run, first)
        if run.parts.labels.names != space.names:
            raise ValueError(f"{name}: has other labels than the first model")
        rule = tune_exact(run.scores("val"), parts.val.targets)
        auc = roc_auc_per_class(run.scores("test")[taken["test"]], targets)
        models[name] = {
            "threshold": rule.threshold,
            "decided": _columns(run.predicted("test")[:MOST_WORKS]),
            "auc": [
                [round(x, 3) for x in auc_interval(a, n, len(targets) - n)] if a == a else None
                for a, n in zip(auc.tolist(), targets.sum(0).tolist())
            ],
        } | {part: packed(run.scores(part)[rows]) for part, rows in taken.items()}
    return {
        "labels": [spoken(name) for name in space.names],
        "culture": space.is_culture.astype(int).tolist(),
        "quartile": quartile_of(parts.train.targets.sum(0)).tolist(),
        "works": {part: _columns(parts[part].targets[rows]) for part, rows in taken.items()},
        "models": models,
    }


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
