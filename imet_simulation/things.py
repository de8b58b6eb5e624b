"""The tags: a table of things, one row each.

A row reads: name, shapes (glyph names, one is chosen), weight (how readily it is chosen among those
of its place), size (height as a fraction of the picture's shorter side), where it stands. Then, as
needed: `hue` its own colour, which the culture pulls to its palette; `worlds` words of the cultures
it is limited to; `goes` labels it brings along; `drawn` the drawing where a glyph would not do;
`many` how many come at most.

Places: `ground` on land, `scenery` behind it, `water`, `sky`, `table`, `field` (a motif on a
ware or a cloth), `worn` by a sitter, `icon` (shown frontally, by itself), `room` (furnishes an
interior), `object` (an exhibit of its own), `facade` (part of a building), `page` (writing).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Thing:
    """One tag: what it looks like and where it belongs (columns as in the module's text)."""

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

    def stands_in(self, places: str) -> bool:
        """Whether one of its places is among these (both space-separated)."""
        return bool(set(self.stands.split()) & set(places.split()))


def row(name: str, shapes: str, weight: float, size: float, stands: str, **more: object) -> Thing:
    """A table row; `shapes` are glyph names separated by spaces."""
    shown = tuple(shapes.split())
    return Thing(f"tag::{name}", shown, weight, size, stands, **more)  # type: ignore[arg-type]


MEN = ("tag::men",)

ROWS = [
    # people
    row("men", "", 20, 0.62, "ground", drawn="figure", many=2),
    row("women", "", 14, 0.60, "ground", drawn="figure", many=2),
    row("children", "", 2, 0.40, "ground", drawn="figure", many=2),
    row("human figures", "🧍 🏃 🤸", 3, 0.5, "ground field", hue="#6a4a36",
        worlds="ancient americas", many=3),
    row("couples", "", 0.7, 0.68, "ground", drawn="couple", worlds="europe asia"),
    row("crowd", "", 0.8, 0.40, "ground", drawn="crowd", worlds="europe japan islam"),
    row("soldiers", "", 1.6, 0.62, "ground", drawn="soldier", many=2),
    row("kings", "", 0.8, 0.64, "ground", drawn="king", worlds="europe ancient islam asia"),
    row("musicians", "", 0.5, 0.68, "ground", drawn="musician"),
    row("horse riding", "🏇", 2, 0.6, "ground", hue="#8a5a34", worlds="europe islam asia ancient"),
    row("athletes", "🤾 🏋 🤺", 0.6, 0.5, "ground field", worlds="classical modern"),
    row("rowing", "🚣", 0.2, 0.34, "water", hue="#8a5a34", worlds="modern japan"),
    row("george washington", "", 0.3, 0.7, "sitter", drawn="washington", worlds="americas",
        goes=MEN),
    # worn and carried
    row("hats", "👒 🎩", 2.4, 0.2, "worn object", hue="#7a5a3a",
        worlds="europe modern japan islam"),
    row("jewelry", "💎 📿 💍", 3, 0.2, "worn", hue="#c9a23a"),
    row("necktie", "👔", 0.7, 0.2, "worn", worlds="modern", goes=MEN),
    row("clothing and accessories", "👗 👘", 3, 0.5, "worn object", hue="#8a3a5a"),
    row("earrings", "💧", 1, 0.1, "worn", worlds="west byzantine asia"),
    row("armors", "", 1, 0.8, "object", drawn="armour", worlds="europe japan"),
    row("helmets", "🪖", 0.6, 0.5, "object", hue="#8c8f94", worlds="europe classical"),
    row("fans", "🪭", 0.8, 0.5, "object", hue="#c9486a", worlds="court japan china modern"),
    row("shoes", "👞 👠", 0.5, 0.4, "object", hue="#6a4028", worlds="modern court"),
    row("purses", "👛 👜", 0.3, 0.5, "object", hue="#8a3a4a", worlds="modern court"),
    row("masks", "👹 👺 🎭", 0.8, 0.6, "object field", hue="#a8462f",
        worlds="japan americas tibet southeast"),
    row("rings", "💍", 0.5, 0.5, "object", hue="#d9b34a", worlds="classical christian ancient"),
    row("diadems", "👑", 0.25, 0.4, "object", hue="#d9b34a", worlds="classical court ancient"),
    # animals
    row("horses", "🐎", 4, 0.42, "ground field", hue="#8a5a34", many=2),
    row("dogs", "🐕 🦮 🐩", 3, 0.3, "ground", hue="#a8784a", many=2),
    row("cats", "🐈", 0.9, 0.22, "ground room", hue="#8c7a66", worlds="europe japan egypt"),
    row("lions", "", 2, 0.4, "ground field", drawn="beast"),
    row("tigers", "🐅", 0.5, 0.34, "ground", hue="#d08a3a", worlds="asia"),
    row("leopards", "🐆", 0.25, 0.32, "ground", hue="#c99a4a", worlds="ancient islam"),
    row("elephants", "🐘", 0.8, 0.45, "ground", hue="#8c8a88", worlds="asia ancient"),
    row("camels", "🐪 🐫", 0.6, 0.42, "ground", hue="#c29a62", worlds="islam china egypt"),
    row("cows", "🐄", 1, 0.34, "ground", hue="#b5a08a", worlds="europe india egypt", many=2),
    row("bulls", "🐂", 0.8, 0.36, "ground field", hue="#5a4032", worlds="ancient spanish"),
    row("sheep", "🐑", 0.7, 0.24, "ground", hue="#d8d2c4", worlds="europe christian", many=3),
    row("goats", "🐐", 0.7, 0.4, "ground", hue="#a89a86", worlds="ancient islam europe", many=2),
    row("pigs", "🐖", 0.2, 0.24, "ground", hue="#d8a09a", worlds="europe china"),
    row("boars", "", 0.3, 0.36, "ground", drawn="beast", worlds="ancient europe"),
    row("donkeys", "🫏", 0.3, 0.34, "ground", hue="#8c8078", worlds="europe islam"),
    row("deer", "🦌", 1.2, 0.4, "ground field", hue="#a8703f", worlds="europe asia ancient"),
    row("rabbits", "🐇", 0.6, 0.2, "ground field", hue="#b8a898", many=2),
    row("monkeys", "🐒", 0.7, 0.3, "ground", hue="#8a6a4a", worlds="asia americas egypt"),
    row("bears", "", 0.25, 0.42, "ground", drawn="beast", worlds="europe americas"),
    row("foxes", "", 0.25, 0.4, "ground", drawn="beast", worlds="europe japan"),
    row("mice", "🐁", 0.2, 0.14, "ground", hue="#9a9490", worlds="europe japan"),
    row("squirrels", "🐿", 0.12, 0.2, "ground", hue="#a8663a", worlds="europe modern"),
    row("birds", "🐦 🦅 🕊", 5, 0.2, "sky field", hue="#6f7f8c", many=4),
    row("eagles", "🦅", 0.9, 0.3, "sky field", hue="#6a4a30", worlds="europe classical americas"),
    row("doves", "🕊", 0.3, 0.18, "sky field", hue="#e8e4dc", worlds="christian", many=2),
    row("owls", "🦉", 0.5, 0.3, "ground field", hue="#8a6a48",
        worlds="attic greek europe americas"),
    row("ducks", "🦆", 0.7, 0.27, "water", hue="#6a7a4a", many=3),
    row("swans", "🦢", 0.5, 0.28, "water", hue="#e8e8e4", worlds="europe classical", many=2),
    row("cranes", "🦩", 0.8, 0.4, "ground field", hue="#e6e2da", worlds="asia", many=2),
    row("peacocks", "🦚", 0.8, 0.4, "ground field", hue="#2f7a86", worlds="asia christian islam"),
    row("roosters", "🐓", 0.7, 0.3, "ground field", hue="#b5482f"),
    row("parrots", "🦜", 0.3, 0.28, "ground field", hue="#4f8a4a", worlds="asia americas court"),
    row("fish", "🐟", 2, 0.3, "water field", hue="#6f93a3", many=4),
    row("dolphins", "🐬", 0.4, 0.28, "water field", hue="#5f7f96", worlds="classical", many=2),
    row("turtles", "🐢", 0.4, 0.22, "ground field", hue="#5f7a4a", worlds="asia americas greek"),
    row("frogs", "", 0.4, 0.28, "ground field", drawn="frog", worlds="americas japan egypt"),
    row("snakes", "🐍", 0.9, 0.34, "ground field", hue="#5f7a3a"),
    row("crocodiles", "🐊", 0.25, 0.26, "ground water", hue="#5f7a45", worlds="egypt americas"),
    row("crabs", "🦀", 0.3, 0.24, "water field", hue="#b5482f", worlds="asia classical"),
    row("octopus", "🐙", 0.15, 0.32, "water field", hue="#a8506a", worlds="aegean japan"),
    row("scorpions", "🦂", 0.12, 0.26, "ground field", hue="#7a4a2a", worlds="egypt islam"),
    row("snails", "🐌", 0.12, 0.18, "ground", hue="#a88a5a", worlds="europe"),
    row("butterflies", "🦋", 1, 0.18, "sky field", hue="#c9803a", many=3),
    row("bees", "🐝", 0.3, 0.16, "sky field", hue="#d9a83a", worlds="europe egypt", many=3),
    row("insects", "🐞", 0.7, 0.34, "field ground", hue="#b5382f"),
    row("scarabs", "🪲", 1.5, 0.4, "field object", hue="#2f7d86", worlds="egypt"),
    row("dragons", "🐉", 2, 0.5, "ground field", hue="#3f7a55",
        worlds="china japan korea tibet christian"),
    row("mythical creatures", "", 1.6, 0.46, "ground field", drawn="unicorn"),
    row("shells", "🐚", 0.5, 0.2, "table field", hue="#d8b89a", many=3),
    # landscape
    row("trees", "", 8, 0.56, "scenery", drawn="tree", many=4),
    row("mountains", "", 3, 0.5, "scenery", drawn="mountains"),
    row("rivers", "", 1.6, 0.4, "scenery", drawn="river"),
    row("bodies of water", "", 1.5, 0.3, "scenery", drawn="water"),
    row("waterfalls", "", 0.6, 0.56, "scenery", drawn="waterfall", worlds="asia europe"),
    row("boats", "⛵", 3, 0.4, "water", hue="#8a5a34", many=2),
    row("ships", "", 1.4, 0.5, "water", drawn="ship", worlds="europe"),
    row("waves", "🌊", 0.6, 0.36, "water field", hue="#2f6a9a", worlds="japan europe", many=2),
    row("bridges", "", 1.2, 0.3, "scenery", drawn="bridge"),
    row("houses", "🏠 🏡", 2.5, 0.36, "scenery", hue="#b5744a", worlds="europe japan", many=2),
    row("buildings", "🏘 🏫 🏛", 2, 0.4, "scenery", hue="#b0a08a", worlds="europe islam"),
    row("churches", "⛪", 1, 0.4, "scenery", hue="#b0a490", worlds="europe christian"),
    row("castles", "🏰 🏯", 0.8, 0.42, "scenery", hue="#a09484", worlds="europe japan"),
    row("temples", "🛕", 0.9, 0.46, "scenery", hue="#b5744a",
        worlds="india southeast tibet buddhist"),
    row("mosques", "🕌", 0.6, 0.44, "scenery", hue="#c9b88a", worlds="islam"),
    row("towers", "", 0.8, 0.5, "scenery", drawn="tower", worlds="europe china islam"),
    row("ruins", "", 0.9, 0.4, "scenery", drawn="ruin", worlds="europe"),
    row("windmills", "", 0.5, 0.46, "scenery", drawn="windmill", worlds="dutch europe"),
    row("pyramids", "", 0.3, 0.4, "scenery", drawn="pyramid", worlds="egypt maya mexico"),
    row("obelisks", "", 0.3, 0.5, "scenery", drawn="obelisk", worlds="egypt italy"),
    row("volcanoes", "🌋", 0.2, 0.5, "scenery", hue="#6a4a46", worlds="italy japan"),
    row("forests", "", 0.6, 0.44, "scenery", drawn="forest", worlds="europe"),
    row("tents", "⛺", 0.5, 0.28, "scenery", hue="#c9a86a", worlds="islam modern ancient", many=2),
    row("carriages", "", 0.7, 0.34, "ground", drawn="carriage", worlds="europe"),
    row("bicycles", "🚲", 0.2, 0.34, "ground", hue="#3a3a3a", worlds="modern"),
    row("trains", "🚂", 0.3, 0.36, "ground", hue="#3a3632", worlds="modern"),
    row("fountains", "⛲", 0.5, 0.4, "scenery", hue="#a8b8be", worlds="europe islam"),
    row("flags", "🚩 🏳 🏴", 0.8, 0.4, "scenery", hue="#b5342f", worlds="europe"),
    row("gates", "⛩", 0.5, 0.4, "scenery", hue="#b5422f", worlds="japan"),
    row("clouds", "☁", 1.6, 0.36, "sky", hue="#f6f6f8", many=3),
    row("moon", "🌙 🌕", 1, 0.2, "sky", hue="#e8dca8"),
    row("sun", "☀ 🌞", 0.9, 0.22, "sky", hue="#e0a83a"),
    row("stars", "⭐", 0.5, 0.24, "sky field", hue="#f0cc48", many=5),
    row("storms", "🌩 ⛈", 0.4, 0.26, "sky", hue="#6a7280", worlds="europe"),
    row("fire", "🔥", 0.5, 0.3, "ground", hue="#d0602a"),
    # still life and rooms
    row("flowers", "🌷 🌹 🌼 🌺", 9, 0.28, "table field", hue="#c9486a", many=4),
    row("roses", "🌹", 0.8, 0.3, "table field", hue="#b5304a", worlds="europe islam", many=3),
    row("tulips", "🌷", 0.6, 0.3, "table field", hue="#c9403a", worlds="turkish dutch islam",
        many=3),
    row("lotuses", "🪷", 0.9, 0.28, "field water", hue="#d88aa0", worlds="egypt buddhist asia",
        many=2),
    row("sunflowers", "🌻", 0.1, 0.32, "table", hue="#d9a02a", worlds="europe"),
    row("fruit", "🍎 🍐 🍇 🍊 🍑", 2, 0.2, "table", hue="#c9602a", many=5),
    row("grapes", "🍇", 0.7, 0.24, "table field", hue="#6a3a6a", worlds="europe classical", many=2),
    row("apples", "🍎 🍏", 0.3, 0.18, "table", hue="#b53a2a", worlds="europe", many=3),
    row("peaches", "🍑", 0.25, 0.2, "table field", hue="#e09a6a", worlds="asia", many=3),
    row("vegetables", "🥕 🍆 🧅", 0.3, 0.22, "table", hue="#a8703a", worlds="europe", many=3),
    row("food", "🍞 🧀 🥖", 0.4, 0.22, "table", hue="#c9984a", worlds="europe", many=2),
    row("leaves", "🍃 🌿 🍁", 6, 0.25, "field table", hue="#5f8a4a", many=3),
    row("bamboo", "🎋", 0.5, 0.5, "field scenery", hue="#5a8a4a", worlds="asia", many=2),
    row("bottles", "", 1.4, 0.54, "table", drawn="bottle", many=3),
    row("cups", "☕ 🍵", 1.4, 0.2, "table", hue="#d8cbb8", many=2),
    row("drinking glasses", "🍷", 0.7, 0.28, "table", hue="#b8c4c4", worlds="europe", many=2),
    row("teapots", "🫖", 0.7, 0.28, "table object", hue="#b8683a", worlds="europe china japan"),
    row("jugs", "", 0.7, 0.5, "table", drawn="jug"),
    row("books", "📖 📚", 2, 0.2, "table room", hue="#7a3a2a", worlds="europe islam"),
    row("candlesticks", "🕯", 0.7, 0.32, "table room", hue="#d9c9a0", worlds="europe"),
    row("lamps", "🪔 🏮", 1, 0.26, "table object", hue="#b87a3a"),
    row("clocks", "🕰", 0.6, 0.3, "table room", hue="#8a5a34", worlds="modern court"),
    row("pocket watches", "⏱", 0.3, 0.4, "object", hue="#c9a23a", worlds="modern court"),
    row("mirrors", "🪞", 0.8, 0.4, "room object", hue="#a8b4b8"),
    row("keys", "🗝 🔑", 0.4, 0.5, "object table", hue="#8a7a5a", worlds="europe"),
    row("games", "🎲 ♟ 🃏", 0.6, 0.26, "table", hue="#e8dcc0"),
    row("chess", "♟ mdi:chess_knight mdi:chess_rook", 0.5, 0.28, "table object", hue="#d8c8a0",
        worlds="europe islam"),
    row("playing cards", "🃏", 0.3, 0.4, "table object", hue="#e8e0d0", worlds="europe"),
    row("skulls", "💀", 0.5, 0.26, "table", hue="#d8ccb0", worlds="europe mexico"),
    row("globes", "🌍 🌐", 0.3, 0.3, "table room", hue="#6f8a96", worlds="modern"),
    row("telescopes", "🔭", 0.15, 0.34, "table object", hue="#9a7a3a", worlds="modern"),
    row("scrolls", "📜", 0.6, 0.26, "table", hue="#e0cfa0"),
    row("writing implements", "🪶", 0.5, 0.26, "table", hue="#4a3a2a"),
    row("musical instruments", "🎻 🎺 🪕 🪘", 1.3, 0.4, "table object", hue="#9a5a2a"),
    row("violins", "🎻", 0.4, 0.6, "object", hue="#9a4a22", worlds="europe"),
    row("trumpets", "🎺", 0.3, 0.5, "object", hue="#c9a23a", worlds="europe"),
    row("drums", "🥁 🪘", 0.4, 0.4, "object", hue="#9a4a2a", worlds="asia americas islam europe"),
    row("flutes", "🪈", 0.4, 0.5, "object", hue="#a8683a", worlds="europe asia americas"),
    row("swords", "🗡 ⚔", 1.4, 0.6, "object", hue="#9aa0a6"),
    row("daggers", "🗡", 0.5, 0.6, "object", hue="#8c9298", worlds="islam india europe"),
    row("shields", "🛡", 0.8, 0.5, "object field", hue="#8a6a3a"),
    row("axes", "🪓", 0.4, 0.5, "object", hue="#8a8478", worlds="ancient americas"),
    row("bow and arrow", "🏹", 0.5, 0.5, "object field", hue="#8a5a34",
        worlds="asia ancient islam"),
    row("tools and equipment", "⚒ 🛠 🔨", 1.2, 0.5, "object", hue="#8a8078"),
    row("chairs", "🪑", 1, 0.36, "room", hue="#8a5a34", worlds="europe"),
    row("beds", "🛏", 0.3, 0.34, "room", hue="#a87a6a", worlds="europe"),
    row("windows", "🪟", 1, 0.4, "room facade", hue="#a8c0cc", worlds="europe islam"),
    row("doors", "🚪", 0.7, 0.44, "room facade", hue="#7a5230", worlds="europe islam"),
    row("ladders", "🪜", 0.15, 0.5, "room", hue="#9a7446", worlds="europe"),
    # architecture
    row("columns", "", 1.2, 0.6, "facade", drawn="column", worlds="europe classical islam"),
    row("pediments", "", 0.6, 0.5, "facade", drawn="pediment", worlds="europe classical"),
    row("arches", "", 0.9, 0.5, "facade", drawn="arch", worlds="europe islam"),
    # religion and myth
    row("avalokiteshvara", "", 0.9, 0.8, "icon", drawn="bodhisattva", worlds="buddhist"),
    row("buddha", "", 1.2, 0.8, "icon", drawn="buddha", worlds="buddhist"),
    row("buddhism", "mdi:dharmachakra", 1, 0.26, "sky field", hue="#c9a23a", worlds="buddhist"),
    row("cross", "✝ mdi:cross_celtic mdi:cross_bolnisi", 1.6, 0.34, "field page",
        hue="#c9a23a", worlds="christian"),
    row("angels", "", 1.4, 0.6, "icon sky", drawn="angel", worlds="christian"),
    row("saints", "", 1.6, 0.85, "icon", drawn="saint", worlds="christian"),
    row("eyes", "👁", 0.5, 0.3, "field object", hue="#2f6a7d", worlds="egypt islam americas"),
    row("hands", "✋ 🖐", 0.5, 0.4, "field", hue="#d8a67c", worlds="islam americas asia"),
    # writing and pattern
    row("inscriptions", "", 4, 0.12, "page", drawn="inscription"),
    row("hieroglyphs", "", 3, 0.3, "page", drawn="hieroglyphs", worlds="egypt maya"),
    row("cuneiform", "", 2, 0.3, "page", drawn="cuneiform", worlds="mesopotamia"),
    row("arabic", "", 1.5, 0.2, "page", drawn="inscription", worlds="islam"),
    row("coat of arms", "", 1.4, 0.4, "field icon", drawn="arms", worlds="europe"),
    row("astronomy", "🪐 ☄ 🌟", 0.15, 0.2, "sky", hue="#d8c48a", worlds="islam modern"),
]  # fmt: skip

THINGS: dict[str, Thing] = {row.label: row for row in ROWS if row.weight > 0}
