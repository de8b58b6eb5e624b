"""The AttnCNN-RNN head: against loops, its switches, its orders, and that it can learn."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles_paper import PlainDecoder, sequence_loss_loops
from torch import nn

from imet.decoding import decode_greedy, stop_paths
from imet.losses import weighted_bce_loss
from imet.models.attn_cnn_rnn import (
    AttnCnnRnn,
    LabelLSTM,
    Order,
    State,
    label_path,
    step_targets,
)
from imet.training.criterion import Criterion

LOSS = Criterion(partial(weighted_bce_loss, reduction="sum_classes"))

SWITCHES = [
    {},
    {"gate": False},
    {"attention": False},
    {"recurrent": False},
    {"attention": False, "recurrent": False},
    {"hog_dim": 5},
]


def make(batch: int = 3, seed: int = 0, **switches) -> tuple[AttnCnnRnn, dict[str, torch.Tensor]]:
    torch.manual_seed(seed)
    head = AttnCnnRnn(labels=11, feature_dim=6, width=8, steps=4, **switches)
    for weight in head.parameters():
        weight.data.mul_(3)  # decisions far from ties
    features = {"spatial": torch.randn(batch, 9, 6), "pooled": torch.randn(batch, 6)}
    if head.classifier.hog_width:
        features["hog"] = torch.rand(batch, head.classifier.hog_width)
    return head, features


def works(features: dict[str, torch.Tensor]):
    pooled = torch.cat([features["pooled"], *[x for k, x in features.items() if k == "hog"]], -1)
    return zip(features["spatial"].double().numpy(), pooled.double().numpy(), strict=True)


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_trace_equals_the_equations(switches: dict) -> None:
    head, features = make(**switches)
    head.eval()
    with torch.no_grad():
        steps = head.unroll(features)
    for b, (spatial, pooled) in enumerate(works(features)):
        labels, p, alpha = PlainDecoder(head).unroll(spatial, pooled)
        assert steps.labels[b].tolist() == labels
        np.testing.assert_allclose(steps.logits[b].sigmoid(), p, atol=1e-5)
        np.testing.assert_allclose(steps.alphas[b], alpha, atol=1e-5)


def test_teacher_forcing_equals_the_equations() -> None:
    head, features = make()
    head.eval()
    path = torch.tensor([[3, 1, -1, -1], [10, 0, 4, 2], [-1, -1, -1, -1]])
    logits = head(features, path).detach()
    for b, (spatial, pooled) in enumerate(works(features)):
        _, p, _ = PlainDecoder(head).unroll(spatial, pooled, path[b].tolist())
        np.testing.assert_allclose(logits[b].sigmoid(), p, atol=1e-5)


def test_lstm_is_torch_s_on_the_concatenated_input() -> None:
    torch.manual_seed(0)
    ours = LabelLSTM(7, 5, 4)
    peer = nn.LSTMCell(7 + 5 + 7, 4)
    parts = [ours.from_v_pred.weight, ours.from_z.weight, ours.from_y.weight.T]
    peer.weight_ih.data = torch.cat(parts, 1)
    peer.weight_hh.data = ours.from_h.weight.data
    peer.bias_ih.data, peer.bias_hh.data = ours.from_v_pred.bias.data, torch.zeros(16)
    h, c, z, v_pred = torch.randn(2, 4), torch.randn(2, 4), torch.randn(2, 5), torch.rand(2, 7)
    y = torch.tensor([[0, 1, 1, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0.0]])
    state = State(h, c, v_pred, y @ ours.from_y.weight, torch.ones(2, 7, dtype=torch.bool))
    for mine, theirs in zip(
        ours(state, z), peer(torch.cat([v_pred, z, y], 1), (h, c)), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


def test_without_recurrence_every_step_is_the_first() -> None:
    head, features = make(recurrent=False)
    head.eval()
    steps = head.unroll(features)
    assert torch.equal(steps.logits, steps.logits[:, :1].expand_as(steps.logits))
    assert torch.equal(steps.labels, steps.logits[:, 0].topk(4).indices)


def test_without_attention_the_weights_are_uniform() -> None:
    head, features = make(attention=False)
    assert not any(name.startswith("attention") for name in head.state_dict())
    torch.testing.assert_close(head.unroll(features).alphas, torch.full((3, 4, 9), 1 / 9))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 1000))
def test_no_label_twice_and_never_more_than_there_are(labels: int, steps: int, seed: int) -> None:
    torch.manual_seed(seed)
    head = AttnCnnRnn(labels, feature_dim=3, width=4, steps=steps).eval()
    unrolled = head.unroll({"spatial": torch.randn(2, 4, 3), "pooled": torch.randn(2, 3)})
    assert unrolled.labels.shape == (2, min(labels, steps))
    assert all(len(set(path)) == len(path) for path in unrolled.labels.tolist())


def test_equal_probabilities_choose_the_lower_label() -> None:
    head, features = make()
    nn.init.zeros_(head.f_pred[3].weight)
    assert head.eval().unroll(features).labels.tolist() == [[0, 1, 2, 3]] * 3


def test_half_precision_features_from_a_store_are_taken() -> None:
    head, features = make(hog_dim=5)
    head.eval()
    half = {name: x.half() for name, x in features.items()}
    torch.testing.assert_close(head(half), head(features), atol=0.05, rtol=0.05)


@pytest.mark.parametrize("reduction", ["sum_classes", "mean"])
@pytest.mark.parametrize("by_step", [False, True])
def test_loss_equals_loops(reduction: str, by_step: bool) -> None:
    rng = np.random.default_rng(0)
    logits, weight = rng.normal(size=(2, 3, 5)), rng.uniform(1, 10, 5)
    targets, path = rng.random((2, 5)) < 0.4, rng.integers(-1, 5, (2, 3))
    batch = {"targets": torch.tensor(targets)}
    if by_step:
        batch["path"] = torch.tensor(path)
    weights = {"pos_weight": torch.tensor(weight), "reduction": reduction}
    loss = Criterion(partial(weighted_bce_loss, **weights))(torch.tensor(logits), batch)
    full = np.repeat(targets[:, None], 3, 1)
    if by_step:
        full = path[..., None] == np.arange(5)
    expected = sequence_loss_loops(logits, full, weight, reduction == "mean")
    assert loss.item() == pytest.approx(expected, rel=1e-9)


def test_label_orders() -> None:
    targets = torch.tensor([[1, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]], dtype=torch.bool)
    counts = torch.tensor([5, 9, 9, 1])
    frequent = label_path(targets, counts, "frequent_first", 3)
    assert frequent.tolist() == [[1, 0, 3], [-1, -1, -1], [1, 2, 0]]  # a tie: lower column
    rare = label_path(targets, counts, "rare_first", 5)
    assert rare.tolist() == [[3, 0, 1, -1, -1], [-1] * 5, [3, 0, 1, 2, -1]]
    assert label_path(targets, counts, "free", 3) is None


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_step_targets_add_up_to_the_first_labels(seed: int, steps: int) -> None:
    rng = np.random.default_rng(seed)
    targets = torch.tensor(rng.random((4, 6)) < 0.4)
    counts = torch.tensor(rng.integers(0, 4, 6))
    path = label_path(targets, counts, "rare_first", steps)
    assert path is not None
    says = step_targets(path, 6)  # (B, T, K)
    assert says.sum((1, 2)).tolist() == targets.sum(1).clamp(max=steps).tolist()
    assert not (says.any(1) & ~targets).any()


def eight_works() -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    spatial = torch.randn(8, 9, 6, generator=generator)
    targets = torch.rand(8, 11, generator=generator) < 0.25
    targets[:, 0] |= ~targets.any(1)  # a label each
    targets[:, 5:] &= targets.cumsum(1)[:, 5:] <= 4  # at most T of them
    return {"spatial": spatial, "pooled": spatial.mean(1)}, targets


@pytest.mark.parametrize(
    ("order", "switches"),
    [
        ("free", {}),
        ("free", {"attention": False}),
        ("free", {"recurrent": False}),
        ("frequent_first", {}),
        ("rare_first", {}),
    ],
    ids=str,
)
def test_overfits_eight_works(order: Order, switches: dict) -> None:
    features, targets = eight_works()
    torch.manual_seed(0)
    head = AttnCnnRnn(11, feature_dim=6, width=32, steps=4, dropout=0.0, **switches)
    path = label_path(targets, targets.sum(0), order, 4)
    batch = {"targets": targets} if path is None else {"targets": targets, "path": path}
    optimiser = torch.optim.Adam(head.parameters(), lr=0.01)
    losses = []
    for _ in range(250):
        loss = LOSS(head(features, path), batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 20
    paths = decode_greedy(head, features)
    predicted = stop_paths(paths, 1.0, np.full(11, 0.5), keep_first=True)
    assert (predicted == targets.numpy()).all()


def test_learning_reaches_every_weight() -> None:
    head, features = make(hog_dim=5)
    LOSS(head(features), {"targets": torch.ones(3, 11)}).backward()
    still = [name for name, w in head.named_parameters() if w.grad is None or not w.grad.any()]
    # softmax ignores a constant added to every region's score
    assert still in ([], ["attention.score.bias"])


def test_state_dict_round_trip_and_determinism() -> None:
    head, features = make(hog_dim=5)
    twin, _ = make(seed=1, hog_dim=5)
    assert not torch.equal(head.eval()(features), twin.eval()(features))
    twin.load_state_dict(head.state_dict())
    assert torch.equal(head(features), twin(features))
    head.train()
    torch.manual_seed(7)
    first = head(features)
    torch.manual_seed(7)
    assert torch.equal(head(features), first)
