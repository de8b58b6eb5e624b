"""Features of a part of the split, computed once and kept in a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from imet.config import Recipe
from imet.data.dataset import Part, view_batches
from imet.data.fingerprint import pictures_fingerprint
from imet.features.store import FeatureStore
from imet.io import digest
from imet.models import feature_shapes
from imet.models.encoder import CompiledEncoder, Encoder
from imet.sources import source_digest

Array = np.ndarray

VIEW_FIELDS = ("views", "view_mode", "flip", "jitter_hue", "jitter_saturation", "input_size")
MODULES = ("imet.data.dataset", "imet.models.encoder")


@dataclass(frozen=True)
class Protocol:
    """What the features of a part depend on, apart from the part itself."""

    recipe: Recipe
    encoder: Encoder
    device: str

    def key(self, part: Part) -> dict[str, object]:
        """JSON-able; two parts with equal keys have equal features."""
        recipe, backbone = self.recipe, self.encoder.backbone
        fields = VIEW_FIELDS if part.training else ("views", "input_size")
        assert backbone.weights is not None
        return {
            "part": "train" if part.training else "evaluation",
            "pictures": pictures_fingerprint(part),
            "views": {name: getattr(recipe, name) for name in fields},
            "kinds": digest([part.kinds(work, recipe.views) for work in range(len(part))]),
            "view_seed": recipe.view_seed,
            "backbone": recipe.backbone,
            "weights": [backbone.weights.source, backbone.weights.digest],
            "normalisation": [self.encoder.mean.flatten().tolist(), self.encoder.std.tolist()],
            "source": source_digest(*MODULES),
        }


def extract(part: Part, protocol: Protocol, root: Path, chunk: int = 16) -> FeatureStore:
    """The store of a part's features, each (N, V, …) float16; computes what is missing.

    Args:
        part: train, val or test.
        protocol: recipe, encoder and device.
        root: folder of all stores.
        chunk: works a chunk: the unit of work that an interruption can cost.
    """
    recipe, names = protocol.recipe, protocol.encoder.names
    key = protocol.key(part)
    views = len(part.kinds(0, recipe.views))
    shapes = feature_shapes(protocol.encoder.cpu(), recipe.input_size)
    arrays = {name: ((views, *shapes[name]), "float16") for name in names}
    folder = root / f"{part.name}-{recipe.backbone.replace('/', '-')}-{digest(key, sorted(names))}"
    store = FeatureStore(folder, key, arrays, len(part), chunk)

    encode: list[Callable[[Tensor], dict[str, Tensor]]] = []  # made when first needed: it is slow

    def compute(works: Array) -> dict[str, Array]:
        if not encode:
            encode.append(_encoder(protocol, chunk * views, recipe.input_size))
        batch = next(view_batches(part, recipe, works, chunk, device=protocol.device))
        with torch.inference_mode():
            found = encode[0](batch)
        return {
            name: value.reshape(len(works), views, *value.shape[1:]).half().cpu().numpy()
            for name, value in found.items()
        }

    return store.fill(compute)


def _encoder(protocol: Protocol, batch: int, size: int) -> Callable[[Tensor], dict[str, Tensor]]:
    if torch.device(protocol.device).type == "cpu":
        return CompiledEncoder(protocol.encoder.cpu(), batch, size)
    return protocol.encoder.to(protocol.device).eval()
