"""Visual attention over the regions of a view: the paper's Equations 1 to 3.

The paper attends to 14x14 = 196 regions. At 224 pixels ResNet50 gives 7x7, and adaptive pooling to
14x14 repeats each of them 2x2, so the 196 regions are 49 distinct ones: attention over the 49 gives
the same context and the same gradients, with weights four times as large. A 448-pixel view has 196
true ones; this module takes any number.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """f_att = Linear, ReLU, Linear on (v_i, h); softmax over the regions; weighted sum.

    A Linear layer on the pair (v_i, h) is one on v_i plus one on h. The first is the same at every
    step and on every path, so `project` computes it once a view.

    Args:
        feature_dim: D, length of a region's feature vector v_i (2048 in the paper).
        hidden_dim: R, length of the RNN's hidden state h.
        width: A, hidden units of f_att (512, as coded).
        gate: multiply z by sigmoid(Linear(h)), as coded; the paper does not say so.

    Examples:
        >>> attention = Attention(feature_dim=6, hidden_dim=4, width=5)
        >>> v, h = torch.randn(2, 49, 6), torch.randn(2, 3, 4)  # 2 views, 3 paths each
        >>> z, alpha = attention(v, attention.project(v), h)
        >>> z.shape, alpha.shape
        (torch.Size([2, 3, 6]), torch.Size([2, 3, 49]))
    """

    def __init__(
        self, feature_dim: int, hidden_dim: int, width: int = 512, *, gate: bool = True
    ) -> None:
        super().__init__()
        self.from_v = nn.Linear(feature_dim, width)
        self.from_h = nn.Linear(hidden_dim, width)
        self.score = nn.Linear(width, 1)
        self.gate = nn.Linear(hidden_dim, feature_dim) if gate else None

    def project(self, v: Tensor) -> Tensor:
        """f_att's part that depends on the view alone: (B, P, D) to (B, P, A)."""
        return self.from_v(v)

    def forward(self, v: Tensor, v_projected: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Context vectors z and attention weights alpha.

        Args:
            v: (B, P, D) features of P regions.
            v_projected: (B, P, A), `project(v)`.
            h: (B, S, R) hidden states of S paths through the same view.

        Returns:
            z (B, S, D) and alpha (B, S, P), which sums to 1 over the regions.
        """
        pair = v_projected[:, None] + self.from_h(h)[:, :, None]  # (B, S, P, A)
        epsilon = self.score(torch.relu_(pair)).squeeze(-1)  # (B, S, P)   Eq. 1
        alpha = epsilon.softmax(-1)  # (B, S, P)   Eq. 2
        z = torch.bmm(alpha, v)  # (B, S, D)   Eq. 3
        if self.gate is not None:
            z = z * self.gate(h).sigmoid()
        return z, alpha
