"""People: busts for portraits, whole figures for scenes, profiles for coins.

All are built from smooth outlines in head heights, so that a pose or a dress is a few numbers.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imet.data.simulate.canvas import Canvas, Colour, ellipse, mix, polygon, rgb, smooth
from imet.data.simulate.paint import BLACK, WHITE, part, suited

if TYPE_CHECKING:
    from imet.data.simulate.styles import Style

Rng = np.random.Generator
Points = list[tuple[float, float]]


@dataclass
class Pen:
    """Draws outlines given in head heights around (cx, cy)."""

    c: Canvas
    cx: float
    cy: float
    s: float
    style: Style
    mirror: float = 1.0

    def area(self, points: Points, colour: Colour, bulge: float = 0.2, curve: bool = True) -> None:
        """A filled outline in the culture's technique."""
        mask, x, y = polygon(self._px(points, curve))
        part(self.c, mask, x, y, colour, self.style, bulge)

    def flat(
        self, points: Points, colour: Colour, opacity: float = 1.0, curve: bool = True
    ) -> None:
        """A filled outline without shading or line."""
        mask, x, y = polygon(self._px(points, curve))
        self.c.paint(mask, colour, x, y, opacity)

    def dot(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, opacity: float = 1
    ) -> None:
        """A small ellipse."""
        mask = ellipse(max(0.6, rx * self.s), max(0.6, ry * self.s))
        h, w = mask.shape
        px, py = self.cx + self.mirror * x * self.s, self.cy + y * self.s
        self.c.paint(mask, colour, px - w / 2, py - h / 2, opacity)

    def _px(self, points: Points, curve: bool) -> Points:
        p = smooth(points) if curve else points
        return [(self.cx + self.mirror * x * self.s, self.cy + y * self.s) for x, y in p]

    def stroke(self, points: Points, width: float, colour: Colour, opacity: float = 1.0) -> None:
        """A line of constant width along a curve."""
        p = np.asarray(smooth(points, closed=False))
        d = np.gradient(p, axis=0)
        n = np.stack([-d[:, 1], d[:, 0]], 1) / (np.linalg.norm(d, axis=1, keepdims=True) + 1e-9)
        ring = np.concatenate([p + n * width / 2, (p - n * width / 2)[::-1]])
        self.flat([tuple(q) for q in ring], colour, opacity, curve=False)


def mirrored(half: Points) -> Points:
    """Close a right half outline (top to bottom) by its mirror image."""
    return half + [(-x, y) for x, y in reversed(half)]


def bust(
    c: Canvas,
    cx: float,
    cy: float,
    s: float,
    style: Style,
    rng: Rng,
    sex: str,
    worn: tuple[str, ...] = (),
) -> None:
    """A person to the waist; (cx, cy) is the middle of the face, `s` the height of the head.

    `worn` names labels among hats, neckties, jewelry, … which are booked as instances of their own.
    """
    pen = Pen(c, cx, cy, s, style, 1.0 if rng.random() < 0.5 else -1.0)
    skin = rgb(style.skin[int(rng.integers(len(style.skin)))])
    hair = rgb(style.hair[int(rng.integers(len(style.hair)))])
    old = rng.random() < 0.2
    if old:
        hair = mix(hair, rgb("#cfcac2"), 0.7)
    cloth = mix(suited(style, None, rng), rgb(style.ink), float(rng.uniform(0.1, 0.55)))
    second = mix(suited(style, None, rng), rgb(style.paper), 0.25)
    turn = float(rng.uniform(0.25, 1.0)) * 0.09
    woman = sex == "women"
    # hair falling behind
    if woman:
        long = float(rng.uniform(0.5, 1.5))
        pen.area(
            mirrored(
                [(0.0, -0.62), (0.36, -0.52), (0.50, -0.1), (0.46, 0.4 * long), (0.30, 0.62 * long)]
            ),
            hair,
        )
    elif style.dress in ("renaissance", "court") or rng.random() < 0.2:
        pen.area(mirrored([(0.0, -0.6), (0.4, -0.5), (0.5, 0.0), (0.42, 0.45)]), hair)
    _torso(pen, style, rng, woman, cloth, second, skin, worn)
    # head
    jaw = 0.30 if woman else 0.34
    face: Points = mirrored(
        [(0.0, -0.5), (0.26, -0.44), (0.37, -0.16), (0.355, 0.1), (jaw * 0.83, 0.36), (0.13, 0.49)]
    )
    for side in (-1.0, 1.0):
        pen.area(
            [(side * 0.36, -0.1), (side * 0.42, -0.1), (side * 0.41, 0.08), (side * 0.35, 0.12)],
            mix(skin, BLACK, 0.1),
        )
    pen.area(face, skin, 0.35)
    _face(pen, style, rng, skin, hair, woman, turn)
    if not woman:
        _beard(pen, rng, hair, style)
    _hair_top(pen, rng, hair, woman, turn)
    if "tag::hats" in worn:
        with c.mark("tag::hats"):
            _hat(pen, style, rng, suited(style, None, rng))
    if "tag::jewelry" in worn:
        with c.mark("tag::jewelry"):
            _jewels(pen, style, woman)


