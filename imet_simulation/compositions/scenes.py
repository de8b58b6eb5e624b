"""Landscapes, seascapes, genre scenes, friezes and scrolls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from imet_simulation.canvas import Canvas, ellipse, rgb
from imet_simulation.compositions import stage
from imet_simulation.drawings import breadth, thing
from imet_simulation.glyphs import CJK_SIGNS, glyph
from imet_simulation.ground import Rng
from imet_simulation.ornament import band, frame
from imet_simulation.things import THINGS

if TYPE_CHECKING:
    from imet_simulation.styles import Style
    from imet_simulation.work import Plan

FAR = ("tag::mountains", "tag::bodies of water", "tag::rivers", "tag::volcanoes")
LYING = {"tag::bodies of water": (0.30, 0.42), "tag::rivers": (0.44, 0.5)}
"""Things that lie on the land: height, and how far below the horizon they reach."""


def scenery(c: Canvas, things: Sequence[str], style: Style, rng: Rng, horizon: float) -> list[str]:
    """Far things on the horizon, nearer ones before them."""
    h, w = c.height, c.width
    small = min(h, w)
    shown = []
    for label in [t for t in things if t in FAR]:
        tall, reach = LYING.get(label, (0.46, 0.0))
        if reach:
            tall = min(tall * small, 0.8 * (1 - horizon) * h)
            base = horizon * h + tall * 1.05
        else:
            tall, base = min(tall * small, horizon * h * 0.7), horizon * h + 2
        x = w * float(rng.uniform(0.3, 0.7))
        thing(c, label, x, base, tall, style, rng, 0.2, False)
        shown.append(label)
        if not reach:  # hides nothing, but the sun and the moon keep to its other side
            c.taken.append((x - 0.3 * tall, x + 0.3 * tall, 0.0))
    near = [t for t in stage.of(things, "scenery") if t not in FAR]
    stage.place_row(
        c, near, style, rng, h * (horizon + 0.24), 0.54 * small, depth=0.2 * h * (1 - horizon)
    )
    return shown + near


def _sky(c: Canvas, plan: Plan, style: Style, rng: Rng, horizon: float) -> list[str]:
    things = stage.of(plan.things, "sky")
    row = stage.copies(things, rng)
    room = 0.86 * c.width / max(1, len(row))
    peaks = [(a + b) / 2 for a, b, matters in c.taken if matters == 0]
    for k, (label, x) in enumerate(
        zip(row, stage.spots(rng, len(row), 0.07 * c.width, 0.93 * c.width))
    ):
        size = THINGS[label].size if label in THINGS else 0.25
        tall = size * float(rng.uniform(0.58, 0.76)) * min(c.height, c.width)
        tall = min(tall, 0.8 * horizon * c.height, room * 1.1 / breadth(label))
        y = float(rng.uniform(0.25, 0.62)) * horizon * c.height
        if label in ("tag::sun", "tag::moon", "tag::stars"):
            y = 0.0  # as high as it can be: nothing on earth is behind it
        if label in ("tag::sun", "tag::moon") and peaks:
            x = c.width * (0.16 if peaks[0] > 0.5 * c.width else 0.84)
        low = max(y, tall * 1.05 + (c.edge or 0))
        thing(c, label, x, low, tall, style, rng, shadow=False, turn=k)
    return things


def _margin(c: Canvas) -> None:
    """Things keep clear of the border that may come round the picture."""
    c.edge = 0.085 * min(c.height, c.width)


def landscape(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """Land under a sky, wide and far; who walks in it is small."""
    horizon = float(rng.uniform(0.42, 0.54))
    _margin(c)
    with c.mark("tag::landscapes"):
        stage.sky_and_land(c, style, rng, horizon)
        c.owner[:] = c._part()
        shown = scenery(c, plan.things, style, rng, horizon) + _sky(c, plan, style, rng, horizon)
        ground = stage.of(plan.things, "ground", "water")
        small = min(c.height, c.width)
        stage.place_row(c, ground, style, rng, c.height * 0.92, 0.44 * small, depth=0.08 * c.height)
    rest = [t for t in plan.things if t not in (*shown, *ground)]
    stage.medallions(c, rest, style, rng)
    _edge(c, style, rng)


SWIMMING = ("tag::fish", "tag::octopus", "tag::crabs", "tag::turtles")
"""Things seen under the water; others float in it up to a line."""


def seascape(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """Ships on a sea, fish in it."""
    floating = [t for t in stage.of(plan.things, "water") if t not in SWIMMING]
    swimming = [t for t in stage.of(plan.things, "water") if t in SWIMMING]
    horizon = float(rng.uniform(0.32, 0.38) if swimming else rng.uniform(0.40, 0.52))
    _margin(c)
    stage.sky_and_land(c, style, rng, horizon, sea=True)
    h, small = c.height, min(c.height, c.width)
    cut = int(horizon * h)
    with c.mark("tag::bodies of water"):
        c.owner[cut:] = c._part()
    shown = _sky(c, plan, style, rng, horizon) + scenery(c, plan.things, style, rng, horizon - 0.2)
    both = bool(floating and swimming)
    base, depth = (0.68, 0.1) if both else (0.88, 0.24)
    stage.place_row(
        c, floating, style, rng, h * base, (0.5 if both else 0.64) * small, depth=depth * h,
        draw=stage.afloat,
    )  # fmt: skip
    c.taken.clear()
    stage.place_row(
        c, swimming, style, rng, h * 0.9, (0.44 if both else 0.6) * small,
        depth=(0.02 if both else 0.16) * h, draw=stage.submerged,
    )  # fmt: skip
    rest = [t for t in plan.things if t not in (*shown, *floating, *swimming)]
    stage.place_row(c, rest, style, rng, h * 0.97, 0.4 * small)
    _edge(c, style, rng)


def genre(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """People and animals close by, at their doings."""
    horizon = float(rng.uniform(0.5, 0.62))
    _margin(c)
    stage.sky_and_land(c, style, rng, horizon)
    shown = _sky(c, plan, style, rng, horizon) + scenery(c, plan.things, style, rng, horizon - 0.06)
    rest = [t for t in plan.things if t not in shown]
    small = min(c.height, c.width)
    stage.place_row(c, rest, style, rng, c.height * 0.93, 0.62 * small, depth=0.06 * c.height)
    _edge(c, style, rng)


def _edge(c: Canvas, style: Style, rng: Rng) -> None:
    """Border and finish of a flat picture."""
    if style.border not in ("none", "rocaille", "album", "gilt", "ripple") and (
        style.technique != "painted" or rng.random() < 0.4
    ):
        frame(c, style, round(0.07 * min(c.height, c.width)), int(rng.integers(3)))
    stage.finish(c, style, rng)


def frieze(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """Figures in a row between two ornament bands."""
    stage.ground(c, style, rng)
    stage.strew(c, style, rng, 0, c.height)
    thick = round(0.13 * c.height)
    count = max(1, round(c.width / c.height * 1.35 / max(1, len(plan.things))))
    row = list(plan.things) * count
    h = c.height - 2.4 * thick
    pitch = c.width / len(row)
    for k, label in enumerate(row):
        tall = min(h * float(rng.uniform(0.84, 0.96)), 0.9 * pitch / breadth(label))
        low = c.height - 1.2 * thick
        thing(c, label, (k + 0.5) * pitch, low, tall, style, rng, shadow=False, turn=k // 2)
    band(c, style, 0, 0, c.width, thick, 0)
    band(c, style, 0, c.height - thick, c.width, thick, 0)
    stage.finish(c, style, rng)


def handscroll(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A long scroll unrolled: scenes follow each other, seals at the end."""
    horizon = 0.55
    stage.sky_and_land(c, style, rng, horizon)
    parts = max(1, round(c.width / c.height / 2.2))
    labels = list(plan.things)
    for k in range(parts):
        lo, hi = (k + 0.06) / parts, (k + 0.94) / parts
        chosen = list(dict.fromkeys([*labels[k::parts], labels[(k + 1) % len(labels)]]))
        far = [t for t in chosen if t in FAR]
        for label in far:
            thing(
                c,
                label,
                (lo + hi) / 2 * c.width,
                c.height * 0.62,
                0.42 * c.height,
                style,
                rng,
                0.2,
                False,
            )
        near = [t for t in chosen if t not in far and t not in stage.of(chosen, "sky")]
        stage.place_row(
            c, near, style, rng, c.height * 0.9, 0.45 * c.height, lo, hi, 0.15 * c.height, False
        )
        for label in stage.of(chosen, "sky"):
            thing(
                c,
                label,
                float(rng.uniform(lo, hi)) * c.width,
                0.3 * c.height,
                0.16 * c.height,
                style,
                rng,
                shadow=False,
            )
    thick = round(0.07 * c.height)
    band(c, style, 0, 0, c.width, thick, 0)
    band(c, style, 0, c.height - thick, c.width, thick, 0)
    seal(c, rng, c.width - 0.2 * c.height, 0.62 * c.height, 0.13 * c.height)
    stage.finish(c, style, rng)


