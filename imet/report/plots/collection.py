"""What a collection is: label frequencies, labels per work, co-occurrence, shapes of pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike, NDArray

from imet.report.plots.confusion import label_heatmap
from imet.report.plots.style import MUTED, PALETTE, line_style, short, styled


@styled
def label_frequency(collections: Mapping[str, ArrayLike]) -> Figure:
    """Uses of every label against its rank, both axes logarithmic, and the limit of rare labels.

    `collections` maps names to (K,) counts of uses; labels without a use are not drawn.
    """
    figure, ax = plt.subplots(figsize=(6.0, 4.2))
    for position, (name, counts) in enumerate(collections.items()):
        ordered = np.sort(np.asarray(counts))[::-1]  # (K,)
        used = ordered[ordered > 0]
        if not used.size:
            raise ValueError(f"{name}: no label is used")
        ranks, line = np.arange(1, len(used) + 1), line_style(position)
        ax.loglog(ranks, used, label=f"{name}, {len(used):,} labels in use", **line)
    ax.axhline(3, color=MUTED, linewidth=1, linestyle=":")
    ax.annotate("fewer than 3 uses: rare", (0.01, 3),
                xycoords=("axes fraction", "data"), xytext=(0, -4),
                textcoords="offset points", va="top", color=MUTED, fontsize=9)  # fmt: skip
    ax.set(xlabel="rank of the label", ylabel="works")
    ax.set_ylim(bottom=0.7)
    ax.legend()
    return figure


@styled
def labels_per_work(collections: Mapping[str, ArrayLike]) -> Figure:
    """Share of works by number of labels; `collections` maps names to (N,) labels per work."""
    figure, ax = plt.subplots()
    arrays = {name: np.asarray(counts, int) for name, counts in collections.items()}
    most = max(int(counts.max()) for counts in arrays.values())
    width = 0.84 / len(arrays)
    for position, (name, counts) in enumerate(arrays.items()):
        shares = np.bincount(counts, minlength=most + 1) / len(counts)  # (most + 1,)
        offset = (position - (len(arrays) - 1) / 2) * width
        ax.bar(np.arange(most + 1) + offset, shares, width=width * 0.94, color=PALETTE[position],
               hatch=("", "///", "...", "xx")[position % 4], edgecolor="white",
               label=f"{name}, mean {counts.mean():.2f}")  # fmt: skip
    ax.set(xlabel="labels on a work", ylabel="share of works", xticks=np.arange(most + 1))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.grid(axis="x", visible=False)
    ax.legend()
    return figure


@styled
def label_kinds(shares: Mapping[str, Mapping[str, float]]) -> Figure:
    """Which kinds of labels works carry, one bar per collection.

    `shares` maps collections to kinds, "culture only" say, to shares of works, which sum to 1.
    """
    figure, ax = plt.subplots(figsize=(6.0, 0.9 + 0.62 * len(shares)))
    kinds = list(dict.fromkeys(kind for parts in shares.values() for kind in parts))
    left = np.zeros(len(shares))
    for position, kind in enumerate(kinds):
        widths = np.array([parts.get(kind, 0.0) for parts in shares.values()])
        ax.barh(list(shares), widths, left=left, label=kind, color=PALETTE[position], height=0.62,
                edgecolor="white", linewidth=1)  # fmt: skip
        for row, width in enumerate(widths):
            if width > 0.08:
                ax.text(left[row] + width / 2, row, f"{width:.0%}", color="white", ha="center",
                        va="center", fontsize=9, fontweight="bold")  # fmt: skip
        left += widths
    ax.invert_yaxis()
    ax.grid(visible=False)
    ax.set(xlim=(0, 1), xlabel="share of works")
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    figure.legend(loc="outside upper center", ncols=len(kinds))
    return figure


def lift(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """How much more often two labels meet than if they were independent.

    Targets of two groups of labels, (N, A) and (N, B), give (A, B): P(a and b) / (P(a) P(b)); NaN
    where a label is never used.

    Examples:
        >>> lift([[1], [1], [0], [0]], [[1], [1], [0], [0]])
        array([[2.]])
    """
    a = np.asarray(first, np.float64)  # (N, A)
    b = np.asarray(second, np.float64)  # (N, B)
    expected = np.outer(a.mean(axis=0), b.mean(axis=0))  # (A, B)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 0, (a.T @ b / len(a)) / expected, np.nan)


@styled
def cooccurrence(
    values: ArrayLike,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    limit: float = 8.0,
    value_name: str = "lift",
    digits: int = 1,
) -> Figure:
    """Lift (A, B) of every pair of labels as colours, with the number in each cell.

    Args:
        values: Lifts, 1 where the two labels are independent.
        rows, columns: Names of the A and B labels, in full.
        limit: Lift at which the colour is full; below 1, its inverse.
        value_name: Name of the values.
        digits: Decimals of the numbers in the cells.
    """
    table = np.asarray(values, float)
    top = float(np.log2(limit))
    with np.errstate(divide="ignore"):
        powers = np.clip(np.log2(table), -top, top)
    figure, ax = label_heatmap(
        powers, [short(name) for name in rows], columns, fmt="", annot_kws={"fontsize": 9},
        annot=[[f"{x:.{digits if x < 9.95 else 0}f}" for x in row] for row in table],
        cmap="RdBu_r", norm=TwoSlopeNorm(0, -top, top), cbar_kws={"shrink": 0.8, "pad": 0.02},
    )  # fmt: skip
    bar = ax.collections[0].colorbar
    assert bar is not None  # sns.heatmap draws one
    ticks = np.arange(-top, top + 0.5) if top >= 2 else np.log2(np.linspace(0.8, 1.2, 5))
    texts = [f"×{2**t:.3g}" if t >= 0 or top < 2 else f"×1/{2**-t:g}" for t in ticks]
    bar.set_ticks(list(ticks), labels=texts)
    bar.outline.set_visible(False)
    bar.set_label(value_name)
    return figure


@styled
def aspect_ratios(collections: Mapping[str, ArrayLike]) -> Figure:
    """Histograms of aspect ratios, (N,) width over height, on a logarithmic axis."""
    figure, ax = plt.subplots()
    arrays = {name: np.asarray(ratios, float) for name, ratios in collections.items()}
    widest = max(float(np.abs(np.log2(ratios)).max()) for ratios in arrays.values())
    edge = np.ceil(widest * 2) / 2
    bins = np.linspace(-edge, edge, int(edge * 8) + 1).tolist()
    for position, (name, ratios) in enumerate(arrays.items()):
        widest_one = float(ratios[np.abs(np.log2(ratios)).argmax()])
        shape = f"{widest_one:.1f} : 1" if widest_one >= 1 else f"1 : {1 / widest_one:.1f}"
        ax.hist(np.log2(ratios), bins=bins, weights=np.full(len(ratios), 1 / len(ratios)),
                histtype="step", linewidth=2, label=f"{name}, up to {shape}",
                **line_style(position))  # fmt: skip
    ax.set_yscale("log")
    ticks = range(-int(edge), int(edge) + 1)
    ax.set_xticks(ticks, [f"{2**t} : 1" if t >= 0 else f"1 : {2**-t}" for t in ticks])
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.set(xlabel="width : height", ylabel="share of works")
    figure.legend(loc="outside upper left")
    return figure
