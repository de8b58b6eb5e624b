"""Borders and repeats: what a culture draws where nothing is shown.

A strip is a function of (length, thickness) in pixels giving a mask (thickness, length) of the
figure colour. Its repeat is fitted to the length, so corners meet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imet_simulation.canvas import Canvas, rgb
from imet_simulation.glyphs import Mask, glyph
from imet_simulation.motifs import MOTIFS, Strip, grid, soft

if TYPE_CHECKING:
    from imet_simulation.styles import Style


def meander(length: int, thick: int) -> Mask:
    """Greek key."""
    art = np.array([[int(k) for k in row] for row in (
        "1111111111", "0000000000", "1111111101", "1000000101", "1011110101",
        "1010010101", "1010110101", "1010000101", "1011111101", "1000000001",
    )], np.float32)  # fmt: skip
    u, v = grid(length, thick, 1.0)
    return art[(v * 10).astype(int).clip(0, 9), (u * 10).astype(int).clip(0, 9)]


def guilloche(length: int, thick: int) -> Mask:
    """Two interlaced bands."""
    u, v = grid(length, thick, 1.6)
    a = np.abs(v - 0.5 - 0.3 * np.sin(2 * np.pi * u))
    b = np.abs(v - 0.5 + 0.3 * np.sin(2 * np.pi * u))
    eye = np.hypot((u % 0.5 - 0.25) * 1.6, v - 0.5) - 0.07
    return soft(np.minimum(np.minimum(a, b) - 0.075, eye), thick)


def seigaiha(length: int, thick: int) -> Mask:
    """Overlapping waves."""
    u, v = grid(length, thick, 1.0)
    best = np.full(u.shape, 9, np.float32)
    for row in (0.0, 0.5, 1.0, 1.5):
        for shift in (-1, 0, 1, 2):
            x = u - shift - (0.5 if (row * 2) % 2 else 0)
            d = np.hypot(x, (v - row - 0.1))
            ring = np.abs((d * 6) % 1 - 0.5) - 0.2
            best = np.where(d < 0.5, ring / 6, best)
    return soft(best, thick)


def rocaille(length: int, thick: int) -> Mask:
    """Rococo scrolls."""
    u, v = grid(length, thick, 1.8)
    wave = (
        np.abs(v - 0.5 - 0.28 * np.sin(2 * np.pi * u)) - 0.05 - 0.06 * np.abs(np.cos(2 * np.pi * u))
    )
    curl = np.abs(np.hypot((u % 0.5 - 0.25) * 1.8, v - np.where(u < 0.5, 0.35, 0.65)) - 0.16) - 0.04
    return soft(np.minimum(wave, curl), thick)


def acanthus(length: int, thick: int) -> Mask:
    """Leaf scroll."""
    u, v = grid(length, thick, 1.2)
    stem = np.abs(v - 0.5 - 0.3 * np.sin(2 * np.pi * u)) - 0.04
    x, y = (u % 0.5 - 0.25) * 2.4, (v - np.where(u < 0.5, 0.32, 0.68)) * 2
    angle = np.arctan2(y, x)
    leaf = np.hypot(x, y) - 0.34 * (0.6 + 0.4 * np.cos(5 * angle))
    return soft(np.minimum(stem, leaf * 0.4), thick)


def lotusband(length: int, thick: int) -> Mask:
    """Lotus petals side by side over a line of blocks."""
    u, v = grid(length, thick, 0.9)
    petal = np.abs(u - 0.5) - 0.42 * np.sqrt(np.clip((v - 0.08) / 0.6, 0, 1)) * (v < 0.72)
    blocks = np.where((v > 0.8) & (v < 0.95), np.abs((u * 3) % 1 - 0.5) - 0.34, 9)
    rim = np.abs(np.abs(u - 0.5) - 0.3 * np.sqrt(np.clip((v - 0.3) / 0.4, 0, 1))) - 0.04
    inside = np.where(v < 0.72, np.minimum(np.abs(petal) - 0.035, np.where(v > 0.3, rim, 9)), 9)
    return soft(np.minimum(inside, blocks), thick)


def ruyi(length: int, thick: int) -> Mask:
    """Cloud-collar lappets."""
    u, v = grid(length, thick, 1.1)
    lobe = np.minimum(
        np.hypot(u - 0.5, v - 0.62) - 0.28,
        np.minimum(np.hypot(u - 0.22, v - 0.34) - 0.2, np.hypot(u - 0.78, v - 0.34) - 0.2),
    )
    line = np.minimum(np.abs(lobe) - 0.04, np.abs(lobe + 0.12) - 0.02)
    return soft(np.minimum(line, np.abs(v - 0.04) - 0.03), thick)


def arabesque(length: int, thick: int) -> Mask:
    """Interlaced stems with palmettes."""
    u, v = grid(length, thick, 1.5)
    a = np.abs(v - 0.5 - 0.32 * np.sin(2 * np.pi * u)) - 0.03
    b = np.abs(v - 0.5 + 0.32 * np.sin(2 * np.pi * u)) - 0.03
    x, y = (u % 0.5 - 0.25) * 1.5, v - 0.5
    flower = np.hypot(x, y) - 0.16 * (0.7 + 0.3 * np.cos(6 * np.arctan2(y, x)))
    return soft(np.minimum(np.minimum(a, b), flower), thick)


def gemmed(length: int, thick: int) -> Mask:
    """Round and square jewels between pearls."""
    u, v = grid(length, thick, 2.0)
    gem = np.hypot((u - 0.25) * 2, v - 0.5) - 0.26
    square = np.maximum(np.abs((u - 0.75) * 2), np.abs(v - 0.5)) - 0.22
    pearls = np.hypot(((u * 8) % 1 - 0.5) / 4, np.minimum(v, 1 - v) - 0.08) - 0.06
    return soft(np.minimum(np.minimum(gem, square), pearls), thick)


def runningdog(length: int, thick: int) -> Mask:
    """Hooked latch border of Caucasian rugs."""
    art = np.array([[int(k) for k in row] for row in (
        "11111111", "10000001", "10111101", "10100101",
        "10110101", "10000101", "11111101", "00000001",
    )], np.float32)  # fmt: skip
    u, v = grid(length, thick, 1.0)
    return art[(v * 8).astype(int).clip(0, 7), (u * 8).astype(int).clip(0, 7)]


def gilt(length: int, thick: int) -> Mask:
    """Moulded frame: beads and a rule."""
    u, v = grid(length, thick, 0.5)
    bead = np.hypot((u - 0.5) * 0.5, v - 0.5) - 0.2
    rule = np.minimum(np.abs(v - 0.1), np.abs(v - 0.9)) - 0.05
    return soft(np.minimum(bead, rule), thick)


def rule(length: int, thick: int) -> Mask:
    """Double rule of a printed sheet."""
    _, v = grid(length, thick, 1)
    return soft(np.minimum(np.abs(v - 0.75) - 0.09, np.abs(v - 0.45) - 0.03), thick)


def album(length: int, thick: int) -> Mask:
    """A fine rule far from the edge, as on an album's mount."""
    _, v = grid(length, thick, 1)
    return soft(np.abs(v - 0.7) - 0.04, thick)


