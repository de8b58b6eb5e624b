"""The datasheet of a simulated collection: examples, the tail, and what is recognised in a crop.

A culture should show in every crop of a work and a tag only where its thing is: that is why the
paper cuts six views. With the boxes of a simulated collection both can be measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from imet.config import Recipe
from imet.data.boxes import Boxes
from imet.data.images import read_image
from imet.data.parts import Part
from imet.data.tables import Collection
from imet.data.views import VIEWS, random_crop_windows, work_rng
from imet.labels import quartile_of
from imet.statistics import Interval
from imet.typing import Array

MOST_THINGS, LARGEST_THING = 48, 0.4  # tags shown; share of a picture


def culture_crops(
    collection: Collection, shown: Array, rng: np.random.Generator
) -> dict[str, Array]:
    """One random square crop for each culture that `shown` (N, K) has: label to RGB, uint8."""
    labels = collection.labels
    crops = {}
    for column in np.flatnonzero(labels.is_culture & shown.any(0)):
        picture = read_image(collection.path(rng.choice(np.flatnonzero(shown[:, column]))))
        height, width = picture.shape[:2]
        [(top, left, side)] = random_crop_windows(height, width, 1, rng)
        crops[labels.names[column]] = picture[top : top + side, left : left + side]
    return crops


def thing_details(collection: Collection, shown: Array, boxes: Boxes) -> dict[str, Array]:
    """One thing for each of the most frequent tags, cut out as a square with a margin.

    The thing shown is larger than two thirds of its tag's things; it is left out if it covers more
    of its picture than `LARGEST_THING`. Maps labels to RGB pictures, the most frequent in `shown`
    (N, K) first.
    """
    details: dict[str, Array] = {}
    for column in np.argsort(-shown.sum(0), kind="stable").tolist():
        things = [
            ((box[2:] - box[:2]).prod() / boxes.sizes[row].prod(), row, box)
            for row in np.flatnonzero(shown[:, column]).tolist()
            for box in boxes.boxes_of(row, column)
        ]
        if len(details) == MOST_THINGS or not things:
            continue
        share, row, box = sorted(things, key=lambda thing: thing[0])[2 * len(things) // 3]
        if share <= LARGEST_THING:
            picture = read_image(collection.path(row))
            details[collection.labels.names[column]] = _square(picture, box)
    return details


def _square(picture: Array, box: Array) -> Array:
    """The part of a picture around a box: a square with a margin, inside the picture."""
    half = min(max(box[2:] - box[:2]) * 0.62, min(picture.shape[:2]) / 2)
    middle = np.clip((box[:2] + box[2:]) / 2, half, np.array(picture.shape[1::-1]) - half)
    (left, top), side = (middle - half).astype(int), int(2 * half)
    return picture[top : top + side, left : left + side]


def label_tail(counts: Array) -> dict[str, Any]:
    """How rare the labels of a collection are, from the number of works (K,) of each.

    "labels", "unused" and "under three" are numbers of labels, "share under three" a share. By
    quartile of frequency, "4" the most frequent: `share` of all uses, `least` works of any label.

    Examples:
        >>> tail = label_tail(np.array([8, 4, 2, 0]))
        >>> tail["unused"], tail["under three"], tail["least"]["4"]
        (1, 2, 8)
    """
    quartile = quartile_of(counts)
    return {
        "labels": len(counts),
        "unused": int((counts == 0).sum()),
        "under three": int((counts < 3).sum()),
        "share under three": float((counts < 3).mean()),
        "share": {str(q): float(counts[quartile == q].sum() / counts.sum()) for q in (4, 3, 2, 1)},
        "least": {str(q): int(counts[quartile == q].min()) for q in (4, 3, 2, 1)},
    }


def tail_table(tails: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """`label_tail` of several collections as text, one column each."""
    return pd.DataFrame(
        {
            name: {
                "labels": f"{tail['labels']:,}",
                "used fewer than three times": f"{tail['under three']:,}"
                f" ({tail['share under three']:.1%})",
                "of these never": f"{tail['unused']:,}",
            }
            | {
                f"quartile {q}: share of all uses": f"{tail['share'][q]:.1%},"
                f" every label at least {tail['least'][q]:,} times"
                for q in "4321"
            }
            for name, tail in tails.items()
        }
    )


def sheet_links(sheets: Mapping[str, str], folder: str) -> str:
    """HTML: a paragraph of links to the contact sheets of cultures, and one of tags.

    `sheets` maps labels to file names in `folder`, which is relative to the page.

    Examples:
        >>> sheet_links({"tag::men": "tag-men.jpg"}, "files")
        '<p><strong>Sheets by tag:</strong> <a href="files/tag-men.jpg">men</a></p>'
    """
    links: dict[str, list[str]] = {}
    for label, file in sheets.items():
        kind, _, name = label.partition("::")
        links.setdefault(kind, []).append(f'<a href="{folder}/{file}">{escape(name)}</a>')
    return "".join(
        f"<p><strong>Sheets by {escape(kind)}:</strong> {' · '.join(names)}</p>"
        for kind, names in links.items()
    )


def crop_windows(part: Part, recipe: Recipe, sizes: Array) -> Array:
    """(N, 5, 4) int64 left, top, right, bottom of the crops that evaluation cuts from each work.

    The part is "val" or "test": in training, crops differ by kind of work. `sizes` (all works, 2)
    are height and width.
    """
    windows = np.empty((len(part), VIEWS - 1, 4), np.int64)
    for work, row in enumerate(part.rows.tolist()):
        rng = work_rng(recipe.view_seed, str(part.collection.ids[row]))
        height, width = sizes[row].tolist()
        top, left, side = np.array(random_crop_windows(height, width, VIEWS - 1, rng)).T
        windows[work] = np.stack([left, top, left + side, top + side], axis=1)
    return windows


def placement_values(scores: Array, targets: Array) -> Array:
    """Share of a label's negative works that each of its positive works is ranked above.

    Ties count half. The mean over a label's positives is its AUC, so an AUC can be broken down by
    what its positives look like. Scores (N, K) and targets (N, K) bool give (N, K) in [0, 1]; NaN
    where a work does not have the label, or every work has it.

    Examples:
        >>> scores, targets = np.array([[3.0], [1.0], [2.0]]), np.array([[True], [True], [False]])
        >>> placement_values(scores, targets).ravel().tolist()
        [1.0, 0.0, nan]
    """
    shares = np.full(targets.shape, np.nan)
    for k in range(targets.shape[1]):
        has = targets[:, k]
        negatives = np.sort(scores[~has, k])
        if len(negatives):
            below = np.searchsorted(negatives, scores[has, k], "left")
            not_above = np.searchsorted(negatives, scores[has, k], "right")
            shares[has, k] = (below + not_above) / (2 * len(negatives))
    return shares


def macro_mean(values: Array) -> float:
    """Mean over labels of each label's mean over works and views, (N, …, K); NaN are left out.

    Examples:
        >>> macro_mean(np.array([[1.0, 0.0], [np.nan, 0.0], [np.nan, 1.0], [np.nan, 1.0]]))
        0.75
    """
    return float(pd.DataFrame(values.reshape(-1, values.shape[-1])).mean().mean())


def macro_interval(values: Array) -> Interval:
    """`macro_mean` with a 95 % interval over works and labels, by the Bayesian bootstrap.

    Works get random weights (Rubin 1981) instead of being drawn with replacement, so that no rare
    label drops out of a draw: labels with one work, often the worst, would otherwise be missing
    from many draws, which would lie above the value itself. Labels get weights too, since a label
    with one work shows its spread only beside other labels; this makes the interval wide rather
    than narrow. Everything is NaN if no label has a value.

    Examples:
        >>> interval = macro_interval(np.array([[0.0], [1.0]] * 50))
        >>> interval.value, 0.35 < interval.low < 0.45, 0.55 < interval.high < 0.65
        (0.5, True, True)
    """
    works, labels = len(values), values.shape[-1]
    by_work = values.reshape(works, -1, labels)  # (N, V, K)
    known = ~np.isnan(by_work)
    total, count = np.where(known, by_work, 0.0).sum(1), known.sum(1)  # (N, K)
    used = count.any(0)
    if not used.any():
        return Interval(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(0)
    weights = rng.standard_exponential((400, works))
    means = weights @ total[:, used] / (weights @ count[:, used])  # (n, K)
    of_label = rng.standard_exponential(means.shape)
    draws = (of_label * means).sum(1) / of_label.sum(1)  # (n,)
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(macro_mean(values), float(low), float(high))
