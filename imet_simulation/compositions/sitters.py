"""Portraits and photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imet_simulation import people
from imet_simulation.canvas import Canvas, ellipse, mix, rgb
from imet_simulation.compositions import stage
from imet_simulation.drawings import DRAWINGS
from imet_simulation.finish import FINISHES
from imet_simulation.ground import GROUNDS, Rng
from imet_simulation.ornament import frame
from imet_simulation.texture import cloud

if TYPE_CHECKING:
    from imet_simulation.styles import Style
    from imet_simulation.work import Plan

SITTERS = ("tag::men", "tag::women", "tag::children")


def _sitter(
    c: Canvas, plan: Plan, style: Style, rng: Rng, cx: float, cy: float, s: float
) -> list[str]:
    """Seat whoever the plan names; returns the labels shown."""
    worn = tuple(stage.of(plan.things, "worn"))
    who = [t for t in plan.things if t in SITTERS]
    if "tag::george washington" in plan.things:
        with c.mark("tag::portraits", "tag::george washington", *who[:1]):
            DRAWINGS["washington"](c, cx, cy + 3.6 * s, 4.9 * s, style, rng, "")
        return ["tag::george washington", *who[:1], *worn]
    sex = who[0] if who else "tag::men"
    with c.mark("tag::portraits"), c.mark(*who[:1]):
        people.bust(c, cx, cy, s, style, rng, sex.split("::")[1], worn)
    return [*who[:1], *worn]


def _others(c: Canvas, plan: Plan, shown: list[str], style: Style, rng: Rng) -> None:
    rest = [t for t in plan.things if t not in shown]
    c.edge = 0.09 * min(c.height, c.width)
    stage.medallions(c, rest, style, rng)


def portrait(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A sitter against a plain or clouded ground, the border where the culture has one."""
    stage.ground(c, style, rng)
    h, w = c.height, c.width
    if style.technique == "painted":
        dark = mix(rgb(style.accents[int(rng.integers(len(style.accents)))]), rgb(style.ink), 0.55)
        tone = dark * (1 + 0.5 * cloud(rng, h, w, 150 * c.u))[..., None]
        y = np.linspace(-1, 1, h, dtype=np.float32)[:, None]
        x = np.linspace(-1, 1, w, dtype=np.float32)[None]
        glow = np.exp(-2.2 * ((x - 0.35) ** 2 + (y + 0.2) ** 2))[..., None]
        c.rgb[:] = np.clip(tone + glow * 0.16, 0, 1)
    if style.technique != "painted":
        stage.strew(c, style, rng, 0, h)
    s = float(rng.uniform(0.29, 0.36)) * min(h, w * 1.15)
    cx, cy = w * float(rng.uniform(0.45, 0.55)), h * float(rng.uniform(0.33, 0.38))
    if style.technique != "painted":
        halo = ellipse(0.95 * s, 0.95 * s)
        if style.finish in ("mosaic", "plain", "worn"):
            c.paint(
                halo,
                mix(rgb(style.accents[0]), rgb(style.paper), 0.35),
                cx - halo.shape[1] / 2,
                cy - halo.shape[0] / 2,
            )
    shown = _sitter(c, plan, style, rng, cx, cy, s)
    _others(c, plan, shown, style, rng)
    if style.border not in ("none", "rocaille", "album", "gilt", "ripple"):
        frame(c, style, round(0.085 * min(h, w)), int(rng.integers(3)))
    stage.finish(c, style, rng, clear=style.finish != "engraving")


def photo(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A studio photograph on its card: painted backdrop, oval or square, printed line below."""
    h, w = c.height, c.width
    card = GROUNDS["paper"](rng, h, w, rgb(style.paper), c.u)
    stage.ground(c, style, rng, style.accents[2])
    y = np.linspace(0, 1, h, dtype=np.float32)[:, None]
    c.rgb *= (0.75 + 0.35 * cloud(rng, h, w, 120 * c.u) - 0.25 * (y - 0.3))[..., None]
    s = 0.27 * w
    shown = _sitter(c, plan, style, rng, w * 0.5, h * 0.36, s)
    _others(c, plan, shown, style, rng)
    image = FINISHES["sepia"](np.clip(c.rgb, 0, 1), rng, style, c.u)
    margin = 0.07
    oval = rng.random() < 0.4
    inside = np.zeros((h, w), np.float32)
    ih, iw = int(h * (0.86 - margin)), int(w * (1 - 2 * margin))
    top, left = int(h * margin), int(w * margin)
    inside[top : top + ih, left : left + iw] = ellipse(iw / 2, ih / 2)[:ih, :iw] if oval else 1
    c.rgb = (card + (image - card) * inside[..., None]).astype(np.float32)
    c.owner[inside < 0.5] = 0
    frame_line = max(1, round(1.2 * c.u))
    ink = mix(rgb(style.ink), rgb(style.paper), 0.3)
    bar = np.ones((frame_line, int(w * 0.5)), np.float32)
    c.paint(bar, ink, w * 0.25, h * 0.95, own=False)
    from imet_simulation.drawings import write

    write(c, w / 2, h * 0.895, 0.028 * h, w * 0.7, style, rng, ink)
