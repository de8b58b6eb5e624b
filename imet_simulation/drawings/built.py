"""Bridges, towers, ships, carriages, and the parts of buildings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imet_simulation.canvas import Canvas, mix, rgb
from imet_simulation.ground import Rng
from imet_simulation.paint import BLACK, WHITE, shape, suited
from imet_simulation.pen import Pen, Points

if TYPE_CHECKING:
    from imet_simulation.styles import Style


def _box(x0: float, y0: float, x1: float, y1: float) -> Points:
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def bridge(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """Arches of stone over water; a red hump of wood in the East."""
    pen = Pen(c, cx, base, h, style)
    east = "japan" in style.worlds or "china" in style.worlds
    t = np.linspace(0, np.pi, 15)
    if east:
        wood = suited(style, "#b5422f", rng)
        for thick, lift, colour in ((0.14, 0.0, wood), (0.06, 0.26, mix(wood, BLACK, 0.2))):
            deck: Points = [(-1.5 * np.cos(a), -0.62 * np.sin(a) - lift) for a in t]
            pen.area(deck + [(x, y + thick) for x, y in reversed(deck)], colour, curve=False)
        for k in range(7):
            x = -1.2 + 0.4 * k
            y = -0.62 * np.sqrt(max(0.0, 1 - (x / 1.5) ** 2))
            pen.area(_box(x - 0.035, y - 0.3, x + 0.035, y + 0.05), wood, curve=False)
        return
    stone = suited(style, "#a89c88", rng)
    top: Points = [(-1.9 + 3.8 * k / 14, -0.62 - 0.22 * np.sin(np.pi * k / 14)) for k in range(15)]
    pen.area([*top, (1.9, 0.0), (-1.9, 0.0)], stone, 0.08, curve=False)
    for x in (-1.15, 0.0, 1.15):
        r = 0.42
        pen.flat(
            [(x - r * np.cos(a), -0.56 * np.sin(a)) for a in t] + [(x + r, 0.0), (x - r, 0.0)],
            mix(rgb(style.water), BLACK, 0.35),
            curve=False,
        )
        pen.stroke(
            [(x - r * 1.08 * np.cos(a), -0.62 * np.sin(a)) for a in t], 0.05, mix(stone, BLACK, 0.4)
        )
    pen.stroke(top, 0.07, mix(stone, WHITE, 0.3))


def tower(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A pagoda, a minaret, or a crenellated keep."""
    pen = Pen(c, cx, base, h, style)
    wall = suited(style, "#b0a48e", rng)
    roof = suited(style, "#8a3f2f", rng)
    if "china" in style.worlds or "japan" in style.worlds or "korea" in style.worlds:
        for k in range(5):
            y, half = -0.19 * k, 0.24 - 0.032 * k
            pen.area(_box(-half * 0.62, y - 0.19, half * 0.62, y), wall, 0.05, curve=False)
            pen.area(
                [
                    (-half, y - 0.10),
                    (-half * 0.5, y - 0.20),
                    (half * 0.5, y - 0.20),
                    (half, y - 0.10),
                    (half * 0.6, y - 0.12),
                    (-half * 0.6, y - 0.12),
                ],
                roof,
                curve=False,
            )
        pen.area(_box(-0.012, -1.05, 0.012, -0.95), roof, curve=False)
        return
    if "islam" in style.worlds:
        pen.area(_box(-0.07, -0.78, 0.07, 0.0), wall, 0.1, curve=False)
        pen.area(_box(-0.11, -0.70, 0.11, -0.65), roof, curve=False)
        pen.area([(-0.08, -0.78), (-0.09, -0.86), (0.0, -1.0), (0.09, -0.86), (0.08, -0.78)], roof)
        return
    pen.area([(-0.17, 0.0), (-0.15, -0.8), (0.15, -0.8), (0.17, 0.0)], wall, 0.1, curve=False)
    pen.area(_box(-0.19, -0.86, 0.19, -0.78), mix(wall, BLACK, 0.15), curve=False)
    for k in range(4):
        x = -0.19 + 0.115 * k
        pen.area(_box(x, -0.93, x + 0.07, -0.85), wall, curve=False)
    for y in (-0.2, -0.42, -0.64):
        pen.flat(_box(-0.025, y - 0.07, 0.025, y), BLACK, 0.7, curve=False)
    pen.flat(_box(0.05, -0.8, 0.16, 0.0), BLACK, 0.22, curve=False)


