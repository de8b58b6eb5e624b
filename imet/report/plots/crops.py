"""The content-aware crop: its steps on one picture, and crops of several methods side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike

from imet.report.plots.examples import Picture
from imet.report.plots.style import INK, MUTED, PALETTE, styled

BOXES = (PALETTE[1], PALETTE[0], PALETTE[2], PALETTE[3], PALETTE[4])
DASHES: tuple[Any, ...] = (
    "-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 1.5, 1.2, 1.5)), (0, (9, 2)),
)  # fmt: skip


def draw_box(ax: Axes, box: ArrayLike, position: int, width: float = 2.2) -> None:
    """Draw a box with a light rim, so that it shows on any picture."""
    left, top, right, bottom = np.asarray(box, float)
    for colour, line in (("white", width + 1.6), (BOXES[position % len(BOXES)], width)):
        ax.add_patch(
            Rectangle(
                (left - 0.5, top - 0.5), right - left, bottom - top, fill=False, edgecolor=colour,
                linewidth=line, linestyle=DASHES[position % len(DASHES)] if line == width else "-",
                clip_on=False,
            )
        )  # fmt: skip


@styled
def six_views(picture: Picture, boxes: Sequence[ArrayLike], views: Sequence[Picture]) -> Figure:
    """Where the paper's views lie in a picture, and what each of them shows the network.

    Args:
        picture: the whole picture.
        boxes: for each crop, (4,) left, top, right, bottom in pixels of the picture.
        views: the resized view (S, S, 3), then the crops (S, S, 3) in the order of their boxes.
    """
    height, width = picture.shape[:2]
    size = len(views[0])
    tall = min(4.8 * height / width, 4.8)
    rows = -(-len(views) // 3)
    figure = plt.figure(figsize=(6.0, tall + 0.35 + rows * 2.25))
    heights = (tall + 0.35, rows * 2.25)
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
    ax = above.subplots()
    ax.imshow(picture, interpolation="antialiased")
    ax.axis("off")
    title = f"the picture, {width} × {height} pixels, and its crops"
    ax.set_title(title, fontsize=10, fontweight="normal", loc="center", pad=6)
    for i, box in enumerate(boxes):
        draw_box(ax, box, i, width=1.8)
        left, top, right, _ = np.asarray(box, float)
        # Edges of boxes often nearly coincide: each number hangs at its own place on the top edge.
        x = left + (right - left) * (0.12 + 0.76 * i / max(len(boxes) - 1, 1))
        ax.text(x, top, str(i + 1), ha="center", va="center", fontsize=10, color=INK,
                bbox={"facecolor": "white", "edgecolor": BOXES[i], "linewidth": 2,
                      "boxstyle": "circle,pad=0.2"})  # fmt: skip
    for i, (ax, view) in enumerate(zip(below.subplots(rows, 3, squeeze=False).ravel(), views)):
        ax.imshow(view, interpolation="antialiased")
        ax.axis("off")
        title = f"crop {i}" if i else f"all of it, resized\nto {size} × {size}"
        ax.set_title(title, fontsize=9, fontweight="normal", loc="center")
        if i:
            draw_box(ax, (0, 0, size, size), i - 1, width=2.4)
    return figure


@styled
def crop_steps(
    picture: Picture, layers: Sequence[tuple[str, ArrayLike]], saliency: ArrayLike, box: ArrayLike
) -> Figure:
    """The crop step by step: picture, each layer's map, their mean, the box, what it cuts out.

    Maps are (h, w) in [0, 1], their mean (S, S); the box is (4,) left, top, right, bottom in pixels
    of the picture.
    """
    height, width = picture.shape[:2]
    rows = -(-(len(layers) + 4) // 4)
    figure, axes = plt.subplots(rows, 4, figsize=(6.0, rows * 1.72))
    flat = list(axes.ravel())
    for ax in flat:
        ax.axis("off")
    frame = (-0.5, width - 0.5, height - 0.5, -0.5)
    flat[0].imshow(picture)
    for ax, (_, values) in zip(flat[1:], layers):
        ax.imshow(np.asarray(values), cmap="cividis", extent=frame, vmin=0, vmax=1)
        if not np.any(values):
            ax.text(0.5, 0.5, "all maps\nleft out", transform=ax.transAxes, ha="center",
                    va="center", color="white", fontsize=9)  # fmt: skip
    mean, above, crop = flat[1 + len(layers) : 4 + len(layers)]
    values = np.asarray(saliency)
    mean.imshow(values, cmap="cividis", extent=frame)
    above.imshow(values > values.mean(), cmap="gray", extent=frame, vmin=-0.4, vmax=1.2)
    draw_box(above, box, 0)
    left, top, right, bottom = (int(side) for side in np.asarray(box))
    crop.imshow(picture[top:bottom, left:right])
    names = ("picture", *(name for name, _ in layers), "mean of layers", "above mean, box", "crop")
    for ax, name in zip(flat, names):
        ax.set_title(name, fontsize=9)
    return figure


@styled
def box_gallery(
    pictures: Sequence[Picture],
    boxes: Mapping[str, Sequence[ArrayLike]],
    things: Sequence[ArrayLike],
    captions: Sequence[str],
) -> Figure:
    """Pictures, three per row, with the boxes of several methods, and what is really there.

    `boxes` maps methods to one box (4,) per picture; `things` are each picture's true boxes (M, 4).
    """
    rim = [withStroke(linewidth=2.8, foreground=INK)]
    columns = min(3, len(pictures))
    rows = -(-len(pictures) // columns)
    figure, axes = plt.subplots(
        rows, columns, squeeze=False, figsize=(6.0, rows * (6.0 / columns) * 1.05 + 0.45)
    )
    for ax in axes.ravel():
        ax.axis("off")
    for i, (ax, picture) in enumerate(zip(axes.ravel(), pictures)):
        ax.imshow(picture, interpolation="antialiased")
        for left, top, right, bottom in np.asarray(things[i]).reshape(-1, 4):
            ax.add_patch(
                Rectangle((left, top), right - left, bottom - top, fill=False,
                          edgecolor="white", linewidth=1.4, path_effects=rim)
            )  # fmt: skip
        for position, of_method in enumerate(boxes.values()):
            draw_box(ax, of_method[i], position, width=1.8)
        words = fill(captions[i], 26)
        ax.text(0.5, -0.03, words, transform=ax.transAxes, ha="center", va="top",
                fontsize=8.5, color=MUTED)  # fmt: skip
    handles = [
        Patch(fill=False, edgecolor=BOXES[p % len(BOXES)], linewidth=2, linestyle=DASHES[p % 4],
              label=name)
        for p, name in enumerate(boxes)
    ]  # fmt: skip
    handles.append(
        Patch(fill=False, edgecolor="white", linewidth=1.4, label="things named", path_effects=rim)
    )
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 4))
    return figure


@styled
def before_and_after(pictures: Sequence[Picture], boxes: Sequence[ArrayLike]) -> Figure:
    """Pictures, each above what a box leaves of it."""
    corners = [[int(side) for side in np.asarray(box)] for box in boxes]
    cut = [p[top:end, left:right] for p, (left, top, right, end) in zip(pictures, corners)]
    column = 6.0 / len(pictures) - 0.1  # inches; rows are as tall as the tallest in them
    heights = [
        column * max(min(p.shape[0] / p.shape[1], 1.8) for p in row) for row in (pictures, cut)
    ]
    figure, axes = plt.subplots(
        2, len(pictures), squeeze=False, height_ratios=heights, figsize=(6.0, sum(heights) + 0.2)
    )
    for ax in axes.ravel():
        ax.axis("off")
    for above, below, picture, box, left in zip(*axes, pictures, boxes, cut):
        above.set_anchor("S")  # all stand on one line, and what is left hangs below it
        below.set_anchor("N")
        above.imshow(picture, interpolation="antialiased")
        draw_box(above, box, 0, width=1.6)
        below.imshow(left, interpolation="antialiased")
    return figure
