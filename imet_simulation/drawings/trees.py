"""Trees: no two alike, each of a kind that its culture grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imet_simulation.canvas import Canvas, Colour, ellipse, mix, polygon, rgb
from imet_simulation.ground import Rng
from imet_simulation.paint import BLACK, WHITE, part, shape, suited
from imet_simulation.pen import Pen, limb

if TYPE_CHECKING:
    from imet_simulation.styles import Style

GREENS = ("#4f7a3c", "#3f6a35", "#6a8a3c", "#5a7a50", "#7a8a3a")


def tree(c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, label: str) -> None:
    """A leafy tree, a fir, a poplar, a palm or a leaning pine, as tall as `h`."""
    worlds = set(style.worlds.split())
    kinds: tuple[str, ...]
    odds: tuple[float, ...]
    if worlds & {"egypt", "maya", "southeast"}:
        kinds, odds = ("palm", "leafy"), (0.5, 0.5)
    elif worlds & {"japan", "china", "korea"}:
        kinds, odds = ("cloudpine", "leafy", "fir"), (0.4, 0.4, 0.2)
    elif worlds & {"italy", "islam", "classical"}:
        kinds, odds = ("leafy", "poplar", "fir"), (0.6, 0.25, 0.15)
    else:
        kinds, odds = ("leafy", "fir", "poplar"), (0.6, 0.28, 0.12)
    kind = kinds[int(rng.choice(len(kinds), p=odds))]
    own = GREENS[int(rng.integers(len(GREENS)))]
    green = mix(rgb(own), suited(style, own, rng), 0.6)
    green = mix(green, BLACK if rng.random() < 0.5 else WHITE, float(rng.uniform(0, 0.2)))
    h = h * float(rng.uniform(0.85, 1.0))
    if style.technique == "painted":
        c.shadow(cx + 0.1 * h, base, 0.3 * h, 0.04 * h + 1, 0.4)
    if kind == "palm":
        shape(c, "🌴", cx, base, h, style, rng, "#4f7a3c", shadow=False)
        return
    if kind == "fir":
        _fir(c, cx, base, h, style, rng, green)
        return
    lean = float(rng.normal(0, 0.05))
    bark = mix(rgb("#5a4028"), rgb(style.ink), 0.35)
    pen = Pen(c, cx, base, h, style)
    top = -0.5 if kind == "leafy" else -0.7
    if kind == "cloudpine":
        lean = float(rng.choice([-0.22, 0.22]))
    pen.area(
        [(-0.055, 0), (-0.028, top / 2), (lean - 0.02, top), (lean + 0.02, top),
         (0.03, top / 2), (0.06, 0)],
        bark, 0.3, curve=False,
    )  # fmt: skip
    if kind == "poplar":
        puffs = [(lean * 0.5, -0.2 - 0.085 * k, 0.15 * (1 - abs(k - 3.4) / 6.5)) for k in range(9)]
        _crown(c, cx, base, h, puffs, style, rng, green)
    elif kind == "cloudpine":
        side = 1 if lean > 0 else -1
        for x, y, r in (
            (lean + side * 0.04, -0.8, 0.17), (lean - side * 0.3, -0.58, 0.16),
            (lean + side * 0.2, -0.5, 0.15),
        ):  # fmt: skip
            arm = limb([(lean * 0.8, -0.45), (x, y + 0.06)], 0.04)
            pen.area(arm, bark, curve=False)
            tier = [(x + (k - 1.5) * r * 0.8, y + 0.02 * (k % 2), r * 0.55) for k in range(4)]
            _crown(c, cx, base, h, tier, style, rng, green)
    else:
        for side in (-1, 1):
            bough = limb([(lean * 0.5, -0.34), (side * 0.14 + lean, -0.55)], 0.05)
            pen.area(bough, bark, curve=False)
        count = int(rng.integers(6, 10))
        wide = float(rng.uniform(0.22, 0.34))
        puffs = [(lean, -0.68, 0.2)]
        for k in range(count):
            a = 2 * np.pi * (k + float(rng.uniform(-0.25, 0.25))) / count
            r = float(rng.uniform(0.13, 0.19))
            puffs.append((lean + wide * np.cos(a) * 0.8, -0.66 + 0.19 * np.sin(a), r))
        _crown(c, cx, base, h, puffs, style, rng, green)


def _crown(
    c: Canvas, cx: float, base: float, h: float, puffs: list[tuple[float, float, float]],
    style: Style, rng: Rng, green: Colour,
) -> None:  # fmt: skip
    """Rounded masses of leaves grown into one, lit from the upper left, dabbed with leaves."""
    x0 = min(x - r for x, _, r in puffs) * h
    x1 = max(x + r for x, _, r in puffs) * h
    y0 = min(y - r for _, y, r in puffs) * h
    y1 = max(y + r for _, y, r in puffs) * h
    mask = np.zeros((int(y1 - y0) + 4, int(x1 - x0) + 4), np.float32)
    for x, y, r in puffs:
        disc = ellipse(max(1.5, r * h), max(1.5, r * h * 0.92))
        top = max(0, round(y * h - y0 + 2 - disc.shape[0] / 2))
        left = max(0, round(x * h - x0 + 2 - disc.shape[1] / 2))
        room = mask[top : top + disc.shape[0], left : left + disc.shape[1]]
        np.maximum(room, disc[: room.shape[0], : room.shape[1]], out=room)
    left_px, top_px = cx + x0 - 2, base + y0 - 2
    part(c, mask, left_px, top_px, green, style, 0.22)
    dark = mix(green, BLACK if style.technique != "silhouette" else rgb(style.paper), 0.4)
    light = mix(green, WHITE, 0.35)
    for k, (x, y, r) in enumerate(puffs):
        for j in range(3):
            a = float(rng.uniform(0, 6.28))
            px, py = x + 0.6 * r * np.cos(a), y + 0.6 * r * np.sin(a)
            dab = ellipse(max(1.0, 0.3 * r * h), max(0.8, 0.16 * r * h))
            tone = light if (j + k) % 2 and y < -0.6 else dark
            at = (cx + px * h - dab.shape[1] / 2, base + py * h - dab.shape[0] / 2)
            c.paint(dab, tone, *at, 0.55, own=False)


def _fir(
    c: Canvas, cx: float, base: float, h: float, style: Style, rng: Rng, green: Colour
) -> None:
    """Tiers of drooping branches, ragged at the edge."""
    tiers = int(rng.integers(3, 6))
    wide = float(rng.uniform(0.22, 0.32))
    mask, x, y = polygon(
        [(cx - 0.035 * h, base), (cx - 0.03 * h, base - 0.2 * h),
         (cx + 0.03 * h, base - 0.2 * h), (cx + 0.035 * h, base)]
    )  # fmt: skip
    part(c, mask, x, y, mix(rgb("#5a4028"), rgb(style.ink), 0.3), style, 0.2)
    for k in range(tiers):
        low = base - h * (0.12 + 0.72 * k / tiers)
        half = h * wide * (1 - 0.72 * k / tiers)
        tall = h * (0.88 / tiers + 0.14) if k < tiers - 1 else low - (base - h)
        hem = [(cx + half * (1 - 2 * j / 6), low - (0.035 * h if j % 2 else 0.0)) for j in range(7)]
        mask, x, y = polygon([(cx, low - tall), *hem])
        part(c, mask, x, y, mix(green, BLACK, 0.05 + 0.12 * (k % 2)), style, 0.15)
