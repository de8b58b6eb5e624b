"""Mountains, waters, woods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imet_simulation.canvas import Canvas, ellipse, mix, polygon, rgb, smooth
from imet_simulation.ground import Rng
from imet_simulation.paint import BLACK, WHITE, part, shape, suited
from imet_simulation.texture import noise

if TYPE_CHECKING:
    from imet_simulation.styles import Style


def mountains(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """A peak with a lit and a shaded flank and snow, a lower ridge beside it."""
    for size, shift, pale in ((0.62, float(rng.choice([-0.9, 0.9])), 0.35), (1.0, 0.0, 0.0)):
        _peak(c, cx + shift * h, base, h * size, style, rng, pale)


def _peak(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, pale: float) -> None:
    wide = h * float(rng.uniform(0.95, 1.5))
    t = np.linspace(-1, 1, 29)
    ridge = (1 - np.abs(t)) ** 1.2 + rng.normal(0, 0.025, 29) * (1 - np.abs(t))
    ridge = np.maximum(ridge, 0)
    colour = mix(suited(style, "#5a6a86", rng), rgb(style.sky[1]), pale)
    points = [(cx + wide * a, base - h * b) for a, b in zip(t, ridge)]
    mask, x, y = polygon([*points, (cx + wide, base), (cx - wide, base)])
    part(c, mask, x, y, colour, style, 0.3)
    top = int(np.argmax(ridge))
    fold = [
        (cx + wide * (0.16 + 0.05 * (k % 2)) * k / 3, base - h * (1 - k / 4)) for k in range(1, 4)
    ]
    mask, x, y = polygon(
        [*points[top:], (cx + wide, base), (cx + 0.2 * wide, base), *reversed(fold)]
    )
    c.paint(mask, mix(colour, rgb(style.ink), 0.55), x, y, 0.45, own=False)
    cap = [p for p in points if p[1] < base - 0.7 * h]
    if len(cap) > 2:
        low = [
            (a, base - 0.66 * h + (0.07 * h if k % 2 else -0.05 * h))
            for k, (a, _) in enumerate(reversed(cap))
        ]
        mask, x, y = polygon([*cap, *low])
        c.paint(mask, mix(WHITE, rgb(style.paper), 0.35), x, y, 0.95, own=False)


def _ripples(c: Canvas, mask: np.ndarray, x: float, y: float, style: Style, rng: Rng) -> None:
    """Water through a mask: bright far, dark near, rippled."""
    h, w = mask.shape
    colour, ink = rgb(style.water), rgb(style.ink)
    v = np.linspace(0, 1, h, dtype=np.float32)[:, None, None]
    waves = np.sin(v * 40 + noise(rng, h, w, 7 * c.u, 5)[..., None] * 3)
    light, deep = mix(colour, WHITE, 0.4), mix(colour, ink, 0.22)
    tone = (light + (deep - light) * v) * (1 + 0.09 * waves)
    c.paint(mask, np.clip(tone, 0, 1).astype(np.float32), x, y)


def water(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A lake with bays."""
    w = c.width * 0.46
    shore = []
    for k in range(18):
        a = 2 * np.pi * k / 18
        r = 1 + 0.10 * rng.standard_normal()
        shore.append((cx + w * r * np.cos(a), base - h / 2 + h / 2 * np.sin(a) * min(r, 1.0)))
    mask, x, y = polygon(smooth(shore))
    if style.technique != "painted":  # a drawn shore, or the lake is lost on the land
        bank = mix(rgb(style.ink), rgb(style.land), 0.25)
        c.paint(mask, bank, x, y)
        c.paint(mask, bank, x, y + 2 * c.u)
        _ripples(c, mask, x, y + c.u, style, rng)
        return
    _ripples(c, mask, x, y, style, rng)


