"""Bottles and jugs on a table: one clear outline each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imet_simulation.canvas import Canvas, mix, rgb
from imet_simulation.ground import Rng
from imet_simulation.paint import BLACK, WHITE, suited
from imet_simulation.pen import Pen, Points, limb, mirrored

if TYPE_CHECKING:
    from imet_simulation.styles import Style


def bottle(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A bottle: straight sides, shoulders, a long neck with a lip, a label, a gleam."""
    pen = Pen(c, cx, base, h, style)
    glass = mix(suited(style, "#3f6a45", rng), rgb("#2f5a3a"), 0.4)
    if style.technique == "painted":
        c.shadow(cx + 0.1 * h, base - 1, 0.24 * h, 0.04 * h + 1, 0.5)
    wide = float(rng.uniform(0.15, 0.19))
    pen.area(
        mirrored([
            (0.045, -0.97), (0.045, -0.68), (0.07, -0.6), (wide, -0.5), (wide, -0.03),
            (wide - 0.02, 0.0),
        ]),
        glass, 0.35, curve=False,
    )  # fmt: skip
    pen.area(mirrored([(0.065, -1.0), (0.065, -0.93)]), mix(glass, BLACK, 0.4), curve=False)
    paper = mix(WHITE, rgb(style.paper), 0.5)
    pen.area(mirrored([(wide * 0.86, -0.36), (wide * 0.86, -0.14)]), paper, curve=False)
    for y in (-0.3, -0.25, -0.2):
        line: Points = [(-0.5 * wide, y), (0.5 * wide, y)]
        pen.stroke(line, 0.014, rgb(style.ink), 0.8)
    pen.flat(
        [(-0.8 * wide, -0.48), (-0.62 * wide, -0.5), (-0.62 * wide, -0.06), (-0.8 * wide, -0.06)],
        WHITE, 0.45, curve=False,
    )  # fmt: skip


def jug(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A jug: round belly, a spout to one side, one big handle to the other, two painted bands."""
    pen = Pen(c, cx, base, h, style, 1.0 if rng.random() < 0.5 else -1.0)
    clay = suited(style, "#b0683a", rng)
    if style.technique == "painted":
        c.shadow(cx + 0.1 * h, base - 1, 0.36 * h, 0.05 * h + 1, 0.5)
    dark = mix(clay, BLACK, 0.3)
    handle: Points = [(0.16, -0.86), (0.5, -0.82), (0.5, -0.42), (0.3, -0.26)]
    pen.area(limb(handle, 0.1, 0.9), dark, 0.3, curve=False)
    pen.area(
        [
            (-0.36, -1.0), (-0.16, -0.94), (0.2, -0.97), (0.17, -0.7), (0.34, -0.5), (0.36, -0.28),
            (0.22, -0.04), (0.2, 0.0), (-0.2, 0.0), (-0.22, -0.04), (-0.36, -0.28), (-0.34, -0.5),
            (-0.17, -0.7), (-0.2, -0.86),
        ],
        clay, 0.35,
    )  # fmt: skip
    second = suited(style, None, rng)
    for y, half in ((-0.46, 0.33), (-0.2, 0.29)):
        band: Points = [(-half, y), (0.0, y + 0.05), (half, y)]
        pen.stroke(band, 0.05, mix(second, rgb(style.ink), 0.25))
    pen.flat([(-0.26, -0.46), (-0.19, -0.5), (-0.17, -0.24), (-0.24, -0.2)], WHITE, 0.35)
