"""Writing in a culture's script, cuneiform, hieroglyphs, coats of arms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imet_simulation.canvas import Canvas, mix, polygon, rgb
from imet_simulation.glyphs import SCRIPTS, glyph, resize, words
from imet_simulation.ground import Rng
from imet_simulation.paint import part, shape, suited

if TYPE_CHECKING:
    from imet_simulation.styles import Style


def inscription(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """A line of writing in the culture's script, cut to about six heights long."""
    write(c, cx, base - h, h, h * 6, style, rng, rgb(style.ink))


def write(
    c: Canvas, cx: float, top: float, h: float, room: float, style: Style, rng: Rng, ink: np.ndarray
) -> None:
    """Writing centred on cx, `h` px tall, at most `room` px long."""
    h = max(6, round(h))
    if style.script == "wedges":
        across = max(1, int(room / (2 * h)))
        for k in range(across):
            cuneiform(c, cx + (k - (across - 1) / 2) * 1.95 * h, top + h, h, style, rng, "")
        return
    if style.script in ("cjk", "glyphs"):
        signs = CJK if style.script == "cjk" else HIEROGLYPHS
        x = cx - room / 2
        while x + h <= cx + room / 2:
            g = glyph(signs[int(rng.integers(len(signs)))], h)
            c.paint(g.line, ink, x + (h - g.body.shape[1]) / 2, top)
            x += h * 1.15
        return
    text = SCRIPTS[style.script][1].split(" ")
    start = int(rng.integers(len(text)))
    chosen = text[start]
    first = words(chosen, style.script, h)
    if first.shape[1] > room:  # smaller letters rather than a word cut off
        h = max(4, int(h * room / first.shape[1]))
    for extra in (text + text)[start + 1 : start + 5]:
        mask = words(f"{chosen} {extra}", style.script, h)
        if mask.shape[1] > room:
            break
        chosen = f"{chosen} {extra}"
    mask = words(chosen, style.script, h)
    while mask.shape[1] > room and " " in chosen:
        chosen = chosen.rsplit(" ", 1)[0]
        mask = words(chosen, style.script, h)
    if mask.shape[1] > room:
        mask = resize(mask, h, max(2, int(room)))
    c.paint(mask, ink, cx - mask.shape[1] / 2, top)


CJK = [f"cjk:{k}" for k in "祝無指空合満有月申営得可"]
HIEROGLYPHS = [
    "🐦",
    "👁",
    "🐍",
    "🪶",
    "🦉",
    "🦅",
    "🪲",
    "sym:☥",
    "🦶",
    "✋",
    "🐂",
    "🌊",
    "🦆",
    "🏺",
    "☀",
    "🐇",
]


def arms(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A shield quartered in two tinctures, with charges and a crown."""
    w = h * 0.78
    n = 9
    right = [
        (w / 2 * np.cos(t * 0.9) ** 0.6, h * 0.28 + h * 0.52 * np.sin(t))
        for t in np.linspace(0, np.pi / 2, n)
    ]
    top = base - h * 0.8
    outline = [
        (cx - w / 2, top),
        (cx + w / 2, top),
        *[(cx + a, top + b) for a, b in right],
        *[(cx - a, top + b) for a, b in reversed(right)],
    ]
    first, second = suited(style, "#a8322f", rng), suited(style, "#d9b34a", rng)
    mask, x, y = polygon(outline)
    part(c, mask, x, y, first, style, 0.08)
    quarter = mask.copy()
    mh, mw = mask.shape
    quarter[: mh // 2, mw // 2 :] = 0
    quarter[mh // 2 :, : mw // 2] = 0
    c.paint(quarter, second, x, y, 0.95, own=False)
    for k, name in enumerate(("🦁", "⚜", "⚜", "🦁")):
        # the shield narrows downwards: its lower charges are smaller and nearer the middle
        g = glyph(name, max(6, int(mh * (0.3 if k < 2 else 0.22))), False, 600)
        across = 0.23 if k < 2 else 0.18
        qx = x + mw * (0.5 - across if k % 2 == 0 else 0.5 + across)
        qy = y + mh * (0.26 if k < 2 else 0.64)
        c.paint(
            g.line, rgb(style.ink), qx - g.body.shape[1] / 2, qy - g.body.shape[0] / 2, own=False
        )
    shape(c, "👑", cx, top - 1, h * 0.24, style, rng, "#d9b34a", False, shadow=False)


def hieroglyphs(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """Signs in columns between rules."""
    cell = max(8.0, h / 4)
    columns = 5
    for k in range(columns):
        x = cx + (k - (columns - 1) / 2) * cell * 1.1
        for j in range(4):
            g = glyph(HIEROGLYPHS[int(rng.integers(len(HIEROGLYPHS)))], max(6, round(cell * 0.86)))
            colour = rgb(style.ink) if rng.random() < 0.7 else suited(style, None, rng)
            c.paint(g.line, colour, x - g.body.shape[1] / 2, base - h + j * cell)
        rule = np.ones((max(4, round(h)), max(1, round(1.2 * c.u))), np.float32)
        c.paint(rule, rgb(style.ink), x - 0.55 * cell, base - h, 0.8)


def cuneiform(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """Rows of wedges pressed into clay."""
    size = max(5.0, h / 6)
    dark = mix(rgb(style.paper), rgb(style.ink), 0.75)
    for j in range(5):
        x = cx - 0.9 * h
        while x < cx + 0.9 * h:
            turn = int(rng.integers(3))
            y = base - h + j * h / 5
            if turn == 0:
                points = [(x, y), (x + 0.5 * size, y), (x + 0.25 * size, y + 0.9 * size)]
            elif turn == 1:
                points = [(x, y + 0.2 * size), (x, y + 0.6 * size), (x + size, y + 0.4 * size)]
            else:
                points = [
                    (x, y + 0.4 * size),
                    (x + 0.4 * size, y),
                    (x + 0.4 * size, y + 0.8 * size),
                ]
            mask, left, top = polygon(points)
            c.paint(mask, dark, left, top, 0.9)
            x += size * float(rng.uniform(0.45, 0.9))
