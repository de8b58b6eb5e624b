"""A picture being painted, and who owns each of its pixels.

Every stroke carries the labels that are open at that moment (`with canvas.mark("tag::horses")`),
so a pixel knows which things it shows. What is painted over is no longer owned: the boxes read off
at the end are tight around what can still be seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from imet_simulation.glyphs import Mask

Picture = NDArray[Any]
Colour = NDArray[Any]


def rgb(code: str) -> Colour:
    """`"#aabbcc"` as three floats in [0, 1]."""
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255


def mix(a: Colour, b: Colour, t: float) -> Colour:
    """`a` where t = 0, `b` where t = 1."""
    return (a + (b - a) * np.float32(t)).astype(np.float32)


@dataclass
class PixelOwners:
    """Which instances (one label, one thing) each painted part belongs to.

    Attributes:
        labels: of the instances, in the order in which they were begun.
        parts: tuples of instances; a pixel's owner is a place in this list, 0 for nothing.
        stack: instances that are being painted now, the outermost first.
        known: places of `parts`.
        muted: labels that are left out of the picture.
        silent: whether what is painted now is muted.
    """

    labels: list[str] = field(default_factory=list)
    parts: list[tuple[int, ...]] = field(default_factory=lambda: [()])
    stack: tuple[int, ...] = ()
    known: dict[tuple[int, ...], int] = field(default_factory=lambda: {(): 0})
    muted: frozenset[str] = frozenset()
    silent: bool = False


class Canvas:
    """An RGB picture (H, W, 3) float32 in [0, 1] with an owner for every pixel.

    `muted` labels are left out of the picture, all else being equal: what changes is theirs.
    """

    def __init__(
        self, height: int, width: int, owners: PixelOwners | None = None, unit: float | None = None
    ) -> None:
        self.height, self.width = int(height), int(width)
        self.rgb: Picture = np.ones((self.height, self.width, 3), np.float32)
        self.alpha: Mask = np.zeros((self.height, self.width), np.float32)
        self.owner = np.zeros((self.height, self.width), np.int32)
        self.owners = owners or PixelOwners()
        self.u = unit if unit is not None else min(self.height, self.width) / 300
        self.edge: float | None = 0.0  # things stay this far inside; None lets them run over
        self.taken: list[tuple[float, float, float]] = []  # left, right, how much it matters

    def layer(self, height: int, width: int) -> Canvas:
        """An empty, transparent picture that shares this one's pixel owners."""
        return Canvas(height, width, self.owners, self.u)

    @contextmanager
    def mark(self, *labels: str) -> Iterator[None]:
        """What is painted inside belongs to a new instance of each label, and to those around."""
        owners = self.owners
        before, silent = owners.stack, owners.silent
        for label in labels:
            owners.labels.append(label)
            owners.stack = (*owners.stack, len(owners.labels) - 1)
            owners.silent = owners.silent or label in owners.muted
        try:
            yield
        finally:
            owners.stack, owners.silent = before, silent

    def _part(self) -> int:
        owners = self.owners
        if owners.stack not in owners.known:
            owners.known[owners.stack] = len(owners.parts)
            owners.parts.append(owners.stack)
        return owners.known[owners.stack]

    def _window(self, mask: Mask, x: float, y: float) -> tuple[slice, slice, Mask] | None:
        left, top = round(x), round(y)
        h, w = mask.shape
        r0, r1 = max(0, top), min(self.height, top + h)
        c0, c1 = max(0, left), min(self.width, left + w)
        if r0 >= r1 or c0 >= c1:
            return None
        return slice(r0, r1), slice(c0, c1), mask[r0 - top : r1 - top, c0 - left : c1 - left]

    def paint(
        self,
        mask: Mask,
        colour: Colour | Picture,
        x: float = 0,
        y: float = 0,
        opacity: float = 1.0,
        own: bool = True,
    ) -> None:
        """Lay a colour (3,) or a coloured patch (h, w, 3) through `mask`, top left at (x, y).

        With `own=False` pixels keep their owner (glazes, reflections).
        """
        if self.owners.silent:
            return
        window = self._window(mask, x, y)
        if window is None:
            return
        rows, columns, m = window
        if colour.ndim == 3:
            top, left = rows.start - round(y), columns.start - round(x)
            colour = colour[top : top + m.shape[0], left : left + m.shape[1]]
        a = (m * np.float32(opacity))[..., None]
        patch = self.rgb[rows, columns]
        patch += (colour - patch) * a
        cover = self.alpha[rows, columns]
        cover += (1 - cover) * a[..., 0]
        if own and opacity > 0.3:
            self.owner[rows, columns][m > 0.5] = self._part()

    def shade(self, mask: Mask, x: float = 0, y: float = 0, strength: float = 0.5) -> None:
        """Darken through a mask (a shadow): owned by nobody, and there even for a muted thing."""
        window = self._window(mask, x, y)
        if window is not None:
            rows, columns, m = window
            self.rgb[rows, columns] *= 1 - np.float32(strength) * m[..., None]

    def shadow(self, cx: float, cy: float, rx: float, ry: float, strength: float = 0.4) -> None:
        """A soft elliptical contact shadow."""
        h, w = max(3, int(ry * 4)), max(3, int(rx * 4))
        yy = np.linspace(-2, 2, h, dtype=np.float32)[:, None]
        xx = np.linspace(-2, 2, w, dtype=np.float32)[None]
        blob = np.exp(-1.6 * (xx * xx + yy * yy)).astype(np.float32)
        self.shade(blob, cx - w / 2, cy - h / 2, strength)

    def paste(
        self,
        sheet: Canvas,
        x: float = 0,
        y: float = 0,
        mask: Mask | None = None,
        rows: NDArray[np.float32] | None = None,
        columns: NDArray[np.float32] | None = None,
        light: Mask | None = None,
    ) -> None:
        """Lay a sheet down, bent by a sampling map (rows, columns) if given, through `mask`.

        The owners bend with it, so boxes follow things around a vase.
        """
        colour, alpha, owner = sheet.rgb, sheet.alpha, sheet.owner
        if rows is not None and columns is not None:
            r = np.clip(rows, 0, sheet.height - 1)
            c = np.clip(columns, 0, sheet.width - 1)
            colour = np.stack(
                [ndimage.map_coordinates(colour[..., i], (r, c), order=1) for i in range(3)], -1
            )
            alpha = ndimage.map_coordinates(alpha, (r, c), order=1)
            owner = owner[np.rint(r).astype(int), np.rint(c).astype(int)]
        cover = alpha if mask is None else alpha * mask
        if light is not None:
            colour = colour * light[..., None]
        window = self._window(cover, x, y)
        if window is None:
            return
        ys, xs, m = window
        top, left = ys.start - round(y), xs.start - round(x)
        inside = (slice(top, top + m.shape[0]), slice(left, left + m.shape[1]))
        patch = self.rgb[ys, xs]
        patch += (colour[inside] - patch) * m[..., None]
        own = self.alpha[ys, xs]
        own += (1 - own) * m
        theirs = owner[inside]
        opaque = m > 0.5
        self.owner[ys, xs][opaque] = theirs[opaque]

    def boxes(self, scale: float = 1.0) -> list[tuple[str, tuple[int, int, int, int], int]]:
        """Label, box (left, top, right, bottom; right and bottom exclusive), pixels, by instance.

        Only what can still be seen counts; an instance without a visible pixel is left out.
        """
        slices = ndimage.find_objects(self.owner, max_label=len(self.owners.parts))
        sizes = np.bincount(self.owner.ravel(), minlength=len(self.owners.parts))
        bounds: dict[int, list[int]] = {}
        for part, members in enumerate(self.owners.parts):
            if part == 0 or part > len(slices) or slices[part - 1] is None:
                continue
            rows, columns = slices[part - 1]
            for member in members:
                box = bounds.setdefault(member, [1 << 30, 1 << 30, 0, 0, 0])
                box[0], box[1] = min(box[0], columns.start), min(box[1], rows.start)
                box[2], box[3] = max(box[2], columns.stop), max(box[3], rows.stop)
                box[4] += int(sizes[part])
        labels = self.owners.labels
        size = (round(self.height * scale), round(self.width * scale))
        out = []
        for member in sorted(bounds):
            left, top, right, bottom, count = bounds[member]
            box4 = (
                min(int(left * scale), size[1] - 1),
                min(int(top * scale), size[0] - 1),
                min(int(np.ceil(right * scale)), size[1]),
                min(int(np.ceil(bottom * scale)), size[0]),
            )
            out.append((labels[member], box4, round(count * scale * scale)))
        return out


