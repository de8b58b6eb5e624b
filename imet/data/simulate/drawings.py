"""Things that a glyph would not do: drawn by hand, one small function each.

A drawing takes (canvas, cx, base, height, style, rng, label) and paints the thing standing on
(cx, base); whoever calls it has opened the label's mark.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from imet.data.simulate import people
from imet.data.simulate.canvas import Canvas, ellipse, mix, polygon, rgb
from imet.data.simulate.emblem import emblem
from imet.data.simulate.glyphs import SCRIPTS, glyph, words
from imet.data.simulate.ground import Rng, noise
from imet.data.simulate.paint import BLACK, WHITE, part, shape, suited
from imet.data.simulate.things import THINGS

if TYPE_CHECKING:
    from imet.data.simulate.styles import Style

Drawing = Callable[[Canvas, float, float, float, "Style", Rng, str], None]


def figure(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A standing person."""
    people.figure(c, cx, base, h, style, rng, label.split("::")[1])


def mountains(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """A peak with a lit and a shaded flank and snow."""
    wide = h * float(rng.uniform(0.9, 1.4))
    n = 22
    t = np.linspace(-1, 1, n)
    jag = rng.normal(0, 0.03, n) * (1 - np.abs(t))
    ridge = (1 - np.abs(t)) ** 1.25 + jag
    ridge = np.maximum(ridge, 0)
    colour = suited(style, "#5a6a86", rng)
    points = [(cx + wide * a, base - h * b) for a, b in zip(t, ridge)]
    mask, x, y = polygon([*points, (cx + wide, base), (cx - wide, base)])
    part(c, mask, x, y, colour, style, 0.3)
    peak = int(np.argmax(ridge))
    shade = [points[peak], *points[peak:], (cx + wide, base), (cx + 0.12 * wide, base)]
    mask, x, y = polygon(shade)
    c.paint(mask, mix(colour, rgb(style.ink), 0.55), x, y, 0.45, own=False)
    cap = [p for p in points if p[1] < base - 0.68 * h]
    if len(cap) > 2:
        low = [
            (a, base - 0.66 * h + (0.06 * h if k % 2 else -0.03 * h))
            for k, (a, _) in enumerate(reversed(cap))
        ]
        mask, x, y = polygon([*cap, *low])
        c.paint(mask, mix(WHITE, rgb(style.paper), 0.35), x, y, 0.95, own=False)


def water(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A lake reaching across: ripples and a bright far shore."""
    w = int(c.width * 0.9)
    top = ellipse(w / 2, max(4, h / 2))
    colour = rgb(style.water)
    y = np.linspace(0, 1, top.shape[0], dtype=np.float32)[:, None, None]
    ripples = 1 + 0.10 * np.sin(
        y * 60 + noise(rng, top.shape[0], top.shape[1], 6 * c.u, 5)[..., None] * 3
    )
    tone = (
        mix(colour, WHITE, 0.35) + (mix(colour, rgb(style.ink), 0.3) - mix(colour, WHITE, 0.35)) * y
    ) * ripples
    c.paint(top, np.clip(tone, 0, 1).astype(np.float32), cx - w / 2, base - top.shape[0])


def bodhisattva(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """Avalokiteshvara: seated on a lotus, many arms about a halo, a tower of small heads."""
    s = h / 5.2
    pen = people.Pen(c, cx, base - 2.3 * s, s, style)
    gold = suited(style, "#d9a93a", rng)
    skin = mix(rgb(style.skin[0]), gold, 0.35)
    red = suited(style, "#a8322f", rng)
    blue = suited(style, "#3a6a9a", rng)
    ring = people.mirrored([(0.0, -2.0), (1.25, -1.5), (1.7, -0.3), (1.35, 1.0), (0.0, 1.3)])
    pen.area(ring, mix(blue, rgb(style.paper), 0.25), 0.1)
    pen.area([(x * 0.86, y * 0.86) for x, y in ring], mix(gold, rgb(style.paper), 0.2), 0.1)
    for k in range(6):  # the arms behind, fanned
        a = -1.15 + 0.42 * k
        for side in (-1, 1):
            tip = (side * 1.5 * np.cos(a * 0.8), -0.2 + 1.35 * np.sin(a))
            pen.area(
                people._limb(
                    [(side * 0.4, 0.1), (side * 0.9 * np.cos(a), 0.1 + 0.5 * np.sin(a)), tip], 0.22
                ),
                skin,
                curve=False,
            )
    pen.area(
        people.mirrored([(0.0, 1.0), (0.9, 1.2), (1.5, 1.55), (1.2, 1.85), (0.0, 1.9)]), red, 0.2
    )
    pen.area(
        people.mirrored([(0.2, 0.0), (0.62, 0.12), (0.5, 0.8), (0.62, 1.4), (0.0, 1.5)]), skin, 0.3
    )
    pen.stroke([(-0.5, 0.15), (0.1, 0.7), (0.5, 1.3)], 0.2, red)
    for side in (-1, 1):
        pen.area(
            people._limb([(side * 0.55, 0.2), (side * 0.8, 0.9), (side * 0.1, 1.05)], 0.26),
            skin,
            curve=False,
        )
    pen.area(people.mirrored([(0.0, -1.0), (0.36, -0.75), (0.36, -0.2), (0.0, 0.1)]), skin, 0.35)
    for row, count in ((-1.05, 3), (-1.45, 2), (-1.8, 1)):
        for k in range(count):
            x = (k - (count - 1) / 2) * 0.3
            pen.area(
                [
                    (x - 0.14, row - 0.2),
                    (x + 0.14, row - 0.2),
                    (x + 0.13, row + 0.1),
                    (x, row + 0.2),
                    (x - 0.13, row + 0.1),
                ],
                skin,
            )
    pen.area(
        people.mirrored([(0.0, -1.02), (0.42, -1.1), (0.4, -0.75), (0.0, -0.7)]), gold, curve=False
    )
    for x in (-0.14, 0.14):
        pen.stroke(
            [(x - 0.09, -0.45), (x, -0.41), (x + 0.09, -0.45)],
            0.035,
            BLACK if style.technique != "silhouette" else rgb(style.paper),
        )
    pen.flat([(-0.09, -0.12), (0.0, -0.15), (0.09, -0.12), (0.0, -0.07)], red)
    for k in range(7):
        x = -1.5 + 0.5 * k
        pen.area(
            [(x - 0.3, 2.3), (x - 0.24, 1.9), (x, 1.68), (x + 0.24, 1.9), (x + 0.3, 2.3)],
            mix(suited(style, "#c9788c", rng), WHITE, 0.25),
        )


def washington(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """George Washington: white queue, dark coat, white jabot, epaulettes."""
    s = h / 2.6
    pen = people.Pen(c, cx, base - 1.9 * s, s, style)
    skin, white = rgb("#e8bd9c"), mix(WHITE, rgb(style.paper), 0.25)
    coat = rgb("#27324c")
    pen.area(
        people.mirrored([(0.0, 0.6), (0.55, 0.8), (1.0, 1.05), (1.15, 1.9)]),
        coat,
        0.12,
        curve=False,
    )
    pen.area(
        people.mirrored([(0.0, 0.5), (0.22, 0.55), (0.2, 1.0), (0.12, 1.9)]), white, curve=False
    )
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
            [(-0.14, 0.72 + 0.13 * k), (0.0, 0.8 + 0.13 * k), (0.14, 0.72 + 0.13 * k)],
            0.03,
            mix(white, BLACK, 0.35),
        )
    pen.area(
        people.mirrored([(0.0, -0.66), (0.36, -0.58), (0.5, -0.2), (0.56, 0.2), (0.4, 0.4)]),
        white,
        0.3,
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
                mix(white, BLACK, 0.35),
            )
    pen.area(
        people.mirrored(
            [(0.0, -0.48), (0.27, -0.42), (0.37, -0.14), (0.36, 0.14), (0.28, 0.38), (0.12, 0.5)]
        ),
        skin,
        0.35,
    )
    people._face(pen, style, rng, skin, rgb("#b9aca0"), False, 0.05)
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


def inscription(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str
) -> None:
    """A line of writing in the culture's script, cut to about six heights long."""
    write(c, cx, base - h, h, h * 6, style, rng, rgb(style.ink))


def write(
    c: Canvas, cx: float, top: float, h: float, room: float, style: Style, rng: Rng, ink: np.ndarray
) -> None:
    """Writing centred on cx, `h` px tall, at most `room` px long."""
    h = max(6, round(h))
    if style.script in ("cjk", "glyphs"):
        signs = CJK if style.script == "cjk" else HIEROGLYPHS
        x = cx - room / 2
        while x + h <= cx + room / 2:
            g = glyph(signs[int(rng.integers(len(signs)))], h)
            c.paint(g.line, ink, x + (h - g.body.shape[1]) / 2, top)
            x += h * 1.15
        return
    text = SCRIPTS[style.script][1].split(" ")
    start = int(rng.integers(len(text)))
    chosen = text[start]
    for extra in (text + text)[start + 1 : start + 5]:
        mask = words(f"{chosen} {extra}", style.script, h)
        if mask.shape[1] > room:
            break
        chosen = f"{chosen} {extra}"
    mask = words(chosen, style.script, h)
    if mask.shape[1] > room:
        mask = mask[:, : int(room)]
    c.paint(mask, ink, cx - mask.shape[1] / 2, top)


CJK = [f"cjk:{k}" for k in "祝無指空合満有月申営得可"]
HIEROGLYPHS = [
    "🐦",
    "👁",
    "🐍",
    "🪶",
    "🦉",
    "🦅",
    "🪲",
    "sym:☥",
    "🦶",
    "✋",
    "🐂",
    "🌊",
    "🦆",
    "🏺",
    "☀",
    "🐇",
]


def arms(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A shield quartered in two tinctures, with charges and a crown."""
    w = h * 0.78
    n = 9
    right = [
        (w / 2 * np.cos(t * 0.9) ** 0.6, h * 0.28 + h * 0.52 * np.sin(t))
        for t in np.linspace(0, np.pi / 2, n)
    ]
    top = base - h * 0.8
    outline = [
        (cx - w / 2, top),
        (cx + w / 2, top),
        *[(cx + a, top + b) for a, b in right],
        *[(cx - a, top + b) for a, b in reversed(right)],
    ]
    first, second = suited(style, "#a8322f", rng), suited(style, "#d9b34a", rng)
    mask, x, y = polygon(outline)
    part(c, mask, x, y, first, style, 0.08)
    quarter = mask.copy()
    mh, mw = mask.shape
    quarter[: mh // 2, mw // 2 :] = 0
    quarter[mh // 2 :, : mw // 2] = 0
    c.paint(quarter, second, x, y, 0.95, own=False)
    for k, name in enumerate(("🦁", "⚜", "⚜", "🦁")):
        g = glyph(name, max(6, int(mh * 0.3)), False, 600)
        qx, qy = x + mw * (0.27 if k % 2 == 0 else 0.73), y + mh * (0.27 if k < 2 else 0.66)
        c.paint(
            g.line, rgb(style.ink), qx - g.body.shape[1] / 2, qy - g.body.shape[0] / 2, own=False
        )
    shape(c, "👑", cx, top - 1, h * 0.24, style, rng, "#d9b34a", False, shadow=False)


DRAWINGS: dict[str, Drawing] = {
    f.__name__: f for f in (figure, mountains, water, bodhisattva, washington, inscription, arms)
}


def thing(
    c: Canvas,
    label: str,
    cx: float,
    base: float,
    height: float,
    style: Style,
    rng: Rng,
    fade: float = 0.0,
    shadow: bool = True,
) -> None:
    """Draw a label's thing standing on (cx, base), `height` px tall."""
    with c.mark(label):
        entry = THINGS.get(label)
        if entry is None:
            emblem(c, label, cx, base, height, style)
        elif entry.drawn:
            DRAWINGS[entry.drawn](c, cx, base, height, style, rng, label)
        else:
            name = entry.shapes[int(rng.integers(len(entry.shapes)))]
            shape(c, name, cx, base, height, style, rng, entry.hue, fade=fade, shadow=shadow)
