"""What a model sees in a picture: gradients as stars, attention laid over a view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from imet.report.plots.examples import (
    INCHES_A_LINE,
    LARGE,
    Picture,
    count_lines,
    fold,
    show_picture,
    write_labels,
)
from imet.report.plots.style import INK, MUTED, RIGHT, WRONG, styled

Map = NDArray[np.floating]  # (S, S), how much each pixel counts


@dataclass(frozen=True)
class Attended:
    """One predicted label of a view and where the model looked when it chose it."""

    name: str  # in full
    right: bool  # whether the annotator gave the label too
    weights: Map  # (S, S) attention, any scale
    boxes: NDArray[np.integer] | None = None  # (M, 4) of what the label names, in the view's pixels


@styled
def picture_strip(
    pictures: Sequence[NDArray[np.generic]],
    titles: Sequence[str],
    *,
    columns: int = 3,
    colours: Sequence[str | None] | None = None,
) -> Figure:
    """Pictures and maps in rows, each under its title: the steps of a method.

    A picture is RGB (H, W, 3) uint8, or one number per pixel (H, W), drawn in the colour map at its
    place in `colours`; grey where that is None.
    """
    rows = -(-len(pictures) // columns)
    figure, axes = plt.subplots(
        rows, columns, squeeze=False, figsize=(6.0, rows * (6.0 / columns + 0.32))
    )
    for i, ax in enumerate(axes.ravel()):
        ax.axis("off")
        if i >= len(pictures):
            continue
        picture = np.asarray(pictures[i])
        # A few extreme values must not leave the rest of a map in the dark.
        top = np.nanpercentile(picture, 99.5) if picture.ndim == 2 else None
        ax.imshow(picture, cmap=(colours[i] if colours else None) or "gray", vmax=top)
        ax.set_title(titles[i], fontsize=9, fontweight="normal", loc="left", pad=3)
    return figure


def _overlay(ax: Axes, view: Picture, weights: Map) -> None:
    """Draw a view in grey, and attention over it in colour: the more, the more opaque."""
    grey = view.mean(2)
    ax.imshow(grey, cmap="gray", vmin=0, vmax=255)
    top = max(float(weights.max()), 3 * float(weights.mean()))  # an even map stays dim
    share = weights / top if top > 0 else weights
    ax.imshow(share, cmap="inferno", vmin=0, vmax=1, alpha=0.72 * np.sqrt(share))
    ax.axis("off")


@styled
def attention_examples(
    pictures: Sequence[Picture],
    annotated: Sequence[Sequence[str]],
    views: Sequence[Picture],
    attended: Sequence[Sequence[Attended]],
) -> Figure:
    """The paper's Figure 4: picture, annotator's labels, view, attention for predicted labels.

    A predicted label is blue with a tick where it is right and red with a cross where it is wrong.
    `annotated` are the annotator's labels of each picture, full names, and `views` (S, S, 3) what
    the model saw; `attended` are labels in the order chosen, of which the first three are drawn.
    """
    line, side, width = INCHES_A_LINE * LARGE / 9, 6.0 / 3 + 0.2, 1.7  # inches
    below = [
        max(line * (count_lines(names, width, LARGE) + 1) + 0.1, side * (len(labels) > 1))
        for names, labels in zip(annotated, attended)
    ]
    figure = plt.figure(figsize=(6.0, sum(below) + side * len(below)), layout="constrained")
    heights = [side + each for each in below]
    rows = figure.subfigures(len(pictures), 1, height_ratios=heights, squeeze=False)[:, 0]
    rim = [withStroke(linewidth=3.6, foreground=INK)]
    for row, part in enumerate(rows):
        axes = part.subplots(2, 3, height_ratios=(side, below[row])).ravel()
        for ax in axes:
            ax.axis("off")
        for ax, shown, title in zip(axes, (pictures[row], views[row]), ("picture", "view")):
            show_picture(ax, shown)
            ax.set_anchor("NW")
            ax.set_title(title, fontsize=LARGE, color=MUTED, pad=3, fontweight="normal")
        write_labels(axes[3], annotated[row], width, heading="annotator", size=LARGE)
        for ax, label in zip(axes[[2, 4, 5]], attended[row]):
            _overlay(ax, views[row], label.weights)
            for x, y, x_end, y_end in [] if label.boxes is None else label.boxes.tolist():
                box = Rectangle((x - 0.5, y - 0.5), x_end - x, y_end - y, fill=False)
                box.set(linewidth=1.6, edgecolor="white", path_effects=rim)
                ax.add_patch(box)
            mark = "✓" if label.right else "✗"
            ax.set_title(
                f"{mark} {fold(label.name, width, LARGE)}", fontsize=LARGE, pad=3,
                fontweight="normal", color=RIGHT if label.right else WRONG,
            )  # fmt: skip
    return figure


@styled
def attention_steps(
    view: Picture, names: Sequence[str], raw: Sequence[Map], smooth: Sequence[Map]
) -> Figure:
    """One view, step by step: attention as it is, above, and smoothed as in the paper, below.

    The view is (S, S, 3), the maps of each step (S, S); `names` are those of the labels chosen.
    """
    columns = len(names)
    figure, axes = plt.subplots(2, columns, squeeze=False, figsize=(6.0, 11.4 / columns + 0.4))
    for column, name in enumerate(names):
        for row, maps in enumerate((raw, smooth)):
            _overlay(axes[row, column], view, maps[column])
        axes[0, column].set_title(
            f"{column + 1}. {fold(name, 5.2 / columns)}", fontsize=9, fontweight="normal", pad=3,
            loc="center",
        )  # fmt: skip
    for row, text in enumerate(("raw", "smoothed")):
        axes[row, 0].text(
            -0.06, 0.5, text, rotation=90, ha="right", va="center", color=MUTED, fontsize=9,
            transform=axes[row, 0].transAxes,
        )  # fmt: skip
    return figure
