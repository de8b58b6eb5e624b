"""People: busts for portraits.

They are built from smooth outlines in head heights, so that a pose or a dress is a few numbers.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np

from imet_simulation.canvas import Canvas, Colour, mix, rgb
from imet_simulation.dress import DRESSES, earrings, jewels, neck, necktie, wig
from imet_simulation.paint import BLACK, WHITE, suited
from imet_simulation.pen import Pen, Points, mirrored

if TYPE_CHECKING:
    from imet_simulation.styles import Style

Rng = np.random.Generator


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
    powdered = style.dress == "court" and rng.random() < 0.7
    if powdered or rng.random() < 0.2:
        hair = mix(hair, rgb("#cfcac2"), 0.7)
    cloth = mix(suited(style, None, rng), rgb(style.ink), float(rng.uniform(0.1, 0.55)))
    cloth = _set_off(c, cloth, cx, cy + 2 * s, s)
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
    features(pen, style, rng, skin, hair, woman, turn)
    if not woman:
        _beard(pen, rng, hair, style)
    if style.dress == "kilt":
        wig(pen, style, rng, woman)
    else:
        _hair_top(pen, rng, hair, woman, turn)
    if "tag::hats" in worn:
        with c.mark("tag::hats"):
            _hat(pen, style, rng, suited(style, None, rng))
    if "tag::jewelry" in worn:
        with c.mark("tag::jewelry"):
            jewels(pen)
    if "tag::earrings" in worn:
        with c.mark("tag::earrings"):
            earrings(pen)


def _set_off(c: Canvas, colour: Colour, cx: float, cy: float, s: float) -> Colour:
    """The colour, lighter or darker where it would vanish into what is behind it."""
    rows = slice(max(0, int(cy - s)), max(1, int(cy + s)))
    columns = slice(max(0, int(cx - 1.5 * s)), int(cx + 1.5 * s))
    behind = c.rgb[rows, columns]
    if not behind.size:
        return colour
    ground = behind.mean((0, 1))
    if np.linalg.norm(colour - ground) > 0.22:
        return colour
    return mix(colour, WHITE if ground.mean() < 0.5 else BLACK, 0.4)


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
    """Dress, neck, tie; the dress is an instance of its own where it is a label."""
    marked = "tag::clothing and accessories" in worn
    with pen.c.mark("tag::clothing and accessories") if marked else nullcontext():
        name = "modern" if "tag::necktie" in worn else style.dress
        DRESSES.get(name, DRESSES["modern"])(pen, style, rng, woman, cloth, second, skin)
    neck(pen, skin)
    if style.dress == "dutch" and "tag::necktie" not in worn:
        ruff: Points = [(-0.34, 0.62), (0.0, 0.74), (0.34, 0.62)]
        pen.stroke(ruff, 0.10, mix(WHITE, rgb(style.paper), 0.15))
    if "tag::necktie" in worn:
        with pen.c.mark("tag::necktie"):
            necktie(pen, style, rng)


def features(
    pen: Pen, style: Style, rng: Rng, skin: Colour, hair: Colour, woman: bool, turn: float
) -> None:
    """Eyes, brows, nose and mouth, turned by `turn` head heights to a side."""
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
