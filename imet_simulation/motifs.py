"""Further border figures: stars, steps, scrolls, flowers (see `ornament` for how they are used)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from imet_simulation.glyphs import Mask, glyph

Strip = Callable[[int, int], Mask]


def grid(length: int, thick: int, per: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of a repeat: u in [0, 1) along it, v in [0, 1) across."""
    count = max(1, round(length / (thick * per)))
    u = ((np.arange(length, dtype=np.float32) + 0.5) / length * count) % 1
    v = (np.arange(thick, dtype=np.float32) + 0.5) / thick
    return np.broadcast_to(u[None], (thick, length)), np.broadcast_to(v[:, None], (thick, length))


def soft(distance: np.ndarray, thick: int) -> Mask:
    """Distance (negative inside, in units of the thickness) to an antialiased mask."""
    return np.clip(0.5 - distance * thick, 0, 1).astype(np.float32)


def pixels(rows: tuple[str, ...], length: int, thick: int) -> Mask:
    """A repeat given as rows of 0 and 1."""
    art = np.array([[int(k) for k in row] for row in rows], np.float32)
    u, v = grid(length, thick, art.shape[1] / art.shape[0])
    r = (v * art.shape[0]).astype(int).clip(0, art.shape[0] - 1)
    return art[r, (u * art.shape[1]).astype(int).clip(0, art.shape[1] - 1)]


def stamped(name: str, length: int, thick: int, gap: float = 1.1) -> Mask:
    """A glyph again and again."""
    g = glyph(name, max(4, round(thick * 0.8)), False, 600).line
    count = max(1, int(length / (max(g.shape[1], thick * 0.7) * gap)))
    out = np.zeros((thick, length), np.float32)
    top = (thick - g.shape[0]) // 2
    for k in range(count):
        x = round((k + 0.5) * length / count - g.shape[1] / 2)
        a, b = max(0, x), min(length, x + g.shape[1])
        if b > a:
            out[top : top + g.shape[0], a:b] = g[:, a - x : b - x]
    return out


def stepped(length: int, thick: int) -> Mask:
    """Andean stepped fret."""
    return pixels((
        "1111111111", "1000000000", "1011111110", "1010000010", "1010111010",
        "1010101010", "1010001010", "1011111010", "1000000010", "1111111110",
    ), length, thick)  # fmt: skip


def xicalli(length: int, thick: int) -> Mask:
    """Mexican stepped spiral."""
    return pixels((
        "000000000011", "000000001111", "000000111100", "000011110000",
        "001111001111", "111100001001", "110000001001", "110111111001",
        "110100000001", "110111111111", "110000000000", "111111111111",
    ), length, thick)  # fmt: skip


def azulejo(length: int, thick: int) -> Mask:
    """Quatrefoils on the diagonal, as on painted tiles."""
    u, v = grid(length, thick, 1.0)
    x, y = u - 0.5, v - 0.5
    r, a = np.hypot(x, y), np.arctan2(y, x)
    foil = np.abs(r - 0.30 * (0.72 + 0.28 * np.cos(4 * a))) - 0.035
    corner = np.hypot(np.abs(x) - 0.5, np.abs(y) - 0.5)
    return soft(np.minimum(np.minimum(foil, np.abs(corner - 0.22) - 0.03), r - 0.08), thick)


def saz(length: int, thick: int) -> Mask:
    """Tulips and serrated leaves on a wave."""
    u, v = grid(length, thick, 1.7)
    stem = np.abs(v - 0.5 - 0.3 * np.sin(2 * np.pi * u)) - 0.025
    x, y = (u % 0.5 - 0.25) * 1.7, v - np.where(u < 0.5, 0.34, 0.66)
    a = np.arctan2(y, x)
    flower = np.hypot(x, y) - 0.20 * (0.6 + 0.4 * np.abs(np.cos(1.5 * a)))
    return soft(np.minimum(stem, flower), thick)


def girih(length: int, thick: int) -> Mask:
    """Eight-pointed stars in straps."""
    u, v = grid(length, thick, 1.0)
    x, y = np.abs(u - 0.5), np.abs(v - 0.5)
    star = np.minimum(np.maximum(x, y), (x + y) / 1.414)
    line = np.minimum(np.abs(star - 0.33) - 0.03, np.abs(star - 0.16) - 0.025)
    return soft(np.minimum(line, np.abs(np.abs(x - y) - 0.46) - 0.02), thick)


def paisley(length: int, thick: int) -> Mask:
    """Botehs: drops with a bent tip."""
    u, v = grid(length, thick, 0.8)
    x, y = (u - 0.5) * 0.8, v - 0.58
    bent = x - 0.16 * np.clip(-y, 0, 1) ** 1.5 * 3
    drop = np.hypot(bent, y * 0.72) - 0.23 * np.clip(1 + y * 1.5, 0.08, 1.2)
    rings = np.minimum(np.abs(drop) - 0.03, np.hypot(bent, y * 0.8 - 0.02) - 0.07)
    return soft(np.minimum(rings, np.hypot((u - 0) * 0.8, v - 0.5) - 0.05), thick)