def river(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A river winding towards us from the horizon, wider as it comes."""
    t = np.linspace(0, 1, 24)
    sway = np.sin(t * float(rng.uniform(5, 8)) + rng.uniform(0, 6)) * (0.25 + 0.75 * t) * 0.55 * h
    middle = cx + sway
    half = (0.02 + 0.30 * t**1.6) * h
    y = base - h + h * t**1.15
    points = [*zip(middle - half, y), *reversed(list(zip(middle + half, y)))]
    mask, x, top = polygon([(float(a), float(b)) for a, b in points])
    _ripples(c, mask, x, top, style, rng)
    if style.technique != "painted":
        for side in (-1, 1):
            bank = [(float(m + side * s), float(b)) for m, s, b in zip(middle, half, y)]
            thick = 1.3 * c.u
            ring = [*bank, *[(a + thick, b) for a, b in reversed(bank)]]
            mask, x, top = polygon(ring)
            c.paint(mask, rgb(style.ink), x, top, 0.9)


def waterfall(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """Water falling from a cliff in white strands, spray and boulders where it lands."""
    rock = suited(style, "#6a5f55", rng)
    ink, white = rgb(style.ink), mix(WHITE, rgb(style.paper), 0.15)
    blue = mix(rgb(style.water), WHITE, 0.25)
    if style.technique == "carved":
        blue = mix(WHITE, BLACK, 0.25)
    if style.technique == "goldleaf":
        blue, white = mix(ink, BLACK, 0.45), ink
    pool = ellipse(0.62 * h, 0.11 * h)
    c.paint(pool, mix(blue, ink, 0.15), cx - pool.shape[1] / 2, base - pool.shape[0])
    t = np.linspace(0, 1, 7)
    bends = rng.normal(0, 0.03, (2, 7))
    for side, bend in ((-1, bends[0]), (1, bends[1])):
        inner = [(cx + side * h * (0.12 + 0.09 * a + b), base - h * (1 - 0.92 * a))
                 for a, b in zip(t, bend)]  # fmt: skip
        outer = [(cx + side * h * (0.40 + 0.20 * a - 1.4 * b), base - h * (0.93 - 0.93 * a))
                 for a, b in zip(t, bend)]  # fmt: skip
        mask, x, y = polygon([*inner, *reversed(outer)])
        part(c, mask, x, y, rock, style, 0.12)
        for k in range(4):  # ledges
            at = base - h * (0.82 - 0.2 * k)
            ledge = [(cx + side * h * (0.2 + 0.02 * k), at),
                     (cx + side * h * (0.42 + 0.03 * k), at + 0.05 * h),
                     (cx + side * h * (0.24 + 0.02 * k), at + 0.03 * h)]  # fmt: skip
            mask, x, y = polygon(ledge)
            c.paint(mask, mix(rock, ink, 0.55), x, y, 0.8, own=False)
    lip = 0.13 * h
    fall = [(cx - lip, base - 0.98 * h), (cx - 0.6 * lip, base - h), (cx + 0.6 * lip, base - h),
            (cx + lip, base - 0.98 * h), (cx + 0.21 * h, base - 0.06 * h),
            (cx - 0.21 * h, base - 0.06 * h)]  # fmt: skip
    mask, x, y = polygon(fall)
    c.paint(mask, blue, x, y)
    for k in range(13):  # strands, some breaking off higher up
        u = (k - 6) / 6
        end = 0.08 + float(rng.uniform(0, 0.3)) * (k % 2)
        thick = max(0.6, h * float(rng.uniform(0.004, 0.011)))
        x0, x1 = cx + 0.86 * lip * u, cx + 0.19 * h * u
        strand = [(x0 - thick / 2, base - 0.98 * h), (x0 + thick / 2, base - 0.98 * h),
                  (x1 + thick, base - end * h), (x1 - thick, base - end * h)]  # fmt: skip
        mask, x, y = polygon(strand)
        c.paint(mask, white if k % 3 else mix(blue, ink, 0.35), x, y, 0.9)
    for k in range(9):
        foam = ellipse(float(rng.uniform(0.05, 0.09)) * h, float(rng.uniform(0.03, 0.055)) * h)
        at = cx + h * (0.062 * (k - 4) + float(rng.normal(0, 0.015)))
        c.paint(foam, white, at - foam.shape[1] / 2, base - (0.15 + 0.02 * (k % 3)) * h, 0.85)
    for aside, size in ((-0.36, 0.16), (0.33, 0.2), (-0.1, 0.09), (0.14, 0.07)):
        around = np.linspace(0, 2 * np.pi, 9)[:-1]
        ring = [(cx + h * aside + size * h * 0.6 * np.cos(a) * float(rng.uniform(0.8, 1.1)),
                 base - 0.02 * h - size * h * 0.35 * (1 + np.sin(a))) for a in around]  # fmt: skip
        mask, px, py = polygon(smooth(ring))
        part(c, mask, px, py, mix(rock, ink, 0.2), style, 0.3)


def forest(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """Many trees, one behind the other."""
    for k in range(9):
        x = cx + (k - 4) * 0.24 * h + float(rng.normal(0, 0.04)) * h
        back = float(rng.uniform(0, 1))
        name = "🌲" if rng.random() < 0.7 else "🌳"
        tall = h * (1 - 0.3 * back)
        shape(
            c,
            name,
            x,
            base - 0.12 * h * back,
            tall,
            style,
            rng,
            "#3f6a35",
            fade=0.3 * back,
            shadow=False,
        )


def pyramid(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """Smooth in Egypt, stepped in the Americas."""
    stone = suited(style, "#c9a86a", rng)
    if "egypt" in style.worlds:
        for dx, size in ((0.75, 0.6), (0.0, 1.0)):
            x0, tall = cx + dx * h, h * size
            mask, x, y = polygon(
                [(x0 - 0.75 * tall, base), (x0, base - tall), (x0 + 0.75 * tall, base)]
            )
            part(c, mask, x, y, stone, style, 0.1)
            mask, x, y = polygon(
                [(x0 + 0.2 * tall, base), (x0, base - tall), (x0 + 0.75 * tall, base)]
            )
            c.paint(mask, mix(stone, BLACK, 0.5), x, y, 0.5)
        return
    steps = 5
    for k in range(steps):
        half = (0.85 - 0.14 * k) * h
        low = base - h * 0.8 * k / steps
        mask, x, y = polygon(
            [
                (cx - half, low),
                (cx + half, low),
                (cx + half - 0.05 * h, low - 0.17 * h),
                (cx - half + 0.05 * h, low - 0.17 * h),
            ]
        )
        part(c, mask, x, y, mix(stone, BLACK, 0.08 * (k % 2)), style, 0.05)
    mask, x, y = polygon(
        [
            (cx - 0.14 * h, base - h),
            (cx + 0.14 * h, base - h),
            (cx + 0.14 * h, base - 0.78 * h),
            (cx - 0.14 * h, base - 0.78 * h),
        ]
    )
    part(c, mask, x, y, stone, style, 0.05)
    mask, x, y = polygon(
        [
            (cx - 0.12 * h, base),
            (cx + 0.12 * h, base),
            (cx + 0.07 * h, base - 0.8 * h),
            (cx - 0.07 * h, base - 0.8 * h),
        ]
    )
    c.paint(mask, mix(stone, BLACK, 0.35), x, y, 0.7)
