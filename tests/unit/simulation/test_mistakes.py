"""Mistakes are counted as the annotator makes them."""

from __future__ import annotations

import numpy as np
import pytest

from imet_simulation.annotator import RELATED, Noise, annotate, count_label_noise
from imet_simulation.catalogue import vocabulary

NAMES = vocabulary()


def test_counted_rates_are_those_of_the_annotator():
    rng = np.random.default_rng(0)
    shown = np.zeros((6000, len(NAMES)), bool)
    given = np.zeros_like(shown)
    column = {name: k for k, name in enumerate(NAMES)}
    noise = Noise(missing=0.1, missing_culture=0.03, confused=0.05, wrong=0.04)
    pairs = [group[:1] for group in RELATED]
    for work in range(len(shown)):
        group = pairs[work % len(pairs)]
        labels = (NAMES[work % 30], *group, "tag::pyramids")
        shown[work, [column[k] for k in labels]] = True
        given[work, [column[k] for k in annotate(labels, noise, rng, NAMES)]] = True
    found = count_label_noise(shown, given, NAMES, RELATED)
    for name, (made, chances) in found.items():
        rate = getattr(noise, name)
        assert made / chances == pytest.approx(rate, abs=4 * np.sqrt(rate / chances)), name


def test_without_mistakes_nothing_is_counted():
    shown = np.random.default_rng(1).random((50, len(NAMES))) < 0.02
    assert {made for made, _ in count_label_noise(shown, shown, NAMES, RELATED).values()} == {0}
