"""Comparisons: values with intervals side by side, a score by a setting, label against label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator
from numpy.typing import ArrayLike

from imet.report.plots.style import INK, MUTED, PALETTE, cut, line_style, styled
from imet.statistics import Interval

MARKERS = ("o", "s", "^", "D", "v")
ENDS = Interval._fields


@styled
def forest_plot(
    groups: Mapping[str, Mapping[str, Any]],
    *,
    value_name: str = "F2",
    reference: float | None = None,
) -> Figure:
    """Values with their intervals, one line each; several kinds share a line.

    `groups` maps lines to kinds to an `Interval`, or its dictionary; kinds differ in mark and
    colour. `value_name` names the axis; a line marks the value `reference`: 0 for differences.
    """
    kinds = list(dict.fromkeys(kind for several in groups.values() for kind in several))
    step = min(0.34, 0.8 / len(kinds)) if len(kinds) > 1 else 0.0
    figure, ax = plt.subplots(figsize=(6.0, 0.9 + len(groups) * (0.34 + 0.16 * (len(kinds) - 1))))
    if reference is not None:
        ax.axvline(reference, color=MUTED, linewidth=1, linestyle=":", zorder=1)
    for position, kind in enumerate(kinds):
        y, intervals = [], []
        for row, several in enumerate(groups.values()):
            if kind in several:
                # Side by side on their line; in its middle if the kind is alone on it.
                y.append(row + (list(several).index(kind) - (len(several) - 1) / 2) * step)
                each = several[kind]
                intervals.append(each if isinstance(each, tuple) else [each[k] for k in ENDS])
        x, *ends = np.array(intervals, float).T
        ax.errorbar(
            x, y, xerr=np.abs(ends - x), fmt=MARKERS[position % len(MARKERS)],
            color=PALETTE[position], markersize=6, elinewidth=1.6, capsize=2.5,
            label=kind if len(kinds) > 1 else None,
        )  # fmt: skip
    ax.set_yticks(range(len(groups)), [cut(name) for name in groups])
    ax.set_ylim(len(groups) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(value_name)
    if len(kinds) > 1:
        figure.legend(loc="outside upper center", ncols=min(len(kinds), 3))
    return figure


@styled
def score_curves(
    x: ArrayLike,
    curves: Mapping[str, ArrayLike],
    *,
    x_name: str,
    y_name: str = "F2",
    logarithmic: bool = False,
    marks: Mapping[str, tuple[float, float]] | None = None,
    dots: bool = False,
    guide: tuple[str, float] | None = None,
    diagonal: bool = False,
) -> Figure:
    """A score against a setting, one line per variant.

    Args:
        x: (M,) values of the setting, ascending; or (variants, M), a row for each variant.
        curves: Variant to (M,) scores.
        x_name, y_name: Names of the axes; `logarithmic` applies to x.
        marks: Text to point (x, score).
        dots: Mark every value: for settings that are few whole numbers.
        guide: Text and x of a vertical line: a document's value.
        diagonal: Draw the line on which both axes are equal.
    """
    values = np.asarray(x, float)
    figure, ax = plt.subplots()
    for position, (name, curve) in enumerate(curves.items()):
        ax.plot(
            values[position] if values.ndim == 2 else values, np.asarray(curve, float),
            label=name, **line_style(position),
            marker=MARKERS[position % len(MARKERS)] if dots else "",
        )  # fmt: skip
    if logarithmic:
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
    if dots and values.ndim == 1:
        ax.set_xticks(values, [f"{value:g}" for value in values])
        ax.xaxis.set_minor_locator(NullLocator())
    if diagonal:
        ax.axline((0, 0), slope=1, color=MUTED, linewidth=1, linestyle=":")
    if guide:
        ax.axvline(guide[1], color=MUTED, linewidth=1, linestyle=":")
        ax.annotate(guide[0], (guide[1], 0.02), xycoords=("data", "axes fraction"),
                    xytext=(4, 0), textcoords="offset points", color=MUTED, fontsize=9)  # fmt: skip
    for name, (at, value) in (marks or {}).items():
        ax.plot([at], [value], "o", color=INK, markersize=7, zorder=5)
        side = "center" if guide is None else "left" if at > guide[1] else "right"
        ax.annotate(name, (at, value), xytext=(0, 8), textcoords="offset points", ha=side,
                    fontsize=9)  # fmt: skip
    ax.margins(y=0.16)
    if ax.dataLim.ymin >= 0:  # no room for impossible values
        ax.set_ylim(bottom=max(ax.get_ylim()[0], 0))
    ax.set(xlabel=x_name, ylabel=y_name)
    if len(curves) > 1:
        ax.legend()
    return figure


@styled
def label_scatter(
    x: ArrayLike,
    y: Mapping[str, ArrayLike],
    *,
    x_name: str,
    y_name: str,
    logarithmic: bool = True,
    reference: float | None = None,
    named: Sequence[tuple[str, float, float]] = (),
) -> Figure:
    """One point per label: a score against how frequent the label, or how large its thing, is.

    Labels at the same place share a mark, whose area grows with their number, up to nine.

    Args:
        x: (K,).
        y: Model to (K,) scores, NaN where a label has none.
        x_name, y_name: Names of the axes; `logarithmic` applies to x.
        reference: A horizontal line, .5 for an AUC.
        named: Points to name: text, x, y.
    """
    values = np.asarray(x, float)
    figure, ax = plt.subplots(figsize=(6.0, 4.2))
    if reference is not None:
        ax.axhline(reference, color=MUTED, linewidth=1, linestyle=":")
    for position, (name, scores) in enumerate(y.items()):
        scores = np.asarray(scores, float)
        known = np.isfinite(scores) & np.isfinite(values) & ((values > 0) | (not logarithmic))
        filled = position == 0  # the others are outlines, so that equal points stay visible
        points, several = np.unique(
            np.stack([values[known], scores[known]], 1), axis=0, return_counts=True
        )  # (M, 2), (M,)
        for count in np.unique(several):
            ax.plot(
                *points[several == count].T, MARKERS[position % len(MARKERS)],
                markersize=(5 if filled else 7) * min(count, 9) ** 0.5, alpha=0.8,
                color=PALETTE[position],
                markeredgewidth=0 if filled else 1.2, label=name if count == several.min() else "",
                markerfacecolor=PALETTE[position] if filled else "none",
            )  # fmt: skip
    if logarithmic and (values > 0).any():
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
    for name, at, value in named:
        text = cut(name)
        across = ax.transAxes.inverted().transform(ax.transData.transform((at, value)))[0]
        inside = across + 0.013 * len(text) < 1  # else it is written to the left of its point
        ax.annotate(text, (at, value), xytext=(4 if inside else -4, 3), fontsize=9,
                    textcoords="offset points", ha="left" if inside else "right")  # fmt: skip
    ax.set(xlabel=x_name, ylabel=y_name)
    if len(y) > 1:
        figure.legend(loc="outside upper left", ncols=len(y))
    return figure
