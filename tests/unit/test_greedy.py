"""Greedy decoding against the equations one view at a time, alone and with shared views."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from oracles_paper import PlainDecoder

from imet.decoding import decode_greedy
from imet.models.attn_cnn_rnn import AttnCnnRnn


def make_head(**switches) -> tuple[AttnCnnRnn, dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    head = AttnCnnRnn(labels=11, feature_dim=6, width=8, steps=4, **switches)
    for weight in head.parameters():
        weight.data.mul_(3)
    return head, {"spatial": torch.randn(6, 9, 6), "pooled": torch.randn(6, 6)}


@pytest.mark.parametrize(
    "switches", [{}, {"attention": False}, {"recurrent": False}, {"gate": False}], ids=str
)
def test_greedy_equals_the_equations(switches: dict) -> None:
    head, features = make_head(**switches)
    head.train()
    paths = decode_greedy(head, features)
    assert head.training  # put back
    for b in range(6):
        spatial, pooled = (features[name][b].double().numpy() for name in ("spatial", "pooled"))
        labels, p, _ = PlainDecoder(head).unroll(spatial, pooled)
        assert paths.labels[b].tolist() == labels
        chosen = [p[t, label] for t, label in enumerate(labels)]
        np.testing.assert_allclose(paths.probabilities[b], chosen, atol=1e-5)
        np.testing.assert_allclose(paths.scores[b], p.max(0), atol=1e-5)


def test_greedy_equals_the_head_s_own_trace() -> None:
    head, features = make_head()
    assert (
        decode_greedy(head, features).labels == head.eval().unroll(features).labels.numpy()
    ).all()


def test_shared_views_average_at_every_step() -> None:
    head, features = make_head()
    paths = decode_greedy(head, features, shared_views=3)
    plain = PlainDecoder(head)
    for n in range(2):
        rows = range(3 * n, 3 * n + 3)
        path: list[int] = []
        for t in range(4):  # replay every view along the shared path, then average
            p = []
            for b in rows:
                x = (features[name][b].double().numpy() for name in ("spatial", "pooled"))
                p.append(plain.unroll(*x, [*path, *[-1] * (4 - t)])[1][t])
            mean = np.mean(p, 0)
            path.append(max((k for k in range(11) if k not in path), key=lambda k: mean[k]))
            assert paths.probabilities[n, t] == pytest.approx(mean[path[-1]], abs=1e-5)
        assert paths.labels[n].tolist() == path


def test_equal_views_share_the_path_of_one() -> None:
    head, features = make_head()
    repeated = {name: x.repeat_interleave(4, 0) for name, x in features.items()}
    shared, alone = decode_greedy(head, repeated, shared_views=4), decode_greedy(head, features)
    assert (shared.labels == alone.labels).all()
