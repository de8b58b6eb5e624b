"""Make and count annotators' mistakes: labels left out, confused with related ones, or wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

Array = np.ndarray

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
        missing: probability that a shown tag is left out.
        missing_culture: the same for a culture.
        confused: probability that a tag is replaced by a related one.
        wrong: probability that a work gets one more tag at random.
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
    """The labels an annotator would give: at least one, in the truth's order, new ones last.

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


def count_label_noise(
    shown: Array, annotated: Array, names: Sequence[str], related: Sequence[Sequence[str]]
) -> dict[str, tuple[int, int]]:
    """How often each kind of mistake was made, and how often it could have been.

    A tag counts as confused if it was left out and a related tag that is not shown was annotated
    instead; a label left out without such a confusion is missing; an annotated tag that is neither
    shown nor part of a confusion is wrong.

    Args:
        shown, annotated: (N, K) bool, the truth and what the annotator wrote.
        names: names of the K columns.
        related: groups of names that are taken for each other.

    Returns:
        Name as in `Noise` to (mistakes, opportunities). Opportunities are labels shown for
        `missing` and `missing_culture`, tags of a group that are shown and not missing for
        `confused`, and works for `wrong`.

    Examples:
        >>> labels = ("tag::men", "tag::women", "tag::trees")
        >>> shown = np.array([[True, False, True], [True, False, False]])
        >>> annotated = np.array([[False, True, True], [False, False, True]])
        >>> counts = count_label_noise(shown, annotated, labels, [("tag::men", "tag::women")])
        >>> counts["missing"], counts["confused"], counts["wrong"]
        ((1, 3), (1, 1), (1, 2))
    """
    column = {name: k for k, name in enumerate(names)}
    lost, new = shown & ~annotated, annotated & ~shown  # (N, K)
    confused = np.zeros_like(lost)
    groups = [[column[name] for name in group if name in column] for group in related]
    for columns in groups:
        for row in np.flatnonzero(lost[:, columns].any(1) & new[:, columns].any(1)).tolist():
            # One new label of the group explains one lost one.
            gone = [k for k in columns if lost[row, k]]
            came = [k for k in columns if new[row, k]]
            confused[row, gone[: len(came)]] = True
            new[row, came[: len(gone)]] = False
    culture = np.array([name.startswith("culture::") for name in names], bool)
    missing = lost & ~confused
    in_group = np.zeros(len(names), bool)
    in_group[[k for columns in groups if len(columns) > 1 for k in columns]] = True
    return {
        "missing": (int(missing[:, ~culture].sum()), int(shown[:, ~culture].sum())),
        "missing_culture": (int(missing[:, culture].sum()), int(shown[:, culture].sum())),
        "confused": (int(confused.sum()), int((shown & ~missing)[:, in_group].sum())),
        "wrong": (int(new[:, ~culture].sum()), len(shown)),
    }
