"""From views to features: normalise, run the backbone once, keep what the heads ask for."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imet.hog import hog_cells
from imet.models.backbones import Backbone

FEATURES = ("pooled", "spatial", "hog_cells", "grid")
GRID = 7


class Encoder(nn.Module):
    """Views to named features.

    Args:
        mean, std: per-channel normalisation, RGB in [0, 1].
        names: which features: "pooled" (B, D), the mean of the feature maps; "spatial" (B, P, D),
            their P = h·w positions; "hog_cells" (B, rows, columns, 8), the cells of the histogram
            of oriented gradients; "grid" (B, D·49), the maps averaged to 7 × 7 and laid out as
            torchvision's VGG16 hands them to its first fully connected layer.
        frozen: the backbone gets no gradients, and its batch norm stays in evaluation mode.
        update_bn_stats: let a frozen backbone's batch norm update its statistics (as coded).

    Examples:
        >>> from imet.models.backbones import build_backbone
        >>> encoder = Encoder(build_backbone("timm/test_resnet", "random"), [0.5] * 3, [0.5] * 3)
        >>> features = encoder(torch.zeros(2, 3, 64, 64, dtype=torch.uint8))
        >>> features["pooled"].shape[0]
        2
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: Backbone,
        mean: Sequence[float],
        std: Sequence[float],
        names: Sequence[str] = ("pooled",),
        frozen: bool = True,
        update_bn_stats: bool = False,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.names, self.frozen, self.update_bn_stats = tuple(names), frozen, update_bn_stats
        self.computes_in: torch.dtype | None = None  # the backbone; None: float32
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
        if frozen:
            backbone.requires_grad_(False)

    def train(self, mode: bool = True) -> Encoder:
        """Set training mode; a frozen backbone stays in evaluation mode (see `frozen`)."""
        super().train(mode)
        if self.frozen and not self.update_bn_stats:
            self.backbone.eval()
        return self

    def maps(self, views: Tensor) -> Tensor:
        """Feature maps of uint8 views, (B, 3, S, S) to (B, D, h, w) in float32."""
        images = (views.float() / 255 - self.mean) / self.std  # (B, 3, S, S)
        images = images.contiguous(memory_format=torch.channels_last)
        if self.computes_in is None:
            return self.backbone(images)
        with torch.autocast(images.device.type, self.computes_in):
            return self.backbone(images).float()

    def forward(self, views: Tensor) -> dict[str, Tensor]:
        """Features of uint8 views (B, 3, S, S)."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            maps = self.maps(views)  # (B, D, h, w)
        return self.features(maps, views)

    def features(self, maps: Tensor, views: Tensor) -> dict[str, Tensor]:
        """The features asked for, from feature maps (B, D, h, w) and the views they came from."""
        compute = {
            "pooled": lambda: maps.mean((2, 3)),  # (B, D)
            "spatial": lambda: maps.flatten(2).transpose(1, 2),  # (B, P, D)
            "hog_cells": lambda: hog_cells(views),  # (B, rows, columns, 8)
            "grid": lambda: F.adaptive_avg_pool2d(maps, GRID).flatten(1),  # (B, D·49)
        }
        return {name: compute[name]() for name in self.names}


class OpenVinoEncoder:
    """A frozen encoder compiled by OpenVINO: the same float32 numbers, about four times faster.

    For CPUs. Numbers agree with PyTorch's to float32 rounding; half precision is not used, since
    it is slower on processors without instructions for it. A call takes `batch` views of `size`
    pixels; a shorter last batch is filled up with zeros.
    """

    def __init__(self, encoder: Encoder, batch: int, size: int) -> None:
        # openvino reports its use to a server if it can import this package, which must not happen
        # in a report that anybody may run; without it, openvino uses its own silent stand-in.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        import openvino

        class Maps(nn.Module):
            def forward(self, views: Tensor) -> Tensor:
                return encoder.maps(views)

        wrapped = Maps()
        wrapped.encoder = encoder
        example = torch.zeros(1, 3, size, size, dtype=torch.uint8)
        with torch.no_grad():
            model = openvino.convert_model(wrapped.eval(), example_input=example)
        model.reshape([batch, 3, size, size])
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        self._compiled = openvino.compile_model(model, "CPU", settings)
        self.encoder, self.batch = encoder, batch

    def __call__(self, views: Tensor) -> dict[str, Tensor]:
        """Features of uint8 views (B, 3, S, S), B up to `batch`."""
        count = len(views)
        filled = np.zeros((self.batch, *views.shape[1:]), np.uint8)
        filled[:count] = views.numpy()
        maps = torch.from_numpy(self._compiled(filled)[0][:count])  # (B, D, h, w)
        return self.encoder.features(maps, views)
