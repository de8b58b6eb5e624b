"""The query decoder against a slow version, and what it must not depend on."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from imet.models.heads import QueryDecoder


@pytest.fixture
def decoder():
    torch.manual_seed(0)
    model = QueryDecoder(num_labels=5, feature_dim=6, width=8, dropout=0.5).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    return model


def attention(layer, queries, keys):
    """One head, query by query."""
    wq, wk, wv = layer.in_proj_weight.chunk(3)
    bq, bk, bv = layer.in_proj_bias.chunk(3)
    rows = []
    for query in queries @ wq.T + bq:
        weights = ((keys @ wk.T + bk) @ query / len(query) ** 0.5).softmax(0)
        rows.append((weights[:, None] * (keys @ wv.T + bv)).sum(0))
    return torch.stack(rows) @ layer.out_proj.weight.T + layer.out_proj.bias


def test_it_is_a_decoder_layer_on_regions(decoder):
    view = torch.rand(9, 6)
    layer = decoder.decoder
    regions = decoder.project(view).relu()
    x = layer.norm1(decoder.queries + attention(layer.self_attn, decoder.queries, decoder.queries))
    x = layer.norm2(x + attention(layer.multihead_attn, x, regions))
    x = layer.norm3(x + layer.linear2(F.relu(layer.linear1(x))))
    wanted = (x * decoder.weight).sum(1) + decoder.bias
    logits = decoder({"spatial": view[None]})[0]
    torch.testing.assert_close(logits, wanted, rtol=1e-4, atol=1e-4)


def test_order_of_regions_and_of_works_does_not_matter(decoder):
    v = torch.rand(3, 9, 6)
    logits = decoder({"spatial": v})
    mixed = decoder({"spatial": v[[2, 0, 1]][:, torch.randperm(9)]})
    torch.testing.assert_close(mixed, logits[[2, 0, 1]], rtol=1e-4, atol=1e-4)


def test_labels_are_interchangeable(decoder):
    v, order = torch.rand(2, 9, 6), torch.tensor([3, 1, 4, 0, 2])
    logits = decoder({"spatial": v})
    with torch.no_grad():
        for parameter in (decoder.queries, decoder.weight, decoder.bias):
            parameter.copy_(parameter[order])
    torch.testing.assert_close(decoder({"spatial": v}), logits[:, order], rtol=1e-4, atol=1e-4)


def test_every_parameter_learns(decoder):
    decoder.train()({"spatial": torch.rand(4, 9, 6)}).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in decoder.parameters())
