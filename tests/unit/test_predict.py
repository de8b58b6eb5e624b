"""The one forward loop: works in their own order, each exactly once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from imet.evaluation import compute_logits

VIEWS, LABELS = 3, 2


class Echo(nn.Module):
    """Logits that say which work and view they belong to; dropout to notice training mode."""

    def __init__(self):
        super().__init__()
        self.dropout = nn.Dropout(0.5)

    def forward(self, batch):
        assert not torch.is_grad_enabled()
        works = batch["works"].repeat_interleave(VIEWS)
        views = torch.arange(VIEWS).repeat(len(batch["works"]))
        return self.dropout(torch.stack([works * 10.0 + views + 1, views + 1.0], 1))  # (B·V, K)


def batches(*groups):
    return [{"works": torch.tensor(group)} for group in groups]


@pytest.mark.parametrize("groups", [([0, 1, 2, 3],), ([3, 1], [0, 2]), ([2], [3], [1], [0])])
@pytest.mark.parametrize("training", [True, False])
def test_works_come_back_in_order(groups, training):
    network = Echo().train(training)
    found = compute_logits(network, batches(*groups), 4)
    assert found.shape == (4, VIEWS, LABELS)
    assert found.dtype == np.float32
    assert found[..., 0].tolist() == [[10 * w + v + 1 for v in range(VIEWS)] for w in range(4)]
    assert network.training is training  # left as it was


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (([0, 1],), "1 of 3 works missing, 0 came twice"),
        (([0, 1], [1, 2]), "0 of 3 works missing, 1 came twice"),
        (([0, 1, 1],), "1 of 3 works missing, 1 came twice"),
        ((), "3 of 3 works missing"),
    ],
)
def test_a_work_missing_or_doubled_is_noticed(groups, message):
    with pytest.raises(ValueError, match=message):
        compute_logits(Echo(), batches(*groups), 3)


def test_half_precision_comes_back_as_float32():
    class Half(nn.Module):
        def forward(self, batch):
            return torch.ones(len(batch["works"]), 2, dtype=torch.bfloat16)

    assert compute_logits(Half(), batches([0, 1]), 2).dtype == np.float32