def polygon(points: Sequence[tuple[float, float]], supersample: int = 3) -> tuple[Mask, int, int]:
    """Antialiased mask of a closed polygon in (x, y) pixels, and its left and top."""
    from PIL import ImageDraw

    p = np.asarray(points, np.float64)
    left, top = np.floor(p.min(0)).astype(int) - 1
    right, bottom = np.ceil(p.max(0)).astype(int) + 1
    w, h = max(1, min(right - left, 6000)), max(1, min(bottom - top, 6000))
    picture = Image.new("L", (w * supersample, h * supersample), 0)
    moved = (p - (left, top)) * supersample
    ImageDraw.Draw(picture).polygon([tuple(q) for q in moved], fill=255)
    small = picture.reduce(supersample)
    return np.asarray(small, np.float32) / 255, int(left), int(top)


def smooth(
    points: Sequence[tuple[float, float]], closed: bool = True, n: int = 8
) -> list[tuple[float, float]]:
    """Catmull–Rom curve through the points, `n` steps per segment."""
    p = np.asarray(points, np.float64)
    count = len(p)
    k = np.arange(count if closed else count - 1)
    if closed:
        a, b, c, d = (p[(k + shift) % count] for shift in (-1, 0, 1, 2))
    else:
        a, b, c, d = (p[np.clip(k + shift, 0, count - 1)] for shift in (-1, 0, 1, 2))
    t = np.linspace(0, 1, n, endpoint=False)[None, :, None]
    a, b, c, d = a[:, None], b[:, None], c[:, None], d[:, None]
    q = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    out = [(float(x), float(y)) for x, y in q.reshape(-1, 2)]
    return out if closed else [*out, (float(p[-1][0]), float(p[-1][1]))]


def ellipse(rx: float, ry: float) -> Mask:
    """Antialiased filled ellipse, tight."""
    h, w = max(2, round(2 * ry)), max(2, round(2 * rx))
    y = (np.arange(h, dtype=np.float32)[:, None] + 0.5) / h * 2 - 1
    x = (np.arange(w, dtype=np.float32)[None] + 0.5) / w * 2 - 1
    d = np.sqrt(x * x + y * y)
    return np.clip((1 - d) * min(rx, ry) + 0.5, 0, 1).astype(np.float32)
