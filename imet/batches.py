"""Batches of a recipe's works: pictures cut into views, or features stored before."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from imet.cache import FeatureSpec, FeatureStore, extract_features
from imet.config import Recipe
from imet.data.dataset import image_batches, stored_batches
from imet.data.parts import Part, Parts
from imet.io import home
from imet.models.attn_cnn_rnn import label_path
from imet.models.encoder import Encoder
from imet.models.registry import model_spec
from imet.typing import Array


def uses_stored_features(recipe: Recipe) -> bool:
    """Whether features are computed once: nothing before the head changes, views are fixed."""
    return recipe.frozen and recipe.batch_norm == "evaluation" and recipe.view_mode == "fixed"


@dataclasses.dataclass(frozen=True, eq=False)
class Batches:
    """The batches that a recipe's network reads.

    Attributes:
        recipe: which views, which features, how many works per batch.
        parts: the split collection.
        encoder: views to features.
        device: where batches are wanted.
    """

    recipe: Recipe
    parts: Parts
    encoder: Encoder
    device: str

    def prepare(self) -> None:
        """Store the features now, where they are stored at all: computing them within training
        would draw from its random numbers."""
        if uses_stored_features(self.recipe):
            self.stores  # noqa: B018

    def training(self, epoch: int, start: int = 0) -> Iterator[Mapping[str, Tensor]]:
        """All training works in the epoch's random order, from batch `start` on, with a teacher's
        path if the recipe has a label order."""
        order = np.random.default_rng([self.recipe.seed, epoch]).permutation(len(self.parts.train))
        order = order[start * self.recipe.batch_size :]
        for batch in self.of(self.parts.train, order, epoch):
            yield with_teacher_path(batch, self.recipe, self._label_counts)

    def of(
        self, part: Part, works: Array | None = None, epoch: int = 0
    ) -> Iterator[Mapping[str, Tensor]]:
        """Works of a part in the order given; all of them in their own order without one."""
        recipe = self.recipe
        works = np.arange(len(part)) if works is None else np.asarray(works, int)
        size = recipe.batch_size if part.training else recipe.eval_batch_size
        if not uses_stored_features(recipe):
            epoch = epoch if recipe.view_mode == "fresh" else 0
            return image_batches(part, recipe, works, size, epoch, self.device)
        if part is not self.parts[part.name]:
            raise ValueError(f"features are stored for the {part.name} works of these parts alone")
        targets = self._targets[part.name]  # (N, V, K)
        store = self.stores[part.name]
        arrays = {
            name: store[name][:, : targets.shape[1]] for name in model_spec(recipe).features
        }  # (N, V, …) each
        return stored_batches(arrays, targets, works, size, self.device)

    @cached_property
    def stores(self) -> dict[str, FeatureStore]:
        """Stored features by part, of all six views; a recipe of one view reads the first."""
        six = dataclasses.replace(self.recipe, views="six", eval_views="same")
        spec = FeatureSpec(six, self.encoder, self.device)
        folder = home() / "features"
        return {name: extract_features(p, spec, folder) for name, p in self.parts.items()}

    @cached_property
    def _targets(self) -> dict[str, Array]:
        return {name: part.view_targets(self.recipe) for name, part in self.parts.items()}

    @cached_property
    def _label_counts(self) -> Tensor:
        return torch.from_numpy(self.parts.train.targets.sum(0)).to(self.device)  # (K,)


def with_teacher_path(
    batch: Mapping[str, Tensor], recipe: Recipe, label_counts: Tensor
) -> Mapping[str, Tensor]:
    """Add the teacher-forcing path to a batch, if the recipe has a label order.

    Args:
        batch: with "targets" (B·V, K).
        recipe: its `label_order` and number of steps.
        label_counts: (K,) positives in training.
    """
    steps = min(recipe.steps, len(label_counts))  # no more than there are labels
    order = recipe.label_order
    path = label_path(batch["targets"].bool(), label_counts, order, steps)
    return batch if path is None else {**batch, "path": path}
