"""Where things stand: side by side, clear of what stands already, in the water up to a line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from imet_simulation.canvas import Canvas, mix, rgb
from imet_simulation.drawings import SPREADING, breadth, thing
from imet_simulation.ground import Rng
from imet_simulation.paint import WHITE
from imet_simulation.things import THINGS

if TYPE_CHECKING:
    from imet_simulation.styles import Style

LAYOUTS = 14
"""Arrangements tried for a row; the one that hides least of what stands already is taken."""


def of(things: Iterable[str], *stands: str) -> list[str]:
    """Those of the things that stand in one of these places (emblems stand on the ground)."""
    places = " ".join(stands)
    return [
        t for t in things if (THINGS[t].stands_in(places) if t in THINGS else "ground" in stands)
    ]


def spots(rng: Rng, count: int, lo: float, hi: float) -> list[float]:
    """`count` places between lo and hi, spread out, in random order."""
    if count == 0:
        return []
    edges = np.linspace(lo, hi, count + 1)
    width = edges[1] - edges[0]
    places = edges[:-1] + width * rng.uniform(0.3, 0.7, count)
    return [float(p) for p in rng.permutation(places)]


def copies(labels: Sequence[str], rng: Rng) -> list[str]:
    """Each label as often as its thing likes to come."""
    out = []
    for label in labels:
        many = THINGS[label].many if label in THINGS else 1
        out += [label] * int(rng.integers(1, many + 1))
    return out


def _weight(label: str) -> float:
    """How much it matters that something else hides this thing: trees may be stood before."""
    drawn = THINGS[label].drawn if label in THINGS else ""
    if drawn == "bridge":
        return 0.7
    return 0.0 if drawn in SPREADING else (0.3 if drawn == "tree" else 1.0)


def _hidden(c: Canvas, left: float, right: float) -> float:
    """How much of what stands already an interval would cover, as a sum of fractions."""
    total = 0.0
    for a, b, matters in c.taken:
        total += (
            matters * max(0.0, min(b, right) - max(a, left)) / max(1.0, min(b - a, right - left))
        )
    return total


def place_row(
    c: Canvas,
    labels: Sequence[str],
    style: Style,
    rng: Rng,
    base: float,
    size: float,
    lo: float = 0.06,
    hi: float = 0.94,
    depth: float = 0.0,
    shadow: bool = True,
    draw: Callable[..., None] = thing,
) -> None:
    """Things side by side on a line at `base` px, each about `size` px for a thing of size .5.

    `depth` px is how far behind the line a thing may stand; farther ones are smaller and paler.
    The row is spaced so that its things do not collide, and made smaller where it would not fit.
    """
    row = copies(labels, rng)
    if not row:
        return
    room = (hi - lo) * c.width
    back = rng.uniform(0, 1, len(row)) if depth else np.zeros(len(row))
    vary = rng.uniform(0.88, 1.12, len(row))
    start = int(rng.integers(6))

    def sizes(chosen: list[str]) -> list[tuple[float, float]]:
        out = []
        for k, label in enumerate(chosen):
            want = (THINGS[label].size if label in THINGS else 0.35) / 0.5 * size
            tall = min(want * (1 - 0.35 * back[k]) * vary[k], base * 0.95)
            out.append((tall, tall * breadth(label)))
        return out

    measured = sizes(row)
    while sum(w for _, w in measured) > 1.1 * room and len(set(row)) < len(row):
        twice = [t for t in row if row.count(t) > 1]
        row.remove(max(twice, key=breadth))
        measured = sizes(row)
    scale = min(1.0, 1.04 * room / max(1.0, sum(w for _, w in measured)))
    measured = [(max(t * scale, 16 * c.u), w * scale) for t, w in measured]
    slack = max(0.0, room - sum(w for _, w in measured))
    best: tuple[float, list[float]] = (np.inf, [])
    for _ in range(LAYOUTS):
        gaps = rng.dirichlet(np.full(len(row) + 1, 1.6)) * slack
        x, places, hidden = lo * c.width, [0.0] * len(row), 0.0
        for gap, k in zip(gaps, rng.permutation(len(row))):
            x += gap
            places[int(k)] = x + measured[int(k)][1] / 2
            hidden += _hidden(c, x, x + measured[int(k)][1])
            x += measured[int(k)][1]
        if hidden < best[0] - 1e-6:
            best = (hidden, places)
    for k in sorted(range(len(row)), key=lambda k: -back[k]):
        (tall, wide), x = measured[k], best[1][k]
        c.taken.append((x - 0.45 * wide, x + 0.45 * wide, _weight(row[k])))
        draw(
            c, row[k], x, base - depth * back[k], tall, style, rng, 0.3 * back[k], shadow,
            turn=start + k,
        )  # fmt: skip


def afloat(
    c: Canvas, label: str, cx: float, base: float, height: float, style: Style, rng: Rng,
    fade: float = 0.0, shadow: bool = False, turn: int | None = None,
) -> None:  # fmt: skip
    """A thing in the water up to its line: what is below is covered, the rest is mirrored."""
    before, owner = c.rgb.copy(), c.owner.copy()
    thing(c, label, cx, base, height, style, rng, fade, False, turn)
    deep = 0.26 if label == "tag::dolphins" else 0.12
    line = min(base, c.height - (c.edge or 0)) - deep * height
    y = np.arange(c.height, dtype=np.float32)[:, None]
    x = np.arange(c.width, dtype=np.float32)[None]
    swell = line + 0.014 * height * np.sin(x / (0.06 * height + 2))
    under = np.clip(y - swell + 0.5, 0, 1)
    changed = c.owner != owner
    top, low = int(line), min(c.height, int(line + 0.3 * height))
    c.rgb += (before - c.rgb) * under[..., None]
    c.owner[under > 0.5] = owner[under > 0.5]
    rows = np.arange(top, low)
    source = np.clip(2 * top - rows - 1, 0, c.height - 1)
    waver = np.clip(x.astype(int) + np.rint(2.0 * c.u * np.sin(rows * 1.1))[:, None].astype(int),
                    0, c.width - 1)  # fmt: skip
    mirror = c.rgb[source[:, None], waver]
    there = changed[source[:, None], waver] & (under[rows] > 0.5)
    strength = 0.2 * np.linspace(1, 0.1, len(rows), dtype=np.float32)[:, None] * there
    c.rgb[rows] += (mirror - c.rgb[rows]) * strength[..., None]
    ripples(c, cx, line, 0.62 * breadth(label) * height, style, rng)


def ripples(c: Canvas, cx: float, y: float, half: float, style: Style, rng: Rng) -> None:
    """A few short bright strokes on the water, owned by nobody."""
    tone = mix(mix(rgb(style.water), WHITE, 0.6), rgb(style.paper), 0.2)
    if style.technique in ("line", "silhouette", "goldleaf"):
        tone = rgb(style.ink)
    for k in range(5):
        long = max(4, round(half * float(rng.uniform(0.3, 0.8))))
        thick = max(1, round(1.3 * c.u))
        fade = np.sin(np.linspace(0, np.pi, long, dtype=np.float32))[None] * np.ones((thick, 1))
        at = cx + float(rng.uniform(-1, 0.5)) * half
        down = y + (0.5 + 2.6 * k) * c.u
        c.paint(fade.astype(np.float32), tone, at, down, 0.55, own=False)


def submerged(
    c: Canvas, label: str, cx: float, base: float, height: float, style: Style, rng: Rng,
    fade: float = 0.0, shadow: bool = False, turn: int | None = None,
) -> None:  # fmt: skip
    """A thing seen in the water: water lies darker around it, a few ripples run over it."""
    c.shadow(cx, base - 0.45 * height, 0.62 * breadth(label) * height, 0.5 * height, 0.16)
    thing(c, label, cx, base, height, style, rng, 0.0, False, turn)
    ripples(c, cx, base - 1.08 * height, 0.6 * breadth(label) * height, style, rng)


def medallions(c: Canvas, labels: Sequence[str], style: Style, rng: Rng) -> None:
    """Things that have no place in a composition, in a row along the lower edge."""
    if not labels:
        return
    size = min(0.3 * min(c.height, c.width), 0.9 * c.width / len(labels))
    for label, x in zip(labels, spots(rng, len(labels), 0.05 * c.width, 0.95 * c.width)):
        thing(c, label, x, c.height * 0.97, size, style, rng, shadow=False)
