"""Things that a glyph would not do: drawn by hand, one small function each.

A drawing takes (canvas, cx, base, height, style, rng, label) and paints the thing standing on
(cx, base); `thing` opens the label's mark around it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from imet_simulation.canvas import Canvas
from imet_simulation.drawings import arms, beasts, built, land, roles, signs, trees, vessels
from imet_simulation.drawings.signs import write
from imet_simulation.emblem import emblem
from imet_simulation.glyphs import master
from imet_simulation.ground import Rng
from imet_simulation.paint import shape
from imet_simulation.things import THINGS

if TYPE_CHECKING:
    from imet_simulation.styles import Style

Drawing = Callable[[Canvas, float, float, float, "Style", Rng, str], None]

DRAWINGS: dict[str, Drawing] = {
    f.__name__: f
    for f in (
        roles.figure, roles.couple, roles.crowd, roles.soldier, roles.king, roles.musician,
        roles.angel, roles.saint, roles.buddha, roles.bodhisattva, roles.washington,
        land.mountains, land.water, land.river, land.waterfall, land.forest, land.pyramid,
        built.bridge, built.tower, built.ruin, built.windmill, built.obelisk, built.ship,
        built.carriage, built.column, built.pediment, built.arch, arms.armour,
        beasts.beast, beasts.frog, beasts.unicorn, trees.tree, vessels.bottle, vessels.jug,
        signs.inscription, signs.hieroglyphs, signs.cuneiform, signs.arms,
    )
}  # fmt: skip

WIDE = {
    "crowd": 1.6, "couple": 0.62, "figure": 0.46, "soldier": 0.5, "king": 0.5, "musician": 0.5,
    "angel": 0.75, "saint": 0.75, "buddha": 0.75, "bodhisattva": 0.8, "mountains": 2.4,
    "bridge": 3.4, "ship": 1.4, "carriage": 2.2, "forest": 2.2, "tower": 0.45, "column": 0.3,
    "obelisk": 0.3, "ruin": 1.6, "pediment": 2.8, "inscription": 6.0, "hieroglyphs": 1.4,
    "cuneiform": 1.9, "waterfall": 1.2, "windmill": 0.85, "pyramid": 1.8, "arch": 0.95,
    "armour": 0.6, "arms": 0.8, "river": 1.2, "washington": 0.9,
    "beast": 1.55, "frog": 1.35, "unicorn": 1.05, "tree": 0.75, "bottle": 0.4, "jug": 0.95,
}  # fmt: skip
"""Width over height of the hand-drawn things."""


@lru_cache(maxsize=1024)
def breadth(label: str) -> float:
    """Width over height of a label's thing (of its widest shape)."""
    entry = THINGS.get(label)
    if entry is None:
        return 0.9
    if entry.drawn:
        return WIDE.get(entry.drawn, 1.0)
    return max((master(name).aspect for name in entry.shapes), default=1.0)


SPREADING = frozenset({"mountains", "water", "river", "forest", "bridge", "crowd"})
"""Drawings that may run out of the picture: land goes on."""


def inside(
    c: Canvas, label: str, cx: float, base: float, height: float
) -> tuple[float, float, float]:
    """Place and height at which a thing stays within the canvas's edge."""
    entry = THINGS.get(label)
    if c.edge is None or (entry is not None and entry.drawn in SPREADING):
        return cx, base, height
    wide = breadth(label)
    base = min(base, c.height - c.edge)
    height = max(2.0, min(height, base - c.edge, (c.width - 2 * c.edge) / wide))
    half = 0.5 * wide * height
    return min(max(cx, c.edge + half), c.width - c.edge - half), base, height


def thing(
    c: Canvas,
    label: str,
    cx: float,
    base: float,
    height: float,
    style: Style,
    rng: Rng,
    fade: float = 0.0,
    shadow: bool = True,
    turn: int | None = None,
) -> None:
    """Draw a label's thing standing on (cx, base), `height` px tall; without one, an emblem.

    Things that come several times pass their number as `turn`: shape and side change with it.
    """
    cx, base, height = inside(c, label, cx, base, height)
    with c.mark(label):
        entry = THINGS.get(label)
        if entry is not None and entry.drawn:
            DRAWINGS[entry.drawn](c, cx, base, height, style, rng, label)
        elif entry is not None and entry.shapes:
            k = int(rng.integers(len(entry.shapes))) if turn is None else turn
            name = entry.shapes[k % len(entry.shapes)]
            flip = None if turn is None else turn % 2 == 1
            shape(c, name, cx, base, height, style, rng, entry.hue, flip, fade, shadow)
        else:
            emblem(c, label, cx, base, height, style)


__all__ = ["DRAWINGS", "breadth", "thing", "write"]
