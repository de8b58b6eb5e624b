"""Architecture seen face on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imet_simulation.canvas import Canvas, Colour, mix, polygon, rgb
from imet_simulation.compositions import stage
from imet_simulation.drawings import thing
from imet_simulation.ground import Rng
from imet_simulation.ornament import band
from imet_simulation.paint import BLACK, WHITE

if TYPE_CHECKING:
    from imet_simulation.styles import Style
    from imet_simulation.work import Plan


def facade(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A building face on: roof or pediment, a string course, what the plan names in its bays."""
    h, w = c.height, c.width
    stage.sky_and_land(c, style, rng, 0.9)
    wall = mix(rgb(style.land), rgb(style.paper), 0.62)
    if style.technique == "carved":
        wall = WHITE * np.float32(0.72)
    x0, x1, y0, y1 = 0.07 * w, 0.93 * w, 0.33 * h, 0.91 * h
    labels = list(plan.things)
    with c.mark("tag::architecture"):
        _wall(c, x0, x1, y0, y1, wall)
        if "tag::pediments" in labels:
            tall = min(0.31 * h, (x1 - x0) / 2.72)
            thing(c, "tag::pediments", w / 2, y0 + 0.01 * h, tall, style, rng, shadow=False)
        else:
            _roof(c, x0, x1, y0, style)
        if style.border != "none":
            thick = max(8, round(0.07 * h))
            band(c, style, round(x0), round(y0), round(x1 - x0), thick, 1)
        bays = [
            t for t in stage.of(labels, "facade") if t not in ("tag::pediments", "tag::columns")
        ]
        _bays(c, bays, x0, x1, y0 + 0.08 * h, y1, style, rng)
        if "tag::columns" in labels:
            for k in range(4):
                x = x0 + (x1 - x0) * (0.06 + 0.88 * k / 3)
                thing(c, "tag::columns", x, y1, y1 - y0 - 0.06 * h, style, rng, shadow=False)
        for k in range(3):
            long = round((x1 - x0) * (1.0 + 0.04 * k))
            step = np.ones((max(3, round(0.02 * h)), long), np.float32)
            c.paint(step, mix(wall, BLACK, 0.14 + 0.1 * k), w / 2 - long / 2, y1 + k * 0.02 * h)
    rest = [t for t in labels if t not in stage.of(labels, "facade")]
    stage.place_row(c, rest, style, rng, 0.985 * h, 0.36 * min(h, w))
    stage.finish(c, style, rng)


def _wall(c: Canvas, x0: float, x1: float, y0: float, y1: float, wall: Colour) -> None:
    """Courses of ashlar, the joints staggered, quoins at the corners, light from the left."""
    body, left, top = polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    h, w = body.shape
    course, block = 11 * c.u, 26 * c.u
    y = np.arange(h, dtype=np.float32)[:, None]
    x = np.arange(w, dtype=np.float32)[None]
    row = np.floor(y / course)
    joints = (np.abs((y / course) % 1 - 0.5) > 0.44) | (
        np.abs((x / block + 0.5 * (row % 2)) % 1 - 0.5) > 0.475
    )
    quoin = (np.minimum(x, w - 1 - x) < (14 + 8 * (row % 2)) * c.u) * 0.08
    tint = 0.05 * np.sin(row * 12.9 + np.floor(x / block + 0.5 * (row % 2)) * 78.2)
    tone = (1 - 0.16 * joints + quoin + tint) * np.linspace(1.05, 0.84, w, dtype=np.float32)[None]
    c.paint(body, np.clip(wall * tone[..., None], 0, 1).astype(np.float32), left, top)


def _roof(c: Canvas, x0: float, x1: float, y0: float, style: Style) -> None:
    """A hipped roof of tiles with an overhanging eave and two chimneys."""
    h, w = c.height, c.width
    tiles = mix(rgb(style.accents[0]), BLACK, 0.25)
    for x in (0.30, 0.70):
        stack, left, top = polygon(
            [(w * x, 0.08 * h), (w * (x + 0.05), 0.08 * h), (w * (x + 0.05), y0), (w * x, y0)]
        )
        c.paint(stack, mix(tiles, rgb(style.paper), 0.25), left, top)
    eave = 0.03 * w
    cap, left, top = polygon(
        [
            (x0 - eave, y0 + 0.01 * h),
            (x1 + eave, y0 + 0.01 * h),
            (x1 - 0.10 * w, 0.14 * h),
            (x0 + 0.10 * w, 0.14 * h),
        ]
    )
    down = np.arange(cap.shape[0], dtype=np.float32)[:, None]
    along = np.arange(cap.shape[1], dtype=np.float32)[None]
    pitch = 8 * c.u
    scale = np.abs((along / pitch + 0.5 * (np.floor(down / pitch) % 2)) % 1 - 0.5)
    rows = 1 - 0.28 * (((down / pitch) % 1) > 0.55 + 0.5 * scale)
    c.paint(cap, np.clip(tiles * rows[..., None], 0, 1).astype(np.float32), left, top)


def _bays(
    c: Canvas, bays: list[str], x0: float, x1: float, y0: float, y1: float, style: Style, rng: Rng
) -> None:
    """Doors and arches stand on the ground, windows in rows above or beside them."""
    standing = [t for t in bays if t != "tag::windows"]
    tall = y1 - y0
    if standing:
        n = 3
        for k in range(n):
            label = standing[k % len(standing)]
            if label == "tag::doors" and n == 3 and k != 1 and "tag::windows" in bays:
                continue
            x = x0 + (x1 - x0) * (k + 0.5) / n
            size = min((0.62 if "tag::windows" in bays else 0.86) * tall, 0.92 * (x1 - x0) / n)
            thing(c, label, x, y1, size, style, rng, shadow=False)
    if "tag::windows" in bays:
        rows = (0.34,) if standing else (0.44, 0.92)
        for down in rows:
            for k in range(3 if not standing else 4):
                x = x0 + (x1 - x0) * (k + 0.5) / (3 if not standing else 4)
                size = min((0.26 if standing else 0.36) * tall, 0.24 * (x1 - x0))
                thing(c, "tag::windows", x, y0 + down * tall, size, style, rng, shadow=False)