def _torso(
    pen: Pen,
    style: Style,
    rng: Rng,
    woman: bool,
    cloth: Colour,
    second: Colour,
    skin: Colour,
    worn: tuple[str, ...],
) -> None:
    width = 1.0 if woman else 1.2
    with (
        pen.c.mark("tag::clothing and accessories")
        if "tag::clothing and accessories" in worn
        else nullcontext()
    ):
        body = [
            (0.18, 0.62),
            (0.55 * width, 0.80),
            (0.86 * width, 1.02),
            (1.0 * width, 1.5),
            (1.08 * width, 2.4),
            (1.1 * width, 4.0),
        ]
        outline = mirrored([(0.0, 0.66), *body])
        pen.area(outline, cloth, 0.12)
        if style.dress == "kimono" or style.dress in ("robe", "turban"):
            pen.flat(
                [(-0.22, 0.6), (0.05, 1.25), (0.5, 3.9), (0.72, 3.9), (0.28, 1.2), (-0.02, 0.62)],
                second,
                curve=False,
            )
            pen.flat(
                [(0.22, 0.6), (0.0, 1.2), (-0.5, 2.6), (-0.3, 2.6), (0.16, 1.3), (0.34, 0.66)],
                mix(second, BLACK, 0.15),
                curve=False,
            )
        elif style.dress == "toga":
            for k in range(5):
                pen.stroke(
                    [
                        (-0.9 + 0.16 * k, 0.95 + 0.1 * k),
                        (-0.2 + 0.12 * k, 1.7),
                        (0.8, 2.3 + 0.3 * k),
                    ],
                    0.05,
                    mix(cloth, BLACK, 0.35),
                )
        elif woman:
            pen.flat(
                mirrored([(0.0, 0.6), (0.3, 0.7), (0.42, 0.9), (0.22, 1.22), (0.0, 1.3)]), skin
            )
            pen.stroke(
                [(-0.44, 0.86), (-0.22, 1.24), (0.0, 1.33), (0.22, 1.24), (0.44, 0.86)],
                0.08,
                second,
            )
        else:
            pen.flat(
                mirrored([(0.0, 0.62), (0.2, 0.66), (0.16, 1.3), (0.0, 1.9)]),
                mix(WHITE, rgb(style.paper), 0.4),
                curve=False,
            )
            for side in (-1, 1):
                pen.flat(
                    [
                        (side * 0.2, 0.62),
                        (side * 0.52, 0.86),
                        (side * 0.36, 1.15),
                        (side * 0.42, 1.22),
                        (0, 2.1),
                        (side * 0.12, 1.3),
                    ],
                    mix(cloth, BLACK, 0.3),
                    curve=False,
                )
    neck = mirrored([(0.19, 0.2), (0.17, 0.5), (0.24, 0.72), (0.0, 0.86)])
    pen.area(neck, mix(skin, BLACK, 0.16))
    if "tag::necktie" in worn:
        with pen.c.mark("tag::necktie"):
            tie = rgb("#8c1f2c") if rng.random() < 0.5 else rgb("#1f2c55")
            white = mix(WHITE, rgb(style.paper), 0.3)
            pen.flat(
                mirrored([(0.0, 0.66), (0.24, 0.66), (0.3, 0.86), (0.0, 1.0)]), white, curve=False
            )
            pen.area(
                [(-0.11, 0.76), (0.11, 0.76), (0.07, 0.96), (-0.07, 0.96)],
                mix(tie, BLACK, 0.2),
                curve=False,
            )
            pen.area(
                [(-0.07, 0.96), (0.07, 0.96), (0.19, 2.0), (0.0, 2.25), (-0.19, 2.0)],
                tie,
                curve=False,
            )
            for k in range(3):
                pen.stroke(
                    [(-0.13, 1.25 + 0.25 * k), (0.13, 1.15 + 0.25 * k)], 0.05, mix(tie, WHITE, 0.6)
                )


