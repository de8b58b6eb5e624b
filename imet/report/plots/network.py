"""A network as a row of boxes, as in the poster's diagram, drawn from the module itself."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from imet.report.plots.examples import LARGE
from imet.report.plots.style import INK, MUTED, PALETTE, styled

COLOURS = {"convolution": PALETTE[5], "pool": PALETTE[4], "linear": PALETTE[3]}
COLUMNS = ((3.6, "left", "output"), (10.2, "right", "parameters"), (12.7, "right", "sees, px"))
KINDS = {"convolution": "convolution + ReLU", "pool": "max pool", "linear": "fully connected"}


def _count(number: int) -> str:
    """Write 12345678 as 12.3 M, and 0 as a dash."""
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.{1 if number < 99.5 * limit else 0}f} {unit}"
    return str(number or "–")


@styled
def network_diagram(
    kinds: Sequence[str],
    shapes: Sequence[Sequence[int]],
    parameters: Sequence[int],
    fields: Sequence[int],
    *,
    emphasised: int = 0,
) -> Figure:
    """Layers from input to output, one bar each.

    A bar's height is the side of the layer's output on a logarithmic scale, 1 for fully connected
    layers; its thickness grows with the number of channels. Kinds are "convolution", "pool" or
    "linear"; shapes are those of outputs, (C, h, w) or (C,); `fields` are receptive fields in
    pixels, 0 for none. The first `emphasised` convolutions, which the crop uses, get an outline.
    """
    sides = [shape[1] if len(shape) == 3 else 1 for shape in shapes]
    heights = [0.4 + 0.8 * np.log2(side + 1) for side in sides]
    rows = len(kinds)
    figure, ax = plt.subplots(figsize=(6.0, 0.27 * rows + 0.9))
    seen = 0
    for row, (kind, shape, height) in enumerate(zip(kinds, shapes, heights)):
        thick = max(0.15, 0.2 + 0.11 * (np.log2(shape[0]) - 6))  # 64 channels to 5,000
        seen += kind == "convolution"
        marked = kind == "convolution" and seen <= emphasised
        ax.add_patch(
            Rectangle(
                (-height / 2, row - thick / 2), height, thick, facecolor=COLOURS[kind],
                edgecolor=INK, linewidth=1.6 if marked else 0, zorder=3,
            )
        )  # fmt: skip
        output = " × ".join(str(n) for n in shape)
        texts = (output, _count(parameters[row]), str(fields[row] or "all"))
        for (x, side, _), text in zip(COLUMNS, texts):
            ax.text(x, row, text, ha=side, va="center", fontsize=LARGE, color=INK)
    for x, side, title in COLUMNS:
        ax.text(x, -1.1, title, ha=side, va="center", fontsize=LARGE, color=MUTED)
    ax.set(xlim=(-3.5, 12.8), ylim=(rows - 0.3, -1.6))
    ax.axis("off")
    handles = [Patch(color=COLOURS[kind], label=KINDS[kind]) for kind in COLOURS if kind in kinds]
    if emphasised:
        handles.append(
            Patch(facecolor="white", edgecolor=INK, linewidth=1.6,
                  label=f"the first {emphasised} convolutions")
        )  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure
