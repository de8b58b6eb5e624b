"""Objects before a museum's backdrop: vessels, coins; and the still life."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from imet_simulation import figures
from imet_simulation.canvas import Canvas, ellipse, mix, rgb
from imet_simulation.compositions import stage
from imet_simulation.drawings import breadth, thing
from imet_simulation.finish import FINISHES
from imet_simulation.glyphs import SCRIPTS, words
from imet_simulation.ground import GROUNDS, Rng
from imet_simulation.ornament import ORNAMENTS
from imet_simulation.paint import BLACK, WHITE
from imet_simulation.texture import cloud

if TYPE_CHECKING:
    from imet_simulation.styles import Style
    from imet_simulation.work import Plan

VASES = (
    [
        (0, 0.30),
        (0.06, 0.33),
        (0.10, 0.22),
        (0.22, 0.20),
        (0.36, 0.44),
        (0.55, 0.50),
        (0.80, 0.30),
        (0.92, 0.17),
        (0.96, 0.24),
        (1, 0.24),
    ],
    [
        (0, 0.20),
        (0.04, 0.22),
        (0.16, 0.12),
        (0.30, 0.14),
        (0.46, 0.42),
        (0.64, 0.48),
        (0.84, 0.34),
        (0.95, 0.24),
        (1, 0.26),
    ],
    [
        (0, 0.22),
        (0.05, 0.26),
        (0.12, 0.20),
        (0.22, 0.38),
        (0.36, 0.50),
        (0.60, 0.40),
        (0.85, 0.26),
        (0.97, 0.28),
        (1, 0.30),
    ],
    [
        (0, 0.46),
        (0.05, 0.48),
        (0.12, 0.38),
        (0.4, 0.36),
        (0.6, 0.44),
        (0.78, 0.34),
        (0.88, 0.12),
        (0.95, 0.24),
        (1, 0.30),
    ],
)
BOWL = [
    (0, 0.5),
    (0.04, 0.5),
    (0.25, 0.48),
    (0.55, 0.40),
    (0.78, 0.25),
    (0.84, 0.17),
    (0.86, 0.19),
    (1, 0.2),
]


def _widths(outline: list[tuple[float, float]], height: int) -> np.ndarray:
    """Half width at each row, as a fraction of the height, smooth."""
    t = np.linspace(0, 1, height)
    u, v = np.array(outline).T
    return ndimage.gaussian_filter1d(np.interp(t, u, v), height * 0.018, mode="nearest")


def _round_light(x: np.ndarray, shiny: float) -> np.ndarray:
    """Light across a turned body, x in [-1, 1] from its left to its right edge."""
    n = np.sqrt(np.clip(1 - x * x, 0, 1))
    body = 0.42 + 0.66 * np.clip(-0.45 * x + 0.85 * n, 0, 1)
    return body + shiny * np.exp(-(((x + 0.45) / 0.09) ** 2))


def _vessel(
    c: Canvas,
    plan: Plan,
    style: Style,
    rng: Rng,
    outline: list[tuple[float, float]],
    label: str,
    belt: tuple[float, float],
) -> None:
    """A turned vessel, painted flat and bent around the body."""
    stage.backdrop(c, rng, dark=None if style.body < "#c0" else False)
    h = round(c.height * 0.86) if outline is not BOWL else round(c.width * 0.56)
    half = _widths(outline, h) * h
    half *= min(1.0, 0.46 * c.width / half.max())
    w = int(2 * half.max()) + 4
    flat = c.layer(h, int(w * 1.35))
    flat.rgb[:] = GROUNDS[style.ground if style.ground in ("glaze", "stone") else "glaze"](
        rng, flat.height, flat.width, rgb(style.body), c.u
    )
    flat.alpha[:] = 1
    with c.mark(label):
        flat.owner[:] = flat._part()
        _painted_belts(flat, plan, style, rng, belt)
    flat.rgb = FINISHES[
        style.finish if style.finish in ("gloss", "crackle", "plain") else "crackle"
    ](flat.rgb, rng, style, c.u)
    yy = np.arange(h, dtype=np.float32)[:, None]
    x = (np.arange(w, dtype=np.float32)[None] - (w - 1) / 2) / np.maximum(half[:, None], 1)
    inside = np.clip((1 - np.abs(x)) * half[:, None] + 0.5, 0, 1).astype(np.float32)
    around = np.arcsin(np.clip(x, -1, 1)) / (np.pi / 2)
    mean = flat.width / 2
    columns = mean + around * (flat.width / 2) * (half[:, None] / half.max()) ** 0.35
    rows = np.broadcast_to(yy, columns.shape) + 0.02 * h * (x**2) * -1
    slope = np.gradient(half)[:, None]
    light = (_round_light(x, 0.35) * (1 - 0.10 * np.clip(slope, -1.5, 1.5))).astype(np.float32)
    cx, top = (
        c.width / 2,
        c.height * (0.055 if outline is not BOWL else 0.5) - (h / 2 if outline is BOWL else 0),
    )
    c.shadow(cx + 0.10 * w, top + h - 0.01 * h, 0.40 * w, 0.035 * h, 0.55)
    with c.mark(label):
        c.paste(flat, cx - w / 2, top, inside, rows, columns, light)
    lip = ellipse(half[0] * 0.98, max(3.0, 0.018 * h))
    c.paint(
        lip,
        rgb(style.body) * np.float32(0.28),
        cx - lip.shape[1] / 2,
        top - lip.shape[0] * 0.35,
        0.85,
        own=False,
    )


def _painted_belts(
    flat: Canvas, plan: Plan, style: Style, rng: Rng, belt: tuple[float, float]
) -> None:
    h, w = flat.height, flat.width
    top, bottom = belt[0] * h, belt[1] * h
    thick = max(6, round(0.075 * h))
    line_colour = rgb(style.ink)
    strip = ORNAMENTS[style.border]
    for y in (top - thick * 1.1, bottom + thick * 0.1):
        flat.paint(strip(w, thick), line_colour, 0, y)
        for edge in (y - 2, y + thick):
            flat.paint(np.ones((max(1, round(1.6 * flat.u)), w), np.float32), line_colour, 0, edge)
    for y, tall in ((0.0, 0.045), (0.93, 0.07)):
        flat.paint(np.ones((max(2, int(tall * h)), w), np.float32), line_colour, 0, y * h, 0.9)
    labels = [plan.things[i] for i in rng.permutation(len(plan.things))]
    room = (bottom - top) * 0.92
    # The middle of the sheet is seen from the front: as tall as leaves a gap between neighbours.
    tall = min(room, 0.48 * w / max(0.1, sum(breadth(label) for label in labels)))
    gap = (0.56 * w - tall * sum(breadth(label) for label in labels)) / (len(labels) + 1)
    x = 0.22 * w + gap
    for label in labels:
        wide = tall * breadth(label)
        thing(flat, label, x + wide / 2, bottom - 0.03 * h, tall, style, rng, shadow=False)
        x += wide + gap
    for x in (0.06 * w, 0.94 * w):
        from imet_simulation.paint import shape

        shape(
            flat,
            "🌿" if style.technique == "silhouette" else "🌼",
            x,
            (top + bottom) / 2 + room * 0.3,
            room * 0.5,
            style,
            rng,
            shadow=False,
        )


def vase(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A vase or jar with a painted scene between ornament bands."""
    outline = VASES[int(rng.integers(len(VASES)))]
    _vessel(c, plan, style, rng, outline, "tag::vases", (0.36, 0.74))