def _face(
    pen: Pen, style: Style, rng: Rng, skin: Colour, hair: Colour, woman: bool, turn: float
) -> None:
    dark = mix(skin, rgb("#3a1a10"), 0.75)
    shade = mix(skin, rgb("#5a2a18"), 0.35)
    if style.technique == "silhouette":
        dark = shade = rgb(style.paper)
    if style.technique == "carved":
        dark, shade = WHITE * np.float32(0.35), WHITE * np.float32(0.55)
    iris = rgb("#3a2a1c") if rng.random() < 0.7 else rgb("#4a6a7c")
    for side in (-1, 1):
        x = side * 0.155 + turn
        white = WHITE * np.float32(0.94)
        pen.dot(
            x,
            -0.03,
            0.075,
            0.042,
            white if style.technique in ("painted", "inked", "line") else dark,
        )
        pen.dot(
            x + turn * 0.2,
            -0.028,
            0.036,
            0.04,
            iris if style.technique != "silhouette" else rgb(style.ink),
        )
        pen.stroke([(x - 0.09, -0.03), (x, -0.085), (x + 0.09, -0.025)], 0.026, dark)
        lift = 0.02 if woman else 0.0
        pen.stroke(
            [(x - 0.1, -0.13 - lift), (x, -0.17 - lift), (x + 0.1, -0.13 - lift)],
            0.024 if woman else 0.038,
            mix(hair, dark, 0.4),
        )
    pen.stroke(
        [
            (0.02 + turn, -0.06),
            (0.055 + turn * 1.3, 0.1),
            (0.015 + turn, 0.155),
            (-0.04 + turn, 0.145),
        ],
        0.026,
        shade,
    )
    lip = mix(skin, rgb("#a8302c"), 0.65 if woman else 0.4)
    if style.technique in ("silhouette", "carved"):
        lip = dark
    pen.flat([(-0.115 + turn, 0.262), (turn, 0.235), (0.115 + turn, 0.262), (turn, 0.315)], lip)
    pen.stroke([(-0.12 + turn, 0.265), (turn, 0.272), (0.12 + turn, 0.265)], 0.014, dark)
    if woman and style.technique in ("painted", "inked", "line"):
        for side in (-1, 1):
            pen.dot(side * 0.22 + turn * 0.5, 0.13, 0.08, 0.06, mix(skin, rgb("#d8584c"), 0.5), 0.4)


def _beard(pen: Pen, rng: Rng, hair: Colour, style: Style) -> None:
    kind = rng.random()
    if style.dress in ("robe", "turban", "toga"):
        kind *= 0.6
    if kind < 0.4:
        beard: Points = mirrored([(0.355, 0.0), (0.35, 0.25), (0.26, 0.5), (0.0, 0.72)])[:-1]
        pen.flat([*beard, (-0.26, 0.16), (0.0, 0.2), (0.26, 0.16)], hair)
        pen.flat([(-0.1, 0.262), (0.0, 0.24), (0.1, 0.262), (0.0, 0.31)], rgb("#8c4a3c"), 0.8)
    if kind < 0.6:
        pen.stroke(
            [(-0.17, 0.24), (-0.07, 0.195), (0.0, 0.21), (0.07, 0.195), (0.17, 0.24)], 0.05, hair
        )


