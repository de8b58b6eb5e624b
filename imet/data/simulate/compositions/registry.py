"""The table of compositions: what draws them, their shape, what they have room for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imet.data.simulate.compositions import flat, objects, scenes, sitters

if TYPE_CHECKING:
    import numpy as np

    from imet.data.simulate.canvas import Canvas
    from imet.data.simulate.styles import Style
    from imet.data.simulate.work import Plan

    Draw = Callable[[Canvas, Plan, Style, np.random.Generator], None]


@dataclass(frozen=True)
class Slot:
    """Room for `least` to `most` things that stand in one of `stands` (words)."""

    stands: str
    least: int
    most: int
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Composition:
    """How a kind of picture is built.

    Attributes:
        draw: paints it.
        aspect: smallest and largest width over height.
        slots: what it has room for.
        gives: labels that it always carries.
    """

    draw: Draw
    aspect: tuple[float, float]
    slots: tuple[Slot, ...]
    gives: tuple[str, ...] = ()


SITTER = ("tag::men", "tag::women", "tag::george washington")
COMPOSITIONS: dict[str, Composition] = {
    "portrait": Composition(
        sitters.portrait,
        (0.70, 0.9),
        (Slot("", 1, 1, SITTER), Slot("worn", 0, 2)),
        ("tag::portraits",),
    ),
    "photo": Composition(
        sitters.photo,
        (0.62, 0.8),
        (Slot("", 1, 1, SITTER), Slot("worn", 0, 2)),
        ("tag::portraits",),
    ),
    "landscape": Composition(
        scenes.landscape,
        (1.15, 1.6),
        (Slot("scenery", 1, 3), Slot("ground", 0, 2), Slot("sky", 0, 1)),
        ("tag::landscapes",),
    ),
    "seascape": Composition(
        scenes.seascape,
        (1.2, 1.8),
        (Slot("water", 1, 2), Slot("sky", 0, 1), Slot("scenery", 0, 1)),
        ("tag::bodies of water",),
    ),
    "genre": Composition(scenes.genre, (0.8, 1.4), (Slot("ground", 2, 3), Slot("scenery", 0, 1))),
    "frieze": Composition(scenes.frieze, (2.0, 4.5), (Slot("ground", 2, 4),)),
    "handscroll": Composition(
        scenes.handscroll,
        (4.0, 11.5),
        (Slot("scenery", 2, 3), Slot("ground", 1, 2), Slot("sky", 0, 1)),
    ),
    "hangingscroll": Composition(
        scenes.hangingscroll, (0.16, 0.4), (Slot("scenery", 1, 2), Slot("sky water", 0, 1))
    ),
    "stilllife": Composition(objects.stilllife, (0.9, 1.35), (Slot("table", 2, 4),)),
    "vase": Composition(
        objects.vase, (0.62, 0.85), (Slot("ground field table", 1, 2),), ("tag::vases",)
    ),
    "bowl": Composition(
        objects.bowl, (1.1, 1.5), (Slot("ground field water", 1, 2),), ("tag::bowls",)
    ),
    "dish": Composition(
        objects.dish, (0.96, 1.05), (Slot("ground field table sky", 1, 2),), ("tag::dishes",)
    ),
    "coin": Composition(
        objects.coin,
        (0.96, 1.06),
        (Slot("", 1, 1, SITTER[:2]),),
        ("tag::coins", "tag::profiles", "tag::inscriptions"),
    ),
    "rug": Composition(
        flat.rug,
        (0.55, 0.9),
        (Slot("field ground", 1, 2),),
        ("tag::carpets and rugs", "tag::geometric patterns"),
    ),
    "tile": Composition(
        flat.tile, (0.96, 1.04), (Slot("field ground sky", 1, 2),), ("tag::geometric patterns",)
    ),
    "page": Composition(
        flat.page,
        (0.6, 0.78),
        (Slot("ground field", 1, 3),),
        ("tag::manuscripts", "tag::writing systems"),
    ),
    "relief": Composition(flat.relief, (0.8, 1.6), (Slot("ground", 1, 2),), ("tag::sculpture",)),
}
