"""What a sitter wears: one small function for each dress of the table of styles."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from imet_simulation.canvas import Colour, mix, rgb
from imet_simulation.paint import BLACK, WHITE
from imet_simulation.pen import Pen, Points, mirrored

if TYPE_CHECKING:
    from imet_simulation.styles import Style

Rng = np.random.Generator
Dress = Callable[[Pen, "Style", Rng, bool, Colour, Colour, Colour], None]


def _body(pen: Pen, woman: bool, colour: Colour) -> None:
    k = 1.0 if woman else 1.18
    half: Points = [(0.0, 0.66), (0.18, 0.62), (0.55 * k, 0.80), (0.86 * k, 1.02)]
    half += [(1.0 * k, 1.5), (1.08 * k, 2.4), (1.1 * k, 4.0)]
    pen.area(mirrored(half), colour, 0.12)


def _neckline(pen: Pen, skin: Colour, edge: Colour, deep: float = 1.3) -> None:
    cut: Points = [(0.0, 0.6), (0.3, 0.7), (0.46, 0.9), (0.24, deep - 0.08), (0.0, deep)]
    pen.flat(mirrored(cut), skin)
    line: Points = [(-0.48, 0.86), (-0.25, deep - 0.06), (0.0, deep + 0.03)]
    pen.stroke([*line, (0.25, deep - 0.06), (0.48, 0.86)], 0.08, edge)


def _folds(pen: Pen, colour: Colour, count: int = 5) -> None:
    for k in range(count):
        x = -0.8 + 1.6 * k / max(1, count - 1)
        pen.stroke([(x * 0.8, 1.3), (x, 2.2), (x * 1.15, 3.8)], 0.045, mix(colour, BLACK, 0.3))


def kimono(
    pen: Pen, style: Style, rng: Rng, woman: bool, cloth: Colour, second: Colour, skin: Colour
) -> None:
    """Crossed collars over an inner robe."""
    _body(pen, woman, cloth)
    pen.flat([(-0.24, 0.62), (0.24, 0.62), (0.05, 1.15), (-0.05, 1.15)], skin, curve=False)
    for a, b, colour in ((1, 0.0, mix(second, BLACK, 0.15)), (-1, 0.0, second)):
        band: Points = [(a * 0.22, 0.6), (a * -0.05, 1.25), (a * -0.5, 2.9), (a * -0.28, 2.9)]
        pen.flat([*band, (a * 0.12, 1.35), (a * 0.36, 0.68 + b)], colour, curve=False)
    for _ in range(9):
        x, y = float(rng.uniform(-0.95, 0.95)), float(rng.uniform(1.4, 3.0))
        pen.dot(x, y, 0.07, 0.07, mix(second, WHITE, 0.3), 0.7)


def robe(
    pen: Pen, style: Style, rng: Rng, woman: bool, cloth: Colour, second: Colour, skin: Colour
) -> None:
    """A mantle over a tunic with a patterned hem at the neck."""
    _body(pen, woman, cloth)
    pen.flat(mirrored([(0.0, 0.6), (0.22, 0.66), (0.34, 1.4), (0.3, 3.9), (0.0, 3.9)]), second)
    for side in (-1, 1):
        pen.stroke(
            [(side * 0.24, 0.7), (side * 0.36, 1.5), (side * 0.33, 3.6)], 0.07, rgb("#d9b34a")
        )
    pen.stroke([(-0.24, 0.78), (0.0, 0.98), (0.24, 0.78)], 0.09, rgb("#d9b34a"))
    _folds(pen, cloth, 4)


def toga(
    pen: Pen, style: Style, rng: Rng, woman: bool, cloth: Colour, second: Colour, skin: Colour
) -> None:
    """Cloth over one shoulder in slanting folds."""
    _body(pen, woman, mix(cloth, WHITE, 0.35))
    pen.flat(mirrored([(0.0, 0.6), (0.26, 0.68), (0.34, 0.95), (0.0, 1.12)]), skin)
    for k in range(7):
        y = 0.95 + 0.26 * k
        fold: Points = [(-0.95 + 0.1 * k, y), (-0.1, y + 0.6), (0.95, y + 0.75)]
        pen.stroke(fold, 0.05, mix(cloth, BLACK, 0.4))
    pen.stroke([(-0.7, 0.8), (0.2, 1.5), (1.0, 1.8)], 0.12, second)


def kilt(
    pen: Pen, style: Style, rng: Rng, woman: bool, cloth: Colour, second: Colour, skin: Colour
) -> None:
    """Bare shoulders under a broad collar of beads."""
    _body(pen, woman, skin)
    if woman:
        dress: Points = [(0.0, 1.25), (0.5, 1.2), (0.85, 1.6), (0.95, 4.0), (0.0, 4.0)]
        pen.flat(mirrored(dress), mix(WHITE, rgb(style.paper), 0.3))
    beads = [rgb(a) for a in style.accents]
    for k in range(5):
        r = 0.82 - 0.11 * k
        ring: Points = [
            (r * np.sin(a), 0.62 + 0.86 * r * np.cos(a)) for a in np.linspace(-1.25, 1.25, 9)
        ]
        pen.stroke(ring, 0.12, beads[k % len(beads)])


def sari(
    pen: Pen, style: Style, rng: Rng, woman: bool, cloth: Colour, second: Colour, skin: Colour
) -> None:
    """A sari drawn over the shoulder; a crossed coat and sash for men."""
    _body(pen, woman, mix(cloth, second, 0.5) if woman else mix(WHITE, cloth, 0.25))
    _neckline(pen, skin, rgb("#d9b34a"), 1.15)
    drape: Points = [(-0.95, 0.95), (-0.5, 0.76), (0.3, 1.9), (1.0, 2.6), (1.0, 4.0), (-1.0, 4.0)]
    pen.area(drape, cloth, 0.12)
    pen.stroke([(-0.55, 0.78), (0.28, 1.9), (1.02, 2.62)], 0.13, rgb("#e0b030"))
    for k in range(4):
        pen.stroke(
            [(-0.9 + 0.2 * k, 1.3), (-0.3 + 0.2 * k, 2.4), (0.1, 3.8)], 0.04, mix(cloth, BLACK, 0.3)
        )


def modern(
    pen: Pen, style: Style, rng: Rng, woman: bool, cloth: Colour, second: Colour, skin: Colour
) -> None:
    """A jacket with lapels over a white shirt; a dress with a collar."""
    _body(pen, woman, cloth)
    if woman:
        _neckline(pen, skin, mix(WHITE, second, 0.3), 1.22)
        _folds(pen, cloth, 3)
        return
    shirt: Points = [(0.0, 0.62), (0.2, 0.66), (0.16, 1.3), (0.0, 1.9)]
    pen.flat(mirrored(shirt), mix(WHITE, rgb(style.paper), 0.4), curve=False)
    for side in (-1, 1):
        lapel: Points = [(side * 0.2, 0.62), (side * 0.52, 0.86), (side * 0.36, 1.15)]
        lapel += [(side * 0.42, 1.22), (0.0, 2.1), (side * 0.12, 1.3)]
        pen.flat(lapel, mix(cloth, BLACK, 0.3), curve=False)
    for y in (2.3, 2.7):
        pen.dot(0.05, y, 0.045, 0.045, mix(cloth, BLACK, 0.6))


def georgian(
    pen: Pen, style: Style, rng: Rng, woman: bool, cloth: Colour, second: Colour, skin: Colour
) -> None:
    """A coat with a white cravat; a gown with a fichu."""
    _body(pen, woman, cloth)
    white = mix(WHITE, rgb(style.paper), 0.35)
    if woman:
        _neckline(pen, skin, white, 1.25)
        for side in (-1, 1):
            fichu: Points = [(side * 0.5, 0.8), (side * 0.75, 1.0), (side * 0.1, 1.6), (0.0, 1.4)]
            pen.area(fichu, white, 0.2)
        pen.stroke([(-0.75, 2.2), (0.0, 2.3), (0.75, 2.2)], 0.16, second)
        return
    modern(pen, style, rng, woman, cloth, second, skin)
    for k, wide in enumerate((0.24, 0.26, 0.2)):
        y = 0.70 + 0.15 * k
        pen.area(
            mirrored([(0.0, y - 0.1), (wide, y - 0.06), (wide, y + 0.08), (0.0, y + 0.14)]), white
        )


def court(
    pen: Pen, style: Style, rng: Rng, woman: bool, cloth: Colour, second: Colour, skin: Colour
) -> None:
    """Silk with lace and bows."""
    silk = mix(cloth, WHITE, 0.25)
    _body(pen, woman, silk)
    lace = mix(WHITE, rgb(style.paper), 0.25)
    if woman:
        _neckline(pen, skin, lace, 1.38)
        for k in range(3):
            x, y = 0.0, 1.55 + 0.42 * k
            for side in (-1, 1):
                bow: Points = [(x, y), (x + side * 0.3, y - 0.14), (x + side * 0.3, y + 0.14)]
                pen.area(bow, second)
        pen.stroke([(-0.2, 0.62), (0.0, 0.70), (0.2, 0.62)], 0.07, second)
        return
    for k in range(4):
        y = 0.78 + 0.2 * k
        frill: Points = [(0.0, y - 0.12), (0.2, y - 0.05), (0.17, y + 0.13), (0.0, y + 0.1)]
        pen.area(mirrored(frill), lace)
    for side in (-1, 1):
        pen.stroke(
            [(side * 0.3, 0.8), (side * 0.36, 2.0), (side * 0.42, 3.6)], 0.11, rgb("#d9b45a")
        )


def renaissance(
    pen: Pen, style: Style, rng: Rng, woman: bool, cloth: Colour, second: Colour, skin: Colour
) -> None:
    """A square neckline edged with gold; a doublet and fur collar."""
    _body(pen, woman, cloth)
    gold = rgb("#c9a03a")
    if woman:
        pen.flat([(-0.48, 0.74), (0.48, 0.74), (0.42, 1.36), (-0.42, 1.36)], skin, curve=False)
        pen.stroke(
            [(-0.5, 0.75), (-0.45, 1.36), (0.0, 1.42), (0.45, 1.36), (0.5, 0.75)], 0.09, gold
        )
        pen.stroke([(0.0, 1.45), (0.0, 2.4)], 0.05, gold)
        return
    pen.flat(mirrored([(0.0, 0.64), (0.2, 0.68), (0.24, 1.6), (0.0, 2.2)]), second)
    for side in (-1, 1):
        fur: Points = [(side * 0.2, 0.66), (side * 0.7, 0.9), (side * 0.55, 1.8), (side * 0.3, 3.2)]
        pen.area(
            [*fur, (side * 0.12, 3.2), (side * 0.26, 1.7)], mix(rgb("#8a6a44"), cloth, 0.2), 0.3
        )
    pen.stroke([(-0.6, 1.0), (0.0, 1.9), (0.6, 1.0)], 0.055, gold)
    pen.dot(0.0, 1.95, 0.09, 0.1, gold)


def dutch(
    pen: Pen, style: Style, rng: Rng, woman: bool, cloth: Colour, second: Colour, skin: Colour
) -> None:
    """Black cloth and a millstone ruff."""
    _body(pen, woman, mix(cloth, BLACK, 0.75))
    white = mix(WHITE, rgb(style.paper), 0.12)
    pen.dot(0.0, 0.74, 0.74, 0.27, mix(white, BLACK, 0.25))
    pen.dot(0.0, 0.69, 0.72, 0.24, white)
    for a in np.linspace(0.2, np.pi - 0.2, 15):
        inner, outer = (
            (0.36 * np.cos(a), 0.62 + 0.1 * np.sin(a)),
            (0.7 * np.cos(a), 0.69 + 0.23 * np.sin(a)),
        )
        pen.stroke([inner, outer], 0.02, mix(white, BLACK, 0.4))
    for y in (1.3, 1.6, 1.9, 2.2):
        pen.dot(0.0, y, 0.04, 0.04, rgb("#c9a24f"))


def turban(
    pen: Pen, style: Style, rng: Rng, woman: bool, cloth: Colour, second: Colour, skin: Colour
) -> None:
    """A brocaded caftan, closed with frogs."""
    _body(pen, woman, cloth)
    pen.flat(mirrored([(0.0, 0.6), (0.2, 0.66), (0.12, 1.2), (0.0, 1.4)]), mix(second, WHITE, 0.3))
    pen.stroke([(0.0, 1.4), (0.02, 2.6), (0.0, 3.9)], 0.09, rgb("#d9b34a"))
    for k in range(5):
        y = 1.55 + 0.36 * k
        pen.stroke([(-0.3, y), (0.0, y + 0.05), (0.3, y)], 0.06, rgb("#d9b34a"))
    for _ in range(12):
        x, y = float(rng.uniform(-0.95, 0.95)), float(rng.uniform(1.2, 3.4))
        pen.dot(x, y, 0.06, 0.08, second, 0.85)


DRESSES: dict[str, Dress] = {
    f.__name__: f
    for f in (
        kimono, robe, toga, kilt, sari, modern, georgian, court, renaissance, dutch, turban,
    )
}  # fmt: skip


def neck(pen: Pen, skin: Colour) -> None:
    """The neck, in the shadow of the chin."""
    pen.area(
        mirrored([(0.19, 0.2), (0.17, 0.5), (0.24, 0.72), (0.0, 0.86)]), mix(skin, BLACK, 0.16)
    )


def necktie(pen: Pen, style: Style, rng: Rng) -> None:
    """A striped tie under a white collar."""
    tie = rgb("#8c1f2c") if rng.random() < 0.5 else rgb("#1f2c55")
    white = mix(WHITE, rgb(style.paper), 0.3)
    shirt: Points = [(0.0, 0.66), (0.3, 0.66), (0.34, 0.9), (0.24, 1.5), (0.0, 2.3)]
    pen.flat(mirrored(shirt), white, curve=False)
    pen.area(
        [(-0.14, 0.76), (0.14, 0.76), (0.09, 1.0), (-0.09, 1.0)], mix(tie, BLACK, 0.2), curve=False
    )
    blade: Points = [(-0.09, 1.0), (0.09, 1.0), (0.24, 2.1), (0.0, 2.4), (-0.24, 2.1)]
    pen.area(blade, tie, curve=False)
    for k in range(4):
        y = 1.25 + 0.26 * k
        half = 0.12 + 0.03 * k
        pen.stroke([(-half, y + 0.06), (half, y - 0.06)], 0.06, mix(tie, WHITE, 0.65))


def jewels(pen: Pen) -> None:
    """A string of beads with a pendant stone."""
    gem = rgb("#d9b34a")
    for k in range(13):
        t = -1 + k / 6
        pen.dot(0.42 * t, 1.06 - 0.38 * t * t, 0.05, 0.05, mix(gem, WHITE, 0.35))
    pen.dot(0.0, 1.22, 0.12, 0.13, mix(gem, BLACK, 0.2))
    pen.dot(0.0, 1.22, 0.085, 0.095, rgb("#9a2433"))
    pen.dot(-0.02, 1.19, 0.03, 0.03, WHITE, 0.8)


def earrings(pen: Pen) -> None:
    """Drops at both ears."""
    gem = rgb("#d9b34a")
    for side in (-1, 1):
        pen.dot(side * 0.42, 0.16, 0.045, 0.045, mix(gem, WHITE, 0.3))
        pen.dot(side * 0.43, 0.28, 0.06, 0.10, mix(gem, WHITE, 0.5))
        pen.dot(side * 0.43, 0.31, 0.03, 0.04, rgb("#2f7a6a"))


def wig(pen: Pen, style: Style, rng: Rng, woman: bool) -> None:
    """Egyptian wig or striped headcloth, in front of the ears."""
    dark = rgb("#17100c")
    cloth = rgb(style.accents[1 % len(style.accents)])
    royal = not woman and rng.random() < 0.5
    colour = rgb("#d9a23a") if royal else dark
    for side in (-1, 1):
        lappet: Points = [(side * 0.30, -0.35), (side * 0.52, -0.30), (side * 0.60, 0.5)]
        lappet += [(side * 0.56, 1.0), (side * 0.26, 1.0), (side * 0.33, 0.2)]
        pen.area(lappet, colour, 0.15, curve=False)
        for k in range(6):
            y = -0.2 + 0.2 * k
            line: Points = [(side * 0.31, y), (side * 0.56, y + 0.03)]
            pen.stroke(line, 0.05, cloth if royal else mix(dark, WHITE, 0.25))
    pen.area(
        mirrored([(0.0, -0.66), (0.36, -0.58), (0.52, -0.3), (0.3, -0.3), (0.0, -0.34)]),
        colour,
        0.2,
    )
    pen.stroke([(-0.42, -0.33), (0.0, -0.38), (0.42, -0.33)], 0.07, cloth)
    if royal:
        pen.area(
            [(-0.06, -0.4), (-0.09, -0.62), (0.0, -0.74), (0.09, -0.62), (0.06, -0.4)],
            rgb("#d9a23a"),
        )
