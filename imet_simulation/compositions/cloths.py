"""Textiles and pavements: patterns that repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from imet_simulation.canvas import Canvas, rgb
from imet_simulation.compositions import stage
from imet_simulation.drawings import breadth, thing
from imet_simulation.finish import FINISHES
from imet_simulation.ground import Rng
from imet_simulation.ornament import ORNAMENTS, band_colours, frame
from imet_simulation.texture import noise

if TYPE_CHECKING:
    from imet_simulation.styles import Style
    from imet_simulation.work import Plan


def textile(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A fragment of cloth: rows of motifs between ornament stripes, frayed at its edges."""
    h, w = c.height, c.width
    cloth = c.layer(h, w)
    with c.mark("tag::textile fragments"):
        stage.ground(cloth, style, rng, style.accents[0] if style.finish == "tapestry" else None)
        cloth.owner[:] = cloth._part()
        stage.strew(cloth, style, rng, 0, h)
        rows = int(rng.integers(2, 4))
        pitch = h / rows
        thick = max(8, round(0.26 * pitch))
        labels = list(plan.things)
        for k in range(rows):
            back, front = band_colours(style, k)
            y = round(k * pitch)
            cloth.paint(np.ones((thick, w), np.float32), back, 0, y)
            cloth.paint(ORNAMENTS[style.border](w, thick), front, 0, y)
            tall = 0.66 * pitch
            label = labels[k % len(labels)]
            step = max(tall * breadth(label) * 1.15, 0.5 * tall)
            across = max(2, int(0.94 * w / step))
            count = across if k % 2 == 0 else max(1, across - 1)  # every other row in the gaps
            for j in range(count):
                x = w / 2 + (j - (count - 1) / 2) * 0.92 * w / across
                low = y + thick + tall * 1.04
                thing(cloth, label, x, low, tall, style, rng, shadow=False, turn=j)
        for label in labels[rows:]:
            thing(cloth, label, w / 2, h * 0.97, 0.5 * pitch, style, rng, shadow=False)
    cloth.rgb = np.clip(FINISHES[style.finish](cloth.rgb, rng, style, c.u), 0, 1)
    stage.backdrop(c, rng, dark=False)
    margin = 0.035 * min(h, w)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    d = np.minimum(np.minimum(y, h - 1 - y), np.minimum(x, w - 1 - x))
    torn = d - margin * (1 + 0.9 * noise(rng, h, w, 16 * c.u) + 0.5 * noise(rng, h, w, 3 * c.u))
    holes = noise(rng, h, w, 30 * c.u) + 0.5 * noise(rng, h, w, 9 * c.u)
    inside = np.clip(torn, 0, 1) * (holes < 1.15)
    c.shade(ndimage.uniform_filter(inside.astype(np.float32), 7), 2, 3, 0.45)
    with c.mark("tag::textile fragments"):
        c.paste(cloth, 0, 0, inside.astype(np.float32))


def pattern(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A pavement or panel: a lattice of stars or lozenges, a thing in each field."""
    h, w = c.height, c.width
    stage.ground(c, style, rng)
    stage.strew(c, style, rng, 0, h)
    thick = round(0.11 * min(h, w))
    cell = (min(h, w) - 2 * thick) / 2
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    u, v = ((x - thick) / cell) % 1 - 0.5, ((y - thick) / cell) % 1 - 0.5
    a, b = np.abs(u), np.abs(v)
    kind = int(rng.integers(3))
    d = (np.maximum(a, b), (a + b) / 1.414, np.hypot(a, b))[kind]
    star = np.minimum(d, np.maximum(a, b) if kind == 1 else (a + b) / 1.414)
    with c.mark("tag::geometric patterns"):
        c.owner[:] = c._part()
        edge = np.clip(1.5 - np.abs(star - 0.34) * cell / 2.2, 0, 1)
        ring = np.clip(1.5 - np.abs(star - 0.45) * cell / 1.6, 0, 1)
        accents = [rgb(k) for k in style.accents]
        if style.technique != "goldleaf":
            outside = np.clip((star - 0.34) * cell, 0, 1).astype(np.float32)
            c.paint(outside, accents[0], 0, 0, 0.75)
            c.paint(np.clip((star - 0.45) * cell, 0, 1).astype(np.float32), accents[1], 0, 0, 0.85)
        c.paint(np.maximum(edge, ring).astype(np.float32), rgb(style.ink))
        labels = list(plan.things)
        k = 0
        for j in range(int((h - 2 * thick) / cell + 0.4)):
            for i in range(int((w - 2 * thick) / cell + 0.4)):
                label = labels[k % len(labels)]
                tall = min(0.46 * cell, 0.5 * cell / breadth(label))
                thing(
                    c,
                    label,
                    thick + (i + 0.5) * cell,
                    thick + (j + 0.5) * cell + tall / 2,
                    tall,
                    style,
                    rng,
                    shadow=False,
                )
                k += 1
    frame(c, style, thick, int(rng.integers(3)))
    stage.finish(c, style, rng)
