"""Single exhibits: objects and swords on a backdrop, statues on plinths, fans, tablets."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from imet_simulation import people
from imet_simulation.canvas import Canvas, mix, rgb
from imet_simulation.compositions import stage
from imet_simulation.drawings import breadth, thing
from imet_simulation.ground import GROUNDS, Rng
from imet_simulation.ornament import ORNAMENTS, band, frame
from imet_simulation.paint import BLACK
from imet_simulation.pen import Pen

if TYPE_CHECKING:
    from imet_simulation.styles import Style
    from imet_simulation.work import Plan


def mount(c: Canvas, style: Style, rng: Rng, inset: float = 0.07) -> None:
    """A mount covered in the culture's own ground and border, on the museum's backdrop."""
    stage.backdrop(c, rng)
    h, w = c.height, c.width
    pad = round(inset * min(h, w))
    sheet = c.layer(h - 2 * pad, w - 2 * pad)
    stage.ground(sheet, style, rng)
    stage.strew(sheet, style, rng, 0, sheet.height)
    if style.border != "none":
        frame(sheet, style, round(0.075 * min(h, w)), int(rng.integers(3)))
    shadow = np.zeros((h, w), np.float32)
    shadow[pad + 4 : h - pad + 6, pad + 4 : w - pad + 6] = 1
    c.shade(ndimage.uniform_filter(shadow, 9), 0, 0, 0.35)
    c.paste(sheet, pad, pad)


def exhibit(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """One or two objects on a covered mount, with a soft shadow."""
    mount(c, style, rng)
    h, w = c.height, c.width
    labels = list(plan.things)
    room = w * 0.72 / max(1, len(labels))
    for label, x in zip(labels, stage.spots(rng, len(labels), 0.16 * w, 0.84 * w)):
        tall = min(0.66 * h, room * 1.05 / breadth(label))
        c.shadow(x + 0.06 * tall, h / 2 + 0.12 * tall, 0.42 * tall, 0.42 * tall, 0.35)
        thing(c, label, x, h / 2 + tall / 2, tall, style, rng, shadow=False)
    stage.finish(c, style, rng)


def sword(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A long blade hung upright beside its scabbard, both mounted in the culture's taste."""
    stage.backdrop(c, rng)
    h, w = c.height, c.width
    dark = mix(rgb(style.accents[0]), BLACK, 0.3)
    gold = rgb("#c9a24f")
    with c.mark("tag::swords"):
        _blade(c, style, rng, w * 0.32, h, w, dark, gold)
    pen = Pen(c, w * 0.70, h * 0.97, h, style)
    bend = 0.012 * h / w * 0.2
    body = [
        (-0.017, 0.0),
        (-0.02 + bend, -0.4),
        (-0.016, -0.82),
        (0.016, -0.82),
        (0.02 + bend, -0.4),
        (0.017, 0.0),
    ]
    pen.area(body, rgb(style.accents[1 % len(style.accents)]), 0.4)
    strip = ORNAMENTS[style.border](round(0.5 * h), max(6, round(0.022 * h)))
    c.paint(
        np.ascontiguousarray(strip.T), gold, w * 0.70 - strip.shape[0] / 2, h * 0.3, 0.8, own=False
    )
    rest = [t for t in plan.things if t != "tag::swords"]
    for k, label in enumerate(rest):
        thing(c, label, w * 0.5, h * (0.30 + 0.3 * k), 0.4 * w, style, rng, shadow=False)


def _blade(
    c: Canvas, style: Style, rng: Rng, cx: float, h: int, w: int, dark: np.ndarray, gold: np.ndarray
) -> None:
    pen = Pen(c, cx, h * 0.97, h, style)
    steel = rgb("#b8bec4")
    t = np.linspace(0, 1, 12)
    curve = (
        0.025 * np.sin(t * np.pi) * (1 if "asia" in style.worlds or "islam" in style.worlds else 0)
    )
    left = [(-0.016 * (1 - 0.5 * a) + b, -0.20 - 0.74 * a) for a, b in zip(t, curve)]
    right = [(0.016 * (1 - 0.5 * a) + b, -0.20 - 0.74 * a) for a, b in zip(t, curve)]
    pen.area([*left, (float(curve[-1]), -0.955), *reversed(right)], steel, 0.4, curve=False)
    pen.stroke(
        [(float(b), -0.22 - 0.7 * float(a)) for a, b in zip(t, curve)],
        0.004,
        mix(steel, BLACK, 0.5),
    )
    pen.area([(-0.013, 0.0), (-0.012, -0.19), (0.012, -0.19), (0.013, 0.0)], dark, 0.4, curve=False)
    for k in range(9):
        y = -0.02 * (k + 0.6)
        pen.stroke([(-0.012, y), (0.012, y - 0.012)], 0.003, gold)
        pen.stroke([(0.012, y), (-0.012, y - 0.012)], 0.003, gold)
    pen.area([(-0.045, -0.185), (0.045, -0.185), (0.05, -0.2), (-0.05, -0.2)], gold, 0.4)
    pen.dot(0.0, -0.002, 0.018, 0.012, gold)


