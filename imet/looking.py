"""Looking at finished runs: what their networks say of single works and views, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from imet.data.dataset import Part
from imet.data.images import read_image
from imet.data.views import make_views, work_rng
from imet.experiments import Run, batch_source, resolve_device
from imet.inference.greedy import evaluation_mode
from imet.inference.pathrule import PathRule
from imet.inference.paths import Paths, kept_steps
from imet.inference.pictures import load_network
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
    """

    labels: Array
    probabilities: Array
    attention: Array
    kept: Array
    spatial: Array


def batches_of(
    run: Run, part: Part, works: Sequence[int] | Array, device: str = "cpu"
) -> Iterator[Mapping[str, Tensor]]:
    """Batches of some works of a part as the run's own network read them in evaluation."""
    encoder = build_encoder(run.recipe)
    return iter(
        batch_source(run.recipe, run.parts, encoder, device)(part, np.asarray(works, int), 0)
    )


def network_of(run: Run, device: str = "cpu") -> Network:
    """The run's network in evaluation mode."""
    return load_network(run.folder, device)[0]


@torch.inference_mode()
def features_of(
    run: Run, part: Part, works: Sequence[int] | Array, name: str, device: str = "auto"
) -> Array:
    """One of the features of some works, (n, V, …) float32."""
    device = resolve_device(device)
    network = network_of(run, device)
    found = []
    for batch in batches_of(run, part, works, device):
        values = network.features(batch)[name].float()
        found.append(values.unflatten(0, (len(batch["works"]), -1)).cpu().numpy())
    return np.concatenate(found)


@torch.inference_mode()
def steps_of(run: Run, part: Part, works: Sequence[int] | Array, device: str = "auto") -> Steps:
    """Follow the greedy paths of some works through a finished AttnCNN-RNN run."""
    device = resolve_device(device)
    network = network_of(run, device)
    rule = run.rule
    assert isinstance(rule, PathRule)
    found: list[list[Array]] = []
    with evaluation_mode(network):
        for batch in batches_of(run, part, works, device):
            count = len(batch["works"])
            features = network.features(batch)
            trace = network.head.trace(features)  # type: ignore[operator]
            p = trace.logits.sigmoid().gather(2, trace.labels[..., None])[..., 0]  # (B, T)
            values = (trace.labels, p, trace.alphas, features["spatial"].float())
            found.append([x.unflatten(0, (count, -1)).cpu().numpy() for x in values])
    labels, probabilities, attention, spatial = (np.concatenate(x) for x in zip(*found))
    paths = Paths(labels, probabilities, np.zeros((*labels.shape[:2], run.metrics["labels"])))
    kept = kept_steps(
        paths, rule.gamma, np.array(rule.proportions), rule.mode, keep_first=rule.keep_first
    )
    return Steps(labels, probabilities, attention, kept, spatial)


def view_pictures(run: Run, part: Part, work: int) -> tuple[Array, Array, list[str]]:
    """A work's picture, its evaluation views (V, S, S, 3) uint8 and their kinds."""
    row = int(part.rows[work])
    picture = read_image(part.collection.path(row))
    kinds = part.kinds(work, run.recipe.views)
    rng = work_rng(run.recipe.view_seed, str(part.collection.ids[row]))
    views = make_views(picture, kinds, rng, run.recipe.input_size)  # type: ignore[arg-type]
    return picture, views.permute(0, 2, 3, 1).numpy(), list(kinds)
