"""The cultures: a table of manners of drawing, one row each.

A culture here is a manner of drawing, not a claim about people. Its ground, palette, ornament and
finish cover the whole picture, so that any 224-pixel crop shows it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from imet.io import digest


@dataclass(frozen=True)
class Style:
    """One culture's manner.

    Attributes:
        label: as in the real `labels.csv`.
        weight: how often it occurs, relative to the others.
        worlds: words that things refer to when they only occur in some cultures.
        paper, ink: lightest and darkest colour of the hand.
        accents: further colours, most used first.
        sky: colour at the top and at the horizon; land, water: colours below it.
        ground: a key of `GROUNDS`; finish: a key of `FINISHES`.
        technique: how a shape is painted: `painted inked silhouette line carved`.
        border: a key of `ORNAMENTS`; script: a key of `SCRIPTS`; dress: what people wear.
        forms: object forms with their weights.
        body: colour of the ware, metal or stone of its objects.
        skin, hair: colours of its people; grout: of the mortar between its tesserae.
        likes: factors on the weights of things it shows more or less often than others.
    """

    label: str
    weight: float
    worlds: str
    paper: str
    ink: str
    accents: tuple[str, ...]
    sky: tuple[str, str]
    land: str
    water: str
    ground: str
    technique: str
    finish: str
    border: str
    script: str
    dress: str
    forms: dict[str, float]
    body: str
    skin: tuple[str, ...] = ("#e8c09a", "#d8a67c", "#f0cfae")
    hair: tuple[str, ...] = ("#2b1d14", "#4c3220", "#7a5228", "#8c8479")
    grout: str = "#b9b0a0"
    likes: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """Label without its kind."""
        return self.label.split("::")[-1]


FAIR = ("#f0cdb0", "#e6b894", "#f4d8c0")
OLIVE = ("#d9a878", "#c99468", "#e2b98c")
BROWN = ("#a86f48", "#8f5a38", "#bd8258")
EAST = ("#f3dcc0", "#ecd0ae", "#e3c199")
DARK_HAIR = ("#14100e", "#1f1713", "#2a1f1a")

ROWS = [
    Style(
        "culture::french", 12, "europe west modern court",
        "#f3e9dc", "#4a3742", ("#d98fa0", "#8fb3c9", "#e3c98b", "#a9bf9a", "#f3e4e0", "#b87f8f"),
        ("#9cc3dc", "#fbe6d8"), "#a9bd8b", "#a8c8cf", "canvas", "painted", "oil", "rocaille",
        "italic", "court",
        {"portrait": 4, "landscape": 3, "stilllife": 2, "genre": 2,
         "interior": 1, "dish": 1, "vase": 1, "fan": 0.5},
        "#f7f4ee", FAIR,
    ),
    Style(
        "culture::italian", 10, "europe west christian classical",
        "#ead9b8", "#3a2417", ("#b4452b", "#2f5fa8", "#d9a441", "#5d7d4b", "#8a4a6b", "#e8cf9c"),
        ("#7fa3b8", "#ecd9ae"), "#9a8a52", "#7fa39c", "plaster", "painted", "fresco", "acanthus",
        "latin", "renaissance",
        {"portrait": 3, "landscape": 2, "genre": 3, "relief": 1,
         "dish": 1, "coin": 1, "page": 1, "statue": 1, "altar": 1},
        "#e9dcc0", OLIVE,
    ),
    Style(
        "culture::american", 9, "europe west modern americas",
        "#efe2c6", "#2e1f14", ("#7d5a3a", "#a8875c", "#c9ad80", "#5f4630", "#8f7552"),
        ("#d9c9a4", "#f0e4c8"), "#8a7350", "#b8a683", "paper", "painted", "sepia", "album",
        "italic", "modern",
        {"photo": 5, "portrait": 3, "landscape": 2, "genre": 2, "coin": 0.5, "stilllife": 1},
        "#c9b48c", FAIR,
    ),
    Style(
        "culture::british", 8, "europe west modern",
        "#f2ead6", "#1e2a26", ("#4f6b4a", "#8a9a5b", "#b08a4f", "#6f8797", "#7d3b2e", "#d8c9a0"),
        ("#8fa5b0", "#e9dfbf"), "#5c7340", "#7f979c", "canvas", "painted", "oil", "gilt",
        "italic", "georgian",
        {"portrait": 3, "landscape": 4, "seascape": 3, "genre": 2, "dish": 1, "stilllife": 1},
        "#efe9dc", FAIR,
    ),
    Style(
        "culture::japan", 8, "east buddhist japan",
        "#efe3c8", "#22304a", ("#b8442f", "#2f5c8a", "#d9a55b", "#6f8f6a", "#7a4a63", "#e8cdb0"),
        ("#2b4f82", "#efe0c2"), "#a9ad7c", "#4d7ba0", "washi", "inked", "woodblock", "seigaiha",
        "cjk", "kimono",
        {"landscape": 4, "seascape": 2, "portrait": 2, "genre": 2,
         "hangingscroll": 2, "handscroll": 2, "sword": 1, "bowl": 1, "fan": 1},
        "#3a2a28", EAST, DARK_HAIR,
    ),
    Style(
        "culture::egyptian", 7, "africa ancient egypt",
        "#dcc08a", "#3a2412", ("#b5532c", "#2f7d86", "#d9a23a", "#3b6a4a", "#e9dbb4", "#7a3a22"),
        ("#e4cd9a", "#d9bc80"), "#c9a566", "#4f9096", "papyrus", "inked", "aged", "lotusband",
        "glyphs", "kilt",
        {"frieze": 3, "page": 2, "relief": 2, "statue": 2, "vase": 1, "tablet": 1, "pattern": 1},
        "#c9a878", ("#a8683c", "#95562e", "#c58a55"), DARK_HAIR,
    ),
    Style(
        "culture::china", 6, "east buddhist china",
        "#f4f6f7", "#1f3f94", ("#2f55b0", "#5f83cc", "#93aee0", "#c9d6f0"),
        ("#eef3f8", "#dfe8f4"), "#dfe8f4", "#a9c0e8", "glaze", "line", "gloss", "ruyi",
        "cjk", "robe",
        {"vase": 4, "bowl": 3, "dish": 3, "tile": 1, "landscape": 1, "hangingscroll": 2},
        "#f4f7f8", EAST, DARK_HAIR,
    ),
    Style(
        "culture::german", 5, "europe west christian",
        "#ecdfc2", "#17130f", ("#8a7a5c", "#6b5a40", "#a3906c", "#4a3d2b"),
        ("#d9ccb0", "#efe6cf"), "#b3a27e", "#b0a68c", "paper", "painted", "engraving", "rule",
        "latin", "renaissance",
        {"portrait": 3, "landscape": 3, "genre": 3, "page": 2, "seascape": 1, "coatplate": 1},
        "#d8cbb0", FAIR,
    ),
    Style(
        "culture::greek", 3, "ancient classical",
        "#e8e2d6", "#5a5046", ("#b8ab98", "#cfc4b2", "#9a8d7b"),
        ("#d9d1c4", "#e6dfd2"), "#c4b9a8", "#c4b9a8", "stone", "carved", "carved", "meander",
        "greek", "toga",
        {"statue": 4, "relief": 3, "coin": 2, "frieze": 3, "capital": 1},
        "#e6dfd0", ("#ddd5c6",), ("#cfc6b5",),
    ),
    Style(
        "culture::roman", 3, "ancient classical",
        "#e6d9bf", "#2f2a28", ("#8c3b2a", "#4a6478", "#c99a4a", "#6f7a4f", "#efe6d0"),
        ("#efe4ca", "#e3d3b0"), "#bfa878", "#7d9aa5", "stone", "inked", "mosaic", "guilloche",
        "latin", "toga",
        {"frieze": 2, "portrait": 2, "landscape": 1,
         "genre": 2, "pattern": 2, "coin": 3, "stilllife": 1},
        "#c9a24f", OLIVE, grout="#8f8674",
    ),
    Style(
        "culture::iran", 2.2, "islam asia",
        "#f2e6c4", "#2a2440", ("#2f6fa8", "#c94f3d", "#d9a93a", "#5f9a6a", "#b86a9a", "#79b8c9"),
        ("#d9a93a", "#f0d488"), "#a9c8a0", "#8fb8c9", "paper", "inked", "worn", "arabesque",
        "arabic", "turban",
        {"page": 4, "genre": 3, "tile": 2, "bowl": 2, "textile": 1, "landscape": 1},
        "#e9dcc0", OLIVE, DARK_HAIR,
    ),
    Style(
        "culture::attic", 2, "ancient classical",
        "#d2703a", "#171210", ("#171210", "#8c2f22", "#efe0c8"),
        ("#d2703a", "#d2703a"), "#d2703a", "#d2703a", "glaze", "silhouette", "plain", "meander",
        "greek", "toga",
        {"vase": 6, "dish": 3, "bowl": 2, "frieze": 2},
        "#d2703a", ("#171210",), ("#171210",),
    ),
    Style(
        "culture::byzantine", 1.6, "christian medieval",
        "#d8ac48", "#3a1f14", ("#7a2430", "#2f4f7a", "#4a7a5f", "#e9dcc0", "#a8642f", "#efe3b0"),
        ("#dcb24e", "#d0a03c"), "#6f8a4f", "#4a7a8f", "gold", "inked", "mosaic", "gemmed",
        "greek", "robe",
        {"portrait": 4, "genre": 2, "frieze": 2, "page": 1, "pattern": 1, "coin": 1},
        "#d0a040", OLIVE, DARK_HAIR, grout="#a5803a",
    ),
    Style(
        "culture::caucasian", 0.6, "islam asia rug",
        "#efe3cc", "#1f1a2a", ("#a3252b", "#1f3560", "#d9a83c", "#2f6a5a", "#efe3cc", "#c96a3a"),
        ("#a3252b", "#a3252b"), "#1f3560", "#1f3560", "cloth", "inked", "knots", "runningdog",
        "armenian", "turban",
        {"rug": 1},
        "#a3252b", OLIVE, DARK_HAIR,
    ),
    Style(
        "", 8, "europe west modern",
        "#c9ced0", "#33353a", ("#8d9296", "#a9aeb1", "#767b80", "#b9bec0"),
        ("#c3c9cc", "#d3d8da"), "#b3b9bb", "#aab1b5", "paper", "line", "worn", "none",
        "italic", "georgian",
        {"portrait": 2, "landscape": 3, "genre": 3, "stilllife": 1, "seascape": 1},
        "#c9ced0", ("#c9ced0",), ("#4a4c52",),
    ),
]  # fmt: skip

STYLES: dict[str, Style] = {row.label: row for row in ROWS}


def style_for(label: str) -> Style:
    """The style of a culture; one without a row gets a manner derived from its name.

    The empty label is the manner of works whose culture nobody recorded: chalk on grey paper. The
    derived manner keeps a related row's technique and changes palette, border and script, so
    that it stays the same for the same name everywhere.

    Examples:
        >>> style_for("culture::japan").finish, style_for("culture::abruzzi").label
        ('woodblock', 'culture::abruzzi')
    """
    if label in STYLES:
        return STYLES[label]
    rng = np.random.default_rng(int(digest(label), 16))
    known = [s for s in ROWS if s.label]
    base = next((s for s in known if s.name in label), None)
    base = base or known[int(rng.integers(len(known)))]
    other = known[int(rng.integers(len(known)))]
    turn = float(rng.uniform(-0.5, 0.5))
    return dataclasses.replace(
        base,
        label=label,
        weight=1.0,
        paper=_turned(base.paper, turn * 0.4),
        accents=tuple(_turned(c, turn) for c in base.accents),
        body=_turned(base.body, turn * 0.6),
        sky=(_turned(base.sky[0], turn), base.sky[1]),
        land=_turned(base.land, turn * 0.5),
        border=other.border,
    )


def _turned(code: str, turn: float) -> str:
    """A colour with its channels mixed towards their rotation (a hue turn without hue maths)."""
    value = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], float)
    moved = np.roll(value, 1 if turn > 0 else -1)
    out = value + (moved - value) * abs(turn)
    return "#" + "".join(f"{int(np.clip(v, 0, 255)):02x}" for v in out)
