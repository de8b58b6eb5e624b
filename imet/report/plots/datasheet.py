"""A simulated collection: named pictures in a grid, boxes on works, lifts against another's."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from matplotlib.transforms import Bbox
from numpy.typing import ArrayLike

from imet.report.plots.examples import Picture
from imet.report.plots.style import MUTED, PALETTE, short, styled

BOX_COLOURS = (PALETTE[5], PALETTE[4], PALETTE[3], PALETTE[2], PALETTE[1])
AROUND = ((0, 1), (1, 1), (-1, 1), (1, 0), (-1, 0), (1, -1), (-1, -1), (0, -1))  # right, up


def _hang(ax: Axes, picture: Picture) -> None:
    """Show a picture without axes, but keep the label below it."""
    ax.imshow(picture, interpolation="antialiased")
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


@styled
def labelled_grid(
    pictures: Sequence[Picture], names: Sequence[str], *, columns: int = 6, size: float = 8.0
) -> Figure:
    """Small pictures, best of one shape, each above its label without the kind; cultures italic.

    `size` is the size of the names in points.

    Examples:
        >>> picture = np.zeros((4, 4, 3), np.uint8)
        >>> len(labelled_grid([picture] * 3, ["culture::japan", "tag::men", "tag::fish"]).axes)
        3
    """
    if not pictures or len(pictures) != len(names):
        raise ValueError(f"{len(pictures)} pictures, {len(names)} names")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    tall = max(picture.shape[0] / picture.shape[1] for picture in pictures)
    cell = 6.0 / columns  # inches
    room = max(7, round(cell / (size / 72 * 0.56)))  # letters in a cell
    written = [textwrap.wrap(short(name), room) for name in names]
    lines = max(len(words) for words in written)
    height = rows * (cell * tall + lines * size / 72 * 1.25 + 0.07)
    figure, axes = plt.subplots(
        rows, columns, squeeze=False, figsize=(6.0, height),
        gridspec_kw={"wspace": 0.03, "hspace": 0.0},
    )  # fmt: skip
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02)  # type: ignore[union-attr, call-arg]
    for i, ax in enumerate(axes.ravel()):
        if i >= len(pictures):
            ax.remove()
            continue
        _hang(ax, pictures[i])
        ax.set_xlabel(
            "\n".join(written[i]), fontsize=size, labelpad=2,
            style="italic" if names[i].startswith("culture::") else "normal",
        )  # fmt: skip
    return figure


@styled
def boxes_grid(
    pictures: Sequence[Picture], boxes: Sequence[Sequence[tuple[str, Sequence[int]]]]
) -> Figure:
    """Works, three per row, with a frame around everything that carries a label, named below.

    `boxes` has (label, (left, top, right, bottom)) for every thing of each picture; things with the
    same label share a colour and a number.

    Examples:
        >>> picture = np.zeros((40, 40, 3), np.uint8)
        >>> figure = boxes_grid([picture], [[("tag::men", (1, 2, 9, 20))]])
        >>> figure.axes[0].get_xlabel()
        '1 men'
    """
    if len(pictures) != len(boxes):
        raise ValueError(f"{len(pictures)} pictures, {len(boxes)} lists of boxes")
    columns = min(3, len(pictures))
    rows = -(-len(pictures) // columns)
    labels = [list(dict.fromkeys(name for name, _ in things)) for things in boxes]
    lines = max(1, *(len(names) for names in labels))
    tall = float(np.median([picture.shape[0] / picture.shape[1] for picture in pictures]))
    figure, axes = plt.subplots(
        rows, columns, squeeze=False,
        figsize=(6.0, rows * (6.0 / columns * min(1.4, max(0.8, tall)) + lines * 0.155 + 0.1)),
    )  # fmt: skip
    for i, ax in enumerate(axes.ravel()):
        if i >= len(pictures):
            ax.remove()
            continue
        _hang(ax, pictures[i])
        ax.set_anchor("S")
        for name, (left, top, right, bottom) in boxes[i]:
            place = labels[i].index(name)
            colour = BOX_COLOURS[place % len(BOX_COLOURS)]
            corner, wide, high = (left - 0.5, top - 0.5), right - left, bottom - top
            for width, edge in ((3.0, "black"), (1.6, colour)):
                ax.add_patch(Rectangle(corner, wide, high, fill=False, lw=width, ec=edge))
            ax.text(left + 2, top + 2, str(place + 1), fontsize=7.5, va="top", ha="left",
                    color="black", clip_on=True,
                    bbox={"facecolor": colour, "edgecolor": "none", "pad": 1.2})  # fmt: skip
        ax.set_xlabel(
            "\n".join(f"{n} {short(name)}" for n, name in enumerate(labels[i], 1)),
            fontsize=9, loc="left", labelpad=3,
        )  # fmt: skip
    return figure


@styled
def lift_scatter(
    here: ArrayLike,
    there: ArrayLike,
    *,
    here_name: str,
    there_name: str,
    named: Sequence[tuple[str, float, float]] = (),
) -> Figure:
    """Lift (P,) of the same pairs of labels in two collections, both axes logarithmic.

    `named` are points to name, the most important first: text, lift there, lift here. A name that
    finds no place beside its point, clear of points and other names, is left out.

    Examples:
        >>> figure = lift_scatter([0, 2], [1, 2], here_name="a", there_name="b")
        >>> figure.axes[0].get_xlabel()
        'lift, b'
    """
    floor = 0.05  # pairs that never meet have a lift of 0: they are drawn at the edge
    x, y = (np.maximum(np.asarray(lifts, float), floor) for lifts in (there, here))  # (P,)
    if x.shape != y.shape:
        raise ValueError(f"lifts of {len(y)} pairs and of {len(x)}")
    figure, ax = plt.subplots(figsize=(6.0, 4.6))
    ax.axhline(1, color=MUTED, linewidth=1, linestyle=":")
    ax.axvline(1, color=MUTED, linewidth=1, linestyle=":")
    never = y <= floor
    ax.plot(x[~never], y[~never], "o", alpha=0.6, markeredgewidth=0, label="pairs of labels")
    if never.any():
        ax.plot(x[never], y[never], "v", color=PALETTE[1], alpha=0.7, markeredgewidth=0,
                label="pairs that never meet here")  # fmt: skip
    ax.set(xscale="log", yscale="log", xlabel=f"lift, {there_name}", ylabel=f"lift, {here_name}")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(2))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_locator(NullLocator())
    figure.legend(loc="outside upper left", ncols=2)
    figure.draw_without_rendering()  # the layout says where points are
    points = ax.transData.transform(np.stack([x, y], 1))  # (P, 2)
    taken: list[Bbox] = []
    for text, at, value in named:
        for right, up in ((d * r, e * r) for r in (9, 16, 25, 36) for d, e in AROUND):
            near = 0.5 - np.sign(right) / 2, 0.5 - np.sign(up) / 2  # the text's side near its point
            note = ax.annotate(text, (max(at, floor), max(value, floor)), xytext=(right, up),
                               ha=("center", "left", "right")[np.sign(right)], va="center",
                               arrowprops={"arrowstyle": "-", "lw": 0.8, "relpos": near},
                               textcoords="offset points", fontsize=9)  # fmt: skip
            note.get_window_extent()  # with the line; moves the text to its place
            box = plt.Text.get_window_extent(note).padded(6)
            inside = ax.bbox.containsx(box.x0) and ax.bbox.containsx(box.x1)
            if inside and not (box.count_contains(points) or box.count_overlaps(taken)):
                taken.append(box)
                break
            note.remove()
    return figure