def _hair_top(pen: Pen, rng: Rng, hair: Colour, woman: bool, turn: float) -> None:
    if woman:
        lift = float(rng.uniform(0.0, 0.25))
        pen.area(
            [
                (-0.41, 0.08),
                (-0.44, -0.3),
                (-0.2, -0.6 - lift),
                (0.2, -0.6 - lift),
                (0.44, -0.3),
                (0.41, 0.08),
                (0.35, -0.18),
                (0.1 + turn, -0.4),
                (-0.05, -0.38),
                (-0.34, -0.16),
            ],
            hair,
        )
    elif rng.random() < 0.88:
        pen.area(
            [
                (-0.39, -0.02),
                (-0.42, -0.32),
                (-0.2, -0.58),
                (0.2, -0.58),
                (0.42, -0.32),
                (0.39, -0.02),
                (0.33, -0.25),
                (0.15 + turn, -0.37),
                (-0.15, -0.34),
                (-0.33, -0.25),
            ],
            hair,
        )


def _hat(pen: Pen, style: Style, rng: Rng, colour: Colour) -> None:
    dark = mix(colour, BLACK, 0.35)
    if style.dress in ("turban",):
        pen.area(
            mirrored([(0.0, -0.95), (0.4, -0.85), (0.56, -0.5), (0.42, -0.24), (0.0, -0.2)]),
            mix(colour, WHITE, 0.4),
        )
        for k in (-1, 0, 1):
            pen.stroke(
                [(-0.45, -0.4 - 0.1 * k), (0.0, -0.62 - 0.1 * k), (0.45, -0.35 - 0.1 * k)],
                0.03,
                dark,
            )
        return
    if style.dress in ("kimono", "robe"):
        pen.area(
            mirrored([(0.0, -1.0), (0.24, -0.95), (0.36, -0.45), (0.42, -0.3), (0.0, -0.28)]), dark
        )
        return
    if style.dress in ("modern", "georgian") and rng.random() < 0.6:
        pen.area(
            mirrored([(0.0, -1.15), (0.34, -1.12), (0.31, -0.42), (0.0, -0.38)]), dark, curve=False
        )
        pen.area(mirrored([(0.0, -0.46), (0.5, -0.46), (0.62, -0.36), (0.0, -0.3)]), dark)
        return
    pen.area(mirrored([(0.0, -0.98), (0.3, -0.88), (0.42, -0.4), (0.0, -0.34)]), colour)
    pen.area(mirrored([(0.0, -0.5), (0.66, -0.4), (0.8, -0.3), (0.5, -0.26), (0.0, -0.28)]), dark)
    pen.stroke([(-0.42, -0.52), (0.0, -0.46), (0.42, -0.52)], 0.07, mix(colour, WHITE, 0.5))


def _jewels(pen: Pen, style: Style, woman: bool) -> None:
    gem = rgb("#c9a23a")
    for k in range(13):
        t = -1 + k / 6
        pen.dot(0.36 * t, 0.98 - 0.34 * t * t + 0.05, 0.036, 0.036, mix(gem, WHITE, 0.35))
    pen.dot(0.0, 1.14, 0.075, 0.085, rgb("#9a2433"))
    pen.dot(0.0, 1.12, 0.03, 0.03, WHITE, 0.8)
    for side in (-1, 1):
        pen.dot(side * 0.41, 0.17, 0.036, 0.055, mix(gem, WHITE, 0.4))


