"""Frozen features of views on a CPU; peer: the same network in PyTorch, float32, eager."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from benchmarks import interleaved
from imet.config import resolve
from imet.models.encoder import OpenVinoEncoder
from imet.models.registry import build_encoder

VIEWS = 96  # sixteen works, as in extraction


def run(rounds: int = 5) -> dict[str, Any]:
    """Views per second, both ways, on all cores, with the sample profile's backbone."""
    recipe = resolve("resnet50", "sample")
    encoder = build_encoder(recipe).eval()
    side = recipe.input_size
    compiled = OpenVinoEncoder(encoder, VIEWS, side)
    rng = np.random.default_rng(0)
    views = torch.from_numpy(rng.integers(0, 256, (VIEWS, 3, side, side), dtype=np.uint8))
    value = {}

    def ours() -> None:
        value["ours"] = compiled(views)["pooled"]

    def peer() -> None:
        # What a user would write: normalise, then the network as it was loaded.
        images = (views.float() / 255 - encoder.mean) / encoder.std
        value["peer"] = encoder.backbone.network(images).mean((2, 3))

    with torch.inference_mode():
        seconds = interleaved({"ours": ours, "peer": peer}, rounds)
    torch.testing.assert_close(value["ours"], value["peer"], atol=1e-3, rtol=1e-3)
    return {
        "name": "features",
        "what": f"{recipe.backbone} features of {side} px views, float32; peer: PyTorch "
        f"{torch.__version__} eager float32",
        "ours": VIEWS / seconds["ours"],
        "peer": VIEWS / seconds["peer"],
        "ratio": seconds["peer"] / seconds["ours"],
        "unit": "views/s",
    }
