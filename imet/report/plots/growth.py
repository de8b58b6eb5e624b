"""What stages take by number of works, with a straight line to the whole collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from imet.report.plots.comparisons import MARKERS
from imet.report.plots.style import MUTED, line_style, styled


@styled
def growth_panels(
    panels: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float]]]], end: int
) -> Figure:
    """Panels by the name of their axis: stage to (works, values), on logarithmic axes.

    Lines are straight (least squares), bent by the axes; a stage looks the same in all panels.
    """
    figure, axes = plt.subplots(2, 2, sharex=True, figsize=(6.0, 6.6))
    names = list(dict.fromkeys(name for stages in panels.values() for name in stages))
    shown = {}
    for ax, (title, stages) in zip(axes.flat, panels.items()):
        for name, (works, values) in stages.items():
            place = names.index(name)
            x = np.geomspace(works[0], end, 60)
            line = np.polyval(np.polyfit(works, values, 1), x)
            style = line_style(place) | {"marker": MARKERS[place % len(MARKERS)]}
            ax.plot(works, values, **style | {"linestyle": ""})
            ax.plot(x, np.where(line > 0, line, np.nan), **style | {"marker": ""})
            shown[name] = plt.Line2D([], [], **style)
        ax.axvline(end, color=MUTED, linewidth=1, linestyle=":")
        ax.set(xscale="log", yscale="log", title=title)
    figure.supxlabel("works")
    if shown:
        figure.legend(shown.values(), shown, loc="outside upper center", ncols=3)
    return figure
