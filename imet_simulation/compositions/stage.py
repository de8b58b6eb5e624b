"""What compositions share: grounds, skies and lands, backdrops, and the finish of a surface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from imet_simulation.canvas import Canvas, Picture, mix, polygon, rgb
from imet_simulation.compositions.placing import (
    afloat,
    copies,
    medallions,
    of,
    place_row,
    spots,
    submerged,
)
from imet_simulation.finish import FINISHES
from imet_simulation.glyphs import Mask, glyph
from imet_simulation.ground import GROUNDS, Rng
from imet_simulation.paint import WHITE
from imet_simulation.texture import cloud, noise
from imet_simulation.things import THINGS

if TYPE_CHECKING:
    from imet_simulation.styles import Style

__all__ = [
    "afloat", "backdrop", "copies", "finish", "gradient", "ground", "medallions", "of",
    "place_row", "sky_and_land", "spots", "standing", "strew", "submerged",
]  # fmt: skip


def ground(c: Canvas, style: Style, rng: Rng, colour: str | None = None) -> None:
    """Cover the whole picture with the culture's ground, and what is strewn on it."""
    paper = rgb(colour or style.paper)
    c.rgb[:] = GROUNDS[style.ground](rng, c.height, c.width, paper, c.u)
    c.alpha[:] = 1
    c.owner[:] = 0


def strew(c: Canvas, style: Style, rng: Rng, top: int, bottom: int) -> None:
    """The style's small shape all over a band of the picture, staggered, owned by nobody."""
    if not style.scatter:
        return
    step = 34 * c.u
    tall = max(6, round(17 * c.u))
    for j in range(int((bottom - top) / step) + 1):
        for k in range(int(c.width / step) + 2):
            x = (k - 0.5 * (j % 2)) * step + float(rng.normal(0, 2.5)) * c.u
            y = top + (j + 0.25) * step + float(rng.normal(0, 2.5)) * c.u
            if y + tall > bottom:
                continue
            g = glyph(style.scatter, tall, bool(rng.random() < 0.5), 560)
            colour = rgb(style.accents[int(rng.integers(1, len(style.accents)))])
            c.paint(g.body, mix(colour, rgb(style.paper), 0.25), x, y, 0.55, own=False)
            c.paint(g.line, rgb(style.ink), x, y, 0.5, own=False)


def gradient(top: np.ndarray, bottom: np.ndarray, h: int, w: int) -> Picture:
    """Vertical gradient (h, w, 3)."""
    t = np.linspace(0, 1, h, dtype=np.float32)[:, None, None] ** 1.2
    return np.broadcast_to(top + (bottom - top) * t, (h, w, 3)).astype(np.float32)


def sky_and_land(c: Canvas, style: Style, rng: Rng, horizon: float, sea: bool = False) -> None:
    """Sky, then land or sea below `horizon` (a fraction of the height), hills between."""
    ground(c, style, rng)
    cut = int(c.height * horizon)
    flat = style.technique in ("silhouette", "carved", "goldleaf") or style.ground in (
        "gold",
        "brass",
    )
    if flat:
        strew(c, style, rng, 0, c.height)
        return
    full = np.ones((cut, c.width), np.float32)
    hour = float(rng.uniform(-0.12, 0.12))
    sky: Picture = gradient(rgb(style.sky[0]), rgb(style.sky[1]), cut, c.width)
    sky = sky * np.float32(1 + hour)
    puffs = np.clip(cloud(rng, cut, c.width, 70 * c.u, 3) * 2.2 - 0.2, 0, 1)
    puffs *= np.linspace(1, 0.25, cut, dtype=np.float32)[:, None]
    if style.technique == "painted":
        sky = sky + (WHITE - sky) * (0.65 * puffs[..., None])
    c.paint(full, np.clip(sky, 0, 1).astype(np.float32), 0, 0, 0.88, own=False)
    strew(c, style, rng, 0, cut)
    if not sea:
        _hills(c, style, rng, cut)
    low = c.height - cut
    below = rgb(style.water if sea else style.land)
    y = np.linspace(0, 1, low, dtype=np.float32)[:, None]
    if sea:
        warp = noise(rng, low, c.width, 16 * c.u, 5)
        texture = 0.09 * np.sin((y + 0.02) ** 0.55 * 70 + warp * 2.5)
    else:
        texture = noise(rng, low, c.width, 4 * c.u, 7) * (0.05 + 0.10 * y)
        texture = texture + cloud(rng, low, c.width, 90 * c.u, 2) * 0.16 * (0.3 + y)
    tone = below * (1.12 - 0.34 * y + texture)[..., None]
    mist = np.exp(-y * 9)[..., None] * 0.45
    tone = tone + (rgb(style.sky[1]) - tone) * mist
    field = np.ones((low, c.width), np.float32)
    c.paint(field, np.clip(tone, 0, 1).astype(np.float32), 0, cut, 0.95, own=False)
    if not sea:
        _path_and_grass(c, style, rng, cut)
    if style.technique != "painted":
        line = max(1, round(1.5 * c.u))
        c.paint(np.ones((line, c.width), np.float32), rgb(style.ink), 0, cut, 0.5, own=False)


