"""AttnCNN-RNN: labels one at a time, by an LSTM that looks at the view (the paper, section 3.3).

The names are the paper's: V_feat = (v_1 … v_P), v_prob, v_pred, z, h, p, l, ỹ and the candidate
pool C. The CNN is not part of the model, which takes features; one `step` serves training, greedy
decoding and beam search.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imet.models.heads import LinearHead

# --- Visual attention over the regions of a view


class Attention(nn.Module):
    """f_att = Linear, ReLU, Linear on (v_i, h); softmax over the regions; weighted sum.

    A Linear layer on the pair (v_i, h) is one on v_i plus one on h. The first is the same at every
    step and on every path, so `project` computes it once per view. A region's features v_i are D
    values (2048 in the paper), the RNN's hidden state h has R, and f_att has A hidden units, its
    `width` (512, as coded). As coded, not in the paper, a gate multiplies z by sigmoid(Linear(h)).

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
        """Context vectors z (B, S, D) and attention weights alpha (B, S, P), which sum to 1.

        Takes features v (B, P, D) of P regions, their `project(v)`, and the hidden states h
        (B, S, R) of S paths through the same view.
        """
        pair = v_projected[:, None] + self.from_h(h)[:, :, None]  # (B, S, P, A)
        epsilon = self.score(torch.relu_(pair)).squeeze(-1)  # (B, S, P)   Eq. 1
        alpha = epsilon.softmax(-1)  # (B, S, P)   Eq. 2
        z = torch.bmm(alpha, v)  # (B, S, D)   Eq. 3
        if self.gate is not None:
            z = z * self.gate(h).sigmoid()
        return z, alpha


# --- AttnCNN-RNN

Features = Mapping[str, Tensor]
Order = Literal["free", "frequent_first", "rare_first"]
_READS = ("spatial", "pooled", "hog")


class View(NamedTuple):
    """The inputs that a view gives to every step, computed once."""

    v: Tensor  # (B, P, D) features of the regions
    v_projected: Tensor | None  # (B, P, A) f_att's part that needs no h; None without attention
    v_mean: Tensor  # (B, D)


class State(NamedTuple):
    """Where S paths through each of B views stand after some steps."""

    h: Tensor  # (B, S, R)
    c: Tensor  # (B, S, R)
    v_pred: Tensor  # (B, S, K) v_prob at first, p_{t-1} later
    y: Tensor  # (B, S, 4R) ỹ_{t-1} as the LSTM sees it: the sum of its labels' weight columns
    pool: Tensor  # (B, S, K) bool, C_{t-1}: the labels not chosen yet


class Unrolled(NamedTuple):
    """The results of T steps, for figures."""

    labels: Tensor  # (B, T) int64, l_t
    logits: Tensor  # (B, T, K)
    alphas: Tensor  # (B, T, P), Eq. 2


class LabelLSTM(nn.Module):
    """An LSTM cell on the input (v_pred, z, ỹ), Equation 4, with its weights in three parts.

    It computes what `nn.LSTMCell` does on the concatenated input, but the product with the
    multi-hot ỹ is kept as a running sum: a new label adds its weight column.
    """

    def __init__(self, labels: int, feature_dim: int, width: int) -> None:
        super().__init__()
        self.from_v_pred = nn.Linear(labels, 4 * width)
        self.from_z = nn.Linear(feature_dim, 4 * width, bias=False)
        self.from_y = nn.Embedding(labels, 4 * width)
        self.from_h = nn.Linear(width, 4 * width, bias=False)
        for weight in self.parameters():
            nn.init.uniform_(weight, -(width**-0.5), width**-0.5)

    def forward(self, state: State, z: Tensor) -> tuple[Tensor, Tensor]:
        """h_t and c_t, both (B, S, R)."""
        gates = self.from_v_pred(state.v_pred) + self.from_z(z) + self.from_h(state.h) + state.y
        i, f, g, o = gates.chunk(4, -1)  # (B, S, R) each
        c = f.sigmoid() * state.c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


