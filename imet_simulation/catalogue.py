"""The collection as a whole: which works it has, so that rare labels can be relied on.

The split is random, and with some 160 works in each held-out part a rare label would often have no
positive outside training. So works that fall into validation or test are planned anew, with the
label that they should carry, until every label that the figures need has enough.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from imet_simulation.annotator import Noise, annotate
from imet_simulation.compositions import COMPOSITIONS
from imet_simulation.plan import Constraint, make_plan
from imet_simulation.styles import STYLES
from imet_simulation.things import THINGS
from imet_simulation.work import Plan, work_id

FIGURE_LABELS = (
    "tag::men", "tag::women", "tag::trees", "tag::games", "tag::pediments",
    "tag::george washington", "tag::necktie", "tag::avalokiteshvara", "culture::caucasian",
)  # fmt: skip
"""Labels that the documents' figures show."""


def vocabulary() -> tuple[str, ...]:
    """Every label of the default collection: cultures in alphabetical order, then tags."""
    tags = set(THINGS).union(*(composition.gives for composition in COMPOSITIONS.values()))
    return (*sorted(k for k in STYLES if k), *sorted(tags))


def labels_of(plan: Plan, seed: int, noise: Noise, names: tuple[str, ...]) -> tuple[str, ...]:
    """Labels of a work as annotated."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, plan.index, 3, plan.attempt]))
    return annotate(plan.labels, noise, rng, names)


def held_out(rows: list[tuple[str, ...]], minimum: int = 3, seed: int = 231) -> set[int]:
    """Rows that validation and test take, after the rare labels' works are dropped.

    The split is the documents': scikit-learn's, on the kept rows in file order.
    """
    counts = Counter(k for labels in rows for k in labels)
    kept = [i for i, labels in enumerate(rows) if all(counts[k] >= minimum for k in labels)]
    if len(kept) < 20:
        return set(kept)
    from sklearn.model_selection import train_test_split

    rest, test = train_test_split(kept, test_size=0.1, random_state=seed)
    _, val = train_test_split(rest, test_size=0.1 / 0.9, random_state=seed)
    return set(val) | set(test)


def plan_collection(works: int, seed: int, side: int, noise: Noise) -> list[Plan]:
    """Plans of all works, in the order of their ids (the order of the table)."""
    names = vocabulary()
    order = sorted(range(works), key=lambda i: work_id(seed, i))
    plans = [_plan(seed, i, side, Constraint(), 0) for i in order]
    need = 3 if works >= 400 else (1 if works >= 100 else 0)
    touched: set[int] = set()
    for attempt in range(1, 60 if need else 1):
        rows = [labels_of(p, seed, noise, names) for p in plans]
        outside = held_out(rows)
        lacking = {label: need - sum(label in rows[i] for i in outside) for label in FIGURE_LABELS}
        if all(n <= 0 for n in lacking.values()):
            break
        free = sorted(outside - touched)
        rng = np.random.default_rng(np.random.SeedSequence([seed, attempt, 4]))
        free = [int(i) for i in rng.permutation(free)]
        for label, n in lacking.items():
            for _ in range(min(n, len(free))):
                row = free.pop()
                touched.add(row)
                plans[row] = _plan(seed, plans[row].index, side, Constraint(label), attempt)
    return plans


def plan_for_labels(works: int, seed: int, side: int, labels: Sequence[str]) -> list[Plan]:
    """Plans of works with one of the labels each, in turn by index; in the order of their ids."""
    order = sorted(range(works), key=lambda i: work_id(seed, i))
    return [_plan(seed, i, side, Constraint(labels[i % len(labels)]), 0) for i in order]


def _plan(seed: int, index: int, side: int, constraint: Constraint, attempt: int) -> Plan:
    rng = np.random.default_rng(np.random.SeedSequence([seed, index, 0, attempt]))
    return make_plan(rng, index, side, constraint, attempt)
