"""Curves: training, threshold search, receiver operating characteristic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from imet.report.plots.style import INK, MUTED, line_style, styled

PANELS = (
    {"train_loss": "training loss", "val_loss": "validation loss"},
    {"val_f2": "validation F2"},
)


@styled
def training_curves(
    history: Sequence[Mapping[str, float]], *, best_epoch: int | None = None
) -> Figure:
    """Losses and F2 by epoch, one panel each; the epoch whose weights were kept is marked.

    `history` is a run's `history.jsonl`: one mapping per epoch with `epoch` (counted from 1; its
    position if absent), `train_loss`, `val_loss` and `val_f2`. A key that an epoch lacks leaves a
    gap; one that no epoch has is left out.
    """
    if not history:
        raise ValueError("history is empty: train for at least one epoch")
    epochs = np.array([row.get("epoch", i + 1) for i, row in enumerate(history)], float)  # (E,)
    known = set().union(*history)
    panels = [panel for panel in PANELS if known & panel.keys()]
    if not panels:
        raise ValueError(f"history has none of {', '.join(key for p in PANELS for key in p)}")
    figure, axes = plt.subplots(
        len(panels), 1, sharex=True, squeeze=False, figsize=(6.0, 2.35 * len(panels) + 0.2)
    )
    for ax, panel in zip(axes[:, 0], panels):
        names = {key: name for key, name in panel.items() if key in known}
        for position, (key, name) in enumerate(names.items()):
            values = np.array([row.get(key, np.nan) for row in history], float)  # (E,)
            ax.plot(epochs, values, marker="o", label=name, **line_style(position))
        if best_epoch is not None:
            ax.axvline(best_epoch, color=MUTED, linewidth=1, linestyle=":", zorder=1)
        ax.set_ylabel(name if len(names) == 1 else "loss")
        if len(names) > 1:
            ax.legend()
    if best_epoch is not None:
        late = best_epoch > epochs.mean()
        axes[0, 0].annotate(
            f"kept: epoch {best_epoch:g}", (best_epoch, 1), xycoords=("data", "axes fraction"),
            xytext=(-4 if late else 4, 2), textcoords="offset points", va="bottom", fontsize=9,
            ha="right" if late else "left", color=MUTED,
        )  # fmt: skip
    axes[-1, 0].set_xlabel("epoch")
    axes[-1, 0].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return figure


@styled
def threshold_curve(
    thresholds: ArrayLike,
    values: ArrayLike | Mapping[str, ArrayLike],
    marks: Mapping[str, tuple[float, float]] | None = None,
    *,
    edge: float | None = None,
) -> Figure:
    """F2 against the decision threshold, with named points.

    Args:
        thresholds: (M,) ascending thresholds in [0, 1].
        values: (M,) F2 at each, or several such curves by name.
        marks: Name to (threshold, F2): the optimum that was taken, for example.
        edge: Upper end of the documents' search, drawn as a line: an optimum on it means that the
            search was too narrow.
    """
    thresholds = np.asarray(thresholds, float)
    curves = values if isinstance(values, Mapping) else {"": values}
    figure, ax = plt.subplots()
    for position, (name, curve) in enumerate(curves.items()):
        curve = np.asarray(curve, float)
        if curve.shape != thresholds.shape:
            raise ValueError(
                f"{name or 'values'}: {curve.shape} values, {thresholds.shape} thresholds"
            )
        ax.plot(thresholds, curve, label=name or None, **line_style(position))
    if edge is not None:
        ax.axvline(edge, color=MUTED, linewidth=1, linestyle=":")
        ax.annotate(
            "end of the search", (edge, 0.01), xycoords=("data", "axes fraction"),
            xytext=(-4, 2), textcoords="offset points", ha="right", color=MUTED, fontsize=9,
        )  # fmt: skip
    for name, (threshold, value) in (marks or {}).items():
        ax.plot([threshold], [value], "o", color=INK, markersize=7, zorder=5)
        # Away from the line at the edge, which would cross the words.
        left = threshold > thresholds.mean() or (edge is not None and 0 < edge - threshold < 0.35)
        text = f"{name}\nat {threshold:.3f}: {value:.3f}"
        ax.annotate(text, (threshold, value), xytext=(-9 if left else 9, 6), va="bottom",
                    textcoords="offset points", ha="right" if left else "left",
                    fontsize=9)  # fmt: skip
    ax.set(xlabel="threshold", ylabel="F2", ylim=(0, 1.22 * ax.dataLim.ymax))
    if any(curves):
        ax.legend()
    return figure


@styled
def roc_curves(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    areas: Mapping[str, float] | None = None,
    *,
    emphasised: Sequence[str] = (),
) -> Figure:
    """Receiver operating characteristics of several classes in one square.

    `curves` maps names to (false positive rate, true positive rate). The areas under them appear in
    the legend; the `emphasised` curves, an average for example, are drawn thick and in ink.
    """
    figure, ax = plt.subplots(figsize=(6.0, 6.2))
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=":", zorder=1)
    ax.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
    ax.set(xlabel="false positive rate", ylabel="true positive rate")
    position = 0
    for name, (false_rate, true_rate) in curves.items():
        label = name if areas is None or name not in areas else f"{name} ({areas[name]:.3f})"
        if name in emphasised:
            ax.plot(false_rate, true_rate, color=INK, linewidth=3, label=label, zorder=4)
            continue
        width = max(1.3, 2.8 - 0.25 * position)  # earlier ones are wider, to show under equal ones
        ax.plot(false_rate, true_rate, label=label, linewidth=width, **line_style(position))
        position += 1
    figure.legend(loc="outside lower center", ncols=2)
    return figure
