"""Annotators' mistakes: labels left out, labels confused with a related one, wrong labels."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

RELATED: tuple[tuple[str, ...], ...] = (
    ("tag::men", "tag::women", "tag::children"),
    ("tag::trees", "tag::leaves", "tag::flowers"),
    ("tag::dogs", "tag::lions", "tag::horses"),
    ("tag::houses", "tag::pediments"),
    ("tag::bowls", "tag::vases", "tag::dishes"),
    ("tag::inscriptions", "tag::writing systems", "tag::manuscripts"),
    ("tag::bodies of water", "tag::boats", "tag::fish"),
    ("tag::dragons", "tag::birds"),
)
"""Labels that are taken for each other."""


@dataclass(frozen=True)
class Noise:
    """Rates of mistakes.

    Attributes:
        missing: chance that a tag that is shown is left out.
        missing_culture: the same for a culture.
        confused: chance that a tag is replaced by a related one.
        wrong: chance that a work gets one more tag at random.
    """

    missing: float = 0.08
    missing_culture: float = 0.02
    confused: float = 0.02
    wrong: float = 0.02

    def asdict(self) -> dict[str, float]:
        """Rates by name."""
        return asdict(self)


def annotate(
    truth: tuple[str, ...], noise: Noise, rng: np.random.Generator, vocabulary: tuple[str, ...]
) -> tuple[str, ...]:
    """The labels an annotator would give; never none, in the truth's order, new ones last.

    Examples:
        >>> annotate(("tag::men",), Noise(0, 0, 0, 0), np.random.default_rng(0), ("tag::men",))
        ('tag::men',)
    """
    out: list[str] = []
    for label in truth:
        drop, swap, which = rng.random(3)
        if drop < (noise.missing_culture if label.startswith("culture::") else noise.missing):
            continue
        if swap < noise.confused:
            group = next((g for g in RELATED if label in g), ())
            others = [k for k in group if k != label and k in vocabulary]
            if others:
                label = others[int(which * len(others))]
        out.append(label)
    extra, which = rng.random(2)
    tags = [k for k in vocabulary if k.startswith("tag::")]
    if extra < noise.wrong and tags:
        out.append(tags[int(which * len(tags))])
    return tuple(dict.fromkeys(out)) or truth[:1]