def statue(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A stone head on a plinth, lit from the upper left, chipped."""
    stage.backdrop(c, rng)
    h, w = c.height, c.width
    carved = dataclasses.replace(style, technique="carved")
    flat = c.layer(h, w)
    flat.rgb[:] = 0.5
    who = [t for t in plan.things if t in ("tag::men", "tag::women")]
    sex = who[0].split("::")[1] if who else "men"
    s = 0.37 * min(h, w * 1.1)
    cx, cy = w / 2, h * 0.34
    with flat.mark("tag::sculpture"), flat.mark(*who[:1]):
        people.bust(flat, cx, cy, s, carved, rng, sex)
    cut = int(h * 0.80)
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    keep = (yy < cut + 0.03 * h * np.sin(xx / w * 9 + float(rng.uniform(0, 6)))).astype(np.float32)
    keep *= (np.abs(xx - cx) < 1.05 * s).astype(np.float32)
    keep *= (
        np.clip(1.25 - np.maximum(0, (np.abs(xx - cx) / s) ** 2 * 0.5 + (yy - cy) / h - 0.55), 0, 1)
        > 0.6
    )
    tone = flat.rgb @ np.array([0.3, 0.59, 0.11], np.float32)
    stone = rgb(style.body)
    grain = GROUNDS["stone"](rng, h, w, stone, c.u)
    height = ndimage.gaussian_filter(flat.alpha * keep, 5 * c.u) + 0.6 * ndimage.gaussian_filter(
        tone, 1.2 * c.u
    )
    down, right = np.gradient(height)
    lit = np.clip((down + right) * 5 * c.u, -0.5, 0.6)
    side = np.clip(1.12 - 0.5 * np.clip((xx - cx + 0.3 * s) / (1.6 * s), -0.4, 1), 0, 1.3)
    flat.rgb = np.clip(grain * (side * (0.46 + 0.44 * tone) + lit)[..., None], 0, 1).astype(
        np.float32
    )
    plinth = h - cut + round(0.02 * h)
    c.shadow(cx + 0.2 * s, h * 0.97, 1.3 * s, 0.08 * h, 0.5)
    block = round(0.62 * s)
    body = GROUNDS["stone"](rng, plinth, 2 * block, rgb(style.accents[-1]), c.u)
    c.paint(
        np.ones((plinth, 2 * block), np.float32),
        body * np.linspace(1.05, 0.75, 2 * block, dtype=np.float32)[None, :, None],
        cx - block,
        cut - 2,
    )
    thick = max(8, round(plinth * 0.45))
    strip = (
        ORNAMENTS[style.border](2 * block, thick)
        if style.border != "none"
        else np.zeros((thick, 2 * block), np.float32)
    )
    c.paint(
        strip, mix(rgb(style.ink), rgb(style.accents[-1]), 0.3), cx - block, cut + plinth * 0.2, 0.7
    )
    with c.mark("tag::sculpture"):
        c.paste(flat, 0, 0, keep.astype(np.float32))
    rest = [t for t in plan.things if t not in who]
    stage.medallions(c, rest, style, rng)


def fan(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A folding fan: the scene is bent over its leaf, sticks below, pleats shading it."""
    stage.backdrop(c, rng)
    h, w = c.height, c.width
    radius = min(0.96 * h, 0.56 * w)
    cx, cy = w / 2, h * 0.98
    leaf = c.layer(round(0.62 * radius), round(2.3 * radius))
    with c.mark("tag::fans"):
        stage.sky_and_land(leaf, style, rng, 0.5)
        leaf.owner[:] = leaf._part()
        leaf.edge = 0.12 * leaf.height  # below the ornament band
        stage.place_row(
            leaf,
            plan.things,
            style,
            rng,
            leaf.height * 0.9,
            0.95 * leaf.height,
            0.12,
            0.88,
            depth=0.1 * leaf.height,
            shadow=False,
        )
        if style.border != "none":
            band(leaf, style, 0, 0, leaf.width, max(6, round(0.11 * leaf.height)), 0)
        stage.finish(leaf, style, rng)
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    r = np.hypot(xx - cx, yy - cy) / radius
    a = np.arctan2(cy - yy, xx - cx)
    spread = 1.36
    along = 0.5 - (a - np.pi / 2) / (2 * spread)
    rows, columns = (1 - (r - 0.38) / 0.62) * leaf.height, along * leaf.width
    inside = ((r > 0.38) & (r < 1.0) & (np.abs(a - np.pi / 2) < spread)).astype(np.float32)
    inside = ndimage.uniform_filter(inside, 2)
    pleats = (0.92 + 0.10 * np.sign(np.sin(a * 42)) * np.clip((1.2 - r), 0.2, 1)).astype(np.float32)
    c.shade(
        ndimage.shift(ndimage.uniform_filter(inside, 9), (5 * c.u, 4 * c.u), order=0), 0, 0, 0.4
    )
    wood = mix(rgb(style.accents[0]), BLACK, 0.35)
    sticks = ((r < 0.42) & (np.abs(a - np.pi / 2) < spread) & (np.sin(a * 42) > -0.2)).astype(
        np.float32
    )
    with c.mark("tag::fans"):
        c.paint(sticks, wood)
        c.paste(leaf, 0, 0, inside, rows, columns, pleats)


def tablet(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A slab or clay tablet covered with writing, with a scene on top if there are things."""
    stage.backdrop(c, rng)
    h, w = c.height, c.width
    clay = c.layer(round(h * 0.88), round(w * 0.86))
    clay.rgb[:] = GROUNDS["stone"](rng, clay.height, clay.width, rgb(style.body), c.u)
    clay.alpha[:] = 1
    written = stage.of(plan.things, "page")
    others = [t for t in plan.things if t not in written]
    top = 0.42 if others else 0.06
    with c.mark("tag::tablets"):
        clay.owner[:] = clay._part()
        if others:
            inked = dataclasses.replace(style, technique="inked", paper=style.body)
            manner = inked if style.technique == "carved" else style
            stage.place_row(
                clay, others, manner, rng, 0.40 * clay.height, 0.36 * clay.height, shadow=False
            )
        rows = 5
        step = (0.94 - top) / rows
        for k in range(rows):
            tall = step * clay.height * 0.86
            label = (written or ["tag::inscriptions"])[0]
            tall = min(tall, 0.8 * clay.width / breadth(label))  # no line runs off the tablet
            across = max(1, int(0.84 * clay.width / (tall * breadth(label))))
            base = (top + step * (k + 1)) * clay.height
            for j in range(across):
                x = clay.width * (0.5 + 0.84 * ((j + 0.5) / across - 0.5))
                thing(clay, label, x, base, tall, style, rng, shadow=False)
        for label in written[1:]:
            thing(
                clay,
                label,
                clay.width / 2,
                0.97 * clay.height,
                0.1 * clay.height,
                style,
                rng,
                shadow=False,
            )
    yy, xx = np.mgrid[0 : clay.height, 0 : clay.width].astype(np.float32)
    nx, ny = np.abs(xx / clay.width * 2 - 1), np.abs(yy / clay.height * 2 - 1)
    d = (nx**7 + ny**7) ** (1 / 7)
    chip = ndimage.zoom(
        rng.random((9, 9)).astype(np.float32), (clay.height / 9, clay.width / 9), order=1
    )
    chip = np.pad(
        chip,
        ((0, max(0, clay.height - chip.shape[0])), (0, max(0, clay.width - chip.shape[1]))),
        mode="edge",
    )
    d = d + 0.10 * (chip[: clay.height, : clay.width] - 0.5)
    inside = np.clip((0.97 - d) * 60, 0, 1).astype(np.float32)
    light = (
        1.08 - 0.5 * np.clip(d - 0.75, 0, 1) - 0.12 * (xx / clay.width + yy / clay.height - 1)
    ).astype(np.float32)
    tone = clay.rgb @ np.array([0.3, 0.59, 0.11], np.float32)
    down, right = np.gradient(ndimage.gaussian_filter(tone, 0.8 * c.u))
    light = light + np.clip((down + right) * 1.6, -0.3, 0.3).astype(np.float32)
    left, upper = (w - clay.width) / 2, (h - clay.height) / 2
    c.shadow(w / 2 + 6, h / 2 + 8, 0.46 * w, 0.46 * h, 0.5)
    with c.mark("tag::tablets"):
        c.paste(clay, left, upper, inside, light=light)
