"""What a manner of drawing is made of."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, kw_only=True)
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
        border: a key of `ORNAMENTS`; script: a key of `SCRIPTS`, or `cjk`, `glyphs`, `wedges`.
        dress: what people wear.
        forms: kinds of picture with their weights (keys of `COMPOSITIONS`).
        body: colour of the ware, metal or stone of its objects.
        skin, hair: colours of its people; grout: of the mortar between its tesserae.
        scatter: a shape strewn over the ground, if any.
        inverse: share of works in which light and dark change places (red-figure vases).
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
    scatter: str = ""
    inverse: float = 0.0
    likes: dict[str, float] = field(default_factory=dict)

    def inverted(self) -> Style:
        """Light and dark exchanged: figures left in the colour of the clay."""
        dark, light = self.ink, self.paper
        return replace(
            self,
            paper=dark,
            ink=light,
            body=dark,
            sky=(dark, dark),
            land=dark,
            water=dark,
            accents=(light, *self.accents[1:]),
            skin=(light,),
            hair=(light,),
        )

    @property
    def name(self) -> str:
        """Label without its kind."""
        return self.label.split("::")[-1]


FAIR = ("#f0cdb0", "#e6b894", "#f4d8c0")
OLIVE = ("#d9a878", "#c99468", "#e2b98c")
BROWN = ("#a86f48", "#8f5a38", "#bd8258")
EAST = ("#f3dcc0", "#ecd0ae", "#e3c199")
DARK_HAIR = ("#14100e", "#1f1713", "#2a1f1a")


def forms(text: str) -> dict[str, float]:
    """`"portrait 4 landscape 3"` as a table of weights.

    Examples:
        >>> forms("portrait 4 dish .5")
        {'portrait': 4.0, 'dish': 0.5}
    """
    words = text.split()
    return {name: float(weight) for name, weight in zip(words[::2], words[1::2])}
