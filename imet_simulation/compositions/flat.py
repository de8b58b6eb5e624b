"""Flat works: rugs, tiles, manuscript pages, reliefs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from imet_simulation.canvas import Canvas, mix, rgb
from imet_simulation.compositions import stage
from imet_simulation.compositions.scenes import scenery
from imet_simulation.drawings import thing, write
from imet_simulation.finish import FINISHES
from imet_simulation.ground import Rng
from imet_simulation.ornament import ORNAMENTS, frame
from imet_simulation.things import THINGS

if TYPE_CHECKING:
    from imet_simulation.styles import Style
    from imet_simulation.work import Plan


def rug(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """Borders within borders, latched medallions in the field, small things in the corners."""
    h, w = c.height, c.width
    small = min(h, w)
    with c.mark("tag::carpets and rugs"):
        stage.ground(c, style, rng, style.accents[0])
        c.owner[:] = c._part()
        at = 0
        for k, part in enumerate((0.035, 0.10, 0.03)):
            thick = max(5, round(part * small))
            frame(c, style, thick, k + 1, at, at, w - at, h - at)
            at += thick
        with c.mark("tag::geometric patterns"):
            count = max(1, round((h - 2 * at) / (0.62 * w)))
            step = (h - 2 * at) / count
            for k in range(count):
                _medallion(
                    c, style, rng, w / 2, at + step * (k + 0.5), 0.44 * (w - 2 * at), 0.48 * step, k
                )
        room = 0.25 * small
        row = (list(plan.things) * 4)[: max(4, len(plan.things))]
        corners = [
            (at + 0.14 * w, at + 0.16 * h),
            (w - at - 0.14 * w, at + 0.16 * h),
            (at + 0.14 * w, h - at - 0.03 * h),
            (w - at - 0.14 * w, h - at - 0.03 * h),
        ]
        for label, (x, y) in zip(row, corners):
            thing(c, label, x, y, room, style, rng, shadow=False)
        for label in row[4:]:
            thing(c, label, w / 2, h / 2 + room / 2, room, style, rng, shadow=False)
    stage.finish(c, style, rng)


def _medallion(
    c: Canvas, style: Style, rng: Rng, cx: float, cy: float, rx: float, ry: float, k: int
) -> None:
    """A stepped, hooked diamond of nested colours."""
    h, w = max(4, round(2 * ry)), max(4, round(2 * rx))
    y = np.abs(np.linspace(-1, 1, h, dtype=np.float32))[:, None]
    x = np.abs(np.linspace(-1, 1, w, dtype=np.float32))[None]
    steps = 9
    d = np.floor(y * steps) / steps + np.floor(x * steps) / steps
    hooks = 0.10 * (((np.floor(y * steps * 2) % 2) * (np.floor(x * steps * 2) % 2)) > 0)
    accents = [rgb(a) for a in style.accents]
    for j, size in enumerate((1.0, 0.84, 0.62, 0.46, 0.24, 0.12)):
        mask = ((d + (hooks if j % 2 == 0 else 0)) < size).astype(np.float32)
        c.paint(mask, accents[(k + j + 1) % len(accents)], cx - w / 2, cy - h / 2)


def tile(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A panel of glazed tiles: star lattice, things in the stars, joints between."""
    stage.ground(c, style, rng)
    h, w = c.height, c.width
    small = min(h, w)
    y = (np.arange(h, dtype=np.float32)[:, None] / small * 2) % 1 - 0.5
    x = (np.arange(w, dtype=np.float32)[None] / small * 2) % 1 - 0.5
    a, b = np.abs(y), np.abs(x)
    star = np.minimum(np.maximum(a, b), (a + b) / 1.414)
    with c.mark("tag::geometric patterns"):
        c.owner[:] = c._part()
        edge = np.clip((np.abs(star - 0.36) - 0.022) * -small / 2, 0, 1)
        c.paint(
            np.clip((0.36 - star) * small, 0, 1).astype(np.float32),
            mix(rgb(style.accents[0]), rgb(style.paper), 0.2),
        )
        c.paint(edge.astype(np.float32), rgb(style.paper))
        c.paint(
            np.clip((star - 0.44) * small / 2, 0, 1).astype(np.float32),
            rgb(style.accents[1 % len(style.accents)]),
        )
    row = (list(plan.things) * 4)[: max(4, len(plan.things))]
    for k, label in enumerate(row[:4]):
        thing(
            c,
            label,
            w * (0.25 + 0.5 * (k % 2)),
            h * (0.25 + 0.5 * (k // 2)) + 0.13 * small,
            0.27 * small,
            style,
            rng,
            shadow=False,
        )
    joint = np.exp(-np.minimum(np.abs(a - 0.5), np.abs(b - 0.5)) * 160)
    c.rgb *= (1 - 0.4 * joint)[..., None]
    frame(c, style, round(0.075 * small), 2)
    stage.finish(c, style, rng, style.finish if style.finish in ("gloss", "mosaic") else "crackle")


def page(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A manuscript page: a miniature between lines of writing, an illuminated border."""
    h, w = c.height, c.width
    with c.mark("tag::manuscripts"):
        stage.ground(c, style, rng)
        c.owner[:] = c._part()
        thick = round(0.10 * w)
        frame(c, style, thick, int(rng.integers(2)))
        inner_w = w - 2 * thick
        line = max(8, round(0.045 * h))
        top = round(thick + 0.03 * h)
        written = stage.of(plan.things, "page")
        with c.mark(*written):
            for k in range(2):
                write(
                    c, w / 2, top + k * line * 1.5, line, inner_w * 0.9, style, rng, rgb(style.ink)
                )
            for k in range(2):
                write(
                    c,
                    w / 2,
                    h - top - line - k * line * 1.5,
                    line,
                    inner_w * 0.9,
                    style,
                    rng,
                    rgb(style.ink),
                )
        y0, y1 = top + round(3.1 * line), h - top - round(3.1 * line)
        picture = c.layer(y1 - y0, round(inner_w * 0.92))
        stage.sky_and_land(picture, style, rng, 0.45)
        picture.edge = 0.02 * picture.width
        shown = [t for t in plan.things if t not in written]
        behind = scenery(picture, shown, style, rng, 0.45)
        before = [t for t in shown if t not in behind]
        small = min(picture.height, picture.width)
        stage.place_row(
            picture, before, style, rng, picture.height * 0.95, 0.66 * small,
            depth=0.06 * picture.height,
        )  # fmt: skip
        left = (w - picture.width) // 2
        c.paste(picture, left, y0)
        box = np.zeros((picture.height, picture.width), np.float32)
        t = max(2, round(2 * c.u))
        box[:t], box[-t:], box[:, :t], box[:, -t:] = 1, 1, 1, 1
        c.paint(box, rgb(style.accents[min(2, len(style.accents) - 1)]), left, y0)
    stage.finish(c, style, rng)


def relief(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A carved slab: figures raised from the stone, a worn moulding, broken edges."""
    carved = dataclasses.replace(style, technique="carved")
    c.rgb[:] = 0.5
    c.alpha[:] = 1
    h, w = c.height, c.width
    with c.mark("tag::sculpture"):
        c.owner[:] = c._part()
        c.edge = 0.12 * h
        things = list(plan.things)
        biggest = max((THINGS[t].size if t in THINGS else 0.35 for t in things), default=0.35)
        size = 0.66 * h * min(2.0, 0.6 / biggest)  # a cat alone fills its slab as a man does
        stage.place_row(c, things, carved, rng, 0.87 * h, size, shadow=False)
    for y in (0.03 * h, 0.88 * h):
        thick = round(0.08 * h)
        c.paint(ORNAMENTS[style.border](w, thick), np.full(3, 0.8, np.float32), 0, y)
    c.rgb = FINISHES["carved"](c.rgb, rng, style, c.u)