def _hills(c: Canvas, style: Style, rng: Rng, cut: int) -> None:
    """Two ridges paling with distance, and a far line of woods."""
    for k, pale in enumerate((0.62, 0.34)):
        tall = (0.15 - 0.06 * k) * c.height
        wave = noise(rng, 2, c.width, 60 * c.u, 1.4 - 0.5 * k)[0]
        top = cut - tall * (0.55 + 0.6 * wave)
        rows = np.arange(c.height, dtype=np.float32)[:cut, None]
        mask = np.clip(rows - top[None] + 0.5, 0, 1).astype(np.float32)
        colour = mix(mix(rgb(style.land), rgb(style.water), 0.5 - 0.3 * k), rgb(style.sky[1]), pale)
        c.paint(mask, colour, 0, 0, 0.92, own=False)
        if style.technique != "painted":
            line = np.clip(1.2 - np.abs(rows - top[None]), 0, 1).astype(np.float32)
            c.paint(line, rgb(style.ink), 0, 0, 0.55, own=False)


def _path_and_grass(c: Canvas, style: Style, rng: Rng, cut: int) -> None:
    """A path from the middle distance and tufts that grow towards us."""
    low = c.height - cut
    if rng.random() < 0.55:
        t = np.linspace(0, 1, 16)
        start, end = rng.uniform(0.35, 0.65) * c.width, rng.uniform(0.1, 0.9) * c.width
        middle = start + (end - start) * t + np.sin(t * 5) * 0.05 * c.width
        half = (0.008 + 0.11 * t**1.4) * c.width
        y = cut + low * (0.06 + 0.94 * t)
        ring = [*zip(middle - half, y), *reversed(list(zip(middle + half, y)))]
        mask, left, top = polygon([(float(a), float(b)) for a, b in ring])
        c.paint(mask, mix(rgb(style.land), rgb(style.paper), 0.55), left, top, 0.75, own=False)
    dark = mix(rgb(style.land), rgb(style.ink), 0.55)
    for _ in range(int(26 * c.width / c.height)):
        depth = float(rng.random()) ** 0.7
        tall = max(3, round((3 + 12 * depth) * c.u))
        g = glyph("🌾" if rng.random() < 0.15 else "mdi:grass", tall, bool(rng.random() < 0.5))
        x = float(rng.random()) * c.width
        c.paint(g.body, dark, x, cut + depth * (low - tall), 0.55, own=False)


def backdrop(c: Canvas, rng: Rng, dark: bool | None = None) -> None:
    """The seamless paper of a museum's photograph: graded grey, lighter in the middle."""
    dark = bool(rng.random() < 0.25) if dark is None else dark
    level = float(rng.uniform(0.16, 0.3) if dark else rng.uniform(0.66, 0.86))
    y = np.linspace(-1, 1, c.height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, c.width, dtype=np.float32)[None]
    fall = 1.08 - 0.22 * (x * x + (y + 0.2) ** 2) / 2
    sweep = 0.05 * np.tanh((y - 0.55) * 6)
    warm = (
        np.array([1.0, 0.995, 0.975], np.float32)
        if rng.random() < 0.6
        else np.array([0.97, 0.99, 1.0], np.float32)
    )
    c.rgb[:] = np.clip((level * fall + sweep)[..., None] * warm, 0, 1)
    c.alpha[:] = 1
    c.owner[:] = 0


LAND = frozenset(
    f"tag::{k}" for k in ("mountains", "rivers", "bodies of water", "waterfalls", "forests")
)


def standing(c: Canvas, land: bool = False) -> Mask:
    """1 where a thing of the table is seen, 0 on grounds; land and water only with `land`."""
    owners = c.owners
    held = [
        bool(part) and (name := owners.labels[part[-1]]) in THINGS and (name in LAND) == land
        for part in owners.parts
    ]
    return np.asarray(held)[c.owner].astype(np.float32)


def finish(c: Canvas, style: Style, rng: Rng, name: str | None = None, clear: bool = True) -> None:
    """The surface as the culture makes it; where lines or cubes would swallow things, not there.

    Engravers leave paper around a small thing and few lines in it; mosaicists ring it with a row
    of dark cubes. `clear=False` where one thing fills the picture.
    """
    name = name or style.finish
    if clear and name in ("engraving", "mosaic"):
        _set_off(c, standing(c), style, rng, name)
        return
    c.rgb = FINISHES[name](c.rgb, rng, style, c.u)


def _set_off(c: Canvas, things: Mask, style: Style, rng: Rng, name: str) -> None:
    paper, ink = rgb(style.paper), rgb(style.ink)
    inner = ndimage.uniform_filter(things, max(3, round(2 * c.u) | 1))
    ring = np.clip(1 - np.abs(inner - 0.5) * 3.2, 0, 1)[..., None]
    if name == "engraving":
        halo = ndimage.uniform_filter(
            ndimage.maximum_filter(things, round(7 * c.u)), max(3, round(6 * c.u))
        )
        clear = (0.85 * halo * (1 - things))[..., None]
        c.rgb += (paper - c.rgb) * clear
        tone = c.rgb.mean(-1, keepdims=True)
        c.rgb += (paper - c.rgb) * (0.5 * things[..., None] * np.clip((tone - 0.16) * 6, 0, 1))
        shore = ndimage.uniform_filter(standing(c, True), 3) * (1 - things)
        shore = np.clip(1 - np.abs(shore - 0.5) * 2.5, 0, 1)[..., None]
        c.rgb = FINISHES[name](c.rgb, rng, style, c.u)
        c.rgb += (ink - c.rgb) * np.maximum(ring * 0.85, shore * 0.6).astype(np.float32)
        return
    c.rgb += (ink * 0.6 - c.rgb) * ring * np.float32(0.9)
    c.rgb = FINISHES[name](c.rgb, rng, style, c.u)
