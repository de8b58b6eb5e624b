"""People with a part to play: couples, soldiers, kings, angels, saints, buddhas, Washington."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imet_simulation import figures, people
from imet_simulation.canvas import Canvas, Colour, mix, rgb
from imet_simulation.ground import Rng
from imet_simulation.paint import BLACK, WHITE, shape, suited
from imet_simulation.pen import Pen, limb, mirrored

if TYPE_CHECKING:
    from imet_simulation.styles import Style


def figure(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A standing man, woman or child."""
    figures.figure(c, cx, base, h, style, rng, label.split("::")[1])


def couple(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A man and a woman hand in hand."""
    figures.figure(c, cx - 0.125 * h, base, h, style, rng, "men", (0.0, 1.0))
    figures.figure(c, cx + 0.125 * h, base, 0.96 * h, style, rng, "women", (0.0, -1.0))


def crowd(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """Three rows of people, heads above heads."""
    for depth in (2, 1, 0):
        for k in range(5):
            x = cx + ((k - 2) * 0.30 + 0.12 * (depth % 2) + float(rng.normal(0, 0.03))) * h
            sex = "women" if rng.random() < 0.5 else "men"
            figures.figure(
                c, x, base - 0.16 * h * depth, 0.78 * h * (1 - 0.08 * depth), style, rng, sex
            )


def soldier(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """A man with spear, shield and helmet."""
    pen = Pen(c, cx, base, h / 7.0, style)
    wood = mix(rgb("#6a4a2c"), rgb(style.ink), 0.3)
    figures.figure(c, cx, base, 0.93 * h, style, rng, "men")
    pen.area([(1.2, 0), (1.1, -7.2), (1.2, -7.8), (1.3, -7.2), (1.32, 0)], wood, curve=False)
    pen.area([(1.02, -7.1), (1.2, -8.0), (1.38, -7.1)], rgb("#b8bcc0"), curve=False)
    steel = suited(style, "#8c9298", rng)
    pen.area(
        [
            (-0.46, -5.75),
            (-0.42, -6.3),
            (0.0, -6.65),
            (0.42, -6.3),
            (0.46, -5.75),
            (0.25, -5.95),
            (-0.25, -5.95),
        ],
        steel,
        0.3,
    )
    pen.area([(-0.08, -6.6), (0.0, -7.1), (0.5, -6.6), (0.4, -6.3)], suited(style, "#a8322f", rng))
    pen.area(
        [(-1.5 + 0.75 * np.cos(a), -3.4 + 1.05 * np.sin(a)) for a in np.linspace(0, 6.28, 14)[:-1]],
        suited(style, "#a8322f", rng),
        0.3,
    )
    pen.dot(-1.5, -3.4, 0.26, 0.3, rgb("#d9b34a"))


def king(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A crowned man in a mantle with a sceptre."""
    pen = Pen(c, cx, base, h / 7.6, style)
    mantle = suited(style, "#8c1f2c", rng)
    gold = rgb("#d9b34a")
    pen.area(
        [(-0.5, -5.6), (0.5, -5.6), (1.3, -2.5), (1.5, 0.0), (-1.5, 0.0), (-1.3, -2.5)],
        mantle,
        0.15,
    )
    figures.figure(c, cx, base, 0.9 * h, style, rng, "men")
    pen.stroke([(-1.3, -0.12), (0.0, -0.02), (1.3, -0.12)], 0.22, mix(WHITE, rgb(style.paper), 0.4))
    pen.area(
        [
            (-0.42, -6.55),
            (-0.5, -7.3),
            (-0.2, -6.9),
            (0.0, -7.45),
            (0.2, -6.9),
            (0.5, -7.3),
            (0.42, -6.55),
        ],
        gold,
        curve=False,
    )
    pen.area([(1.15, 0), (1.05, -5.2), (1.2, -5.2), (1.28, 0)], gold, curve=False)
    pen.dot(1.12, -5.35, 0.22, 0.24, gold)


def musician(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """Somebody playing a big lute."""
    figures.figure(c, cx, base, h, style, rng, "women" if rng.random() < 0.5 else "men")
    low = base - 0.36 * h
    shape(c, "🪕", cx + 0.06 * h, low, 0.42 * h, style, rng, "#b5622a", False, shadow=False)


def angel(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A robed figure with wings and a halo."""
    gold = mix(rgb("#e0b84a"), rgb(style.paper), 0.15)
    pen = Pen(c, cx, base, h / 7.0, style)
    white = mix(suited(style, "#ece6da", rng), WHITE, 0.45)
    for side in (-1, 1):
        pen.area(
            [
                (side * 0.3, -5.1),
                (side * 1.2, -6.4),
                (side * 2.3, -6.3),
                (side * 2.2, -4.4),
                (side * 1.6, -2.4),
                (side * 0.8, -3.2),
            ],
            white,
            0.2,
        )
        for k in range(4):
            pen.stroke(
                [
                    (side * 0.6, -4.8 + 0.25 * k),
                    (side * 1.5, -4.9 + 0.5 * k),
                    (side * (2.1 - 0.12 * k), -4.9 + 0.75 * k),
                ],
                0.07,
                mix(white, rgb(style.ink), 0.45),
            )
    pen.dot(0.0, -6.5, 0.85, 0.85, gold)
    figures.figure(c, cx, base, h, style, rng, "women")


def _halo(pen: Pen, y: float, r: float, style: Style) -> None:
    gold = mix(rgb("#e0b84a"), rgb(style.paper), 0.1)
    pen.dot(0.0, y, r * 1.06, r * 1.06, mix(gold, rgb(style.ink), 0.6))
    pen.dot(0.0, y, r, r, gold)
    pen.dot(0.0, y, r * 0.86, r * 0.86, mix(gold, WHITE, 0.25))


def saint(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A saint to the waist: halo, robe, book or cross in hand."""
    s = h / 3.3
    pen = Pen(c, cx, base - 2.35 * s, s, style)
    _halo(pen, -0.05, 0.86, style)
    people.bust(c, cx, base - 2.35 * s, s, style, rng, "men" if rng.random() < 0.65 else "women")
    red = suited(style, "#8c2430", rng)
    pen.area([(0.3, 1.2), (0.85, 1.15), (0.9, 1.95), (0.32, 2.0)], red, 0.05, curve=False)
    gold = rgb("#d9b34a")
    pen.area([(0.55, 1.3), (0.63, 1.3), (0.63, 1.85), (0.55, 1.85)], gold, curve=False)
    pen.area([(0.42, 1.45), (0.77, 1.45), (0.77, 1.54), (0.42, 1.54)], gold, curve=False)
    skin = rgb(style.skin[0])
    pen.area([(0.2, 1.6), (0.5, 1.5), (0.52, 1.66), (0.26, 1.78)], skin)
    pen.area([(-0.5, 1.9), (-0.42, 1.2), (-0.36, 0.95), (-0.28, 1.2), (-0.26, 1.9)], skin)


def _seat(pen: Pen, style: Style, rng: Rng, top: float) -> None:
    pink = mix(suited(style, "#c9788c", rng), WHITE, 0.25)
    for k in range(7):
        x = -1.5 + 0.5 * k
        pen.area(
            [
                (x - 0.3, top + 0.62),
                (x - 0.24, top + 0.22),
                (x, top),
                (x + 0.24, top + 0.22),
                (x + 0.3, top + 0.62),
            ],
            pink,
        )


def _seated(pen: Pen, style: Style, skin: Colour, robe: Colour) -> None:
    """Crossed legs, torso, folded hands, head with heavy lids."""
    pen.area(mirrored([(0.0, 1.0), (0.9, 1.2), (1.5, 1.55), (1.2, 1.85), (0.0, 1.9)]), robe, 0.2)
    pen.area(mirrored([(0.2, 0.0), (0.62, 0.12), (0.5, 0.8), (0.62, 1.4), (0.0, 1.5)]), skin, 0.3)
    pen.area(
        [
            (-0.62, 0.12),
            (-0.1, 0.05),
            (0.45, 0.9),
            (0.62, 1.4),
            (0.0, 1.5),
            (-0.6, 1.35),
            (-0.5, 0.8),
        ],
        robe,
        0.2,
    )
    for side in (-1, 1):
        pen.area(
            limb([(side * 0.55, 0.2), (side * 0.85, 0.85), (side * 0.12, 1.22)], 0.28),
            skin,
            curve=False,
        )
    pen.area(mirrored([(0.0, -1.0), (0.36, -0.75), (0.36, -0.2), (0.0, 0.1)]), skin, 0.35)
    dark = rgb(style.paper) if style.technique == "silhouette" else mix(skin, BLACK, 0.75)
    for x in (-0.14, 0.14):
        pen.stroke([(x - 0.09, -0.45), (x, -0.41), (x + 0.09, -0.45)], 0.035, dark)
        pen.stroke([(x - 0.1, -0.58), (x, -0.63), (x + 0.1, -0.58)], 0.025, dark)
        pen.area(
            [
                (x * 2.7 - 0.05, -0.5),
                (x * 2.7 + 0.05, -0.5),
                (x * 2.7 + 0.04, -0.05),
                (x * 2.7 - 0.04, -0.05),
            ],
            skin,
        )
    pen.stroke([(0.02, -0.45), (0.05, -0.28), (-0.03, -0.27)], 0.025, dark)
    pen.flat([(-0.09, -0.14), (0.0, -0.17), (0.09, -0.14), (0.0, -0.09)], rgb("#a8483c"))
    pen.dot(0.0, -0.68, 0.035, 0.035, rgb("#e0b84a"))


def buddha(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A buddha seated on a lotus: curls, topknot, robe over one shoulder, halo."""
    s = h / 4.2
    pen = Pen(c, cx, base - 2.3 * s, s, style)
    gold = suited(style, "#d9a93a", rng)
    skin = mix(rgb(style.skin[0]), gold, 0.55)
    _halo(pen, -0.4, 1.05, style)
    _seat(pen, style, rng, 1.68)
    _seated(pen, style, skin, suited(style, "#b5542f", rng))
    hair = mix(suited(style, "#26406a", rng), BLACK, 0.3)
    pen.area(
        [
            (-0.38, -0.55),
            (-0.36, -0.92),
            (-0.16, -1.1),
            (-0.12, -1.32),
            (0.12, -1.32),
            (0.16, -1.1),
            (0.36, -0.92),
            (0.38, -0.55),
            (0.2, -0.78),
            (-0.2, -0.78),
        ],
        hair,
    )


def bodhisattva(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """Avalokiteshvara: many arms fanned about a halo, a tower of small heads, a lotus seat."""
    s = h / 4.8
    pen = Pen(c, cx, base - 2.3 * s, s, style)
    gold = suited(style, "#d9a93a", rng)
    skin = mix(rgb(style.skin[0]), mix(gold, WHITE, 0.4), 0.35)
    blue = suited(style, "#3a6a9a", rng)
    ring = mirrored([(0.0, -2.1), (1.3, -1.5), (1.75, -0.3), (1.4, 1.1), (0.0, 1.3)])
    pen.area(ring, mix(blue, rgb(style.paper), 0.25), 0.1)
    pen.area([(x * 0.87, y * 0.87) for x, y in ring], mix(gold, rgb(style.paper), 0.25), 0.1)
    for k in range(7):
        a = -1.2 + 0.38 * k
        for side in (-1, 1):
            bend = (side * 0.95 * np.cos(a), 0.05 + 0.55 * np.sin(a))
            tip = (side * 1.55 * np.cos(a * 0.8), -0.25 + 1.4 * np.sin(a))
            pen.area(limb([(side * 0.4, 0.1), bend, tip], 0.22), skin, curve=False)
            pen.dot(tip[0], tip[1], 0.11, 0.11, skin)
    _seat(pen, style, rng, 1.68)
    _seated(pen, style, skin, suited(style, "#a8322f", rng))
    for level, count in ((-1.12, 3), (-1.5, 2), (-1.84, 1)):
        for k in range(count):
            x = (k - (count - 1) / 2) * 0.32
            pen.area(
                [
                    (x - 0.14, level - 0.2),
                    (x + 0.14, level - 0.2),
                    (x + 0.13, level + 0.1),
                    (x, level + 0.2),
                    (x - 0.13, level + 0.1),
                ],
                skin,
            )
            for e in (-0.06, 0.06):
                pen.dot(x + e, level - 0.03, 0.025, 0.02, BLACK)
    pen.area(mirrored([(0.0, -1.02), (0.44, -1.14), (0.4, -0.76), (0.0, -0.72)]), gold, curve=False)


def washington(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """George Washington: white queue, dark coat with buff facings, jabot, epaulettes."""
    s = h / 2.6
    pen = Pen(c, cx, base - 1.9 * s, s, style)
    skin, white = rgb("#e8bd9c"), mix(WHITE, rgb(style.paper), 0.25)
    coat = rgb("#27324c")
    shade = mix(white, BLACK, 0.35)
    pen.area(mirrored([(0.0, 0.6), (0.55, 0.8), (1.0, 1.05), (1.15, 1.9)]), coat, 0.12, curve=False)
    pen.area(mirrored([(0.0, 0.5), (0.22, 0.55), (0.2, 1.0), (0.12, 1.9)]), white, curve=False)
    for side in (-1, 1):
        pen.area(
            [(side * 0.25, 0.62), (side * 0.62, 0.9), (side * 0.5, 1.9), (side * 0.22, 1.9)],
            rgb("#c9ad6a"),
            curve=False,
        )
        pen.area(
            [(side * 0.75, 0.92), (side * 1.08, 1.02), (side * 1.1, 1.2), (side * 0.78, 1.1)],
            rgb("#d9b34a"),
        )
        for k in range(3):
            pen.dot(side * 0.42, 1.15 + 0.25 * k, 0.05, 0.05, rgb("#e9cf7a"))
    for k in range(4):
        pen.stroke(
            [(-0.14, 0.72 + 0.13 * k), (0.0, 0.8 + 0.13 * k), (0.14, 0.72 + 0.13 * k)], 0.03, shade
        )
    pen.area(
        mirrored([(0.0, -0.66), (0.36, -0.58), (0.5, -0.2), (0.56, 0.2), (0.4, 0.4)]), white, 0.3
    )
    for side in (-1, 1):
        for k in range(2):
            pen.stroke(
                [
                    (side * 0.36, 0.05 + 0.15 * k),
                    (side * 0.48, 0.12 + 0.15 * k),
                    (side * 0.54, 0.05 + 0.15 * k),
                ],
                0.03,
                shade,
            )
    pen.area(
        mirrored(
            [(0.0, -0.48), (0.27, -0.42), (0.37, -0.14), (0.36, 0.14), (0.28, 0.38), (0.12, 0.5)]
        ),
        skin,
        0.35,
    )
    people.features(pen, style, rng, skin, rgb("#b9aca0"), False, 0.05)
    pen.area(
        [
            (-0.39, -0.02),
            (-0.42, -0.35),
            (-0.2, -0.64),
            (0.2, -0.64),
            (0.42, -0.35),
            (0.39, -0.02),
            (0.3, -0.36),
            (0.0, -0.44),
            (-0.3, -0.36),
        ],
        white,
    )