def hangingscroll(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A tall scroll: mounting silk, a picture with much air, a line of writing, a seal."""
    stage.ground(c, style, rng, style.accents[-1])
    h, w = c.height, c.width
    side, top, bottom = round(0.09 * w), round(0.12 * h), round(0.09 * h)
    picture = c.layer(h - top - bottom, w - 2 * side)
    horizon = 0.42
    stage.sky_and_land(picture, style, rng, horizon)
    _scroll_things(picture, list(plan.things), style, rng, horizon)
    size = max(8, round(0.07 * picture.width))
    signs = list(CJK_SIGNS)
    for k in range(5):
        g = glyph("cjk:" + signs[int(rng.integers(len(signs)))], size)
        picture.paint(
            g.line, rgb(style.ink), picture.width * 0.87, picture.height * 0.05 + k * size * 1.2
        )
    seal(picture, rng, picture.width * 0.9, picture.height * 0.06 + 6.6 * size, size * 1.3)
    c.paste(picture, side, top)
    band(c, style, 0, round(0.02 * h), w, max(6, round(0.02 * h)), 0)
    band(c, style, 0, h - round(0.05 * h), w, max(6, round(0.02 * h)), 0)
    stage.finish(c, style, rng, "aged" if style.finish == "gloss" else style.finish)


def _scroll_things(
    picture: Canvas, labels: list[str], style: Style, rng: Rng, horizon: float
) -> None:
    """From above: what is in the sky, what is far, what is near, what is in the water."""
    sky = [t for t in stage.of(labels, "sky") if t not in stage.of(labels, "scenery")]
    wet = [t for t in stage.of(labels, "water") if t not in sky]
    land = [t for t in labels if t not in (*sky, *wet)]
    order = [*sorted(land, key=lambda t: t not in FAR), *wet]
    w, h = picture.width, picture.height
    for k, label in enumerate(sky):
        tall = min(0.4 * w, 0.16 * h)
        thing(picture, label, 0.36 * w, (0.2 + 0.1 * k) * h, tall, style, rng, shadow=False)
    step = (0.96 - horizon) / max(1, len(order))
    for k, label in enumerate(order):
        base = (horizon + step * (k + 0.92)) * h
        tall = min(0.9 * w / max(0.75, breadth(label)), (step + 0.12) * h)
        x = w * float(rng.uniform(0.4, 0.6))
        if label in wet:
            pond = ellipse(0.48 * w, 0.5 * tall)
            at = (x - pond.shape[1] / 2, base - 0.85 * tall)
            picture.paint(pond, rgb(style.water), *at, 0.9, own=False)
            draw = stage.submerged if label in SWIMMING else stage.afloat
            draw(picture, label, x, base, 0.8 * tall, style, rng)
        else:
            thing(picture, label, x, base, tall, style, rng, 0.2 * (k == 0), False)


def seal(c: Canvas, rng: Rng, cx: float, cy: float, size: float) -> None:
    """A red seal with one character left white."""
    size = max(6, round(size))
    red = np.array([0.74, 0.16, 0.12], np.float32)
    c.paint(np.ones((size, size), np.float32), red, cx - size / 2, cy - size / 2, 0.9)
    g = glyph(
        "cjk:" + list(CJK_SIGNS)[int(rng.integers(len(CJK_SIGNS)))], max(4, round(size * 0.76))
    )
    c.paint(
        g.line,
        np.array([0.96, 0.92, 0.86], np.float32),
        cx - g.body.shape[1] / 2,
        cy - g.body.shape[0] / 2,
    )
