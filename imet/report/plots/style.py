"""The one look of all figures, and the frame every drawing function shares."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

P = ParamSpec("P")

STYLE = Path(__file__).with_name("imet.mplstyle")

# Names for what colours mean; the hues are Okabe and Ito's.
INK, MUTED = "#211f1c", "#6b6459"
RIGHT, WRONG, MISSED = "#0072B2", "#C43D0A", "#6b6459"
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6b6459")
LINES = ("-", (0, (5, 1.6)), (0, (1.2, 1.4)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1, 1, 1, 1, 1)))


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw in the project's style and take the figure out of pyplot's hands.

    A notebook would otherwise show it twice, and a long one would keep every figure in memory.
    """

    @wraps(draw)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with plt.style.context(["default", STYLE]):
            figure = draw(*args, **kwargs)
            plt.close(figure)
            return figure

    return wrapped


def line_style(position: int) -> dict[str, Any]:
    """Colour and dash of the line at a position, so that no line is told by colour alone."""
    return {
        "color": PALETTE[position % len(PALETTE)],
        "linestyle": LINES[position % len(LINES)],
    }


def short(name: str) -> str:
    """A label without its kind.

    Examples:
        >>> short("tag::writing systems"), short("culture::japan")
        ('writing systems', 'japan')
        >>> short("tag::a::b")
        'a::b'
    """
    return name.partition("::")[2] or name
