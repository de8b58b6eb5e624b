"""Things that a glyph would not do: drawn by hand, one small function each.

A drawing takes (canvas, cx, base, height, style, rng, label) and paints the thing standing on
(cx, base); `thing` opens the label's mark around it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from imet.data.simulate.canvas import Canvas
from imet.data.simulate.drawings import arms, built, folk, land, signs
from imet.data.simulate.drawings.signs import write
from imet.data.simulate.emblem import emblem
from imet.data.simulate.glyphs import master
from imet.data.simulate.ground import Rng
from imet.data.simulate.paint import shape
from imet.data.simulate.things import THINGS

if TYPE_CHECKING:
    from imet.data.simulate.styles import Style

Drawing = Callable[[Canvas, float, float, float, "Style", Rng, str], None]

DRAWINGS: dict[str, Drawing] = {
    f.__name__: f
    for f in (
        folk.figure, folk.couple, folk.crowd, folk.soldier, folk.king, folk.musician, folk.angel,
        folk.saint, folk.buddha, folk.bodhisattva, folk.washington,
        land.mountains, land.water, land.river, land.waterfall, land.forest, land.pyramid,
        built.bridge, built.tower, built.ruin, built.windmill, built.obelisk, built.ship,
        built.carriage, built.column, built.pediment, built.arch, arms.armour,
        signs.inscription, signs.hieroglyphs, signs.cuneiform, signs.arms,
    )
}  # fmt: skip

WIDE = {
    "crowd": 1.6, "couple": 0.7, "figure": 0.42, "soldier": 0.5, "king": 0.5, "musician": 0.5,
    "angel": 0.75, "saint": 0.75, "buddha": 0.75, "bodhisattva": 0.8, "mountains": 2.4,
    "bridge": 3.4, "ship": 1.4, "carriage": 2.2, "forest": 2.2, "tower": 0.45, "column": 0.3,
    "obelisk": 0.3, "ruin": 1.6, "pediment": 2.8, "inscription": 6.0, "hieroglyphs": 1.4,
    "cuneiform": 1.9, "waterfall": 1.2, "windmill": 0.85, "pyramid": 1.8, "arch": 0.95,
    "armour": 0.6, "arms": 0.8, "river": 1.2, "washington": 0.9,
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
) -> None:
    """Draw a label's thing standing on (cx, base), `height` px tall; without one, an emblem."""
    with c.mark(label):
        entry = THINGS.get(label)
        if entry is not None and entry.drawn:
            DRAWINGS[entry.drawn](c, cx, base, height, style, rng, label)
        elif entry is not None and entry.shapes:
            name = entry.shapes[int(rng.integers(len(entry.shapes)))]
            shape(c, name, cx, base, height, style, rng, entry.hue, fade=fade, shadow=shadow)
        else:
            emblem(c, label, cx, base, height, style)


__all__ = ["DRAWINGS", "breadth", "thing", "write"]
