"""Greedy decoding: the most probable label at every step (the paper, section 3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from imet.inference.paths import Paths
from imet.models.attn_cnn_rnn import AttnCnnRnn, Features


@torch.no_grad()
def decode_greedy(head: AttnCnnRnn, features: Features, *, shared_views: int = 1) -> Paths:
    """At every step the most probable label that the path does not have yet.

    Args:
        head: its training mode is put aside while decoding: dropout is off.
        features: of B views, as the head takes them.
        shared_views: V > 1 averages p_t over each run of V consecutive views, the views of a
            work, and all of them follow the one path so chosen ("mean", where the paper has the
            union of V paths).

    Returns:
        Paths of B views, or of B / V works.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> head = AttnCnnRnn(labels=7, feature_dim=6, width=4, steps=3)
        >>> views = {"spatial": torch.randn(12, 49, 6), "pooled": torch.randn(12, 6)}
        >>> decode_greedy(head, views).labels.shape
        (12, 3)
        >>> decode_greedy(head, views, shared_views=6).labels.shape
        (2, 3)
    """
    with evaluation_mode(head):
        view, state = head.begin(features)
        labels, probabilities, best = [], [], None
        for _ in range(head.steps):
            logits, _, state = head.step(view, state)  # (B, 1, K)
            p = logits.to(precision(logits)).sigmoid()
            works = p.reshape(-1, shared_views, head.labels).mean(1)  # (N, K)
            pool = state.pool[::shared_views, 0]  # (N, K)
            label = works.masked_fill(~pool, -1).argmax(-1, keepdim=True)  # (N, 1)
            labels.append(label)
            probabilities.append(works.gather(1, label))
            best = works if best is None else torch.maximum(best, works)
            followed = label.repeat_interleave(shared_views, 0)  # (B, 1)
            state = head.advance(state, logits.sigmoid(), followed)
    assert best is not None
    return Paths(
        torch.cat(labels, 1).cpu().numpy(),
        torch.cat(probabilities, 1).float().cpu().numpy(),
        best.float().cpu().numpy(),
    )


@contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode for a while: no dropout."""
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)


def precision(x: Tensor) -> torch.dtype:
    """Float64, so that near ties of probabilities stay apart, where the device has it."""
    return torch.float32 if x.device.type == "mps" else torch.float64
