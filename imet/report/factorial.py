"""Read a full factorial: what each factor contributes to the difference of two settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from math import comb
from typing import NamedTuple

import numpy as np

from imet.report.studies import PerWork
from imet.statistics import Interval, mean_interval, simultaneous_intervals
from imet.typing import Array


class Setting(NamedTuple):
    """One cell of the recorded factorial."""

    trained: str
    judged: str
    loss: str
    labels: str
    decision: str


PAPER_AS_CODED = Setting(
    "six as coded", "judged on six", "class-weighted", "all labels", "one threshold"
)
PAPER = PAPER_AS_CODED._replace(trained="six as written", labels="labels kept")
POSTER = Setting("the resized view", "judged on one", "focal", "all labels", "one threshold")
"""With the one view that it seems to have; it names none."""
POSTER_ON_SIX = POSTER._replace(trained="six with all labels", judged="judged on six")


DECISIONS = ("one threshold", "by kind of label", "share of the highest", "fixed number")
"""Those that effects are averaged over; score ≥ γ·f, made for paths, ruins plain scores."""


def f2_of(works: PerWork, setting: Setting) -> Array:
    """(N,) test F2 of a cell, averaged over seeds; `works` is what `read_works` gives."""
    return works[", ".join(setting[:-1])][setting.decision]


def shapley_values(worth: Mapping[frozenset[str], Array]) -> dict[str, Array]:
    """Each factor's share of a difference, averaged over all orders of changing one at a time.

    What a change is worth may depend on what was changed before it. Shapley's (1953) average over
    the orders is the only split of the whole difference that treats the factors alike. `worth` maps
    every subset of the factors, those changed, to values (N,); the shares (N,) sum to the worth of
    all factors less that of none.

    Examples:
        >>> none, a, b, both = (frozenset(s) for s in ("", "a", "b", "ab"))
        >>> worth = {none: 0.0, a: 1.0, b: 0.0, both: 4.0}
        >>> shapley_values({changed: np.array([v]) for changed, v in worth.items()})
        {'a': array([2.5]), 'b': array([1.5])}
    """
    factors = sorted(frozenset().union(*worth))
    values = {}
    for factor in factors:
        values[factor] = np.zeros_like(worth[frozenset()])
        for before in subsets([other for other in factors if other != factor]):
            orders = len(factors) * comb(len(factors) - 1, len(before))
            gain = worth[before | {factor}] - worth[before]
            values[factor] = values[factor] + gain / orders
    return values


def subsets(factors: Sequence[str]) -> Iterator[frozenset[str]]:
    """All subsets, the empty one first."""
    for size in range(len(factors) + 1):
        yield from map(frozenset, combinations(factors, size))


def shares(works: PerWork, start: Setting, end: Setting) -> tuple[dict[str, Interval], Interval]:
    """Each factor's share of two settings' difference in test F2, and the whole difference.

    Factors are the fields that differ; the intervals of the shares over works hold all at once.
    """
    factors = [f for f in Setting._fields if getattr(start, f) != getattr(end, f)]
    worth = {
        changed: f2_of(works, start._replace(**{f: getattr(end, f) for f in changed}))
        for changed in subsets(factors)
    }
    values = shapley_values(worth)
    intervals = simultaneous_intervals(np.stack([values[f] for f in factors]))
    whole = mean_interval(worth[frozenset(factors)] - worth[frozenset()])
    return dict(zip(factors, intervals)), whole


def mean_effect(works: PerWork, factor: str, level: str, base: str) -> Array:
    """(N,) difference of a factor's level from its base, averaged over all cells of the others."""
    place = Setting._fields.index(factor)
    cells = [
        Setting._make([*variant.split(", "), rule]) for variant, rule in product(works, DECISIONS)
    ]
    based = [cell for cell in cells if cell[place] == base]
    pairs = [f2_of(works, c._replace(**{factor: level})) - f2_of(works, c) for c in based]
    return np.asarray(np.mean(pairs, axis=0))


def effects(works: PerWork, factor: str, base: str, levels: Sequence[str]) -> dict[str, Interval]:
    """`mean_effect` of several levels, with intervals that hold all at once."""
    differences = np.stack([mean_effect(works, factor, level, base) for level in levels])
    return dict(zip(levels, simultaneous_intervals(differences)))