def ruin(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """Columns that have lost their roof."""
    pen = Pen(c, cx, base, h, style)
    stone = suited(style, "#c9bda4", rng)
    heights = rng.uniform(0.4, 1.0, 4)
    heights[1:3] = 0.86
    for k, tall in enumerate(heights):
        x = -0.6 + 0.4 * k
        pen.area(
            [
                (x - 0.07, 0),
                (x - 0.06, -tall),
                (x - 0.01, -tall - 0.04),
                (x + 0.02, -tall + 0.02),
                (x + 0.06, -tall),
                (x + 0.07, 0),
            ],
            stone,
            0.3,
            curve=False,
        )
        for f in (-0.03, 0.0, 0.03):
            pen.flat(
                _box(x + f - 0.006, -tall + 0.03, x + f + 0.006, 0),
                mix(stone, BLACK, 0.4),
                0.6,
                curve=False,
            )
    pen.area(
        [(-0.3, -0.86), (-0.32, -0.97), (0.05, -0.97), (0.12, -0.9), (0.3, -0.95), (0.32, -0.86)],
        stone,
        0.1,
        curve=False,
    )
    for _ in range(4):
        x = float(rng.uniform(-0.8, 0.8))
        pen.area(
            [(x - 0.12, 0.02), (x - 0.08, -0.09), (x + 0.06, -0.1), (x + 0.12, 0.02)],
            mix(stone, BLACK, 0.2),
            0.2,
            curve=False,
        )
    shape(c, "🌿", cx - 0.5 * h, base, 0.2 * h, style, rng, "#5f7a45", shadow=False)


def windmill(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """A smock mill with four sails."""
    pen = Pen(c, cx, base, h, style)
    wood = suited(style, "#7a5a3c", rng)
    pen.area([(-0.2, 0), (-0.12, -0.6), (0.12, -0.6), (0.2, 0)], wood, 0.12, curve=False)
    pen.area(
        [(-0.14, -0.58), (-0.1, -0.7), (0.0, -0.75), (0.1, -0.7), (0.14, -0.58)],
        mix(wood, BLACK, 0.3),
    )
    pen.flat(_box(-0.045, -0.14, 0.045, 0), BLACK, 0.7, curve=False)
    turn = float(rng.uniform(0.2, 1.3))
    for k in range(4):
        a = turn + k * np.pi / 2
        ux, uy = np.cos(a), np.sin(a)
        tip, root = 0.42, 0.06
        sail: Points = [
            (ux * root, -0.64 + uy * root),
            (ux * tip, -0.64 + uy * tip),
            (ux * tip - uy * 0.1, -0.64 + uy * tip + ux * 0.1),
            (ux * root - uy * 0.1, -0.64 + uy * root + ux * 0.1),
        ]
        pen.area(sail, mix(WHITE, rgb(style.paper), 0.5), curve=False)
        pen.stroke([(0, -0.64), (ux * tip, -0.64 + uy * tip)], 0.02, mix(wood, BLACK, 0.4))


def obelisk(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """A tapering needle with signs."""
    pen = Pen(c, cx, base, h, style)
    stone = suited(style, "#b5653f", rng)
    pen.area(_box(-0.13, -0.08, 0.13, 0), mix(stone, BLACK, 0.2), curve=False)
    pen.area(
        [(-0.08, -0.08), (-0.055, -0.9), (0.0, -1.0), (0.055, -0.9), (0.08, -0.08)],
        stone,
        0.2,
        curve=False,
    )
    for k, name in enumerate(("🦅", "👁", "🌊", "🪶", "🐍")):
        shape(
            c,
            name,
            cx,
            base - h * (0.2 + 0.13 * k),
            0.09 * h,
            style,
            rng,
            "#3a2418",
            False,
            shadow=False,
        )


def ship(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A three-master under sail."""
    pen = Pen(c, cx, base, h, style, 1.0 if rng.random() < 0.5 else -1.0)
    wood = suited(style, "#5a3c26", rng)
    canvas = mix(rgb("#e8ddc4"), rgb(style.paper), 0.3)
    for x, tall in ((-0.3, 0.85), (0.03, 1.0), (0.33, 0.8)):
        pen.area(_box(x - 0.012, -tall, x + 0.012, -0.15), mix(wood, BLACK, 0.2), curve=False)
        for low, top, half in ((0.26, 0.5, 0.16), (0.52, 0.7, 0.13), (0.72, 0.84, 0.09)):
            if top < tall:
                pen.area(
                    [
                        (x - half, -top),
                        (x + half, -top),
                        (x + half + 0.05, -(low + top) / 2),
                        (x + half, -low),
                        (x - half, -low),
                        (x - half + 0.04, -(low + top) / 2),
                    ],
                    canvas,
                    0.2,
                )
        pen.flat(
            [(x, -tall), (x - 0.12, -tall + 0.02), (x, -tall + 0.05)], rgb("#a8322f"), curve=False
        )
    pen.area(
        [(-0.55, -0.28), (-0.42, -0.19), (0.4, -0.19), (0.62, -0.26), (0.46, 0.0), (-0.42, 0.0)],
        wood,
        0.2,
        curve=False,
    )
    pen.stroke([(-0.5, -0.12), (0.0, -0.09), (0.54, -0.14)], 0.025, rgb("#d9b34a"))
    pen.stroke([(0.55, -0.24), (0.8, -0.4)], 0.02, mix(wood, BLACK, 0.3))
    for k in range(7):
        pen.dot(-0.35 + 0.11 * k, -0.06, 0.015, 0.015, BLACK)


def _wheel(pen: Pen, x: float, y: float, r: float, colour: np.ndarray) -> None:
    ring = [(x + r * np.cos(a), y + r * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 20)]
    pen.stroke(ring, 0.035, colour)
    for a in np.linspace(0, np.pi, 5)[:-1]:
        pen.stroke(
            [(x - r * np.cos(a), y - r * np.sin(a)), (x + r * np.cos(a), y + r * np.sin(a))],
            0.018,
            colour,
        )
    pen.dot(x, y, 0.04, 0.04, colour)


def carriage(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """A closed coach on four wheels, a horse before it."""
    mirror = 1.0 if rng.random() < 0.5 else -1.0
    pen = Pen(c, cx - 0.3 * h * mirror, base, h, style, mirror)
    body = suited(style, "#6a2430", rng)
    gold = rgb("#c9a23a")
    dark = mix(body, BLACK, 0.5)
    pen.area(
        [(-0.5, -0.82), (0.42, -0.82), (0.5, -0.55), (0.3, -0.22), (-0.36, -0.22), (-0.58, -0.5)],
        body,
        0.2,
    )
    pen.area([(-0.54, -0.84), (0.0, -0.95), (0.48, -0.84), (0.48, -0.8), (-0.54, -0.8)], dark)
    for x in (-0.34, 0.06):
        pen.flat(_box(x, -0.74, x + 0.26, -0.52), mix(rgb(style.sky[1]), WHITE, 0.3), curve=False)
    pen.stroke([(-0.02, -0.8), (-0.02, -0.25)], 0.02, gold)
    pen.stroke([(-0.5, -0.46), (0.46, -0.46)], 0.03, gold)
    for x, r in ((-0.4, 0.24), (0.42, 0.19)):
        _wheel(pen, x, -r, r, dark)
    shape(c, "🐎", cx + 0.72 * h * mirror, base, 0.62 * h, style, rng, "#6a4630", flip=mirror > 0)
    pen.stroke([(0.5, -0.3), (0.85, -0.32)], 0.025, dark)


def column(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A fluted column with base and capital."""
    pen = Pen(c, cx, base, h, style)
    stone = suited(style, "#d8ccb4", rng)
    pen.area(_box(-0.13, -0.05, 0.13, 0), stone, 0.1, curve=False)
    pen.area(
        [(-0.085, -0.05), (-0.07, -0.85), (0.07, -0.85), (0.085, -0.05)], stone, 0.4, curve=False
    )
    for k in range(5):
        x = -0.056 + 0.028 * k
        pen.flat(
            _box(x - 0.005, -0.84, x + 0.005, -0.06), mix(stone, BLACK, 0.45), 0.7, curve=False
        )
    if "classical" in style.worlds and rng.random() < 0.5:
        pen.area(
            [(-0.07, -0.85), (-0.12, -0.92), (0.12, -0.92), (0.07, -0.85)], stone, 0.2, curve=False
        )
    else:
        for side in (-1, 1):
            for r in (0.055, 0.03, 0.012):
                pen.dot(side * 0.1, -0.89, r, r, stone if r != 0.03 else mix(stone, BLACK, 0.5))
        pen.area(_box(-0.09, -0.9, 0.09, -0.85), stone, curve=False)
    pen.area(_box(-0.15, -1.0, 0.15, -0.93), stone, 0.1, curve=False)


def pediment(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """A temple gable: raking cornice, a relief in the triangle, dentils below."""
    pen = Pen(c, cx, base, h, style)
    stone = suited(style, "#ddd2bc", rng)
    deep = mix(stone, BLACK, 0.4)
    half = 1.35
    pen.area([(-half, -0.2), (0.0, -1.0), (half, -0.2)], stone, 0.06, curve=False)
    pen.flat([(-half * 0.74, -0.27), (0.0, -0.84), (half * 0.74, -0.27)], deep, 0.85, curve=False)
    pen.area(_box(-half * 1.03, -0.22, half * 1.03, 0.0), stone, 0.06, curve=False)
    for k in range(23):
        x = -half + 0.03 + k * (2 * half - 0.06) / 22
        pen.flat(_box(x - 0.025, -0.15, x + 0.025, -0.06), deep, 0.8, curve=False)
    pale = mix(stone, WHITE, 0.25)
    for x, tall in ((0.0, 0.5), (-0.28, 0.36), (0.28, 0.36), (-0.52, 0.22), (0.52, 0.22)):
        pen.area(
            [
                (x - 0.09, -0.27),
                (x - 0.07, -0.27 - tall * 0.7),
                (x, -0.27 - tall * 0.78),
                (x + 0.07, -0.27 - tall * 0.7),
                (x + 0.1, -0.27),
            ],
            pale,
            0.3,
        )
        pen.dot(x, -0.27 - tall * 0.86, 0.05, 0.06, pale)


def arch(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A round arch on piers; pointed in Islamic lands."""
    pen = Pen(c, cx, base, h, style)
    stone = suited(style, "#c9b595", rng)
    dark = mix(stone, BLACK, 0.65)
    pointed = 0.10 if "islam" in style.worlds else 0.0
    pen.area(_box(-0.42, -1.0, 0.42, 0.0), stone, 0.05, curve=False)
    t = np.linspace(0, np.pi, 17)
    opening: Points = [
        (-0.25 * np.cos(a), -0.58 - (0.25 + pointed * np.sin(a) ** 4) * np.sin(a)) for a in t
    ]
    pen.flat([(-0.25, 0.0), *opening, (0.25, 0.0)], dark, curve=False)
    for k in range(0, 17, 2):
        a = t[k]
        pen.stroke(
            [
                (-0.25 * np.cos(a), -0.58 - 0.25 * np.sin(a)),
                (-0.36 * np.cos(a), -0.58 - 0.36 * np.sin(a)),
            ],
            0.014,
            dark,
        )
    pen.stroke(
        [(-0.36 * np.cos(a), -0.58 - (0.36 + pointed) * np.sin(a)) for a in t],
        0.025,
        mix(stone, WHITE, 0.4),
    )
    pen.area(_box(-0.46, -1.04, 0.46, -0.96), mix(stone, WHITE, 0.15), curve=False)
