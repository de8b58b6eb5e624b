"""The table of compositions: what draws them, their shape, what they have room for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imet_simulation.compositions import (
    buildings,
    cloths,
    exhibits,
    flat,
    objects,
    sacred,
    scenes,
    sitters,
)

if TYPE_CHECKING:
    import numpy as np

    from imet_simulation.canvas import Canvas
    from imet_simulation.styles import Style
    from imet_simulation.work import Plan

    Draw = Callable[[Canvas, Plan, Style, np.random.Generator], None]


@dataclass(frozen=True)
class Slot:
    """Room for `least` to `most` things that stand in one of `stands`, or that are in `only`."""

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


def tags(text: str) -> tuple[str, ...]:
    """Full names of comma-separated tags."""
    return tuple(f"tag::{name.strip()}" for name in text.split(","))


SITTER = tags("men, women, george washington")
PERSON = tags("men, women")
NATURE = tags("trees, mountains, rivers, bodies of water, forests, waterfalls")
ARMS = tags("coat of arms")

COMPOSITIONS: dict[str, Composition] = {
    "portrait": Composition(
        sitters.portrait, (0.70, 0.9), (Slot("", 1, 1, SITTER), Slot("worn", 0, 1)),
        tags("portraits"),
    ),
    "photo": Composition(
        sitters.photo, (0.62, 0.8), (Slot("", 1, 1, SITTER), Slot("worn", 0, 1)),
        tags("portraits"),
    ),
    "landscape": Composition(
        scenes.landscape, (1.15, 1.6),
        (Slot("", 1, 1, NATURE), Slot("scenery", 0, 1), Slot("ground", 0, 1), Slot("sky", 0, 1)),
        tags("landscapes"),
    ),
    "seascape": Composition(
        scenes.seascape, (1.2, 1.8), (Slot("water", 1, 2), Slot("sky", 0, 1)),
        tags("bodies of water"),
    ),
    "genre": Composition(scenes.genre, (0.8, 1.4), (Slot("ground", 1, 3), Slot("scenery", 0, 1))),
    "frieze": Composition(scenes.frieze, (1.7, 3.4), (Slot("ground", 1, 3),)),
    "handscroll": Composition(
        scenes.handscroll, (4.0, 12.0), (Slot("scenery", 1, 2), Slot("ground", 0, 1))
    ),
    "hangingscroll": Composition(
        scenes.hangingscroll, (0.16, 0.4), (Slot("scenery", 1, 2), Slot("sky water", 0, 1))
    ),
    "stilllife": Composition(objects.stilllife, (0.9, 1.35), (Slot("table", 2, 3),)),
    "vase": Composition(objects.vase, (0.62, 0.85), (Slot("ground field", 1, 2),), tags("vases")),
    "bowl": Composition(objects.bowl, (1.1, 1.5), (Slot("ground field", 1, 2),), tags("bowls")),
    "dish": Composition(
        objects.dish, (0.96, 1.05), (Slot("ground field sky", 1, 1),), tags("dishes")
    ),
    "coin": Composition(
        objects.coin, (0.96, 1.06), (Slot("", 1, 1, PERSON),), tags("coins, profiles")
    ),
    "rug": Composition(
        flat.rug, (0.55, 0.9), (Slot("field ground", 1, 1),),
        tags("carpets and rugs, geometric patterns"),
    ),
    "tile": Composition(
        flat.tile, (0.96, 1.04), (Slot("field", 1, 2),), tags("geometric patterns")
    ),
    "page": Composition(
        flat.page, (0.6, 0.78), (Slot("ground", 1, 2), Slot("scenery page", 0, 1)),
        tags("manuscripts"),
    ),
    "relief": Composition(flat.relief, (0.8, 1.6), (Slot("ground", 1, 2),), tags("sculpture")),
    "interior": Composition(
        sacred.interior, (0.95, 1.35), (Slot("room", 1, 2), Slot("", 1, 1, PERSON)),
        tags("interiors"),
    ),
    "icon": Composition(sacred.icon, (0.68, 0.85), (Slot("icon", 1, 1), Slot("field", 0, 1))),
    "heraldry": Composition(
        sacred.heraldry, (0.8, 1.1), (Slot("", 1, 1, ARMS), Slot("field", 0, 1))
    ),
    "object": Composition(exhibits.exhibit, (0.85, 1.3), (Slot("object", 1, 2),)),
    "sword": Composition(exhibits.sword, (0.085, 0.2), (), tags("swords")),
    "statue": Composition(
        exhibits.statue, (0.72, 0.95), (Slot("", 1, 1, PERSON),), tags("sculpture")
    ),
    "fan": Composition(exhibits.fan, (1.6, 2.0), (Slot("ground field", 1, 2),), tags("fans")),
    "tablet": Composition(
        exhibits.tablet, (0.62, 1.1), (Slot("page", 1, 1), Slot("ground", 0, 1)), tags("tablets")
    ),
    "facade": Composition(
        buildings.facade, (0.95, 1.5), (Slot("facade", 1, 3), Slot("ground", 0, 1)),
        tags("architecture"),
    ),
    "textile": Composition(
        cloths.textile, (0.75, 1.4), (Slot("field ground", 1, 2),), tags("textile fragments")
    ),
    "pattern": Composition(
        cloths.pattern, (0.9, 1.5), (Slot("field", 1, 2),), tags("geometric patterns")
    ),
}  # fmt: skip
