"""Landscapes, seascapes, genre scenes, friezes and scrolls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imet.data.simulate.canvas import Canvas, rgb
from imet.data.simulate.compositions import stage
from imet.data.simulate.drawings import thing
from imet.data.simulate.finish import FINISHES
from imet.data.simulate.glyphs import CJK_SIGNS, glyph
from imet.data.simulate.ground import Rng
from imet.data.simulate.ornament import band, frame
from imet.data.simulate.things import THINGS

if TYPE_CHECKING:
    from imet.data.simulate.styles import Style
    from imet.data.simulate.work import Plan

FAR = ("tag::mountains", "tag::bodies of water", "tag::rivers", "tag::volcanoes")
LYING = {"tag::bodies of water": (0.30, 0.42), "tag::rivers": (0.44, 0.5)}
"""Things that lie on the land: height, and how far below the horizon they reach."""


def _scenery(c: Canvas, plan: Plan, style: Style, rng: Rng, horizon: float) -> list[str]:
    """Far things on the horizon, nearer ones before them."""
    h, w = c.height, c.width
    small = min(h, w)
    shown = []
    for label in [t for t in plan.things if t in FAR]:
        tall, reach = LYING.get(label, (0.46, 0.0))
        if reach:
            tall = min(tall * small, 0.8 * (1 - horizon) * h)
            base = horizon * h + tall * 1.05
        else:
            tall, base = min(tall * small, horizon * h * 0.92), horizon * h + 2
        thing(c, label, w * float(rng.uniform(0.3, 0.7)), base, tall, style, rng, 0.2, False)
        shown.append(label)
    near = [t for t in stage.of(plan.things, "scenery") if t not in FAR]
    stage.place_row(
        c, near, style, rng, h * (horizon + 0.24), 0.5 * small, depth=0.2 * h * (1 - horizon)
    )
    return shown + near


def _sky(c: Canvas, plan: Plan, style: Style, rng: Rng, horizon: float) -> list[str]:
    things = stage.of(plan.things, "sky")
    row = stage.copies(things, rng)
    for label, x in zip(row, stage.spots(rng, len(row), 0.08 * c.width, 0.92 * c.width)):
        size = THINGS[label].size if label in THINGS else 0.25
        tall = size * float(rng.uniform(0.5, 0.7)) * min(c.height, c.width)
        tall = min(tall, 0.8 * horizon * c.height)
        y = float(rng.uniform(0.25, 0.8)) * horizon * c.height
        thing(c, label, x, max(y, tall * 1.05), tall, style, rng, shadow=False)
    return things


def landscape(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """Land under a sky."""
    horizon = float(rng.uniform(0.42, 0.56))
    with c.mark("tag::landscapes"):
        stage.sky_and_land(c, style, rng, horizon)
        c.owner[:] = c._part()
        shown = _scenery(c, plan, style, rng, horizon) + _sky(c, plan, style, rng, horizon)
        ground = stage.of(plan.things, "ground", "water")
        stage.place_row(
            c,
            ground,
            style,
            rng,
            c.height * 0.93,
            0.5 * min(c.height, c.width),
            depth=0.12 * c.height,
        )
    rest = [t for t in plan.things if t not in (*shown, *ground)]
    stage.medallions(c, rest, style, rng)
    _edge(c, style, rng)


def seascape(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """Ships and fish on a sea, a coast behind."""
    horizon = float(rng.uniform(0.40, 0.52))
    stage.sky_and_land(c, style, rng, horizon, sea=True)
    cut = int(horizon * c.height)
    with c.mark("tag::bodies of water"):
        c.owner[cut:] = c._part()
    shown = _scenery(c, plan, style, rng, horizon - 0.2) + _sky(c, plan, style, rng, horizon)
    afloat = stage.of(plan.things, "water")
    stage.place_row(
        c,
        afloat,
        style,
        rng,
        c.height * 0.9,
        0.62 * min(c.height, c.width),
        depth=0.28 * c.height,
        shadow=False,
    )
    rest = [t for t in plan.things if t not in (*shown, *afloat)]
    stage.place_row(c, rest, style, rng, c.height * 0.97, 0.4 * min(c.height, c.width))
    _edge(c, style, rng)


def genre(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """People and animals close by, at their doings."""
    horizon = float(rng.uniform(0.5, 0.62))
    stage.sky_and_land(c, style, rng, horizon)
    shown = _scenery(c, plan, style, rng, horizon - 0.06) + _sky(c, plan, style, rng, horizon)
    rest = [t for t in plan.things if t not in shown]
    small = min(c.height, c.width)
    stage.place_row(c, rest, style, rng, c.height * 0.93, 0.52 * small, depth=0.1 * c.height)
    _edge(c, style, rng)


def _edge(c: Canvas, style: Style, rng: Rng) -> None:
    """Border and finish of a flat picture."""
    if style.border not in ("none", "rocaille", "album", "gilt", "ripple") and (
        style.technique != "painted" or rng.random() < 0.4
    ):
        frame(c, style, round(0.07 * min(c.height, c.width)), int(rng.integers(3)))
    c.rgb = FINISHES[style.finish](c.rgb, rng, style, c.u)


def frieze(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """Figures in a row between two ornament bands."""
    stage.ground(c, style, rng)
    stage.strew(c, style, rng, 0, c.height)
    thick = round(0.13 * c.height)
    count = max(1, round(c.width / c.height * 1.3 / max(1, len(plan.things))))
    row = list(plan.things) * count
    h = c.height - 2.6 * thick
    places = np.linspace(0, c.width, len(row) + 1)[:-1] + c.width / len(row) / 2
    for label, x in zip(row, places):
        thing(
            c,
            label,
            float(x),
            c.height - 1.25 * thick,
            h * float(rng.uniform(0.82, 0.98)),
            style,
            rng,
            shadow=False,
        )
    band(c, style, 0, 0, c.width, thick, 0)
    band(c, style, 0, c.height - thick, c.width, thick, 0)
    c.rgb = FINISHES[style.finish](c.rgb, rng, style, c.u)


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
    c.rgb = FINISHES[style.finish](c.rgb, rng, style, c.u)


def hangingscroll(c: Canvas, plan: Plan, style: Style, rng: Rng) -> None:
    """A tall scroll: mounting silk, a picture with much air, a line of writing, a seal."""
    stage.ground(c, style, rng, style.accents[-1])
    h, w = c.height, c.width
    side, top, bottom = round(0.09 * w), round(0.12 * h), round(0.09 * h)
    picture = c.sheet(h - top - bottom, w - 2 * side)
    horizon = 0.42
    stage.sky_and_land(picture, style, rng, horizon)
    labels = list(plan.things)
    step = 0.62 / max(1, len(labels))
    for k, label in enumerate(sorted(labels, key=lambda t: t not in FAR)):
        base = (0.34 + step * (k + 0.9)) * picture.height
        tall = min(0.85 * picture.width, step * picture.height * 1.1)
        thing(
            picture,
            label,
            picture.width * float(rng.uniform(0.35, 0.65)),
            base,
            tall,
            style,
            rng,
            0.2 * (k == 0),
            False,
        )
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
    c.rgb = FINISHES["aged" if style.finish == "gloss" else style.finish](c.rgb, rng, style, c.u)


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