ORNAMENTS: dict[str, Strip] = {
    f.__name__: f
    for f in (
        meander, guilloche, seigaiha, rocaille, acanthus, lotusband, ruyi, arabesque, gemmed,
        runningdog, gilt, rule, album,
    )
} | MOTIFS  # fmt: skip


def band(c: Canvas, style: Style, x: int, y: int, length: int, thick: int, colour: int = 0) -> None:
    """A horizontal ornament band with its upper left at (x, y): ground, figure, two edges."""
    back, front = band_colours(style, colour)
    solid = np.ones((thick, length), np.float32)
    c.paint(solid, back, x, y)
    c.paint(ORNAMENTS[style.border](length, thick), front, x, y)
    line = max(1, round(thick * 0.07))
    for top in (y, y + thick - line):
        c.paint(solid[:line], rgb(style.ink), x, top, 0.8)


def band_colours(style: Style, colour: int) -> tuple[np.ndarray, np.ndarray]:
    """Ground and figure of a border, a light and a dark one."""
    if style.technique == "goldleaf":
        return rgb(style.sky[0]), rgb(style.ink)
    accents = [rgb(a) for a in style.accents]
    back = accents[colour % len(accents)]
    paper, ink = rgb(style.paper), rgb(style.ink)
    dark = float(back.mean()) < 0.55
    return back, (paper if dark else ink)


def frame(c: Canvas, style: Style, thick: int, colour: int = 0, x0: int = 0, y0: int = 0,
          x1: int | None = None, y1: int | None = None) -> None:  # fmt: skip
    """The border along the four sides of a rectangle (the whole picture by default)."""
    x1, y1 = x1 if x1 is not None else c.width, y1 if y1 is not None else c.height
    w, h = x1 - x0, y1 - y0
    thick = max(4, min(thick, w // 4, h // 4))
    back, front = band_colours(style, colour)
    ink = rgb(style.ink)
    strip = ORNAMENTS[style.border]
    line = max(1, round(thick * 0.07))
    across, along = strip(w, thick), strip(h, thick)
    for mask, x, y in (
        (across, x0, y0),
        (across[::-1], x0, y1 - thick),
        (np.ascontiguousarray(along.T), x0, y0),
        (np.ascontiguousarray(along[::-1].T), x1 - thick, y0),
    ):
        mask = np.ascontiguousarray(mask)
        solid = np.ones_like(mask)
        c.paint(solid, back, x, y)
        c.paint(mask, front, x, y)
    for t in (0, thick - line):
        box = np.zeros((h - 2 * t, w - 2 * t), np.float32)
        box[:line], box[-line:], box[:, :line], box[:, -line:] = 1, 1, 1, 1
        c.paint(box, ink, x0 + t, y0 + t, 0.85)
    for x in (x0, x1 - thick):
        for y in (y0, y1 - thick):
            rosette(c, style, x, y, thick, colour + 1)


def rosette(c: Canvas, style: Style, x: float, y: float, size: int, colour: int = 0) -> None:
    """A square with a flower, for corners."""
    back, front = band_colours(style, colour)
    c.paint(np.ones((size, size), np.float32), back, x, y)
    g = glyph("🏵", max(4, round(size * 0.8)))
    pad = (size - g.body.shape[1]) / 2
    c.paint(g.line, front, x + pad, y + size * 0.1)
