"""Looking at finished runs: what their networks say of single works and views, step by step."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imet.config import Recipe
from imet.data.dataset import Part
from imet.data.images import read_image
from imet.data.source import Parts
from imet.data.views import make_views, work_rng
from imet.experiments import Run, batch_source, resolve_device
from imet.inference.greedy import evaluation_mode
from imet.inference.pathrule import PathRule
from imet.inference.paths import Paths, kept_steps
from imet.inference.pictures import load_network
from imet.labels import quartile_picks
from imet.models import build_encoder
from imet.models.classifiers import Network

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Steps:
    """What AttnCNN-RNN does in its T steps, greedily, for V views of n works.

    Attributes:
        labels: (n, V, T) int64, label chosen at each step.
        probabilities: (n, V, T), p_t of that label.
        attention: (n, V, T, P), α_t.
        kept: (n, V, T) bool, the steps that the run's rule lets through.
        spatial: (n, V, P, D) features of the regions.
        totals: (n, V, T), the sum of p_t over all labels: 1 if it were a distribution.
    """

    labels: Array
    probabilities: Array
    attention: Array
    kept: Array
    spatial: Array
    totals: Array


def batches_of(
    recipe: Recipe, parts: Parts, part: Part, works: Sequence[int] | Array, device: str = "cpu"
) -> Iterator[Mapping[str, Tensor]]:
    """Batches of some works of a part as the recipe's network reads them in evaluation."""
    encoder = build_encoder(recipe)
    return iter(batch_source(recipe, parts, encoder, device)(part, np.asarray(works, int), 0))


@torch.inference_mode()
def features_of(
    recipe: Recipe,
    parts: Parts,
    part: Part,
    name: str,
    works: Sequence[int] | Array | None = None,
    device: str = "auto",
) -> Array:
    """One of the features that a recipe's model reads, (n, V, …) float32.

    Args:
        recipe: with `views="one"` of the resized view alone.
        parts, part: a split collection and one of its parts.
        name: "pooled", "spatial" or "hog".
        works: which works; all without it.
        device: "auto", "cpu" or "cuda".
    """
    device = resolve_device(device)
    reader = Network(torch.nn.Identity(), build_encoder(recipe).to(device))
    wanted = np.arange(len(part)) if works is None else works
    return np.concatenate(
        [
            reader.features(batch)[name]
            .float()
            .unflatten(0, (len(batch["works"]), -1))
            .cpu()
            .numpy()
            for batch in batches_of(recipe, parts, part, wanted, device)
        ]
    )


@torch.inference_mode()
def steps_of(run: Run, part: Part, works: Sequence[int] | Array, device: str = "auto") -> Steps:
    """Follow the greedy paths of some works through a finished AttnCNN-RNN run."""
    device = resolve_device(device)
    network = load_network(run.folder, device)[0]
    rule = run.rule
    assert isinstance(rule, PathRule)
    found: list[list[Array]] = []
    with evaluation_mode(network):
        for batch in batches_of(run.recipe, run.parts, part, works, device):
            count = len(batch["works"])
            features = network.features(batch)
            trace = network.head.trace(features)  # type: ignore[operator]
            p = trace.logits.sigmoid()  # (B, T, K)
            chosen = p.gather(2, trace.labels[..., None])[..., 0]  # (B, T)
            values = (
                trace.labels,
                chosen,
                trace.alphas,
                features["spatial"].float(),
                p.sum(2),
            )
            found.append([x.unflatten(0, (count, -1)).cpu().numpy() for x in values])
    labels, probabilities, attention, spatial, totals = (np.concatenate(x) for x in zip(*found))
    paths = Paths(labels, probabilities, np.zeros((*labels.shape[:2], run.metrics["labels"])))
    kept = kept_steps(
        paths, rule.gamma, np.array(rule.proportions), rule.mode, keep_first=rule.keep_first
    )
    return Steps(labels, probabilities, attention, kept, spatial, totals)


