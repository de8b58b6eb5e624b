"""Attention: the oracle's numbers, and 196 repeated regions against the 49 they repeat."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from imet.models.attn_cnn_rnn import Attention


def test_equations_one_region_at_a_time() -> None:
    torch.manual_seed(0)
    attention = Attention(5, 4, width=6, gate=False)
    v, h = torch.randn(2, 9, 5), torch.randn(2, 3, 4)
    z, alpha = attention(v, attention.project(v), h)
    pair = nn.Linear(5 + 4, 6)  # f_att's first layer, on the concatenated pair
    pair.weight.data = torch.cat([attention.from_v.weight, attention.from_h.weight], 1)
    pair.bias.data = attention.from_v.bias + attention.from_h.bias
    for b in range(2):
        for s in range(3):
            epsilon = [
                attention.score(pair(torch.cat([v[b, i], h[b, s]])).relu()).item() for i in range(9)
            ]
            expected = np.exp(epsilon) / np.exp(epsilon).sum()
            np.testing.assert_allclose(alpha[b, s].detach(), expected, rtol=1e-5)
            context = sum(expected[i] * v[b, i].numpy() for i in range(9))
            np.testing.assert_allclose(z[b, s].detach(), context, rtol=1e-4, atol=1e-6)


def test_gate_scales_the_context_and_leaves_the_weights() -> None:
    torch.manual_seed(0)
    attention = Attention(5, 4, width=6)
    v, h = torch.randn(2, 9, 5), torch.randn(2, 3, 4)
    gated, alpha = attention(v, attention.project(v), h)
    gate, attention.gate = attention.gate, None
    plain, same = attention(v, attention.project(v), h)
    torch.testing.assert_close(gated, plain * gate(h).sigmoid())
    assert torch.equal(alpha, same)


@pytest.mark.parametrize("gate", [True, False])
def test_196_regions_are_49(gate: bool) -> None:
    """Adaptive pooling from 7x7 to 14x14 repeats each region 2x2: same z, same gradients."""
    torch.manual_seed(0)
    attention = Attention(32, 8, width=16, gate=gate).double()
    h = torch.randn(3, 2, 8, dtype=torch.double)
    direction = torch.randn(3, 2, 32, dtype=torch.double)
    feature_map = torch.randn(3, 32, 7, 7, dtype=torch.double)
    pooled = nn.AdaptiveAvgPool2d(14)(feature_map)
    assert torch.equal(pooled, feature_map.repeat_interleave(2, -1).repeat_interleave(2, -2))

    results = []
    for size in (7, 14):
        x, state = feature_map.clone().requires_grad_(), h.clone().requires_grad_()
        grid = nn.AdaptiveAvgPool2d(size)(x)
        v = grid.flatten(2).transpose(1, 2)  # (B, P, D)
        z, alpha = attention(v, attention.project(v), state)
        attention.zero_grad()
        (z * direction).sum().backward()
        gradients = [x.grad, state.grad, *[w.grad.clone() for w in attention.parameters()]]
        results.append((z, alpha.unflatten(-1, (size, size)), gradients))
    (z7, alpha7, gradients7), (z14, alpha14, gradients14) = results

    torch.testing.assert_close(z14, z7, rtol=0, atol=1e-13)
    repeated = alpha7.repeat_interleave(2, -1).repeat_interleave(2, -2)
    torch.testing.assert_close(alpha14, repeated / 4, rtol=0, atol=1e-14)
    for wide, narrow in zip(gradients14, gradients7, strict=True):
        torch.testing.assert_close(wide, narrow, rtol=1e-12, atol=1e-13)
    assert any(gradient.abs().max() > 1e-3 for gradient in gradients7)
