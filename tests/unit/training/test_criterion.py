"""Losses of models with steps, and of teacher forcing along a work's true labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imet.batches import with_teacher_path
from imet.config import resolve
from imet.io import InputError
from imet.losses import asymmetric_loss, focal_loss, pos_weight, soft_f2_loss, weighted_bce_loss
from imet.training.criterion import make_criterion

TARGETS = np.array([[1, 0, 0, 1], [1, 1, 0, 0], [1, 0, 0, 0], [1, 0, 1, 0]], bool)


@pytest.fixture
def batch():
    return {"targets": torch.from_numpy(TARGETS).float()}


@pytest.fixture
def logits():
    return torch.randn(4, 3, 4, generator=torch.Generator().manual_seed(0))  # (B, T, K)


def criterion(**changes):
    return make_criterion(resolve("attn_cnn_rnn", "tiny", changes), TARGETS, "cpu")


def test_every_step_is_asked_for_all_labels_and_steps_are_averaged(batch, logits):
    weights = pos_weight(TARGETS.sum(0), 4, 10.0)
    wanted = torch.stack(
        [
            weighted_bce_loss(logits[:, t], batch["targets"], weights, "sum_classes")
            for t in range(3)
        ]
    ).mean()
    torch.testing.assert_close(criterion()(logits, batch), wanted)


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("focal", lambda x, y: focal_loss(x, y, 2.0, None, "sum_classes")),
        ("asymmetric", lambda x, y: asymmetric_loss(x, y, reduction="sum_classes")),
        ("soft_f2", soft_f2_loss),
    ],
)
def test_other_losses_at_every_step(name, loss, batch, logits):
    wanted = torch.stack([loss(logits[:, t], batch["targets"]) for t in range(3)]).mean()
    torch.testing.assert_close(criterion(loss=name)(logits, batch), wanted)


@pytest.mark.parametrize(
    ("order", "first"), [("frequent_first", [0, 0, 0, 0]), ("rare_first", [3, 1, 0, 2])]
)
def test_teacher_forcing_follows_true_labels(order, first, batch, logits):
    recipe = resolve("attn_cnn_rnn", "tiny", {"label_order": order, "steps": 3})
    found = with_teacher_path(batch, recipe, torch.from_numpy(TARGETS.sum(0)))
    path = found["path"]
    assert path.shape == (4, 3)
    assert path[:, 0].tolist() == first
    # On a path each step is asked for its own label and nothing else.
    one_hot = torch.zeros(4, 3, 4)
    for b in range(4):
        for t in range(3):
            if path[b, t] >= 0:
                one_hot[b, t, path[b, t]] = 1
    weights = pos_weight(TARGETS.sum(0), 4, 10.0)
    wanted = weighted_bce_loss(logits, one_hot, weights, "sum_classes")
    torch.testing.assert_close(criterion(label_order=order)(logits, found), wanted)


def test_a_free_order_has_no_path_to_force(batch):
    assert (
        with_teacher_path(batch, resolve("attn_cnn_rnn", "tiny"), torch.from_numpy(TARGETS.sum(0)))
        is batch
    )


def test_an_order_without_steps_is_refused():
    recipe = resolve("resnet50", "tiny", {"label_order": "rare_first"})
    with pytest.raises(InputError, match="label_order = 'rare_first' needs a model"):
        make_criterion(recipe, TARGETS, "cpu")


def test_other_losses_follow_the_path_too(batch, logits):
    recipe = resolve("attn_cnn_rnn", "tiny", {"label_order": "rare_first", "steps": 3})
    found = with_teacher_path(batch, recipe, torch.from_numpy(TARGETS.sum(0)))
    one_hot = torch.nn.functional.one_hot(found["path"] + 1, 5)[..., 1:].float()
    wanted = focal_loss(logits, one_hot, 2.0, None, "sum_classes")
    torch.testing.assert_close(
        criterion(loss="focal", label_order="rare_first")(logits, found), wanted
    )