def figure(
    c: Canvas, cx: float, base: float, height: float, style: Style, rng: Rng, sex: str
) -> None:
    """A whole person standing on (cx, base), `height` px tall."""
    s = height / (5.4 if sex == "children" else 7.0)
    pen = Pen(c, cx, base, s, style, 1.0 if rng.random() < 0.5 else -1.0)
    top = -5.4 if sex == "children" else -7.0
    skin = rgb(style.skin[int(rng.integers(len(style.skin)))])
    hair = rgb(style.hair[int(rng.integers(len(style.hair)))])
    cloth = mix(suited(style, None, rng), rgb(style.ink), float(rng.uniform(0, 0.3)))
    second = suited(style, None, rng)
    if style.technique == "painted":
        c.shadow(cx + 0.1 * s, base - 0.1 * s, 1.2 * s, 0.35 * s + 1, 0.4)
    stride, arm = float(rng.uniform(0.05, 0.4)), float(rng.uniform(-0.6, 1.0))
    legs, hip, shoulder = top * 0.5, top * 0.52, top + 1.45
    skirted = sex == "women" or style.dress in ("toga", "robe", "kimono", "turban")
    if style.dress == "kilt" and sex != "women":
        for x in (-stride, stride):
            pen.area(
                [
                    (x - 0.2, 0),
                    (x - 0.17, legs),
                    (x + 0.17, legs),
                    (x + 0.2, 0),
                    (x + 0.5, 0),
                    (x + 0.4, -0.12),
                ],
                skin,
                curve=False,
            )
    elif not skirted:
        for x in (-stride, stride):
            pen.area(
                [
                    (x * 1.2 - 0.2, 0),
                    (-0.05 + x * 0.4 - 0.2, legs),
                    (x * 0.4 + 0.32, legs),
                    (x * 1.2 + 0.2, 0),
                    (x * 1.2 + 0.45, 0),
                    (x * 1.2 + 0.3, -0.2),
                ],
                mix(cloth, BLACK, 0.45),
                curve=False,
            )
    # arm behind, body, arm before
    pen.area(
        _limb([(-0.55, shoulder + 0.25), (-0.85, shoulder + 1.2), (-0.7, shoulder + 2.1)], 0.36),
        mix(cloth, BLACK, 0.2),
        curve=False,
    )
    if style.dress == "kilt" and sex != "women":
        pen.area([(-0.62, shoulder), (0.62, shoulder), (0.42, hip), (-0.42, hip)], skin)
        pen.area(
            [(-0.45, hip - 0.3), (0.45, hip - 0.3), (0.75, hip * 0.55), (-0.65, hip * 0.6)],
            rgb(style.paper),
            curve=False,
        )
    elif skirted:
        wide = 1.15 if sex == "women" else 0.85
        pen.area(
            [
                (-0.5, shoulder),
                (0.5, shoulder),
                (0.62, shoulder + 0.6),
                (0.42, hip - 0.6),
                (0.7 * wide, hip * 0.5),
                (wide, -0.15),
                (0.0, 0.0),
                (-wide, -0.15),
                (-0.7 * wide, hip * 0.5),
                (-0.42, hip - 0.6),
                (-0.62, shoulder + 0.6),
            ],
            cloth,
            0.15,
        )
        pen.flat(
            [(-0.44, hip - 0.75), (0.44, hip - 0.75), (0.44, hip - 0.45), (-0.44, hip - 0.45)],
            second,
            curve=False,
        )
        pen.stroke(
            [(0.05, hip - 0.4), (0.2, hip * 0.5), (0.3, -0.2)], 0.07, mix(cloth, BLACK, 0.35)
        )
        pen.stroke(
            [(-0.2, hip - 0.4), (-0.35, hip * 0.5), (-0.5, -0.25)], 0.07, mix(cloth, BLACK, 0.35)
        )
    else:
        pen.area(
            [
                (-0.58, shoulder),
                (0.58, shoulder),
                (0.66, shoulder + 0.5),
                (0.5, hip),
                (0.62, hip * 0.75),
                (-0.62, hip * 0.75),
                (-0.5, hip),
                (-0.66, shoulder + 0.5),
            ],
            cloth,
            0.2,
        )
    tip = (0.75 + 0.55 * abs(arm), shoulder + 2.0 - 1.6 * max(arm, 0))
    pen.area(
        _limb([(0.5, shoulder + 0.25), (0.95, shoulder + 1.15), tip], 0.36),
        mix(cloth, WHITE, 0.08),
        curve=False,
    )
    pen.area(
        [
            (tip[0] - 0.16, tip[1] - 0.1),
            (tip[0] + 0.14, tip[1] - 0.1),
            (tip[0] + 0.16, tip[1] + 0.22),
            (tip[0] - 0.1, tip[1] + 0.24),
        ],
        skin,
    )
    # head
    pen.area(
        [(-0.17, top + 0.8), (0.17, top + 0.8), (0.2, shoulder + 0.15), (-0.2, shoulder + 0.15)],
        mix(skin, BLACK, 0.15),
        curve=False,
    )
    y = top + 0.55
    if sex == "women":
        pen.area(
            mirrored([(0.0, y - 0.62), (0.44, y - 0.4), (0.48, y + 0.2), (0.3, y + 0.75)]), hair
        )
    pen.area(
        mirrored([(0.0, y - 0.5), (0.34, y - 0.3), (0.34, y + 0.15), (0.0, y + 0.52)]), skin, 0.35
    )
    pen.area(
        [
            (-0.4, y + 0.02),
            (-0.36, y - 0.4),
            (0.0, y - 0.62),
            (0.36, y - 0.4),
            (0.4, y + 0.0),
            (0.22, y - 0.26),
            (-0.2, y - 0.22),
        ],
        hair,
    )
    for x in (-0.12, 0.16):
        pen.dot(
            x,
            y,
            0.05,
            0.05,
            rgb(style.paper) if style.technique == "silhouette" else rgb("#20140e"),
        )


