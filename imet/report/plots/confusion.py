"""Confusion: one label against the rest, and which label is predicted where another is missed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from imet.report.plots.examples import LARGE
from imet.report.plots.style import INK, short, styled


def confusion_when_missed(predicted: ArrayLike, targets: ArrayLike) -> NDArray[np.float64]:
    """Among works where label i is missed, how often label j is predicted though it is absent.

    Two (N, K) bool arrays give (K, K): row i counts the wrong labels of works that miss i, as a
    share of those works; NaN where i is never missed, and on the diagonal: a missed label is there.

    Examples:
        >>> confusion_when_missed([[False, True], [True, False]], [[True, False], [True, False]])
        array([[nan,  1.],
               [nan, nan]])
    """
    p, y = np.asarray(predicted, bool), np.asarray(targets, bool)
    missed, wrong = (y & ~p).astype(np.float64), (p & ~y).astype(np.float64)
    works = missed.sum(0)[:, None] * ~np.eye(p.shape[1], dtype=bool)  # (K, K)
    with np.errstate(invalid="ignore"):
        return np.where(works > 0, missed.T @ wrong / np.maximum(works, 1), np.nan)


@styled
def confusion_matrix(counts: ArrayLike, name: str) -> Figure:
    """The four counts [[TN, FP], [FN, TP]] of one label (the paper's Figure 6)."""
    table = np.asarray(counts, float)
    figure, ax = plt.subplots(figsize=(4.6, 3.9))
    ax.imshow(np.sqrt(table / max(table.sum(), 1)), cmap="Blues", vmin=0, vmax=1)
    words = (("true negatives", "false positives"), ("false negatives", "true positives"))
    for (i, j), value in np.ndenumerate(table):
        strong = value / max(table.sum(), 1) > 0.36
        ax.text(j, i - 0.06, f"{value:,.0f}", ha="center", va="center", fontsize=15,
                fontweight="bold", color="white" if strong else INK)  # fmt: skip
        ax.text(j, i + 0.2, words[i][j], ha="center", va="center", fontsize=9,
                color="white" if strong else INK)  # fmt: skip
    ax.set_xticks([0, 1], ["not predicted", "predicted"])
    ax.set_yticks([0, 1], ["absent", "present"], rotation=90, va="center")
    ax.set(xlabel=f"prediction of “{short(name)}”", ylabel="annotator")
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return figure


@styled
def confusion_heatmap(
    shares: ArrayLike, rows: Sequence[str], columns: Sequence[str], missed: Sequence[int]
) -> Figure:
    """Which label is predicted when another is missed, as a share of the works that miss it.

    Shares (A, B) come from `confusion_when_missed`; rows and columns are full names, and `missed`
    are the numbers of works that miss each of the A labels.
    """
    names = [f"{short(name)} ({works})" for name, works in zip(rows, missed)]
    figure, ax = label_heatmap(
        100 * np.asarray(shares, float), names, columns, annot=True, fmt=".0f", cmap="Oranges",
        annot_kws={"fontsize": LARGE, "color": INK}, cbar=False,
        vmin=0, vmax=150,  # never so dark that ink cannot be read
    )  # fmt: skip
    ax.tick_params(labelsize=LARGE)
    ax.set(xlabel="said wrongly, % of the works", ylabel="missed (works)")
    return figure


def label_heatmap(
    table: NDArray[np.floating], rows: Sequence[str], columns: Sequence[str], **options: Any
) -> tuple[Figure, Axes]:
    """A table (A, B) of label against label as colours, with seaborn's options.

    Rows are named as given, columns without the kind of their label.
    """
    if table.shape != (len(rows), len(columns)):
        raise ValueError(f"{table.shape} values for {len(rows)} rows and {len(columns)} columns")
    figure, ax = plt.subplots(figsize=(6.0, 1.9 + 0.37 * len(rows)))
    names = [short(name) for name in columns]
    sns.heatmap(table, xticklabels=names, yticklabels=rows, ax=ax, **options)
    ax.tick_params(axis="x", rotation=45, length=0)
    plt.setp(ax.get_xticklabels(), ha="right", rotation_mode="anchor")
    ax.tick_params(axis="y", rotation=0, length=0)
    ax.grid(visible=False)
    return figure, ax
