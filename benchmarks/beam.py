"""Beam search at the paper's sizes: all works and beams at once against one at a time.

The peer follows section 3.3 literally: one work, one beam and one step at a time, an `nn.LSTMCell`
on the concatenated (v_pred, z, ỹ), and the attention's two Linear layers on every region each step.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from imet.decoding import beam_search
from imet.models.attn_cnn_rnn import AttnCnnRnn, Features

LABELS, FEATURES, REGIONS, WIDTH, STEPS = 1077, 2048, 49, 512, 10


class OneAtATime:
    """The paper's decoder for one work, with the weights of an `AttnCnnRnn`."""

    def __init__(self, head: AttnCnnRnn) -> None:
        self.head = head
        lstm = head.lstm
        self.cell = nn.LSTMCell(2 * head.labels + FEATURES, WIDTH)
        parts = [lstm.from_v_pred.weight, lstm.from_z.weight, lstm.from_y.weight.T]
        self.cell.weight_ih.data.copy_(torch.cat(parts, 1))
        self.cell.weight_hh.data.copy_(lstm.from_h.weight)
        self.cell.bias_ih.data.copy_(lstm.from_v_pred.bias)
        self.cell.bias_hh.data.zero_()

    def step(
        self, v: Tensor, v_pred: Tensor, y: Tensor, h: Tensor, c: Tensor
    ) -> tuple[Tensor, ...]:
        """p_t, h_t and c_t for one path; v is (P, D), the rest are vectors."""
        attention = self.head.attention
        assert attention is not None
        assert attention.gate is not None
        pair = attention.from_v(v) + attention.from_h(h)  # (P, A)
        alpha = attention.score(pair.relu())[:, 0].softmax(0)  # (P)
        z = (alpha[:, None] * v).sum(0) * attention.gate(h).sigmoid()  # (D)
        h, c = self.cell(torch.cat([v_pred, z, y]), (h, c))
        return self.head.f_pred(h).sigmoid(), h, c

    @torch.no_grad()
    def search(self, features: Features, beams: int) -> list[list[int]]:
        """The best path of each work."""
        best = []
        for v, pooled in zip(features["spatial"], features["pooled"], strict=True):
            start = self.head.h0(v.mean(0)), self.head.c0(v.mean(0))
            v_prob = self.head.classifier.fc(pooled).sigmoid()
            paths = [(0.0, [], v_prob, torch.zeros(LABELS), *start)]
            for _ in range(STEPS):
                grown = []
                for total, labels, v_pred, y, h, c in paths:
                    p, h, c = self.step(v, v_pred, y, h, c)
                    open_p = p.clone()
                    open_p[labels] = -1
                    for value, label in zip(*(x.tolist() for x in open_p.topk(beams)), strict=True):
                        y_next = y.clone()
                        y_next[label] = 1
                        grown.append((total + np.log(value), [*labels, label], p, y_next, h, c))
                paths = sorted(grown, key=lambda path: -path[0])[:beams]
            best.append(paths[0][1])
        return best


def run(works: int = 64, peer_works: int = 6, beams: int = 5, rounds: int = 3) -> dict[str, Any]:
    """Median rates over interleaved rounds in works per second; each work is one view."""
    torch.manual_seed(0)
    head = AttnCnnRnn(LABELS, FEATURES, width=WIDTH, steps=STEPS).eval()
    features = {
        "spatial": torch.rand(works, REGIONS, FEATURES),
        "pooled": torch.rand(works, FEATURES),
    }
    few = {name: x[:peer_works] for name, x in features.items()}
    loop = OneAtATime(head)
    beam_search(head, few, beams)
    ours, peer = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        paths = beam_search(head, features, beams)
        ours.append(works / (time.perf_counter() - start))
        start = time.perf_counter()
        plain = loop.search(few, beams)
        peer.append(peer_works / (time.perf_counter() - start))
    ours_rate, peer_rate = float(np.median(ours)), float(np.median(peer))
    return {
        "name": "beam",
        "what": f"beam search, K = {beams}, T = {STEPS}, {works} works; peer: a loop over works",
        "ours": ours_rate,
        "peer": peer_rate,
        "ratio": ours_rate / peer_rate,
        "unit": "works/s",
        "same_paths": float(np.mean(paths.labels[:peer_works, 0] == np.array(plain))),
    }


if __name__ == "__main__":
    for k in (1, 3, 5, 10):
        print(run(beams=k))
