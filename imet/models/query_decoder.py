"""A later model beside the documents' own: one query per label looks at the regions of a view.

A decoder layer of the Transformer in the place of the recurrence: all labels at once, each with an
attention map of its own (Query2Label, Liu et al. 2021, with one layer and without their encoder).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class QueryDecoder(nn.Module):
    """K learned queries attend to one another and to the P regions of a view.

    `feature_dim` is D of the regions' features, `width` that of queries and attention; there are
    as many heads of attention as `width` has blocks of 64.

    Examples:
        >>> QueryDecoder(3, feature_dim=8, width=16)({"spatial": torch.zeros(2, 49, 8)}).shape
        torch.Size([2, 3])
    """

    def __init__(
        self, num_labels: int, feature_dim: int, width: int = 256, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.project = nn.Linear(feature_dim, width)
        self.queries = nn.Parameter(torch.randn(num_labels, width) * width**-0.5)
        self.decoder = nn.TransformerDecoderLayer(
            width, max(1, width // 64), 2 * width, dropout, batch_first=True
        )
        self.weight = nn.Parameter(torch.randn(num_labels, width) * width**-0.5)
        self.bias = nn.Parameter(torch.zeros(num_labels))

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Logits (B, K) of features with "spatial" (B, P, D)."""
        regions = self.project(features["spatial"]).relu()  # (B, P, W)
        queries = self.queries.expand(len(regions), -1, -1)  # (B, K, W)
        answers = self.decoder(queries, regions)  # (B, K, W)
        return (answers * self.weight).sum(-1) + self.bias  # (B, K)
