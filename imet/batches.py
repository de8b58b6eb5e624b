"""Batches of a recipe's works: pictures cut into views, or features stored before."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from imet.cache import FeatureSpec, FeatureStore, extract_features, pictures_fingerprint
from imet.config import Recipe
from imet.data.dataset import ViewLoader, image_batches, loader_workers, stored_batches
from imet.data.parts import Part, Parts
from imet.data.pixels import Pixels
from imet.io import InputError, home
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
        rank: of this process among those that share each batch.
        ranks: how many they are; a batch of the recipe's size is dealt out to them.
    """

    recipe: Recipe
    parts: Parts
    encoder: Encoder
    device: str
    rank: int = 0
    ranks: int = 1

    def prepare(self, cache_views: bool = False) -> None:
        """Store the features now, where they are stored at all: computing them within training
        would draw from its random numbers.

        Args:
            cache_views: decode every picture once, into `features/pixels-…`.
        """
        if self.recipe.batch_size < self.ranks:
            raise InputError(
                f"recipe {self.recipe.name}: batch_size = {self.recipe.batch_size} cannot be "
                f"shared by {self.ranks} devices; take fewer"
            )
        for part in self.parts.values() if cache_views else ():
            self._pixels(part).write(loader_workers(self.recipe.workers, 0))
        if uses_stored_features(self.recipe):
            self.stores  # noqa: B018

    def training(self, epoch: int, start: int = 0) -> Iterator[Mapping[str, Tensor]]:
        """All training works in the epoch's random order, from batch `start` on, with a teacher's
        path if the recipe has a label order.

        Where several processes share a batch, "share" is what the mean loss of this one's works
        counts in the mean over processes, so that it is the mean loss of the batch.
        """
        size, train = self.recipe.batch_size, self.parts.train
        order = np.random.default_rng([self.recipe.seed, epoch]).permutation(len(train))
        whole = [order[i : i + size] for i in range(start * size, len(order), size)]
        # One without a work of the last batch takes a foreign one, which counts nothing.
        mine = [works[self.rank :: self.ranks] for works in whole]
        dealt = [own if len(own) else works[:1] for own, works in zip(mine, whole)]
        local = len(range(self.rank, size, self.ranks))
        works = np.concatenate([*dealt, np.empty(0, int)])
        for batch, own, all_of_it in zip(self.of(train, works, epoch, local), mine, whole):
            if self.ranks > 1:
                batch = {**batch, "share": torch.tensor(self.ranks * len(own) / len(all_of_it))}
            yield with_teacher_path(batch, self.recipe, self._label_counts)

    def evaluation(self, part: Part) -> Iterator[Mapping[str, Tensor]]:
        """This process's share of a part's works, each once."""
        return self.of(part, np.arange(len(part))[self.rank :: self.ranks])

    def of(
        self, part: Part, works: Array | None = None, epoch: int = 0, size: int = 0
    ) -> Iterator[Mapping[str, Tensor]]:
        """Works of a part in the order given; all of them in their own order without one."""
        recipe = self.recipe
        works = np.arange(len(part)) if works is None else np.asarray(works, int)
        size = size or (recipe.batch_size if part.training else recipe.eval_batch_size)
        if not uses_stored_features(recipe):
            epoch = epoch if recipe.view_mode == "fresh" else 0
            return image_batches(self._loader(part, size), works, epoch)
        if part is not self.parts[part.name]:
            raise ValueError(f"features are stored for the {part.name} works of these parts alone")
        targets = self._targets[part.name]  # (N, V, K)
        store = self.stores[part.name]
        arrays = {
            name: store[name][:, : targets.shape[1]] for name in model_spec(recipe).features
        }  # (N, V, …) each
        return stored_batches(arrays, targets, works, size, self.device)

    def _loader(self, part: Part, size: int) -> ViewLoader:
        """Kept: its processes are started once, and not anew in each epoch."""
        if (part.name, size) not in self._loaders:
            self._loaders[part.name, size] = ViewLoader(
                part, self.recipe, size, self.device, self._decoded(part)
            )
        return self._loaders[part.name, size]

    @cached_property
    def _loaders(self) -> dict[tuple[str, int], ViewLoader]:
        return {}

    def _pixels(self, part: Part) -> Pixels:
        folder = f"pixels-{part.name}-{pictures_fingerprint(part)}"
        return Pixels(home() / "features" / folder, part)

    def _decoded(self, part: Part) -> Pixels | None:
        """Pictures that were decoded before; each file is looked at only where some may be."""
        if not any((home() / "features").glob(f"pixels-{part.name}-*")):
            return None
        pixels = self._pixels(part)
        return pixels if pixels.complete else None

    @cached_property
    def stores(self) -> dict[str, FeatureStore]:
        """Stored features by part, of all six views; a recipe of one view reads the first."""
        six = dataclasses.replace(self.recipe, views="six", eval_views="same")
        spec = FeatureSpec(six, self.encoder, self.device)
        folder, stores = home() / "features", {}
        for name, part in self.parts.items():
            chunk = 64 if len(part) > 20_000 else 16
            stores[name] = extract_features(part, spec, folder, chunk, self._decoded(part))
        return stores

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
