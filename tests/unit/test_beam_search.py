"""Beam search: against the paper's loop, against greedy decoding, on ties and few labels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles_paper import PlainDecoder
from torch import nn

from imet.decoding import beam_search, decode_greedy
from imet.models.attn_cnn_rnn import AttnCnnRnn


def make(seed: int = 0, labels: int = 9, steps: int = 4, batch: int = 3, **switches):
    torch.manual_seed(seed)
    head = AttnCnnRnn(labels, feature_dim=6, width=8, steps=steps, **switches)
    for weight in head.parameters():
        weight.data.mul_(3)
    return head, {"spatial": torch.randn(batch, 9, 6), "pooled": torch.randn(batch, 6)}


@pytest.mark.parametrize("beams", [1, 2, 3, 7])
@pytest.mark.parametrize("switches", [{}, {"recurrent": False}, {"attention": False}], ids=str)
def test_equals_the_paper_s_loop(beams: int, switches: dict) -> None:
    head, features = make(**switches)
    paths = beam_search(head, features, beams)
    assert paths.labels.shape == (3, beams, 4)
    for b in range(3):
        spatial, pooled = (features[name][b].double().numpy() for name in ("spatial", "pooled"))
        labels, probabilities = PlainDecoder(head).beam(spatial, pooled, beams)
        if switches.get("recurrent", True):
            assert paths.labels[b].tolist() == labels
        else:  # every order of the same labels ties
            assert sorted(paths.labels[b, 0].tolist()) == sorted(labels[0])
        product = paths.probabilities[b].astype(float).prod(-1)
        np.testing.assert_allclose(product, np.prod(probabilities, -1), rtol=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_one_beam_is_greedy(seed: int) -> None:
    head, features = make(seed)
    beam, greedy = beam_search(head, features, 1), decode_greedy(head, features)
    beam = type(beam)(*(x[:, 0] for x in beam))
    assert (beam.labels == greedy.labels).all()
    np.testing.assert_allclose(beam.probabilities, greedy.probabilities, rtol=1e-5)
    np.testing.assert_allclose(beam.scores, greedy.scores, rtol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 6), st.integers(1, 40))
def test_paths_are_distinct_ranked_and_as_many_as_there_can_be(seed, labels, steps, beams) -> None:
    head, features = make(seed, labels, steps, batch=2)
    paths = beam_search(head, features, beams)
    length = min(steps, labels)
    assert paths.labels.shape[2] == length
    for b in range(2):
        found = [tuple(path) for path in paths.labels[b].tolist()]
        assert len(set(found)) == len(found) <= beams
        assert all(len(set(path)) == length for path in found)
        product = np.log(paths.probabilities[b].astype(float)).sum(-1)
        assert (np.diff(product) <= 1e-5).all()


def test_enough_beams_find_the_best_path_of_all() -> None:
    head, features = make(labels=5, steps=3)
    paths = beam_search(head, features, 100)
    every = list(itertools.permutations(range(5), 3))
    assert paths.labels.shape[1] == len(every) == 60
    plain = PlainDecoder(head)
    for b in range(3):
        x = [features[name][b].double().numpy() for name in ("spatial", "pooled")]
        products = []
        for path in every:
            p = plain.unroll(*x, path)[1]
            products.append(np.prod([p[t, label] for t, label in enumerate(path)]))
        assert tuple(paths.labels[b, 0].tolist()) == every[int(np.argmax(products))]


def test_ties_go_to_the_higher_path_then_to_the_lower_label() -> None:
    head, features = make(labels=4, steps=2)
    nn.init.zeros_(head.f_pred[3].weight)  # every label is equally probable at every step
    nn.init.zeros_(head.f_pred[3].bias)
    paths = beam_search(head, features, 5)
    assert paths.labels.tolist() == [[[0, 1], [0, 2], [0, 3], [1, 0], [1, 2]]] * 3


def test_a_view_s_paths_do_not_depend_on_its_neighbours() -> None:
    head, features = make(batch=5)
    together = beam_search(head, features, 3)
    for b in range(5):
        alone = beam_search(head, {name: x[b : b + 1] for name, x in features.items()}, 3)
        assert (alone.labels[0] == together.labels[b]).all()


def test_dropout_is_off_and_the_mode_comes_back() -> None:
    head, features = make()
    head.train()
    first, second = beam_search(head, features, 3), beam_search(head, features, 3)
    assert (first.probabilities == second.probabilities).all()
    assert head.training


def test_refuses_no_beam() -> None:
    with pytest.raises(ValueError, match="beam"):
        beam_search(*make(), beams=0)
