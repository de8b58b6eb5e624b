"""What a culture paints on: paper, silk, canvas, stone, glaze, gold, cloth.

Each ground is a function of (rng, height, width, paper colour, unit) giving (H, W, 3) in [0, 1].
`unit` is the picture's scale, 1 where the shorter side is 300 px.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from imet_simulation.canvas import Colour, Picture
from imet_simulation.glyphs import Mask
from imet_simulation.texture import cloud, grain, noise

Rng = np.random.Generator


def _tint(shade: Mask, colour: Colour) -> Picture:
    out = (colour * (1 + shade[..., None])).astype(np.float32, copy=False)
    return np.clip(out, 0, 1, out=out)


def paper(rng: Rng, h: int, w: int, colour: Colour, u: float) -> Picture:
    """Laid paper: fibres, a little foxing."""
    fibre = noise(rng, h, w, 1.5 * u, 6) * 0.03
    stain = np.clip(cloud(rng, h, w, 130 * u), 0, 1) * -0.10
    laid = 0.012 * np.sin(np.arange(w, dtype=np.float32) * (2.2 / u))[None]
    return _tint(fibre + stain + laid + cloud(rng, h, w, 40 * u) * 0.03, colour)


def washi(rng: Rng, h: int, w: int, colour: Colour, u: float) -> Picture:
    """Mulberry paper: long fibres, wood grain of the block."""
    grain = noise(rng, h, w, 5 * u, 40)
    rings = np.sin((grain * 4 + np.arange(h, dtype=np.float32)[:, None] / (9 * u)) * 2)
    return _tint(rings * 0.018 + noise(rng, h, w, 1.2, 9) * 0.03, colour)


def silk(rng: Rng, h: int, w: int, colour: Colour, u: float) -> Picture:
    """Silk darkened by age: fine weave, brown clouds, vertical wear."""
    y = np.arange(h, dtype=np.float32)[:, None]
    x = np.arange(w, dtype=np.float32)[None]
    weave = 0.02 * np.sin(y * 2.1 / u) * np.sin(x * 2.1 / u)
    return _tint(
        weave + cloud(rng, h, w, 110 * u) * 0.12 + noise(rng, h, w, 60, 0.06) * 0.03, colour
    )


def canvas(rng: Rng, h: int, w: int, colour: Colour, u: float) -> Picture:
    """Primed linen under oil."""
    y = np.arange(h, dtype=np.float32)[:, None]
    x = np.arange(w, dtype=np.float32)[None]
    weave = 0.025 * (np.sin(y * 1.9 / u) + np.sin(x * 1.9 / u))
    return _tint(weave + cloud(rng, h, w, 90 * u) * 0.14, colour)


def stone(rng: Rng, h: int, w: int, colour: Colour, u: float) -> Picture:
    """Grainy stone with pits and veins."""
    veins = np.abs(cloud(rng, h, w, 90 * u))
    speck = grain(rng, h, w) * 0.035
    pits = np.clip(noise(rng, h, w, 3.2 * u) - 0.62, 0, 1) * -0.9
    return _tint(
        cloud(rng, h, w, 60 * u) * 0.13 + speck + pits - 0.10 * np.exp(-veins * 30), colour
    )


def glaze(rng: Rng, h: int, w: int, colour: Colour, u: float) -> Picture:
    """Glazed ceramic: even, faintly pooled."""
    return _tint(cloud(rng, h, w, 70 * u) * 0.05, colour)


def plaster(rng: Rng, h: int, w: int, colour: Colour, u: float) -> Picture:
    """Fresco ground: blotchy lime with losses."""
    return _tint(cloud(rng, h, w, 50 * u, 4) * 0.16 + noise(rng, h, w, 2 * u) * 0.03, colour)


def papyrus(rng: Rng, h: int, w: int, colour: Colour, u: float) -> Picture:
    """Two crossed layers of reed strips."""
    across = noise(rng, h, w, 2.6 * u, 60) + 0.6 * noise(rng, h, w, 9 * u, 30)
    down = noise(rng, h, w, 90 * u, 0.03)
    return _tint(across * 0.09 + down * 0.06 + cloud(rng, h, w, 90 * u) * 0.08, colour)


def gold(rng: Rng, h: int, w: int, colour: Colour, u: float) -> Picture:
    """Gold leaf in squares, worn to the red bole at the seams."""
    shine = cloud(rng, h, w, 60 * u) * 0.16 + noise(rng, h, w, 2 * u) * 0.05
    out = _tint(shine, colour)
    pitch = 62 * u
    y = np.abs((np.arange(h, dtype=np.float32)[:, None] / pitch) % 1 - 0.5)
    x = np.abs((np.arange(w, dtype=np.float32)[None] / pitch) % 1 - 0.5)
    seam = np.exp(-np.minimum(y, x) * 60) * (0.6 + noise(rng, h, w, 20 * u))
    worn = np.clip(noise(rng, h, w, 9 * u) + 0.7 * cloud(rng, h, w, 60 * u) - 0.55, 0, 1) * 2
    bole = np.array([0.48, 0.20, 0.12], np.float32)
    loss = np.clip(seam * 0.35 + worn, 0, 0.75)[..., None]
    return (out + (bole - out) * loss).astype(np.float32)


def cloth(rng: Rng, h: int, w: int, colour: Colour, u: float) -> Picture:
    """Dyed wool with abrash: the dye lot changes from band to band."""
    bands = ndimage.gaussian_filter1d(rng.standard_normal(h).astype(np.float32), 6 * u) * 0.35
    return _tint(
        np.broadcast_to(bands[:, None] * 0.5, (h, w)) + noise(rng, h, w, 1.5) * 0.03, colour
    )


def brass(rng: Rng, h: int, w: int, colour: Colour, u: float) -> Picture:
    """Hammered metal: small facets, a sheen."""
    dents = noise(rng, h, w, 9 * u) * 0.10
    sheen = np.clip(cloud(rng, h, w, 140 * u), -0.4, 1) * 0.24
    return _tint(dents + sheen + noise(rng, h, w, 1.4, 3) * 0.04, colour)


def lacquer(rng: Rng, h: int, w: int, colour: Colour, u: float) -> Picture:
    """Black lacquer, with a deep gloss; the paper colour only warms it."""
    dark = colour * 0.10 + np.array([0.04, 0.02, 0.015], np.float32)
    shine = np.clip(cloud(rng, h, w, 160 * u), 0, 1)[..., None] * 0.09
    return np.clip(dark + shine + grain(rng, h, w)[..., None] * 0.01, 0, 1)


GROUNDS: dict[str, Callable[[Rng, int, int, Colour, float], Picture]] = {
    "paper": paper,
    "washi": washi,
    "silk": silk,
    "canvas": canvas,
    "stone": stone,
    "glaze": glaze,
    "plaster": plaster,
    "papyrus": papyrus,
    "gold": gold,
    "cloth": cloth,
    "brass": brass,
    "lacquer": lacquer,
}
