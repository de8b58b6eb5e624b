"""Beasts of which the fonts have only the head: a drawn body carries it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imet_simulation.canvas import Canvas, mix, rgb
from imet_simulation.ground import Rng
from imet_simulation.paint import BLACK, WHITE, shape, suited
from imet_simulation.pen import Pen, Points, limb

if TYPE_CHECKING:
    from imet_simulation.styles import Style


@dataclass(frozen=True)
class Build:
    """A beast's measures in its own heights: head glyph and size, belly, leg and tail."""

    head: str
    hue: str
    size: float
    deep: float
    leg: float
    tail: str
    long: float = 1.0


BUILDS = {
    "tag::lions": Build("🦁", "#c98f3a", 0.66, 0.30, 0.15, "tuft"),
    "tag::bears": Build("🐻", "#6a4a32", 0.52, 0.46, 0.20, "stub"),
    "tag::foxes": Build("🦊", "#d0642a", 0.56, 0.26, 0.10, "brush"),
    "tag::boars": Build("🐗", "#5a463a", 0.66, 0.42, 0.12, "stub", 0.92),
}


def beast(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A lion, bear, fox or boar from the side, its head towards us."""
    build = BUILDS.get(label, BUILDS["tag::lions"])
    left = bool(rng.random() < 0.5)
    pen = Pen(c, cx, base, h, style, 1.0 if left else -1.0)
    coat = suited(style, build.hue, rng)
    dark, pale = mix(coat, BLACK, 0.3), mix(coat, WHITE, 0.6)
    back, end = -0.74, 0.52 * build.long
    _tail(pen, build.tail, end, coat, dark, pale)
    for x in (-0.20, end - 0.22):  # the far legs, darker
        pen.area(_leg(x, build.leg), dark, 0.2, curve=False)
    belly = back + build.deep
    pen.area(
        [
            (-0.5, back + 0.02), (-0.1, back - 0.02), (end - 0.15, back), (end, back + 0.14),
            (end - 0.02, belly + 0.1), (0.1, belly + 0.02), (-0.4, belly + 0.12),
        ],
        coat,
        0.3,
    )  # fmt: skip
    for x in (-0.42, end - 0.06):
        pen.area(_leg(x, build.leg), coat, 0.2, curve=False)
    if build.head == "🐗":
        for k in range(7):  # bristles
            x = -0.35 + 0.12 * k
            pen.stroke([(x, back + 0.02), (x + 0.05, back - 0.09)], 0.03, dark)
    size = build.size * h
    at = cx + pen.mirror * -0.5 * h
    low = base - (0.30 if build.head != "🐗" else 0.24) * h
    shape(c, build.head, at, low, size, style, rng, build.hue, not left, shadow=False)


def _leg(x: float, wide: float) -> Points:
    return [
        (x - wide / 2, -0.5), (x + wide / 2, -0.5), (x + 0.4 * wide, 0.0), (x - 0.75 * wide, 0.0),
        (x - 0.7 * wide, -0.06), (x - 0.4 * wide, -0.1),
    ]  # fmt: skip


def _tail(pen: Pen, kind: str, end: float, coat: object, dark: object, pale: object) -> None:
    if kind == "tuft":
        line: Points = [(end - 0.04, -0.62), (end + 0.18, -0.5), (end + 0.2, -0.85)]
        pen.area(limb(line, 0.07, 1.0), coat, curve=False)  # type: ignore[arg-type]
        pen.area(
            [(end + 0.14, -0.8), (end + 0.28, -0.82), (end + 0.26, -1.0), (end + 0.16, -0.98)],
            dark,  # type: ignore[arg-type]
        )
    elif kind == "brush":
        pen.area(
            [
                (end - 0.08, -0.62), (end + 0.12, -0.42), (end + 0.34, -0.5), (end + 0.44, -0.84),
                (end + 0.36, -0.98), (end + 0.2, -0.72), (end - 0.02, -0.7),
            ],
            coat,  # type: ignore[arg-type]
        )  # fmt: skip
        pen.area(
            [(end + 0.31, -0.78), (end + 0.43, -0.76), (end + 0.44, -0.9), (end + 0.36, -0.99)],
            pale,  # type: ignore[arg-type]
        )
    else:
        pen.area(
            [(end - 0.04, -0.64), (end + 0.1, -0.6), (end + 0.06, -0.48), (end - 0.04, -0.52)],
            coat,  # type: ignore[arg-type]
        )


def frog(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A frog sitting up: thighs, splayed feet, belly, the head on top."""
    pen = Pen(c, cx, base, h, style)
    green = suited(style, "#5f8a3f", rng)
    for side in (-1, 1):
        thigh: Points = [(side * 0.18, -0.42), (side * 0.56, -0.4), (side * 0.62, -0.1)]
        pen.area([*thigh, (side * 0.3, -0.04)], mix(green, BLACK, 0.12), 0.3)
        for toe in (0.34, 0.5, 0.66):
            foot: Points = [(side * 0.36, -0.08), (side * toe, 0.0)]
            pen.area(limb(foot, 0.1, 0.9), green, curve=False)
    body: Points = [(-0.34, -0.5), (0.34, -0.5), (0.36, -0.1), (0.0, -0.02), (-0.36, -0.1)]
    pen.area(body, mix(green, WHITE, 0.35), 0.3)
    for side in (-1, 1):
        arm: Points = [(side * 0.32, -0.44), (side * 0.3, -0.2), (side * 0.2, 0.0)]
        pen.area(limb(arm, 0.11, 1.0), green, curve=False)
    shape(c, "🐸", cx, base - 0.38 * h, 0.62 * h, style, rng, "#5f8a3f", False, shadow=False)


def unicorn(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """A horse with a long horn."""
    left = bool(rng.random() < 0.5)
    wide, tall = shape(c, "🐎", cx, base, 0.84 * h, style, rng, "#d8d0dc", not left, shadow=False)
    pen = Pen(c, cx, base, h, style, 1.0 if left else -1.0)
    x, y = -0.36 * wide / h, -0.76 * tall / h
    pen.area([(x - 0.05, y), (x + 0.05, y - 0.03), (x - 0.16, y - 0.36)], rgb("#e0b84a"), 0.2)
