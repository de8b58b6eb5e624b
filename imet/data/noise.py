"""Annotators' mistakes at a chosen rate, on collections whose true labels are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from imet.data.simulate.annotate import Noise, annotate
from imet.data.tables import Collection
from imet.data.truth import read_truth
from imet.data.views import work_rng


def with_noise(collection: Collection, factor: float, seed: int = 0) -> Collection:
    """The collection with its true labels, annotated anew.

    Every work has random numbers of its own, the same for all factors: what a small factor leaves
    out, a larger one leaves out too.

    Args:
        collection: simulated.
        factor: times the simulation's rates of mistakes; 0 gives the truth.
        seed: of the mistakes.

    Raises:
        InputError: the collection has no `truth.jsonl`.
    """
    truth = read_truth(collection).targets  # (N, K)
    if factor == 0:
        return replace(collection, targets=truth)
    rates = {name: min(factor * rate, 1.0) for name, rate in Noise().asdict().items()}
    names = collection.labels.names
    column = {name: k for k, name in enumerate(names)}
    targets = np.zeros_like(truth)
    for row, work in enumerate(collection.ids):
        shown = tuple(names[k] for k in np.flatnonzero(truth[row]))
        said = annotate(shown, Noise(**rates), work_rng(seed, str(work)), names) if shown else ()
        targets[row, [column[name] for name in said]] = True
    return replace(collection, targets=targets)
