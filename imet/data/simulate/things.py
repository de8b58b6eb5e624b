"""The tags: a table of things, one row each.

`stands` says where a thing goes: `ground sky water table worn body field scenery page object`.
`drawn` names a function of `DRAWINGS` where a glyph would not do. `worlds` limits a thing to
cultures that carry one of these words; empty means anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Thing:
    """One tag: what it looks like and where it belongs.

    Attributes:
        label: as in the real `labels.csv`.
        shapes: glyph names, one is chosen.
        weight: how readily it is chosen, relative to others of its place.
        size: usual height as a fraction of the picture's shorter side.
        stands: where it goes.
        hue: its own colour, before the culture pulls it to its palette.
        worlds: words of the cultures it occurs in; empty: all.
        goes: labels it brings along or likes to be with.
        drawn: name of a drawing function, where a glyph would not do.
        many: how many are drawn at most.
    """

    label: str
    shapes: tuple[str, ...] = ()
    weight: float = 1.0
    size: float = 0.35
    stands: str = "ground"
    hue: str | None = None
    worlds: str = ""
    goes: tuple[str, ...] = ()
    drawn: str = ""
    many: int = 1

    def suits(self, worlds: str) -> bool:
        """Whether it occurs in a culture with these worlds."""
        return not self.worlds or bool(set(self.worlds.split()) & set(worlds.split()))


def row(name: str, shapes: str, weight: float, size: float, stands: str, **more: object) -> Thing:
    """A table row; `shapes` are glyph names separated by spaces."""
    return Thing(f"tag::{name}", tuple(shapes.split()), weight, size, stands, **more)  # type: ignore[arg-type]


ROWS = [
    # people
    row("men", "", 20, 0.62, "ground", drawn="figure", many=2),
    row("women", "", 14, 0.60, "ground", drawn="figure", many=2),
    row("children", "", 2, 0.40, "ground", drawn="figure", many=2),
    # worn
    row("hats", "👒 🎩", 2, 0.2, "worn", worlds="europe modern japan islam"),
    row("jewelry", "💎 📿 💍", 3, 0.2, "worn"),
    row("necktie", "👔", 0.7, 0.2, "worn", worlds="modern", goes=("tag::men",)),
    row("clothing and accessories", "👗 👘", 3, 0.5, "worn"),
    # animals
    row("horses", "🐎", 5, 0.42, "ground", hue="#8a5a34", many=2),
    row("birds", "🐦 🦅 🕊", 5, 0.2, "sky", hue="#6f7f8c", many=4),
    row("dogs", "🐕", 3, 0.26, "ground", hue="#a8784a", many=2),
    row("lions", "🦁", 2, 0.35, "ground", hue="#c98f3a"),
    row("elephants", "🐘", 0.8, 0.45, "ground", hue="#8c8a88", worlds="asia buddhist ancient"),
    row("dragons", "🐉", 2, 0.5, "ground", hue="#3f7a55", worlds="china japan buddhist christian"),
    row("fish", "🐟", 1.5, 0.22, "water", hue="#6f93a3", many=4),
    # landscape
    row("trees", "🌳 🌲", 7, 0.5, "scenery", hue="#4f7a3c", many=4),
    row("mountains", "", 2, 0.5, "scenery", drawn="mountains"),
    row("bodies of water", "", 2, 0.3, "scenery", drawn="water"),
    row("boats", "⛵ mdi:sail_boat", 3, 0.32, "water", hue="#8a5a34", many=2),
    row("houses", "🏠 🏡", 2.5, 0.32, "scenery", hue="#b5744a", many=2),
    # still life
    row("flowers", "🌷 🌹 🌼 🌺", 8, 0.28, "table", hue="#c9486a", many=5),
    row("fruit", "🍎 🍐 🍇 🍊 🍑", 2, 0.2, "table", hue="#c9602a", many=5),
    row("leaves", "🍃 🌿", 5, 0.25, "field", hue="#5f8a4a", many=3),
    row("books", "📖 📚", 3, 0.22, "table", hue="#7a3a2a", worlds="europe islam"),
    row("games", "🎲 ♟ 🃏", 0.5, 0.26, "table", hue="#e8dcc0"),
    # buildings, religion
    row("pediments", "🏛", 0.4, 0.42, "scenery", hue="#d8cbb0", worlds="europe classical"),
    row("cross", "✝", 2, 0.3, "field", hue="#c9a23a", worlds="christian"),
    row("avalokiteshvara", "", 0.5, 0.7, "ground", drawn="bodhisattva", worlds="buddhist"),
    row("inscriptions", "", 4, 0.12, "page", drawn="inscription"),
    row("coat of arms", "", 1, 0.4, "field", drawn="arms", worlds="europe"),
    row(
        "george washington",
        "",
        0.3,
        0.7,
        "sitter",
        drawn="washington",
        worlds="americas",
        goes=("tag::men",),
    ),
]

THINGS: dict[str, Thing] = {row.label: row for row in ROWS}
