"""Frontal images: icons and thangkas, coats of arms, rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imet_simulation.canvas import Canvas, ellipse, mix, polygon, rgb
from imet_simulation.compositions import stage
from imet_simulation.drawings import breadth, thing, write
from imet_simulation.ground import Rng
from imet_simulation.ornament import frame
from imet_simulation.paint import BLACK, WHITE
from imet_simulation.texture import cloud

if TYPE_CHECKING:
    from imet_simulation.styles import Style
    from imet_simulation.work import Plan


def icon(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """One holy figure large in the middle, lesser things at its sides, writing above."""
    h, w = c.height, c.width
    stage.ground(c, style, rng)
    if style.ground not in ("gold", "lacquer"):
        back = mix(rgb(style.sky[0]), rgb(style.accents[0]), 0.3)
        shade = 1 + 0.2 * cloud(rng, h, w, 90 * c.u)
        c.paint(
            np.ones((h, w), np.float32),
            np.clip(back * shade[..., None], 0, 1).astype(np.float32),
            0,
            0,
            0.9,
            own=False,
        )
    stage.strew(c, style, rng, 0, h)
    thick = round(0.10 * min(h, w))
    c.edge = 1.05 * thick
    great = stage.of(plan.things, "icon") or list(plan.things[:1])
    rest = [t for t in plan.things if t not in great]
    for k, label in enumerate(great[::-1]):
        main = k == len(great) - 1
        tall = min(0.80 * h, 0.80 * w / breadth(label)) * (1.0 if main else 0.45)
        x = w / 2 if main else w * (0.25 + 0.5 * (k % 2))
        glow = ellipse(0.36 * w, 0.30 * h)
        if main and style.technique != "goldleaf":
            c.paint(
                glow,
                mix(rgb(style.accents[-1]), WHITE, 0.35),
                x - glow.shape[1] / 2,
                h * 0.40 - glow.shape[0] / 2,
                0.5,
                own=False,
            )
        thing(
            c, label, x, h - thick * 0.9 - (0 if main else 0.5 * h), tall, style, rng, shadow=False
        )
    write(c, w * 0.235, 1.25 * thick, 0.042 * h, 0.24 * w, style, rng, rgb(style.ink))
    write(c, w * 0.765, 1.25 * thick, 0.042 * h, 0.24 * w, style, rng, rgb(style.ink))
    for k, label in enumerate(rest):
        side = 0.22 if k % 2 == 0 else 0.78
        thing(
            c,
            label,
            w * side,
            h * (0.93 - 0.32 * (k // 2)),
            0.22 * min(h, w),
            style,
            rng,
            shadow=False,
        )
    frame(c, style, thick, int(rng.integers(3)))
    stage.finish(c, style, rng)


def heraldry(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A coat of arms between mantling and a motto."""
    h, w = c.height, c.width
    stage.ground(c, style, rng)
    stage.strew(c, style, rng, 0, h)
    for side in (-1, 1):
        for k in range(3):
            leaf = [
                (w / 2 + side * 0.20 * w, h * (0.25 + 0.12 * k)),
                (w / 2 + side * 0.36 * w, h * (0.16 + 0.15 * k)),
                (w / 2 + side * 0.42 * w, h * (0.34 + 0.13 * k)),
                (w / 2 + side * 0.28 * w, h * (0.42 + 0.10 * k)),
            ]
            mask, x, y = polygon(leaf)
            c.paint(mask, rgb(style.accents[k % len(style.accents)]), x, y, 0.9)
    c.edge = 0.085 * min(h, w)
    rest = [t for t in plan.things if t != "tag::coat of arms"]
    thing(c, "tag::coat of arms", w / 2, 0.80 * h, 0.62 * min(h, w * 1.2), style, rng, shadow=False)
    write(c, w / 2, 0.82 * h, 0.05 * h, 0.5 * w, style, rng, rgb(style.ink))
    for k, label in enumerate(rest):
        at, low = w * (0.16 if k % 2 == 0 else 0.84), h * (0.90 - 0.22 * (k // 2))
        thing(c, label, at, low, 0.2 * min(h, w), style, rng, shadow=False)
    if style.border != "none":
        frame(c, style, round(0.08 * min(h, w)), int(rng.integers(3)))
    stage.finish(c, style, rng)


def interior(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A room in perspective: chequered floor, light from a window, furniture, people."""
    stage.ground(c, style, rng)
    with c.mark("tag::interiors"):
        c.owner[:] = c._part()
        _room(c, plan, style, rng)
    stage.finish(c, style, rng)


def _room(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    h, w = c.height, c.width
    edge = int(h * float(rng.uniform(0.60, 0.68)))
    wall = mix(rgb(style.accents[0]), rgb(style.paper), 0.45)
    x = np.linspace(0, 1, w, dtype=np.float32)[None]
    light = (1.15 - 0.5 * x + 0.12 * cloud(rng, edge, w, 90 * c.u))[..., None]
    c.paint(
        np.ones((edge, w), np.float32),
        np.clip(wall * light, 0, 1).astype(np.float32),
        0,
        0,
        0.92,
        own=False,
    )
    low = h - edge
    depth = 1 / (np.arange(low, dtype=np.float32) / low + 0.22)
    across = (np.arange(w, dtype=np.float32)[None] - w / 2) * depth[:, None] / w * 3.4
    check = ((np.floor(across + 50) + np.floor(depth * 2.4)[:, None]) % 2).astype(np.float32)
    pale, dark = (
        mix(rgb(style.paper), BLACK, 0.12),
        mix(rgb(style.ink), rgb(style.accents[1]), 0.45),
    )
    floor = pale + (dark - pale) * check[..., None]
    c.paint(np.ones((low, w), np.float32), floor.astype(np.float32), 0, edge, 0.92, own=False)
    beam, bx, by = polygon(
        [(0.02 * w, 0.12 * h), (0.02 * w, 0.4 * h), (0.55 * w, h), (0.95 * w, h)]
    )
    c.paint(beam, WHITE, bx, by, 0.16, own=False)
    skirting = np.ones((max(2, round(0.018 * h)), w), np.float32)
    c.paint(skirting, rgb(style.ink), 0, edge - skirting.shape[0], 0.6, own=False)
    hung = [t for t in plan.things if t in ("tag::windows", "tag::mirrors", "tag::clocks")]
    for label, px in zip(hung, stage.spots(rng, len(hung), 0.08 * w, 0.92 * w)):
        tall = 0.5 * edge
        thing(c, label, px, edge * 0.72, tall, style, rng, shadow=False)
        c.taken.append((px - 0.45 * tall, px + 0.45 * tall, 1.0))  # nobody stands before it
    doors = [t for t in plan.things if t == "tag::doors"]
    for label in doors:
        px, tall = w * float(rng.uniform(0.15, 0.85)), 0.8 * edge
        thing(c, label, px, edge + 2, tall, style, rng, shadow=False)
        c.taken.append((px - 0.3 * tall, px + 0.3 * tall, 1.0))
    rest = [t for t in plan.things if t not in (*hung, *doors)]
    stage.place_row(c, rest, style, rng, h * 0.95, 0.66 * min(h, w), depth=0.4 * low)
