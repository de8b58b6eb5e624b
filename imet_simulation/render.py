"""One work from its plan: draw, finish, photograph, and read off the boxes."""

from __future__ import annotations

import dataclasses
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imet_simulation.canvas import Canvas, PixelOwners
from imet_simulation.compositions import COMPOSITIONS, stage
from imet_simulation.finish import lens
from imet_simulation.styles import style_for
from imet_simulation.work import Plan

Box = tuple[int, int, int, int]
FILLER = "tag::leaves"
"""Decoration for a composition that would be empty; a label only where the plan says so."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """A drawn work: image (H, W, 3) uint8 and every instance's label, box and visible pixels."""

    image: NDArray[np.uint8]
    boxes: list[tuple[str, Box, int]]


def work_rng(seed: int, index: int, *more: int) -> np.random.Generator:
    """The generator of one work; it depends on nothing else, nor on the order of drawing."""
    return np.random.default_rng(np.random.SeedSequence([seed, index, *more]))


def draw(plan: Plan, seed: int, muted: frozenset[str] = frozenset(), go: int = 0) -> Drawn:
    """Draw a work. `muted` labels are left out while everything else stays as it is."""
    rng = work_rng(seed, plan.index, 1, plan.attempt, go)
    style = style_for(plan.cultures[0] if plan.cultures else plan.manner)
    if work_rng(seed, plan.index, 7).random() < style.inverse:
        style = style.inverted()
    short = min(plan.height, plan.width)
    scale = max(1.0, 150 / short)
    c = Canvas(round(plan.height * scale), round(plan.width * scale), PixelOwners(muted=muted))
    composition = COMPOSITIONS[plan.composition]
    if not plan.things and any(slot.stands and slot.least for slot in composition.slots):
        plan = dataclasses.replace(plan, things=(FILLER,))
    composition.draw(c, plan, style, rng)
    boxes = c.boxes(1 / scale)
    seen = {label for label, _, _ in boxes}
    left_out = [t for t in plan.things if t not in seen | muted and t != FILLER]
    if left_out:
        stage.medallions(c, left_out, style, work_rng(seed, plan.index, 6, go))
        boxes = c.boxes(1 / scale)
    image = lens(np.clip(c.rgb, 0, 1), work_rng(seed, plan.index, 2), c.u)
    out = (image * 255 + 0.5).astype(np.uint8)
    camera = work_rng(seed, plan.index, 8)
    if camera.random() < 0.5:
        out = _compressed(out, int(camera.integers(82, 96)))
    if scale > 1:
        size = (plan.width, plan.height)
        out = np.asarray(Image.fromarray(out).resize(size, Image.Resampling.BOX))
    return Drawn(out, boxes)


def _compressed(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Pass once through JPEG, as many museum pictures did before they became PNG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling=0)
    buffer.seek(0)
    with Image.open(buffer) as opened:
        return np.asarray(opened.convert("RGB"))


def draw_whole(plan: Plan, seed: int, least: int = 12) -> Drawn:
    """Draw a work so that every tag shows at least `least` pixels, in at most six attempts."""
    tags = {k for k in plan.labels if k.startswith("tag::")}
    for go in range(6):
        drawn = draw(plan, seed, go=go)
        seen: dict[str, int] = {}
        for label, _, pixels in drawn.boxes:
            seen[label] = seen.get(label, 0) + pixels
        if all(seen.get(k, 0) >= least for k in tags):
            break
    return drawn


def encode(image: NDArray[np.uint8]) -> bytes:
    """Encode as PNG; level 2 is as small as level 6 on such pictures, and four times as fast."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=2)
    return buffer.getvalue()


def draw_png(plan: Plan, seed: int) -> bytes:
    """The PNG file of a work, as `simulate` writes it."""
    return encode(draw_whole(plan, seed).image)
