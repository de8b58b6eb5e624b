"""Whole figures for scenes, heads in profile for coins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imet_simulation.canvas import Canvas, mix, rgb
from imet_simulation.paint import BLACK, WHITE, suited
from imet_simulation.pen import Pen, Points, limb, mirrored

if TYPE_CHECKING:
    from imet_simulation.styles import Style

Rng = np.random.Generator


def figure(
    c: Canvas, cx: float, base: float, height: float, style: Style, rng: Rng, sex: str,
    pose: tuple[float, float] | None = None,
) -> None:  # fmt: skip
    """A whole person standing on (cx, base), `height` px tall.

    `pose` is how high the fore arm is held (-0.6 … 1) and the side it is on (1 right, -1 left).
    """
    s = height / (5.4 if sex == "children" else 7.0)
    side = 1.0 if rng.random() < 0.5 else -1.0
    pen = Pen(c, cx, base, s, style, pose[1] if pose else side)
    top = -5.4 if sex == "children" else -7.0
    skin = rgb(style.skin[int(rng.integers(len(style.skin)))])
    hair = rgb(style.hair[int(rng.integers(len(style.hair)))])
    cloth = mix(suited(style, None, rng), rgb(style.ink), float(rng.uniform(0, 0.3)))
    second = suited(style, None, rng)
    if style.technique == "painted":
        c.shadow(cx + 0.1 * s, base - 0.1 * s, 1.2 * s, 0.35 * s + 1, 0.4)
    stride, arm = float(rng.uniform(0.05, 0.4)), float(rng.uniform(-0.6, 1.0))
    arm = pose[0] if pose else arm
    coiffure = int(rng.integers(4))  # long, gathered up, under a scarf, under a hat
    apron = rng.random() < 0.4
    lower = mix(cloth, second, 0.0 if rng.random() < 0.5 else 0.8)
    legs, hip, shoulder = top * 0.5, top * 0.52, top + 1.45
    skirted = sex == "women" or style.dress in ("toga", "robe", "kimono", "turban", "sari")
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
        limb([(-0.55, shoulder + 0.25), (-0.85, shoulder + 1.2), (-0.7, shoulder + 2.1)], 0.36),
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
        skirt: Points = [
            (-0.43, hip - 0.5), (0.43, hip - 0.5), (0.7 * wide, hip * 0.5), (wide, -0.15),
            (0.0, 0.0), (-wide, -0.15), (-0.7 * wide, hip * 0.5),
        ]  # fmt: skip
        if style.technique not in ("silhouette", "carved", "goldleaf"):
            pen.flat(skirt, lower)
        if apron:
            front: Points = [(-0.3, hip - 0.5), (0.3, hip - 0.5), (0.5, -0.7), (-0.5, -0.7)]
            pen.area(front, mix(second, rgb(style.paper), 0.5), 0.1)
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
        limb([(0.5, shoulder + 0.25), (0.95, shoulder + 1.15), tip], 0.36),
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
    if sex == "women" and coiffure in (0, 3):  # to the shoulders, none under the chin
        fall: Points = [(0.0, y - 0.62), (0.44, y - 0.4), (0.5, y + 0.2), (0.44, y + 0.8),
                        (0.24, y + 0.75), (0.26, y + 0.1), (0.0, y - 0.1)]  # fmt: skip
        pen.area([*fall, *[(-a, b) for a, b in reversed(fall[1:-1])]], hair)
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
    if sex == "women" and coiffure == 1:
        pen.dot(0.0, y - 0.68, 0.22, 0.2, hair)
    elif sex == "women" and coiffure == 2:
        scarf: Points = [(0.0, y - 0.66), (0.42, y - 0.4), (0.46, y + 0.3), (0.3, y + 0.5),
                         (0.32, y - 0.1), (0.0, y - 0.34)]  # fmt: skip
        pen.area([*scarf, *[(-a, b) for a, b in reversed(scarf[1:-1])]], second)
    elif sex == "men" and coiffure == 3 and style.dress not in ("kilt", "toga"):
        pen.area(mirrored([(0.0, y - 0.86), (0.3, y - 0.8), (0.36, y - 0.34)]), second)
        pen.area(
            mirrored([(0.0, y - 0.42), (0.56, y - 0.4), (0.56, y - 0.3), (0.0, y - 0.26)]),
            mix(second, BLACK, 0.3),
        )
    for x in (-0.12, 0.16):
        pen.dot(
            x,
            y,
            0.05,
            0.05,
            rgb(style.paper) if style.technique == "silhouette" else rgb("#20140e"),
        )


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