class AttnCnnRnn(nn.Module):
    """The head of AttnCNN-RNN on the features of a CNN.

    Features are a dict of "spatial" (B, P, D), P regions of D channels; "pooled" (B, D); and, with
    `hog_dim`, "hog" (B, H). v_prob is the sigmoid of `classifier`, the last layer of ResNet50 or,
    with HOG, of ResNet50 + HOG (section 3.4); it is trained with the rest, from random weights, as
    in Algorithm 2. Gradients pass through v_pred = p_{t-1}, not through the choice of labels.

    Args:
        labels: K, 1,077 in the paper.
        feature_dim, hog_dim: D and H; H = 0 leaves HOG out.
        width: R, units of the LSTM (512, as coded).
        steps: T.
        attention_width: A, units of f_att (by default as many as the LSTM has).
        attention: if off, z is the mean feature at every step.
        recurrent: if off, nothing passes from step to step: each sees v_prob, an empty ỹ and the
            initial state, so the T labels are the T most probable ones.
        gate: see `Attention`.
        dropout: before each layer of f_pred (as coded).
        standardise_hog: see `LinearHead`.

    Examples:
        >>> head = AttnCnnRnn(labels=7, feature_dim=6, width=4, steps=3).eval()
        >>> features = {"spatial": torch.randn(2, 49, 6), "pooled": torch.randn(2, 6)}
        >>> head(features).shape
        torch.Size([2, 3, 7])
        >>> all(len(set(path)) == 3 for path in head.unroll(features).labels.tolist())
        True
    """

    def __init__(
        self,
        labels: int,
        feature_dim: int = 2048,
        hog_dim: int = 0,
        width: int = 512,
        steps: int = 10,
        *,
        attention_width: int | None = None,
        attention: bool = True,
        recurrent: bool = True,
        gate: bool = True,
        dropout: float = 0.5,
        standardise_hog: bool = False,
    ) -> None:
        super().__init__()
        self.labels, self.steps, self.recurrent = labels, min(steps, labels), recurrent
        units = attention_width or width
        self.classifier = LinearHead(feature_dim, labels, hog_dim, standardise_hog)  # θ_R
        self.attention = Attention(feature_dim, width, units, gate=gate) if attention else None
        self.h0 = nn.Linear(feature_dim, width)
        self.c0 = nn.Linear(feature_dim, width)
        self.lstm = LabelLSTM(labels, feature_dim, width)
        first, second = nn.Linear(width, width), nn.Linear(width, labels)
        for layer in (first, second):  # as coded
            nn.init.uniform_(layer.weight, -0.1, 0.1)
            nn.init.zeros_(layer.bias)
        self.f_pred = nn.Sequential(nn.Dropout(dropout), first, nn.Dropout(dropout), second)

    def begin(self, features: Features) -> tuple[View, State]:
        """Compute everything before the first step, for one path per view (S = 1)."""
        dtype = self.h0.weight.dtype  # stored features may be of half precision
        features = {name: x.to(dtype) for name, x in features.items() if name in _READS}
        v = features["spatial"]  # (B, P, D)
        v_mean = v.mean(1)  # (B, D)
        v_projected = None if self.attention is None else self.attention.project(v)
        h, c = self.h0(v_mean)[:, None], self.c0(v_mean)[:, None]  # (B, 1, R)
        v_prob = self.classifier(features).sigmoid()[:, None]  # (B, 1, K)
        y = h.new_zeros(*h.shape[:2], 4 * h.shape[-1])  # (B, 1, 4R)   ỹ_0 = {}
        pool = torch.ones_like(v_prob, dtype=torch.bool)  # (B, 1, K)   C_0
        return View(v, v_projected, v_mean), State(h, c, v_prob, y, pool)

    def step(self, view: View, state: State) -> tuple[Tensor, Tensor, State]:
        """One time step: logits of p_t (B, S, K), alpha_t (B, S, P), and the state with h_t, c_t.

        The state still lacks the label chosen from p_t: give it to `advance`.
        """
        if self.attention is None or view.v_projected is None:
            paths, regions = state.h.shape[1], view.v.shape[1]
            z = view.v_mean[:, None].expand(-1, paths, -1)  # (B, S, D)
            alpha = z.new_full((len(z), paths, regions), 1 / regions)  # (B, S, P)
        else:
            z, alpha = self.attention(view.v, view.v_projected, state.h)  # Eqs. 1-3
        h, c = self.lstm(state, z)  # (B, S, R)   Eq. 4
        logits = self.f_pred(h)  # (B, S, K)   Eq. 5, without its sigmoid
        return logits, alpha, state._replace(h=h, c=c) if self.recurrent else state

    def advance(self, state: State, p: Tensor, label: Tensor) -> State:
        """Add the chosen labels l_t (B, S) to the paths; -1 adds none. `p` is p_t (B, S, K)."""
        named = (label >= 0)[..., None]  # (B, S, 1)
        index = label.clamp(min=0)[..., None]  # (B, S, 1)
        pool = state.pool.scatter(-1, index, state.pool.gather(-1, index) & ~named)  # C_t
        if not self.recurrent:
            return state._replace(pool=pool)
        y = state.y + self.lstm.from_y(index[..., 0]) * named  # ỹ_t
        return state._replace(v_pred=p, y=y, pool=pool)

    def unroll(self, features: Features, path: Tensor | None = None) -> Unrolled:
        """Run T steps of Algorithm 2, free or along given labels `path` (B, T), -1 for none."""
        view, state = self.begin(features)  # v_pred = v_prob, ỹ_0 = {}, C_0 = all labels
        steps = []
        for t in range(self.steps):
            if t == 0 or self.recurrent:
                step_logits, alpha, state = self.step(view, state)  # Eqs. 1-5
            if path is None:  # l_t = argmax of p_t over C_{t-1}
                label = step_logits.masked_fill(~state.pool, -torch.inf).argmax(-1)  # (B, 1)
            else:
                label = path[:, t : t + 1]  # (B, 1)
            state = self.advance(state, step_logits.sigmoid(), label)  # ỹ_t, C_t, v_pred = p_t
            steps.append((label, step_logits, alpha))
        return Unrolled(*(torch.cat(values, 1) for values in zip(*steps, strict=True)))

    def forward(self, features: Features, path: Tensor | None = None) -> Tensor:
        """Logits of p_1 … p_T, (B, T, K): free running, or teacher-forced along `path` (B, T)."""
        return self.unroll(features, path).logits


