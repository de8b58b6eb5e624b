"""Inspect finished runs: what their networks say about single works and views, step by step."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from imet.batches import Batches
from imet.config import Recipe
from imet.data.dataset import WorkViews
from imet.data.images import read_image
from imet.data.parts import Part, Parts
from imet.decoding import PathRule, Paths, evaluation_mode, steps_before_stop
from imet.devices import resolve_device
from imet.evaluation import Outputs, compute_outputs
from imet.models.heads import Network
from imet.models.registry import build_encoder
from imet.predict import load_network
from imet.runs import Run
from imet.typing import Array

# --- Where a model looks


SIGMA = 50.0
"""Pixels by which the paper's overlays are smoothed, as coded."""


def upsample_attention(weights: Array, side: int, sigma: float = 0.0) -> Array:
    """Turn weights (..., P) of P = r·r regions, row by row, into a map (..., S, S) of a view.

    The sum is kept: a region's weight is shared among its pixels. `side` is S, `sigma` the standard
    deviation of the smoothing in pixels; 0 shows the regions as they are.

    Examples:
        >>> upsample_attention(np.eye(4)[0], 4)[0].tolist()
        [0.25, 0.25, 0.0, 0.0]
    """
    weights = np.asarray(weights, np.float64)
    rows = round(weights.shape[-1] ** 0.5)
    grid = weights.reshape(*weights.shape[:-1], rows, rows)
    place = np.arange(side) * rows // side  # (S,) the region a pixel lies in
    pixels = np.bincount(place, minlength=rows)  # (r,) pixels of a region
    share = grid / (pixels[:, None] * pixels)  # (..., r, r) weight of one pixel
    upscaled = share[..., place[:, None], place]  # (..., S, S)
    return gaussian_filter(upscaled, sigma, axes=(-2, -1)) if sigma else upscaled


def normalised_entropy(weights: Array) -> Array:
    """Entropy of attention over P regions as a share of the largest possible, (..., P) to (...).

    1 means equal attention everywhere, 0 attention to one region only; log 0 counts as 0.

    Examples:
        >>> normalised_entropy(np.array([[0.5, 0.5], [1.0, 0.0]])).tolist()
        [1.0, 0.0]
    """
    p = np.asarray(weights, np.float64)
    terms = p * np.log(np.where(p > 0, p, 1))
    return np.abs(terms.sum(-1)) / np.log(max(p.shape[-1], 2))


def boxes_on_view(boxes: Array, height: int, width: int, side: int) -> Array:
    """Map boxes (M, 4) from a picture's pixels to those of its view, with each axis squeezed.

    Examples:
        >>> boxes_on_view(np.array([[0, 0, 200, 50]]), 100, 400, 100).tolist()
        [[0.0, 0.0, 50.0, 50.0]]
    """
    scale = np.array([side / width, side / height, side / width, side / height])
    return np.asarray(boxes, np.float64).reshape(-1, 4) * scale


def inside(boxes: Array, side: int) -> Array:
    """(S, S) bool, the pixels whose centre lies in one of the boxes (M, 4)."""
    centre = np.arange(side) + 0.5
    mask = np.zeros((side, side), bool)
    for left, top, right, bottom in np.asarray(boxes, float).reshape(-1, 4):
        rows, columns = (centre >= top) & (centre < bottom), (centre >= left) & (centre < right)
        mask |= rows[:, None] & columns
    return mask


def pointing_game(weights: Array, boxes: Array) -> dict[str, float]:
    """How well a non-negative map (S, S) finds boxes (M, 4), given in its pixels.

    `hit` is the share of the map's highest pixels that lie in a box, so 1 or 0 if a single region
    is highest (the pointing game); `mass` is the share of all weight that lies in the boxes; `area`
    is the share of pixels that lie in them, which a uniform map gets as both.

    Examples:
        >>> pointing_game(np.eye(2), np.array([[0, 0, 1, 1]]))
        {'hit': 0.5, 'mass': 0.5, 'area': 0.25}
    """
    weights = np.asarray(weights, np.float64)
    mask = inside(boxes, weights.shape[0])
    top = weights >= weights.max() * (1 - 1e-9)
    total = weights.sum()
    mass = weights[mask].sum() / total if total > 0 else mask.mean()
    return {"hit": float(mask[top].mean()), "mass": float(mass), "area": float(mask.mean())}


def centre_prior(side: int) -> Array:
    """A Gaussian in the middle of the view, (S, S): a guess at where things are, without looking.

    Its standard deviation is a quarter of the side.
    """
    along = np.exp(-0.5 * ((np.arange(side) + 0.5) / side - 0.5) ** 2 / 0.25**2)
    weights = np.outer(along, along)
    return weights / weights.sum()


def class_activation_map(spatial: Array, weights: Array) -> Array:
    """Grad-CAM of a linear layer on mean features, which is its class activation map.

    The gradient of logit k with respect to any position's feature is w_k / P, so Grad-CAM's weights
    are w_k. Features (P, D) of the regions and the label's weights (D,) in the linear layer give
    (P,), the positive evidence of each region; all are equal if there is none.
    """
    evidence = np.maximum(np.asarray(spatial, np.float64) @ np.asarray(weights, np.float64), 0)
    return evidence if evidence.any() else np.ones_like(evidence)


# --- Inspecting finished runs


@dataclass(frozen=True, eq=False)
class Steps:
    """The T greedy steps of AttnCNN-RNN for V views of n works."""

    labels: Array  # (n, V, T) int64, label chosen at each step
    probabilities: Array  # (n, V, T), p_t of that label
    attention: Array  # (n, V, T, P), α_t
    kept: Array  # (n, V, T) bool, the steps that the run's rule lets through
    spatial: Array  # (n, V, P, D) features of the regions
    totals: Array  # (n, V, T), the sum of p_t over all labels: 1 if it were a distribution


