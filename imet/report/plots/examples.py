"""Pictures with text: samples, views of one work, predictions beside the annotator's labels."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from imet.report.plots.style import INK, MISSED, MUTED, RIGHT, WRONG, short, styled

Picture = NDArray[np.uint8]  # (H, W, 3)

INCHES_A_LINE = 0.175  # a line of 9 points
LARGE = 11.0  # points: in figures with few words, letters can be read on a phone


def show_picture(ax: Axes, picture: Picture) -> None:
    """Show a picture without axes, at its own aspect ratio, at the lower left of its cell."""
    ax.imshow(picture, interpolation="antialiased")
    ax.set_anchor("SW")
    ax.axis("off")


def fold(name: str, width: float, size: float = 9) -> str:
    """A label without its kind, broken between words to lines of `width` inches, `size` points."""
    return textwrap.fill(short(name), int(width * 72 / (0.56 * size)))


def count_lines(names: Sequence[str], width: float, size: float = 9) -> int:
    """How many lines labels take that are folded so."""
    return sum(fold(name, width, size).count("\n") + 1 for name in names)


def write_labels(
    ax: Axes,
    names: Sequence[str],
    width: float,
    *,
    colours: Sequence[str] | None = None,
    marks: Sequence[str] | None = None,
    heading: str = "",
    size: float = 9,
) -> None:
    """Write names, without their kind, from the top of an empty cell down; cultures in italics.

    Each name may have a colour and a mark before it, so that nothing is told by colour alone. The
    heading is a grey line above; `width` is in inches, `size` in points.
    """
    ax.axis("off")
    ax.text(0, 1, heading, va="top", fontsize=size, color=MUTED, transform=ax.transAxes)
    row = 1 if heading else 0
    for i, name in enumerate(names):
        text = fold(name, width, size)
        text = f"{marks[i]} " + text.replace("\n", "\n    ") if marks else text
        ax.annotate(
            text, (0, 1), xytext=(0, -8 * INCHES_A_LINE * size * row), xycoords="axes fraction",
            textcoords="offset points", va="top", fontsize=size, linespacing=1.2,
            style="italic" if name.startswith("culture::") else "normal",
            color=colours[i] if colours else INK,
        )  # fmt: skip
        row += text.count("\n") + 1


@styled
def picture_grid(
    pictures: Sequence[Picture],
    labels: Sequence[Sequence[str]],
    *,
    titles: Sequence[str] | None = None,
) -> Figure:
    """Pictures of any size, three per row, each above its labels (the paper's Figure 1).

    Labels are full names; cultures are written in italics, and titles above the labels.
    """
    if len(pictures) != len(labels):
        raise ValueError(f"{len(pictures)} pictures, {len(labels)} lists of labels")
    columns = min(3, len(pictures))
    rows = -(-len(pictures) // columns)
    side = 5.8 / columns
    depth = [
        max(count_lines(names, side) for names in labels[r * columns : (r + 1) * columns])
        + bool(titles)
        for r in range(rows)
    ]
    heights = [h for d in depth for h in (side, max(d, 1) * INCHES_A_LINE + 0.06)]
    spacing = ConstrainedLayoutEngine(h_pad=0.03, w_pad=0.04, hspace=0.01, wspace=0.03)
    figure = plt.figure(figsize=(6.0, sum(heights) + 0.12 * rows), layout=spacing)
    grid = figure.add_gridspec(2 * rows, columns, height_ratios=heights)
    for i, (picture, names) in enumerate(zip(pictures, labels)):
        row, column = divmod(i, columns)
        show_picture(figure.add_subplot(grid[2 * row, column]), picture)
        cell = figure.add_subplot(grid[2 * row + 1, column])
        heading = titles[i] if titles else ""
        write_labels(cell, names, side, heading=heading)
    return figure


@styled
def mosaic(pictures: Sequence[Picture], *, rows: int = 3) -> Figure:
    """Pictures hung edge to edge in rows of equal width, without text: a cover.

    Every picture keeps its aspect ratio; rows differ in height so that all are equally wide. Their
    sums of aspect ratios are as equal as the order of the pictures allows.
    """
    gap = 0.05  # inches
    ratios = np.array([picture.shape[1] / picture.shape[0] for picture in pictures])  # (N,)
    middle = (np.cumsum(ratios) - ratios / 2) / ratios.sum()  # (N,) position if all were one line
    hung = [np.flatnonzero((middle * rows).astype(int) == row) for row in range(rows)]
    hung = [members for members in hung if members.size]
    heights = [(6.0 - gap * (len(m) - 1)) / ratios[m].sum() for m in hung]
    tall = sum(heights) + gap * (len(hung) - 1)
    figure = plt.figure(figsize=(6.0, tall), layout="none")
    top = tall
    for members, height in zip(hung, heights):
        left = 0.0
        for i in members.tolist():
            width = float(ratios[i]) * height
            cell = (left / 6.0, (top - height) / tall, width / 6.0, height / tall)
            ax = figure.add_axes(cell)
            ax.imshow(pictures[i], interpolation="antialiased", aspect="auto")
            ax.axis("off")
            left += width + gap
        top -= height + gap
    return figure


@styled
def view_strip(
    rows: Sequence[Sequence[Picture]],
    titles: Sequence[Sequence[str]],
    *,
    headings: Sequence[str] | None = None,
) -> Figure:
    """The views of some works, one work per row, with a heading above.

    Each view has a title, for example its kind and the labels that it trains on.
    """
    wide = max(len(views) for views in rows)
    columns = min(wide, 3)  # two lines of three stay readable on a phone
    lines = -(-wide // columns)
    figure = plt.figure(figsize=(6.0, len(rows) * lines * 2.28), layout="constrained")
    parts = figure.subfigures(len(rows), 1, squeeze=False)[:, 0]
    for r, (part, views) in enumerate(zip(parts, rows)):
        axes = part.subplots(lines, columns, squeeze=False).ravel()
        for ax in axes:
            ax.axis("off")
        for ax, view, title in zip(axes, views, titles[r]):
            show_picture(ax, view)
            ax.set_title(title, fontsize=9, fontweight="normal", loc="center", pad=3)
        if headings:
            part.suptitle(headings[r], fontsize=10, x=0.01, ha="left")
    return figure


@styled
def predictions(
    pictures: Sequence[Picture],
    annotated: Sequence[Sequence[str]],
    predicted: Sequence[Sequence[str]],
    *,
    most: int = 14,
) -> Figure:
    """Predictions beside the annotator's labels (the paper's Figure 5).

    The annotator's labels are black; a prediction is blue with a tick where both agree, and red
    with a cross where they do not; a missed label has a ring in the annotator's column. Labels are
    full names in any order; at most `most` predictions are written out, the rest are counted.
    """
    if not len(pictures) == len(annotated) == len(predicted):
        raise ValueError(
            f"{len(pictures)} pictures, {len(annotated)} annotations, {len(predicted)} predictions"
        )
    cut = [list(names[:most]) for names in predicted]
    rest = [len(names) - len(kept) for names, kept in zip(predicted, cut)]
    widths = (1.8, 1.45, 1.65)  # inches of letters in columns a little wider
    lines = [
        max(count_lines(t, widths[1], LARGE), count_lines(c, widths[2], LARGE) + bool(more), 8) + 1
        for t, c, more in zip(annotated, cut, rest)
    ]
    heights = [INCHES_A_LINE * LARGE / 9 * n + 0.1 for n in lines]
    figure = plt.figure(figsize=(6.0, sum(heights) + 0.14 * len(lines)), layout="constrained")
    grid = figure.add_gridspec(len(pictures), 3, width_ratios=(1.8, 1.75, 1.95),
                               height_ratios=heights)  # fmt: skip
    for row, picture in enumerate(pictures):
        cell = figure.add_subplot(grid[row, 0])
        show_picture(cell, picture)
        cell.set_anchor("NW")
        true, said = list(annotated[row]), cut[row]
        hit = [name in said for name in true]
        write_labels(
            figure.add_subplot(grid[row, 1]), true, widths[1], heading="annotator", size=LARGE,
            marks=["●" if h else "○" for h in hit], colours=[INK if h else MISSED for h in hit],
        )  # fmt: skip
        right = [name in true for name in said]
        names = said + ([f"and {rest[row]} more"] if rest[row] else [])
        write_labels(
            figure.add_subplot(grid[row, 2]), names, widths[2], heading="predicted",
            marks=["✓" if r else "✗" for r in right] + [" "] * bool(rest[row]),
            colours=[RIGHT if r else WRONG for r in right] + [MUTED] * bool(rest[row]), size=LARGE,
        )  # fmt: skip
    return figure
