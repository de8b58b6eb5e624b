"""Batches of a recipe's works: views cut from pictures, or stored features.

Both come as dictionaries of the same form, so that one loop serves both:

    views     (B·V, 3, S, S) uint8   or   pooled (B·V, D), … from a feature store
    targets   (B·V, K) float
    works     (B,) rows into the list of works
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from imet.cache import FeatureSpec, FeatureStore, extract_features, pictures_fingerprint
from imet.config import Recipe
from imet.data.dataset import ViewLoader, loader_workers
from imet.data.parts import Part, Parts
from imet.data.pixels import Pixels
from imet.io import InputError, home
from imet.models.attn_cnn_rnn import label_path
from imet.models.encoder import Encoder
from imet.models.registry import model_spec
from imet.typing import Array


def uses_stored_features(recipe: Recipe) -> bool:
    """Whether features are computed once: nothing before the head changes and views are fixed."""
    return recipe.frozen and recipe.batch_norm == "evaluation" and recipe.view_mode == "fixed"


@dataclasses.dataclass(frozen=True, eq=False)
class Batches:
    """The batches that a recipe's network reads."""

    recipe: Recipe  # which views, which features, how many works per batch
    parts: Parts  # the split collection
    encoder: Encoder  # views to features
    device: str  # the device of the batches
    rank: int = 0  # of this process among those that share each batch
    ranks: int = 1  # number of these processes; a batch of the recipe's size is dealt out to them
    _loaders: dict[tuple[str, int], ViewLoader] = dataclasses.field(
        default_factory=dict, init=False
    )
    _targets: dict[str, Array] = dataclasses.field(
        default_factory=dict, init=False
    )  # (N, V, K) by part

    def prepare(self, cache_views: bool = False) -> None:
        """Store the features now, if the recipe stores any: computing them during training would
        draw from its random numbers. With `cache_views` every picture is decoded once, into
        `features/pixels-…`.
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
        """All training works in the epoch's random order, from batch `start` on, with a path for
        teacher forcing if the recipe has a label order.

        If several processes share a batch, "share" is the weight of this one's mean loss, chosen
        so that the mean over processes is the mean loss of the batch.
        """
        size, train = self.recipe.batch_size, self.parts.train
        order = np.random.default_rng([self.recipe.seed, epoch]).permutation(len(train))
        whole = [order[i : i + size] for i in range(start * size, len(order), size)]
        # A process without a work of the last batch takes another's, which has weight 0.
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
        """Batches of a part's works in the order given; by default, all works in their order."""
        if part is not self.parts[part.name]:
            raise ValueError(f"batches hold the {part.name} works of these parts alone")
        recipe, name = self.recipe, part.name
        works = np.arange(len(part)) if works is None else np.asarray(works, int)
        size = size or (recipe.batch_size if part.training else recipe.eval_batch_size)
        if name not in self._targets:
            self._targets[name] = part.view_targets(recipe)
        groups = [works[start : start + size] for start in range(0, len(works), size)]
        seen: Iterable[Mapping[str, Tensor]]
        if uses_stored_features(recipe):
            seen = self._stored(part, groups)
        else:
            views = self._loader(part, size)(works, epoch if recipe.view_mode == "fresh" else 0)
            seen = ({"views": each} for each in views)
        for rows, batch in zip(groups, seen, strict=True):
            targets = torch.from_numpy(self._targets[name][rows]).flatten(0, 1)  # (B·V, K)
            targets = targets.float().to(self.device)
            yield {**batch, "targets": targets, "works": torch.from_numpy(rows)}

    def _stored(self, part: Part, groups: Iterable[Array]) -> Iterator[Mapping[str, Tensor]]:
        """Features of groups of works from memory maps, each (B·V, …)."""
        store, views = self.stores[part.name], len(part.kinds(0, self.recipe))
        arrays = {name: store[name][:, :views] for name in model_spec(self.recipe).features}
        for rows in groups:
            yield {
                name: torch.from_numpy(np.asarray(array[rows]))
                .flatten(0, 1)
                .to(self.device)
                .float()
                for name, array in arrays.items()
            }

    def _loader(self, part: Part, size: int) -> ViewLoader:
        """The loader, kept so that its processes are started once and not in each epoch."""
        if (part.name, size) not in self._loaders:
            self._loaders[part.name, size] = ViewLoader(
                part, self.recipe, size, self.device, self._decoded(part)
            )
        return self._loaders[part.name, size]

    def _pixels(self, part: Part) -> Pixels:
        folder = f"pixels-{part.name}-{pictures_fingerprint(part)}"
        return Pixels(home() / "features" / folder, part)

    def _decoded(self, part: Part) -> Pixels | None:
        """Pictures decoded before, if complete; files are read only if there may be any."""
        if not any((home() / "features").glob(f"pixels-{part.name}-*")):
            return None
        pixels = self._pixels(part)
        return pixels if pixels.complete else None

    @cached_property
    def stores(self) -> dict[str, FeatureStore]:
        """Stored features by part, of all six views; a recipe with one view reads the first."""
        six = dataclasses.replace(self.recipe, views="six", eval_views="same")
        spec = FeatureSpec(six, self.encoder, self.device)
        folder, stores = home() / "features", {}
        for name, part in self.parts.items():
            chunk = 64 if len(part) > 20_000 else 16
            stores[name] = extract_features(part, spec, folder, chunk, self._decoded(part))
        return stores

    @cached_property
    def _label_counts(self) -> Tensor:
        return torch.from_numpy(self.parts.train.targets.sum(0)).to(self.device)  # (K,)


def with_teacher_path(
    batch: Mapping[str, Tensor], recipe: Recipe, label_counts: Tensor
) -> Mapping[str, Tensor]:
    """Add the teacher-forcing path (B·V, T) to a batch, if the recipe has a label order.

    The batch has "targets" (B·V, K); `label_counts` (K,) are positives in training.
    """
    steps = min(recipe.steps, len(label_counts))  # no more than there are labels
    order = recipe.label_order
    path = label_path(batch["targets"].bool(), label_counts, order, steps)
    return batch if path is None else {**batch, "path": path}
