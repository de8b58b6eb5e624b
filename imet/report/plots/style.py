"""The common look of all figures, and the decorator that every drawing function shares."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib.pyplot as plt
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, LogFormatterSciNotation

P = ParamSpec("P")

STYLE = Path(__file__).with_name("imet.mplstyle")
LONGEST = 48  # letters of a name in a figure

EAST_ASIAN = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Source Han Sans", "IPAexGothic", "WenQuanYi Zen Hei",
    "Hiragino Sans", "PingFang SC", "Apple SD Gothic Neo", "Yu Gothic", "Microsoft YaHei",
    "Malgun Gothic",
)  # fmt: skip

# Names for what colours mean; the hues are Okabe and Ito's.
INK, MUTED = "#211f1c", "#6b6459"
RIGHT, WRONG, MISSED = "#0072B2", "#C43D0A", "#6b6459"
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6b6459")
LINES = ("-", (0, (5, 1.6)), (0, (1.2, 1.4)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1, 1, 1, 1, 1)))


class PlainLog(LogFormatter):
    """Numbers of a logarithmic axis as 1,000 instead of 10³, which needs mathematical text."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The label of a tick; none where matplotlib leaves it out."""
        return f"{x:,g}" if super().__call__(x, pos) else ""


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw in the project's style and detach the figure from pyplot.

    A notebook would otherwise show it twice, and a long one would keep every figure in memory.
    """

    @wraps(draw)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with plt.style.context(["default", STYLE, {"font.family": fonts()}]):
            figure = draw(*args, **kwargs)
            for ax in figure.axes:
                for axis in (ax.xaxis, ax.yaxis):
                    if isinstance(axis.get_major_formatter(), LogFormatterSciNotation):
                        axis.set_major_formatter(PlainLog())
                    if isinstance(axis.get_minor_formatter(), LogFormatterSciNotation):
                        axis.set_minor_formatter(PlainLog(minor_thresholds=(1, 0.4)))
            figure.draw_without_rendering()  # text is laid out here, in this style
            plt.close(figure)
            return figure

    return wrapped


@cache
def fonts() -> list[str]:
    """Font families, each for the letters that the ones before it lack.

    DejaVu Sans has Latin, Greek, Cyrillic, Arabic, Hebrew, Armenian and Georgian; the Noto fonts of
    the package `manimgx-fonts` have more scripts of Africa and Asia; Chinese, Japanese and Korean
    come from the system's fonts, where it has any, those included that were installed just now.
    """
    spec = importlib.util.find_spec("manimgx_fonts")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    families = ["DejaVu Sans"]
    for file in sorted(folder.glob("NotoSans[A-Z]*.ttf")) if folder else []:
        font_manager.fontManager.addfont(file)
        families.append(font_manager.FontProperties(fname=file).get_name())
    known = {entry.fname for entry in font_manager.fontManager.ttflist}  # Matplotlib's old list
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        with contextlib.suppress(OSError, RuntimeError):  # no font that it can read
            font_manager.fontManager.addfont(path)
    installed = set(font_manager.get_font_names())
    return families + [family for family in EAST_ASIAN if family in installed]


def line_style(position: int) -> dict[str, Any]:
    """Colour and dash of the line at a position, so that no line is told by colour alone."""
    return {"color": PALETTE[position % len(PALETTE)], "linestyle": LINES[position % len(LINES)]}


def short(name: str) -> str:
    """A label without its kind, for a figure: cut where it is very long.

    Examples:
        >>> short("tag::writing systems"), short("culture::japan")
        ('writing systems', 'japan')
        >>> short("tag::a::b")
        'a::b'
    """
    return cut(name.partition("::")[2] or name)


def cut(text: str) -> str:
    """Cut a text to at most `LONGEST` letters, to fit into a figure."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"
