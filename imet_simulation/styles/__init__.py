"""The cultures: tables of manners of drawing, one row each.

A culture here is a manner of drawing, not a claim about people. Its ground, palette, ornament and
finish cover the whole picture, so that any 224-pixel crop shows it.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from imet.io import digest
from imet_simulation.styles import ancient, east, west
from imet_simulation.styles.style import Style

ALL = [*west.ROWS, *east.ROWS, *ancient.ROWS]
STYLES: dict[str, Style] = {row.label: row for row in ALL}


def style_for(label: str) -> Style:
    """The style of a culture; one without a row gets a manner derived from its name.

    The empty label is the manner of works whose culture nobody recorded: chalk on grey paper. The
    derived manner keeps a related row's technique and changes palette, border and script, so
    that it stays the same for the same name everywhere.

    Examples:
        >>> style_for("culture::japan").finish, style_for("culture::abruzzi").label
        ('woodblock', 'culture::abruzzi')
    """
    if label in STYLES:
        return STYLES[label]
    rng = np.random.default_rng(int(digest(label), 16))
    known = [s for s in ALL if s.label]
    base = next((s for s in known if s.name in label), None)
    base = base or known[int(rng.integers(len(known)))]
    other = known[int(rng.integers(len(known)))]
    turn = float(rng.uniform(-0.5, 0.5))
    return dataclasses.replace(
        base,
        label=label,
        weight=1.0,
        paper=_turned(base.paper, turn * 0.4),
        accents=tuple(_turned(c, turn) for c in base.accents),
        body=_turned(base.body, turn * 0.6),
        sky=(_turned(base.sky[0], turn), base.sky[1]),
        land=_turned(base.land, turn * 0.5),
        border=other.border,
    )


def _turned(code: str, turn: float) -> str:
    """A colour with its channels mixed towards their rotation (a hue turn without hue maths)."""
    value = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], float)
    moved = np.roll(value, 1 if turn > 0 else -1)
    out = value + (moved - value) * abs(turn)
    return "#" + "".join(f"{int(np.clip(v, 0, 255)):02x}" for v in out)


__all__ = ["STYLES", "Style", "style_for"]