def label_path(targets: Tensor, counts: Tensor, order: Order, steps: int) -> Tensor | None:
    """True labels of each work in the order of their training frequency, for teacher forcing.

    Targets are (B, K), `counts` (K,) the positives in training; ties go to the lower column. Paths
    are int64 (B, T), -1 after a work's last label, or None for "free", which has no order.

    Examples:
        >>> targets = torch.tensor([[True, False, True]])
        >>> label_path(targets, torch.tensor([1, 5, 9]), "frequent_first", 3).tolist()
        [[2, 0, -1]]
    """
    if order == "free":
        return None
    rank = torch.argsort(counts, stable=True, descending=order == "frequent_first")  # (K,)
    ranked = targets.bool()[:, rank]  # (B, K)
    position = torch.argsort(ranked.int(), dim=1, descending=True, stable=True)[:, :steps]
    is_label = ranked.gather(1, position)  # (B, T)
    path = torch.where(is_label, rank[position], -1)
    return F.pad(path, (0, steps - path.shape[1]), value=-1)  # (B, T)


def step_targets(path: Tensor, labels: int) -> Tensor:
    """Targets of each step t on an ordered path: l_t alone, and nothing after the last label.

    Maps int64 (B, T) to bool (B, T, K).

    Examples:
        >>> step_targets(torch.tensor([[1, -1]]), 2).tolist()
        [[[False, True], [False, False]]]
    """
    return path[..., None] == torch.arange(labels, device=path.device)