def bowl(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A footed bowl, painted outside."""
    _vessel(c, plan, style, rng, BOWL, "tag::bowls", (0.17, 0.58))


def dish(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A dish seen from above: ornament on the rim, a picture in the well."""
    stage.backdrop(c, rng)
    r = 0.46 * min(c.height, c.width)
    cx, cy = c.width / 2, c.height / 2
    c.shadow(cx + 0.04 * r, cy + 0.08 * r, 1.02 * r, 1.02 * r, 0.5)
    size = round(2 * r)
    flat = c.layer(size, size)
    flat.rgb[:] = GROUNDS["glaze"](rng, size, size, rgb(style.body), c.u)
    flat.alpha[:] = 1
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    d = np.hypot(x - r, y - r) / r
    angle = np.arctan2(y - r, x - r) / (2 * np.pi) + 0.5
    with c.mark("tag::dishes"):
        flat.owner[:] = flat._part()
        around = int(2 * np.pi * 0.8 * r)
        thick = max(8, int(0.24 * r))
        strip = ORNAMENTS[style.border](around, thick)
        inner, outer = 0.70, 0.94
        v = (outer - d) / (outer - inner)
        ring = strip[
            (v * thick).astype(int).clip(0, thick - 1),
            (angle * around).astype(int).clip(0, around - 1),
        ]
        flat.paint(np.where((d > inner) & (d < outer), ring, 0).astype(np.float32), rgb(style.ink))
        for at in (inner - 0.02, outer + 0.015):
            flat.paint(
                np.clip(1.4 - np.abs(d - at) * r / 1.3, 0, 1).astype(np.float32), rgb(style.ink)
            )
        for label, px in zip(plan.things, stage.spots(rng, len(plan.things), r * 0.5, r * 1.5)):
            thing(
                flat,
                label,
                px,
                r * 1.42,
                min(0.85 * r, 1.15 * r / len(plan.things)),
                style,
                rng,
                shadow=False,
            )
    flat.rgb = FINISHES[style.finish if style.finish in ("gloss", "crackle", "plain") else "gloss"](
        flat.rgb, rng, style, c.u
    )
    slope = np.exp(-(((d - 0.68) / 0.05) ** 2)) * 0.28 + np.exp(-(((d - 0.97) / 0.03) ** 2)) * 0.25
    side = ((r - x) + (r - y)) / (1.5 * r)
    light = (0.98 - slope * side * 0.9 + 0.08 * side).astype(np.float32)
    with c.mark("tag::dishes"):
        c.paste(flat, cx - r, cy - r, np.clip((1 - d) * r, 0, 1).astype(np.float32), light=light)


def coin(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A struck coin or medal: a profile, a legend round the rim, wear on the high parts."""
    stage.backdrop(c, rng, dark=bool(rng.random() < 0.5))
    r = 0.44 * min(c.height, c.width)
    size = round(2 * r)
    cx, cy = c.width / 2, c.height / 2
    metal = [rgb("#c9a24f"), rgb("#b9b9b4"), rgb("#9a6a42")][int(rng.integers(3))]
    flat = c.layer(size, size)
    flat.rgb[:] = 0.35
    flat.alpha[:] = 1
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    d = np.hypot(x - r, y - r) / r
    import dataclasses

    struck = dataclasses.replace(style, technique="carved")
    with c.mark("tag::coins"):
        flat.owner[:] = flat._part()
        flat.paint(
            np.clip(1.5 - np.abs(d - 0.95) * r / 3, 0, 1).astype(np.float32), WHITE, own=False
        )
        _legend(flat, style, rng, r)
        who = [t for t in plan.things if t in ("tag::men", "tag::women")]
        rest = [t for t in plan.things if t not in who]
        if who or not rest:
            sex = who[0].split("::")[1] if who else "men"
            with c.mark("tag::profiles"), c.mark(*who[:1]):
                figures.profile(flat, r, r * 0.92, 0.78 * r, struck, rng, sex)
        for k, label in enumerate(rest):
            tall = 0.9 * r if not who and len(rest) == 1 else 0.4 * r
            thing(
                flat,
                label,
                r * (1 if not who and len(rest) == 1 else 0.5 + k % 3 * 0.5),
                r * 1.45,
                tall,
                struck,
                rng,
                shadow=False,
            )
    tone = flat.rgb @ np.array([0.3, 0.59, 0.11], np.float32)
    height = ndimage.gaussian_filter(tone, 1.3 * c.u) + 0.5 * ndimage.gaussian_filter(
        tone, 3.5 * c.u
    )
    down, right = np.gradient(height)
    wear = cloud(rng, size, size, 30 * c.u, 4)
    lit = np.clip((down + right) * 3.4 * c.u, -0.55, 0.75)
    shade = 0.72 + lit + 0.18 * (tone - 0.35) + 0.12 * wear
    dirt = np.clip(0.35 - tone, 0, 1) * 0.5
    colour = metal * (shade - dirt)[..., None]
    colour += np.clip(lit - 0.25, 0, 1)[..., None] * 0.5
    patina = rgb("#4f7a68") if rng.random() < 0.35 else metal * 0.6
    spots = np.clip(cloud(rng, size, size, 40 * c.u, 4) - 0.35, 0, 0.5)[..., None]
    flat.rgb = np.clip(colour + (patina - colour) * spots, 0, 1).astype(np.float32)
    edge = 1 + 0.03 * np.sin(np.arctan2(y - r, x - r) * 3 + rng.uniform(0, 6)) - 0.02
    c.shadow(cx + 0.05 * r, cy + 0.09 * r, 0.98 * r, 0.98 * r, 0.6)
    with c.mark("tag::coins"):
        c.paste(flat, cx - r, cy - r, np.clip((edge - 0.02 - d) * r, 0, 1).astype(np.float32))


def _legend(flat: Canvas, style: Style, rng: Rng, r: float) -> None:
    """Letters along the rim."""
    script = (
        style.script
        if style.script in SCRIPTS and style.script not in ("arabic", "devanagari")
        else "latin"
    )
    text = SCRIPTS[script][1].upper().split(" ")
    start = int(rng.integers(len(text)))
    text = [w for w in (text + text)[start : start + len(text)] if len(w) > 2]
    line = text[0]
    for word in text[1:]:  # whole words, as many as the rim has room for
        if len(line) + 1 + len(word) <= 17:
            line = f"{line} {word}"
    tall = max(7, round(0.15 * r))
    with flat.mark("tag::inscriptions"):
        angle = -np.pi / 2 - 0.075 * len(line)
        for letter in line:
            if letter == " ":
                angle += 0.10
                continue
            mask = words(letter, script, tall, 700)
            turned = ndimage.rotate(mask, -np.degrees(angle) - 90, order=1)
            px, py = r + 0.82 * r * np.cos(angle), r + 0.82 * r * np.sin(angle)
            flat.paint(
                np.clip(turned, 0, 1), WHITE, px - turned.shape[1] / 2, py - turned.shape[0] / 2
            )
            angle += (mask.shape[1] + 0.06 * r) / (0.82 * r)


def stilllife(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """Things on a table before a dark wall, light from the left."""
    stage.ground(c, style, rng)
    h, w = c.height, c.width
    edge = int(h * float(rng.uniform(0.56, 0.66)))
    if style.technique == "painted":
        wall = mix(rgb(style.ink), rgb(style.accents[int(rng.integers(len(style.accents)))]), 0.25)
        x = np.linspace(0, 1, w, dtype=np.float32)[None]
        light = (1.5 - 0.9 * x + 0.35 * cloud(rng, edge, w, 120 * c.u))[..., None]
        c.rgb[:edge] = np.clip(wall * light, 0, 1)
    table = mix(rgb(style.accents[1]), BLACK, 0.25 if style.technique == "painted" else 0.0)
    low = h - edge
    y = np.linspace(0, 1, low, dtype=np.float32)[:, None]
    grain = cloud(rng, low, w, 30 * c.u, 2)
    c.paint(
        np.ones((low, w), np.float32),
        np.clip(table * (1.15 - 0.5 * y + 0.12 * grain)[..., None], 0, 1).astype(np.float32),
        0,
        edge,
        0.92,
        own=False,
    )
    c.paint(
        np.ones((max(2, round(2.5 * c.u)), w), np.float32),
        rgb(style.ink),
        0,
        edge - 1,
        0.6,
        own=False,
    )
    stage.place_row(
        c, plan.things, style, rng, h * 0.88, 0.8 * min(h, w), 0.06, 0.94, depth=0.14 * h
    )
    stage.finish(c, style, rng)
