"""Losses: their shapes, and whether a low loss means a high score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike
from scipy.special import logit
from torch import Tensor

from imet.report.plots.comparisons import MARKERS
from imet.report.plots.style import MUTED, PALETTE, line_style, styled


@styled
def loss_shapes(losses: Mapping[str, Callable[[Tensor, Tensor], Tensor]]) -> Figure:
    """Losses of one label against the probability that it was given.

    Each takes logits (M, 1) and targets (M, 1) bool, and returns its values unreduced.
    """
    x = np.linspace(0.002, 0.998, 250)
    logits = torch.from_numpy(logit(x))[:, None]
    figure, axes = plt.subplots(1, 2, sharey=True, figsize=(6.0, 3.3))
    for position, (name, loss) in enumerate(losses.items()):
        for ax, target in zip(axes, (True, False)):
            values = loss(logits, torch.full_like(logits, target, dtype=torch.bool))[:, 0]
            ax.plot(x, values.numpy(), label=name, **line_style(position))
    for ax, title in zip(axes, ("the label is there", "the label is not there")):
        ax.set_title(title)
        ax.set(xlabel="probability given", xlim=(0, 1), ylim=(-0.05, 3))
    axes[0].set_ylabel("loss")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure


@styled
def loss_vs_f2(groups: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> Figure:
    """F2 (E,) against focal loss (E,) on validation: for each model a line through its epochs.

    The first line has hollow marks and lies on top, so that equal lines show through it.
    """
    figure, ax = plt.subplots(figsize=(6.0, 4.2))
    for position, (name, (losses, scores)) in enumerate(groups.items()):
        x, y = np.asarray(losses, float), np.asarray(scores, float)
        colour = PALETTE[position % len(PALETTE)]
        ax.plot(
            x, y, linewidth=0.9, color=colour, markersize=4.5 if position else 7.5, label=name,
            marker=MARKERS[position % len(MARKERS)], zorder=2 if position else 3,
            markerfacecolor=colour if position else "none", markeredgewidth=1.2,
        )  # fmt: skip
        ax.plot(x[-1:], y[-1:], "o", markersize=13, markerfacecolor="none",
                markeredgecolor=colour, markeredgewidth=1.6)  # fmt: skip
    ax.annotate("ringed: the last epoch", (0.99, 0.02), xycoords="axes fraction", ha="right",
                color=MUTED, fontsize=9)  # fmt: skip
    ax.set(xlabel="focal loss on validation", ylabel="F2 on validation", xscale="log")
    ax.margins(0.08)
    figure.legend(loc="outside lower center", ncols=3)
    return figure


@styled
def setting_curves(
    histories: Mapping[str, Mapping[str, ArrayLike]],
    names: Mapping[str, str],
    *,
    logarithmic: Sequence[str] = (),
) -> Figure:
    """Training of several settings side by side: one panel per measure, one line per setting.

    `histories` maps settings to measures to (E,) values, from epoch 1; `names` maps measures to the
    names of their axes, in the order of the panels; `logarithmic` are measures with a log axis.
    """
    figure, axes = plt.subplots(
        len(names), 1, sharex=True, squeeze=False, figsize=(6.0, 2.4 * len(names) + 0.5)
    )
    for ax, (measure, label) in zip(axes[:, 0], names.items()):
        for position, (setting, history) in enumerate(histories.items()):
            values = np.asarray(history[measure], float)  # (E,)
            every = max(1, len(values) // 8)
            ax.plot(np.arange(1, len(values) + 1), values, label=setting, linewidth=1.6,
                    marker=MARKERS[position % len(MARKERS)], markevery=(position % every, every),
                    **line_style(position))  # fmt: skip
        ax.set_ylabel(label)
        if measure in logarithmic:
            ax.set_yscale("log")
    axes[-1, 0].set_xlabel("epoch")
    axes[-1, 0].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, handlelength=4)
    return figure
