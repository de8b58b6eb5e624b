"""A pen that draws outlines in a thing's own measure, in a culture's technique."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imet_simulation.canvas import Canvas, Colour, ellipse, polygon, smooth
from imet_simulation.paint import part

if TYPE_CHECKING:
    from imet_simulation.styles import Style

Points = list[tuple[float, float]]


@dataclass
class Pen:
    """Draws outlines given in head heights around (cx, cy)."""

    c: Canvas
    cx: float
    cy: float
    s: float
    style: Style
    mirror: float = 1.0

    def area(self, points: Points, colour: Colour, bulge: float = 0.2, curve: bool = True) -> None:
        """A filled outline in the culture's technique."""
        mask, x, y = polygon(self._px(points, curve))
        part(self.c, mask, x, y, colour, self.style, bulge)

    def flat(
        self, points: Points, colour: Colour, opacity: float = 1.0, curve: bool = True
    ) -> None:
        """A filled outline without shading or line."""
        mask, x, y = polygon(self._px(points, curve))
        self.c.paint(mask, colour, x, y, opacity)

    def dot(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, opacity: float = 1
    ) -> None:
        """A small ellipse."""
        mask = ellipse(max(0.6, rx * self.s), max(0.6, ry * self.s))
        h, w = mask.shape
        px, py = self.cx + self.mirror * x * self.s, self.cy + y * self.s
        self.c.paint(mask, colour, px - w / 2, py - h / 2, opacity)

    def _px(self, points: Points, curve: bool) -> Points:
        p = smooth(points) if curve else points
        return [(self.cx + self.mirror * x * self.s, self.cy + y * self.s) for x, y in p]

    def stroke(self, points: Points, width: float, colour: Colour, opacity: float = 1.0) -> None:
        """A line of constant width along a curve."""
        p = np.asarray(smooth(points, closed=False))
        d = np.gradient(p, axis=0)
        n = np.stack([-d[:, 1], d[:, 0]], 1) / (np.linalg.norm(d, axis=1, keepdims=True) + 1e-9)
        ring = np.concatenate([p + n * width / 2, (p - n * width / 2)[::-1]])
        self.flat([tuple(q) for q in ring], colour, opacity, curve=False)


def mirrored(half: Points) -> Points:
    """Close a right half outline (top to bottom) by its mirror image."""
    return half + [(-x, y) for x, y in reversed(half)]


def limb(line: Points, width: float, end: float = 0.65) -> Points:
    """Outline of an arm or a branch along a curve, `end` times as wide at its tip."""
    p = np.asarray(smooth(line, closed=False, n=6))
    d = np.gradient(p, axis=0)
    n = np.stack([-d[:, 1], d[:, 0]], 1) / (np.linalg.norm(d, axis=1, keepdims=True) + 1e-9)
    taper = np.linspace(width, width * end, len(p))[:, None] / 2
    return [tuple(q) for q in np.concatenate([p + n * taper, (p - n * taper)[::-1]])]