def head_weights(run: Run) -> Array:
    """(K, D) weights of a linear head on the pooled features, without those of HOG."""
    head: Any = load_network(run.folder)[0].head
    weights: Array = head.fc.weight.detach().numpy()
    return weights[:, : weights.shape[1] - head.hog_width]


def view_pictures(run: Run, part: Part, work: int) -> tuple[Array, Array, list[str]]:
    """A work's picture, its evaluation views (V, S, S, 3) uint8 and their kinds."""
    row = int(part.rows[work])
    picture = read_image(part.collection.path(row))
    kinds = part.kinds(work, run.recipe.views)
    rng = work_rng(run.recipe.view_seed, str(part.collection.ids[row]))
    views = make_views(picture, kinds, rng, run.recipe.input_size)  # type: ignore[arg-type]
    return picture, views.permute(0, 2, 3, 1).numpy(), list(kinds)


@torch.inference_mode()
def influence(
    run: Run, part: Part, works: Sequence[int] | Array, labels: Array, device: str = "auto"
) -> Array:
    """What naming one label does to the probability of the others at the next step.

    Every work's resized view goes through step 1; then each of `labels` in turn is taken as l_1,
    and step 2 is compared with step 2 after no label at all.

    Args:
        run: a finished AttnCNN-RNN.
        part: works of which part.
        works: which works.
        labels: (A,) columns.
        device: "auto", "cpu" or "cuda".

    Returns:
        (A, A): row i, column j: mean change of label j's logit once label i has been named.
    """
    device = resolve_device(device)
    network = load_network(run.folder, device)[0]
    head: Any = network.head
    chosen = torch.as_tensor(np.append(labels, -1), device=device)  # (A + 1,)
    recipe = dataclasses.replace(run.recipe, views="one")
    total, count = torch.zeros(len(labels), len(labels), device=device), 0
    with evaluation_mode(network):
        for batch in batches_of(recipe, run.parts, part, works, device):
            view, state = head.begin(network.features(batch))
            logits, _, state = head.step(view, state)  # (B, 1, K)
            paths = len(chosen)
            state = type(state)(*(x.expand(-1, paths, *x.shape[2:]) for x in state))
            p = logits.sigmoid().expand(-1, paths, -1)
            state = head.advance(state, p, chosen.expand(len(logits), -1))
            after, _, _ = head.step(view, state)  # (B, A + 1, K)
            change = after[:, :-1] - after[:, -1:]  # (B, A, K)
            total += change[..., chosen[:-1]].sum(0)
            count += len(logits)
    return (total / count).cpu().numpy()


FIGURE_3 = (813, 1092, 871, 688, 447, 696, 841, 67)
"""Ids of the labels in the paper's Figure 3; several labels have as many uses as the last four."""


def figure_3_columns(parts: Parts) -> tuple[Array, str]:
    """Columns of the paper's Figure 3 among the labels in use, and who picked them.

    The rule sorts all labels of the table, dropped ones too; where it picks one of those, which a
    small collection may have it do, it is applied to the labels in use instead. Where ties alone
    part its picks from the paper's, as on the real table, the paper's are taken.

    Returns:
        (8,) int64 columns, from the most frequent quartile to the rarest, and "the paper" or "the
        rule".
    """
    counts, ids = parts.collection.targets[parts.split.train].sum(0), parts.collection.labels.ids
    picks = quartile_picks(counts)
    if np.isin(FIGURE_3, ids).all():
        printed = np.array([parts.collection.labels.column(k) for k in FIGURE_3])
        if (counts[printed] == counts[picks]).all():
            return np.array([parts.labels.column(k) for k in FIGURE_3]), "the paper"
    if np.isin(ids[picks], parts.labels.ids).all():
        return np.array([parts.labels.column(int(k)) for k in ids[picks]]), "the rule"
    return quartile_picks(parts.train.targets.sum(0)), "the rule"
