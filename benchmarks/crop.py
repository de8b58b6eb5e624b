"""Content-aware crop: batches of pictures against a loop over pictures, layers and maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from benchmarks import interleaved
from imet.crop import POSTER, boxes_from_saliency, saliency
from imet.models.backbones import build_backbone
from imet.models.encoder import Encoder

SIZE = 224


def by_layer(encoder: Encoder, view: torch.Tensor) -> np.ndarray:
    """The box as one would first code it: keep every output, then scale up and add map by map."""
    outputs: list[torch.Tensor] = []
    hooks = [
        module.register_forward_hook(lambda m, i, output: outputs.append(output.clone()))
        for module in encoder.backbone.modules()
        if isinstance(module, nn.Conv2d)
    ]
    with torch.inference_mode():
        encoder.maps(view)
    for hook in hooks:
        hook.remove()
    total = torch.zeros(SIZE, SIZE)
    for maps in outputs[: POSTER.layers]:
        rim = round(POSTER.rim * maps.shape[-1] + 0.499)
        inner = maps[0, :, rim:-rim, rim:-rim]  # (C, h, w)
        spread, layer, used = inner.std(correction=0), torch.zeros(SIZE, SIZE), 0
        for one in inner:
            if one.std(correction=0) >= POSTER.cutoff * spread:
                frame = torch.cat([one[0], one[-1], one[:, 0], one[:, -1]])
                apart = (one - frame.median()).abs() / spread
                apart = F.pad(apart[None, None], (rim,) * 4, mode="replicate")
                layer += F.interpolate(apart, (SIZE, SIZE), mode="nearest")[0, 0]
                used += 1
        layer /= max(used, 1)
        total += (layer - layer.min()) / (layer.max() - layer.min()).clamp_min(1e-12)
    return boxes_from_saliency(total[None].numpy(), POSTER.tail)[0]


def run(pictures: int = 32, rounds: int = 3) -> dict[str, Any]:
    """Median rates over interleaved rounds in pictures per second, on smooth random pictures."""
    backbone = build_backbone("efficientnet_lite0", "random")
    encoder = Encoder(backbone, backbone.mean, backbone.std).eval()
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(pictures, 3, 8, 8, generator=generator) * 255
    views = F.interpolate(coarse, (SIZE, SIZE), mode="bicubic").clamp(0, 255).byte()
    boxes: dict[str, np.ndarray] = {}

    def ours() -> None:
        batches = [saliency(encoder, batch).numpy() for batch in views.split(8)]
        boxes["ours"] = boxes_from_saliency(np.concatenate(batches), POSTER.tail)

    def peer() -> None:
        boxes["peer"] = np.stack([by_layer(encoder, view[None]) for view in views[:8]])

    seconds = interleaved({"ours": ours, "peer": peer}, rounds)
    ours_rate, peer_rate = pictures / seconds["ours"], 8 / seconds["peer"]
    return {
        "name": "crop",
        "what": "boxes of 224-pixel views from the first 8 convolutions of EfficientNet-Lite0; "
        "peer: the whole network, then a Python loop over layers and maps",
        "ours": ours_rate,
        "peer": peer_rate,
        "ratio": ours_rate / peer_rate,
        "unit": "pictures/s",
        "largest_difference": float(np.abs(boxes["ours"][:8] - boxes["peer"]).max()),
    }


if __name__ == "__main__":
    print(run())
