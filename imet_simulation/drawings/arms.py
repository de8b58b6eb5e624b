"""Armour on its stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imet_simulation.canvas import Canvas, mix, rgb
from imet_simulation.ground import Rng
from imet_simulation.paint import BLACK, WHITE, suited
from imet_simulation.pen import Pen, Points

if TYPE_CHECKING:
    from imet_simulation.styles import Style


def _box(x0: float, y0: float, x1: float, y1: float) -> Points:
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def armour(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """Helmet, breastplate, tassets, on a stand; laced plates in Japan."""
    pen = Pen(c, cx, base - 0.78 * h, h / 4.2, style)
    east = "japan" in style.worlds
    steel = suited(style, "#2a2a30", rng) if east else rgb("#9aa1a8")
    trim = suited(style, "#a8322f", rng) if east else rgb("#c9a24f")
    pen.area(_box(-0.06, 2.4, 0.06, 3.3), rgb("#4a3424"), curve=False)
    pen.area(_box(-0.5, 3.2, 0.5, 3.3), rgb("#4a3424"), curve=False)
    pen.area(
        [(-0.75, 0.75), (0.75, 0.75), (0.68, 1.5), (0.5, 2.1), (-0.5, 2.1), (-0.68, 1.5)],
        steel,
        0.35,
    )
    for side in (-1, 1):
        pen.area(
            [(side * 0.62, 0.68), (side * 1.1, 0.85), (side * 1.15, 1.35), (side * 0.8, 1.3)],
            steel,
            0.35,
        )
        pen.area(
            [(side * 0.08, 2.05), (side * 0.62, 2.05), (side * 0.72, 2.85), (side * 0.14, 2.85)],
            steel,
            0.2,
            curve=False,
        )
    rows = 5 if east else 2
    for k in range(rows):
        y = 1.0 + k * 1.0 / rows
        pen.stroke([(-0.6, y), (0.0, y + 0.08), (0.6, y)], 0.07 if east else 0.04, trim)
        pen.stroke([(-0.62, 2.2 + 0.6 * k / rows), (0.62, 2.2 + 0.6 * k / rows)], 0.05, trim)
    pen.stroke([(0, 0.8), (0.02, 2.0)], 0.04, mix(steel, WHITE, 0.5))
    pen.area(
        [
            (-0.42, 0.55),
            (-0.48, -0.1),
            (-0.3, -0.5),
            (0.3, -0.5),
            (0.48, -0.1),
            (0.42, 0.55),
            (0.0, 0.68),
        ],
        steel,
        0.35,
    )
    pen.flat(_box(-0.32, 0.0, 0.32, 0.09), BLACK, 0.9, curve=False)
    if east:
        for side in (-1, 1):
            pen.area(
                [
                    (side * 0.08, -0.42),
                    (side * 0.55, -1.0),
                    (side * 0.66, -0.98),
                    (side * 0.22, -0.32),
                ],
                rgb("#d9b34a"),
            )
            pen.area(
                [(side * 0.42, 0.0), (side * 0.85, 0.3), (side * 0.8, 0.5), (side * 0.4, 0.4)], trim
            )
    else:
        pen.area([(-0.05, -0.45), (-0.2, -0.95), (0.35, -1.0), (0.6, -0.6), (0.1, -0.62)], trim)
        for k in range(4):
            pen.dot(-0.18 + 0.12 * k, 0.28, 0.02, 0.05, BLACK)
