"""Noise, grain, cracks and tesserae, made once and cut from.

Fine textures look the same wherever they are cut from, so each is computed once per process on
a tile, from a fixed seed, and a work takes a window at its own random place. Coarse noise is
interpolated from a small grid by two matrix products.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from imet_simulation.glyphs import Mask

Rng = np.random.Generator
TILE = (512, 768)


def _weights(n: int, grid: int, scale: float) -> Mask:
    """Catmull–Rom matrix (n, grid): pixel k lies at grid place k / scale + 1."""
    place = np.arange(n) / scale + 1
    base = np.floor(place).astype(int)
    t = place - base
    out = np.zeros((n, grid), np.float32)
    taps = (
        ((-t + 2 * t**2 - t**3) / 2),
        ((2 - 5 * t**2 + 3 * t**3) / 2),
        ((t + 4 * t**2 - 3 * t**3) / 2),
        ((-(t**2) + t**3) / 2),
    )
    for k, tap in enumerate(taps):
        out[np.arange(n), base - 1 + k] = tap
    return out


@lru_cache(maxsize=256)
def _cached_weights(n: int, grid: int, scale: float) -> Mask:
    return _weights(n, grid, scale)


def _coarse(rng: Rng, height: int, width: int, sy: float, sx: float) -> Mask:
    h, w = int(np.ceil(height / sy)) + 4, int(np.ceil(width / sx)) + 4
    grid = rng.random((h, w), dtype=np.float32) * 2 - 1
    rows, columns = _cached_weights(height, h, sy), _cached_weights(width, w, sx)
    return (rows @ grid) @ columns.T


@lru_cache(maxsize=64)
def _tile(sy: float, sx: float) -> Mask:
    rng = np.random.default_rng([round(sy * 100), round(sx * 100)])
    return _coarse(rng, *TILE, sy, sx)


@lru_cache(maxsize=1)
def _grain_tile() -> Mask:
    return np.random.default_rng(1).standard_normal(TILE).astype(np.float32)


def window(rng: Rng, tile: Mask, height: int, width: int) -> Mask:
    """A window of a tile at a random place, turned over at random; larger ones are mirrored on."""
    th, tw = tile.shape
    y, x = int(rng.integers(th)), int(rng.integers(tw))
    if height <= th - y and width <= tw - x:
        return tile[y : y + height, x : x + width]
    return tile[_mirrored(y, height, th)][:, _mirrored(x, width, tw)]


def _mirrored(start: int, count: int, size: int) -> np.ndarray:
    place = (np.arange(count) + start) % (2 * size)
    return np.where(place < size, place, 2 * size - 1 - place)


def noise(rng: Rng, height: int, width: int, scale: float, stretch: float = 1.0) -> Mask:
    """Smooth noise in about [-1, 1], features `scale` px high and `scale * stretch` px wide."""
    sy, sx = round(max(scale, 1.0), 2), round(max(scale * stretch, 1.0), 2)
    if min(sy, sx) < 7:
        return window(rng, _tile(sy, sx), height, width)
    return _coarse(rng, height, width, sy, sx)


def cloud(rng: Rng, height: int, width: int, scale: float, octaves: int = 3) -> Mask:
    """Sum of octaves of noise, roughly in [-1, 1]."""
    total = np.zeros((height, width), np.float32)
    for k in range(octaves):
        total += noise(rng, height, width, scale / 2**k) * np.float32(0.55 / 1.7**k)
    return total


def grain(rng: Rng, height: int, width: int) -> Mask:
    """Independent standard normal values, pixel by pixel."""
    return window(rng, _grain_tile(), height, width)


@lru_cache(maxsize=24)
def _cells(pitch: float, jitter: float) -> tuple[Mask, Mask, Mask, Mask]:
    """A tile of jittered cells that repeats without a seam.

    For each pixel: how far its cell's point is below and to the right, the distance to the border
    with the next cell in pitches, and a number in [0, 1) of its own for each cell.
    """
    rng = np.random.default_rng([round(pitch * 100), round(jitter * 100)])
    rows, columns = max(3, round(TILE[0] / pitch)), max(3, round(TILE[1] / pitch))
    h, w = round(rows * pitch), round(columns * pitch)
    jr = (rng.random((rows, columns), dtype=np.float32) - 0.5) * np.float32(jitter)
    jc = (rng.random((rows, columns), dtype=np.float32) - 0.5) * np.float32(jitter)
    own = rng.random((rows, columns), dtype=np.float32)
    y = ((np.arange(h, dtype=np.float32) + 0.5) / h * rows)[:, None]
    x = ((np.arange(w, dtype=np.float32) + 0.5) / w * columns)[None]
    fy, fx = np.floor(y).astype(int), np.floor(x).astype(int)
    best = np.full((h, w), 9.0)
    second = best.copy()
    down, right = np.zeros_like(best), np.zeros_like(best)
    tint = np.zeros((h, w), np.float32)
    for dr in (-1, 0, 1):
        for dc in (-1, 0, 1):
            r, c = fy + dr, fx + dc
            row, column = (r % rows)[:, 0], (c % columns)[0]
            dy = jr[row].take(column, axis=1) + (r + 0.5) - y
            dx = jc[row].take(column, axis=1) + (c + 0.5) - x
            d = np.hypot(dy, dx)
            nearer = d < best
            np.minimum(second, d, out=second)
            np.copyto(second, best, where=nearer)
            np.copyto(down, dy, where=nearer)
            np.copyto(right, dx, where=nearer)
            np.copyto(tint, own[row].take(column, axis=1), where=nearer)
            np.minimum(best, d, out=best)
    return down * pitch, right * pitch, second - best, tint


def cells(rng: Rng, height: int, width: int, pitch: float, jitter: float) -> tuple[Mask, ...]:
    """`_cells` at a random place: rows and columns of each pixel's point, border distance, tint."""
    parts = _cells(round(pitch, 2), jitter)
    h, w = parts[0].shape
    y, x = int(rng.integers(h)), int(rng.integers(w))
    rows, columns = (np.arange(height) + y) % h, (np.arange(width) + x) % w
    down, right, edge, tint = (p[rows][:, columns] for p in parts)
    at_r = np.arange(height, dtype=np.float32)[:, None] + down
    at_c = np.arange(width, dtype=np.float32)[None] + right
    return at_r, at_c, edge, tint


@lru_cache(maxsize=24)
def _net(pitch: float, width: float) -> Mask:
    return np.clip(1 - _cells(pitch, 1.0)[2] / width, 0, 1).astype(np.float32)


def cracks(rng: Rng, height: int, width: int, pitch: float, thin: float = 0.045) -> Mask:
    """A net of cracks, 1 in a crack, meshes about `pitch` px wide."""
    return window(rng, _net(round(max(pitch, 3.0), 2), thin), height, width)
