"""An emblem for any label that has no drawing: the same for the same name, everywhere.

Where a font has a shape of that name (`tag::hammers`: the hammer) the emblem carries it; otherwise
a charge is drawn at random from the name's digest. Field, partition and charge together make more
than a hundred thousand emblems, so labels rarely share one.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from imet.io import digest
from imet_simulation.canvas import Canvas, ellipse, mix, polygon, rgb
from imet_simulation.glyphs import glyph, icon_points
from imet_simulation.paint import WHITE

if TYPE_CHECKING:
    from imet_simulation.styles import Style

TINCTURES = ("#a3252b", "#22518c", "#2f7a4a", "#d9a62e", "#5c3a7a", "#d8d2c4", "#2a2624", "#c9672a")
CHARGES = [
    "🐎",
    "🦁",
    "🦅",
    "🐉",
    "🐟",
    "🦉",
    "🐘",
    "🐢",
    "🦌",
    "🐇",
    "🐂",
    "🐏",
    "🦢",
    "🐍",
    "🦋",
    "🐝",
    "🐌",
    "🦀",
    "🐙",
    "🌳",
    "🌲",
    "🌷",
    "🌹",
    "🍀",
    "🍇",
    "🍎",
    "🌾",
    "🍄",
    "☀",
    "🌙",
    "⭐",
    "☁",
    "⚡",
    "🔥",
    "🌊",
    "⛰",
    "🏰",
    "⛪",
    "🏠",
    "🗼",
    "⛵",
    "⚓",
    "🔔",
    "🔑",
    "🗝",
    "⚔",
    "🗡",
    "🏹",
    "🛡",
    "👑",
    "💎",
    "🏆",
    "🎺",
    "🥁",
    "🎻",
    "📖",
    "🕯",
    "⚖",
    "⌛",
    "🧭",
    "🔨",
    "🪓",
    "🎲",
    "♟",
    "👁",
    "✋",
    "🦴",
    "💀",
    "🪶",
    "🐚",
    "🌵",
    "🌴",
    "🍁",
    "🌻",
    "🪷",
    "🏺",
    "🍷",
    "🥄",
    "🧵",
    "🪢",
    "🧺",
    "🪞",
    "🪜",
    "🛶",
    "🚂",
    "⚙",
]


@lru_cache(maxsize=4096)
def namesake(label: str) -> str | None:
    """A shape that carries the label's own name, if a font has one.

    Examples:
        >>> namesake("tag::hammers"), namesake("tag::saint lawrence") is None
        ('🔨', True)
    """
    word = label.split("::")[-1].strip()
    if not word.replace(" ", "").isalpha():
        return None
    for form in dict.fromkeys((word, *_singulars(word))):
        try:
            sign = unicodedata.lookup(form.upper())
        except KeyError:
            sign = ""
        if sign and ord(sign) > 0x2600 and glyph(sign, 40).body.sum() > 60:
            return sign
        if form.replace(" ", "_") in icon_points():
            return "mdi:" + form.replace(" ", "_")
    return None


def _singulars(word: str) -> list[str]:
    out = []
    if word.endswith("ies"):
        out.append(word[:-3] + "y")
    if word.endswith("ves"):
        out += [word[:-3] + "f", word[:-3] + "fe"]
    if word.endswith("es"):
        out.append(word[:-2])
    if word.endswith("s"):
        out.append(word[:-1])
    return out


def emblem(c: Canvas, label: str, cx: float, base: float, height: float, style: Style) -> None:
    """The label's emblem standing on (cx, base), in its own tinctures."""
    rng = np.random.default_rng(int(digest("emblem", label), 16))
    picks = rng.permutation(len(TINCTURES))[:3]
    field, other, charge_colour = (mix(rgb(TINCTURES[i]), rgb(style.paper), 0.12) for i in picks)
    h = max(10.0, height)
    w = h * 0.9
    outline = int(rng.integers(4))
    x, y = cx - w / 2, base - h
    if outline == 0:
        mask = ellipse(w / 2, h / 2)
    else:
        points = {
            1: [(0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)],
            2: [(0, 0), (1, 0), (1, 0.6), (0.5, 1), (0, 0.6)],
            3: [(0.3, 0), (0.7, 0), (1, 0.3), (1, 0.7), (0.7, 1), (0.3, 1), (0, 0.7), (0, 0.3)],
        }[outline]
        mask, left, top = polygon([(x + a * w, y + b * h) for a, b in points])
        x, y = float(left), float(top)
    mh, mw = mask.shape
    v = np.linspace(0, 1, mh, dtype=np.float32)[:, None]
    u = np.linspace(0, 1, mw, dtype=np.float32)[None]
    cuts = [
        u - 0.5, v - 0.5, u + v - 1, u - v, np.sin(u * 19), np.sin(v * 19),
        np.sin((u + v) * 14), (u - 0.5) * (v - 0.5), np.hypot(u - 0.5, v - 0.5) - 0.33,
    ]  # fmt: skip
    side = np.broadcast_to(cuts[int(rng.integers(len(cuts)))], mask.shape) > 0
    rim = mix(charge_colour, rgb(style.ink), 0.5)
    c.paint(mask, rim, x, y)
    inner = 0.9
    small = _inset(mask, inner)
    c.paint(small * ~side, field, x, y)
    c.paint(small * side, other, x, y)
    name = namesake(label) or CHARGES[int(rng.integers(len(CHARGES)))]
    g = glyph(name, max(6, int(h * 0.62)), bool(rng.random() < 0.5), 560)
    gx, gy = cx - g.body.shape[1] / 2, y + mh / 2 - g.body.shape[0] / 2
    c.paint(g.body, mix(WHITE, rgb(style.paper), 0.3), gx, gy, 0.92)
    c.paint(g.line, rgb(style.ink), gx, gy)


def _inset(mask: np.ndarray, by: float) -> np.ndarray:
    """The mask shrunk about its middle."""
    from imet_simulation.glyphs import resize

    h, w = mask.shape
    small = resize(mask, max(2, round(h * by)), max(2, round(w * by)))
    out = np.zeros_like(mask)
    top, left = (h - small.shape[0]) // 2, (w - small.shape[1]) // 2
    out[top : top + small.shape[0], left : left + small.shape[1]] = small
    return out