def batches_of(
    recipe: Recipe, parts: Parts, part: Part, works: Sequence[int] | Array, device: str = "cpu"
) -> Iterator[Mapping[str, Tensor]]:
    """Batches of some works as the recipe's network reads them in evaluation.

    `part` may come from another split or collection than `parts`; nothing else of that is read.
    """
    encoder = build_encoder(recipe)
    if part is not parts[part.name]:
        parts = dataclasses.replace(parts, train=part, val=part, test=part)
    return Batches(recipe, parts, encoder, resolve_device(device)).of(part, np.asarray(works, int))


def outputs_of(run: Run, part: Part, device: str = "auto") -> Outputs:
    """A finished run's outputs for works that it need not have seen before.

    The part may come from any collection; only its pictures and ids matter.
    """
    network = load_network(run.folder, device)[0]
    batches = partial(batches_of, run.recipe, run.parts, part, np.arange(len(part)), device)
    return compute_outputs(network, run.recipe, batches, len(part), ["1"])


@torch.inference_mode()
def features_of(
    recipe: Recipe,
    parts: Parts,
    part: Part,
    name: str,
    works: Sequence[int] | Array | None = None,
    device: str = "auto",
) -> Array:
    """One named feature that a recipe's model reads, such as "hog": (n, V, …) float32.

    With `views="one"` in the recipe, only resized views are read; without `works`, all works.
    """
    device = resolve_device(device)
    reader = Network(torch.nn.Identity(), build_encoder(recipe).to(device))
    chosen = np.arange(len(part)) if works is None else works
    pieces = []
    for batch in batches_of(recipe, parts, part, chosen, device):
        values = reader.features(batch)[name].float()  # (B·V, …)
        pieces.append(values.unflatten(0, (len(batch["works"]), -1)).cpu().numpy())
    return np.concatenate(pieces)


@torch.inference_mode()
def steps_of(run: Run, part: Part, works: Sequence[int] | Array, device: str = "auto") -> Steps:
    """Follow the greedy paths of some works through a finished AttnCNN-RNN run."""
    network, rule = load_network(run.folder, device)[0], run.rule
    assert isinstance(rule, PathRule)
    batches: list[list[Array]] = []
    with evaluation_mode(network):
        for batch in batches_of(run.recipe, run.parts, part, works, device):
            count = len(batch["works"])
            features = network.features(batch)
            unrolled = network.head.unroll(features)  # type: ignore[operator]
            p = unrolled.logits.sigmoid()  # (B, T, K)
            chosen = p.gather(2, unrolled.labels[..., None])[..., 0]  # (B, T)
            spatial = features["spatial"].float()  # (B, P, D)
            values = unrolled.labels, chosen, unrolled.alphas, spatial, p.sum(2)
            batches.append([x.unflatten(0, (count, -1)).cpu().numpy() for x in values])
    labels, probabilities, attention, *rest = (np.concatenate(x) for x in zip(*batches))
    paths, f = Paths(labels, probabilities), np.array(rule.proportions)
    kept = steps_before_stop(paths, rule.gamma, f, rule.mode, keep_first=rule.keep_first)
    return Steps(labels, probabilities, attention, kept, *rest)


def head_weights(run: Run) -> Array:
    """(K, D) weights of a linear head on the pooled features, without those of HOG."""
    head: Any = load_network(run.folder)[0].head
    weights: Array = head.fc.weight.detach().numpy()
    return weights[:, : weights.shape[1] - head.hog_width]


def view_pictures(run: Run, part: Part, work: int) -> tuple[Array, Array, list[str]]:
    """A work's picture, its evaluation views (V, S, S, 3) uint8 and their kinds."""
    picture = read_image(part.collection.path(int(part.rows[work])))
    views, _ = WorkViews(part, run.recipe)[work, 0]
    return picture, views.permute(0, 2, 3, 1).numpy(), list(part.kinds(work, run.recipe))


@torch.inference_mode()
def influence(
    run: Run, part: Part, works: Sequence[int] | Array, labels: Array, device: str = "auto"
) -> Array:
    """What naming one label does to the logits of the others at the next step.

    Every work's resized view goes through step 1 of a finished AttnCNN-RNN. Then each of the
    `labels`, (A,) columns, is taken as l_1 in turn, and step 2 is compared with step 2 after no
    label at all. Row i, column j of the result (A, A) is the mean change in label j's logit once
    label i has been named.
    """
    device = resolve_device(device)
    network = load_network(run.folder, device)[0]
    head: Any = network.head
    chosen = torch.as_tensor(np.append(labels, -1), device=device)  # (A + 1,), -1 is no label
    recipe = dataclasses.replace(run.recipe, views="one", eval_views="same")
    total, count = torch.zeros(len(labels), len(labels), device=device), 0
    with evaluation_mode(network):
        for batch in batches_of(recipe, run.parts, part, works, device):
            view, state = head.begin(network.features(batch))
            logits, _, state = head.step(view, state)  # (B, 1, K)
            state = type(state)(*(x.expand(-1, len(chosen), *x.shape[2:]) for x in state))
            p = logits.sigmoid().expand(-1, len(chosen), -1)
            state = head.advance(state, p, chosen.expand(len(logits), -1))
            after, _, _ = head.step(view, state)  # (B, A + 1, K)
            change = after[:, :-1] - after[:, -1:]  # (B, A, K)
            total += change[..., chosen[:-1]].sum(0)
            count += len(logits)
    return (total / count).cpu().numpy()
