"""Beam search (the paper, section 3.3), for all works and all beams at once.

A batch holds S paths through each of its B views in one axis, so a step is the same few matrix
products as a greedy one. The view's features and their attention projection are shared by its
paths, never copied.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from imet.inference.greedy import evaluation_mode, precision
from imet.inference.paths import Paths
from imet.models.attn_cnn_rnn import AttnCnnRnn, Features, State


@torch.no_grad()
def beam_search(head: AttnCnnRnn, features: Features, beams: int = 5) -> Paths:
    """The `beams` best paths of every view, by the product of their labels' probabilities.

    Step 1 starts from one path and keeps its `beams` most probable labels. Every later step
    extends each path by every label it does not have yet, and keeps the best of all these
    successors. Each path has its own ỹ and state (as coded, the first step mixes ỹ between paths:
    not copied). Ties go to the path that ranked higher before, then to the lower label. One beam
    is greedy decoding.

    Args:
        head: its training mode is put aside while decoding.
        features: of B views.
        beams: S, at least 1.

    Returns:
        Paths with axes (B, S, ...), the best path first; fewer than S where so few labels allow no
        more. Two paths may hold the same labels in another order.

    Raises:
        ValueError: no beam.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> head = AttnCnnRnn(labels=7, feature_dim=6, width=4, steps=3)
        >>> views = {"spatial": torch.randn(2, 49, 6), "pooled": torch.randn(2, 6)}
        >>> beam_search(head, views, beams=4).labels.shape
        (2, 4, 3)
    """
    if beams < 1:
        raise ValueError(f"beam search needs at least one beam, got {beams}")
    with evaluation_mode(head):
        view, state = head.begin(features)  # one path a view
        batch, k = len(view.v), head.labels
        row = torch.arange(batch, device=view.v.device)[:, None]  # (B, 1)
        total = torch.zeros(batch, 1, dtype=precision(view.v), device=view.v.device)  # (B, S)
        labels = torch.empty(batch, 1, 0, dtype=torch.long, device=total.device)  # (B, S, t)
        chosen = total.new_empty(batch, 1, 0)  # (B, S, t) log p of the labels
        best = total.new_full((batch, 1, k), -torch.inf)  # (B, S, K) largest log p so far
        for t in range(head.steps):
            logits, _, state = head.step(view, state)  # (B, S, K)
            log_p = F.logsigmoid(logits.to(total.dtype))
            successors = (total[..., None] + log_p).masked_fill(~state.pool, -torch.inf)
            possible = total.shape[1] * (k - t)
            total, index = _largest(successors.flatten(1), min(beams, possible))  # (B, S)
            parent, label = index // k, index % k
            labels = torch.cat([labels[row, parent], label[..., None]], -1)
            chosen = torch.cat([chosen[row, parent], log_p[row, parent, label][..., None]], -1)
            best = torch.maximum(best, log_p)[row, parent]
            state = State(*(x[row, parent] for x in state))
            state = head.advance(state, logits.sigmoid()[row, parent], label)
    return Paths(
        labels.cpu().numpy(), chosen.exp().float().cpu().numpy(), best.exp().float().cpu().numpy()
    )


def best_paths(paths: Paths) -> Paths:
    """The best of each view's beams: axes (B, S, ...) to (B, ...)."""
    return Paths(paths.labels[:, 0], paths.probabilities[:, 0], paths.scores[:, 0])


def _largest(x: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest of each row in descending order, ties to the lower index.

    `torch.topk` breaks ties as it likes; argmax promises the first maximum.
    """
    rest, index = x.clone(), []
    for _ in range(count):
        i = rest.argmax(-1, keepdim=True)  # (B, 1)
        index.append(i)
        rest.scatter_(-1, i, -torch.inf)
    places = torch.cat(index, -1)  # (B, count)
    return x.gather(-1, places), places
