"""Paths of a whole part: in the order of the works, each view as if it were alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imet.decoding import (
    Paths,
    beam_search,
    decode,
    decode_greedy,
    greedy_validation,
    in_work_order,
    load_paths,
    save_paths,
)
from imet.losses import weighted_bce_loss
from imet.models.attn_cnn_rnn import AttnCnnRnn
from imet.models.heads import Network
from imet.training.criterion import Criterion

WORKS, VIEWS, LABELS = 5, 3, 9


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    head = AttnCnnRnn(labels=LABELS, feature_dim=6, width=8, steps=4)
    for weight in head.parameters():
        weight.data.mul_(3)
    return Network(head).train()


@pytest.fixture(scope="module")
def spatial() -> torch.Tensor:
    return torch.randn(WORKS, VIEWS, 4, 6, generator=torch.Generator().manual_seed(1))


def batches(spatial, *groups):
    for group in groups:
        chosen = spatial[group].flatten(0, 1)
        yield {
            "spatial": chosen,
            "pooled": chosen.mean(1),
            "works": torch.tensor(group),
            "targets": torch.zeros(len(chosen), LABELS),
        }


@pytest.mark.parametrize("groups", [([0, 1, 2, 3, 4],), ([3, 1], [4, 0], [2])])
@pytest.mark.parametrize("beams", [1, 3])
def test_works_come_back_in_order(network, spatial, groups, beams):
    found = decode(network, batches(spatial, *groups), WORKS, str(beams))
    assert found.labels.shape == (WORKS, VIEWS, 4)
    assert network.training  # left as it was
    for work in range(WORKS):
        features = {"spatial": spatial[work], "pooled": spatial[work].mean(1)}
        alone = (
            decode_greedy(network.head, features)
            if beams == 1
            else Paths(*(x[:, 0] for x in beam_search(network.head, features, beams)))
        )
        assert np.array_equal(found.labels[work], alone.labels)
        np.testing.assert_allclose(found.probabilities[work], alone.probabilities, atol=1e-6)
        np.testing.assert_allclose(found.scores[work], alone.scores, atol=1e-6)


def test_views_may_share_a_path(network, spatial):
    found = decode(network, batches(spatial, [0, 1], [2, 3, 4]), WORKS, "mean")
    assert found.labels.shape == (WORKS, 4)


def test_arrays_of_batches_are_joined_in_the_order_of_works_and_keep_their_type():
    pieces = [([2, 0], np.array([[5], [6]], np.float16)), ([1], np.array([[7]], np.float16))]
    (joined,) = in_work_order(pieces, 3)
    assert joined.dtype == np.float16
    assert joined.tolist() == [[6], [7], [5]]


def test_a_work_missing_or_doubled_is_noticed(network, spatial):
    with pytest.raises(ValueError, match="1 of 3 works missing"):
        decode(network, batches(spatial, [0, 1]), 3)
    with pytest.raises(ValueError, match="1 of 3 works missing, 1 came twice"):
        decode(network, batches(spatial, [0, 1], [1]), 3)


def test_watching_gives_greedy_paths_and_the_loss_without_dropout(network, spatial):
    criterion = Criterion(weighted_bce_loss)
    paths, loss = greedy_validation(network, batches(spatial, [4, 2], [0, 1, 3]), WORKS, criterion)
    wanted = decode(network, batches(spatial, [0, 1, 2, 3, 4]), WORKS)
    assert np.array_equal(paths.labels, wanted.labels)
    np.testing.assert_allclose(paths.scores, wanted.scores, atol=1e-6)
    (batch,) = batches(spatial, [0, 1, 2, 3, 4])
    network.eval()
    with torch.no_grad():
        assert loss == pytest.approx(float(criterion(network(batch), batch)), rel=1e-5)
    network.train()


def test_paths_are_kept_and_read_back(network, spatial, tmp_path):
    paths = decode(network, batches(spatial, [0, 1, 2, 3, 4]), WORKS)
    save_paths(tmp_path / "paths.npz", {"1": paths})
    found = load_paths(tmp_path / "paths.npz")["1"]
    assert found.labels.dtype == np.int64
    assert np.array_equal(found.labels, paths.labels)
    assert np.array_equal(found.probabilities, paths.probabilities)
    assert found.scores is None