def _limb(line: Points, width: float) -> Points:
    p = np.asarray(smooth(line, closed=False, n=6))
    d = np.gradient(p, axis=0)
    n = np.stack([-d[:, 1], d[:, 0]], 1) / (np.linalg.norm(d, axis=1, keepdims=True) + 1e-9)
    taper = np.linspace(width, width * 0.65, len(p))[:, None] / 2
    return [tuple(q) for q in np.concatenate([p + n * taper, (p - n * taper)[::-1]])]


PROFILE: Points = [
    (-0.05, -0.5),
    (0.2, -0.46),
    (0.32, -0.3),
    (0.34, -0.14),
    (0.33, -0.06),
    (0.47, 0.12),
    (0.44, 0.17),
    (0.35, 0.19),
    (0.39, 0.25),
    (0.36, 0.29),
    (0.38, 0.34),
    (0.34, 0.4),
    (0.35, 0.5),
    (0.26, 0.56),
    (0.08, 0.5),
    (0.06, 0.72),
    (0.2, 0.95),
    (-0.05, 1.05),
    (-0.4, 0.95),
    (-0.27, 0.62),
    (-0.34, 0.3),
    (-0.44, 0.0),
    (-0.4, -0.3),
    (-0.24, -0.47),
]


def profile(c: Canvas, cx: float, cy: float, s: float, style: Style, rng: Rng, sex: str) -> None:
    """A head in profile, for coins and cameos; head height `s`."""
    pen = Pen(c, cx, cy, s, style, 1.0 if rng.random() < 0.5 else -1.0)
    skin = rgb(style.skin[0])
    hair = rgb(style.hair[0])
    pen.area(PROFILE, skin, 0.25)
    bun = 0.2 if sex == "women" else 0.0
    pen.area(
        [
            (0.22, -0.46),
            (0.26, -0.36),
            (0.1, -0.28),
            (0.02, -0.1),
            (-0.08, 0.05),
            (-0.12, 0.25),
            (-0.3, 0.42 + bun),
            (-0.48 - bun, 0.15),
            (-0.52 - bun, -0.1),
            (-0.42, -0.42),
            (-0.1, -0.6),
        ],
        hair,
    )
    if sex != "women" and rng.random() < 0.6:
        pen.area(
            [
                (0.36, 0.22),
                (0.33, 0.3),
                (0.38, 0.38),
                (0.36, 0.6),
                (0.2, 0.72),
                (0.02, 0.52),
                (-0.05, 0.2),
                (0.05, 0.22),
                (0.15, 0.34),
            ],
            hair,
        )
    for k in range(6):
        t = k / 5
        pen.stroke(
            [(0.2 - 0.65 * t, -0.42 + 0.12 * t * 3), (0.12 - 0.65 * t, -0.52 + 0.12 * t * 3)],
            0.07,
            mix(hair, WHITE, 0.4),
        )
    pen.dot(
        0.2, -0.06, 0.05, 0.035, BLACK if style.technique != "silhouette" else rgb(style.paper), 0.8
    )
    pen.stroke(
        [(0.1, -0.14), (0.22, -0.18), (0.31, -0.14)],
        0.03,
        BLACK if style.technique != "silhouette" else rgb(style.paper),
        0.7,
    )
