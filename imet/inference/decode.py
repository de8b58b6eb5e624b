"""Paths of all works of a part: the forward loop of models that give labels one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imet.inference.beam import beam_search, best_paths
from imet.inference.greedy import decode_greedy, evaluation_mode
from imet.inference.paths import Paths

Array = np.ndarray


@torch.inference_mode()
def decode(
    network: Any, batches: Iterable[Mapping[str, Tensor]], works: int, beams: int = 1,
    *, shared: bool = False,
) -> Paths:  # fmt: skip
    """The best path of every view of every work.

    Args:
        network: an `imet.models.classifiers.Network` around an `AttnCnnRnn`.
        batches: as `imet.data.dataset` makes them; together they hold each work once.
        works: N.
        beams: width of the search; 1 is greedy.
        shared: greedy only: one path a work, chosen by the mean probability of its views.

    Returns:
        Paths in the order of the works, axes (N, V, …), or (N, …) where `shared`.
    """
    found: list[Paths] = []
    rows: list[Array] = []
    with evaluation_mode(network):
        for batch in batches:
            features = network.features(batch)
            count = len(batch["works"])
            views = len(features["spatial"]) // count
            if shared:
                found.append(decode_greedy(network.head, features, shared_views=views))
            elif beams == 1:
                found.append(decode_greedy(network.head, features).views(views))
            else:
                found.append(best_paths(beam_search(network.head, features, beams)).views(views))
            rows.append(batch["works"].cpu().numpy())
    return ordered(Paths.concatenate(found), np.concatenate(rows), works)


def ordered(paths: Paths, rows: Array, works: int) -> Paths:
    """Paths that came in the order of `rows`, in the order of the works, each of them once."""
    if len(rows) != works or len(np.unique(rows)) != works:
        raise ValueError(f"{len(np.unique(rows))} of {works} works came, {len(rows)} times in all")
    order = np.argsort(rows)
    return Paths(paths.labels[order], paths.probabilities[order], paths.scores[order])


@torch.inference_mode()
def watch(
    network: Any, batches: Iterable[Mapping[str, Tensor]], works: int, objective: Any
) -> tuple[Paths, float]:
    """Greedy paths and the mean loss of free running, from one pass: what validation needs."""
    found: list[Paths] = []
    rows: list[Array] = []
    total = 0.0
    with evaluation_mode(network):
        for batch in batches:
            count = len(batch["works"])
            trace = network.head.trace(network.features(batch))
            p = trace.logits.sigmoid()  # (B·V, T, K)
            chosen = p.gather(2, trace.labels[..., None])[..., 0]  # (B·V, T)
            paths = Paths(*(x.cpu().numpy() for x in (trace.labels, chosen, p.amax(1))))
            found.append(paths.views(len(p) // count))
            rows.append(batch["works"].cpu().numpy())
            total += count * float(objective(trace.logits, batch))
    return ordered(Paths.concatenate(found), np.concatenate(rows), works), total / works


def save_paths(path: Path, paths: Mapping[str, Paths]) -> None:
    """Write paths by name, "5" for five beams, without their scores, to one .npz file."""
    arrays: dict[str, Any] = {}
    for name, each in paths.items():
        arrays[f"labels_{name}"] = each.labels.astype(np.int16)
        arrays[f"probabilities_{name}"] = each.probabilities
    np.savez_compressed(path, **arrays)


def load_paths(path: Path, name: str, labels: int) -> Paths:
    """Read one of them back; its scores are zeros that take no memory."""
    with np.load(path) as arrays:
        chosen = arrays[f"labels_{name}"].astype(np.int64)
        probabilities = arrays[f"probabilities_{name}"]
    zeros = np.broadcast_to(np.float32(0), (*chosen.shape[:-1], labels))
    return Paths(chosen, probabilities, zeros)