def cranecloud(length: int, thick: int) -> Mask:
    """Cranes between clouds."""
    return np.maximum(
        stamped("🦩", length, thick, 2.6), np.roll(stamped("☁", length, thick, 2.6), thick, 1)
    )


def brocade(length: int, thick: int) -> Mask:
    """Lozenges with a cross, as on silk brocade."""
    u, v = grid(length, thick, 0.7)
    d = np.abs(u - 0.5) + np.abs(v - 0.5)
    lines = np.minimum(np.abs(d - 0.46) - 0.04, np.abs(d - 0.28) - 0.03)
    return soft(np.minimum(lines, d - 0.1), thick)


def flame(length: int, thick: int) -> Mask:
    """Thai flame leaves."""
    u, v = grid(length, thick, 0.55)
    half = 0.46 * np.clip(1 - v, 0, 1) ** 0.0 * np.clip((v - 0.04) / 0.9, 0, 1) ** 0.8
    edge = np.abs(u - 0.5 + 0.10 * np.sin(v * 6)) * 0.55 - half * 0.5
    return soft(np.minimum(np.abs(edge) - 0.03, np.abs(edge + 0.12) - 0.025), thick)


def parang(length: int, thick: int) -> Mask:
    """Slanting blades of batik."""
    u, v = grid(length, thick, 0.5)
    s = (u + v) % 1
    blade = np.abs(s - 0.5) - 0.22 - 0.12 * np.sin(2 * np.pi * v * 2)
    return soft(np.minimum(np.abs(blade) * 0.5 - 0.03, np.abs(s - 0.5) * 0.5 - 0.02), thick)


def glyphblocks(length: int, thick: int) -> Mask:
    """Rounded squares with a face or bars and dots in them."""
    u, v = grid(length, thick, 0.95)
    x, y = np.abs(u - 0.5), np.abs(v - 0.5)
    block = np.abs((x**4 + y**4) ** 0.25 - 0.40) - 0.035
    dots = np.minimum(np.hypot(x - 0.14, v - 0.34) - 0.06, np.abs(v - 0.62) - 0.035)
    return soft(
        np.minimum(block, np.where(x < 0.28, np.minimum(dots, np.abs(v - 0.76) - 0.03), 9)), thick
    )


def spiral(length: int, thick: int) -> Mask:
    """Running spirals of the sea."""
    u, v = grid(length, thick, 1.1)
    x, y = (u - 0.5) * 1.1, v - 0.5
    r, a = np.hypot(x, y), np.arctan2(y, x)
    turn = np.abs((r * 5 - a / (2 * np.pi)) % 1 - 0.5) - 0.2
    coil = np.where(r < 0.44, turn / 5, 9)
    link = np.where(r > 0.36, np.abs(y + 0.42 * np.sign(x)) - 0.05, 9)
    return soft(np.minimum(coil, link), thick)


def rosettes(length: int, thick: int) -> Mask:
    """Daisies with sixteen petals between rings."""
    u, v = grid(length, thick, 1.0)
    x, y = u - 0.5, v - 0.5
    r, a = np.hypot(x, y), np.arctan2(y, x)
    petals = r - 0.34 * (0.75 + 0.25 * np.abs(np.cos(6 * a)))
    return soft(
        np.minimum(np.maximum(petals, 0.12 - r), np.minimum(np.abs(r - 0.43) - 0.03, r - 0.07)),
        thick,
    )


def interlace(length: int, thick: int) -> Mask:
    """Plaited bands with crosses."""
    u, v = grid(length, thick, 1.4)
    a = np.abs(v - 0.5 - 0.32 * np.sin(2 * np.pi * u)) - 0.055
    b = np.abs(v - 0.5 + 0.32 * np.sin(2 * np.pi * u)) - 0.055
    x, y = np.abs(u - 0.25) * 1.4, np.abs(v - 0.5)
    cross = np.minimum(np.maximum(x - 0.035, y - 0.14), np.maximum(x - 0.14, y - 0.035))
    return soft(np.minimum(np.minimum(a, b), cross), thick)


def millefleurs(length: int, thick: int) -> Mask:
    """Small flowers side by side."""
    return np.maximum(
        stamped("🌼", length, thick, 2.2), np.roll(stamped("🌷", length, thick, 2.2), thick, 1)
    )


def ripple(length: int, thick: int) -> Mask:
    """Ebony ripple moulding."""
    u, v = grid(length, thick, 0.18)
    waves = np.where((v > 0.3) & (v < 0.7), np.abs(u - 0.5) * 0.18 - 0.04, 9)
    return soft(np.minimum(waves, np.minimum(np.abs(v - 0.15), np.abs(v - 0.85)) - 0.04), thick)


MOTIFS: dict[str, Strip] = {
    f.__name__: f
    for f in (
        stepped, xicalli, azulejo, saz, girih, paisley, cranecloud, brocade, flame, parang,
        glyphblocks, spiral, rosettes, interlace, millefleurs, ripple,
    )
}  # fmt: skip
