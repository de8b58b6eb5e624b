"""Painting a shape the way a culture does: shaded, inked, incised, in blue, or carved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from imet_simulation.canvas import Canvas, Colour, mix, rgb
from imet_simulation.glyphs import Glyph, Mask, glyph, relief_light

if TYPE_CHECKING:
    from imet_simulation.styles import Style

Rng = np.random.Generator
WHITE = np.ones(3, np.float32)
BLACK = np.zeros(3, np.float32)


def suited(style: Style, hue: str | None, rng: Rng) -> Colour:
    """A colour for a thing: its own, pulled towards the nearest colour of the culture."""
    accents = [rgb(a) for a in style.accents]
    if hue is None:
        return accents[int(rng.integers(len(accents)))]
    own = rgb(hue)
    nearest = min(accents, key=lambda a: float(((a - own) ** 2).sum()))
    return mix(own, nearest, 0.5)


def fill(g: Glyph, base: Colour, second: Colour, third: Colour) -> np.ndarray:
    """Colour a shape region by region: the largest in `base`, others in turn. (h, w, 3)."""
    cycle = np.stack([base, base, second, base, third, mix(base, second, 0.5)])
    ranks = g.regions.astype(np.int64)
    index = np.where(ranks == 0, 0, np.where(ranks == 1, 1, 2 + (ranks - 2) % 4))
    return cycle[index]


def shape(
    c: Canvas,
    name: str,
    cx: float,
    base: float,
    height: float,
    style: Style,
    rng: Rng,
    hue: str | None = None,
    flip: bool | None = None,
    fade: float = 0.0,
    shadow: bool = True,
    angle: float = 0.0,
) -> tuple[int, int]:
    """Paint the glyph `name` standing on (cx, base); `fade` 0 … 1 sinks it into the haze.

    Returns its width and height in pixels.
    """
    flip = bool(rng.random() < 0.5) if flip is None else flip
    weight = 300 if style.technique == "painted" else (560 if height < 70 else 420)
    g = glyph(name, max(6, round(height)), flip, weight)
    if angle:
        g = turned(g, angle)
    h, w = g.body.shape
    x, y = cx - w / 2, base - h
    colour = suited(style, hue, rng)
    second, third = suited(style, None, rng), suited(style, None, rng)
    if shadow and style.technique == "painted":
        c.shadow(cx + 0.08 * w, base - 0.03 * h, 0.5 * w, 0.07 * h + 1, 0.45 * (1 - fade))
    glyph_on(c, g, x, y, style, colour, second, third, fade)
    return w, h


def glyph_on(
    c: Canvas,
    g: Glyph,
    x: float,
    y: float,
    style: Style,
    colour: Colour,
    second: Colour,
    third: Colour,
    fade: float = 0.0,
) -> None:
    """Paint a glyph with its top left at (x, y) in the style's technique."""
    paper, ink = rgb(style.paper), rgb(style.ink)
    haze = rgb(style.sky[1])
    if style.technique == "silhouette":
        inner = g.line * ndimage.minimum_filter(g.body, 5)
        c.paint(g.body, ink, x, y)
        if g.line.sum() > 0.6 * g.body.sum():  # a solid shape: what is not inked is incised
            inner = np.clip(g.body - g.line, 0, 1)
        c.paint(inner, paper, x, y, 0.9, own=False)
        return
    if style.technique == "carved":
        raised = (0.42 + 0.78 * g.light)[..., None] * WHITE
        c.paint(g.body, np.clip(raised, 0, 1).astype(np.float32), x, y)
        if g.line.sum() < 0.6 * g.body.sum():  # a solid shape is all line: it stays raised
            c.paint(g.line, WHITE * np.float32(0.42), x, y, 0.8, own=False)
        return
    if style.technique == "goldleaf":
        leaf = ink * (0.62 + 0.62 * g.light[..., None])
        c.paint(g.body, np.clip(leaf, 0, 1).astype(np.float32), x, y)
        c.paint(g.line, rgb(style.sky[0]), x, y, 0.92, own=False)
        return
    if style.technique == "line":
        tone = fill(g, mix(paper, colour, 0.16), mix(paper, colour, 0.5), mix(paper, second, 0.3))
        wash = tone * (0.8 + 0.4 * g.light[..., None])
        c.paint(g.body, np.clip(wash, 0, 1), x, y)
        c.paint(g.line, mix(ink, haze, fade), x, y, 0.95, own=False)
        return
    tone = fill(g, colour, mix(second, colour, 0.35), mix(third, paper, 0.3))
    if g.line.sum() > 0.6 * g.body.sum():  # a solid shape: its holes are its features
        tone = fill(g, mix(paper, colour, 0.15), paper, mix(paper, second, 0.4))
    if style.technique == "painted":
        tone = np.clip(tone * (0.52 + 0.96 * g.light[..., None]), 0, 1)
        line, strength = mix(colour * np.float32(0.32), ink, 0.4), 0.8
    else:
        tone = np.clip(tone * (0.84 + 0.32 * g.light[..., None]), 0, 1)
        line, strength = ink, 0.97
    tone = tone + (haze - tone) * np.float32(fade)
    c.paint(g.body, tone.astype(np.float32), x, y)
    c.paint(g.line, mix(line, haze, fade), x, y, strength, own=False)


def turned(g: Glyph, angle: float) -> Glyph:
    """The glyph turned by `angle` degrees."""
    masks = [
        np.clip(ndimage.rotate(m, angle, order=1, cval=v), 0, 1).astype(np.float32)
        for m, v in ((g.line, 0), (g.body, 0), (g.light, 0.5))
    ]
    regions = ndimage.rotate(g.regions, angle, order=0)
    return Glyph(masks[0], masks[1], masks[2], regions)


def part(
    c: Canvas, mask: Mask, x: float, y: float, colour: Colour, style: Style, bulge: float = 0.2
) -> None:
    """Paint one piece of a hand-drawn thing (a sleeve, a roof) in the style's technique."""
    paper, ink = rgb(style.paper), rgb(style.ink)
    if style.technique == "painted":
        light = relief_light(mask > 0.5, bulge)[..., None]
        c.paint(mask, np.clip(colour * (0.55 + 0.9 * light), 0, 1).astype(np.float32), x, y)
        return
    edge = ndimage.maximum_filter(np.pad(mask, 1), 3)
    if style.technique == "silhouette":
        c.paint(edge, paper, x - 1, y - 1)
        c.paint(mask, ink, x, y)
    elif style.technique == "goldleaf":
        bright = 0.45 + 0.55 * float(colour.mean())
        c.paint(edge, rgb(style.sky[0]), x - 1, y - 1)
        c.paint(mask, ink * np.float32(bright), x, y)
    elif style.technique == "carved":
        c.paint(edge, WHITE * np.float32(0.4), x - 1, y - 1)
        light = relief_light(mask > 0.5, bulge)[..., None]
        c.paint(mask, (0.62 + 0.5 * light * np.ones(3, np.float32)).clip(0, 1), x, y)
    elif style.technique == "line":
        c.paint(edge, ink, x - 1, y - 1)
        c.paint(mask, mix(paper, mix(colour, ink, 0.4), 0.35), x, y)
    else:
        c.paint(edge, ink, x - 1, y - 1)
        c.paint(mask, colour, x, y)
